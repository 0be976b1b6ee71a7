#include "stationary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

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

constexpr const char* parts = "parts of the box exchange no mass, or too little to tell";

bool lets_nothing_pass(const DirectionWeights<1>& w, int face) {
  constexpr double little = 1e-12;  // of the neighbours: round-off of a derivative where D vanishes
  const auto largest = [&](int f) { return std::max(std::abs(w.line_low[f]), std::abs(w.line_high[f])); };
  const bool one_way = w.line_low[face] == 0.0 || w.line_high[face] == 0.0;
  return one_way && largest(face) <= little * std::max(largest(face - 1), largest(face + 1));
}

/// Least value of a function that has its least of three points a < b < c at b, by the golden section, and where.
template <class Function>
std::pair<double, double> least_between(const Function& value, double a, double b, double c) {
  constexpr double part = 0.3819660112501051;
  double at_b = value(b);
  for (int k = 0; k < 90 && c - a > 0.0; ++k) {
    const double x = c - b > b - a ? b + part * (c - b) : b - part * (b - a), at_x = value(x);
    const bool better = at_x < at_b;
    if ((x > b) == better)
      a = better ? b : x;
    else
      c = better ? b : x;
    if (better) b = x, at_b = at_x;
  }
  return {b, at_b};
}

/// Inside the box neither noise nor drift carries anything across some point, be it on a face or between faces. Kept
/// apart from small positive numbers: a place is found to the root of round-off, where a D that touches zero is 1e-14
/// of what it is next to it.
bool falls_apart(const Generator<1>& generator, const Problem& problem) {
  constexpr double no_noise = 1e-12, no_drift = 1e-6;
  if (problem.diffusion_constant(0, 0)) return false;
  const Axis& axis = generator.grid().axis(0);
  constexpr int samples = 4;  // of a cell
  const int last = samples * axis.cells();
  const auto place = [&](int k) {
    const int cell = std::min(k / samples, axis.cells() - 1);
    return axis.node(cell) + axis.width(cell) * (k - samples * cell) / samples;
  };
  const auto noise = [&](double x) { return problem.diffusion(0, 0, &x, 0.0); };
  const auto drift = [&](double x) { return std::abs(problem.drift(0, &x, 0.0)); };
  for (int k = 1; k < last; ++k) {
    const double low = place(k - 1), middle = place(k), high = place(k + 1), d = noise(middle);
    const double most = std::max(noise(low), noise(high));
    if (!(d <= noise(low) && d <= noise(high) && most > 0.0)) continue;
    const auto [x, least] = least_between(noise, low, middle, high);
    if (least > no_noise * most || x <= axis.node(0) || x >= axis.node(axis.cells())) continue;
    if (drift(x) <= no_drift * std::max(drift(low), drift(high))) return true;
  }
  return false;
}

/// low_f p_{f-1} = -high_f p_f through every face inside; in logarithms, so that no tail underflows on the way. A face
/// whose one weight is 0 (underflowed above a Peclet number of 745, or no noise there) empties one side of it: all mass
/// is above the last face that lets pass upwards only and below the first that lets pass downwards only, if the one
/// lies below the other. The weights of the whole line are known to every rank.
void solve_line(const Generator<1>& generator, Field<1>& p) {
  const DirectionWeights<1>& w = generator.weights()[0];
  const int n = generator.volumes().global_line(0).last();
  int first = 0, last = n;  // cells that hold the mass
  std::vector<double> logarithm(n, 0.0), sign(n, 1.0);
  for (int f = 1; f < n; ++f) {
    const double up = w.line_low[f], down = -w.line_high[f];
    if (lets_nothing_pass(w, f) || (down == 0.0 && last < n))
      throw InputError(fmt::format("the stationary density is not unique ({})", parts));
    if (down == 0.0) first = f;
    if (up == 0.0) last = std::min(last, f);
    if (up == 0.0 || down == 0.0) continue;
    logarithm[f] = logarithm[f - 1] + std::log(std::abs(up / down));
    sign[f] = up / down < 0.0 ? -sign[f - 1] : sign[f - 1];  // central fluxes on coarse cells
  }
  const double top = *std::max_element(logarithm.begin() + first, logarithm.begin() + last);
  const int origin = generator.volumes().line(0).origin();
  for_each<1>(generator.volumes().box(), [&](const Index<1>& i) {
    const int k = i[0] + origin;
    p(i) = k < first || k >= last ? 0.0 : sign[k] * std::exp(logarithm[k] - top);
  });
  normalise(generator, p);
}

template <int Dim>
class InverseIteration {
 public:
  InverseIteration(Generator<Dim>& generator, const SolverSettings& settings, SolveStatistics& statistics)
      : g_(generator), settings_(settings), statistics_(statistics), number_(generator.volumes().unknowns()) {
    const MPI_Comm comm = g_.volumes().comm().handle();
    matrix_ = make_matrix(g_);
    petsc::check(VecCreateMPI(comm, static_cast<PetscInt>(g_.volumes().box().size()), PETSC_DETERMINE, old_.put()));
    petsc::check(VecDuplicate(old_, next_.put()));
    petsc::check(KSPCreate(comm, ksp_.put()));
    petsc::check(KSPSetOptionsPrefix(ksp_, "density_"));
    PC pc = nullptr;
    petsc::check(KSPGetPC(ksp_, &pc));
    const bool direct = Dim <= 2;
    const double tolerance = direct ? 1e-13 : settings.tolerance;
    resting_ = std::max(1e-9, 10.0 * tolerance);
    petsc::check(KSPSetType(ksp_, KSPGMRES));
    petsc::check(KSPSetPCSide(ksp_, PC_RIGHT));
    petsc::check(PCSetType(pc, direct ? PCLU : PCHYPRE));
    if (direct && g_.volumes().comm().size() > 1) petsc::check(PCFactorSetMatSolverType(pc, MATSOLVERMUMPS));
    petsc::check(KSPSetTolerances(ksp_, tolerance, 1e-300, PETSC_DEFAULT, settings.max_iterations));
    petsc::check(KSPSetFromOptions(ksp_));
  }

  void run(Field<Dim>& p) {
    // Where exp(-U) is kept to round-off it is the answer, and no barrier is too high to find it.
    const FaceCoefficients<Dim>& known = g_.coefficients();
    fill_start(
        [&](const Index<Dim>& i) { return known.ratio() ? std::exp(-known.lifted(g_.volumes().position(i))) : 1.0; });
    fill();
    iterate(most_solves);
    double before = take(p), best = HUGE_VAL;
    for (int idle = 0; g_.freezes() && rounds_ < most_rounds && idle < 5 && before > 1e-12; ++rounds_) {
      g_.exchange(p);
      g_.freeze(p);
      fill();
      iterate(1);
      before = moved_ = take(p);
      idle = moved_ < 0.8 * best ? 0 : idle + 1;
      best = std::min(best, moved_);
    }
    if (rounds_ == 0) return;
    if (!(moved_ <= most_moved))
      throw NotConverged("density_", "the limited fluxes of the stationary density do not come to rest", rounds_,
                         moved_);
    iterate(most_solves);
    (void)take(p);
  }

  /// InputError where another start of the iteration, lopsided in every direction, ends elsewhere: the domain falls
  /// into parts that exchange no mass. A slow exchange is told from none by whether the distance still shrinks;
  /// NotConverged where that takes too long.
  void check_unique() {
    constexpr double most_left = 0.1;  // by a loose solver
    const double left = std::min(most_left, 100.0 * resting_), near = std::max(1e-6, left);
    petsc::Handle<Vec> found;
    petsc::check(VecDuplicate(next_, found.put()));
    petsc::check(VecCopy(next_, found));
    fill_start([&](const Index<Dim>& i) {
      double sum = 0.0;
      for (int d = 0; d < Dim; ++d)
        sum += (i[d] + g_.volumes().line(d).origin() + 0.5) / g_.volumes().global_line(d).last();
      return std::exp(3.0 * sum);
    });
    double last = HUGE_VAL;
    for (int n = 0; n < most_solves; ++n) {
      solve();
      rescale();
      petsc::check(VecCopy(next_, old_));
      petsc::check(VecAXPY(next_, -1.0, found));
      PetscReal away = 0.0;
      petsc::check(VecNorm(next_, NORM_1, &away));
      if (away < near) return;
      if (last - away < left * away)
        throw InputError(fmt::format(
            "the stationary density is not unique: from another start it is {:.2g} away in L1 ({})", away, parts));
      last = away;
    }
    throw NotConverged("density_",
                       "parts of the box exchange too little mass: the stationary density still depends on where the "
                       "iteration starts (residual: how much, in L1)",
                       most_solves, last);
  }
  /// Other answers there may be beside the one found.
  void note(const std::string& others) { others_ = others; }
  Stationary found() const { return {description(), moved_, dropped_}; }

 private:
  static constexpr int most_solves = 200, most_rounds = 40;
  static constexpr double most_moved = 1e-2;

  std::string description() const {
    std::string text = fmt::format("inverse iteration, {} solves", statistics_.count);
    if (g_.freezes()) text += fmt::format(", {} rounds for limited fluxes (the last moved {:.1e})", rounds_, moved_);
    if (!others_.empty()) text += fmt::format(", from exp(-U): {}", others_);
    if (dropped_ > 0.0) text += fmt::format(", {:.1e} of the mass below zero dropped", dropped_);
    return text;
  }
  void fill() {
    // One over the shift: large against every time scale of the domain, small enough for the solves to keep digits.
    const double limit = g_.explicit_limit();
    const double cells = static_cast<double>(g_.volumes().unknowns().global_size());
    double a = limit * std::min(1e9, 1e3 * std::max(cells, 1e3));
    if (Dim > 2) a = limit * 1e6;
    fill_matrix(g_, number_, 1.0, a, matrix_);
    petsc::check(KSPSetOperators(ksp_, matrix_, matrix_));
  }
  /// Towards the null vector of the present weights, to round-off or by the given number of solves.
  void iterate(int most) {
    double change = 1.0, last = 1.0;
    for (int n = 0; n < most; ++n) {
      solve();
      rescale();
      last = change;
      petsc::check(VecAXPY(old_, -1.0, next_));
      PetscReal difference = 0.0, size = 0.0;
      petsc::check(VecNorm(old_, NORM_1, &difference));
      petsc::check(VecNorm(next_, NORM_1, &size));
      change = difference / size;
      petsc::check(VecCopy(next_, old_));
      if (change < 1e-14 || (change < resting_ && change > 0.5 * last)) return;
    }
    if (most == most_solves) throw NotConverged("density_", "inverse iteration stalls", most, change);
  }

  /// p := the solution, with mass 1; returns what that changes, in L1. The null vector of an M-matrix is not negative:
  /// what the solver's tolerance left goes.
  double take(Field<Dim>& p) {
    if (!earlier_) earlier_ = g_.make_field();
    swap(earlier_, p);
    copy_out(p);
    normalise(g_, p);
    if (g_.positive()) {
      double below = 0.0;
      for_each<Dim>(g_.volumes().box(), [&](const Index<Dim>& i) {
        if (!(p(i) < 0.0)) return;
        below -= p(i) * g_.volumes().volume(i);
        p(i) = 0.0;
      });
      dropped_ = g_.volumes().comm().sum(below);
      if (dropped_ > 0.0) normalise(g_, p);
    }
    combine<Dim>(g_.volumes().box(), {{-1.0, &earlier_}, {1.0, &p}}, earlier_);
    return norm1(g_.volumes(), earlier_);
  }

  template <class Value>
  void fill_start(Value&& value) {
    double* values = nullptr;
    std::size_t at = 0;
    petsc::check(VecGetArrayWrite(old_, &values));
    for_each<Dim>(g_.volumes().box(), [&](const Index<Dim>& i) { values[at++] = value(i); });
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
  transport::Numbering<Dim> number_;
  petsc::Handle<Mat> matrix_;
  petsc::Handle<Vec> old_, next_;
  petsc::Handle<KSP> ksp_;
  Field<Dim> earlier_;
  int rounds_ = 0;
  double moved_ = 0.0, dropped_ = 0.0;
  std::string others_;
  double resting_ = 0.0;  ///< changes below this are what the solver leaves
};

}  // namespace

template <int Dim>
void find_stationary(const Settings& settings, Generator<Dim>& generator, Field<Dim>& p, SolveStatistics& statistics,
                     Stationary& found) {
  if (!generator.autonomous())
    throw InputError("time.stationary: coefficients depend on t, so that no density is stationary");
  if (!generator.closed()) throw InputError("time.stationary: needs boundaries that are no-flux or periodic");
  if constexpr (Dim == 1) {
    if (!generator.grid().axis(0).periodic() && generator.weights()[0].uniform) {
      // With a potential exp(-U) is the one that is meant.
      if (!generator.coefficients().ratio() && falls_apart(generator, settings.problem))
        throw InputError(fmt::format("the stationary density is not unique ({})", parts));
      solve_line(generator, p);
      found.description = "ratios of the weights along the line";
      return;
    }
  }
  InverseIteration<Dim> iteration(generator, settings.solver, statistics);
  iteration.run(p);
  try {
    iteration.check_unique();
  } catch (const InternalError&) {
    throw;
  } catch (const Error& error) {
    if (!generator.coefficients().ratio()) throw;
    iteration.note(error.what());  // the case says which one it means
  }
  found = iteration.found();
}

#define KOLMO_INSTANTIATE(Dim) \
  template void find_stationary(const Settings&, Generator<Dim>&, Field<Dim>&, SolveStatistics&, Stationary&);
KOLMO_INSTANTIATE(1)
KOLMO_INSTANTIATE(2)
KOLMO_INSTANTIATE(3)
KOLMO_INSTANTIATE(4)
KOLMO_INSTANTIATE(5)
KOLMO_INSTANTIATE(6)
#undef KOLMO_INSTANTIATE

}  // namespace kolmo::density
