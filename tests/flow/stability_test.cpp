// The variants of k4: their stability polynomials, the limits they state, and which of them a step takes.
#include <gtest/gtest.h>

#include <complex>

#include "support/flow_cases.hpp"

namespace kolmo::test {
namespace {

using flow::Model;
using flow::StabilityLimit;

constexpr int cells = 16;
constexpr double nu = 1e-2;

// u alternates along y: one mode of the discrete Laplacian, with its largest eigenvalue, and no convection.
Settings alternating() {
  Settings s = box(2, cells, 0.0, 1.0, BoundaryType::periodic, nu);
  for (int d = 0; d < 2; ++d) s.axes[d].periodic = true;
  set_exact(s, {"0.1*sin(16*pi*y)", "0"}, "0");
  s.exact.reset();
  return s;
}

// What a step of the given variant makes of that mode at z = dt times the eigenvalue.
double amplification(std::size_t variant, double z) {
  Model<2> model(alternating(), Communicator());
  model.initialise();
  const double before = model.velocity()[0](Index<2>{0, 0});
  model.scheme().choose(variant);
  model.scheme().step(model.state(), -z / (4.0 * nu * cells * cells));
  return model.velocity()[0](Index<2>{0, 0}) / before;
}

// 1 + z + z^2/2 + z^3/6 + c z^4, c from a step.
double last_coefficient(std::size_t variant) {
  const double z = -2.0;
  return (amplification(variant, z) - (1.0 + z + z * z / 2.0 + z * z * z / 6.0)) / (z * z * z * z);
}

std::complex<double> polynomial(std::complex<double> z, double c) {
  return 1.0 + z * (1.0 + z * (0.5 + z * (1.0 / 6.0 + z * c)));
}

TEST(Stability, OneStepIsThePolynomial) {
  Model<2> model(alternating(), Communicator());
  const auto limits = model.scheme().limits();
  ASSERT_EQ(limits.size(), 5u);
  EXPECT_NEAR(last_coefficient(0), 1.0 / 24.0, 1e-13);
  for (std::size_t k = 0; k < limits.size(); ++k) {
    const double c = last_coefficient(k);
    for (const double z : {-0.3, -1.1, -2.9, -limits[k].viscous})
      EXPECT_NEAR(amplification(k, z), polynomial(z, c).real(), 1e-12) << "variant " << k << ", z = " << z;
  }
}

TEST(Stability, LimitsLieInsideTheRegion) {
  Model<2> model(alternating(), Communicator());
  const auto limits = model.scheme().limits();
  for (std::size_t k = 0; k < limits.size(); ++k) {
    const double c = last_coefficient(k);
    for (int i = 1; i <= 100; ++i)
      for (int j = 0; j <= 100; ++j) {
        const double radius = 0.01 * i, angle = 0.5 * M_PI * (1.0 + 0.01 * j);
        const std::complex<double> z(radius * limits[k].viscous * std::cos(angle),
                                     radius * limits[k].convective * std::sin(angle));
        ASSERT_LE(std::abs(polynomial(z, c)), 1.0 + 1e-12) << "variant " << k << ", z = " << z;
      }
  }
}

// A step that the most accurate variant takes with a margin is its own; a longer one goes to one that is stable there.
TEST(Stability, LongStepsOfAViscousFlowStayStable) {
  Settings s = alternating();
  s.fluid.viscosity = Expression(1.0);
  Model<2> model(s, Communicator());
  model.initialise();
  const auto rates = model.step_rates();
  const double first = rates.stable(0), longest = rates.stable(4);
  EXPECT_GT(longest, 2.0 * first);
  const double before = std::abs(model.velocity()[0](Index<2>{0, 0}));
  model.step(0.5 * first);
  Model<2> classical(s, Communicator());
  classical.initialise();
  classical.scheme().choose(0);
  classical.scheme().step(classical.state(), 0.5 * first);
  EXPECT_EQ(model.velocity()[0](Index<2>{0, 0}), classical.velocity()[0](Index<2>{0, 0}));
  for (int i = 0; i < 20; ++i) model.step(longest);
  EXPECT_LT(std::abs(model.velocity()[0](Index<2>{0, 0})), before);
}

// Where convection alone limits, the most accurate variant is kept up to the limit itself.
TEST(Stability, ConvectionKeepsTheClassicalPolynomial) {
  Settings s = box(2, cells, 0.0, 1.0, BoundaryType::periodic, 0.0);
  for (int d = 0; d < 2; ++d) s.axes[d].periodic = true;
  set_exact(s, {"1+0.3*sin(2*pi*y)", "0.2*sin(2*pi*x)"}, "0");
  s.exact.reset();
  for (const double cfl : {0.5, 0.95, 1.0}) {
    Model<2> model(s, Communicator()), classical(s, Communicator());
    model.initialise();
    classical.initialise();
    const double dt = cfl * model.step_rates().stable(0);
    model.step(dt);
    classical.scheme().choose(0);
    classical.scheme().step(classical.state(), dt);
    EXPECT_EQ(max_difference(model, model.velocity(), classical.velocity()), 0.0) << "cfl " << cfl;
  }
}

}  // namespace
}  // namespace kolmo::test
