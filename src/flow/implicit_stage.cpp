#include "implicit_stage.hpp"

#include "kolmo/base/phase.hpp"

namespace kolmo::flow {

namespace {
double constant_viscosity(const Settings& settings, bool variable) {
  return variable ? 0.0 : settings.fluid.kinematic_viscosity(0.0, 0.0, 0.0, 0.0);
}
}  // namespace

template <int Dim>
ImplicitStage<Dim>::ImplicitStage(const Parts<Dim>& parts)
    : p_(parts),
      nu_(constant_viscosity(parts.settings, parts.variable_viscosity.active())),
      rotation_(parts.boundary.has_pressure_faces() ? 0.25 : 0.5),
      helmholtz_(parts.settings, parts.domain, parts.boundary, parts.variable_viscosity, nu_),
      phi_(parts.domain.make_cells()),
      divergence_(parts.domain.make_cells()) {}

template <int Dim>
void ImplicitStage<Dim>::sweep(const Sweep<Dim>& s) {
  p_.momentum.sweep(s);
  for (int c = 0; c < Dim; ++c) {  // unknown faces at pressure boundaries lie beyond the owned range
    Box<Dim> box = p_.boundary.unknowns(c);
    if (box.end[c] <= p_.domain.extent()[c]) continue;
    box.begin[c] = box.end[c] - 1;
    p_.momentum.sweep_component(s, c, box);
  }
}

template <int Dim>
void ImplicitStage<Dim>::rate(const Velocity<Dim>& u, double t, Register scalars, Velocity<Dim>& rate) {
  static const Phase phase("momentum");
  const Phase::Scope scope(phase);
  p_.forces.set_time(t);
  Sweep<Dim> s{.in = &u, .out = &rate, .base0 = &u, .w0 = 0.0, .k = 1.0};
  s.force = p_.forces.uniform();
  p_.momentum.set_viscosity(0.0);
  sweep(s);
  p_.momentum.set_viscosity(nu_);
  p_.forces.add(rate, 1.0);
  if (p_.scalars.buoyant()) p_.scalars.add_buoyancy(rate, 1.0, scalars);
  if (p_.variable_viscosity.active()) {
    p_.variable_viscosity.set_time(t);
    p_.variable_viscosity.add_transposed(p_.boundary, u, rate, 1.0);
  }
  p_.boundary.advance_outflow(0.0, u, 0.0, nullptr, 1.0, u);
  p_.boundary.store_outflow(rate);
}

// work = g N + z N' + k [ div(nu grad u) - G p ], and on the outflow state the increment of the stage.
template <int Dim>
void ImplicitStage<Dim>::explicit_part(const Step& step, const Velocity<Dim>& u, Field<Dim>& p,
                                       const Velocity<Dim>& rate, Velocity<Dim>& work) {
  const Velocity<Dim>* other = step.other != 0.0 ? &work : nullptr;
  // A given pressure takes its new value at once, so that phi is zero there.
  p_.boundary.set_pressure({{1.0, step.t_out - 0.5 * step.k}});
  p_.boundary.set_pressure_ghosts(p);
  p_.boundary.advance_outflow(step.now, rate, step.other, other, 0.0, u);
  if (step.observer) {
    step.observer->diffusion(0.5 * step.k, u, step.t_out - 0.5 * step.k);
    step.observer->pressure(step.k, p);
  }
  p_.momentum.set_convection(false);
  sweep({.in = &u,
         .out = &work,
         .base0 = &rate,
         .w0 = step.now,
         .base1 = other,
         .w1 = step.other,
         .k = step.k,
         .p0 = &p,
         .c0 = 1.0});
  p_.momentum.set_convection(true);
  if (p_.variable_viscosity.active()) {
    p_.variable_viscosity.set_time(step.t_out - 0.5 * step.k);
    p_.variable_viscosity.add(p_.boundary, u, work, step.k);
    p_.variable_viscosity.add_transposed(p_.boundary, u, work, -step.k);
  }
  p_.boundary.store_outflow(work);
}

// Boundary values of u go from the start of the stage to its end, and what their change makes of the implicit half of
// the viscous term goes into work.
template <int Dim>
void ImplicitStage<Dim>::move_boundary(const Step& step, Velocity<Dim>& u, Velocity<Dim>& work) {
  const double a = 0.5 * step.k;
  p_.boundary.add_inlet_bending(u, work, a * nu_);
  helmholtz_.add_boundary_values(u, -a, work);
  p_.boundary.advance_outflow(1.0, u, 1.0, &work, 0.0, u);
  p_.boundary.store_outflow(u);
  p_.boundary.set_time(step.t_out);
  p_.boundary.apply(u);
  p_.boundary.add_inlet_bending(u, work, a * nu_);
  helmholtz_.add_boundary_values(u, a, work);
  if (!step.expected) return;
  helmholtz_.add_slip(*step.expected, a * step.k * step.scale, work);
  if (step.observer) helmholtz_.add_slip(*step.expected, a * step.k * step.scale, step.observer->viscous());
}

// A uniform force over the stage adds to u* its response g, the solution for a unit right-hand side: no slip arises,
// and a steady channel is the one a constant force drives. Scaled so that the mean comes out as wanted.
template <int Dim>
double ImplicitStage<Dim>::hold_bulk(Velocity<Dim>& u, Velocity<Dim>& work) {
  const int c = p_.settings.force.bulk_direction;
  if (c < 0) return 0.0;
  const double change = p_.forces.hold_bulk(u);
  Field<Dim>& response = work[c];
  helmholtz_.solve_unit(c, response, divergence_);
  const Grid<Dim>& grid = p_.domain.grid;
  double mean = 0.0;
  for_each<Dim>(p_.domain.layout.interior(), [&](const Index<Dim>& i) {
    double w = 1.0;
    for (int d = 0; d < Dim; ++d) {
      const int at = i[d] + p_.domain.origin()[d];
      w *= d == c ? grid.axis(d).distance(at) : grid.axis(d).width(at);
    }
    mean += w * response(i);
  });
  mean = p_.domain.comm().sum(mean) / grid.volume();
  for_each_row<Dim>(p_.domain.layout.interior(), [&](const Index<Dim>& i) {
    const std::ptrdiff_t o = p_.domain.layout.offset(i);
    double* q = u[c].origin() + o;
    const double* g = response.origin() + o;
    for (int x = 0; x < p_.domain.extent()[0]; ++x) q[x] += change * (g[x] / mean - 1.0);
  });
  return change / mean;
}

template <int Dim>
void ImplicitStage<Dim>::guess(const Step& step) {
  phi_.fill(0.0);
  if (!step.expected) return;
  const double* from = step.expected->data();
  for (std::size_t i = 0; i < phi_.size(); ++i) phi_.data()[i] = step.scale * from[i];
}

template <int Dim>
void ImplicitStage<Dim>::project(const Step& step, Velocity<Dim>& u, Field<Dim>& p, Velocity<Dim>& work) {
  p_.projection.divergence(u, divergence_);
  p_.boundary.set_pressure({});
  if (p_.projection.iterative()) guess(step);
  p_.projection.project(u, step.k, phi_, work);
  if (step.observer) step.observer->pressure(step.k, phi_);

  const bool variable = p_.variable_viscosity.active();
  double* to = p.data();
  const double *increment = phi_.data(), *divergence = divergence_.data();
  const std::ptrdiff_t n = static_cast<std::ptrdiff_t>(p.size());
  if (variable) {
    const double* nu = p_.variable_viscosity.at_cells().data();
#pragma GCC ivdep
    for (std::ptrdiff_t i = 0; i < n; ++i) to[i] += increment[i] - rotation_ * nu[i] * divergence[i];
  } else {
#pragma GCC ivdep
    for (std::ptrdiff_t i = 0; i < n; ++i) to[i] += increment[i] - rotation_ * nu_ * divergence[i];
  }
  p_.boundary.set_pressure({{1.0, step.t_out - 0.5 * step.k}});
  p_.boundary.apply_pressure(p);
}

template <int Dim>
double ImplicitStage<Dim>::advance(const Step& step, Velocity<Dim>& u, Field<Dim>& p, const Velocity<Dim>& rate,
                                   Velocity<Dim>& work) {
  {
    static const Phase phase("momentum");
    const Phase::Scope scope(phase);
    explicit_part(step, u, p, rate, work);
    helmholtz_.set(0.5 * step.k, p_.settings.fluid.viscosity.depends_on_time());
    move_boundary(step, u, work);
  }
  helmholtz_.solve(work, u, divergence_);
  const double impulse = hold_bulk(u, work);
  p_.boundary.apply(u);
  if (step.observer) step.observer->diffusion(0.5 * step.k, u, step.t_out - 0.5 * step.k);
  project(step, u, p, work);
  return impulse;
}

template class ImplicitStage<2>;
template class ImplicitStage<3>;

}  // namespace kolmo::flow
