/// The order of work of one explicit stage, shared by the explicit schemes.
#pragma once

#include "kolmo/base/phase.hpp"
#include "kolmo/flow/scheme.hpp"

namespace kolmo::flow {

/// What a stage needs beyond its sweep.
template <int Dim>
struct StageTimes {
  double in = 0.0, out = 0.0;  ///< the times `in` and `out` of the sweep belong to
};

/// out = w0 base0 + w1 base1 + k (F(in, t_in) - G p), boundary values of t_out set, ghosts fresh: the sweep, the forces
/// of place, the outflow state, the held bulk velocity. Returns the change of velocity the latter took.
template <int Dim>
double run_stage(const Parts<Dim>& parts, Sweep<Dim> sweep, StageTimes<Dim> times, Register scalars_in) {
  static const Phase phase("momentum");
  const Phase::Scope scope(phase);
  parts.forces.set_time(times.in);
  sweep.force = parts.forces.uniform();
  parts.boundary.advance_outflow(sweep.w0, *sweep.base0, sweep.w1, sweep.base1, sweep.k, *sweep.in);
  parts.momentum.sweep(sweep);
  for (int c = 0; c < Dim; ++c) {  // unknown faces at pressure boundaries lie beyond the owned range
    Box<Dim> box = parts.boundary.unknowns(c);
    if (box.end[c] <= parts.domain.extent()[c]) continue;
    box.begin[c] = box.end[c] - 1;
    parts.momentum.sweep_component(sweep, c, box);
  }
  Velocity<Dim>& out = *sweep.out;
  parts.boundary.add_inlet_bending(*sweep.in, out, sweep.k * parts.momentum.viscosity());
  parts.forces.add(out, sweep.k);
  if (parts.scalars.buoyant()) parts.scalars.add_buoyancy(out, sweep.k, scalars_in);
  if (parts.variable_viscosity.active()) {
    parts.variable_viscosity.set_time(times.in);
    parts.variable_viscosity.add(parts.boundary, *sweep.in, out, sweep.k);
    parts.variable_viscosity.add_inlet_bending(parts.boundary, *sweep.in, out, sweep.k);
  }
  parts.boundary.store_outflow(out);
  const double held = parts.forces.hold_bulk(out);
  parts.boundary.set_time(times.out);
  parts.boundary.apply(out);
  return held;
}

}  // namespace kolmo::flow
