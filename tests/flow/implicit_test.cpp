// Schemes with implicit viscosity: orders in time and space, large viscous numbers, steady states, ranks, solvers.
#include <gtest/gtest.h>

#include "kolmo/flow/exact.hpp"
#include "support/flow_cases.hpp"

namespace kolmo::test {
namespace {

using flow::Model;
using flow::Scheme;

std::string name_of(Scheme scheme) { return scheme == Scheme::rk3_cn ? "rk3_cn" : "cn_ab2"; }

// --- order in time, against the explicit scheme on the same grid with tiny steps: no space error enters -------------

// Carried vortices seen through a box: normal and tangential velocities of four inlets that all depend on time.
Settings through_box() {
  const CarriedVortices vortices{2e-2};
  Settings s = box(2, 20, 0.3, 4.1, BoundaryType::inlet, vortices.nu);
  for (auto& face : s.boundary) face.velocity = {expression(vortices.u()), expression(vortices.v()), Expression(0.0)};
  set_exact(s, {vortices.u(), vortices.v()}, vortices.p());
  return s;
}

// A closed stretched box whose lid and body force oscillate. nu dt / h^2 is 20 and more: diffusion over many cells.
Settings oscillating_box() {
  Settings s = box(2, 24, 0.0, 1.0, BoundaryType::no_slip, 0.2);
  s.axes[0].spacing = s.axes[1].spacing = Spacing::tanh;
  s.axes[0].strength = s.axes[1].strength = 1.0;
  s.boundary[3].velocity[0] = expression("sin(pi*x)^2*(1+0.5*sin(5*t))");
  s.force.body = {expression("sin(3*t)*y"), expression("cos(4*t)*x"), Expression(0.0)};
  set_exact(s, {"sin(pi*x)^2*(3*y^2-2*y)", "-pi*sin(2*pi*x)*(y^3-y^2)"}, "0");
  return s;
}

Settings slipping_box() {
  Settings s = oscillating_box();
  s.boundary[0].type = s.boundary[1].type = s.boundary[2].type = BoundaryType::free_slip;
  s.boundary[3].velocity[0] = expression("sin(pi*x)*(1+0.5*sin(5*t))");
  set_exact(s, {"sin(pi*x)*(3*y^2-2*y)", "-pi*cos(pi*x)*(y^3-y^2)"}, "0");
  return s;
}

// Pressure faces at both ends of a channel, pressures oscillating.
Settings pressure_channel() {
  Settings s = box(2, 16, 0.0, 1.0, BoundaryType::no_slip, 5e-2);
  s.boundary[0].type = s.boundary[1].type = BoundaryType::pressure;
  s.boundary[0].pressure = expression("1+0.5*sin(6*t)+0.1*y");
  s.boundary[1].pressure = expression("0.2*cos(5*t)");
  set_exact(s, {"y*(1-y)", "0"}, "0");
  return s;
}

// Inflow that pulsates, outflow by convection.
Settings outflow_channel() {
  Settings s = box(2, 16, 0.0, 1.0, BoundaryType::no_slip, 0.1);
  s.boundary[0].type = BoundaryType::inlet;
  s.boundary[0].velocity = {expression("6*y*(1-y)*(1+0.3*sin(5*t))"), expression("0.2*sin(2*pi*y)*sin(3*t)"),
                            Expression(0.0)};
  s.boundary[1].type = BoundaryType::outflow;
  set_exact(s, {"6*y*(1-y)", "0"}, "0");
  return s;
}

// Buoyancy and a viscosity that varies in space and time.
Settings heated_box() {
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

struct OrderCase {
  const char* name;
  Settings (*settings)();
  int steps;      ///< of the coarser run, over one unit of time
  int reference;  ///< of the explicit scheme
};

class ImplicitTimeOrder : public testing::TestWithParam<std::tuple<Scheme, OrderCase, double>> {};

// The explicit run and its pressure from a solve of its own, made once for all tests of a case.
struct Reference {
  std::unique_ptr<Model<2>> model;
  Field<2> pressure;
};
const Reference& reference(const OrderCase& c) {
  static std::map<std::string, Reference> made;
  Reference& r = made[c.name];
  if (r.model) return r;
  Settings s = c.settings();
  s.time.scheme = Scheme::k4;
  s.time.pressure_at_output = flow::PressureOutput::solved;
  r.model = std::make_unique<Model<2>>(s, Communicator());
  r.model->initialise();
  run_steps(*r.model, 1.0, c.reference);
  r.pressure = r.model->domain().make_cells();
  r.model->pressure_now(r.pressure);
  return r;
}

double pressure_difference(Model<2>& model, const Field<2>& exact) {
  Field<2> p = model.domain().make_cells();
  model.pressure_now(p);
  const Box<2> box = model.domain().layout.interior();
  const Communicator& comm = model.domain().comm();
  double mean = 0.0, largest = 0.0;
  for_each<2>(box, [&](const Index<2>& i) { mean += p(i) - exact(i); });
  mean = comm.sum(mean) / static_cast<double>(model.domain().grid.cell_count());
  for_each<2>(box, [&](const Index<2>& i) { largest = std::max(largest, std::abs(p(i) - exact(i) - mean)); });
  return comm.max(largest);
}

TEST_P(ImplicitTimeOrder, IsTwoForVelocityAndPressure) {
  const auto& [scheme, c, unevenness] = GetParam();
  const Reference& exact = reference(c);
  Settings s = c.settings();
  s.time.scheme = scheme;
  const bool jumps = unevenness > 0.5;  // steps that grow by 19, the longer ones twice the mean
  double velocity[2], pressure[2];
  for (int level = 0; level < 2; ++level) {
    Model<2> model(s, Communicator());
    model.initialise();
    run_steps(model, 1.0, c.steps << (level + (jumps ? 1 : 0)), unevenness);
    velocity[level] = max_difference(model, model.velocity(), exact.model->velocity());
    pressure[level] = pressure_difference(model, exact.pressure);
    EXPECT_LE(model.max_divergence() * model.domain().grid.min_width(), 1e-12);
  }
  if (Communicator().root())
    std::printf("velocity %.2e order %.2f, pressure %.2e order %.2f\n", velocity[1], order(velocity[0], velocity[1]),
                pressure[1], order(pressure[0], pressure[1]));
  EXPECT_GE(order(velocity[0], velocity[1]), jumps ? 1.7 : 1.85);
  EXPECT_GE(order(pressure[0], pressure[1]), jumps ? 1.5 : 1.75);
}

std::string order_name(const testing::TestParamInfo<ImplicitTimeOrder::ParamType>& info) {
  return name_of(std::get<0>(info.param)) + "_" + std::get<1>(info.param).name + "_" +
         std::to_string(static_cast<int>(10 * std::get<2>(info.param)));
}
const OrderCase order_cases[] = {
    {"through_box", through_box, 80, 320},          {"oscillating_box", oscillating_box, 64, 6400},
    {"slipping_box", slipping_box, 64, 6400},       {"pressure_channel", pressure_channel, 128, 512},
    {"outflow_channel", outflow_channel, 128, 640}, {"heated_box", heated_box, 64, 640}};
INSTANTIATE_TEST_SUITE_P(All, ImplicitTimeOrder,
                         testing::Combine(testing::Values(Scheme::rk3_cn, Scheme::cn_ab2),
                                          testing::ValuesIn(order_cases), testing::Values(0.0, 0.3, 0.9)),
                         order_name);

// --- order in space and time, against exact solutions, dt proportional to h ------------------------------------------

class Implicit : public testing::TestWithParam<Scheme> {
 protected:
  double courant() const { return GetParam() == Scheme::rk3_cn ? 0.4 : 0.2; }
};

// psi = g(t) S(x) Y(y), S = sin^2(pi x), Y = y^3 - y^2: walls at rest but the lid, u = g S; p bends at every wall.
struct ManufacturedBox {
  double nu;
  std::string g = "(1+0.5*sin(3*t))", dg = "(1.5*cos(3*t))";
  std::string S = "(sin(pi*x)^2)", S1 = "(pi*sin(2*pi*x))", S2 = "(2*pi^2*cos(2*pi*x))", S3 = "(-4*pi^3*sin(2*pi*x))";
  std::string Y = "(y^3-y^2)", Y1 = "(3*y^2-2*y)", Y2 = "(6*y-2)";
  std::string u = g + "*" + S + "*" + Y1, v = "-" + g + "*" + S1 + "*" + Y;
  std::string p = "cos(2*t)*sin(1.3*x+0.5)*cos(1.7*y+0.3)";
  std::string force_x() const {
    return dg + "*" + S + "*" + Y1 + "+" + u + "*" + g + "*" + S1 + "*" + Y1 + "+(" + v + ")*" + g + "*" + S + "*" +
           Y2 + "+1.3*cos(2*t)*cos(1.3*x+0.5)*cos(1.7*y+0.3)-" + std::to_string(nu) + "*" + g + "*(" + S2 + "*" + Y1 +
           "+" + S + "*6)";
  }
  std::string force_y() const {
    return "-" + dg + "*" + S1 + "*" + Y + "-" + u + "*" + g + "*" + S2 + "*" + Y + "-(" + v + ")*" + g + "*" + S1 +
           "*" + Y1 + "-1.7*cos(2*t)*sin(1.3*x+0.5)*sin(1.7*y+0.3)+" + std::to_string(nu) + "*" + g + "*(" + S3 + "*" +
           Y + "+" + S1 + "*" + Y2 + ")";
  }
};

struct ErrorPair {
  Errors velocity, pressure;
};

template <int Dim = 2>
ErrorPair errors(const Settings& s, double t_end, int steps) {
  Model<Dim> model(s, Communicator());
  model.initialise();
  run_steps(model, t_end, steps);
  const flow::NamedField exact(*s.exact, s);
  ErrorPair e;
  for (int c = 0; c < Dim; ++c) {
    const Errors one = velocity_error(model, c, [&](const auto& x, double t) { return exact.velocity(c, x, t); });
    e.velocity = {std::max(e.velocity.l2, one.l2), std::max(e.velocity.linf, one.linf)};
  }
  e.pressure = pressure_error(model, [&](const auto& x, double t) { return exact.pressure(x, t); });
  return e;
}

void expect_orders(const ErrorPair& coarse, const ErrorPair& fine, double pressure_order = 1.8) {
  const double o[] = {order(coarse.velocity.l2, fine.velocity.l2), order(coarse.velocity.linf, fine.velocity.linf),
                      order(coarse.pressure.l2, fine.pressure.l2), order(coarse.pressure.linf, fine.pressure.linf)};
  if (Communicator().root())
    std::printf("velocity %.2e %.2e orders %.2f %.2f, pressure %.2e %.2e orders %.2f %.2f\n", fine.velocity.l2,
                fine.velocity.linf, o[0], o[1], fine.pressure.l2, fine.pressure.linf, o[2], o[3]);
  EXPECT_GE(o[0], 1.9);
  EXPECT_GE(o[1], 1.9);
  EXPECT_GE(o[2], pressure_order);
  EXPECT_GE(o[3], pressure_order);
}

TEST_P(Implicit, ManufacturedFlowInAClosedBoxIsSecondOrder) {
  for (const double nu : {0.05, 1.0}) {
    ErrorPair e[2];
    for (int level = 0; level < 2; ++level) {
      const int n = 24 << level;
      const ManufacturedBox exact{nu};
      Settings s = box(2, n, 0.0, 1.0, BoundaryType::no_slip, nu);
      s.boundary[3].velocity[0] = expression(exact.g + "*" + exact.S);
      s.force.body = {expression(exact.force_x()), expression(exact.force_y()), Expression(0.0)};
      set_exact(s, {exact.u, exact.v}, exact.p);
      s.time.scheme = GetParam();
      e[level] = errors(s, 0.5, static_cast<int>(0.5 * n / courant()));
    }
    expect_orders(e[0], e[1]);
  }
}

TEST_P(Implicit, CarriedTaylorGreenVorticesAreSecondOrder) {
  ErrorPair e[2];
  for (int level = 0; level < 2; ++level) {
    const int n = 24 << level;
    Settings s = box(2, n, 0.0, 6.283185307179586, BoundaryType::periodic, 0.02);
    const CarriedVortices vortices{0.02};
    set_exact(s, {vortices.u(), vortices.v()}, vortices.p());
    s.time.scheme = GetParam();
    e[level] = errors(s, 1.0, static_cast<int>(n / (6.28 * courant()) * 2.0));
  }
  expect_orders(e[0], e[1]);
}

TEST_P(Implicit, EthierSteinmanFlowIsSecondOrder) {
  ErrorPair e[2];
  for (int level = 0; level < 2; ++level) {
    const int n = 8 << level;
    Settings s = box(3, n, -1.0, 1.0, BoundaryType::inlet, 0.1);
    s.initial.name = flow::FieldName::ethier_steinman;
    s.exact = s.initial;
    const std::string decay = "*exp(-0.1*(pi/2)^2*t)*pi/4";
    const auto component = [&](const std::string& x, const std::string& y, const std::string& z) {
      return expression("-(exp(pi/4*" + x + ")*sin(pi/4*" + y + "+pi/2*" + z + ")+exp(pi/4*" + z + ")*cos(pi/4*" + x +
                        "+pi/2*" + y + "))" + decay);
    };
    for (auto& face : s.boundary)
      face.velocity = {component("x", "y", "z"), component("y", "z", "x"), component("z", "x", "y")};
    s.time.scheme = GetParam();
    e[level] = errors<3>(s, 0.2, static_cast<int>(0.5 * n / courant()));
  }
  expect_orders(e[0], e[1], 1.7);
}

TEST_P(Implicit, WomersleyFlowIsSecondOrder) {
  ErrorPair e[2];
  for (int level = 0; level < 2; ++level) {
    const int n = 16 << level;
    Settings s = box(2, n, 0.0, 2.0, BoundaryType::no_slip, 0.3);
    s.axes[0].cells = 4;
    s.boundary[0].type = s.boundary[1].type = BoundaryType::periodic;
    s.axes[0].periodic = true;
    s.force.pressure_gradient[0] = expression("-2*cos(5*t)");
    s.initial.name = flow::FieldName::womersley;
    s.initial.amplitude = 2.0;
    s.initial.frequency = 5.0;
    s.exact = s.initial;
    s.time.scheme = GetParam();
    e[level] = errors(s, 1.0, 3 * n);
  }
  EXPECT_GE(order(e[0].velocity.l2, e[1].velocity.l2), 1.9);
  EXPECT_GE(order(e[0].velocity.linf, e[1].velocity.linf), 1.9);
  EXPECT_LE(e[1].pressure.linf, 1e-12);
}

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
