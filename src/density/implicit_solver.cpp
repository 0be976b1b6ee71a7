#include "implicit_solver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "kolmo/base/error.hpp"
#include "kolmo/base/phase.hpp"

namespace kolmo::density {

namespace {
constexpr const char* prefix = "density_";

std::string option(const char* name) {
  char value[256] = "";
  PetscBool given = PETSC_FALSE;
  petsc::check(PetscOptionsGetString(nullptr, prefix, name, value, sizeof(value), &given));
  return given ? value : "";
}
}  // namespace

template <int Dim>
struct ImplicitSolver<Dim>::Parts {
  Parts(Generator<Dim>& g, const SolverSettings& s, bool same_steps, Preconditioner p)
      : generator(g), settings(s), preconditioner(std::move(p)) {
    choose(same_steps && g.autonomous());
    create();
  }

  /// Factors of lines and planes pay if they serve many steps; fill and time grow like the power 3/2 of the cells.
  bool factors_pay() const {
    const transport::ControlVolumes<Dim>& v = generator.volumes();
    return Dim <= 2 && v.comm().size() == 1 && v.unknowns().global_size() <= (Dim == 1 ? 1000000 : 300000);
  }

  void choose(bool same_matrix) {
    switch (settings.method) {
      case LinearMethod::boxmg:
        throw InputError("solver.method: boxmg is for symmetric operators; use gmres (matrix-free) or aij");
      case LinearMethod::automatic:
        assembled = Dim <= 3;
        pc = assembled ? (generator.volumes().comm().size() == 1 ? PCILU : PCBJACOBI) : "";
        reason = assembled ? "automatic: up to three dimensions" : "automatic: more than three dimensions";
        if (same_matrix && factors_pay()) {
          pc = PCLU;
          reason = "automatic: factors serve all steps";
        }
        break;
      case LinearMethod::aij:
        assembled = true;
        pc = PCHYPRE;
        reason = "as asked";
        break;
      default:
        assembled = false;
        reason = "as asked";
    }
    if (!assembled) pc = preconditioner ? PCSHELL : PCJACOBI;
    const std::string user = option("-pc_type");
    if (!user.empty()) {
      pc = user;
      reason = "by option";
      if (!assembled && user != PCJACOBI && user != PCNONE && user != PCSHELL) assembled = true;
    }
  }

  void create() {
    const MPI_Comm comm = generator.volumes().comm().handle();
    const auto n = static_cast<PetscInt>(generator.volumes().box().size());
    petsc::check(MatCreateShell(comm, n, n, PETSC_DETERMINE, PETSC_DETERMINE, this, shell.put()));
    auto set = [&](MatOperation what, auto* function) {
      petsc::check(MatShellSetOperation(shell, what, reinterpret_cast<void (*)()>(function)));
    };
    set(MATOP_MULT, &multiply);
    set(MATOP_GET_DIAGONAL, &diagonal);
    if (assembled) {
      matrix = make_matrix(generator);
      number.emplace(generator.volumes().unknowns());
    }
    if (!assembled || generator.wide()) work = generator.make_field(), product = generator.make_field();
    petsc::check(VecCreateMPI(comm, n, PETSC_DETERMINE, right.put()));
    petsc::check(VecDuplicate(right, solution.put()));
    petsc::check(VecDuplicate(right, residual.put()));
  }

  /// Once, at the first solve: the operator has entries by then.
  void configure() {
    petsc::check(KSPCreate(generator.volumes().comm().handle(), ksp.put()));
    petsc::check(KSPSetOptionsPrefix(ksp, prefix));
    petsc::check(KSPSetType(ksp, Dim <= 3 ? KSPGMRES : KSPBCGS));
    petsc::check(KSPSetPCSide(ksp, PC_RIGHT));
    petsc::check(KSPSetInitialGuessNonzero(ksp, PETSC_TRUE));
    // Bi-CGStab may wander far before it converges.
    petsc::check(KSPSetTolerances(ksp, settings.tolerance, 1e-300, 1e30, settings.max_iterations));
    PC inner = nullptr;
    petsc::check(KSPGetPC(ksp, &inner));
    petsc::check(PCSetType(inner, pc.c_str()));
    if (pc == PCILU && Dim == 2) petsc::check(PCFactorSetLevels(inner, 2));
    if (pc == PCSHELL) {
      petsc::check(PCShellSetContext(inner, this));
      petsc::check(PCShellSetApply(inner, &precondition));
      petsc::check(PCShellSetName(inner, "line solves"));
    }
    // The matrix holds two-point fluxes: within a factor of 4/3 of those of four points, and a good start for them.
    const Mat near = assembled ? matrix.get() : shell.get();
    petsc::check(KSPSetOperators(ksp, generator.wide() ? shell.get() : near, near));
    petsc::check(KSPSetFromOptions(ksp));
    KSPType type = nullptr;
    petsc::check(KSPGetType(ksp, &type));
    direct = std::string(type) == KSPPREONLY;
    if (direct) petsc::check(KSPSetInitialGuessNonzero(ksp, PETSC_FALSE));
  }

  void update(double a) {
    if (a == factor && version == generator.version()) return;
    factor = a;
    version = generator.version();
    if (assembled) {
      static const Phase phase("density matrix");
      const Phase::Scope scope(phase);
      fill_matrix(generator, *number, 1.0, a, matrix);
    }
    if (!assembled || generator.wide()) {
      petsc::check(MatAssemblyBegin(shell, MAT_FINAL_ASSEMBLY));  // tells the preconditioner of new numbers
      petsc::check(MatAssemblyEnd(shell, MAT_FINAL_ASSEMBLY));
    }
    if (!ksp) configure();
  }

  void solve(double a, const Field<Dim>& b, Field<Dim>& p) {
    update(a);
    static const Phase phase("density solve");
    const Phase::Scope scope(phase);
    const Box<Dim>& box = generator.volumes().box();
    copy_in(b, right);
    copy_in(p, solution);
    petsc::check(KSPSolve(ksp, right, solution));
    finish();
    const double* values = nullptr;
    petsc::check(VecGetArrayRead(solution, &values));
    unpack(values, box, p);
    petsc::check(VecRestoreArrayRead(solution, &values));
  }

  void copy_in(const Field<Dim>& from, Vec to) {
    double* values = nullptr;
    petsc::check(VecGetArrayWrite(to, &values));
    pack(from, generator.volumes().box(), values);
    petsc::check(VecRestoreArrayWrite(to, &values));
  }

  /// Counts, and judges by the true residual.
  void finish() {
    KSPConvergedReason outcome = KSP_CONVERGED_ITERATING;
    PetscInt iterations = 0;
    PetscReal size = 0.0, left = 0.0, relative = 0.0;
    petsc::check(KSPGetConvergedReason(ksp, &outcome));
    petsc::check(KSPGetIterationNumber(ksp, &iterations));
    petsc::check(KSPGetTolerances(ksp, &relative, nullptr, nullptr, nullptr));
    Mat operators = nullptr;
    petsc::check(KSPGetOperators(ksp, &operators, nullptr));
    petsc::check(VecNorm(right, NORM_2, &size));
    petsc::check(MatMult(operators, solution, residual));
    petsc::check(VecAYPX(residual, -1.0, right));
    petsc::check(VecNorm(residual, NORM_2, &left));
    if (size > 0.0) left /= size;
    statistics.count += 1;
    statistics.iterations += iterations;
    statistics.last_iterations = static_cast<int>(iterations);
    statistics.max_iterations = std::max(statistics.max_iterations, statistics.last_iterations);
    statistics.last_residual = left;
    // A preconditioned norm asked for by option may stop far above the tolerance.
    const double limit = std::max(100.0 * relative, 1e-10);
    if (outcome > 0 && left <= limit) return;
    if (std::isfinite(left) && (size > 0.0 ? left * size : left) <= round_off(operators)) return;
    throw NotConverged(prefix, outcome > 0 ? "true residual above the tolerance" : KSPConvergedReasons[outcome],
                       static_cast<int>(iterations), left);
  }

  /// What one product with A = I - a L may be off by, whatever the outcome says: dt D / h^2 above 1e6 leaves no more
  /// digits to the residual, C eps || diag(A) p ||. Every cell counts with its own rate: the fastest ones of stretched
  /// grids often hold next to nothing. The error is no larger, since A^-1 keeps sums and signs. Collective.
  double round_off(Mat operators) {
    constexpr double few = 32.0;
    PetscReal size = 0.0;
    petsc::check(MatGetDiagonal(operators, residual));
    petsc::check(VecPointwiseMult(residual, residual, solution));
    petsc::check(VecNorm(residual, NORM_2, &size));
    return few * std::numeric_limits<double>::epsilon() * size;
  }

  void apply(const double* from, double* to) {
    const Box<Dim>& box = generator.volumes().box();
    unpack(from, box, work);
    generator.exchange(work);
    product.fill(0.0);
    // L p alone: constants belong to the right-hand side.
    generator.apply(work, product, -factor);
    generator.add_constants(product, factor);
    for_each_row<Dim>(box, [&](const Index<Dim>& row) {
      const std::ptrdiff_t at = work.layout().offset(row);
      double* out = product.origin() + at;
      const double* in = work.origin() + at;
      for (int k = 0; k < box.extent(0); ++k) out[k] += in[k];
    });
    pack(product, box, to);
  }

  static PetscErrorCode multiply(Mat shell, Vec in, Vec out) {
    return petsc::guarded([&] {
      Parts* parts = nullptr;
      petsc::check(MatShellGetContext(shell, &parts));
      const double* from = nullptr;
      double* to = nullptr;
      petsc::check(VecGetArrayRead(in, &from));
      petsc::check(VecGetArrayWrite(out, &to));
      parts->apply(from, to);
      petsc::check(VecRestoreArrayWrite(out, &to));
      petsc::check(VecRestoreArrayRead(in, &from));
    });
  }

  static PetscErrorCode diagonal(Mat shell, Vec out) {
    return petsc::guarded([&] {
      Parts* parts = nullptr;
      petsc::check(MatShellGetContext(shell, &parts));
      double* to = nullptr;
      petsc::check(VecGetArrayWrite(out, &to));
      const Generator<Dim>& g = parts->generator;
      std::ptrdiff_t at = 0;
      for_each<Dim>(g.volumes().box(), [&](const Index<Dim>& i) {
        double sum = g.cross_terms().active() ? g.cross_terms().diagonal(i) : 0.0;
        for (int d = 0; d < Dim; ++d) {
          Index<Dim> above = i;
          ++above[d];
          sum += (g.linear_flux().face(d, above).low - g.linear_flux().face(d, i).high) *
                 g.volumes().line(d).inverse_width()[i[d]];
        }
        to[at++] = 1.0 + parts->factor * sum;
      });
      petsc::check(VecRestoreArrayWrite(out, &to));
    });
  }

  static PetscErrorCode precondition(PC pc, Vec in, Vec out) {
    return petsc::guarded([&] {
      Parts* parts = nullptr;
      petsc::check(PCShellGetContext(pc, &parts));
      const double* from = nullptr;
      double* to = nullptr;
      petsc::check(VecGetArrayRead(in, &from));
      petsc::check(VecGetArrayWrite(out, &to));
      parts->preconditioner(parts->factor, from, to);
      petsc::check(VecRestoreArrayWrite(out, &to));
      petsc::check(VecRestoreArrayRead(in, &from));
    });
  }

  std::string description() const {
    std::string type = option("-ksp_type");
    if (type.empty()) type = Dim <= 3 ? KSPGMRES : KSPBCGS;
    return fmt::format("{} + {}{} ({})", type, pc == PCSHELL ? "line solves" : pc,
                       assembled ? ", assembled" : ", matrix-free", reason);
  }

  Generator<Dim>& generator;
  SolverSettings settings;
  Preconditioner preconditioner;
  bool assembled = true, direct = false;
  std::string pc, reason;
  petsc::Handle<Mat> shell, matrix;
  std::optional<transport::Numbering<Dim>> number;
  petsc::Handle<Vec> right, solution, residual;
  petsc::Handle<KSP> ksp;
  Field<Dim> work, product;
  double factor = -1.0;
  std::int64_t version = -1;
  SolveStatistics statistics;
};

template <int Dim>
ImplicitSolver<Dim>::ImplicitSolver(Generator<Dim>& generator, const SolverSettings& settings, bool same_steps,
                                    Preconditioner p)
    : parts_(std::make_unique<Parts>(generator, settings, same_steps, std::move(p))) {}
template <int Dim>
ImplicitSolver<Dim>::~ImplicitSolver() = default;
template <int Dim>
ImplicitSolver<Dim>::ImplicitSolver(ImplicitSolver&&) noexcept = default;

template <int Dim>
void ImplicitSolver<Dim>::solve(double a, const Field<Dim>& b, Field<Dim>& p) {
  parts_->solve(a, b, p);
}
template <int Dim>
const SolveStatistics& ImplicitSolver<Dim>::statistics() const {
  return parts_->statistics;
}
template <int Dim>
std::string ImplicitSolver<Dim>::description() const {
  return parts_->description();
}

template class ImplicitSolver<1>;
template class ImplicitSolver<2>;
template class ImplicitSolver<3>;
template class ImplicitSolver<4>;
template class ImplicitSolver<5>;
template class ImplicitSolver<6>;

}  // namespace kolmo::density
