#include "kolmo/flow/model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kolmo/base/error.hpp"
#include "kolmo/flow/exact.hpp"
#include "not_finite.hpp"

namespace kolmo::flow {

namespace {

/// Unlike std::max by value, which wide code wants; a NaN is lost in it or not.
[[gnu::always_inline]] inline double larger(double a, double b) { return a > b ? a : b; }

template <int Dim>
std::unique_ptr<TimeScheme<Dim>> make_scheme(Scheme scheme, const Parts<Dim>& parts) {
  switch (scheme) {
    case Scheme::rk3:
      return make_rk3<Dim>(parts);
    case Scheme::rk3_cn:
      return make_rk3_cn<Dim>(parts);
    case Scheme::cn_ab2:
      return make_cn_ab2<Dim>(parts);
    default:
      return make_k4<Dim>(parts);
  }
}

}  // namespace

template <int Dim>
Model<Dim>::Model(const Settings& settings, const Communicator& comm)
    : settings_(settings),
      domain_(settings_, comm),
      boundary_(settings_, domain_),
      momentum_(domain_),
      variable_viscosity_(settings_, domain_),
      projection_(settings_, domain_, boundary_),
      forces_(settings_, domain_),
      scalars_(settings_, domain_) {
  momentum_.set_viscosity(variable_viscosity_.active() ? 0.0 : settings_.fluid.kinematic_viscosity(0.0, 0.0, 0.0, 0.0));
  state_.velocity = domain_.make_velocity();
  state_.p = domain_.make_cells();
  state_.p_old = domain_.make_cells();
  state_.t = settings_.time.start;
  scheme_ = make_scheme<Dim>(settings_.time.scheme, {settings_, domain_, boundary_, momentum_, variable_viscosity_,
                                                     projection_, forces_, scalars_});
  if (settings_.time.steady_tolerance > 0.0) {
    for (int c = 0; c < Dim; ++c) before_.emplace_back(domain_.layout, Location::faces(c));
    for (int s = 0; s < scalars_.count(); ++s) before_.push_back(domain_.make_cells());
  }
  for (int x = 0; x < domain_.extent()[0]; ++x)
    inverse_x_.push_back(1.0 / domain_.grid.axis(0).width(x + domain_.origin()[0]));
  row_.resize((2 + variants) * inverse_x_.size());
}

template <int Dim>
void Model<Dim>::initialise() {
  set_velocity<Dim>(NamedField(settings_.initial, settings_), domain_, state_.t, state_.velocity);
  boundary_.set_time(state_.t);
  boundary_.start_outflow(state_.velocity);
  boundary_.apply(state_.velocity);
  make_divergence_free();
  scalars_.initialise(state_.t);
}

template <int Dim>
void Model<Dim>::make_divergence_free() {
  boundary_.set_pressure({});
  state_.p.fill(0.0);
  projection_.project(state_.velocity, 1.0, state_.p, scheme_->workspace());
  state_.p.fill(0.0);
}

template <int Dim>
void Model<Dim>::resume() {
  boundary_.set_time(state_.t);
  boundary_.refresh(state_.velocity);  // boundary faces are state: balancing them again would change their last digits
  domain_.exchange(state_.p);
  domain_.exchange(state_.p_old);
  boundary_.set_pressure({});  // increments of the pressure are zero where it is given
  for (Field<Dim>* field : scheme_->cell_history()) boundary_.apply_pressure(*field);
  for (int s = 0; s < scalars_.count(); ++s) scalars_.apply_boundary(Register::u, state_.t);
}

template <int Dim>
double Model<Dim>::viscosity() {
  return variable_viscosity_.active() ? variable_viscosity_.max(state_.t)
                                      : settings_.fluid.kinematic_viscosity(0.0, 0.0, 0.0, state_.t);
}

// By place in the row, the largest over all rows: C per dt, a check of every number, (C/c)^2 + (V/v)^2 per dt^2.
template <int Dim>
template <std::size_t count>
void Model<Dim>::fill_rows(const std::array<double, variants>& of_c, const std::array<double, variants>& of_v) {
  const Layout<Dim>& layout = domain_.layout;
  const auto inverse = [&](int d, int i) { return 1.0 / domain_.grid.axis(d).width(i + domain_.origin()[d]); };
  const int n = domain_.extent()[0];
  double* const most = row_.data();  // by place in the row, over all rows: what the compiler makes wide code of
  double* const none = most + n;     // stays zero while every number is finite
  double* const combined = none + n;
  std::fill(row_.begin(), row_.end(), 0.0);
  for_each_row<Dim>(layout.interior(), [&](const Index<Dim>& i) {
    const std::ptrdiff_t o = layout.offset(i);
    std::array<const double*, Dim> low, high;
    std::array<double, Dim> h{};
    double squares = 0.0;
    for (int d = 0; d < Dim; ++d) {
      low[d] = state_.velocity[d].origin() + o;
      high[d] = low[d] + layout.stride(d);
      if (d > 0) h[d] = inverse(d, i[d]);
      squares += h[d] * h[d];
    }
    const double* inverse_x = inverse_x_.data();
#pragma GCC ivdep
    for (int x = 0; x < n; ++x) {
      double c = larger(std::abs(low[0][x]), std::abs(high[0][x])) * inverse_x[x];
      for (int d = 1; d < Dim; ++d) c += larger(std::abs(low[d][x]), std::abs(high[d][x])) * h[d];
      const double v = squares + inverse_x[x] * inverse_x[x], cc = c * c, vv = v * v;
      most[x] = larger(most[x], c);
      none[x] += c - c;
      for (std::size_t k = 0; k < count; ++k)
        combined[k * n + x] = larger(combined[k * n + x], of_c[k] * cc + of_v[k] * vv);
    }
  });
}

template <int Dim>
typename Model<Dim>::StepRates Model<Dim>::step_rates() {
  const std::span<const StabilityLimit> limits = scheme_->limits();
  const StabilityLimit limit = scheme_->limit();
  const double diffusivity =
      std::max(limit.viscous > 0.0 ? viscosity() : 0.0, scalars_.count() ? scalars_.max_diffusivity(state_.t) : 0.0);
  std::array<double, variants> of_c{}, of_v{};  // weights of the squares of C and V; none for what there is not
  for (std::size_t k = 0; k < limits.size(); ++k) {
    const double viscous = limits[k].scalar > 0.0 ? limits[k].scalar : limits[k].viscous;
    of_c[k] = 1.0 / (limits[k].convective * limits[k].convective);
    of_v[k] = viscous > 0.0 ? 16.0 * diffusivity * diffusivity / (viscous * viscous) : 0.0;
  }
  const double given = boundary_.max_given_rate();
  StepRates rates;
  rates.courant = given;
  for (std::size_t k = 0; k < limits.size(); ++k) rates.combined[k] = given * given * of_c[k];
  if (limits.size() == 1)
    fill_rows<1>(of_c, of_v);
  else
    fill_rows<variants>(of_c, of_v);
  const int n = domain_.extent()[0];
  const double *most = row_.data(), *none = most + n, *combined = none + n;
  for (int x = 0; x < n; ++x) {
    rates.courant = std::max(rates.courant, none[x] != 0.0 ? HUGE_VAL : most[x]);
    for (std::size_t k = 0; k < limits.size(); ++k)
      rates.combined[k] = std::max(rates.combined[k], none[x] != 0.0 ? HUGE_VAL : combined[k * n + x]);
  }
  std::array<double, 1 + variants> all{rates.courant};
  std::copy(rates.combined.begin(), rates.combined.end(), all.begin() + 1);
  domain_.comm().max(all.data(), static_cast<int>(1 + limits.size()));
  rates.courant = all[0];
  std::copy(all.begin() + 1, all.end(), rates.combined.begin());
  if (limit.gradient > 0.0) {
    const double gradient = variable_viscosity_.max_gradient_rate(state_.t) / limit.gradient;
    rates.combined[0] += gradient * gradient;
  }
  return rates;
}

template <int Dim>
double Model<Dim>::StepRates::stable(std::size_t variant) const {
  return combined[variant] > 0.0 ? 1.0 / std::sqrt(combined[variant]) : HUGE_VAL;
}

// The variant with the largest step, where it gains enough over those before it.
template <int Dim>
std::size_t Model<Dim>::best_variant(const StepRates& rates, double worth) const {
  std::size_t best = 0;
  for (std::size_t k = 1; k < scheme_->limits().size(); ++k)
    if (rates.stable(k) > worth * rates.stable(best)) best = k;
  return best;
}

// The first, hence most accurate one, that takes dt with a margin; where there is none, the most stable.
template <int Dim>
std::size_t Model<Dim>::variant_for(double dt, const StepRates& rates) const {
  constexpr double margin = 0.8;
  for (std::size_t k = 0; k < scheme_->limits().size(); ++k)
    if (dt <= margin * rates.stable(k) * (1.0 + 1e-12)) return k;
  const std::size_t best = best_variant(rates, worthwhile);
  return dt <= rates.stable(best) * (1.0 + 1e-12) ? best : best_variant(rates, 1.0);
}

template <int Dim>
double Model<Dim>::choose_step() {
  const TimeSettings& time = settings_.time;
  const StepRates rates = present_rates();
  if (!std::isfinite(rates.courant))
    throw NumericsError(fmt::format("{} at step {}, t = {:.6g}", describe_not_finite(domain_, state_, scalars_),
                                    state_.step, state_.t));
  double stable = rates.stable(best_variant(rates, worthwhile));
  double dt = 0.0;
  if (time.step) {
    dt = *time.step;
    stable = rates.stable(best_variant(rates, 1.0));
    if (dt > stable * (1.0 + 1e-12))
      throw NumericsError(
          fmt::format("time.step = {:.6g} is beyond the stability limit {:.6g} of the scheme at step {}, t = {:.6g}: "
                      "lower it, or leave it out and set time.cfl",
                      dt, stable, state_.step, state_.t));
  } else {
    dt = time.cfl * stable;
    if (time.max_step > 0.0) dt = std::min(dt, time.max_step);
    // Where nothing moves yet the velocity limits nothing: the first step is held by what sets the fluid in motion, and
    // the next ones may not more than double.
    dt = std::min(dt, state_.dt > 0.0 ? 2.0 * state_.dt : time.cfl * starting_step());
    if (!std::isfinite(dt)) dt = time.end - state_.t;
    if (dt < time.min_step)
      throw NumericsError(fmt::format("the stable step {:.3g} fell below time.min_step = {:.3g} at step {}, t = {:.6g}",
                                      dt, time.min_step, state_.step, state_.t));
  }
  return dt;
}

// The dt after which the velocity a dt that the explicit rates a make of nothing reaches the convective limit, dt (a
// dt) / h = c.
template <int Dim>
double Model<Dim>::starting_step() {
  Velocity<Dim>& rate = scheme_->workspace();
  evaluate_rate(rate);
  double largest = 0.0;
  for (int c = 0; c < Dim; ++c)
    for_each<Dim>(boundary_.unknowns(c), [&](const Index<Dim>& i) {
      const double h = domain_.grid.axis(c).distance(i[c] + domain_.origin()[c]);
      if (const double r = std::abs(rate[c](i)) / h; !(r <= largest)) largest = std::isfinite(r) ? r : HUGE_VAL;
    });
  largest = domain_.comm().max(largest);
  // Nothing to go by: what drives the flow starts at zero or is a pressure. A thousandth of the run is little, and
  // doubles from there.
  if (largest == 0.0) return 1e-3 * (settings_.time.end - settings_.time.start);
  return std::sqrt(scheme_->limit().convective / largest);
}

template <int Dim>
void Model<Dim>::step(double dt) {
  const bool steady = settings_.time.steady_tolerance > 0.0;
  if (steady) for_each_unknown([](const Field<Dim>& now, Field<Dim>& before) { before.copy_from(now); });
  const StepRates& rates = present_rates();
  courant_ = dt * rates.courant;
  scheme_->choose(variant_for(dt, rates));
  scheme_->step(state_, dt);
  check_finite();
  if (steady) measure_change(dt);
}

/// Calls visit(field, its values before the step) for the velocity and the scalars.
template <int Dim>
template <class Visit>
void Model<Dim>::for_each_unknown(Visit&& visit) {
  for (int c = 0; c < Dim; ++c) visit(state_.velocity[c], before_[c]);
  for (int s = 0; s < scalars_.count(); ++s) visit(scalars_.field(s), before_[Dim + s]);
}

template <int Dim>
void Model<Dim>::measure_change(double dt) {
  double largest = 0.0;
  for_each_unknown([&](const Field<Dim>& field, const Field<Dim>& before) {
    for_each_row<Dim>(domain_.layout.interior(), [&](const Index<Dim>& i) {
      const double* now = field.origin() + domain_.layout.offset(i);
      const double* then = before.origin() + domain_.layout.offset(i);
      for (int x = 0; x < domain_.extent()[0]; ++x) largest = std::max(largest, std::abs(now[x] - then[x]));
    });
  });
  rate_of_change_ = domain_.comm().max(largest) / dt;
}

template <int Dim>
void Model<Dim>::restore_reports(double courant, double rate_of_change) {
  courant_ = courant;
  rate_of_change_ = rate_of_change;
}

template <int Dim>
const typename Model<Dim>::StepRates& Model<Dim>::present_rates() {
  if (rates_step_ != state_.step) rates_ = step_rates();
  rates_step_ = state_.step;
  return rates_;
}

// Before anything of the step is written: a checkpoint of numbers that are none would push out the last good one.
template <int Dim>
void Model<Dim>::check_finite() {
  if (!std::isfinite(present_rates().courant))
    throw NumericsError(fmt::format("{} after step {}, t = {:.6g}", describe_not_finite(domain_, state_, scalars_),
                                    state_.step, state_.t));
  for (int s = 0; s < scalars_.count(); ++s) {
    double sum = 0.0;
    for_each_row<Dim>(domain_.layout.interior(), [&](const Index<Dim>& i) {
      const double* q = scalars_.field(s).origin() + domain_.layout.offset(i);
      for (int x = 0; x < domain_.extent()[0]; ++x) sum += q[x];
    });
    if (domain_.comm().any(!std::isfinite(sum)))
      throw NumericsError(fmt::format("{} after step {}, t = {:.6g}", describe_not_finite(domain_, state_, scalars_),
                                      state_.step, state_.t));
  }
}

template <int Dim>
void Model<Dim>::pressure_now(Field<Dim>& p) {
  if (state_.has_history() && settings_.time.pressure_at_output == PressureOutput::extrapolated) {
    const double age = scheme_->pressure_age(state_.dt), age_old = scheme_->pressure_age(state_.dt_old);
    const double g = age / (state_.dt - age + age_old), a = 1.0 + g, b = -g;
    for (std::size_t i = 0; i < p.size(); ++i) p.data()[i] = a * state_.p.data()[i] + b * state_.p_old.data()[i];
    boundary_.set_pressure({{1.0, state_.t}});
    boundary_.apply_pressure(p);
    return;
  }
  solve_pressure(p);
}

// F(u) of the present time on the unknown faces, without a pressure; outflow faces are left to the caller.
template <int Dim>
void Model<Dim>::evaluate_rate(Velocity<Dim>& rate) {
  Sweep<Dim> sweep{&state_.velocity, &rate, &state_.velocity, 0.0, nullptr, 0.0, 1.0};
  forces_.set_time(state_.t);
  sweep.force = forces_.uniform();
  momentum_.sweep(sweep);
  for (int c = 0; c < Dim; ++c) {
    Box<Dim> box = boundary_.unknowns(c);
    if (box.end[c] <= domain_.extent()[c]) continue;
    box.begin[c] = box.end[c] - 1;
    momentum_.sweep_component(sweep, c, box);
  }
  boundary_.add_inlet_bending(state_.velocity, rate, momentum_.viscosity());
  forces_.add(rate, 1.0);
  if (scalars_.buoyant()) scalars_.add_buoyancy(rate, 1.0, Register::u);
  if (variable_viscosity_.active()) {
    variable_viscosity_.set_time(state_.t);
    variable_viscosity_.add(boundary_, state_.velocity, rate, 1.0);
    variable_viscosity_.add_inlet_bending(boundary_, state_.velocity, rate, 1.0);
  }
}

// L p = div F(u) - d/dt of the boundary flux: the acceleration du/dt + G p = F holds at the faces too, where du/dt is
// known.
template <int Dim>
void Model<Dim>::solve_pressure(Field<Dim>& p) {
  Velocity<Dim>& rate = scheme_->workspace();
  Velocity<Dim> solver_space = domain_.make_velocity();
  const double h =
      0.5 * (state_.dt > 0.0 ? state_.dt : choose_step());  // before `rate` is filled: it may need the workspace
  boundary_.advance_outflow(0.0, state_.velocity, 0.0, nullptr, 1.0, state_.velocity);
  evaluate_rate(rate);
  boundary_.store_outflow(rate);
  boundary_.set_rate(state_.t, h, settings_.time.start);
  boundary_.apply(rate);
  boundary_.set_pressure({{1.0, state_.t}});
  p.copy_from(state_.p);
  projection_.solve_pressure(rate, p, solver_space);
  boundary_.set_time(state_.t);
}

template <int Dim>
std::vector<std::pair<std::string, SolveStatistics>> Model<Dim>::solve_statistics() const {
  std::vector<std::pair<std::string, SolveStatistics>> all{{"pressure", projection_.statistics()}};
  if (const SolveStatistics momentum = scheme_->momentum_solves(); momentum.count > 0)
    all.emplace_back("momentum", momentum);
  return all;
}

template <int Dim>
std::string Model<Dim>::description() const {
  return fmt::format("{}; pressure: {}", scheme_->description(), projection_.description());
}

template class Model<2>;
template class Model<3>;

}  // namespace kolmo::flow
