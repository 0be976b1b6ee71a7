/// A linear system as a PETSc KSP with a prefix, solved for packed unknowns of a decomposition.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "kolmo/base/petsc.hpp"
#include "kolmo/linear/operators.hpp"

namespace kolmo {

enum class SolverMethod {
  automatic,  ///< tensor where the operator is separable, else boxmg; printed with its reason
  tensor,     ///< KSPPREONLY + the direct `tensor` preconditioner
  boxmg,      ///< conjugate gradients (KSP type `fusedcg`) + matrix-free geometric multigrid
  cg,         ///< the same + Jacobi, matrix-free
  aij         ///< an assembled matrix: KSPCG + hypre unless options say otherwise
};

struct SolverOptions {
  SolverMethod method = SolverMethod::automatic;
  double relative_tolerance = 1e-8;  ///< of the true residual against the right-hand side, iterative methods only
  double absolute_tolerance = 0.0;
  int max_iterations = 500;
};

/// What a solve took.
struct SolveStatistics {
  std::int64_t count = 0, iterations = 0;
  int max_iterations = 0, last_iterations = 0;
  double last_residual = 0.0;
};

/// Solves A q = b. The KSP has the options prefix given (`-pressure_`), so the user's command line changes any of it; a
/// PC that needs an assembled matrix (hypre, gamg, lu, mg ...) gets one (`mg`: a DMDA is attached in 2-D and 3-D).
/// Singular systems (null space: the constant) are solved in the sense of least squares: the mean of b is removed, q is
/// returned with zero volume-weighted mean (separable) or zero mean (FaceConductances). Throws NotConverged (never
/// returns an unconverged q), InputError for `tensor` on an operator that is not separable.
template <int Dim>
class Solver {
 public:
  Solver(std::string prefix, const Decomposition<Dim>& unknowns, const SeparableOperator<Dim>& op,
         const SolverOptions& options);
  Solver(std::string prefix, const Decomposition<Dim>& unknowns, FaceConductances<Dim> op,
         const SolverOptions& options);
  ~Solver();
  Solver(Solver&&) noexcept;
  Solver& operator=(Solver&&) noexcept;

  /// Both packed over the owned box, x fastest; in place (b == q) is allowed. With `warm_start`, q holds a first guess
  /// (not in place).
  void solve(const double* b, double* q, bool warm_start = false);
  /// New shift and scale of the same separable operator (implicit viscosity with a new dt); keeps plans and work
  /// arrays.
  void set_shift(double shift, double scale);
  /// New coefficients on the same grid.
  void set_conductances(const FaceConductances<Dim>& op);

  const SolveStatistics& statistics() const;
  /// "tensor: FFT in x, y; tridiagonal in z" and why it was chosen; for the log and run.toml.
  std::string description() const;
  KSP ksp() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace kolmo
