// Lines with a velocity and no diffusion.
#include <gtest/gtest.h>

#include <numbers>

#include "density/line_cases.hpp"
#include "kolmo/density/splitting.hpp"

namespace kolmo {
namespace {

using density::LineStep;
using density::Splitting;
using test::Lines;
using test::noise;

constexpr double pi = std::numbers::pi;

/// Upwind weights of a velocity at the faces of direction 0; nothing passes the ends unless open.
template <int Dim>
test::DirectionWeights<Dim> upwind(const Lines<Dim>& lines, bool open,
                                   const std::function<double(const Index<Dim>&)>& velocity) {
  auto weights = lines.weights(0, [&](const Index<Dim>& i) {
    const double a = velocity(i);
    std::pair<double, double> w(std::max(a, 0.0), std::min(a, 0.0));
    if (!lines.end(0, i[0])) return w;
    if (i[0] == 0 || !open) w.first = 0.0;
    if (i[0] != 0 || !open) w.second = 0.0;
    return w;
  });
  weights.transport = true;
  return weights;
}

/// Average over a cell of a function, by Gauss points.
double average(const Axis& axis, int i, const std::function<double(double)>& f) {
  const double a = axis.node(i), w = axis.width(i), s = std::sqrt(0.6);
  return (5 * f(a + 0.5 * w * (1 - s)) + 8 * f(a + 0.5 * w) + 5 * f(a + 0.5 * w * (1 + s))) / 18;
}

Lines<1> line_of(const Axis& axis) { return Lines<1>({axis}, Communicator(MPI_COMM_SELF), {1}); }

/// L1 error of a bump carried once around, with `cfl` cells a step.
double carried(int n, double velocity, double cfl) {
  const Lines<1> lines = line_of(Axis::uniform(0.0, 1.0, n, true));
  LineStep<1> step(lines.grid, lines.cells, 0);
  const auto weights = upwind<1>(lines, false, [&](const Index<1>&) { return velocity; });
  step.set(weights);
  const auto bump = [&](const Index<1>& i) {
    return average(lines.grid.axis(0), i[0], [](double x) { return std::exp(-80.0 * (x - 0.4) * (x - 0.4)); });
  };
  Field<1> p = lines.field(), exact = lines.field();
  lines.fill(p, bump);
  lines.fill(exact, bump);
  const int steps = static_cast<int>(std::ceil(n / cfl));
  for (int k = 0; k < steps; ++k) step.advance(p, 1.0 / steps / std::abs(velocity));
  EXPECT_NEAR(lines.mass(p) / lines.mass(exact), 1.0, 1e-13);
  EXPECT_GE(lines.min(p), 0.0);
  return lines.l1(p, exact);
}

TEST(LineTransport, a_bump_goes_around) {
  for (const double velocity : {1.0, -0.5})
    for (const double cfl : {0.37, 2.7}) {
      const double coarse = carried(64, velocity, cfl), fine = carried(128, velocity, cfl);
      EXPECT_GT(std::log2(coarse / fine), 1.8) << coarse << " " << fine;
      EXPECT_LT(fine, 1e-3);
    }
}

/// a = -x on a stretched axis: p(x, t) = e^t p0(x e^t).
TEST(LineTransport, contraction_is_followed) {
  double error[2];
  for (int level = 0; level < 2; ++level) {
    AxisSpec spec;
    spec.from = -3.0;
    spec.to = 3.0;
    spec.cells = 100 << level;
    spec.spacing = Spacing::tanh;
    spec.strength = 0.7;
    const Lines<1> lines = line_of(Axis(spec));
    const Axis& axis = lines.grid.axis(0);
    LineStep<1> step(lines.grid, lines.cells, 0);
    const auto weights = upwind<1>(lines, false, [&](const Index<1>& i) { return -axis.node(i[0]); });
    step.set(weights);
    const auto at = [](double t, double x) { return std::exp(t - 4.0 * std::pow(x * std::exp(t) - 0.7, 2)); };
    Field<1> p = lines.field(), exact = lines.field();
    lines.fill(p, [&](const Index<1>& i) { return average(axis, i[0], [&](double x) { return at(0.0, x); }); });
    lines.fill(exact, [&](const Index<1>& i) { return average(axis, i[0], [&](double x) { return at(0.8, x); }); });
    const double before = lines.mass(p);
    for (int k = 0; k < 20; ++k) step.advance(p, 0.04);
    EXPECT_NEAR(lines.mass(p) / before, 1.0, 1e-13);
    EXPECT_GE(lines.min(p), 0.0);
    EXPECT_EQ(step.escaped()[0], 0.0);
    error[level] = lines.l1(p, exact);
  }
  EXPECT_GT(std::log2(error[0] / error[1]), 1.8) << error[0] << " " << error[1];
}

TEST(LineTransport, any_velocity_and_step_keep_mass_and_sign) {
  const int n = 50;
  for (const bool periodic : {false, true})
    for (const double mean : {0.0, 0.6, -0.6}) {
      const Lines<2> lines({Axis::uniform(0.0, 1.0, n, periodic), Axis::uniform(0, 1, 40)}, Communicator(MPI_COMM_SELF),
                           {1, 1});
      LineStep<2> step(lines.grid, lines.cells, 0);
      const auto weights = upwind<2>(lines, false, [&](const Index<2>& i) { return mean + noise<2>(i, 1) - 0.5; });
      step.set(weights);
      Field<2> p = lines.field();
      lines.fill(p, [](const Index<2>& i) { return std::pow(noise<2>(i, 3), 6); });
      for (const double dt : {1e-4, 0.03, 1.0, 1e6}) {
        const double before = lines.mass(p);
        step.advance(p, dt);
        EXPECT_NEAR(lines.mass(p) / before, 1.0, 1e-13) << mean << " " << dt;
        EXPECT_GE(lines.min(p), 0.0);
      }
    }
}

TEST(LineTransport, what_flows_out_and_in_is_counted) {
  const int n = 40;
  const Lines<1> lines = line_of(Axis::uniform(0.0, 1.0, n));
  for (const double velocity : {0.5, -0.5}) {
    auto weights = upwind<1>(lines, true, [&](const Index<1>&) { return velocity; });
    weights.velocity = Field<1>(lines.layout, Location::faces(0));
    weights.velocity.fill(velocity);
    auto& constant = velocity > 0 ? weights.constant_low : weights.constant_high;
    constant = {velocity * 3.0};  // density 3 flows in
    LineStep<1> step(lines.grid, lines.cells, 0);
    step.set(weights);
    Field<1> p = lines.field();
    lines.fill(p, [](const Index<1>& i) { return 1.0 + noise<1>(i, 2); });
    double held = lines.mass(p);
    const int in = velocity > 0 ? 0 : 1;
    for (int k = 0; k < 4; ++k) {
      step.advance(p, 0.6);
      EXPECT_NEAR(lines.mass(p) + step.escaped()[0] + step.escaped()[1], held, 1e-13);
      EXPECT_NEAR(step.escaped()[in], -3.0 * 0.5 * 0.6 * (k + 1), 1e-12);
    }
    for (int i = 0; i < n; ++i) EXPECT_NEAR(p({i}), 3.0, 1e-12);
  }
}

/// Kolmogorov's (1934) p_t + v p_x = D/2 p_vv: a Gaussian with covariance [[D t^3/3, D t^2/2], [., D t]].
TEST(LineTransport, kolmogorov_1934) {
  const double diffusion = 1.0, begin = 1.0, end = 1.5;
  const auto exact = [&](double t, double x, double v) {
    const double xx = diffusion * t * t * t / 3, xv = diffusion * t * t / 2, vv = diffusion * t,
                 det = xx * vv - xv * xv;
    return std::exp(-0.5 * (vv * x * x - 2 * xv * x * v + xx * v * v) / det) / (2 * pi * std::sqrt(det));
  };
  double error[2];
  for (int level = 0; level < 2; ++level) {
    const int n = 48 << level;
    const Lines<2> lines({Axis::uniform(-6, 6, n), Axis::uniform(-7, 7, n)}, Communicator(MPI_COMM_SELF), {1, 1});
    const auto x_weights = upwind<2>(lines, true, [&](const Index<2>& i) { return lines.grid.axis(1).centre(i[1]); });
    const double g = 0.5 * diffusion / lines.grid.axis(1).width(0);
    const auto v_weights =
        lines.uniform(1, [&](int f) { return lines.end(1, f) ? std::pair(0.0, 0.0) : std::pair(g, -g); });
    Splitting<2> splitting(lines.grid, lines.cells, lines.layout);
    splitting.set(x_weights);
    splitting.set(v_weights);
    Field<2> p = lines.field(), q = lines.field();
    const auto averages = [&](double t) {
      return [&, t](const Index<2>& i) {
        return average(lines.grid.axis(0), i[0], [&](double x) {
          return average(lines.grid.axis(1), i[1], [&](double v) { return exact(t, x, v); });
        });
      };
    };
    lines.fill(p, averages(begin));
    lines.fill(q, averages(end));
    const double before = lines.mass(p);
    const int steps = 10 << level;
    for (int k = 0; k < steps; ++k) splitting.step(p, (end - begin) / steps);
    const std::vector<double> gone = splitting.escaped();
    EXPECT_NEAR((lines.mass(p) + gone[0] + gone[1] + gone[2] + gone[3]) / before, 1.0, 1e-13);
    EXPECT_GE(lines.min(p), 0.0);
    error[level] = lines.l1(p, q);
  }
  EXPECT_GT(std::log2(error[0] / error[1]), 1.8) << error[0] << " " << error[1];
  EXPECT_LT(error[1], 5e-3);
}

}  // namespace
}  // namespace kolmo
