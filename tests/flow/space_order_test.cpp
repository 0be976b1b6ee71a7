// Order in space against exact solutions, and steady flows against the closed solution of the discrete equations.
#include <gtest/gtest.h>

#include <functional>
#include <numbers>

#include "kolmo/flow/exact.hpp"
#include "support/flow_cases.hpp"

namespace kolmo::test {
namespace {

using flow::FieldName;
using flow::Model;
using flow::NamedField;
using flow::Scheme;

constexpr double pi = std::numbers::pi;

struct Measured {
  Errors velocity, pressure;
};

// Runs to s.time.end with steps of the model's own choice and measures against s.exact.
template <int Dim>
Measured measure(const Settings& s) {
  Model<Dim> model(s, Communicator());
  model.initialise();
  while (model.time() < s.time.end * (1.0 - 1e-12))
    model.step(std::min(model.choose_step(), s.time.end - model.time()));
  const NamedField exact(*s.exact, s);
  Measured m;
  for (int c = 0; c < Dim; ++c) {
    const Errors e =
        velocity_error(model, c, [&](const std::array<double, 3>& x, double t) { return exact.velocity(c, x, t); });
    m.velocity.l2 = std::max(m.velocity.l2, e.l2);
    m.velocity.linf = std::max(m.velocity.linf, e.linf);
  }
  if (exact.has_pressure())
    m.pressure = pressure_error(model, [&](const std::array<double, 3>& x, double t) { return exact.pressure(x, t); });
  EXPECT_LE(model.max_divergence() * model.domain().grid.min_width(), 1e-12);
  return m;
}

template <int Dim>
void expect_second_order(const char* name, const std::function<Settings(int level)>& settings) {
  Measured m[3];
  for (int level = 0; level < 3; ++level) m[level] = measure<Dim>(settings(level));
  const auto check = [&](const char* what, auto value, double least) {
    const double first = order(value(m[0]), value(m[1])), second = order(value(m[1]), value(m[2]));
    if (Communicator().root())
      std::printf("%s %s: %.3e %.3e %.3e orders %.2f %.2f\n", name, what, value(m[0]), value(m[1]), value(m[2]), first,
                  second);
    EXPECT_GE(second, least) << name << " " << what;
  };
  check(
      "velocity l2", [](const Measured& e) { return e.velocity.l2; }, 1.9);
  check(
      "velocity max", [](const Measured& e) { return e.velocity.linf; }, 1.9);
  check(
      "pressure l2", [](const Measured& e) { return e.pressure.l2; }, 1.8);
  check(
      "pressure max", [](const Measured& e) { return e.pressure.linf; }, 1.8);
}

void name_exact(Settings& s, FieldName name) {
  s.initial.name = name;
  s.exact = s.initial;
}

void take_walls_from_exact(Settings& s, const std::vector<std::string>& velocity) {
  for (auto& face : s.boundary)
    for (std::size_t c = 0; c < velocity.size(); ++c) face.velocity[c] = expression(velocity[c]);
}

TEST(SpaceOrder, TaylorGreen) {
  expect_second_order<2>("taylor-green", [](int level) {
    Settings s = box(2, 16 << level, 0.0, 2.0 * pi, BoundaryType::periodic, 0.01);
    name_exact(s, FieldName::taylor_green);
    return s;
  });
}

// The error left at 128^2 is that of second-order differences, sin and cos lagging by h^2/12: 1.644e-5 in the mean
// square.
TEST(SpaceOrder, TaylorGreenAtTheLimitOfSecondOrder) {
  Settings s = box(2, 128, 0.0, 2.0 * pi, BoundaryType::periodic, 0.01);
  name_exact(s, FieldName::taylor_green);
  s.time.end = 10.0;
  s.time.cfl = 0.8;
  EXPECT_LE(measure<2>(s).velocity.l2, 1.66e-5);
}

TEST(SpaceOrder, TaylorGreenCarried) {
  expect_second_order<2>("taylor-green carried", [](int level) {
    Settings s = box(2, 16 << level, 0.0, 2.0 * pi, BoundaryType::periodic, 0.01);
    s.initial.mean_velocity = {1.0, 1.0, 0.0};
    name_exact(s, FieldName::taylor_green);
    return s;
  });
}

TEST(SpaceOrder, Kovasznay) {
  expect_second_order<2>("kovasznay", [](int level) {
    Settings s = box(2, 32 << level, -0.5, 1.0, BoundaryType::inlet, 1.0 / 40.0);
    s.axes[1].to = 1.5;
    const std::string lambda = "(-0.96374054419576694)";
    take_walls_from_exact(
        s, {"1-exp(" + lambda + "*x)*cos(2*pi*y)", lambda + "/(2*pi)*exp(" + lambda + "*x)*sin(2*pi*y)"});
    name_exact(s, FieldName::kovasznay);
    s.time.end = 4.0;
    s.time.cfl = 0.9;
    return s;
  });
}

TEST(SpaceOrder, EthierSteinman) {
  expect_second_order<3>("ethier-steinman", [](int level) {
    Settings s = box(3, 12 << level, -1.0, 1.0, BoundaryType::inlet, 0.1);
    const auto component = [](const std::string& x, const std::string& y, const std::string& z) {
      const std::string a = "(pi/4)", d = "(pi/2)";
      return "-" + a + "*(exp(" + a + "*" + x + ")*sin(" + a + "*" + y + "+" + d + "*" + z + ")+exp(" + a + "*" + z +
             ")*cos(" + a + "*" + x + "+" + d + "*" + y + "))*exp(-0.1*" + d + "^2*t)";
    };
    take_walls_from_exact(s, {component("x", "y", "z"), component("y", "z", "x"), component("z", "x", "y")});
    name_exact(s, FieldName::ethier_steinman);
    s.time.end = 0.2;
    return s;
  });
}

TEST(SpaceOrder, Womersley) {
  // Driven by an oscillating mean pressure gradient; the pressure itself is uniform then and has no error to speak of.
  double error[3];
  for (int level = 0; level < 3; ++level) {
    Settings s = box(2, 8 << level, 0.0, 1.0, BoundaryType::periodic, 0.05);
    s.axes[0].cells = 4;
    s.boundary[2].type = s.boundary[3].type = BoundaryType::no_slip;
    s.axes[1].spacing = Spacing::tanh;
    s.axes[1].strength = 1.2;
    s.initial.amplitude = 1.0;
    s.initial.frequency = 4.0;
    name_exact(s, FieldName::womersley);
    s.force.pressure_gradient[0] = expression("-cos(4*t)");
    s.time.end = 1.0;
    error[level] = measure<2>(s).velocity.linf;
  }
  EXPECT_GE(order(error[1], error[2]), 1.9);
}

Settings channel(int n, double nu) {
  Settings s = box(2, n, 0.0, 1.0, BoundaryType::no_slip, nu);
  s.axes[0].cells = 4;
  s.boundary[0].type = s.boundary[1].type = BoundaryType::periodic;
  s.time.end = 40.0;
  s.time.cfl = 1.0;
  return s;
}

template <int Dim>
void run_to_rest(Model<Dim>& model, double tolerance) {
  model.initialise();
  do model.step(model.choose_step());
  while (model.rate_of_change() > tolerance && model.time() < 100.0);
}

TEST(Steady, CouetteIsExact) {
  Settings s = channel(12, 0.5);
  s.boundary[3].velocity[0] = Expression(1.0);
  s.time.steady_tolerance = 1e-14;
  s.axes[1].spacing = Spacing::tanh;
  s.axes[1].strength = 1.5;
  s.initial.name = FieldName::zero;
  Model<2> model(s, Communicator());
  run_to_rest(model, 1e-13);
  const Errors e = velocity_error(model, 0, [](const std::array<double, 3>& x, double) { return x[1]; });
  EXPECT_LE(e.linf, 1e-12);
}

TEST(Steady, PoiseuilleIsTheDiscreteParabola) {
  const double nu = 0.5, gradient = 3.0;
  double exact_error[2];
  for (int level = 0; level < 2; ++level) {
    Settings s = channel(8 << level, nu);
    s.force.pressure_gradient[0] = Expression(-gradient);
    s.time.steady_tolerance = 1e-14;
    s.initial.name = FieldName::zero;
    Model<2> model(s, Communicator());
    run_to_rest(model, 1e-12);
    const double h = model.domain().grid.axis(1).min_width();
    const auto parabola = [&](double y) { return gradient / (2.0 * nu) * y * (1.0 - y); };
    // Linear ghosts shift the discrete parabola by G h^2 / (8 nu), everywhere alike.
    const Errors e = velocity_error(model, 0, [&](const std::array<double, 3>& x, double) {
      return parabola(x[1]) + gradient * h * h / (8.0 * nu);
    });
    EXPECT_LE(e.linf, 1e-10);
    exact_error[level] =
        velocity_error(model, 0, [&](const std::array<double, 3>& x, double) { return parabola(x[1]); }).linf;
  }
  EXPECT_NEAR(order(exact_error[0], exact_error[1]), 2.0, 1e-6);
}

TEST(Steady, DuctRatio) {
  double ratio[3];
  for (int level = 0; level < 3; ++level) {
    Settings s = box(3, 8 << level, 0.0, 1.0, BoundaryType::no_slip, 1.0);
    s.axes[0].cells = 2;
    s.axes[0].to = 0.25;
    s.boundary[0].type = s.boundary[1].type = BoundaryType::periodic;
    s.force.pressure_gradient[0] = Expression(-1.0);
    s.time.steady_tolerance = 1e-12;
    s.time.end = 10.0;
    s.time.cfl = 1.0;
    s.initial.name = FieldName::zero;
    Model<3> model(s, Communicator());
    run_to_rest(model, 1e-7);
    double largest = 0.0, sum[2] = {0.0, 0.0};
    const auto& domain = model.domain();
    for_each<3>(domain.layout.interior(), [&](const Index<3>& i) {
      largest = std::max(largest, model.velocity()[0](i));
      sum[0] += model.velocity()[0](i);
      sum[1] += 1.0;
    });
    domain.comm().sum(sum, 2);
    // The four values next to the axis stand h / sqrt(2) off it; the maximum itself follows from the curvature -G/(2
    // nu) in each direction.
    const double h = 1.0 / s.axes[1].cells;
    ratio[level] = (domain.comm().max(largest) + 0.125 * h * h) / (sum[0] / sum[1]);
  }
  EXPECT_GE(order(std::abs(ratio[0] - 2.0963), std::abs(ratio[1] - 2.0963)), 1.8);
  EXPECT_GE(order(std::abs(ratio[1] - 2.0963), std::abs(ratio[2] - 2.0963)), 1.9);
  EXPECT_NEAR((4.0 * ratio[2] - ratio[1]) / 3.0, 2.0963, 5e-4);
}

}  // namespace
}  // namespace kolmo::test
