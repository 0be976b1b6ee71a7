/// What a flow run carries from step to step.
#pragma once

#include "kolmo/flow/domain.hpp"

namespace kolmo::flow {

/// The velocity at time t with its ghosts fresh; p and p_old, the pressures (over density) of the last two steps, each
/// the mean over its step, i.e. p at the middle of it; dt and dt_old, the lengths of those steps (0: no such step yet,
/// the scheme starts up).
template <int Dim>
struct State {
  Velocity<Dim> velocity;
  Field<Dim> p, p_old;
  double t = 0.0, dt = 0.0, dt_old = 0.0;
  std::int64_t step = 0;

  /// Both pressures are there to extrapolate from.
  bool has_history() const { return dt > 0.0 && dt_old > 0.0; }
  /// p at t + theta * h as a p + b p_old, for a coming step h (time_scheme: p_e). (F7)
  std::pair<double, double> extrapolation(double theta_h) const {
    const double g = (0.5 * dt + theta_h) / (0.5 * (dt + dt_old));
    return {1.0 + g, -g};
  }
};

}  // namespace kolmo::flow
