#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kolmo/base/error.hpp"
#include "time_scheme.hpp"

namespace kolmo::density {

namespace {

template <int Dim>
bool nonnegative(const Box<Dim>& box, const Field<Dim>& p) {
  bool good = true;
  for_each_row<Dim>(box, [&](const Index<Dim>& row) {
    const double* values = p.origin() + p.layout().offset(row);
    for (int k = 0; k < box.extent(0); ++k) good = good && values[k] >= 0.0;
  });
  return good;
}

/// want / have, by which a density is scaled to the mass it should have; 1 where both are nothing beside `size`.
double mass_factor(double have, double want, double size) {
  if (!std::isfinite(have) || !std::isfinite(want)) throw NumericsError("the density is not finite");
  if (have > 0.0 && want > 0.0 && std::isfinite(want / have)) return want / have;
  if (std::abs(want - have) <= 1e-13 * size) return 1.0;
  throw NumericsError(fmt::format(
      "a step should leave the mass {:.3g}, its solve left {:.3g}: take smaller steps or a smaller solver.tolerance",
      want, have));
}

/// What all implicit schemes share.
template <int Dim>
class ImplicitScheme : public TimeScheme<Dim> {
 public:
  ImplicitScheme(Generator<Dim>& generator, const SolverSettings& solver, bool control)
      : g_(generator), solver_(generator, solver, !control, line_preconditioner(generator)), control_(control) {
    for (std::vector<double>* parts : {&share_, &last_, &given_}) parts->assign(2 * Dim, 0.0);
  }
  std::vector<std::pair<std::string, SolveStatistics>> statistics() const override {
    return {{"density", solver_.statistics()}};
  }

 protected:
  const Box<Dim>& box() const { return g_.volumes().box(); }
  static double total(const std::vector<double>& parts) { return std::accumulate(parts.begin(), parts.end(), 0.0); }
  /// The fluxes of `q` at the generator's time, integrated over `weight`.
  void count_outflow(const Field<Dim>& q, double weight) {
    if (!g_.closed()) g_.add_outflow(q, weight, share_);
  }
  /// q solves (I - a L) q = b up to the tolerance of the solver; what its mass lacks is made up by a factor next to
  /// one, so that mass + escaped is as before to round-off. `weight`: of the fluxes of q in the step. What is given at
  /// a boundary does not scale with q: in a box that is filled from empty, nearly all mass came in just now.
  void settle(State<Dim>& s, double mass, double weight, Field<Dim>& q) {
    const Communicator& comm = g_.volumes().comm();
    std::fill(last_.begin(), last_.end(), 0.0);
    std::fill(given_.begin(), given_.end(), 0.0);
    if (!g_.closed()) {
      comm.sum(share_.data(), 2 * Dim);
      g_.add_outflow(q, weight, last_, 1.0, 0.0);
      g_.add_outflow(q, weight, given_, 0.0, 1.0);
      comm.sum(last_.data(), 2 * Dim);
      comm.sum(given_.data(), 2 * Dim);
    }
    const double have = g_.mass(q) + total(last_), want = mass - total(share_) - total(given_);
    const double factor = mass_factor(have, want, std::abs(mass) + std::abs(total(share_)) + std::abs(total(given_)));
    combine<Dim>(box(), {{factor, &q}}, q);
    for (int k = 0; k < 2 * Dim; ++k) s.escaped[k] += share_[k] + given_[k] + factor * last_[k];
    s.correction = std::max(s.correction, std::abs(factor - 1.0));
  }

  Generator<Dim>& g_;
  ImplicitSolver<Dim> solver_;
  bool control_;
  std::vector<double> share_, last_, given_;
};

template <int Dim>
class ThetaScheme final : public ImplicitScheme<Dim> {
 public:
  ThetaScheme(Generator<Dim>& generator, const SolverSettings& solver, double theta, bool control)
      : ImplicitScheme<Dim>(generator, solver, control), theta_(theta) {
    if (theta < 1.0 && generator.limited())
      throw InputError("time.scheme: crank-nicolson cannot carry limited transport; use tr-bdf2, splitting or ssp-rk3");
    if (theta < 1.0 && control)
      throw InputError("time.tolerance: crank-nicolson does not estimate its error; use tr-bdf2 or give time.step");
    right_ = generator.make_field();
    next_ = generator.make_field();
    if (theta < 1.0 || control) rate_ = generator.make_field();
  }

  double advance(State<Dim>& s, double dt, double limit, bool) override {
    auto& g = this->g_;
    std::fill(this->share_.begin(), this->share_.end(), 0.0);
    const double mass = g.mass(s.p), a = theta_ * dt, other = dt - a;
    combine<Dim>(this->box(), {{1.0, &s.p}}, right_);
    if (other > 0.0 || this->control_) {
      g.set_time(s.time);
      g.exchange(s.p);
      g.apply(s.p, rate_);
      if (other > 0.0) combine<Dim>(this->box(), {{1.0, &right_}, {other, &rate_}}, right_);
      if (other > 0.0) this->count_outflow(s.p, other);
    }
    g.set_time(s.time + dt);
    g.add_constants(right_, a);
    combine<Dim>(this->box(), {{1.0, &s.p}}, next_);
    this->solver_.solve(a, right_, next_);
    const double error = this->control_ ? estimate(s, dt, mass) : 0.0;
    if (this->control_ && !(error <= limit)) return error;
    if (theta_ == 1.0) s.dropped += remove_negative(s.p);
    this->settle(s, mass, a, next_);
    swap(s.p, next_);
    return error;
  }
  int error_order() const override { return 2; }
  std::string description() const override {
    return fmt::format("{}; {}", theta_ == 1.0 ? "backward Euler (first order, positive)" : "Crank-Nicolson",
                       this->solver_.description());
  }

 private:
  /// dt/2 |L p' - L p|.
  double estimate(const State<Dim>& s, double dt, double mass) {
    auto& g = this->g_;
    g.exchange(next_);
    g.apply(next_, rate_, 0.5 * dt, -0.5 * dt);
    return norm1(g.volumes(), rate_) / mass;
  }
  /// An exact solution is not negative where p is not and L is an M-matrix: what the solver's tolerance left goes.
  /// Returns the mass of it.
  double remove_negative(const Field<Dim>& p) {
    auto& g = this->g_;
    if (!g.positive() || !g.volumes().comm().all(nonnegative<Dim>(this->box(), p))) return 0.0;
    double below = 0.0;
    for_each_row<Dim>(this->box(), [&](const Index<Dim>& row) {
      double* values = next_.origin() + next_.layout().offset(row);
      const double* width = g.volumes().line(0).width();
      double sum = 0.0;
      for (int k = 0; k < this->box().extent(0); ++k) {
        sum -= width[k] * std::min(values[k], 0.0);
        values[k] = std::max(values[k], 0.0);
      }
      below += sum * g.volumes().area(0, row);
    });
    return g.volumes().comm().sum(below);
  }

  double theta_;
  Field<Dim> right_, next_, rate_;
};

/// Stages at 0, 2 g, 1 with g = 1 - 1/sqrt(2):
///   q = p + dt g (L p + L q) + 2 g dt N(p)
///   r = p + dt w (L p + L q) + dt g L r + dt (a31 N(p) + a32 N(q))
///   p' = r + dt [ (w - a31) N(p) + (w - a32) N(q) + g N(r) ],      w = 1 / (2 sqrt 2)
template <int Dim>
class TrBdf2 final : public ImplicitScheme<Dim> {
 public:
  TrBdf2(Generator<Dim>& generator, const SolverSettings& solver, bool control)
      : ImplicitScheme<Dim>(generator, solver, control) {
    for (Field<Dim>* f : {&right_, &next_, &rate_}) *f = generator.make_field();
    if (generator.limited()) limited1_ = generator.make_field(), limited2_ = generator.make_field();
    if (control) first_ = generator.make_field();
  }

  double advance(State<Dim>& s, double dt, double limit, bool) override {
    auto& g = this->g_;
    const Box<Dim>& box = this->box();
    std::fill(this->share_.begin(), this->share_.end(), 0.0);
    const double mass = g.mass(s.p);
    // First stage: trapezoidal rule to t + 2 g dt.
    g.set_time(s.time);
    g.exchange(s.p);
    g.apply(s.p, rate_);
    this->count_outflow(s.p, weight * dt);
    if (this->control_) combine<Dim>(box, {{1.0, &rate_}}, first_);
    combine<Dim>(box, {{1.0, &s.p}, {gamma * dt, &rate_}}, right_);
    if (g.limited()) {
      limited_rate(s.p, limited1_, dt);
      combine<Dim>(box, {{1.0, &right_}, {2.0 * gamma * dt, &limited1_}}, right_);
      if (this->control_) combine<Dim>(box, {{1.0, &first_}, {1.0, &limited1_}}, first_);
    }
    g.set_time(s.time + 2.0 * gamma * dt);
    g.add_constants(right_, gamma * dt);
    combine<Dim>(box, {{1.0, &s.p}}, next_);
    this->solver_.solve(gamma * dt, right_, next_);
    // Second stage.
    combine<Dim>(box, {{1.0, &s.p}, {weight * dt, &rate_}}, right_);
    g.exchange(next_);
    g.apply(next_, rate_);
    this->count_outflow(next_, weight * dt);
    combine<Dim>(box, {{1.0, &right_}, {weight * dt, &rate_}}, right_);
    if (g.limited()) {
      limited_rate(next_, limited2_, dt);
      combine<Dim>(box, {{1.0, &right_}, {dt * a31, &limited1_}, {dt * a32, &limited2_}}, right_);
    }
    if (this->control_) add_estimate(0.0 - 1.0 / (theta * (1.0 - theta)));
    g.set_time(s.time + dt);
    g.add_constants(right_, gamma * dt);
    this->solver_.solve(gamma * dt, right_, next_);
    const double error = finish(dt, mass);
    if (this->control_ && !(error <= limit)) return error;
    this->settle(s, mass, gamma * dt, next_);
    if (g.limited())
      combine<Dim>(
          box,
          {{1.0, &next_}, {dt * (weight - a31), &limited1_}, {dt * (weight - a32), &limited2_}, {dt * gamma, &rate_}},
          next_);
    swap(s.p, next_);
    return error;
  }
  int error_order() const override { return 3; }
  std::string description() const override {
    return fmt::format("TR-BDF2 (second order, L-stable{}); {}",
                       this->g_.limited() ? "; limited fluxes explicit, ARK2" : "", this->solver_.description());
  }

 private:
  static constexpr double gamma = 0.29289321881345247560, weight = 0.35355339059327376220, theta = 2.0 * gamma;
  static constexpr double a32 = (3.0 + 2.0 * 1.41421356237309504880) / 6.0, a31 = 1.0 - a32;

  void limited_rate(Field<Dim>& p, Field<Dim>& rate, double dt) {
    rate.fill(0.0);
    this->g_.add_limited(p, rate, 1.0, dt);
  }
  /// first_ := first_ / theta + factor * (rate_ + limited2_), the first two terms of the local error.
  void add_estimate(double factor) {
    combine<Dim>(this->box(), {{1.0 / theta, &first_}, {factor, &rate_}}, first_);
    if (this->g_.limited()) combine<Dim>(this->box(), {{1.0, &first_}, {factor, &limited2_}}, first_);
  }
  /// Leaves N(r) in rate_; returns the local error, 2 k dt (f0 / th - f1 / (th (1-th)) + f2 / (1-th)) (Bank et al.).
  double finish(double dt, double mass) {
    auto& g = this->g_;
    if (!this->control_ && !g.limited()) return 0.0;
    g.exchange(next_);
    double error = 0.0;
    if (this->control_) {
      constexpr double k = (-3.0 * theta * theta + 4.0 * theta - 2.0) / (12.0 * (2.0 - theta));
      g.apply(next_, rate_);
      combine<Dim>(this->box(), {{1.0, &first_}, {1.0 / (1.0 - theta), &rate_}}, first_);
      if (g.limited()) {
        limited_rate(next_, rate_, dt);
        combine<Dim>(this->box(), {{1.0, &first_}, {1.0 / (1.0 - theta), &rate_}}, first_);
      }
      error = std::abs(2.0 * k * dt) * norm1(g.volumes(), first_) / mass;
    } else {
      limited_rate(next_, rate_, dt);
    }
    return error;
  }

  Field<Dim> right_, next_, rate_, limited1_, limited2_, first_;
};

}  // namespace

template <int Dim>
std::unique_ptr<TimeScheme<Dim>> make_theta_scheme(Generator<Dim>& generator, const SolverSettings& solver,
                                                   double theta, bool control) {
  return std::make_unique<ThetaScheme<Dim>>(generator, solver, theta, control);
}
template <int Dim>
std::unique_ptr<TimeScheme<Dim>> make_tr_bdf2(Generator<Dim>& generator, const SolverSettings& solver, bool control) {
  return std::make_unique<TrBdf2<Dim>>(generator, solver, control);
}

#define KOLMO_INSTANTIATE(Dim)                                                                                       \
  template std::unique_ptr<TimeScheme<Dim>> make_theta_scheme(Generator<Dim>&, const SolverSettings&, double, bool); \
  template std::unique_ptr<TimeScheme<Dim>> make_tr_bdf2(Generator<Dim>&, const SolverSettings&, bool);
KOLMO_INSTANTIATE(1)
KOLMO_INSTANTIATE(2)
KOLMO_INSTANTIATE(3)
KOLMO_INSTANTIATE(4)
KOLMO_INSTANTIATE(5)
KOLMO_INSTANTIATE(6)
#undef KOLMO_INSTANTIATE

}  // namespace kolmo::density
