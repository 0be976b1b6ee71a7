/// Matrix-free geometric multigrid on boxes, PETSc type `boxmg`.
#pragma once

#include <memory>
#include <string>

#include "kolmo/base/petsc.hpp"
#include "kolmo/linear/operators.hpp"

namespace kolmo {

/// Approximates the inverse of a FaceConductances operator by one V-cycle in single precision (Trottenberg, Oosterlee &
/// Schueller 2001, chapters 2 and 5): red-black Gauss-Seidel, piecewise-constant transfers, coarse conductances by
/// summation times the ratio of the distances (never by point sampling: density ratio 1000 converges). Symmetric
/// positive (semi)definite, so that CG may use it.
///
/// Every level merges the strongly coupled neighbours first: effective cell widths follow from the ratios of the
/// conductances, and only cells below a multiple of the smallest width merge. On a clustered axis that is its clustered
/// part, so point smoothing suffices whatever the stretching and in any number of directions. Where one direction alone
/// is clustered strongly, its lines are solved exactly and only the others are coarsened, which costs less; lines that
/// are cut move to a decomposition in which they are whole. Small levels are held whole by every rank; the last is
/// solved directly. Any cut, any size, periodic or not.
///
/// Singular operators: the mean is removed from b and from q. Cells without any conductance (solid) stay zero.
template <int Dim>
class Multigrid {
 public:
  /// Collective. The levels are chosen here, from the widths that `op` shows; density may vary later, the grid may not.
  /// Throws InternalError where the arrays do not fit the decomposition.
  Multigrid(const Decomposition<Dim>& unknowns, const FaceConductances<Dim>& op);
  ~Multigrid();
  Multigrid(Multigrid&&) noexcept;
  Multigrid& operator=(Multigrid&&) noexcept;
  /// New coefficients on the same levels, without allocation (but for the first shift).
  void set_conductances(const FaceConductances<Dim>& op);
  /// q := M^-1 b, packed over the owned box, x fastest; in place allowed. Allocates nothing; repeats bitwise on the
  /// same ranks.
  void apply(const double* b, double* q);
  /// "boxmg: V(4,4), red-black points, levels 64x64x64 32x32x32 ..."
  std::string description() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace kolmo
