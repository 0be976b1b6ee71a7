// Order in time of the explicit schemes against the same grid advanced with tiny steps, so that no space error enters.
#include <gtest/gtest.h>

#include "support/flow_cases.hpp"

namespace kolmo::test {
namespace {

using flow::Model;
using flow::Scheme;

// Carried vortices seen through a box: normal and tangential velocities of four inlets that all depend on time.
Settings through_box(Scheme scheme) {
  const CarriedVortices vortices{5e-3};
  Settings s = box(2, 24, 0.3, 4.1, BoundaryType::inlet, vortices.nu);
  for (auto& face : s.boundary) face.velocity = {expression(vortices.u()), expression(vortices.v()), Expression(0.0)};
  set_exact(s, {vortices.u(), vortices.v()}, vortices.p());
  s.time.scheme = scheme;
  return s;
}

// A closed box whose lid and body force oscillate, on a stretched grid.
Settings oscillating_box(Scheme scheme) {
  Settings s = box(2, 24, 0.0, 1.0, BoundaryType::no_slip, 5e-3);
  s.axes[0].spacing = s.axes[1].spacing = Spacing::tanh;
  s.axes[0].strength = s.axes[1].strength = 1.0;
  s.boundary[3].velocity[0] = expression("sin(pi*x)^2*(1+0.5*sin(5*t))");
  s.force.body = {expression("sin(3*t)*y"), expression("cos(4*t)*x"), Expression(0.0)};
  set_exact(s, {"sin(pi*x)^2*sin(2*pi*y)", "-sin(2*pi*x)*sin(pi*y)^2"}, "0");
  s.time.scheme = scheme;
  return s;
}

// Pressure faces at both ends of a channel, pressures oscillating.
Settings pressure_channel(Scheme scheme) {
  Settings s = box(2, 16, 0.0, 1.0, BoundaryType::no_slip, 2e-2);
  s.boundary[0].type = s.boundary[1].type = BoundaryType::pressure;
  s.boundary[0].pressure = expression("1+0.5*sin(6*t)+0.1*y");
  s.boundary[1].pressure = expression("0.2*cos(5*t)");
  set_exact(s, {"y*(1-y)", "0"}, "0");
  s.time.scheme = scheme;
  return s;
}

// Inflow that pulsates, outflow by convection.
Settings outflow_channel(Scheme scheme) {
  Settings s = box(2, 16, 0.0, 1.0, BoundaryType::no_slip, 2e-2);
  s.boundary[0].type = BoundaryType::inlet;
  s.boundary[0].velocity = {expression("6*y*(1-y)*(1+0.3*sin(5*t))"), expression("0.2*sin(2*pi*y)*sin(3*t)"),
                            Expression(0.0)};
  s.boundary[1].type = BoundaryType::outflow;
  set_exact(s, {"6*y*(1-y)", "0"}, "0");
  s.time.scheme = scheme;
  return s;
}

struct OrderCase {
  const char* name;
  Settings (*settings)(Scheme);
  double end;
  int steps;
};

class TimeOrder : public testing::TestWithParam<std::tuple<Scheme, OrderCase, double>> {};

TEST_P(TimeOrder, VelocityIsThirdOrder) {
  const auto [scheme, c, unevenness] = GetParam();
  const Settings s = c.settings(scheme);
  Model<2> reference(s, Communicator());
  reference.initialise();
  run_steps(reference, c.end, 16 * c.steps);
  double error[3];
  for (int level = 0; level < 3; ++level) {
    Model<2> model(s, Communicator());
    model.initialise();
    run_steps(model, c.end, c.steps << level, unevenness);
    error[level] = max_difference(model, model.velocity(), reference.velocity());
    EXPECT_LE(model.max_divergence() * model.domain().grid.min_width(), 1e-12);
  }
  const double observed = order(error[1], error[2]);
  RecordProperty("order", std::to_string(observed));
  if (Communicator().root())
    std::printf("%s: errors %.3e %.3e %.3e orders %.2f %.2f\n", c.name, error[0], error[1], error[2],
                order(error[0], error[1]), observed);
  EXPECT_GE(observed, 2.9);
}

INSTANTIATE_TEST_SUITE_P(Explicit, TimeOrder,
                         testing::Combine(testing::Values(Scheme::k4, Scheme::rk3),
                                          testing::Values(OrderCase{"through_box", through_box, 1.0, 20},
                                                          OrderCase{"oscillating_box", oscillating_box, 1.0, 64},
                                                          OrderCase{"pressure_channel", pressure_channel, 1.0, 64},
                                                          OrderCase{"outflow_channel", outflow_channel, 1.0, 64}),
                                          testing::Values(0.0, 0.4)),
                         [](const auto& one) {
                           return std::string(std::get<0>(one.param) == Scheme::k4 ? "k4_" : "rk3_") +
                                  std::get<1>(one.param).name + (std::get<2>(one.param) > 0 ? "_uneven" : "_even");
                         });

// A channel whose bulk velocity is held.
Settings held_channel(Scheme scheme) {
  Settings s = box(2, 16, 0.0, 1.0, BoundaryType::no_slip, 2e-2);
  s.boundary[0].type = s.boundary[1].type = BoundaryType::periodic;
  s.axes[0].periodic = true;
  s.force.bulk_direction = 0;
  s.force.bulk_velocity = 1.0;
  set_exact(s, {"6*y*(1-y)*(1+0.3*sin(2*pi*y))", "0.1*sin(2*pi*x)*sin(pi*y)^2"}, "0");
  s.time.scheme = scheme;
  return s;
}

// A heated box: lid and source oscillate, warm fluid rises.
Settings heated_box(Scheme scheme) {
  Settings s = oscillating_box(scheme);
  s.force.gravity = {0.0, -1.0, 0.0};
  flow::ScalarSettings heat;
  heat.name = "heat";
  heat.diffusivity = Expression(8e-3);
  heat.source = expression("x*sin(4*t)");
  heat.initial = expression("cos(pi*y)");
  heat.expansion = 1.0;
  for (auto& face : heat.boundary) face.type = flow::ScalarBoundaryType::adiabatic;
  s.scalars.push_back(heat);
  return s;
}

class Variants : public testing::TestWithParam<std::tuple<int, OrderCase>> {};

// Every second stage, with steps even and uneven; scalars too.
TEST_P(Variants, AreThirdOrder) {
  const auto [variant, c] = GetParam();
  const Settings s = c.settings(Scheme::k4);
  const auto run = [&, k = variant](Model<2>& model, int steps, double unevenness) {
    model.initialise();
    for (int i = 0; i < steps; ++i) {
      model.scheme().choose(k);
      model.scheme().step(model.state(), c.end / steps * (1.0 + (i % 2 ? -unevenness : unevenness)));
    }
  };
  Model<2> reference(s, Communicator());
  run(reference, 16 * c.steps, 0.0);
  double error[2], scalar[2] = {0.0, 0.0};
  for (int level = 0; level < 2; ++level) {
    Model<2> model(s, Communicator());
    run(model, 2 * c.steps << level, 0.3);
    error[level] = max_difference(model, model.velocity(), reference.velocity());
    for (int i = 0; i < model.scalars().count(); ++i)
      for_each<2>(model.domain().layout.interior(), [&](const Index<2>& at) {
        scalar[level] =
            std::max(scalar[level], std::abs(model.scalars().field(i)(at) - reference.scalars().field(i)(at)));
      });
    scalar[level] = model.domain().comm().max(scalar[level]);
  }
  EXPECT_GE(order(error[0], error[1]), 2.9) << error[0] << " " << error[1];
  if (scalar[0] > 0.0) {
    EXPECT_GE(order(scalar[0], scalar[1]), 2.9) << scalar[0] << " " << scalar[1];
  }
}

// What holds the bulk velocity is what friction takes, whichever the second stage.
TEST(Variants, HoldTheBulkVelocityAlike) {
  double acceleration[2];
  for (const int variant : {0, 4}) {
    Model<2> model(held_channel(Scheme::k4), Communicator());
    model.initialise();
    for (int i = 0; i < 20; ++i) {
      model.scheme().choose(variant);
      model.scheme().step(model.state(), 2e-3);
    }
    acceleration[variant == 4] = model.scheme().bulk_acceleration();
  }
  EXPECT_GT(std::abs(acceleration[0]), 1e-2);
  EXPECT_NEAR(acceleration[1], acceleration[0], 1e-5 * std::abs(acceleration[0]));
}

INSTANTIATE_TEST_SUITE_P(K4, Variants,
                         testing::Combine(testing::Values(1, 3, 4),
                                          testing::Values(OrderCase{"through_box", through_box, 1.0, 20},
                                                          OrderCase{"heated_box", heated_box, 1.0, 64},
                                                          OrderCase{"pressure_channel", pressure_channel, 1.0, 64},
                                                          OrderCase{"outflow_channel", outflow_channel, 1.0, 64})),
                         [](const auto& info) {
                           return std::get<1>(info.param).name + std::to_string(std::get<0>(info.param));
                         });

// Pressure at the end of the run against the one of the reference, found by an extra solve there.
double pressure_order(const OrderCase& c, flow::PressureOutput output) {
  Settings s = c.settings(Scheme::k4);
  s.time.pressure_at_output = flow::PressureOutput::solved;
  Model<2> reference(s, Communicator());
  reference.initialise();
  run_steps(reference, c.end, 16 * c.steps);
  Field<2> exact = reference.domain().make_cells(), p = reference.domain().make_cells();
  reference.pressure_now(exact);
  s.time.pressure_at_output = output;
  double error[3];
  for (int level = 0; level < 3; ++level) {
    Model<2> model(s, Communicator());
    model.initialise();
    run_steps(model, c.end, c.steps << level, 0.3);
    model.pressure_now(p);
    error[level] = 0.0;
    for_each<2>(model.domain().layout.interior(),
                [&](const Index<2>& i) { error[level] = std::max(error[level], std::abs(p(i) - exact(i))); });
    error[level] = model.domain().comm().max(error[level]);
  }
  if (Communicator().root())
    std::printf("%s pressure: %.3e %.3e %.3e orders %.2f %.2f\n", c.name, error[0], error[1], error[2],
                order(error[0], error[1]), order(error[1], error[2]));
  return order(error[1], error[2]);
}

TEST(PressureOrder, IsSecondOrderExtrapolatedAndThirdSolved) {
  const OrderCase closed{"oscillating_box", oscillating_box, 1.0, 64}, open{"through_box", through_box, 1.0, 20};
  EXPECT_GE(pressure_order(closed, flow::PressureOutput::extrapolated), 1.9);
  EXPECT_GE(pressure_order(open, flow::PressureOutput::extrapolated), 1.9);
  EXPECT_GE(pressure_order(closed, flow::PressureOutput::solved), 2.9);
  EXPECT_GE(pressure_order(open, flow::PressureOutput::solved), 2.9);
}

}  // namespace
}  // namespace kolmo::test
