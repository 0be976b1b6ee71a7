#include "kolmo/transport/exponential_fit.hpp"

#include <gtest/gtest.h>

#include "transport/balance.hpp"

namespace kolmo::transport::testing {
namespace {

TEST(Bernoulli, IsAccurateToRoundOff) {
  for (const double t :
       {1e-300, 1e-30, 1e-12, 1e-8, 1e-5, 1e-3, 0.1, 0.3465, 0.3466, 0.5, 1.0, 2.0, 5.0, 30.0, 200.0, 700.0}) {
    const long double exact = static_cast<long double>(t) / std::expm1(static_cast<long double>(t));
    EXPECT_NEAR(bernoulli(t) / static_cast<double>(exact), 1.0, 6e-16) << "t = " << t;
  }
  EXPECT_EQ(bernoulli(0.0), 1.0);
  EXPECT_EQ(bernoulli(1e5), 0.0);
  EXPECT_EQ(bernoulli(HUGE_VAL), 0.0);
}

TEST(ExponentialFit, WeightsHaveSignsSumAndLimits) {
  for (const double drift : {-1e9, -3.0, -1e-9, 0.0, 1e-14, 0.4, 12.0, 1e6})
    for (const double conductance : {0.0, 1e-300, 1e-6, 1.0, 1e8}) {
      const FaceWeights w = exponential_fit(drift, conductance);
      EXPECT_GE(w.low, 0.0);
      EXPECT_LE(w.high, 0.0);
      EXPECT_NEAR(w.low + w.high, drift, 3e-16 * (w.low - w.high)) << "a constant q is carried by the drift";
    }
  EXPECT_EQ(exponential_fit(2.0, 0.0).low, 2.0);
  EXPECT_EQ(exponential_fit(2.0, 0.0).high, 0.0);
  EXPECT_EQ(exponential_fit(-2.0, 0.0).high, -2.0);
  EXPECT_EQ(exponential_fit(0.0, 3.0).low, 3.0);
  EXPECT_EQ(exponential_fit(0.0, 3.0).high, -3.0);
  // Flux zero between q = exp(-V) at the two ends: low / -high = exp(drift / conductance).
  for (const double peclet : {-30.0, -2.0, -1e-4, 1e-9, 0.7, 25.0}) {
    const FaceWeights w = exponential_fit(peclet * 1.7, 1.7);
    EXPECT_NEAR(w.low * std::exp(-peclet) / -w.high, 1.0, 1e-14) << peclet;
  }
}

template <int Dim>
struct Potential {
  static double value(const Point<Dim>& x) {
    double v = 0.0;
    for (int d = 0; d < Dim; ++d) v += 2.0 * x[d] * x[d] + 1.5 * std::sin(4.0 * x[d]) * (d > 0 ? x[d - 1] : 1.0);
    return v;
  }
  static constexpr double diffusivity = 0.35;
  /// The drift -grad V as its mean between the two points joined.
  double operator()(const FacePoint<Dim>& p) const {
    Point<Dim> low = p.centre, high = p.centre;
    low[p.direction] = p.low;
    high[p.direction] = p.high;
    return -(value(high) - value(low)) / (p.high - p.low);
  }
};

template <int Dim>
void gibbs_is_stationary() {
  Rules<Dim> rules;
  for (auto& side : rules) side = {Rule<Dim>::no_flux(), Rule<Dim>::no_flux()};
  Index<Dim> cells;
  cells.fill(Dim == 1 ? 40 : 9);
  Setting<Dim> s(random_grid<Dim>(cells, {}, 3), rules);
  double largest_density = 0.0;
  s.set([&](const Index<Dim>& i) {
    const double p = std::exp(-Potential<Dim>::value(s.grid.point(i, Location::cells())) / Potential<Dim>::diffusivity);
    largest_density = std::max(largest_density, p);
    return p;
  });
  Flux flux(ExponentialFit<Sampled<Potential<Dim>>, Uniform>{{}, {Potential<Dim>::diffusivity}},
            std::shared_ptr<const Boundary<Dim>>(s.boundary));
  flux.apply(s.q, s.rate);
  const double scale = scale_of(s, flux) * s.volumes->comm().max(largest_density);
  EXPECT_LE(largest(*s.volumes, s.rate), 1e-14 * scale);
  EXPECT_NEAR(s.volumes->integral(s.rate), 0.0, 1e-15 * scale);
  // The rates are those of a Markov chain: nothing leaves twice, nothing arrives negative.
  for_each_row_of(flux, [&](const Row<Dim>& row) {
    EXPECT_LT(row.diagonal, 0.0);
    for (int d = 0; d < Dim; ++d) EXPECT_TRUE(row.low[d] >= 0.0 && row.high[d] >= 0.0);
  });
}

TEST(ExponentialFit, GibbsDensityIsStationary1) { gibbs_is_stationary<1>(); }
TEST(ExponentialFit, GibbsDensityIsStationary3) { gibbs_is_stationary<3>(); }

// -div(a q - D grad q) of q = exp(sin x), a = cos x, on refined uniform grids, at the cells inside.
TEST(ExponentialFit, IsOfSecondOrder) {
  double error[2];
  for (int level = 0; level < 2; ++level) {
    const int n = 40 << level;
    Rules<1> rules;
    Setting<1> s(Grid<1>({Axis::uniform(0.0, 2.0 * M_PI, n, true)}), rules);
    const auto q = [](double x) { return std::exp(std::sin(x)); };
    s.set([&](const Index<1>& i) { return q(s.grid.axis(0).centre(i[0])); });
    const double D = 0.6;
    struct Cosine {
      double operator()(const FacePoint<1>& p) const { return std::cos(p.centre[0]); }
    };
    Flux flux(ExponentialFit<Sampled<Cosine>, Uniform>{{}, {D}}, std::shared_ptr<const Boundary<1>>(s.boundary));
    flux.apply(s.q, s.rate);
    double e = 0.0;
    for_each<1>(s.volumes->box(), [&](const Index<1>& i) {
      const double x = s.volumes->position(i)[0], c = std::cos(x), v = std::sin(x);
      const double exact = -q(x) * (c * c - v) + D * q(x) * (c * c - v);
      e = std::max(e, std::abs(s.rate(i) - exact));
    });
    error[level] = s.volumes->comm().max(e);
  }
  EXPECT_GT(std::log2(error[0] / error[1]), 1.9);
}

}  // namespace
}  // namespace kolmo::transport::testing
