#include "kolmo/linear/solver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "dot.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/base/schema.hpp"
#include "kolmo/linear/matrix_free.hpp"
#include "level_matrices.hpp"
#include "preconditioners.hpp"

namespace kolmo {

namespace {

/// "-pressure_", "pressure" and "pressure_" are the same prefix.
std::string normalised(std::string prefix) {
  if (!prefix.empty() && prefix.front() == '-') prefix.erase(0, 1);
  if (!prefix.empty() && prefix.back() != '_') prefix += '_';
  return prefix;
}

/// Value of a PETSc option, "" where it is not given.
std::string option(const std::string& prefix, const char* name) {
  char value[256] = "";
  PetscBool given = PETSC_FALSE;
  petsc::check(PetscOptionsGetString(nullptr, prefix.c_str(), name, value, sizeof(value), &given));
  return given ? value : "";
}

void check_name(const std::string& prefix, const char* name, const std::string& value, PetscFunctionList list) {
  if (value.empty()) return;
  const char** found = nullptr;
  int count = 0;
  petsc::check(PetscFunctionListGet(list, &found, &count));
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i)
    if (found[i]) names.emplace_back(found[i]);  // the last entry is null
  petsc::check(PetscFree(found));
  if (std::find(names.begin(), names.end(), value) != names.end()) return;
  const std::string near = nearest_name(value, names);
  throw InputError(fmt::format("-{}{} {}: unknown to PETSc{}", prefix, name + 1, value,
                               near.empty() ? "" : fmt::format(" (did you mean {}?)", near)));
}

bool direct(const std::string& pc) { return pc == "tensor" || pc == PCLU || pc == PCCHOLESKY; }
bool matrix_free(const std::string& pc) { return pc == "tensor" || pc == "boxmg" || pc == PCJACOBI || pc == PCNONE; }

System& system_of(Mat matrix) {
  System* system = nullptr;
  petsc::check(MatShellGetContext(matrix, &system));
  return *system;
}

PetscErrorCode multiply(Mat matrix, Vec q, Vec aq) {
  return petsc::guarded([&] {
    const PetscScalar* from = nullptr;
    PetscScalar* to = nullptr;
    petsc::check(VecGetArrayRead(q, &from));
    petsc::check(VecGetArrayWrite(aq, &to));
    system_of(matrix).apply(from, to);
    petsc::check(VecRestoreArrayWrite(aq, &to));
    petsc::check(VecRestoreArrayRead(q, &from));
  });
}

PetscErrorCode diagonal(Mat matrix, Vec values) {
  return petsc::guarded([&] {
    PetscScalar* to = nullptr;
    petsc::check(VecGetArrayWrite(values, &to));
    system_of(matrix).diagonal(to);
    petsc::check(VecRestoreArrayWrite(values, &to));
  });
}

}  // namespace

template <int Dim>
struct Solver<Dim>::Parts {
  template <class Operator>
  Parts(std::string given_prefix, const Decomposition<Dim>& unknowns, Operator op, const SolverOptions& solver_options)
      : prefix(normalised(std::move(given_prefix))), options(solver_options), system(unknowns, std::move(op)) {
    if (unknowns.global_size() > PETSC_MAX_INT)
      throw InputError(fmt::format("{} unknowns are more than this PETSc can number (its integers have {} bits)",
                                   unknowns.global_size(), 8 * sizeof(PetscInt)));
    register_preconditioners();
    choose();
    find_dead_cells();
    create_objects();
    configure();
  }

  // Set-up ------------------------------------------------------------------------------------------------------------

  /// The default of the method, with the reason a log wants; the command line wins.
  void choose() {
    SolverMethod method = options.method;
    reason = "as asked";
    if (method == SolverMethod::automatic) {
      method = system.separable() ? SolverMethod::tensor : Dim <= 3 ? SolverMethod::boxmg : SolverMethod::cg;
      reason = system.separable() ? "automatic: the operator is separable on a tensor-product grid"
               : Dim <= 3         ? "automatic: variable coefficients"
                                  : "automatic: variable coefficients in more than three dimensions";
    }
    switch (method) {
      case SolverMethod::tensor:
        pc_type = "tensor";
        break;
      case SolverMethod::boxmg:
        pc_type = "boxmg";
        break;
      case SolverMethod::aij:
        pc_type = PCHYPRE;
        break;
      default:
        pc_type = PCJACOBI;
    }
    const std::string user_pc = option(prefix, "-pc_type"), user_ksp = option(prefix, "-ksp_type");
    petsc::check(KSPInitializePackage());
    check_name(prefix, "-pc_type", user_pc, PCList);
    check_name(prefix, "-ksp_type", user_ksp, KSPList);
    if (!user_pc.empty()) pc_type = user_pc;
    if (!user_pc.empty() || !user_ksp.empty()) reason = "by option";
    ksp_type = !user_ksp.empty() ? user_ksp : direct(pc_type) ? KSPPREONLY : conjugate_gradients();
    if (pc_type == "tensor" && !system.separable())
      throw InputError(fmt::format(
          "-{}pc_type tensor: the operator has variable coefficients and is not separable (use boxmg, hypre or gamg)",
          prefix));
  }

  /// Our own conjugate gradients, unless the options want what only PETSc's can do.
  const char* conjugate_gradients() const {
    for (const char* only : {"-ksp_norm_type", "-ksp_view_eigenvalues", "-ksp_view_singularvalues"})
      if (!option(prefix, only).empty()) return KSPCG;
    return matrix_free(pc_type) ? fused_cg : KSPCG;
  }

  void create_objects() {
    const MPI_Comm comm = system.comm();
    const auto local = static_cast<PetscInt>(system.local_size());
    System* context = &system;
    petsc::check(MatCreateShell(comm, local, local, PETSC_DETERMINE, PETSC_DETERMINE, context, shell.put()));
    auto set = [&](MatOperation what, auto* function) {
      petsc::check(MatShellSetOperation(shell, what, reinterpret_cast<void (*)()>(function)));
    };
    set(MATOP_MULT, &multiply);
    set(MATOP_MULT_TRANSPOSE, &multiply);
    set(MATOP_GET_DIAGONAL, &diagonal);
    petsc::check(MatSetOption(shell, MAT_SYMMETRIC, PETSC_TRUE));
    petsc::check(VecCreateMPIWithArray(comm, 1, local, PETSC_DETERMINE, nullptr, b.put()));
    petsc::check(VecCreateMPIWithArray(comm, 1, local, PETSC_DETERMINE, nullptr, q.put()));
    petsc::check(MatNullSpaceCreate(comm, PETSC_TRUE, 0, nullptr, null_space.put()));
  }

  void configure() {
    PC pc = nullptr;
    petsc::check(KSPCreate(system.comm(), ksp.put()));
    petsc::check(KSPSetOptionsPrefix(ksp, prefix.c_str()));
    petsc::check(KSPSetType(ksp, ksp_type.c_str()));
    petsc::check(KSPGetPC(ksp, &pc));
    petsc::check(PCSetType(pc, pc_type.c_str()));
    petsc::check(KSPSetTolerances(ksp, options.relative_tolerance, std::max(options.absolute_tolerance, 1e-300),
                                  PETSC_DEFAULT, options.max_iterations));
    exact = pc_type == "tensor" && ksp_type == KSPPREONLY;
    assemble();
    if (pc_type == PCMG) attach_levels(pc);
    petsc::check(KSPSetFromOptions(ksp));
    if (ksp_type != KSPPREONLY && option(prefix, "-ksp_norm_type").empty() && measures_true_residual())
      petsc::check(KSPSetNormType(ksp, KSP_NORM_UNPRECONDITIONED));
    petsc::check(KSPSetUp(ksp));
  }

  /// Methods of PETSc that can watch the true residual.
  bool measures_true_residual() const {
    static const char* const able[] = {KSPCG,     KSPFCG, KSPPIPECG,   KSPGROPPCG, KSPCGNE,  KSPGMRES,      KSPFGMRES,
                                       KSPLGMRES, KSPGCR, KSPBCGS,     KSPIBCGS,   KSPBCGSL, KSPRICHARDSON, KSPCR,
                                       KSPTFQMR,  KSPCGS, KSPPIPECGRR, KSPPIPEFCG, KSPFBCGS, fused_cg};
    return std::any_of(std::begin(able), std::end(able), [&](const char* name) { return ksp_type == name; });
  }

  /// The operators of the KSP: our product, and as preconditioning matrix the assembled one where the PC wants entries.
  void assemble() {
    const bool singular = system.singular() && !exact;  // the tensor solver looks after the constant itself
    const bool told = ksp_type == fused_cg && pc_type == "boxmg";
    petsc::check(MatSetNullSpace(shell, singular && !told ? null_space.get() : nullptr));
    tell_null_space(shell, singular && told ? null_space.get() : nullptr);
    if (matrix_free(pc_type)) {
      mark_changed(shell);
      petsc::check(KSPSetOperators(ksp, shell, shell));
      return;
    }
    const bool pinned = singular && direct(pc_type);
    if (assembled)
      system.fill(assembled, pinned);  // the same object, so that levels and factors hang on to it
    else
      assembled = system.assemble(pinned);
    MatNullSpace free = singular && !pinned ? null_space.get() : nullptr;
    petsc::check(MatSetNullSpace(assembled, free));
    petsc::check(MatSetNearNullSpace(assembled, free));
    petsc::check(KSPSetOperators(ksp, shell, assembled));
  }

  void attach_levels(PC pc) {
    int wanted = LevelMatrices<Dim>::available(system.unknowns());
    const std::string user = option(prefix, "-pc_mg_levels");
    if (!user.empty()) {
      PetscInt number = 0;
      petsc::check(PetscOptionsGetInt(nullptr, prefix.c_str(), "-pc_mg_levels", &number, nullptr));
      if (number < 1 || number > wanted)
        throw InputError(
            fmt::format("-{}pc_mg_levels {}: this grid on these ranks allows 1 to {}", prefix, number, wanted));
      wanted = static_cast<int>(number);
    }
    dm = attached_dmda(system.unknowns());
    if (dm) {
      petsc::check(KSPSetDM(ksp, dm));
      petsc::check(KSPSetDMActive(ksp, PETSC_FALSE));
    }
    levels.emplace(system, assembled, wanted);
    levels->attach(pc);
  }

  /// After new coefficients.
  void refresh() {
    assemble();
    if (assembled && !levels) {  // begun anew: algebraic multigrid would keep bounds of the old eigenvalues
      PC pc = nullptr;
      petsc::check(KSPGetPC(ksp, &pc));
      petsc::check(PCSetType(pc, PCNONE));
      petsc::check(PCSetType(pc, pc_type.c_str()));
      petsc::check(PCSetFromOptions(pc));
    }
    if (levels) levels->update(system, assembled);
    find_dead_cells();
  }

  /// Cells without any conductance or shift (inside a solid) take no part in a singular system.
  void find_dead_cells() {
    dead.clear();
    live = system.unknowns().global_size();
    if (system.separable() || !system.singular()) return;
    std::vector<double> values(system.local_size());
    system.diagonal(values.data());
    for (std::size_t i = 0; i < values.size(); ++i)
      if (values[i] == 0.0) dead.push_back(i);
    live -= system.unknowns().comm().sum(static_cast<std::int64_t>(dead.size()));
  }

  // Solve -------------------------------------------------------------------------------------------------------------

  void solve(const double* from, double* to, bool warm_start) {
    const bool project = system.singular() && !exact;
    // The plain mean fusedcg takes out itself.
    mean_inside = project && ksp_type == fused_cg && !system.separable() && live == system.unknowns().global_size();
    if (project && !mean_inside)
      make_solvable(from);
    else if (from == to)
      right_side.assign(from, from + system.local_size());
    if (from == to || (project && !mean_inside)) from = right_side.data();
    petsc::check(VecPlaceArray(b, from));
    petsc::check(VecPlaceArray(q, to));
    petsc::check(KSPSetInitialGuessNonzero(ksp, warm_start && ksp_type != KSPPREONLY ? PETSC_TRUE : PETSC_FALSE));
    if (ksp_type == fused_cg) petsc::check(KSPSetResidualHistory(ksp, &first_residual, 1, PETSC_TRUE));
    petsc::check(KSPSolve(ksp, b, q));
    PetscBool guessed = PETSC_FALSE;  // by the warm start or by options of KSP: then the first residual is not b
    petsc::check(KSPGetInitialGuessNonzero(ksp, &guessed));
    if (guessed) first_residual = 0.0;
    const std::optional<NotConverged> failure = finish();
    petsc::check(VecResetArray(b));
    petsc::check(VecResetArray(q));
    if (failure) throw *failure;
    if (project) fix_gauge(to);
  }

  /// Counts, and judges by the true residual. Conjugate gradients and the flexible methods carry it along; others
  /// estimate it through the preconditioner, and a single-precision one misleads them: they are started again from
  /// where they are.
  std::optional<NotConverged> finish() {
    PetscReal relative = 0.0, absolute = 0.0, size = 0.0;
    petsc::check(KSPGetTolerances(ksp, &relative, &absolute, nullptr, nullptr));
    KSPConvergedReason outcome = last_outcome();
    PetscInt iterations = last_iterations();
    double residual = 0.0;
    if (!exact) {
      size = right_side_norm();
      const double limit = std::max(1.01 * relative * size, absolute);
      if (carries_residual())
        petsc::check(KSPGetResidualNorm(ksp, &residual));
      else
        residual = true_residual();
      for (int again = 0; again < 4 && outcome > 0 && residual > limit && ksp_type != KSPPREONLY; ++again) {
        petsc::check(KSPSetInitialGuessNonzero(ksp, PETSC_TRUE));
        petsc::check(
            KSPSetTolerances(ksp, 0.5 * relative * limit / residual, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
        petsc::check(KSPSolve(ksp, b, q));
        petsc::check(KSPSetTolerances(ksp, relative, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
        outcome = last_outcome();
        iterations += last_iterations();
        residual = true_residual();
      }
      if (outcome > 0 && !(residual <= limit)) outcome = KSP_DIVERGED_BREAKDOWN;
      if (size > 0.0) residual /= size;
    }
    statistics.count += 1;
    statistics.iterations += iterations;
    statistics.last_iterations = static_cast<int>(iterations);
    statistics.max_iterations = std::max(statistics.max_iterations, statistics.last_iterations);
    statistics.last_residual = residual;
    if (outcome > 0) return std::nullopt;
    const char* why = last_outcome() > 0 ? "true residual above the tolerance" : KSPConvergedReasons[outcome];
    return NotConverged(prefix, why, static_cast<int>(iterations), residual);
  }

  /// Of what a solution can reach.
  double right_side_norm() {
    if (first_residual > 0.0) return first_residual;
    const PetscScalar* v = nullptr;
    petsc::check(VecGetArrayRead(b, &v));
    const std::int64_t n = system.local_size();
    const Communicator& comm = system.unknowns().comm();
    double mean = 0.0;
    if (mean_inside) mean = comm.sum(sum_of(n, [=](std::ptrdiff_t i) { return v[i]; })) / static_cast<double>(live);
    const double square = comm.sum(sum_of(n, [=](std::ptrdiff_t i) { return (v[i] - mean) * (v[i] - mean); }));
    petsc::check(VecRestoreArrayRead(b, &v));
    return std::sqrt(square);
  }

  KSPConvergedReason last_outcome() const {
    KSPConvergedReason outcome = KSP_CONVERGED_ITERATING;
    petsc::check(KSPGetConvergedReason(ksp, &outcome));
    return outcome;
  }

  PetscInt last_iterations() const {
    PetscInt iterations = 0;
    petsc::check(KSPGetIterationNumber(ksp, &iterations));
    return iterations;
  }

  bool carries_residual() const {
    KSPNormType type = KSP_NORM_NONE;
    petsc::check(KSPGetNormType(ksp, &type));
    return type == KSP_NORM_UNPRECONDITIONED &&
           (ksp_type == KSPCG || ksp_type == fused_cg || ksp_type == KSPFCG || ksp_type == KSPFGMRES);
  }

  double true_residual() {
    PetscReal residual = 0.0;
    if (!product) petsc::check(VecDuplicate(b, product.put()));
    petsc::check(MatMult(shell, q, product));
    petsc::check(VecAYPX(product, -1.0, b));
    if (mean_inside) petsc::check(MatNullSpaceRemove(null_space, product));
    petsc::check(VecNorm(product, NORM_2, &residual));
    return residual;
  }

  /// right_side := b without what no q can reach.
  void make_solvable(const double* from) {
    const std::int64_t n = system.local_size();
    right_side.resize(n);
    double* to = right_side.data();
    if (!dead.empty()) {
      std::copy_n(from, n, to);
      for (std::size_t i : dead) to[i] = 0.0;
      from = to;
    }
    const double sum = system.unknowns().comm().sum(sum_of(n, [=](std::ptrdiff_t i) { return from[i]; }));
    if (system.separable()) {
      const double share = sum / volume();
      for_each_weight([&](std::ptrdiff_t i, double w) { to[i] = from[i] - w * share; });
    } else {
      const double share = sum / static_cast<double>(live);
#pragma GCC ivdep
      for (std::int64_t i = 0; i < n; ++i) to[i] = from[i] - share;
      for (std::size_t i : dead) to[i] = 0.0;
    }
  }

  void fix_gauge(double* values) const {
    const std::int64_t n = system.local_size();
    for (std::size_t i : dead) values[i] = 0.0;
    double sum = 0.0;
    if (system.separable())
      for_each_weight([&](std::ptrdiff_t i, double w) { sum += w * values[i]; });
    else
      sum = sum_of(n, [=](std::ptrdiff_t i) { return values[i]; });
    const double mean = system.unknowns().comm().sum(sum) / (system.separable() ? volume() : static_cast<double>(live));
    for (std::int64_t i = 0; i < n; ++i) values[i] -= mean;
    for (std::size_t i : dead) values[i] = 0.0;
  }

  double volume() const {
    double v = 1.0;
    for (const LineOperator& line : system.separable()->line) {
      double length = 0.0;
      for (double w : line.weight) length += w;
      v *= length;
    }
    return v;
  }

  template <class Body>
  void for_each_weight(Body&& body) const {
    const auto& line = system.separable()->line;
    std::ptrdiff_t at = 0;
    const Box<Dim>& box = system.unknowns().owned();
    for_each_row<Dim>(box, [&](const Index<Dim>& row) {
      double rest = 1.0;
      for (int d = 1; d < Dim; ++d) rest *= line[d].weight[row[d]];
      for (int i = box.begin[0]; i < box.end[0]; ++i) body(at++, rest * line[0].weight[i]);
    });
  }

  std::string description() const {
    PC pc = nullptr;
    petsc::check(KSPGetPC(ksp, &pc));
    const std::string inner = preconditioner_description(pc);
    std::string text = fmt::format("{} + {}", ksp_type, pc_type);
    if (!inner.empty()) text += fmt::format(" [{}]", inner);
    return text + fmt::format("{} ({})", assembled ? " [assembled matrix]" : "", reason);
  }

  std::string prefix, reason, ksp_type, pc_type;
  SolverOptions options;
  MatrixFree<Dim> system;
  petsc::Handle<Mat> shell, assembled;
  petsc::Handle<MatNullSpace> null_space;
  petsc::Handle<Vec> b, q, product;
  petsc::Handle<DM> dm;
  std::optional<LevelMatrices<Dim>> levels;
  petsc::Handle<KSP> ksp;
  bool exact = false;              // the tensor solver alone: residual at round-off, null space its own business
  bool mean_inside = false;        // the KSP itself takes the mean out of b
  double first_residual = 0.0;     // of fusedcg from zero: the size of b without its mean; else 0
  std::vector<double> right_side;  // where b may not be used as it is
  std::vector<std::size_t> dead;
  std::int64_t live = 0;
  SolveStatistics statistics;
};

template <int Dim>
Solver<Dim>::Solver(std::string prefix, const Decomposition<Dim>& unknowns, const SeparableOperator<Dim>& op,
                    const SolverOptions& options)
    : parts_(std::make_unique<Parts>(std::move(prefix), unknowns, op, options)) {}
template <int Dim>
Solver<Dim>::Solver(std::string prefix, const Decomposition<Dim>& unknowns, FaceConductances<Dim> op,
                    const SolverOptions& options)
    : parts_(std::make_unique<Parts>(std::move(prefix), unknowns, std::move(op), options)) {}
template <int Dim>
Solver<Dim>::~Solver() = default;
template <int Dim>
Solver<Dim>::Solver(Solver&&) noexcept = default;
template <int Dim>
Solver<Dim>& Solver<Dim>::operator=(Solver&&) noexcept = default;

template <int Dim>
void Solver<Dim>::solve(const double* b, double* q, bool warm_start) {
  parts_->solve(b, q, warm_start);
}

template <int Dim>
void Solver<Dim>::set_shift(double shift, double scale) {
  const SeparableOperator<Dim>* op = parts_->system.separable();
  if (op && op->shift == shift && op->scale == scale) return;
  parts_->system.set(shift, scale);
  parts_->refresh();
}

template <int Dim>
void Solver<Dim>::set_conductances(const FaceConductances<Dim>& op) {
  parts_->system.set(op);
  parts_->refresh();
}

template <int Dim>
const SolveStatistics& Solver<Dim>::statistics() const {
  return parts_->statistics;
}

template <int Dim>
std::string Solver<Dim>::description() const {
  return parts_->description();
}

template <int Dim>
KSP Solver<Dim>::ksp() const {
  return parts_->ksp;
}

template class Solver<1>;
template class Solver<2>;
template class Solver<3>;
template class Solver<4>;
template class Solver<5>;
template class Solver<6>;

}  // namespace kolmo
