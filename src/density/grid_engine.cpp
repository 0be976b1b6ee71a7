#include "kolmo/density/grid_engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "gauss.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/base/phase.hpp"
#include "kolmo/density/initial.hpp"
#include "stationary.hpp"
#include "time_scheme.hpp"

namespace kolmo::density {

template <int Dim>
Grid<Dim> make_grid(const Settings& settings) {
  if (static_cast<int>(settings.axes.size()) != Dim || static_cast<int>(settings.boundary.size()) != 2 * Dim)
    throw InternalError(fmt::format("{} axes and {} boundaries for a grid of dimension {}", settings.axes.size(),
                                    settings.boundary.size(), Dim));
  std::array<Axis, Dim> axes;
  for (int d = 0; d < Dim; ++d) {
    AxisSpec spec = settings.axes[d];
    spec.periodic = settings.boundary[2 * d].type == BoundaryType::periodic;
    axes[d] = Axis(spec);
  }
  return Grid<Dim>(std::move(axes));
}

namespace {

template <int Dim>
Decomposition<Dim> make_decomposition(const Settings& settings, const Grid<Dim>& grid, const Communicator& comm) {
  Index<Dim> processes{};
  bool given = settings.processes.size() == Dim;
  for (int d = 0; d < Dim && given; ++d) {
    processes[d] = settings.processes[d];
    given = processes[d] > 0;
  }
  if (!given) processes = Decomposition<Dim>::choose(comm.size(), grid.cells());
  return Decomposition<Dim>(comm, grid.cells(), grid.periodic(), processes);
}

}  // namespace

template <int Dim>
struct GridEngine<Dim>::Parts {
  Parts(const Settings& s, const Communicator& c)
      : settings(s),
        comm(c),
        grid(make_grid<Dim>(settings)),
        decomposition(make_decomposition<Dim>(settings, grid, comm)),
        generator(settings, grid, decomposition, generator_options(settings)) {
    control = !settings.time.step && settings.time.tolerance > 0.0;
    state.p = generator.make_field();
    state.time = settings.time.start;
    state.escaped.assign(2 * Dim, 0.0);
    if (!settings.time.stationary) make_scheme();
  }

  void make_scheme() {
    const SolverSettings& solver = settings.solver;
    const Scheme kind = chosen_scheme(settings);
    const bool is_explicit = kind == Scheme::ssp_rk2 || kind == Scheme::ssp_rk3;
    if (settings.flux == FluxKind::limited && !is_explicit)
      throw InputError("engine.flux: limited fluxes need an explicit scheme (ssp-rk2 or ssp-rk3)");
    if (!is_explicit && !settings.time.step && !control) {
      tolerance = 1e-4;
      control = true;
    } else {
      tolerance = settings.time.tolerance;
    }
    switch (kind) {
      case Scheme::backward_euler:
        scheme = make_theta_scheme<Dim>(generator, solver, 1.0, control);
        break;
      case Scheme::crank_nicolson:
        scheme = make_theta_scheme<Dim>(generator, solver, 0.5, control);
        break;
      case Scheme::ssp_rk2:
        scheme = make_explicit_scheme<Dim>(generator, 2, control);
        break;
      case Scheme::ssp_rk3:
        scheme = make_explicit_scheme<Dim>(generator, 3, control);
        break;
      case Scheme::splitting:
        scheme = make_splitting<Dim>(generator, control);
        break;
      default:
        scheme = make_tr_bdf2<Dim>(generator, solver, control);
    }
  }

  // Start -------------------------------------------------------------------------------------------------------------

  void initialise() {
    static const Phase phase("initial density");
    const Phase::Scope scope(phase);
    const InitialDensity& initial = settings.problem.initial();
    if (initial.dimension() != Dim)
      throw InternalError(fmt::format("an initial density of {} variables on a grid of {}", initial.dimension(), Dim));
    if (initial.product())
      fill_product(initial);
    else
      fill_quadrature(initial);
    if (initial.normalised()) return;
    const double mass = generator.mass(state.p);
    if (!(mass > 0.0) || !std::isfinite(mass) || !std::isfinite(1.0 / mass))
      throw InputError(fmt::format("the density integrates to {:.6g} over the box (narrower than the cells?)", mass));
    combine<Dim>(generator.volumes().box(), {{1.0 / mass, &state.p}}, state.p);
  }

  void fill_product(const InitialDensity& initial) {
    std::array<std::vector<double>, Dim> mean;
    for (int d = 0; d < Dim; ++d)
      for (int i = 0; i < grid.axis(d).cells(); ++i)
        mean[d].push_back(initial.factor_mean(d, grid.axis(d).node(i), grid.axis(d).node(i + 1)));
    const Index<Dim>& origin = decomposition.owned().begin;
    for_each<Dim>(generator.volumes().box(), [&](const Index<Dim>& i) {
      double p = 1.0;
      for (int d = 0; d < Dim; ++d) p *= mean[d][i[d] + origin[d]];
      state.p(i) = p;
    });
  }

  /// Gauss quadrature in every cell, with as many points as the dimension lets be paid for.
  void fill_quadrature(const InitialDensity& initial) {
    static constexpr int counts[6] = {8, 8, 4, 4, 2, 2};
    static constexpr double two = 0.5773502691896257645;
    const int n = counts[Dim - 1];
    const double* place = n == 8 ? gauss::position : n == 4 ? gauss::few_position : nullptr;
    const double* weight = n == 8 ? gauss::weight : n == 4 ? gauss::few_weight : nullptr;
    Box<Dim> points;
    points.end.fill(n);
    const transport::ControlVolumes<Dim>& v = generator.volumes();
    for_each<Dim>(v.box(), [&](const Index<Dim>& i) {
      double sum = 0.0;
      const Point<Dim> centre = v.position(i);
      for_each<Dim>(points, [&](const Index<Dim>& k) {
        Point<Dim> x = centre;
        double w = 1.0;
        for (int d = 0; d < Dim; ++d) {
          x[d] += 0.5 * v.line(d).width()[i[d]] * (place ? place[k[d]] : k[d] == 0 ? -two : two);
          w *= weight ? 0.5 * weight[k[d]] : 0.5;
        }
        sum += w * initial.density(x.data());
      });
      state.p(i) = sum;
    });
  }

  // Steps -------------------------------------------------------------------------------------------------------------

  double choose_step() {
    double dt = settings.time.step.value_or(0.0);
    if (!settings.time.step) {
      if (!control) generator.set_time(state.time);  // whatever time diagnostics left it at
      const double limit = settings.time.cfl * scheme->step_limit();
      dt = control ? std::min(next_step > 0.0 ? next_step : first_step(), limit) : limit;
      if (!std::isfinite(dt)) dt = settings.time.end - settings.time.start;  // nothing moves
    }
    const bool explicit_scheme = settings.time.scheme == Scheme::ssp_rk2 || settings.time.scheme == Scheme::ssp_rk3;
    if (settings.time.step && explicit_scheme) {
      generator.set_time(state.time);
      if (const double limit = scheme->step_limit(); dt > 1.5 * limit) {
        const std::string message =
            fmt::format("a step of {:.3g} is far above the limit of the explicit scheme, {:.3g}", dt, limit);
        if (steps == 0) throw InputError(message);  // before anything is written
        throw NumericsError(message);
      }
    }
    if (settings.time.max_step > 0.0) dt = std::min(dt, settings.time.max_step);
    if (settings.time.min_step > 0.0 && dt < settings.time.min_step)
      throw NumericsError(fmt::format("time step {:.3g} falls below time.min_step", dt));
    return dt;
  }

  /// The generator of the coming steps allows for them; the stationary density has its own, once and for all.
  void find_stationary() {
    if (settings.time.stationary) {
      density::find_stationary<Dim>(settings, generator, state.p, stationary, found);
    } else {
      Generator<Dim> own(settings, grid, decomposition, {.linear = true, .frozen = true});
      density::find_stationary<Dim>(settings, own, state.p, stationary, found);
    }
    state.dropped += found.dropped;
  }

  double first_step() {
    Field<Dim> rate = generator.make_field();
    rate_of(rate);
    const double speed = norm1(generator.volumes(), rate) / norm1(generator.volumes(), state.p);
    return speed > 0.0 ? 0.5 * std::sqrt(tolerance) / speed : settings.time.end - settings.time.start;
  }

  void rate_of(Field<Dim>& rate) {
    generator.set_time(state.time);
    generator.exchange(state.p);
    generator.apply(state.p, rate);
    generator.add_limited(state.p, rate);
  }

  void step(double dt, bool more) {
    static const Phase phase("density step");
    const Phase::Scope scope(phase);
    const bool watch = settings.time.steady_tolerance > 0.0;
    if (watch && !before) before = generator.make_field();
    if (watch) combine<Dim>(generator.volumes().box(), {{1.0, &state.p}}, before);
    // A step cut short from outside says little of the step that could be taken: what was proposed stands.
    const double wanted = next_step > 0.0 && dt < next_step * (1.0 - 1e-9) ? next_step : 0.0;
    for (int attempt = 0;; ++attempt) {
      const double error = scheme->advance(state, dt, control ? tolerance : HUGE_VAL, more && !watch);
      if (!control) break;
      const double ratio = error > 0.0 ? std::pow(tolerance / error, 1.0 / scheme->error_order()) : 10.0;
      const double next = dt * std::clamp(0.9 * ratio, 0.2, 2.5);
      if (error <= tolerance) {
        next_step = attempt == 0 ? std::max(next, wanted) : next;
        break;
      }
      if (attempt == 20 || !std::isfinite(error))
        throw NumericsError(fmt::format("time {:.6g}: no step meets time.tolerance (error {:.3g})", state.time, error));
      dt = next;
    }
    state.time += dt;
    last_step = dt;
    ++steps;
    if (watch) change = find_change(dt);
  }

  double find_change(double dt) {
    double largest[2] = {0.0, 0.0};
    for_each<Dim>(generator.volumes().box(), [&](const Index<Dim>& i) {
      const double moved = std::abs(state.p(i) - before(i));
      if (!(moved <= largest[0])) largest[0] = std::isfinite(moved) ? moved : HUGE_VAL;  // never taken for steady
      largest[1] = std::max(largest[1], std::abs(state.p(i)));
    });
    comm.max(largest, 2);
    return largest[1] > 0.0 ? largest[0] / (dt * largest[1]) : 0.0;
  }

  Settings settings;
  Communicator comm;
  Grid<Dim> grid;
  Decomposition<Dim> decomposition;
  Generator<Dim> generator;
  State<Dim> state;
  std::unique_ptr<TimeScheme<Dim>> scheme;
  SolveStatistics stationary;
  Stationary found;
  Field<Dim> before;
  bool control = false;
  double tolerance = 0.0, next_step = 0.0, last_step = 0.0, change = HUGE_VAL;
  std::int64_t steps = 0;
};

template <int Dim>
GridEngine<Dim>::GridEngine(const Settings& settings, const Communicator& comm)
    : parts_(std::make_unique<Parts>(settings, comm)) {}
template <int Dim>
GridEngine<Dim>::~GridEngine() = default;

template <int Dim>
void GridEngine<Dim>::initialise() {
  parts_->initialise();
}
template <int Dim>
void GridEngine<Dim>::resume() {
  parts_->generator.set_time(parts_->state.time);
}
template <int Dim>
double GridEngine<Dim>::choose_step() {
  return parts_->choose_step();
}
template <int Dim>
void GridEngine<Dim>::step(double dt, bool more) {
  parts_->step(dt, more);
}
template <int Dim>
void GridEngine<Dim>::solve_stationary() {
  parts_->find_stationary();
}
template <int Dim>
const Grid<Dim>& GridEngine<Dim>::grid() const {
  return parts_->grid;
}
template <int Dim>
const Decomposition<Dim>& GridEngine<Dim>::decomposition() const {
  return parts_->decomposition;
}
template <int Dim>
const Settings& GridEngine<Dim>::settings() const {
  return parts_->settings;
}
template <int Dim>
const Problem& GridEngine<Dim>::problem() const {
  return parts_->settings.problem;
}
template <int Dim>
Field<Dim>& GridEngine<Dim>::density() {
  return parts_->state.p;
}
template <int Dim>
const Field<Dim>& GridEngine<Dim>::density() const {
  return parts_->state.p;
}
template <int Dim>
double GridEngine<Dim>::time() const {
  return parts_->state.time;
}
template <int Dim>
std::int64_t GridEngine<Dim>::step_count() const {
  return parts_->steps;
}
template <int Dim>
double GridEngine<Dim>::last_step() const {
  return parts_->last_step;
}
template <int Dim>
void GridEngine<Dim>::set_clock(double time, std::int64_t steps, double last_step) {
  parts_->state.time = time;
  parts_->steps = steps;
  parts_->last_step = last_step;
  parts_->next_step = last_step;
}
template <int Dim>
double GridEngine<Dim>::proposed_step() const {
  return parts_->next_step;
}
template <int Dim>
void GridEngine<Dim>::set_proposed_step(double step) {
  parts_->next_step = step;
}
template <int Dim>
void GridEngine<Dim>::rate(Field<Dim>& rate) {
  if (!rate) rate = parts_->generator.make_field();
  parts_->rate_of(rate);
}
template <int Dim>
void GridEngine<Dim>::flux(std::array<Field<Dim>, Dim>& components) {
  parts_->generator.set_time(parts_->state.time);
  parts_->generator.exchange(parts_->state.p);
  parts_->generator.flux(parts_->state.p, components);
}
template <int Dim>
const std::vector<double>& GridEngine<Dim>::escaped() const {
  return parts_->state.escaped;
}
template <int Dim>
void GridEngine<Dim>::set_escaped(std::vector<double> escaped) {
  parts_->state.escaped = std::move(escaped);
}
template <int Dim>
LineCounts GridEngine<Dim>::line_counts() const {
  return parts_->scheme ? parts_->scheme->line_counts() : LineCounts{};
}
template <int Dim>
double GridEngine<Dim>::dropped_mass() const {
  return parts_->state.dropped;
}
template <int Dim>
double GridEngine<Dim>::mass_correction() const {
  return parts_->state.correction;
}
template <int Dim>
double GridEngine<Dim>::stationary_change() const {
  return parts_->found.moved;
}

template <int Dim>
void GridEngine<Dim>::set_repairs(double dropped_mass, double mass_correction) {
  parts_->state.dropped = dropped_mass;
  parts_->state.correction = mass_correction;
}
template <int Dim>
double GridEngine<Dim>::rate_of_change() const {
  return parts_->change;
}
template <int Dim>
void GridEngine<Dim>::set_rate_of_change(double rate) {
  parts_->change = rate;
}
template <int Dim>
std::vector<std::pair<std::string, SolveStatistics>> GridEngine<Dim>::solve_statistics() const {
  if (!parts_->scheme) return {{"density", parts_->stationary}};
  return parts_->scheme->statistics();
}

template <int Dim>
std::string GridEngine<Dim>::description() const {
  const Parts& p = *parts_;
  std::string text = "flux: " + p.generator.description();
  const auto open = [](const BoundarySettings& face) {
    return face.type == BoundaryType::absorbing || face.type == BoundaryType::inflow;
  };
  if (p.settings.flux == FluxKind::fitted4 && std::any_of(p.settings.boundary.begin(), p.settings.boundary.end(), open))
    text += "; of lower order at absorbing and inflow faces";
  if (!p.scheme) return text + "; stationary density: " + p.found.description;
  const bool automatic = p.settings.time.scheme == Scheme::automatic;
  return text + "; time: " + p.scheme->description() +
         (automatic ? fmt::format(" (automatic: {} dimension{})", Dim, Dim > 1 ? "s" : "") : "");
}

template Grid<1> make_grid(const Settings&);
template Grid<2> make_grid(const Settings&);
template Grid<3> make_grid(const Settings&);
template Grid<4> make_grid(const Settings&);
template Grid<5> make_grid(const Settings&);
template Grid<6> make_grid(const Settings&);
template class GridEngine<1>;
template class GridEngine<2>;
template class GridEngine<3>;
template class GridEngine<4>;
template class GridEngine<5>;
template class GridEngine<6>;

}  // namespace kolmo::density
