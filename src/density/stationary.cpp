#include "stationary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "implicit_solver.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/base/phase.hpp"
#include "time_scheme.hpp"

namespace kolmo::density {

namespace {

template <int Dim>
void normalise(const Generator<Dim>& generator, Field<Dim>& p) {
  const double mass = generator.mass(p);
  if (!std::isfinite(mass) || mass == 0.0) throw NumericsError("the stationary density has no mass");
  combine<Dim>(generator.volumes().box(), {{1.0 / mass, &p}}, p);
}

/// low_f p_{f-1} = -high_f p_f through every face inside; in logarithms, so that no tail underflows on the way. The
/// weights of the whole line are known to every rank.
void solve_line(const Generator<1>& generator, Field<1>& p) {
  const DirectionWeights<1>& w = generator.weights()[0];
  const int n = generator.volumes().global_line(0).last();
  std::vector<double> logarithm(n, 0.0);
  for (int f = 1; f < n; ++f) {
    if (!(w.line_low[f] > 0.0 && w.line_high[f] < 0.0))
      throw NumericsError("the stationary density is not unique: a face lets pass in one direction only");
    logarithm[f] = logarithm[f - 1] + std::log(w.line_low[f] / -w.line_high[f]);
  }
  const double top = *std::max_element(logarithm.begin(), logarithm.end());
  const int origin = generator.volumes().line(0).origin();
  for_each<1>(generator.volumes().box(), [&](const Index<1>& i) { p(i) = std::exp(logarithm[i[0] + origin] - top); });
  normalise(generator, p);
}

template <int Dim>
class InverseIteration {
 public:
  InverseIteration(Generator<Dim>& generator, const SolverSettings& settings, SolveStatistics& statistics)
      : g_(generator), settings_(settings), statistics_(statistics) {
    const MPI_Comm comm = g_.volumes().comm().handle();
    matrix_ = make_matrix(g_);
    petsc::check(VecCreateMPI(comm, static_cast<PetscInt>(g_.volumes().box().size()), PETSC_DETERMINE, old_.put()));
    petsc::check(VecDuplicate(old_, next_.put()));
    petsc::check(KSPCreate(comm, ksp_.put()));
    petsc::check(KSPSetOptionsPrefix(ksp_, "density_"));
    PC pc = nullptr;
    petsc::check(KSPGetPC(ksp_, &pc));
    const bool direct = Dim <= 2;
    petsc::check(KSPSetType(ksp_, KSPGMRES));
    petsc::check(KSPSetPCSide(ksp_, PC_RIGHT));
    petsc::check(PCSetType(pc, direct ? PCLU : PCHYPRE));
    if (direct && g_.volumes().comm().size() > 1) petsc::check(PCFactorSetMatSolverType(pc, MATSOLVERMUMPS));
    petsc::check(
        KSPSetTolerances(ksp_, direct ? 1e-13 : settings.tolerance, 1e-300, PETSC_DEFAULT, settings.max_iterations));
    petsc::check(KSPSetFromOptions(ksp_));
  }

  void run(Field<Dim>& p) {
    // One over the shift: large against every time scale of the domain, small enough for the solves to keep digits.
    const double limit = g_.explicit_limit();
    const double cells = static_cast<double>(g_.volumes().unknowns().global_size());
    double a = limit * std::min(1e9, 1e3 * std::max(cells, 1e3));
    if (Dim > 2) a = limit * 1e6;
    fill_matrix(g_, 1.0, a, matrix_);
    petsc::check(KSPSetOperators(ksp_, matrix_, matrix_));
    start();
    double change = 1.0, last = 1.0;
    int n = 0;
    for (; n < 200; ++n) {
      solve();
      rescale();
      last = change;
      petsc::check(VecAXPY(old_, -1.0, next_));
      PetscReal difference = 0.0, size = 0.0;
      petsc::check(VecNorm(old_, NORM_1, &difference));
      petsc::check(VecNorm(next_, NORM_1, &size));
      change = difference / size;
      petsc::check(VecCopy(next_, old_));
      if (change < 1e-14 || (change < 1e-9 && change > 0.5 * last)) break;
    }
    if (n == 200) throw NotConverged("density_", "inverse iteration stalls", n, change);
    copy_out(p);
    normalise(g_, p);
  }

 private:
  void start() {
    double* values = nullptr;
    std::size_t at = 0;
    petsc::check(VecGetArrayWrite(old_, &values));
    for_each<Dim>(g_.volumes().box(), [&](const Index<Dim>&) { values[at++] = 1.0; });
    petsc::check(VecRestoreArrayWrite(old_, &values));
  }
  void solve() {
    static const Phase phase("density solve");
    const Phase::Scope scope(phase);
    petsc::check(KSPSolve(ksp_, old_, next_));
    KSPConvergedReason outcome = KSP_CONVERGED_ITERATING;
    PetscInt iterations = 0;
    PetscReal residual = 0.0;
    petsc::check(KSPGetConvergedReason(ksp_, &outcome));
    petsc::check(KSPGetIterationNumber(ksp_, &iterations));
    petsc::check(KSPGetResidualNorm(ksp_, &residual));
    statistics_.count += 1;
    statistics_.iterations += iterations;
    statistics_.last_iterations = static_cast<int>(iterations);
    statistics_.max_iterations = std::max(statistics_.max_iterations, statistics_.last_iterations);
    statistics_.last_residual = residual;
    if (outcome <= 0)
      throw NotConverged("density_", KSPConvergedReasons[outcome], static_cast<int>(iterations), residual);
  }
  /// To a sum of one, which inverse iteration keeps but for round-off.
  void rescale() {
    PetscReal size = 0.0;
    petsc::check(VecNorm(next_, NORM_1, &size));
    petsc::check(VecScale(next_, 1.0 / size));
  }
  void copy_out(Field<Dim>& p) {
    const double* values = nullptr;
    petsc::check(VecGetArrayRead(next_, &values));
    unpack(values, g_.volumes().box(), p);
    petsc::check(VecRestoreArrayRead(next_, &values));
  }

  Generator<Dim>& g_;
  SolverSettings settings_;
  SolveStatistics& statistics_;
  petsc::Handle<Mat> matrix_;
  petsc::Handle<Vec> old_, next_;
  petsc::Handle<KSP> ksp_;
};

}  // namespace

template <int Dim>
void find_stationary(const Settings& settings, const Grid<Dim>& grid, const Decomposition<Dim>& cells, Field<Dim>& p,
                     SolveStatistics& statistics, std::string& description) {
  Generator<Dim> generator(settings, grid, cells, {.linear = true});
  if (!generator.autonomous())
    throw InputError("time.stationary: coefficients depend on t, so that no density is stationary");
  if (!generator.closed()) throw InputError("time.stationary: needs boundaries that are no-flux or periodic");
  if constexpr (Dim == 1) {
    if (!grid.axis(0).periodic() && generator.weights()[0].uniform) {
      solve_line(generator, p);
      description = "ratios of the weights along the line";
      return;
    }
  }
  InverseIteration<Dim>(generator, settings.solver, statistics).run(p);
  description = fmt::format("inverse iteration, {} solves", statistics.count);
}

template void find_stationary(const Settings&, const Grid<1>&, const Decomposition<1>&, Field<1>&, SolveStatistics&,
                              std::string&);
template void find_stationary(const Settings&, const Grid<2>&, const Decomposition<2>&, Field<2>&, SolveStatistics&,
                              std::string&);
template void find_stationary(const Settings&, const Grid<3>&, const Decomposition<3>&, Field<3>&, SolveStatistics&,
                              std::string&);
template void find_stationary(const Settings&, const Grid<4>&, const Decomposition<4>&, Field<4>&, SolveStatistics&,
                              std::string&);
template void find_stationary(const Settings&, const Grid<5>&, const Decomposition<5>&, Field<5>&, SolveStatistics&,
                              std::string&);
template void find_stationary(const Settings&, const Grid<6>&, const Decomposition<6>&, Field<6>&, SolveStatistics&,
                              std::string&);

}  // namespace kolmo::density
