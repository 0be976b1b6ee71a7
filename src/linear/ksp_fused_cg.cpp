// Conjugate gradients (Hestenes & Stiefel 1952) as a KSP type `fusedcg`: PETSc's KSPCG in fewer passes over memory. The
// product p . A p comes with the product, both updates and the residual's norm are one pass, and the constant is not
// taken out of every preconditioned vector where the preconditioner does that itself.
#include <petsc/private/kspimpl.h>

#include <algorithm>
#include <cmath>

#include "dot.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/base/parallel.hpp"
#include "preconditioners.hpp"

namespace kolmo {

namespace {

constexpr const char* told_null_space = "fusedcg_null_space";

/// Arrays of the vectors of one solve.
class Arrays {
 public:
  explicit Arrays(KSP ksp) : ksp_(ksp) {
    petsc::check(VecGetLocalSize(ksp->vec_sol, &n));
    petsc::check(VecGetArrayRead(ksp->vec_rhs, &b));
    petsc::check(VecGetArray(ksp->vec_sol, &x));
    petsc::check(VecGetArray(ksp->work[0], &r));
    petsc::check(VecGetArray(ksp->work[1], &z));
    petsc::check(VecGetArray(ksp->work[2], &p));
  }
  ~Arrays() {
    (void)VecRestoreArray(ksp_->work[2], &p);
    (void)VecRestoreArray(ksp_->work[1], &z);
    (void)VecRestoreArray(ksp_->work[0], &r);
    (void)VecRestoreArray(ksp_->vec_sol, &x);
    (void)VecRestoreArrayRead(ksp_->vec_rhs, &b);
  }
  Arrays(const Arrays&) = delete;
  Arrays& operator=(const Arrays&) = delete;

  PetscInt n = 0;
  const PetscScalar* b = nullptr;
  PetscScalar *x = nullptr, *r = nullptr, *z = nullptr, *p = nullptr;  ///< z = M^-1 r, and A p once that is spent

 private:
  KSP ksp_;
};

System& system_of(KSP ksp) {
  Mat matrix = nullptr;
  PetscBool shell = PETSC_FALSE;
  System* system = nullptr;
  petsc::check(KSPGetOperators(ksp, &matrix, nullptr));
  petsc::check(PetscObjectTypeCompare(reinterpret_cast<PetscObject>(matrix), MATSHELL, &shell));
  if (shell) petsc::check(MatShellGetContext(matrix, &system));
  if (!system) throw InputError("the KSP type fusedcg works on Kolmo's own operators only");
  return *system;
}

/// x += alpha p, r -= alpha z with z = A p; returns this rank's part of r . r.
double update(double alpha, const Arrays& v) {
  constexpr std::ptrdiff_t block = 512;
  double sum = 0.0;
  for (std::ptrdiff_t begin = 0; begin < v.n; begin += block) {
    const std::ptrdiff_t end = std::min<std::ptrdiff_t>(begin + block, v.n);
#pragma GCC ivdep
    for (std::ptrdiff_t i = begin; i < end; ++i) {
      v.x[i] += alpha * v.p[i];
      v.r[i] -= alpha * v.z[i];
    }
    sum += dot(end - begin, v.r + begin, v.r + begin);
  }
  return sum;
}

/// Iterations of one solve.
class Iteration {
 public:
  explicit Iteration(KSP ksp)
      : ksp_(ksp), system_(system_of(ksp)), comm_(PetscObjectComm(reinterpret_cast<PetscObject>(ksp))) {
    PetscBool own = PETSC_FALSE;
    petsc::check(PetscObjectTypeCompare(reinterpret_cast<PetscObject>(ksp->pc), "boxmg", &own));
    keeps_mean_ = own;
    Mat matrix = nullptr;
    MatNullSpace constant = nullptr;
    PetscObject told = nullptr;
    petsc::check(KSPGetOperators(ksp, &matrix, nullptr));
    petsc::check(MatGetNullSpace(matrix, &constant));
    petsc::check(PetscObjectQuery(reinterpret_cast<PetscObject>(matrix), told_null_space, &told));
    removes_mean_ = constant || told;
  }

  void run() {
    double rr = start();
    ksp_->its = 0;
    if (finished(rr)) return;
    double rz_before = 1.0;
    while (ksp_->its < ksp_->max_it) {
      precondition();
      const Arrays v(ksp_);
      const bool first = ksp_->its == 0;
      const double rz = comm_.sum(dot(v.n, v.r, first ? v.p : v.z));
      if (broken(rz, KSP_DIVERGED_INDEFINITE_PC)) return;
      if (!first) {
        const double beta = rz / rz_before;
#pragma GCC ivdep
        for (PetscInt i = 0; i < v.n; ++i) v.p[i] = v.z[i] + beta * v.p[i];
      }
      const double pap = comm_.sum(system_.apply_dot(v.p, v.z));
      if (broken(pap, KSP_DIVERGED_INDEFINITE_MAT)) return;
      rr = comm_.sum(update(rz / pap, v));
      rz_before = rz;
      ++ksp_->its;
      if (finished(rr)) return;
    }
    ksp_->reason = KSP_DIVERGED_ITS;
  }

 private:
  /// r := b - A x, without the mean of b where the constant is in the null space; returns r . r.
  double start() {
    const Arrays v(ksp_);
    double mean = 0.0;
    if (removes_mean_) {
      double sums[2] = {sum_of(v.n, [&](std::ptrdiff_t i) { return v.b[i]; }), static_cast<double>(v.n)};
      comm_.sum(sums, 2);
      mean = sums[0] / sums[1];
    }
    if (!ksp_->guess_zero) (void)system_.apply_dot(v.x, v.z);
    for (PetscInt i = 0; i < v.n; ++i) v.r[i] = v.b[i] - mean;
    if (!ksp_->guess_zero)
      for (PetscInt i = 0; i < v.n; ++i) v.r[i] -= v.z[i];
    return comm_.sum(dot(v.n, v.r, v.r));
  }

  /// z, the first direction at once, := M^-1 r.
  void precondition() {
    const Vec to = ksp_->work[ksp_->its == 0 ? 2 : 1];
    petsc::check(keeps_mean_ ? PCApply(ksp_->pc, ksp_->work[0], to) : KSP_PCApply(ksp_, ksp_->work[0], to));
  }

  bool finished(double rr) {
    ksp_->rnorm = ksp_->normtype == KSP_NORM_NONE ? 0.0 : std::sqrt(rr);
    petsc::check(KSPLogResidualHistory(ksp_, ksp_->rnorm));
    petsc::check(KSPMonitor(ksp_, ksp_->its, ksp_->rnorm));
    petsc::check((*ksp_->converged)(ksp_, ksp_->its, ksp_->rnorm, &ksp_->reason, ksp_->cnvP));
    return ksp_->reason != KSP_CONVERGED_ITERATING;
  }

  /// A square that is not positive ends the solve.
  bool broken(double square, KSPConvergedReason why) {
    if (square > 0.0) return false;
    ksp_->reason = std::isfinite(square) ? why : KSP_DIVERGED_NANORINF;
    return true;
  }

  KSP ksp_;
  System& system_;
  Communicator comm_;
  bool keeps_mean_ = false;    // the preconditioner's answers have none
  bool removes_mean_ = false;  // the constant is in the null space
};

/// PETSc's own work vectors come with one more, to copy from.
PetscErrorCode set_up(KSP ksp) {
  return petsc::guarded([&] {
    if (ksp->work) return;
    Mat matrix = nullptr;
    PetscInt rows = 0, all = 0;
    petsc::check(KSPGetOperators(ksp, &matrix, nullptr));
    petsc::check(MatGetLocalSize(matrix, &rows, nullptr));
    petsc::check(MatGetSize(matrix, &all, nullptr));
    petsc::Handle<Vec> shape;
    const MPI_Comm comm = PetscObjectComm(reinterpret_cast<PetscObject>(ksp));
    petsc::check(VecCreateMPIWithArray(comm, 1, rows, all, nullptr, shape.put()));
    petsc::check(VecDuplicateVecs(shape, 3, &ksp->work));
    ksp->nwork = 3;
  });
}

PetscErrorCode solve(KSP ksp) {
  return petsc::guarded([&] { Iteration(ksp).run(); });
}

PetscErrorCode create(KSP ksp) {
  return petsc::guarded([&] {
    petsc::check(KSPSetSupportedNorm(ksp, KSP_NORM_UNPRECONDITIONED, PC_LEFT, 3));
    petsc::check(KSPSetSupportedNorm(ksp, KSP_NORM_NONE, PC_LEFT, 1));
    ksp->ops->setup = set_up;
    ksp->ops->solve = solve;
    ksp->ops->destroy = KSPDestroyDefault;
    ksp->ops->buildsolution = KSPBuildSolutionDefault;
    ksp->ops->buildresidual = KSPBuildResidualDefault;
  });
}

}  // namespace

void tell_null_space(Mat matrix, MatNullSpace constant) {
  petsc::check(PetscObjectCompose(reinterpret_cast<PetscObject>(matrix), told_null_space,
                                  reinterpret_cast<PetscObject>(constant)));
}

void register_fused_cg() { petsc::check(KSPRegister(fused_cg, create)); }

}  // namespace kolmo
