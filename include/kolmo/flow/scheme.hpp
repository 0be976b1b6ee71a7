/// Time schemes: one step of the momentum equation with its projections.
#pragma once

#include <memory>
#include <span>

#include "kolmo/flow/boundary.hpp"
#include "kolmo/flow/forces.hpp"
#include "kolmo/flow/momentum.hpp"
#include "kolmo/flow/observer.hpp"
#include "kolmo/flow/projection.hpp"
#include "kolmo/flow/scalars.hpp"
#include "kolmo/flow/state.hpp"
#include "kolmo/flow/viscous.hpp"

namespace kolmo::flow {

/// The parts every scheme works with; owned by Model.
template <int Dim>
struct Parts {
  const Settings& settings;
  const Domain<Dim>& domain;
  VelocityBoundary<Dim>& boundary;
  Momentum<Dim>& momentum;
  VariableViscosity<Dim>& variable_viscosity;  ///< full strain form; does nothing where the viscosity is one number
  Projection<Dim>& projection;
  Forces<Dim>& forces;
  Scalars<Dim>& scalars;
};

/// Largest stable numbers on the real and imaginary axis, as the ellipse (C / convective)^2 + (V / viscous)^2 <= 1 that
/// lies inside the region of stability: C = dt sum |u_d| / h_d, V = 4 nu dt sum 1 / h_d^2. viscous = 0: no viscous
/// limit.
struct StabilityLimit {
  double convective, viscous;
  double scalar = 0.0;    ///< in place of `viscous` for scalars, which stay explicit; 0: the same
  double gradient = 0.0;  ///< of dt sum |dnu/dx_d| / h_d, where div(nu (grad u)^T) alone is explicit; 0: no such limit
};

template <int Dim>
class TimeScheme {
 public:
  virtual ~TimeScheme() = default;
  /// Advances state from t to t + dt: velocity, scalars, pressures; sets dt, dt_old, t, step. No allocation.
  virtual void step(State<Dim>& state, double dt) = 0;
  /// The limits of every variant of the scheme, of which there are at most `max_variants`: where there is more than
  /// one, the first has the smallest error, the others larger steps.
  static constexpr std::size_t max_variants = 5;
  virtual std::span<const StabilityLimit> limits() const = 0;
  StabilityLimit limit() const { return limits().front(); }
  /// The variant that the coming steps take.
  virtual void choose(std::size_t /*variant*/) {}
  virtual std::string description() const = 0;
  /// Uniform acceleration along the direction of a held bulk velocity during the last step (0 where none is held).
  double bulk_acceleration() const { return bulk_acceleration_; }
  /// How long before the end of a step of length dt the pressure it leaves holds.
  virtual double pressure_age(double dt) const { return 0.5 * dt; }
  /// What the momentum systems of implicit viscosity took so far.
  virtual SolveStatistics momentum_solves() const { return {}; }
  /// Whom to tell what the coming steps are made of; null: nobody, which costs nothing.
  void observe(StepObserver<Dim>* observer) { observer_ = observer; }
  /// Stages plane by plane and whole ones agree to round-off, not in bits. Where some steps will be observed, all of
  /// them take whole stages, so that which ones are observed does not change the flow.
  void take_whole_stages() { whole_stages_ = true; }
  /// A velocity whose values are of no use between steps, lent to diagnostics and solvers.
  virtual Velocity<Dim>& workspace() = 0;
  /// Names and values beyond State that a bitwise restart needs (the previous right-hand side of Adams-Bashforth).
  virtual std::vector<Velocity<Dim>*> history() { return {}; }
  /// The same at cells (increments of the pressure).
  virtual std::vector<Field<Dim>*> cell_history() { return {}; }

 protected:
  double bulk_acceleration_ = 0.0;
  StepObserver<Dim>* observer_ = nullptr;
  bool whole_stages_ = false;
};

/// Four-stage chain Runge-Kutta of order 3 with two pressure solves per step ("k4"), fused in three registers. Its
/// variants differ in the time of the second stage: the first has the stability polynomial of the classical
/// fourth-order scheme, the others reach up to twice as far along the real axis, where viscosity lies. (F8)
template <int Dim>
std::unique_ptr<TimeScheme<Dim>> make_k4(const Parts<Dim>& parts);
/// Wray's three-stage scheme of order 3 with a pressure solve at every stage: the reference to compare with. (F9)
template <int Dim>
std::unique_ptr<TimeScheme<Dim>> make_rk3(const Parts<Dim>& parts);
/// Wray's scheme for convection and Crank-Nicolson for viscosity, rotational pressure update. (F10)
template <int Dim>
std::unique_ptr<TimeScheme<Dim>> make_rk3_cn(const Parts<Dim>& parts);
/// Adams-Bashforth 2 and Crank-Nicolson, rotational pressure update. (F11)
template <int Dim>
std::unique_ptr<TimeScheme<Dim>> make_cn_ab2(const Parts<Dim>& parts);

}  // namespace kolmo::flow
