// Inlets and outlets: what goes in comes out, channels develop into parabolas, and vortices leave without an echo.
#include <gtest/gtest.h>

#include <numbers>

#include "support/flow_cases.hpp"

namespace kolmo::test {
namespace {

using flow::Model;

double net_flux(Model<2>& model) {
  double net = 0.0, size = 0.0;
  for (const double flux : model.boundary().fluxes(model.velocity())) {
    net += flux;
    size += std::abs(flux);
  }
  return size > 0.0 ? std::abs(net) / size : 0.0;
}

Settings channel(int n, double length, double nu) {
  Settings s = box(2, n, 0.0, 1.0, BoundaryType::no_slip, nu);
  s.axes[0].to = length;
  s.axes[0].cells = static_cast<int>(n * length / 2.0);
  s.boundary[0].type = BoundaryType::inlet;
  s.boundary[1].type = BoundaryType::outflow;
  s.time.cfl = 0.9;
  s.time.steady_tolerance = 1e-12;
  return s;
}

void run_to_steady(Model<2>& model, double tolerance, double latest) {
  model.initialise();
  do model.step(model.choose_step());
  while (model.rate_of_change() > tolerance && model.time() < latest);
}

// Distance of the profile next to the outlet from the parabola of the same mean velocity 1.
double distance_from_parabola(Model<2>& model) {
  const auto& domain = model.domain();
  const int last = domain.grid.axis(0).cells() - 1;
  double largest = 0.0;
  for_each<2>(domain.layout.interior(), [&](const Index<2>& i) {
    if (i[0] + domain.origin()[0] != last) return;
    const double y = domain.point(i, Location::faces(0))[1];
    largest = std::max(largest, std::abs(model.velocity()[0](i) - 6.0 * y * (1.0 - y)));
  });
  return domain.comm().max(largest);
}

TEST(OpenBoundary, UniformInletDevelopsIntoPoiseuille) {
  double error[3];
  for (int level = 0; level < 3; ++level) {
    Settings s = channel(8 << level, 6.0, 0.1);
    s.boundary[0].velocity[0] = Expression(1.0);
    set_exact(s, {"1", "0"}, "0");
    Model<2> model(s, Communicator());
    run_to_steady(model, 1e-6, 30.0);
    EXPECT_LE(net_flux(model), 1e-12);
    error[level] = distance_from_parabola(model);
  }
  EXPECT_GE(order(error[0], error[1]), 1.8);
  EXPECT_GE(order(error[1], error[2]), 1.9);
}

TEST(OpenBoundary, ParabolicInletStaysPoiseuille) {
  double error[3];
  for (int level = 0; level < 3; ++level) {
    Settings s = channel(16 << level, 2.0, 0.1);
    s.boundary[0].velocity[0] = expression("6*y*(1-y)");
    set_exact(s, {"6*y*(1-y)", "0"}, "0");
    Model<2> model(s, Communicator());
    run_to_steady(model, 1e-6, 30.0);
    EXPECT_LE(net_flux(model), 1e-12);
    error[level] = distance_from_parabola(model);
  }
  EXPECT_GE(order(error[1], error[2]), 1.9);
}

TEST(OpenBoundary, PressureDrivenChannel) {
  double error[3];
  for (int level = 0; level < 3; ++level) {
    Settings s = channel(8 << level, 2.0, 0.1);
    s.boundary[0].type = s.boundary[1].type = BoundaryType::pressure;
    s.boundary[0].pressure = Expression(2.4);  // 12 nu U L: mean velocity 1
    set_exact(s, {"0", "0"}, "0");
    Model<2> model(s, Communicator());
    run_to_steady(model, 1e-8, 60.0);
    EXPECT_LE(net_flux(model), 1e-12);
    error[level] = distance_from_parabola(model);
  }
  EXPECT_GE(order(error[0], error[1]), 1.8);
  EXPECT_GE(order(error[1], error[2]), 1.9);
}

TEST(OpenBoundary, PulsatingInletConservesMass) {
  Settings s = channel(16, 2.0, 0.02);
  s.boundary[0].velocity[0] = expression("6*y*(1-y)*(1+0.9*sin(6*t))");
  set_exact(s, {"6*y*(1-y)", "0"}, "0");
  Model<2> model(s, Communicator());
  model.initialise();
  for (int k = 0; k < 60; ++k) {
    model.step(model.choose_step());
    ASSERT_LE(net_flux(model), 1e-12);
  }
  EXPECT_LE(model.max_divergence() * model.domain().grid.min_width(), 1e-12);
}

// Energy of what differs from the uniform stream.
double disturbance(Model<2>& model) {
  double sum = 0.0;
  for (int c = 0; c < 2; ++c)
    for_each<2>(model.domain().layout.interior(), [&](const Index<2>& i) {
      const double e = model.velocity()[c](i) - (c == 0 ? 1.0 : 0.0);
      sum += e * e;
    });
  return model.domain().comm().sum(sum);
}

TEST(OpenBoundary, VortexLeavesWithoutEcho) {
  // A Gaussian vortex of swirl 0.2 in a unit stream, free-slip walls far away. By t = 6 it has left a box of length 4;
  // what is still there is the echo.
  Settings s = box(2, 48, -2.0, 2.0, BoundaryType::free_slip, 1e-4);
  s.boundary[0].type = BoundaryType::inlet;
  s.boundary[0].velocity = {Expression(1.0), Expression(0.0), Expression(0.0)};
  s.boundary[1].type = BoundaryType::outflow;
  set_exact(s, {"1-0.2*y/0.3*exp(0.5*(1-(x^2+y^2)/0.09))", "0.2*x/0.3*exp(0.5*(1-(x^2+y^2)/0.09))"}, "0");
  s.time.cfl = 0.8;
  Model<2> model(s, Communicator());
  model.initialise();
  const double before = disturbance(model);
  while (model.time() < 6.0) model.step(model.choose_step());
  const double ratio = disturbance(model) / before;
  if (Communicator().root()) std::printf("echo: %.2e of the energy of the vortex\n", ratio);
  EXPECT_LE(ratio, 0.01);
}

}  // namespace
}  // namespace kolmo::test
