/// Momentum and kinetic-energy budgets of a step, term by term.
#pragma once

#include <array>
#include <functional>
#include <span>

#include "kolmo/flow/observer.hpp"
#include "kolmo/flow/quantities.hpp"

namespace kolmo::flow {

/// The terms of one equation, each a rate on the left or right of  local = convective + pressure + viscous + force.
struct BudgetTerms {
  double local = 0.0, convective = 0.0, pressure = 0.0, viscous = 0.0, force = 0.0;
  double largest() const;    ///< of the absolute values
  double remainder() const;  ///< local - sum of the others: round-off
};

/// Sums over the unknown faces, weighted with their dual volumes, divided by the volume of the domain. Momentum:
/// mean rates of change of every component, m/s2. Energy: the same terms contracted with (u + u')/2, so that `local` is
/// exactly the change of the mean of |u|^2 / 2 per time, m2/s3 (F16). Both close to round-off whatever the step, since
/// the terms are the ones the scheme has used, with its weights; there is no residual term. Faces with a given or
/// convected velocity do not take part.
template <int Dim>
struct Budget {
  std::array<BudgetTerms, Dim> momentum;
  BudgetTerms energy;
};

/// Collects a budget during the steps it is attached to (TimeScheme::observe). Costs three velocities and a pressure,
/// and, per stage with weight, two sweeps; nothing while it is not attached. An Adams-Bashforth scheme looks back one
/// step: there it has to be attached one step before, else that step has no budget.
template <int Dim>
class BudgetRecorder final : public StepObserver<Dim> {
 public:
  explicit BudgetRecorder(Model<Dim>& model);

  /// Of the last step; NaN where it was not attached to that, or earlier rates were not known. Collective.
  Budget<Dim> evaluate() const;
  /// Columns energy_local, energy_convective ..., momentum_x_local ...
  QuantityGroup group();

  void begin(const Velocity<Dim>& u, double t) override;
  void rates(double weight, const Velocity<Dim>& in, double t, Register s, ViscousPart part) override;
  void earlier_rates(double weight) override;
  void diffusion(double weight, const Velocity<Dim>& in, double t) override;
  Velocity<Dim>& viscous() override { return terms_.viscous; }
  void pressure(double weight, const Field<Dim>& p) override;
  void end(const Velocity<Dim>& u, double dt, double impulse) override;

 private:
  struct Terms {  // increments of the velocity
    Velocity<Dim> convective, viscous, force;
  };
  Terms make_terms() const;
  void add_rates(Terms& to, double weight, const Velocity<Dim>& in, double t, Register s, ViscousPart part);
  void sweep(const Velocity<Dim>& in, Velocity<Dim>& out, double weight);
  void add_laplacian(const Velocity<Dim>& in, Velocity<Dim>& out, double weight);
  void contract(const Velocity<Dim>& u, int c, double impulse);

  Parts<Dim> p_;
  const State<Dim>& state_;
  double nu_;
  bool keeps_rates_;  // the scheme looks back
  Velocity<Dim> before_;
  Terms terms_, last_;
  Field<Dim> pressure_;
  bool known_ = false, complete_ = false;
  double t_ = 0.0;                                  // where the step began; after it, where it ended
  std::array<std::array<double, 10>, Dim> sums_{};  // per component: momentum and energy, 5 terms each, of this rank
};

}  // namespace kolmo::flow
