// Schemes with implicit viscosity: Wray's Runge-Kutta or Adams-Bashforth for convection, Crank-Nicolson for viscosity.
#include <fmt/format.h>

#include <algorithm>

#include "implicit_stage.hpp"
#include "kolmo/flow/scheme.hpp"

namespace kolmo::flow {

namespace {

/// From a step to one longer by more than this nothing is extrapolated with the ratio: it would amplify what the short
/// step left of noise, and repeated jumps would be unstable.
constexpr double longest_growth = 2.0;

template <int Dim>
class ImplicitScheme : public TimeScheme<Dim> {
 public:
  explicit ImplicitScheme(const Parts<Dim>& parts)
      : p_(parts), stage_(parts), rate_(parts.domain.make_velocity()), work_(parts.domain.make_velocity()) {}
  Velocity<Dim>& workspace() override { return work_; }
  SolveStatistics momentum_solves() const override { return stage_.helmholtz().statistics(); }

 protected:
  using Step = typename ImplicitStage<Dim>::Step;

  static void copy(const Velocity<Dim>& from, Velocity<Dim>& to) {
    for (int c = 0; c < Dim; ++c) to[c].copy_from(from[c]);
  }
  void swap_rates() {
    for (int c = 0; c < Dim; ++c) swap(rate_[c], work_[c]);
  }
  void finish(State<Dim>& s, double dt, double impulse) {
    this->bulk_acceleration_ = impulse / dt;
    if (this->observer_) this->observer_->end(s.velocity, dt, impulse);
    s.dt_old = s.dt;
    s.dt = dt;
    s.t += dt;
    ++s.step;
  }

  Parts<Dim> p_;
  ImplicitStage<Dim> stage_;
  Velocity<Dim> rate_, work_;
};

/// Le & Moin (1991) with a projection at every stage, coefficients of Wray (F10):
///   stage k: g = (8/15, 5/12, 3/4) dt on N(u_k), z = (0, -17/60, -5/12) dt on N(u_{k-1}), length (8/15, 2/15, 1/3) dt.
/// The rates of the last stage stand for its middle, and so does the pressure it leaves: t - dt/6.
/// Scalars go explicitly, by the same Runge-Kutta scheme in the registers of scheme_rk3.
template <int Dim>
class RK3CN final : public ImplicitScheme<Dim> {
  using typename ImplicitScheme<Dim>::Step;

 public:
  explicit RK3CN(const Parts<Dim>& parts) : ImplicitScheme<Dim>(parts) {
    for (Field<Dim>& increment : increment_) increment = parts.domain.make_cells();
  }
  // Scan of the stages' amplification factor, du/dt = (i c - m) u with m implicit: |c| dt up to 1.732 for m = 0, more
  // for every m > 0 (2.46 at m dt = 1). The last number is measured with waves, layers and jumps of nu: about 3.
  std::span<const StabilityLimit> limits() const override { return {&limit_, 1}; }
  double pressure_age(double dt) const override { return dt / 6.0; }
  std::vector<Field<Dim>*> cell_history() override { return {&increment_[0], &increment_[1], &increment_[2]}; }
  std::string description() const override {
    return fmt::format(
        "rk3-cn: third-order Runge-Kutta (Wray) for convection, Crank-Nicolson for viscosity; momentum: {}",
        this->stage_.helmholtz().description());
  }

  void step(State<Dim>& s, double dt) override {
    const double k1 = 8.0 * dt / 15.0, t2 = s.t + k1, t3 = s.t + 2.0 * dt / 3.0, share = 15.0 / 32.0;
    Velocity<Dim>& u = s.velocity;
    Scalars<Dim>& scalars = this->p_.scalars;
    if (s.dt == 0.0) start(s, k1);
    // The weights of N(u1), N(u2), N(u3) add up to 1/4, 0 and 3/4.
    if (this->observer_) {
      this->observer_->begin(u, s.t);
      this->observer_->rates(0.25 * dt, u, s.t, Register::u, ViscousPart::transposed);
    }
    s.p_old.copy_from(s.p);

    scalars.advance({Register::u, Register::a, Register::u, 1.0, Register::u, 0.0, k1, s.t, t2, true}, u);
    double impulse = stage(0, s, {k1, 0.0, k1, t2}, dt, s.t, Register::u);

    const double k2 = 2.0 * dt / 15.0;
    scalars.advance(
        {Register::a, Register::b, Register::u, 1.0 - share, Register::a, share, 5.0 * dt / 12.0, t2, t3, true}, u);
    impulse += stage(1, s, {5.0 * dt / 12.0, -17.0 * dt / 60.0, k2, t3}, dt, t2, Register::a);

    scalars.advance(
        {Register::b, Register::u, Register::u, 1.0 - share, Register::a, share, 0.75 * dt, t3, s.t + dt, true}, u);
    if (this->observer_) this->observer_->rates(0.75 * dt, u, t3, Register::b, ViscousPart::transposed);
    impulse += stage(2, s, {0.75 * dt, -5.0 * dt / 12.0, dt / 3.0, s.t + dt}, dt, t3, Register::b);
    this->finish(s, dt, impulse);
  }

 private:
  static constexpr StabilityLimit limit_{1.6, 0.0, 2.4, 2.5};
  double stage(int number, State<Dim>& s, Step step, double dt, double t_in, Register scalars) {
    step.observer = dt > 0.0 ? this->observer_ : nullptr;  // not of a rehearsal
    if (s.dt > 0.0) {
      // The first stage's increment leads over from the last stage of the step before, the others' lie within the step.
      const auto span = [&](double now, double before) { return number > 0 ? now : before / 6.0 + 4.0 * now / 15.0; };
      step.expected = &increment_[number];
      step.scale = std::min(longest_growth, span(dt, s.dt) / span(s.dt, s.dt_old));
    }
    this->stage_.rate(s.velocity, t_in, scalars, this->rate_);
    const double impulse = this->stage_.advance(step, s.velocity, s.p, this->rate_, this->work_);
    this->swap_rates();
    swap(increment_[number], this->stage_.increment());
    return impulse;
  }

  // The splitting needs a pressure to start from: the first stage is rehearsed for the one it finds.
  void start(State<Dim>& s, double k) {
    Velocity<Dim> initial = this->p_.domain.make_velocity();
    this->copy(s.velocity, initial);
    for (int rehearsal = 0; rehearsal < 2; ++rehearsal) {
      stage(0, s, {k, 0.0, k, s.t + k}, 0.0, s.t, Register::u);
      this->copy(initial, s.velocity);
    }
  }

  std::array<Field<Dim>, 3> increment_;  // phi of the stages of the step before
};

/// With r = dt / dt_old (F11): g = (1 + r/2) dt on N(u), z = -r/2 dt on N of the step before, one stage. The pressure
/// stands for the middle of the step. The first step, and one much longer than the step before, where the extrapolation
/// of N would amplify, is the trapezoidal rule instead: N at the end comes from a rehearsal of the step.
/// Scalars go explicitly by Heun's method.
template <int Dim>
class CNAB2 final : public ImplicitScheme<Dim> {
  using typename ImplicitScheme<Dim>::Step;

 public:
  explicit CNAB2(const Parts<Dim>& parts)
      : ImplicitScheme<Dim>(parts), initial_(parts.domain.make_velocity()), increment_(parts.domain.make_cells()) {}
  // Without viscosity no step is stable: the fastest waves grow by 1.6 % a step at |c| dt = 0.45, 0.5 % at 0.36, and
  // are steady where m dt is 0.014 and 0.005. With m dt = 0.1 the limit is 0.67, with 1 it is 1. The last number is
  // measured: 2 and more.
  std::span<const StabilityLimit> limits() const override { return {&limit_, 1}; }
  std::string description() const override {
    return fmt::format("cn-ab2: Adams-Bashforth 2 for convection, Crank-Nicolson for viscosity; momentum: {}",
                       this->stage_.helmholtz().description());
  }
  std::vector<Velocity<Dim>*> history() override { return {&this->rate_}; }
  std::vector<Field<Dim>*> cell_history() override { return {&increment_}; }

  void step(State<Dim>& s, double dt) override {
    Velocity<Dim>& u = s.velocity;
    Scalars<Dim>& scalars = this->p_.scalars;
    if (this->observer_) this->observer_->begin(u, s.t);
    scalars.advance({Register::u, Register::a, Register::u, 1.0, Register::u, 0.0, dt, s.t, s.t + dt, true}, u);
    const double impulse = s.dt == 0.0 || dt > longest_growth * s.dt ? trapezoidal(s, dt) : adams_bashforth(s, dt);
    scalars.advance({Register::a, Register::u, Register::u, 0.5, Register::a, 0.5, 0.5 * dt, s.t + dt, s.t + dt, true},
                    u);
    this->finish(s, dt, impulse);
  }

 private:
  static constexpr StabilityLimit limit_{0.45, 0.0, 1.9, 1.2};
  double adams_bashforth(State<Dim>& s, double dt) {
    s.p_old.copy_from(s.p);
    this->swap_rates();
    const double half = 0.5 * dt / s.dt;
    if (this->observer_) {
      this->observer_->earlier_rates(-half * dt);
      this->observer_->rates((1.0 + half) * dt, s.velocity, s.t, Register::u, ViscousPart::transposed);
    }
    this->stage_.rate(s.velocity, s.t, Register::u, this->rate_);
    const double impulse =
        advance(s, {(1.0 + half) * dt, -half * dt, dt, s.t + dt, &increment_, growth(s, dt), this->observer_});
    swap(increment_, this->stage_.increment());
    return impulse;
  }

  double trapezoidal(State<Dim>& s, double dt) {
    const bool start = s.dt == 0.0;
    this->copy(s.velocity, initial_);
    if (!start) s.p_old.copy_from(s.p);
    this->stage_.rate(s.velocity, s.t, Register::u, this->rate_);
    advance(s, {dt, 0.0, dt, s.t + dt, start ? nullptr : &increment_, growth(s, dt)});
    if (!start) swap(increment_, this->stage_.increment());  // the rehearsals find what is left
    for (int rehearsal = start ? 1 : 0; rehearsal >= 0; --rehearsal) {
      StepObserver<Dim>* observer = rehearsal == 0 ? this->observer_ : nullptr;
      if (observer) observer->rates(0.5 * dt, s.velocity, s.t + dt, Register::a, ViscousPart::transposed);
      this->stage_.rate(s.velocity, s.t + dt, Register::a, this->work_);
      this->copy(initial_, s.velocity);
      if (observer) observer->rates(0.5 * dt, s.velocity, s.t, Register::u, ViscousPart::transposed);
      const double impulse = advance(s, {0.5 * dt, 0.5 * dt, dt, s.t + dt, nullptr, 0.0, observer});
      if (rehearsal == 0) return impulse;
    }
    return 0.0;
  }

  double advance(State<Dim>& s, const Step& step) {
    return this->stage_.advance(step, s.velocity, s.p, this->rate_, this->work_);
  }
  // The increments lead from the middle of one step to that of the next.
  static double growth(const State<Dim>& s, double dt) {
    return s.dt > 0.0 ? std::min(longest_growth, (dt + s.dt) / (s.dt + s.dt_old)) : 0.0;
  }

  Velocity<Dim> initial_;
  Field<Dim> increment_;  // phi of the step before
};

}  // namespace

template <int Dim>
std::unique_ptr<TimeScheme<Dim>> make_rk3_cn(const Parts<Dim>& parts) {
  return std::make_unique<RK3CN<Dim>>(parts);
}
template <int Dim>
std::unique_ptr<TimeScheme<Dim>> make_cn_ab2(const Parts<Dim>& parts) {
  return std::make_unique<CNAB2<Dim>>(parts);
}
template std::unique_ptr<TimeScheme<2>> make_rk3_cn<2>(const Parts<2>&);
template std::unique_ptr<TimeScheme<3>> make_rk3_cn<3>(const Parts<3>&);
template std::unique_ptr<TimeScheme<2>> make_cn_ab2<2>(const Parts<2>&);
template std::unique_ptr<TimeScheme<3>> make_cn_ab2<3>(const Parts<3>&);

}  // namespace kolmo::flow
