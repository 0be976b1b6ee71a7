// Checks of a density case that need the values of its expressions in its box, or the ranks and memory it is to run on.
#include <fmt/format.h>
#include <petscsys.h>

#include <algorithm>
#include <cmath>

#include "kolmo/density/exact.hpp"
#include "kolmo/grid/check_ranks.hpp"
#include "kolmo/grid/decomposition.hpp"
#include "settings_reader.hpp"
#include "symmetric.hpp"
#include "time_scheme.hpp"

namespace kolmo::density {

namespace detail {

namespace {

using Point = std::vector<double>;

/// A power of two near `step`, so that differences taken with it are of places x + step that are what they say: at
/// least 16 units of the last digit of x.
double kept_step(double step, double x) {
  const double digit = std::nextafter(std::abs(x), HUGE_VAL) - std::abs(x);
  return std::exp2(std::round(std::log2(std::max(step, 16.0 * digit))));
}

/// Point `index` of a sequence that fills [0, 1)^n evenly (additive recurrence with the roots of x^(n+1) = x + 1).
Point even_point(int n, int index) {
  double root = 1.5;
  for (int k = 0; k < 60; ++k) root = std::pow(1.0 + root, 1.0 / (n + 1));
  Point x(static_cast<std::size_t>(n));
  double step = 1.0;
  for (int i = 0; i < n; ++i) {
    step /= root;
    const double value = 0.5 + step * (index + 1);
    x[i] = value - std::floor(value);
  }
  return x;
}

class Checker {
 public:
  Checker(const CaseFile& file, const Settings& settings)
      : file_(file), s_(settings), problem_(settings.problem), given_(settings.problem.definition()) {
    for (const AxisSpec& spec : settings.axes) {
      axes_.emplace_back(spec);
      low_.push_back(axes_.back().from());
      high_.push_back(axes_.back().to());
    }
  }

  void expressions() const {
    constexpr double any = -std::numeric_limits<double>::infinity();
    for (int i = 0; i < n(); ++i) finite("problem.drift", given_.drift[i], any, true, -1, i);
    for (const Expression& entry : given_.noise) finite("problem.noise", entry, any, true);
    const bool matrix = given_.diffusion.size() > 1 && given_.diffusion.size() != given_.variables.size();
    for (const Expression& entry : given_.diffusion) finite("problem.diffusion", entry, matrix ? any : 0.0, true);
    if (given_.potential_given) finite("problem.potential", given_.stationary_potential, any, false);
    if (file_.has("problem.initial.density"))
      finite("problem.initial.density", file_.expression("problem.initial.density", variables()), 0.0, false);
    for (int face = 0; face < 2 * n(); ++face)
      if (s_.boundary[face].type == BoundaryType::inflow)
        finite(entry_path(file_, given_.variables, face) + ".density", s_.boundary[face].density, 0.0, true, face);
  }

  void diffusion_matrix() const {
    const std::string path = file_.has("problem.noise") ? "problem.noise" : "problem.diffusion";
    const bool given_matrix = given_.noise.empty() && problem_.diffusion_kind() == DiffusionKind::full;
    double largest = 0.0;
    std::vector<double> d(static_cast<std::size_t>(n()) * n());
    for (int k = 0; k < 1024; ++k) {
      const Point x = inside(k);
      const double t = s_.time.start + even_point(1, k)[0] * (s_.time.end - s_.time.start);
      for (int i = 0; i < n(); ++i)
        for (int j = 0; j < n(); ++j) d[i * n() + j] = problem_.diffusion(i, j, x.data(), t);
      for (const double value : d) largest = std::max(largest, std::abs(value));
      if (given_matrix) nonnegative(path, d, x, t);
    }
    if (largest == 0.0) throw file_.error_at(path, "is zero everywhere: there is no noise");
  }

  void exact_forms() const {
    if (const ExactDensity* exact = problem_.exact()) {
      const bool own = file_.has("problem.exact");
      solves(own ? "problem.exact" : "problem.potential", *exact);
      if (own && given_.potential_given && exact->name() != "potential")
        solves("problem.potential", *potential_exact(problem_));
    }
  }

  /// A law of unbounded space serves a box as far as it stays inside; a stationary one where the mass stays.
  void exact_fits(std::vector<std::string>& warnings) const {
    const ExactDensity* exact = problem_.exact();
    if (!exact) return;
    for (std::size_t face = 0; !exact->transient() && face < s_.boundary.size(); ++face)
      if (const BoundaryType type = s_.boundary[face].type;
          type == BoundaryType::absorbing || type == BoundaryType::inflow)
        warnings.push_back(fmt::format("compared with a stationary density ({}), but {}_{} is {}", exact->name(),
                                       given_.variables[face / 2], face % 2 == 0 ? "min" : "max",
                                       type == BoundaryType::absorbing ? "absorbing" : "inflow"));
    if (exact->transient() && exact->name() != "density") stays_inside(*exact, warnings);
  }

  void stays_inside(const ExactDensity& exact, std::vector<std::string>& warnings) const {
    constexpr int draws = 2000, noticed = 8;  // of so many: 0.4 %
    Point x(n());
    for (const double share : {0.25, 0.5, 0.75, 1.0}) {
      const double t = s_.time.start + share * (s_.time.end - s_.time.start);
      int outside = 0;
      for (int k = 0; k < draws; ++k) {
        exact.sample(0, static_cast<std::uint64_t>(k), t, x.data());
        bool in = true;
        for (int i = 0; i < n(); ++i) in = in && x[i] >= low_[i] && x[i] <= high_[i];
        outside += in ? 0 : 1;
      }
      if (outside < noticed) continue;
      warnings.push_back(
          fmt::format("the exact density ({}) is that of unbounded space, and about {:.2g} of it lies "
                      "outside of the box at t = {:.6g}: errors hold what the boundary does",
                      exact.name(), static_cast<double>(outside) / draws, t));
      return;
    }
  }

  void initial_mass(std::vector<std::string>& warnings) const {
    if (!given_.initial || !file_.has("problem.initial")) return;
    const double outside = given_.initial->mass_outside(low_.data(), high_.data());
    if (outside > s_.mass_outside)
      throw file_.error_at("problem.initial",
                           fmt::format("{:.3g} of the mass at the start lies outside of the box, more "
                                       "than mass_outside = {:.3g}",
                                       outside, s_.mass_outside));
    constexpr double noticeable = 1e-12;
    if (outside > noticeable)
      warnings.push_back(
          fmt::format("{:.3g} of the mass at the start lies outside of the box and is cut off", outside));
  }

  /// Cells hold means: of a Gaussian far narrower than the one it lies in, only the place is left. The first is named.
  void initial_width(std::vector<std::string>& warnings) const {
    if (!given_.initial || !given_.initial->gaussians() || s_.time.stationary || !file_.has("problem.initial")) return;
    constexpr double narrow = 0.2;  // of the width; an even density in a cell has 0.29
    for (const GaussianComponent& part : *given_.initial->gaussians())
      for (int i = 0; i < n(); ++i) {
        const double mean = part.mean[i], deviation = std::sqrt(part.covariance[i * n() + i]);
        if (part.weight == 0.0 || mean < low_[i] || mean >= high_[i]) continue;
        int cell = 0;
        while (axes_[i].node(cell + 1) <= mean) ++cell;
        const double width = axes_[i].width(cell);
        if (deviation >= narrow * width) continue;
        warnings.push_back(
            fmt::format("the start is narrower than a cell: its standard deviation in {} is {:.3g}, the cell there is "
                        "{:.3g} wide, and means of cells know nothing finer",
                        given_.variables[i], deviation, width));
        return;
      }
  }

  void periodic_coefficients(std::vector<std::string>& warnings) const {
    for (int axis = 0; axis < n(); ++axis)
      if (s_.axes[axis].periodic)
        if (const std::string what = jump(axis); !what.empty())
          warnings.push_back(fmt::format("{} is periodic, but {}", given_.variables[axis], what));
  }

 private:
  const CaseFile& file_;
  const Settings& s_;
  const Problem& problem_;
  const Problem::Definition& given_;
  std::vector<Axis> axes_;
  std::vector<double> low_, high_;

  int n() const { return problem_.dimension(); }
  Expression::Variables variables() const {
    Expression::Variables names = given_.variables;
    names.push_back("t");
    return names;
  }

  Point inside(int index) const {
    Point x = even_point(n(), index);
    for (int i = 0; i < n(); ++i) x[i] = low_[i] + x[i] * (high_[i] - low_[i]);
    return x;
  }

  std::string place(const Point& x, double t) const {
    std::string text;
    for (int i = 0; i < n(); ++i) text += fmt::format("{} = {:.6g}, ", given_.variables[i], x[i]);
    return text + fmt::format("t = {:.6g}", t);
  }

  /// Moments of the run: both ends and points between, spread by the golden section.
  std::vector<double> times(bool depends) const {
    std::vector<double> result{s_.time.start};
    for (int k = 1; depends && k <= 3; ++k)
      result.push_back(s_.time.start + (s_.time.end - s_.time.start) * std::fmod(0.6180339887498949 * k, 1.0));
    if (depends) result.push_back(s_.time.end);
    return result;
  }

  /// Nodes and centres of an axis, thinned to at most `most`, ends included.
  std::vector<double> coordinates(int axis, int most) const {
    const int count = 2 * axes_[axis].cells() + 1, kept = std::min(count, most);
    std::vector<double> result;
    for (int k = 0; k < kept; ++k) {
      const int i = static_cast<int>(static_cast<std::int64_t>(k) * (count - 1) / (kept - 1));
      result.push_back(i % 2 == 0 ? axes_[axis].node(i / 2) : axes_[axis].centre(i / 2));
    }
    return result;
  }

  /// On a no-flux face the drift towards it is never asked for, so that it may be infinite there (0.5/x at x = 0).
  bool never_asked(int drift, const Expression& expression, const Point& x) const {
    if (drift < 0 || given_.potential_given || s_.flux == FluxKind::fitted4 ||
        !expression.depends_on(given_.variables[drift]))
      return false;
    return (x[drift] == low_[drift] && s_.boundary[2 * drift].type == BoundaryType::no_flux) ||
           (x[drift] == high_[drift] && s_.boundary[2 * drift + 1].type == BoundaryType::no_flux);
  }

  /// Evaluates an expression over the box, or over one face of it, along the variables that it names. `drift`: it is
  /// that component of the drift.
  void finite(const std::string& path, const Expression& expression, double least, bool with_time, int face = -1,
              int drift = -1) const {
    if (expression.constant()) return;  // finite by construction, its range checked with the key
    std::vector<int> used;
    for (int i = 0; i < n(); ++i)
      if (expression.depends_on(given_.variables[i])) used.push_back(i);
    constexpr int most[] = {1, 4097, 257, 41, 15, 9, 7};
    std::vector<std::vector<double>> points;
    for (const int axis : used)
      points.push_back(axis == face / 2 && face >= 0 ? std::vector<double>{face % 2 == 0 ? low_[axis] : high_[axis]}
                                                     : coordinates(axis, most[std::min<std::size_t>(used.size(), 6)]));
    Point x = low_;
    x.push_back(0.0);
    for (const double t : times(with_time && expression.depends_on_time())) {
      x.back() = t;
      std::vector<std::size_t> at(used.size(), 0);
      while (true) {
        for (std::size_t k = 0; k < used.size(); ++k) x[used[k]] = points[k][at[k]];
        const double value = expression.evaluate(x.data());
        if ((!std::isfinite(value) || value < least) && !(std::isinf(value) && never_asked(drift, expression, x)))
          refuse_value(path, expression, value, x, least);
        std::size_t k = 0;
        while (k < used.size() && ++at[k] == points[k].size()) at[k++] = 0;
        if (k == used.size()) break;
      }
    }
  }

  [[noreturn]] void refuse_value(const std::string& path, const Expression& expression, double value, const Point& x,
                                 double least) const {
    std::string where;
    for (int i = 0; i < n(); ++i)
      if (expression.depends_on(given_.variables[i])) where += fmt::format("{} = {:.6g}, ", given_.variables[i], x[i]);
    if (expression.depends_on_time() || where.empty()) where += fmt::format("t = {:.6g}, ", x.back());
    where.resize(where.size() - 2);
    const std::string limit = std::isfinite(value) ? fmt::format(": must be >= {}", least) : "";
    throw file_.error_at(path, fmt::format("\"{}\" is {:.6g} at {}{}", expression.text(), value, where, limit));
  }

  void nonnegative(const std::string& path, const std::vector<double>& d, const Point& x, double t) const {
    double size = 0.0;
    for (const double value : d) size = std::max(size, std::abs(value));
    for (int i = 0; i < n(); ++i)
      for (int j = 0; j < i; ++j)
        if (std::abs(d[i * n() + j] - d[j * n() + i]) > 1e-12 * size)
          throw file_.error_at(path, fmt::format("is not symmetric: {:.6g} and {:.6g} in rows {} and {} at {}",
                                                 d[i * n() + j], d[j * n() + i], i + 1, j + 1, place(x, t)));
    if (const double least = smallest_eigenvalue(n(), d); least < -1e-12 * size)
      throw file_.error_at(path,
                           fmt::format("is indefinite: its smallest eigenvalue is {:.6g} at {}", least, place(x, t)));
  }

  /// |dp/dt + div J| over the sizes of its terms; 0 where it cannot be told. The smallest of four lengths of the
  /// differences, since the longer ones may be off where log p bends within them (next to an absorbing face, in fast
  /// oscillations) and the shorter ones by round-off; what does not solve the equation is large with all.
  double relative_residual(const ExactDensity& exact, const Point& x, double t, double time_step) const {
    constexpr double good = 1e-5, drowned = 1e-2;
    double least = std::numeric_limits<double>::infinity();
    std::vector<double> h(n());
    for (double scale = 1.0; scale > 0.01 && least > good; scale /= 4.0) {
      for (int i = 0; i < n(); ++i) h[i] = kept_step(2e-4 * scale * (high_[i] - low_[i]), x[i]);
      const double dt = kept_step(scale * time_step, t);
      const Residual r = equation_residual(problem_, exact, x.data(), t, h.data(), dt);
      if (!std::isfinite(r.value)) continue;
      if (scale < 1.0 && r.rounding > drowned * r.size) break;  // shorter ones tell nothing
      // Differences of log p that round-off alone may leave: all there is of runs much shorter than what p takes.
      const double digits = 1e-12 * (1.0 + std::abs(exact.log_density(x.data(), t)));
      const double beyond = std::abs(r.value) - r.rounding - (exact.transient() ? digits / dt : 0.0);
      least = std::min(least, beyond > 0.0 ? beyond / r.size : 0.0);
    }
    return std::isfinite(least) ? least : 0.0;
  }

  /// Throws where dp/dt + div J of a closed form is not zero; at points where it is not negligible.
  void solves(const std::string& path, const ExactDensity& exact) const {
    constexpr int tried = 512, wanted = 24;
    constexpr double tolerance = 1e-4, negligible = 23.0;  // e^-23 = 1e-10
    const double length = s_.time.end - s_.time.start;
    for (const double share : {0.83, 0.37, 0.11}) {
      const double t = s_.time.start + share * length;
      std::vector<std::pair<double, Point>> points;
      for (int k = 0; k < tried; ++k) {
        const Point x = inside(k);
        if (const double p = exact.density(x.data(), t); p < 0.0)
          throw file_.error_at(path, fmt::format("is no density: it is {:.6g} at {}", p, place(x, t)));
        const double value = exact.log_density(x.data(), t);
        if (std::isfinite(value)) points.emplace_back(value, x);
      }
      // In more dimensions a narrow one may be missed.
      if (points.empty() && n() <= 3) throw file_.error_at(path, "is no density: it is 0 or not finite in the box");
      double largest = -std::numeric_limits<double>::infinity();
      for (const auto& [value, x] : points) largest = std::max(largest, value);
      std::erase_if(points, [&](const auto& point) { return point.first < largest - negligible; });
      if (points.size() > wanted) points.resize(wanted);
      for (const auto& [value, x] : points) {
        const double worst = relative_residual(exact, x, t, 1e-3 * share * length);
        if (worst > tolerance)
          throw file_.error_at(path, fmt::format("does not solve the equation of this problem: dp/dt + div J is {:.3g} "
                                                 "of the sum of its terms at {}",
                                                 worst, place(x, t)));
      }
      if (!exact.transient()) break;
    }
  }

  /// What differs between the two ends of a periodic axis; "" if nothing does.
  std::string jump(int axis) const {
    const auto differs = [&](double a, double b, double size) { return std::abs(a - b) > 1e-8 * size; };
    for (int k = 0; k < 64; ++k) {
      Point low = inside(k), high = low;
      low[axis] = low_[axis];
      high[axis] = high_[axis];
      const double t = s_.time.start;
      for (int i = 0; i < n(); ++i) {
        const double a = problem_.drift(i, low.data(), t), b = problem_.drift(i, high.data(), t);
        if (differs(a, b, std::abs(a) + std::abs(b)))
          return fmt::format("the drift of {} is {:.6g} at its low end and {:.6g} at its high end", given_.variables[i],
                             a, b);
        for (int j = 0; j < n(); ++j) {
          const double c = problem_.diffusion(i, j, low.data(), t), d = problem_.diffusion(i, j, high.data(), t);
          if (differs(c, d, std::abs(c) + std::abs(d)))
            return fmt::format("the diffusion is {:.6g} at its low end and {:.6g} at its high end", c, d);
        }
      }
    }
    return {};
  }
};

/// Fewest cells of a rank along a direction that is cut.
int least_share(const Settings& s) {
  if (s.flux == FluxKind::fitted4) return 4;
  bool limited = s.flux == FluxKind::limited;
  for (int d = 0; d < s.problem.dimension(); ++d)
    limited = limited || (s.flux != FluxKind::central && s.problem.diffusion_zero(d, d));
  const GeneratorOptions options = generator_options(s);
  return limited && (!options.linear || options.frozen) ? 2 : 1;
}

template <int Dim>
void check_cells_of_ranks(const CaseFile& file, const Settings& s, const Communicator& comm) {
  Index<Dim> cells{}, processes{};
  for (int d = 0; d < Dim; ++d) cells[d] = s.axes[d].cells, processes[d] = s.processes[d];
  const bool given = std::all_of(processes.begin(), processes.end(), [](int count) { return count > 0; });
  if (!given) processes = Decomposition<Dim>::choose(comm.size(), cells);
  const int least = least_share(s);
  for (int d = 0; d < Dim; ++d)
    if (processes[d] > 1 && cells[d] / processes[d] < least)
      throw file.error_at(given ? "grid.processes" : "grid",
                          fmt::format("{} needs at least {} cells per rank along {} ({} cells on {} ranks)",
                                      s.flux == FluxKind::fitted4 ? "fitted4" : "a limited flux", least,
                                      s.problem.variables()[d], cells[d], processes[d]));
}

void check_resources(const CaseFile& file, const Settings& settings, const Communicator& comm) {
  double cells = 1.0;
  for (const AxisSpec& axis : settings.axes) cells *= axis.cells;
  constexpr double vectors = 3.0;  // the density and two work arrays: nothing runs with less
  const double least_bytes = cells * 8.0 * vectors;
  if (const double memory = machine_memory(comm); least_bytes > memory)
    throw file.error_at("grid", fmt::format("{:.4g} cells need at least {:.3g} GB ({:.4g} bytes); the machines have "
                                            "{:.3g} GB",
                                            cells, least_bytes * 1e-9, least_bytes, memory * 1e-9));
  constexpr decltype(&check_ranks<1>) checks[] = {check_ranks<1>, check_ranks<2>, check_ranks<3>,
                                                  check_ranks<4>, check_ranks<5>, check_ranks<6>};
  checks[settings.axes.size() - 1](file, settings.axes, settings.processes, comm);
  constexpr decltype(&check_cells_of_ranks<1>) shares[] = {check_cells_of_ranks<1>, check_cells_of_ranks<2>,
                                                           check_cells_of_ranks<3>, check_cells_of_ranks<4>,
                                                           check_cells_of_ranks<5>, check_cells_of_ranks<6>};
  shares[settings.axes.size() - 1](file, settings, comm);
}

}  // namespace
}  // namespace detail

std::vector<std::string> check_problem(const CaseFile& file, const Settings& settings, const Communicator& comm,
                                       bool judge_machines) {
  std::vector<std::string> warnings;
  if (judge_machines) detail::check_resources(file, settings, comm);
  const detail::Checker checker(file, settings);
  checker.expressions();
  checker.diffusion_matrix();
  checker.exact_forms();
  checker.exact_fits(warnings);
  checker.initial_mass(warnings);
  checker.initial_width(warnings);
  checker.periodic_coefficients(warnings);
  if (!settings.problem.exact() && file.has("problem.exact"))
    warnings.push_back("problem.exact = \"auto\": no closed form was found");
  return warnings;
}

}  // namespace kolmo::density
