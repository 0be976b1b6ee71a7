/// Flows with every kind of boundary, for the tests of the implicit schemes.
#pragma once

#include "support/flow_cases.hpp"

namespace kolmo::test {

inline std::string name_of(flow::Scheme scheme) { return scheme == flow::Scheme::rk3_cn ? "rk3_cn" : "cn_ab2"; }

// Carried vortices seen through a box: normal and tangential velocities of four inlets that all depend on time.
inline Settings through_box() {
  const CarriedVortices vortices{2e-2};
  Settings s = box(2, 20, 0.3, 4.1, BoundaryType::inlet, vortices.nu);
  for (auto& face : s.boundary) face.velocity = {expression(vortices.u()), expression(vortices.v()), Expression(0.0)};
  set_exact(s, {vortices.u(), vortices.v()}, vortices.p());
  return s;
}

// A closed stretched box whose lid and body force oscillate. nu dt / h^2 is 20 and more: diffusion over many cells.
inline Settings oscillating_box() {
  Settings s = box(2, 24, 0.0, 1.0, BoundaryType::no_slip, 0.2);
  s.axes[0].spacing = s.axes[1].spacing = Spacing::tanh;
  s.axes[0].strength = s.axes[1].strength = 1.0;
  s.boundary[3].velocity[0] = expression("sin(pi*x)^2*(1+0.5*sin(5*t))");
  s.force.body = {expression("sin(3*t)*y"), expression("cos(4*t)*x"), Expression(0.0)};
  set_exact(s, {"sin(pi*x)^2*(3*y^2-2*y)", "-pi*sin(2*pi*x)*(y^3-y^2)"}, "0");
  return s;
}

inline Settings slipping_box() {
  Settings s = oscillating_box();
  s.boundary[0].type = s.boundary[1].type = s.boundary[2].type = BoundaryType::free_slip;
  s.boundary[3].velocity[0] = expression("sin(pi*x)*(1+0.5*sin(5*t))");
  set_exact(s, {"sin(pi*x)*(3*y^2-2*y)", "-pi*cos(pi*x)*(y^3-y^2)"}, "0");
  return s;
}

// Pressure faces at both ends of a channel, pressures oscillating.
inline Settings pressure_channel() {
  Settings s = box(2, 16, 0.0, 1.0, BoundaryType::no_slip, 5e-2);
  s.boundary[0].type = s.boundary[1].type = BoundaryType::pressure;
  s.boundary[0].pressure = expression("1+0.5*sin(6*t)+0.1*y");
  s.boundary[1].pressure = expression("0.2*cos(5*t)");
  set_exact(s, {"y*(1-y)", "0"}, "0");
  return s;
}

// Inflow that pulsates, outflow by convection.
inline Settings outflow_channel() {
  Settings s = box(2, 16, 0.0, 1.0, BoundaryType::no_slip, 0.1);
  s.boundary[0].type = BoundaryType::inlet;
  s.boundary[0].velocity = {expression("6*y*(1-y)*(1+0.3*sin(5*t))"), expression("0.2*sin(2*pi*y)*sin(3*t)"),
                            Expression(0.0)};
  s.boundary[1].type = BoundaryType::outflow;
  set_exact(s, {"6*y*(1-y)", "0"}, "0");
  return s;
}

// Buoyancy and a viscosity that varies in space and time.
inline Settings heated_box() {
  Settings s = box(2, 16, 0.0, 1.0, BoundaryType::no_slip, 0.0);
  s.fluid.viscosity = expression("0.05*(1+x*(1+t)+y^2)");
  s.force.gravity = {0.0, -1.0, 0.0};
  flow::ScalarSettings heat;
  heat.name = "heat";
  heat.diffusivity = Expression(0.02);
  heat.initial = expression("1-x");
  heat.expansion = 2.0;
  heat.boundary[0] = {flow::ScalarBoundaryType::fixed_value, Expression(1.0)};
  heat.boundary[1] = {flow::ScalarBoundaryType::fixed_value, Expression(0.0)};
  s.scalars = {heat};
  s.boundary[3].velocity[0] = expression("sin(pi*x)^2*(1+0.5*sin(5*t))");
  set_exact(s, {"sin(pi*x)^2*(3*y^2-2*y)", "-pi*sin(2*pi*x)*(y^3-y^2)"}, "0");
  s.momentum_solver.tolerance = 1e-12;
  return s;
}

}  // namespace kolmo::test
