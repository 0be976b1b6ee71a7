#include "kolmo/density/exact.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "density/cases.hpp"
#include "kolmo/density/initial.hpp"
#include "kolmo/density/moments.hpp"

namespace kolmo::density {
namespace {

Problem ring(const Overrides& overrides) {
  Overrides all(overrides);
  all.push_back("problem.exact=");
  return read(ring_case, all).problem;
}

TEST(Moments, OrnsteinUhlenbeckInOneVariable) {
  const MomentEquations equations(read(line_case).problem);
  const Moments m = equations.advance({{0.5}, {0.25}}, 0.0, 2.0);
  EXPECT_NEAR(m.mean[0], 0.5 * std::exp(-2.0), 1e-13);
  EXPECT_NEAR(m.covariance[0], 0.5 * (1 - std::exp(-4.0)) + 0.25 * std::exp(-4.0), 1e-13);
}

/// Kolmogorov (1934): dx = v dt, dv = dw: S = S0 pushed by the shear plus [[t^3/3, t^2/2], [t^2/2, t]].
TEST(Moments, Kolmogorov1934) {
  const MomentEquations equations(ring({"problem.drift=[\"y\", 0]", "problem.noise=[0, 1]"}));
  const double a = 0.04, b = 0.25, t = 1.7;
  const Moments m = equations.advance({{0.3, -0.2}, {a, 0, 0, b}}, 0.5, 0.5 + t);
  EXPECT_NEAR(m.mean[0], 0.3 - 0.2 * t, 1e-13);
  EXPECT_NEAR(m.covariance[0], a + b * t * t + t * t * t / 3, 1e-12);
  EXPECT_NEAR(m.covariance[1], b * t + t * t / 2, 1e-12);
  EXPECT_NEAR(m.covariance[3], b + t, 1e-12);
}

/// Time-dependent coefficients: dx = -b(t)/2 x dt + sqrt(b) dw with b = 0.1 + 2 t.
TEST(Moments, TimeDependent) {
  const MomentEquations equations(
      ring({"problem.drift=[\"-0.5*(0.1+2*t)*x\", \"-0.5*(0.1+2*t)*y\"]", "problem.noise=\"sqrt(0.1+2*t)\""}));
  const double t = 1.4, alpha = std::exp(-0.5 * (0.1 * t + t * t));
  const Moments m = equations.advance({{2.0, 0.0}, {0.09, 0, 0, 1.0}}, 0.0, t);
  EXPECT_NEAR(m.mean[0], 2.0 * alpha, 1e-13);
  EXPECT_NEAR(m.covariance[0], 0.09 * alpha * alpha + 1 - alpha * alpha, 1e-13);
  EXPECT_NEAR(m.covariance[3], 1.0, 1e-13);
}

/// A stiff and non-normal drift far into the stationary state: A S + S A^T + D = 0.
TEST(Moments, StationaryLimit) {
  const MomentEquations equations(
      ring({"problem.drift=[\"-0.5*x + 20*y\", \"-3*y\"]", "problem.noise=[[1, 0], [0.5, 0.7]]"}));
  const Moments m = equations.advance({{1.0, 0.0}, {1, 0, 0, 1}}, 0.0, 60.0);
  const double s22 = 0.74 / 6, s12 = (0.5 + 20 * s22) / 3.5, s11 = 1 + 40 * s12;
  EXPECT_NEAR(m.covariance[3] / s22, 1.0, 1e-12);
  EXPECT_NEAR(m.covariance[1] / s12, 1.0, 1e-12);
  EXPECT_NEAR(m.covariance[0] / s11, 1.0, 1e-12);
  EXPECT_NEAR(m.mean[0], 0.0, 1e-12);
}

}  // namespace
}  // namespace kolmo::density
