// The default scheme: four-stage chain Runge-Kutta of order 3, pressure solves at stage 4 and at the end only.
#include <array>
#include <span>

#include "kolmo/flow/scheme.hpp"
#include "plane_stage.hpp"
#include "stage.hpp"

namespace kolmo::flow {

namespace {

/// With b = (1/4, 0, 0, 3/4), c = (0, c2, 1/3, 2/3) (F8):
///   u2 = u + c2 dt  [F(u)  - G p_e(0)]
///   u3 = u + dt/3   [F(u2) - G p_e(c2)]
///   u4 = u + 2dt/3  [F(u3) - G phi4],                    D u4 = 0
///   u' = u + dt     [F(u)/4 + 3 F(u4)/4 - G phi'],       D u' = 0
/// Stages 2 and 3 reach u' only through F(u3) -> u4, and u4 is projected: the error of the extrapolated pressure p_e
/// enters as dt^3 times itself. F(u) is not kept: u + dt/4 F(u) = u + (u2 - u) / (4 c2) + dt/4 G p_e(0), and the
/// gradient is absorbed by the last solve, phi' = dphi + p_e(0)/4. Registers: U = u -> u4, A = u2 -> u', B = u3, then
/// workspace of the solves and the pressure they find.
///
/// No condition of order 3 holds c2; the stability polynomial is 1 + z + z^2/2 + z^3/6 + c2 z^4/6. At c2 = 1/4 it is
/// the exponential to fourth order; smaller ones reach further along the real axis (5.5 at 0.12) and less far along
/// the imaginary one, and every ellipse of `variants` lies inside |polynomial| <= 1.
template <int Dim>
class K4 final : public TimeScheme<Dim> {
 public:
  explicit K4(const Parts<Dim>& parts)
      : p_(parts), planes_(parts), a_(parts.domain.make_velocity()), b_(parts.domain.make_velocity()) {
    if (Dim <= Projection<Dim>::arrays) spare_ = parts.domain.make_cells();
  }

  std::span<const StabilityLimit> limits() const override { return variants; }
  void choose(std::size_t variant) override { c2_ = second_stage[variant]; }
  std::string description() const override {
    return "k4: four-stage third-order Runge-Kutta, two pressure solves per step, explicit viscosity";
  }
  Velocity<Dim>& workspace() override { return b_; }

  void step(State<Dim>& s, double dt) override {
    const bool start = !s.has_history();
    if (this->observer_) {
      this->observer_->begin(s.velocity, s.t);
      this->observer_->rates(0.25 * dt, s.velocity, s.t, Register::u, ViscousPart::whole);
    }
    predict(s, dt, start);
    stage4(s, dt);
    finish(s, dt, start);
  }

 private:
  static constexpr std::array<double, 5> second_stage{1.0 / 4.0, 1.0 / 5.0, 1.0 / 6.0, 1.0 / 8.0, 0.12};
  static constexpr std::array<StabilityLimit, 5> variants{
      {{2.55, 2.5}, {2.6, 3.1}, {2.4, 3.6}, {2.1, 4.5}, {1.65, 5.1}}};
  static_assert(variants.size() <= TimeScheme<Dim>::max_variants);

  // Stages 2 and 3. Without a pressure history stage 2 is projected, which keeps order 3 from the first step on.
  void predict(State<Dim>& s, double dt, bool start) {
    Velocity<Dim>& u = s.velocity;
    const auto [first, first_old] = start ? std::pair{0.0, 0.0} : s.extrapolation(0.0);
    const double k2 = c2_ * dt, t2 = s.t + k2;
    advance({&u, &a_, &u, 1.0, nullptr, 0.0, k2}, s, {first, first_old}, {s.t, t2}, Register::u);
    if (start) {
      p_.boundary.set_pressure({{1.0, s.t}});
      s.p_old.copy_from(s.p);
      p_.projection.project(a_, k2, s.p_old, b_);  // p_old is free: it holds p_e(0) until `finish`
    }
    p_.scalars.advance({Register::u, Register::a, Register::u, 1.0, Register::u, 0.0, k2, s.t, t2, true}, u);

    // Without a history the pressure found for stage 2 serves stage 3 too.
    const auto [second, second_old] = start ? std::pair{0.0, 1.0} : s.extrapolation(k2);
    const double t3 = s.t + dt / 3.0;
    advance({&a_, &b_, &u, 1.0, nullptr, 0.0, dt / 3.0}, s, {second, second_old}, {t2, t3}, Register::a);
    p_.scalars.advance({Register::a, Register::b, Register::u, 1.0, Register::u, 0.0, dt / 3.0, t2, t3, start}, a_);
    if (share() == 1.0) return;
    // A = u + (u2 - u) / (4 c2), which a stage by planes has seen to on its way.
    for (int c = 0; c < Dim && !by_planes(); ++c) combine(a_[c], 1.0 - share(), u[c], share(), a_[c], 0.0, a_[c]);
    for (int i = 0; i < p_.scalars.count(); ++i) {
      Field<Dim>& q = p_.scalars.field(i, Register::a);
      combine(q, 1.0 - share(), p_.scalars.field(i), share(), q, 0.0, q);
    }
    held_first_ *= share();
  }

  double share() const { return 0.25 / c2_; }  // of u2 in what stands for u + dt/4 F(u)

  // Scalars move with u3, whose place the right-hand side would take, and observers look at u4 before the last sweep.
  bool by_planes() const {
    return planes_.possible() && p_.scalars.count() == 0 && !this->observer_ && !this->whole_stages_;
  }

  // u4, or where stages go by planes u4 before its correction, which the last sweep makes on its way.
  void stage4(State<Dim>& s, double dt) {
    const double t3 = s.t + dt / 3.0, t4 = s.t + 2.0 * dt / 3.0, k = 2.0 * dt / 3.0;
    Velocity<Dim>& u = s.velocity;
    const Sweep<Dim> sweep{&b_, &u, &u, 1.0, nullptr, 0.0, k};
    if (by_planes())
      planes_.advance(sweep, {t3, t4}, 1.0 / k, b_);
    else
      run_stage<Dim>(p_, sweep, {t3, t4}, Register::b);
    p_.scalars.advance({Register::b, Register::u, Register::u, 1.0, Register::u, 0.0, k, t3, t4, false}, b_);
    p_.boundary.set_pressure({{1.0, t3}});
    if (p_.projection.iterative()) phi().copy_from(s.p);  // first guess
    if (by_planes())
      p_.projection.solve(phi(), b_);
    else
      p_.projection.project(u, k, phi(), b_);
  }

  void finish(State<Dim>& s, double dt, bool start) {
    const double t4 = s.t + 2.0 * dt / 3.0, k = 0.75 * dt;
    Velocity<Dim>& u = s.velocity;
    if (this->observer_) this->observer_->rates(k, u, t4, Register::u, ViscousPart::whole);
    const Sweep<Dim> sweep{&u, &a_, &a_, 1.0, nullptr, 0.0, k};
    double held = 0.0;
    if (by_planes())
      planes_.correct_and_advance(u, 2.0 * dt / 3.0, phi(), sweep, {t4, s.t + dt}, 1.0 / dt, b_);
    else
      held = run_stage<Dim>(p_, sweep, {t4, s.t + dt}, Register::u);
    p_.scalars.advance({Register::u, Register::a, Register::a, 1.0, Register::u, 0.0, k, t4, s.t + dt, true}, u);
    this->bulk_acceleration_ = (held + held_first_) / dt;

    // p_e(0) / 4 is in register A already; what the solve finds is the rest.
    const auto [e, e_old] = start ? std::pair{0.0, 1.0} : s.extrapolation(0.0);
    p_.boundary.set_pressure({{0.75, t4}});  // p' = p(t)/4 + 3 p(t4)/4 on pressure faces, less p_e(0)/4 = p(t)/4
    if (p_.projection.iterative())
      combine(phi(), 1.0, phi(), -0.25 * e, s.p, -0.25 * e_old, s.p_old);  // first guess: phi' = phi4
    if (by_planes()) {
      p_.projection.solve(phi(), b_);
      planes_.correct(a_, dt, phi());
    } else {
      p_.projection.project(a_, dt, phi(), b_);
    }
    combine(s.p_old, 1.0, phi(), 0.25 * e, s.p, 0.25 * e_old, s.p_old);
    p_.boundary.set_pressure({{0.25, s.t}, {0.75, t4}});
    p_.boundary.set_pressure_ghosts(s.p_old);

    swap(s.p, s.p_old);
    for (int c = 0; c < Dim; ++c) swap(s.velocity[c], a_[c]);
    p_.scalars.swap(Register::u, Register::a);
    if (this->observer_) {
      this->observer_->pressure(dt, s.p);
      this->observer_->end(s.velocity, dt, this->bulk_acceleration_ * dt);
    }
    s.dt_old = s.dt;
    s.dt = dt;
    s.t += dt;
    ++s.step;
  }

  // A predictor stage with the pressure c.first p + c.second p_old in its sweep.
  void advance(Sweep<Dim> sweep, State<Dim>& s, std::pair<double, double> c, StageTimes<Dim> times, Register in) {
    if (c.first != 0.0 || c.second != 0.0) {
      if (p_.boundary.has_pressure_faces()) set_face_pressure(s, c, times.in);
      sweep.p0 = &s.p, sweep.c0 = c.first;
      sweep.p1 = &s.p_old, sweep.c1 = c.second;
    }
    double held = 0.0;
    if (by_planes())
      planes_.advance(sweep, times, in == Register::a && share() != 1.0 ? &a_ : nullptr, share());
    else
      held = run_stage<Dim>(p_, sweep, times, in);
    if (in == Register::u) held_first_ = held;
  }

  // On pressure faces the value is known: an extrapolated one would leave an error no later solve removes. It goes into
  // the ghosts of whichever field has weight; the other's value there is zero.
  void set_face_pressure(State<Dim>& s, std::pair<double, double> c, double t) {
    p_.boundary.set_pressure({{c.first != 0.0 ? 1.0 / c.first : 0.0, t}});
    p_.boundary.set_pressure_ghosts(s.p);
    p_.boundary.set_pressure({{c.first != 0.0 ? 0.0 : 1.0 / c.second, t}});
    p_.boundary.set_pressure_ghosts(s.p_old);
  }

  // f = w g + a p + b q, ghosts included. f may be any of them.
  static void combine(Field<Dim>& f, double w, const Field<Dim>& g, double a, const Field<Dim>& p, double b,
                      const Field<Dim>& q) {
    double* out = f.data();
    const double *x = g.data(), *y = p.data(), *z = q.data();
    const std::ptrdiff_t n = static_cast<std::ptrdiff_t>(f.size());
#pragma GCC ivdep
    for (std::ptrdiff_t i = 0; i < n; ++i) out[i] = w * x[i] + a * y[i] + b * z[i];
  }

  // The pressure of a solve lies in an array of B that no solve takes for its right-hand side or solution, if any.
  Field<Dim>& phi() { return spare_ ? spare_ : b_[Dim - 1]; }

  Parts<Dim> p_;
  PlaneStage<Dim> planes_;
  Velocity<Dim> a_, b_;
  Field<Dim> spare_;
  double c2_ = second_stage.front(), held_first_ = 0.0;
};

}  // namespace

template <int Dim>
std::unique_ptr<TimeScheme<Dim>> make_k4(const Parts<Dim>& parts) {
  return std::make_unique<K4<Dim>>(parts);
}
template std::unique_ptr<TimeScheme<2>> make_k4<2>(const Parts<2>&);
template std::unique_ptr<TimeScheme<3>> make_k4<3>(const Parts<3>&);

}  // namespace kolmo::flow
