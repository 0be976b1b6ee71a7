// Orders in time and space of the schemes with implicit viscosity.
#include <gtest/gtest.h>

#include "kolmo/flow/exact.hpp"
#include "support/implicit_cases.hpp"

namespace kolmo::test {
namespace {

using flow::Model;
using flow::Scheme;

// --- order in time, against the explicit scheme on the same grid with tiny steps: no space error enters -------------

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
  const auto scalar_difference = [&](Model<2>& model) {
    double largest = 0.0;
    for (int k = 0; k < model.scalars().count(); ++k)
      for_each<2>(model.domain().layout.interior(), [&](const Index<2>& i) {
        largest = std::max(largest, std::abs(model.scalars().field(k)(i) - exact.model->scalars().field(k)(i)));
      });
    return model.domain().comm().max(largest);
  };
  const bool jumps = unevenness > 0.5;  // steps that grow by 19, the longer ones twice the mean
  double velocity[2], pressure[2], scalar[2];
  for (int level = 0; level < 2; ++level) {
    Model<2> model(s, Communicator());
    model.initialise();
    run_steps(model, 1.0, c.steps << (level + (jumps ? 1 : 0)), unevenness);
    velocity[level] = max_difference(model, model.velocity(), exact.model->velocity());
    pressure[level] = pressure_difference(model, exact.pressure);
    scalar[level] = scalar_difference(model);
    EXPECT_LE(model.max_divergence() * model.domain().grid.min_width(), 1e-12);
  }
  if (Communicator().root())
    std::printf("velocity %.2e order %.2f, pressure %.2e order %.2f\n", velocity[1], order(velocity[0], velocity[1]),
                pressure[1], order(pressure[0], pressure[1]));
  EXPECT_GE(order(velocity[0], velocity[1]), jumps ? 1.7 : 1.85);
  EXPECT_GE(order(pressure[0], pressure[1]), jumps ? 1.5 : 1.75);
  if (scalar[0] > 0.0) {
    EXPECT_GE(order(scalar[0], scalar[1]), 1.85);
  }
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

class ImplicitOrder : public testing::TestWithParam<Scheme> {
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

TEST_P(ImplicitOrder, ManufacturedFlowInAClosedBoxIsSecondOrder) {
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

TEST_P(ImplicitOrder, CarriedTaylorGreenVorticesAreSecondOrder) {
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

TEST_P(ImplicitOrder, EthierSteinmanFlowIsSecondOrder) {
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

TEST_P(ImplicitOrder, WomersleyFlowIsSecondOrder) {
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

INSTANTIATE_TEST_SUITE_P(Schemes, ImplicitOrder, testing::Values(Scheme::rk3_cn, Scheme::cn_ab2),
                         [](const auto& each) { return name_of(each.param); });

}  // namespace
}  // namespace kolmo::test
