// Assembled levels for PETSc's own multigrid, `-..._pc_type mg`.
#pragma once

#include <vector>

#include "kolmo/linear/matrix_free.hpp"

namespace kolmo {

/// Coarse matrices by pairwise aggregation of the cells of each rank's box: with P piecewise constant, A_coarse = P^T A
/// P / 2 (plus the other half of the shift). P^T A P alone is too stiff by 2, since it keeps the fine distances between
/// the coarse values; halved it is the finite-volume operator on the coarse grid, for variable coefficients too.
template <int Dim>
class LevelMatrices {
 public:
  /// Levels that can be made, the finest included.
  static int available(const Decomposition<Dim>& unknowns);

  LevelMatrices(const MatrixFree<Dim>& system, Mat finest, int levels);
  /// New coefficients of the same pattern.
  void update(const MatrixFree<Dim>& system, Mat finest);
  /// Gives a PC of type mg its levels: Galerkin-like matrices, symmetric Gauss-Seidel smoothing, a direct coarsest
  /// solve.
  void attach(PC pc) const;

 private:
  void interpolation(const Index<Dim>& fine, const Index<Dim>& coarse, MPI_Comm comm);
  void coarsen(bool reuse, const MatrixFree<Dim>& system, Mat finest);

  int levels_;
  std::vector<petsc::Handle<Mat>> interpolations_;  // [l]: from level l + 1 (0 the finest) to level l
  std::vector<petsc::Handle<Mat>> matrices_;        // [l]: of level l + 1
};

/// The DMDA of a decomposition in two or three dimensions: same boxes, same numbering. Null elsewhere, and where a box
/// is empty.
template <int Dim>
petsc::Handle<DM> attached_dmda(const Decomposition<Dim>& unknowns);

}  // namespace kolmo
