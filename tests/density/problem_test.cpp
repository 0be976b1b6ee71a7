#include "kolmo/density/problem.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "density/cases.hpp"
#include "kolmo/density/initial.hpp"

namespace kolmo::density {
namespace {

Problem ring(const Overrides& overrides = {}) {
  Overrides all(overrides);
  all.push_back("problem.exact=");
  return read(ring_case, all).problem;
}

TEST(Problem, KnowsItsStructure) {
  const Problem p = ring();
  EXPECT_TRUE(p.drift_depends_on(0, 1));
  EXPECT_FALSE(p.separable());
  EXPECT_FALSE(p.linear());
  EXPECT_TRUE(p.autonomous());
  EXPECT_TRUE(p.diffusion_constant(0, 0));
  EXPECT_TRUE(p.diffusion_zero(0, 1));
  EXPECT_EQ(p.diffusion_kind(), DiffusionKind::scalar);
  EXPECT_FALSE(p.has_potential());
  const Problem product = ring({"problem.drift=[\"-x^3\", \"t*y\"]", "problem.noise=[\"1+x^2\", 1]"});
  EXPECT_TRUE(product.separable());
  EXPECT_FALSE(product.autonomous());
  EXPECT_FALSE(product.linear());
  EXPECT_FALSE(product.diffusion_constant(0, 0));
  EXPECT_TRUE(product.diffusion_depends_on(0, 0, 0));
  EXPECT_FALSE(ring({"problem.drift=[\"-x\", \"-y\"]", "problem.noise=[1, \"x\"]"}).separable());
  EXPECT_FALSE(ring({"problem.drift=[\"-x\", \"-y\"]", "problem.noise=[[1, 0], [1, 1]]"}).separable());
}

TEST(Problem, FindsLinearDriftInItsText) {
  const auto linear = [](const std::string& drift, const std::string& noise = "1") {
    return ring({"problem.drift=" + drift, "problem.noise=" + noise}).linear();
  };
  EXPECT_TRUE(linear("[\"-x + 2*(y - 1)\", 3]"));
  EXPECT_TRUE(linear("[\"(x + y)*2 - x/4\", \"sin(t)*y\"]"));
  // Linear around the origin, or up to a time, or but for a bump that no sample would meet.
  EXPECT_FALSE(linear("[\"abs(x) < 40 ? -x : -10*x\", \"-y\"]"));
  EXPECT_FALSE(linear("[\"t < 80 ? -x : -x^3\", \"-y\"]"));
  EXPECT_FALSE(linear("[\"-x + exp(-1e4*(x - 0.1234)^2)\", \"-y\"]"));
  EXPECT_FALSE(linear("[\"-x + 1e-6*y^2\", \"y\"]"));
  EXPECT_FALSE(linear("[\"abs(x)\", \"y\"]"));
  EXPECT_FALSE(linear("[\"-x\", \"-y\"]", "\"1+0.1*x\""));
  EXPECT_TRUE(linear("[\"-x\", \"-y\"]", "\"1+t\""));
  std::vector<double> a, b;
  ring({"problem.drift=[\"-x + 2*y - t\", \"5\"]"}).linear_drift(2.0, a, b);
  EXPECT_EQ(a, (std::vector<double>{-1, 2, 0, 0}));
  EXPECT_EQ(b, (std::vector<double>{-2, 5}));
}

/// Differences of fourth order: the error falls by 16 when the length is halved; one-sided where the root ends.
TEST(Problem, DifferentiatesToFourthOrder) {
  const Problem p = ring({"problem.drift=[\"exp(2*x)*y\", \"sqrt(x)\"]", "problem.noise=\"sqrt(1+x^2*y^2)\""});
  const double x[] = {0.4, 1.3}, exact = 2.0 * 1.3 * std::exp(0.8);
  const auto error = [&](double scale) { return std::abs(p.drift_derivative(0, 0, x, 0.0, scale) - exact); };
  EXPECT_NEAR(std::log2(error(8.0) / error(4.0)), 4.0, 0.1);
  EXPECT_LT(error(0.2), 1e-8);
  EXPECT_EQ(p.drift_derivative(1, 1, x, 0.0, 1.0), 0.0);
  EXPECT_NEAR(p.diffusion_derivative(0, 0, 1, x, 0.0, 0.1), 2 * 1.3 * 0.16, 1e-10);
  EXPECT_NEAR(p.drift_derivative(1, 0, std::array{1e-3, 1.0}.data(), 0.0, 0.16) / (0.5 / std::sqrt(1e-3)), 1.0, 0.3);
}

TEST(Initial, GaussianMeansOfCellsAndTails) {
  const auto p = gaussian({0.5, -1.0}, {0.25, 0.0, 0.0, 4.0});
  ASSERT_TRUE(p->product());
  double sum = 0.0;
  for (int i = 0; i < 100; ++i) sum += p->factor_mean(1, -11.0 + 0.2 * i, -10.8 + 0.2 * i) * 0.2;
  EXPECT_NEAR(sum, std::erf(5.0 / std::sqrt(2.0)), 1e-14);
  // Twelve deviations out: no cancellation.
  EXPECT_NEAR(
      p->factor_mean(0, 6.5, 6.6) * 0.1 / (0.5 * (std::erfc(12.0 / std::sqrt(2.0)) - std::erfc(12.2 / std::sqrt(2.0)))),
      1.0, 1e-10);
  const double low[] = {-0.5, -100.0}, high[] = {1.5, 100.0};
  EXPECT_NEAR(p->mass_outside(low, high), std::erfc(2.0 / std::sqrt(2.0)), 1e-15);
  const double far_low[] = {-4.5, -100.0}, far_high[] = {5.5, 100.0};
  EXPECT_NEAR(p->mass_outside(far_low, far_high) / std::erfc(10.0 / std::sqrt(2.0)), 1.0, 1e-10);
  const auto correlated = gaussian({0.5, -1.0}, {0.25, 0.5, 0.5, 4.0});
  EXPECT_FALSE(correlated->product());
  EXPECT_NEAR(correlated->mass_outside(low, high), std::erfc(2.0 / std::sqrt(2.0)), 1e-15);
}

TEST(Initial, ProductIsNormalisedOverTheBox) {
  const Expression::Variables x{"x"};
  const auto p = product_density({Expression("x < 0.5 ? 1 : 3", {}, x), Expression("exp(-50*(x-0.3)^2)", {}, x)},
                                 {0.0, -1.0}, {1.0, 1.0});
  EXPECT_NEAR(p->factor_mean(0, 0.0, 1.0), 1.0, 1e-12);
  EXPECT_NEAR(p->factor_mean(0, 0.75, 1.0), 1.5, 1e-12);
  double sum = 0.0;
  for (int i = 0; i < 40; ++i) sum += 0.05 * p->factor_mean(1, -1.0 + 0.05 * i, -0.95 + 0.05 * i);
  EXPECT_NEAR(sum, 1.0, 1e-13);
  const double at[] = {0.25, 0.3};
  EXPECT_NEAR(p->density(at), p->factor(0, 0.25) * p->factor(1, 0.3), 1e-14);
  EXPECT_EQ(p->gaussians(), nullptr);
}

TEST(Initial, RefusesWhatIsNoDensity) {
  EXPECT_THROW((void)gaussian({0.0}, {0.0}), InputError);
  EXPECT_THROW((void)gaussian({0.0, 0.0}, {1.0, 1.0, 1.0, 1.0}), InputError);
  EXPECT_THROW((void)gaussian({0.0, 0.0}, {1.0}), InputError);
  EXPECT_THROW((void)gaussian_mixture({-1.0, 2.0}, {{0.0}, {1.0}}, {{1.0}, {1.0}}), InputError);
}

}  // namespace
}  // namespace kolmo::density
