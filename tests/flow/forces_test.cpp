#include "kolmo/flow/forces.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "flow/cases.hpp"
#include "kolmo/flow/model.hpp"

namespace kolmo::flow {
namespace {

using testing::axis;
using testing::box;
using testing::expression;
using testing::two_pi;
constexpr auto periodic = BoundaryType::periodic;
constexpr auto wall = BoundaryType::no_slip;

template <int Dim>
double largest(const Model<Dim>& model, int c) {
  double u = 0.0;
  for_each<Dim>(model.domain().layout.interior(),
                [&](const Index<Dim>& i) { u = std::max(u, std::abs(model.velocity()[c](i))); });
  return model.domain().comm().max(u);
}

TEST(Forces, SumOfBodyForceGravityAndMeanPressureGradient) {
  Settings s = box({axis(0, 1, 6), axis(0, 1, 5)}, {periodic, periodic}, 0.1);
  s.fluid.density = 4.0;
  s.force.body = {expression("x*t"), expression("2*t"), 0.0};
  s.force.pressure_gradient = {8.0, expression("4*t"), 0.0};
  s.force.gravity = {0.5, -9.81, 0.0};
  const Domain<2> domain(s, Communicator());
  Forces<2> forces(s, domain);
  forces.set_time(3.0);
  EXPECT_DOUBLE_EQ(forces.uniform()[0], 0.5 - 8.0 / 4.0);
  EXPECT_DOUBLE_EQ(forces.uniform()[1], 6.0 - 9.81 - 12.0 / 4.0);
  ASSERT_TRUE(forces.varies_in_space());
  Velocity<2> out = domain.make_velocity();
  forces.add(out, 2.0);
  for_each<2>(domain.layout.interior(), [&](const Index<2>& i) {
    EXPECT_DOUBLE_EQ(out[0](i), 2.0 * 3.0 * domain.point(i, Location::faces(0))[0]);
    EXPECT_EQ(out[1](i), 0.0);
  });
}

TEST(Forces, AFluidAtRestCarriesItsWeight) {
  for (Scheme scheme : {Scheme::k4, Scheme::rk3}) {
    Settings s = box({axis(0, 1, 7, 1.0), axis(0, 2, 9, 1.3), axis(0, 1, 4)}, {wall, wall, periodic}, 0.01);
    s.force.gravity = {0.0, -9.81, 0.0};
    s.time.scheme = scheme;
    Model<3> model(s, Communicator());
    model.initialise();
    for (int n = 0; n < 4; ++n) model.step(0.01);
    for (int c = 0; c < 3; ++c) EXPECT_LT(largest(model, c), 1e-12);
    Field<3> p = model.domain().make_cells();
    model.pressure_now(p);
    for_each<3>(model.domain().layout.interior(), [&](const Index<3>& i) {
      // Mean zero over the box: the level is that of the middle.
      const double y = model.domain().point(i, Location::cells())[1];
      Index<3> below = i;
      if (model.domain().origin()[1] + i[1] == 0) return;
      --below[1];
      const double step = y - model.domain().point(below, Location::cells())[1];
      EXPECT_NEAR(p(i) - p(below), -9.81 * step, 1e-11);
    });
  }
}

TEST(Forces, NothingHoldsAFluidThatFallsAroundAPeriodicAxis) {
  Settings s = box({axis(0, 1, 4), axis(0, 1, 4)}, {periodic, periodic}, 0.1);
  s.force.gravity = {0.0, -2.0, 0.0};
  Model<2> model(s, Communicator());
  model.initialise();
  for (int n = 0; n < 3; ++n) model.step(0.1);
  for_each<2>(model.domain().layout.interior(),
              [&](const Index<2>& i) { EXPECT_NEAR(model.velocity()[1](i), -0.6, 1e-13); });
}

TEST(Forces, HoldsTheBulkVelocity) {
  Settings s = box({axis(0, two_pi, 6), axis(0, 1, 8, 1.0)}, {periodic, wall}, 0.1);
  s.force.bulk_direction = 0;
  s.force.bulk_velocity = 1.5;
  const Domain<2> domain(s, Communicator());
  const Forces<2> forces(s, domain);
  Velocity<2> u = domain.make_velocity();
  u[0].fill(0.25);
  EXPECT_NEAR(forces.hold_bulk(u), 1.25, 1e-14);
  for_each<2>(domain.layout.interior(), [&](const Index<2>& i) { EXPECT_NEAR(u[0](i), 1.5, 1e-14); });
}

}  // namespace
}  // namespace kolmo::flow
