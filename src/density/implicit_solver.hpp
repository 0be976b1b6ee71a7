// (I - a L) p = b as a PETSc KSP with the prefix `density_`.
#pragma once

#include <functional>
#include <string>

#include "generator.hpp"
#include "kolmo/base/petsc.hpp"
#include "kolmo/linear/solver.hpp"
#include "kolmo/transport/implicit.hpp"

namespace kolmo::density {

/// An approximate inverse of I - a L for packed arrays, as a preconditioner of the matrix-free form.
using Preconditioner = std::function<void(double a, const double* b, double* q)>;

/// Assembled (MPIAIJ) or matrix-free; nonsymmetric. The true residual is watched, and the tolerance is relative to b.
template <int Dim>
class ImplicitSolver {
 public:
  /// Throws InputError for a method that does not fit. `preconditioner` may be empty: Jacobi. same_steps: a is mostly
  /// the same from solve to solve, so that factors are worth having.
  ImplicitSolver(Generator<Dim>& generator, const SolverSettings& settings, bool same_steps,
                 Preconditioner preconditioner = {});
  ~ImplicitSolver();
  ImplicitSolver(ImplicitSolver&&) noexcept;

  /// p := solution; p holds the first guess. Takes the generator's present coefficients. Throws NotConverged.
  void solve(double a, const Field<Dim>& b, Field<Dim>& p);
  const SolveStatistics& statistics() const;
  std::string description() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// MPIAIJ matrix shift I - scale L with every neighbour in its pattern, and its refill.
template <int Dim>
petsc::Handle<Mat> make_matrix(const Generator<Dim>& generator);
template <int Dim>
void fill_matrix(const Generator<Dim>& generator, const transport::Numbering<Dim>& number, double shift, double scale,
                 Mat matrix);

}  // namespace kolmo::density
