#include "kolmo/flow/budget.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "flow/cases.hpp"

namespace kolmo::flow {
namespace {

using testing::axis;
using testing::box;
using testing::expression;
using testing::named;
using testing::two_pi;
constexpr auto periodic = BoundaryType::periodic;
constexpr auto wall = BoundaryType::no_slip;

template <int Dim>
void expect_closed(const Budget<Dim>& budget) {
  EXPECT_LT(std::abs(budget.energy.remainder()), 1e-12 * budget.energy.largest());
  double largest = 1e-3;  // of all components: one of them may hardly move
  for (const BudgetTerms& momentum : budget.momentum) largest = std::max(largest, momentum.largest());
  for (const BudgetTerms& momentum : budget.momentum) EXPECT_LT(std::abs(momentum.remainder()), 1e-12 * largest);
}

/// Runs some steps of changing length and expects every budget closed.
template <int Dim>
Budget<Dim> run_closed(const Settings& settings, double dt, int steps = 5) {
  Model<Dim> model(settings, Communicator());
  model.initialise();
  BudgetRecorder<Dim> recorder(model);
  EXPECT_TRUE(std::isnan(recorder.evaluate().energy.local));
  model.scheme().observe(&recorder);
  for (int n = 0; n < steps; ++n) {
    model.step(dt * (n % 2 ? 0.7 : 1.0));
    expect_closed(recorder.evaluate());
  }
  const Budget<Dim> budget = recorder.evaluate();
  model.scheme().observe(nullptr);
  model.step(dt);
  EXPECT_TRUE(std::isnan(recorder.evaluate().energy.local));  // not its step
  return budget;
}

class Budgets : public ::testing::TestWithParam<Scheme> {
 protected:
  Settings with_scheme(Settings s) const {
    s.time.scheme = GetParam();
    s.time.end = 1.0;
    s.pressure_solver.tolerance = s.momentum_solver.tolerance = 1e-14;
    return s;
  }
};

TEST_P(Budgets, VorticesLoseWhatTheirViscosityTakes) {
  Settings s = with_scheme(box({axis(0, two_pi, 24), axis(0, two_pi, 24)}, {periodic, periodic}, 0.05));
  s.initial = named(FieldName::taylor_green);
  s.initial.mean_velocity = {1.0, 0.5, 0.0};
  const Budget<2> budget = run_closed<2>(s, 0.02);
  const double energy = 0.25 * std::exp(-4 * 0.05 * 0.08);  // of the vortices, near the last step
  EXPECT_NEAR(budget.energy.viscous, -4 * 0.05 * energy, 0.02 * 4 * 0.05 * energy);
  EXPECT_NEAR(budget.energy.local, budget.energy.viscous, 2e-5);
  EXPECT_EQ(budget.energy.force, 0.0);
  EXPECT_NEAR(budget.momentum[0].local, 0.0, 1e-12);
}

TEST_P(Budgets, CloseInAStretchedBoxWithAMovingLid) {
  Settings s = with_scheme(box({axis(0, 1, 10, 1.2), axis(0, 1, 9, 1.0), axis(0, 1, 8)}, {wall, wall, periodic}, 0.05));
  s.boundary[3].velocity[0] = expression("1+sin(3*t)");
  s.force.body = {expression("sin(3*t)*y"), expression("cos(4*t)*x"), 0.2};
  const Budget<3> budget = run_closed<3>(s, 0.01);
  EXPECT_GT(std::abs(budget.energy.force), 1e-4);
  EXPECT_NEAR(budget.momentum[2].force, 0.2, 1e-12);
}

TEST_P(Budgets, CloseWithInletAndOutflow) {
  Settings s = with_scheme(box({axis(0, 2, 16), axis(0, 1, 10)}, {BoundaryType::inlet, wall}, 0.05));
  s.boundary[0].velocity[0] = expression("6*y*(1-y)*(1+0.3*sin(5*t))");
  s.boundary[1].type = BoundaryType::outflow;
  s.initial = named(FieldName::expression);
  s.initial.velocity[0] = expression("6*y*(1-y)");
  s.initial.velocity[1] = expression("0.3*sin(3*x)*y*(1-y)");
  run_closed<2>(s, 0.01);
}

TEST_P(Budgets, CloseBetweenPressureFaces) {
  Settings s = with_scheme(box({axis(0, 1, 12), axis(0, 1, 10, 1.0)}, {BoundaryType::pressure, wall}, 0.05));
  s.boundary[0].pressure = expression("1+0.5*sin(6*t)+0.1*y");
  s.boundary[1].pressure = expression("0.2*cos(5*t)");
  s.initial = named(FieldName::expression);
  s.initial.velocity[0] = expression("y*(1-y)");
  const Budget<2> budget = run_closed<2>(s, 0.01);
  EXPECT_GT(budget.energy.pressure, 0.01);  // the pressure difference drives
}

TEST_P(Budgets, CloseWithBuoyancyAndAViscosityThatVaries) {
  Settings s = with_scheme(box({axis(0, 1, 10), axis(0, 1, 12, 1.1)}, {wall, wall}, 0.0));
  s.fluid.viscosity = expression("0.02*(1+x*(1+t))");
  s.force.gravity = {0.0, -1.0, 0.0};
  ScalarSettings heat;
  heat.name = "heat";
  heat.diffusivity = 0.05;
  heat.initial = expression("1-x");
  heat.expansion = 2.0;
  heat.boundary[0] = {ScalarBoundaryType::fixed_value, 1.0};
  heat.boundary[1] = {ScalarBoundaryType::fixed_value, 0.0};
  s.scalars = {heat};
  const Budget<2> budget = run_closed<2>(s, 0.01);
  EXPECT_GT(budget.energy.force, 0.0);
  EXPECT_LT(budget.energy.viscous, 0.0);
}

TEST_P(Budgets, CloseWithAHeldBulkVelocity) {
  Settings s = with_scheme(box({axis(0, two_pi, 10), axis(0, 2, 12, 1.0)}, {periodic, wall}, 0.1));
  s.force.bulk_direction = 0;
  s.force.bulk_velocity = 2.0 / 3.0;
  s.initial = named(FieldName::expression);
  s.initial.velocity[0] = expression("y*(2-y)+0.2*sin(x)");
  const Budget<2> budget = run_closed<2>(s, 0.01);
  EXPECT_NEAR(budget.momentum[0].local, 0.0, 1e-12);
  EXPECT_GT(budget.momentum[0].force, 0.05);
  EXPECT_NEAR(budget.momentum[0].force, -budget.momentum[0].viscous, 1e-12);
}

TEST_P(Budgets, ObservingChangesNoBit) {
  Settings s = with_scheme(box({axis(0, 1, 8), axis(0, 1, 9, 1.0)}, {wall, wall}, 0.02));
  s.fluid.viscosity = expression("0.02*(1+x*(1+t))");
  s.boundary[3].velocity[0] = expression("cos(t)");
  s.force.body = {expression("y*t"), expression("t"), 0.0};
  Model<2> watched(s, Communicator()), alone(s, Communicator());
  BudgetRecorder<2> recorder(watched);
  watched.initialise();
  alone.initialise();
  watched.scheme().observe(&recorder);
  for (int n = 0; n < 4; ++n) {
    watched.step(0.01);
    alone.step(0.01);
  }
  for (int c = 0; c < 2; ++c)
    for_each<2>(alone.boundary().unknowns(c),
                [&](const Index<2>& i) { EXPECT_EQ(watched.velocity()[c](i), alone.velocity()[c](i)); });
}

TEST_P(Budgets, ColumnsAreNamed) {
  Settings s = with_scheme(box({axis(0, 1, 4), axis(0, 1, 4)}, {periodic, periodic}, 0.02));
  Model<2> model(s, Communicator());
  BudgetRecorder<2> recorder(model);
  const QuantityGroup group = recorder.group();
  ASSERT_EQ(group.columns.size(), 15u);
  EXPECT_EQ(group.columns[0].name, "energy_local");
  EXPECT_EQ(group.columns[14].name, "momentum_y_force");
}

std::string scheme_name(const ::testing::TestParamInfo<Scheme>& each) {
  const char* const names[] = {"k4", "rk3", "rk3_cn", "cn_ab2"};
  return names[static_cast<int>(each.param)];
}
INSTANTIATE_TEST_SUITE_P(Schemes, Budgets, ::testing::Values(Scheme::k4, Scheme::rk3, Scheme::rk3_cn, Scheme::cn_ab2),
                         scheme_name);

}  // namespace
}  // namespace kolmo::flow
