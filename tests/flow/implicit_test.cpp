// Schemes with implicit viscosity: large viscous numbers, steady states, ranks, solvers, restart.
#include <gtest/gtest.h>

#include "support/implicit_cases.hpp"

namespace kolmo::test {
namespace {

using flow::Model;
using flow::Scheme;

class Implicit : public testing::TestWithParam<Scheme> {};

// --- large viscous numbers and steady states -------------------------------------------------------------------------

// nu dt / h^2 = 1 and 50: bounded from an impulsive start on, and the same steady state.
TEST_P(Implicit, SteadyCavityDoesNotDependOnTheViscousNumber) {
  Settings s = box(2, 16, 0.0, 1.0, BoundaryType::no_slip, 1.0);
  s.axes[1].spacing = Spacing::tanh;
  s.axes[1].strength = 1.0;
  s.boundary[3].velocity[0] = expression("0.3*sin(pi*x)");
  s.time.scheme = GetParam();
  s.time.steady_tolerance = 1e-11;
  std::array<std::unique_ptr<Model<2>>, 2> model;
  for (int k = 0; k < 2; ++k) {
    model[k] = std::make_unique<Model<2>>(s, Communicator());
    model[k]->initialise();
    const double h = model[k]->domain().grid.min_width(), dt = (k == 0 ? 1.0 : 50.0) * h * h;
    for (int n = 0; n < 4000 && (n == 0 || model[k]->rate_of_change() > 1e-9); ++n) {
      model[k]->step(dt);
    }
    EXPECT_LE(model[k]->rate_of_change(), 1e-9);
  }
  EXPECT_LE(max_difference(*model[0], model[0]->velocity(), model[1]->velocity()), 1e-9);
}

// The stress that stays explicit where nu varies holds the step, and at that step nothing grows.
TEST_P(Implicit, ViscosityWithContrastIsHeldStable) {
  for (const char* shape : {"1+0.9*sin(2*pi*x)*cos(2*pi*y)", "x<0.5?1:20"}) {
    Settings s = box(2, 24, 0.0, 1.0, BoundaryType::no_slip, 0.0);
    s.fluid.viscosity = expression(std::string("100*(") + shape + ")");
    set_exact(s, {"y*(1-y)+0.1*sin(40*x+30*y)", "0.1*sin(31*x*y)"}, "0");
    s.time.scheme = GetParam();
    s.time.cfl = 0.9;
    Model<2> model(s, Communicator());
    model.initialise();
    const Model<2>::StepRates rates = model.step_rates();
    EXPECT_GT(rates.combined[0], 2.0 * std::pow(rates.courant / model.scheme().limit().convective, 2));
    for (int n = 0; n < 150; ++n) model.step(model.choose_step());
    EXPECT_LE(max_difference(model, model.velocity(), model.domain().make_velocity()), 0.1);
  }
}

// Rough fields between pressure faces, nu dt / h^2 = 2000.
TEST_P(Implicit, PressureFacesAreStableAtLargeViscousNumbers) {
  Settings s = box(2, 48, 0.0, 1.0, BoundaryType::no_slip, 2000.0 / (48 * 48 * 0.02));
  s.boundary[0].type = s.boundary[1].type = BoundaryType::pressure;
  s.boundary[0].pressure = expression("1+0.5*sin(6*t)+0.1*y");
  set_exact(s, {"y*(1-y)+0.1*sin(40*x+30*y)", "0.1*sin(31*x*y)"}, "0");
  s.time.scheme = GetParam();
  Model<2> model(s, Communicator());
  model.initialise();
  for (int n = 0; n < 300; ++n) model.step(0.02);
  EXPECT_LE(max_difference(model, model.velocity(), model.domain().make_velocity()), 0.3);
}

template <class Profile>
void expect_profile(Model<2>& model, Profile&& profile, double tolerance) {
  for_each<2>(model.boundary().unknowns(0), [&](const Index<2>& i) {
    const double y = model.domain().point(i, Location::faces(0))[1];
    EXPECT_NEAR(model.velocity()[0](i), profile(y), tolerance) << "y = " << y;
  });
  for_each<2>(model.boundary().unknowns(1),
              [&](const Index<2>& i) { EXPECT_NEAR(model.velocity()[1](i), 0.0, tolerance); });
}

Settings channel(int n, Scheme scheme) {
  Settings s = box(2, n, 0.0, 1.0, BoundaryType::no_slip, 0.1);
  s.axes[0].cells = 4;
  s.axes[0].periodic = true;
  s.boundary[0].type = s.boundary[1].type = BoundaryType::periodic;
  s.time.scheme = scheme;
  s.time.steady_tolerance = 1e-14;
  return s;
}

void run_to_rest(Model<2>& model, double dt) {
  model.initialise();
  for (int n = 0; n < 2000 && (n == 0 || model.rate_of_change() > 1e-12); ++n) model.step(dt);
}

TEST_P(Implicit, CouetteFlowIsExact) {
  Settings s = channel(12, GetParam());
  s.axes[1].spacing = Spacing::tanh;
  s.axes[1].strength = 1.5;
  s.boundary[3].velocity[0] = Expression(2.0);
  Model<2> model(s, Communicator());
  run_to_rest(model, 0.05);
  expect_profile(
      model, [](double y) { return 2.0 * y; }, 1e-12);
}

// With straight ghosts u + G h^2 / (8 nu) solves the difference equations.
TEST_P(Implicit, PoiseuilleFlowIsTheDiscreteOne) {
  const int n = 12;
  Settings s = channel(n, GetParam());
  s.force.pressure_gradient[0] = Expression(-0.8);
  Model<2> model(s, Communicator());
  run_to_rest(model, 0.05);
  expect_profile(
      model, [&](double y) { return 0.8 / 0.2 * y * (1 - y) + 0.8 / (8 * 0.1 * n * n); }, 1e-10);
}

TEST_P(Implicit, HeldBulkVelocityFindsTheSameChannel) {
  const int n = 12;
  Settings s = channel(n, GetParam());
  s.force.bulk_direction = 0;
  s.force.bulk_velocity = 0.7;
  s.initial.name = flow::FieldName::expression;
  s.initial.velocity[0] = Expression(0.7);
  Model<2> model(s, Communicator());
  run_to_rest(model, 0.05);
  const double gradient = model.scheme().bulk_acceleration();
  expect_profile(
      model, [&](double y) { return gradient / 0.2 * y * (1 - y) + gradient / (8 * 0.1 * n * n); }, 1e-10);
  EXPECT_NEAR(gradient, 12 * 0.1 * 0.7, 0.02);
}

TEST_P(Implicit, FlowBetweenPressuresIsTheDiscreteChannel) {
  const int n = 8;
  Settings s = channel(n, GetParam());
  s.axes[0].periodic = false;
  s.boundary[0].type = s.boundary[1].type = BoundaryType::pressure;
  s.boundary[0].pressure = Expression(0.3);
  s.boundary[1].pressure = Expression(-0.1);
  Model<2> model(s, Communicator());
  run_to_rest(model, 0.05);
  expect_profile(
      model, [&](double y) { return 0.4 / 0.2 * y * (1 - y) + 0.4 / (8 * 0.1 * n * n); }, 1e-10);
}

// --- ranks, solvers, restart -----------------------------------------------------------------------------------------

template <int Dim>
double difference_to_one_rank(const Settings& s, double dt, int steps) {
  Model<Dim> all(s, Communicator()), one(s, Communicator(MPI_COMM_SELF));
  for (Model<Dim>* model : {&all, &one}) {
    model->initialise();
    for (int n = 0; n < steps; ++n) model->step(dt * (n % 2 ? 0.7 : 1.0));
  }
  double largest = 0.0;
  const auto compare = [&](const Field<Dim>& a, const Field<Dim>& b, const Box<Dim>& box) {
    for_each<Dim>(box, [&](const Index<Dim>& i) {
      Index<Dim> g = i;
      for (int d = 0; d < Dim; ++d) g[d] += all.domain().origin()[d];
      largest = std::max(largest, std::abs(a(i) - b(g)));
    });
  };
  for (int c = 0; c < Dim; ++c) compare(all.velocity()[c], one.velocity()[c], all.boundary().unknowns(c));
  compare(all.state().p, one.state().p, all.domain().layout.interior());
  return all.domain().comm().max(largest);
}

TEST_P(Implicit, RanksDoNotMatter) {
  for (Settings s : {through_box(), oscillating_box(), pressure_channel(), outflow_channel()}) {
    s.time.scheme = GetParam();
    EXPECT_LE(difference_to_one_rank<2>(s, 0.01, 5), 1e-12);
  }
  Settings s = box(3, 8, 0.0, 1.0, BoundaryType::no_slip, 0.5);
  s.axes[2].cells = 6;
  s.axes[1].spacing = Spacing::tanh;
  s.axes[1].strength = 1.2;
  s.boundary[3].velocity = {expression("sin(pi*x)*cos(t)"), Expression(0.0), expression("x*z")};
  s.boundary[4].type = s.boundary[5].type = BoundaryType::free_slip;
  s.time.scheme = GetParam();
  EXPECT_LE(difference_to_one_rank<3>(s, 0.02, 5), 1e-12);
}

TEST_P(Implicit, EverySolverFindsTheSameVelocity) {
  for (Settings s : {oscillating_box(), pressure_channel(), outflow_channel()}) {
    s.time.scheme = GetParam();
    s.momentum_solver.tolerance = 1e-12;
    Model<2> direct(s, Communicator());
    direct.initialise();
    run_steps(direct, 0.1, 6, 0.2);
    for (const auto method : {flow::LinearMethod::boxmg, flow::LinearMethod::aij}) {
      s.momentum_solver.method = method;
      Model<2> iterative(s, Communicator());
      iterative.initialise();
      run_steps(iterative, 0.1, 6, 0.2);
      EXPECT_LE(max_difference(iterative, iterative.velocity(), direct.velocity()), 1e-10);
      EXPECT_GT(iterative.scheme().momentum_solves().iterations, 0);
    }
  }
}

// One cell between walls: the component across has no unknown, and neither has its linear system. On four ranks four
// cells leave a rank without unknowns of the others as well.
class OneCell : public testing::TestWithParam<std::tuple<Scheme, BoundaryType, int>> {};

TEST_P(OneCell, EverySolverTakesIt) {
  const auto [scheme, across, cells] = GetParam();
  for (const int thin : {0, 1, 2})
    for (const bool varies : {false, true}) {
      Settings s = box(3, cells, 0.0, 1.0, BoundaryType::no_slip, 0.1);
      if (varies) s.fluid.viscosity = expression("0.1*(1+x*y)");
      s.axes[thin].cells = 1;
      s.axes[thin].periodic = across == BoundaryType::periodic;
      s.boundary[2 * thin].type = s.boundary[2 * thin + 1].type = across;
      s.force.body = {expression("y*z"), expression("sin(3*t)*x*z"), expression("x")};
      s.time.scheme = scheme;
      s.momentum_solver.tolerance = 1e-12;
      std::unique_ptr<Model<3>> first;
      for (const auto method : {flow::LinearMethod::tensor, flow::LinearMethod::boxmg, flow::LinearMethod::aij}) {
        if (varies && method == flow::LinearMethod::tensor) continue;
        s.momentum_solver.method = method;
        auto model = std::make_unique<Model<3>>(s, Communicator());
        model->initialise();
        run_steps(*model, 0.1, 3, 0.2);
        EXPECT_FALSE(model->scheme().description().empty());
        const double size = max_difference(*model, model->velocity(), model->domain().make_velocity());
        EXPECT_TRUE(std::isfinite(size) && size > 0.0);
        if (first) {
          EXPECT_LE(max_difference(*model, model->velocity(), first->velocity()), 1e-10);
        } else {
          first = std::move(model);
        }
      }
    }
}
INSTANTIATE_TEST_SUITE_P(Walls, OneCell,
                         testing::Combine(testing::Values(Scheme::rk3_cn, Scheme::cn_ab2),
                                          testing::Values(BoundaryType::no_slip, BoundaryType::free_slip,
                                                          BoundaryType::periodic),
                                          testing::Values(4, 8)));

// Nothing moves at all: both components lie between walls one cell apart.
TEST(ImplicitViscosity, EverySolverTakesNoUnknowns) {
  if (Communicator().size() > 1) return;  // one cell, one rank
  Settings s = box(2, 1, 0.0, 1.0, BoundaryType::no_slip, 0.1);
  s.time.scheme = Scheme::rk3_cn;
  Model<2> model(s, Communicator());
  model.initialise();
  model.step(0.1);
  EXPECT_EQ(model.scheme().momentum_solves().count, 0);
  EXPECT_NE(model.scheme().description().find("no unknowns"), std::string::npos);
}

// A viscosity that varies by nothing goes the other way through the code: conductances, CG or multigrid, explicit
// transposed stress. Where neither inlets bend the velocity nor pressure faces feel that stress, the results are the
// same.
TEST_P(Implicit, ViscosityGivenAsAFieldIsTheSame) {
  for (Settings s : {oscillating_box(), slipping_box()}) {
    s.time.scheme = GetParam();
    s.momentum_solver.tolerance = 1e-13;
    Model<2> constant(s, Communicator());
    s.fluid.viscosity = expression(std::to_string(constant.viscosity()) + "+0*x");
    Model<2> field(s, Communicator());
    ASSERT_TRUE(field.variable_viscosity().active());
    for (Model<2>* model : {&constant, &field}) {
      model->initialise();
      run_steps(*model, 0.1, 6, 0.2);
    }
    EXPECT_LE(max_difference(field, field.velocity(), constant.velocity()), 1e-10);
  }
}

TEST_P(Implicit, GoesOnBitwiseFromItsState) {
  for (Settings s : {oscillating_box(), outflow_channel(), pressure_channel()}) {
    s.time.scheme = GetParam();
    Model<2> whole(s, Communicator()), second(s, Communicator());
    whole.initialise();
    second.initialise();
    for (int n = 0; n < 3; ++n) whole.step(0.01 + 0.002 * n);
    for (int c = 0; c < 2; ++c) second.state().velocity[c].copy_from(whole.velocity()[c]);
    second.state().p.copy_from(whole.state().p);
    second.state().p_old.copy_from(whole.state().p_old);
    second.state().t = whole.state().t;
    second.state().dt = whole.state().dt;
    second.state().dt_old = whole.state().dt_old;
    second.state().step = whole.state().step;
    const auto from = whole.scheme().history(), to = second.scheme().history();
    for (std::size_t k = 0; k < from.size(); ++k)
      for (int c = 0; c < 2; ++c) (*to[k])[c].copy_from((*from[k])[c]);
    const auto cells = whole.scheme().cell_history(), into = second.scheme().cell_history();
    for (std::size_t k = 0; k < cells.size(); ++k)  // as a checkpoint has them: without ghosts
      for_each<2>(whole.domain().layout.interior(), [&](const Index<2>& i) { (*into[k])(i) = (*cells[k])(i); });
    second.resume();
    for (int n = 0; n < 3; ++n) {
      whole.step(0.012);
      second.step(0.012);
    }
    EXPECT_EQ(max_difference(whole, whole.velocity(), second.velocity()), 0.0);
  }
}

INSTANTIATE_TEST_SUITE_P(Schemes, Implicit, testing::Values(Scheme::rk3_cn, Scheme::cn_ab2),
                         [](const auto& each) { return name_of(each.param); });

}  // namespace
}  // namespace kolmo::test
