/// What a time scheme tells of a step, for budgets.
#pragma once

#include "kolmo/flow/scalars.hpp"
#include "kolmo/flow/state.hpp"

namespace kolmo::flow {

/// How much of the viscous term is among the rates of a stage.
enum class ViscousPart {
  whole,      ///< explicit schemes: div(nu (grad u + grad u^T))
  transposed  ///< implicit schemes: what they leave explicit, div(nu grad u^T) where nu varies, else nothing
};

/// A step as the sum it is:  u' - u = sum of weight_i rates(in_i) + sum of weight_j div(nu grad in_j) - G sum of
/// weight_k p_k + impulse, on the unknown faces. A scheme with an observer calls `begin`, then the others in any order
/// with all weights (in units of time) that u' really holds, then `end`. Velocities come with fresh ghosts, pressures
/// with the ghosts at pressure faces that their gradient was taken with. The observer may use the time-dependent parts
/// (forces, varying viscosity) at the times it is told, so a call comes before the scheme sets them for its own use.
/// (F16)
template <int Dim>
class StepObserver {
 public:
  virtual ~StepObserver() = default;
  /// A step from u at time t.
  virtual void begin(const Velocity<Dim>& u, double t) = 0;
  /// weight (-div(in in) + body force, mean gradient, buoyancy of register s + viscous part), all at time t.
  virtual void rates(double weight, const Velocity<Dim>& in, double t, Register s, ViscousPart part) = 0;
  /// The rates of the last call of `rates`, in this step or an earlier one, with this weight: before the call for the
  /// present ones.
  virtual void earlier_rates(double weight) = 0;
  /// weight div(nu grad in), nu of time t: one half of an implicit viscous term.
  virtual void diffusion(double weight, const Velocity<Dim>& in, double t) = 0;
  /// The viscous part collected so far, for a scheme to add to what the ghosts of its velocities do not say.
  virtual Velocity<Dim>& viscous() = 0;
  /// -weight G p.
  virtual void pressure(double weight, const Field<Dim>& p) = 0;
  /// u' is complete, dt after u. impulse: the uniform change of velocity along the direction of a held bulk velocity.
  virtual void end(const Velocity<Dim>& u, double dt, double impulse) = 0;
};

}  // namespace kolmo::flow
