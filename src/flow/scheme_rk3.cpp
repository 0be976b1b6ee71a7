// Wray's three-stage Runge-Kutta scheme with a pressure solve at every stage, the reference the default is compared
// with.
#include "kolmo/flow/scheme.hpp"
#include "plane_stage.hpp"
#include "stage.hpp"

namespace kolmo::flow {

namespace {

/// With b = (1/4, 0, 3/4), c = (0, 8/15, 2/3) (F9), every stage divergence-free:
///   u2 = u + 8dt/15 [F(u) - G phi2]
///   u3 = u + dt [F(u)/4 + 5 F(u2)/12] - 2dt/3 G phi3
///   u' = u + dt [F(u)/4 + 3 F(u3)/4 - G phi']
/// F(u) is not kept: dt/4 F(u) = 15/32 (u2 - u) + dt/4 G phi2, the gradient being absorbed by the next solve, which
/// therefore finds phi3 - 3/8 phi2 and phi' - phi2/4.
template <int Dim>
class RK3 final : public TimeScheme<Dim> {
 public:
  explicit RK3(const Parts<Dim>& parts)
      : p_(parts),
        planes_(parts),
        a_(parts.domain.make_velocity()),
        b_(parts.domain.make_velocity()),
        spare_(parts.domain.make_velocity()),
        work_(parts.domain.make_cells()) {}

  std::span<const StabilityLimit> limits() const override { return {&limit_, 1}; }
  std::string description() const override {
    return "rk3: three-stage third-order Runge-Kutta (Wray), three pressure solves per step, explicit viscosity";
  }
  Velocity<Dim>& workspace() override { return b_; }

  void step(State<Dim>& s, double dt) override {
    if (this->observer_) {
      this->observer_->begin(s.velocity, s.t);
      this->observer_->rates(0.25 * dt, s.velocity, s.t, Register::u, ViscousPart::whole);
    }
    // Scalars move with velocities, and observers look at them, after their correction and before the next sweep.
    if (planes_.possible() && p_.scalars.count() == 0 && !this->observer_ && !this->whole_stages_)
      stages_by_planes(s, dt);
    else
      stages(s, dt);

    double* phi = work_.data();
    const double* phi2 = s.p_old.data();
    const std::ptrdiff_t n = static_cast<std::ptrdiff_t>(work_.size());
#pragma GCC ivdep
    for (std::ptrdiff_t i = 0; i < n; ++i) phi[i] += 0.25 * phi2[i];
    p_.boundary.set_pressure({{0.25, s.t}, {0.75, s.t + 2.0 * dt / 3.0}});
    p_.boundary.set_pressure_ghosts(work_);
    swap(s.p, s.p_old);
    swap(s.p, work_);
    if (this->observer_) {
      this->observer_->pressure(dt, s.p);
      this->observer_->end(s.velocity, dt, this->bulk_acceleration_ * dt);
    }
    s.dt_old = s.dt;
    s.dt = dt;
    s.t += dt;
    ++s.step;
  }

 private:
  static constexpr StabilityLimit limit_{1.7, 2.5};
  static constexpr double share = 15.0 / 32.0;  // of u2 in what stands for F(u)

  void stages(State<Dim>& s, double dt) {
    const double k1 = 8.0 * dt / 15.0, t2 = s.t + k1, t3 = s.t + 2.0 * dt / 3.0;
    Velocity<Dim>& u = s.velocity;
    Scalars<Dim>& scalars = p_.scalars;
    double held = share * run_stage<Dim>(p_, first(u, k1), {s.t, t2}, Register::u);
    scalars.advance({Register::u, Register::a, Register::u, 1.0, Register::u, 0.0, k1, s.t, t2, true}, u);
    p_.boundary.set_pressure({{1.0, s.t}});
    s.p_old.copy_from(s.p);
    p_.projection.project(a_, k1, s.p_old, b_);  // phi2, in a field this scheme does not read as history

    run_stage<Dim>(p_, second(u, dt), {t2, t3}, Register::a);
    scalars.advance(
        {Register::a, Register::b, Register::u, 1.0 - share, Register::a, share, 5.0 * dt / 12.0, t2, t3, true}, a_);
    p_.boundary.set_pressure({{0.625, t2}});
    guess(s);
    p_.projection.project(b_, 2.0 * dt / 3.0, work_, spare_);

    if (this->observer_) this->observer_->rates(0.75 * dt, b_, t3, Register::b, ViscousPart::whole);
    held += run_stage<Dim>(p_, third(u, dt), {t3, s.t + dt}, Register::b);
    scalars.advance(
        {Register::b, Register::u, Register::u, 1.0 - share, Register::a, share, 0.75 * dt, t3, s.t + dt, true}, b_);
    p_.boundary.set_pressure({{0.75, t3}});
    guess(s);
    p_.projection.project(u, dt, work_, b_);
    this->bulk_acceleration_ = held / dt;
  }

  // The same with every correction on the way of the sweep that reads the velocity first.
  void stages_by_planes(State<Dim>& s, double dt) {
    const double k1 = 8.0 * dt / 15.0, k2 = 2.0 * dt / 3.0, t2 = s.t + k1, t3 = s.t + k2;
    Velocity<Dim>& u = s.velocity;
    planes_.advance(first(u, k1), {s.t, t2}, 1.0 / k1, b_);
    s.p_old.copy_from(s.p);
    p_.projection.solve(s.p_old, b_);

    planes_.correct_and_advance(a_, k1, s.p_old, second(u, dt), {t2, t3}, 1.0 / k2, spare_);
    guess(s);
    p_.projection.solve(work_, spare_);

    planes_.correct_and_advance(b_, k2, work_, third(u, dt), {t3, s.t + dt}, 1.0 / dt, spare_);
    guess(s);
    p_.projection.solve(work_, spare_);
    planes_.correct(u, dt, work_);
    this->bulk_acceleration_ = 0.0;
  }

  Sweep<Dim> first(Velocity<Dim>& u, double k1) { return {&u, &a_, &u, 1.0, nullptr, 0.0, k1}; }
  Sweep<Dim> second(Velocity<Dim>& u, double dt) { return {&a_, &b_, &u, 1.0 - share, &a_, share, 5.0 * dt / 12.0}; }
  Sweep<Dim> third(Velocity<Dim>& u, double dt) { return {&b_, &u, &u, 1.0 - share, &a_, share, 0.75 * dt}; }
  void guess(const State<Dim>& s) {
    if (p_.projection.iterative()) work_.copy_from(s.p);
  }

  Parts<Dim> p_;
  PlaneStage<Dim> planes_;
  Velocity<Dim> a_, b_, spare_;
  Field<Dim> work_;
};

}  // namespace

template <int Dim>
std::unique_ptr<TimeScheme<Dim>> make_rk3(const Parts<Dim>& parts) {
  return std::make_unique<RK3<Dim>>(parts);
}
template std::unique_ptr<TimeScheme<2>> make_rk3<2>(const Parts<2>&);
template std::unique_ptr<TimeScheme<3>> make_rk3<3>(const Parts<3>&);

}  // namespace kolmo::flow
