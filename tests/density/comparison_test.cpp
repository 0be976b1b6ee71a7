#include "kolmo/density/comparison.hpp"

#include <gtest/gtest.h>

#include "density/gaussian_fields.hpp"

namespace kolmo::density {
namespace {

using test::NormalBox;
using test::ProductNormal;

template <int Dim>
ProductNormal normal(double shift = 0.0, double factor = 1.0) {
  std::vector<double> mean(Dim), deviation(Dim);
  for (int d = 0; d < Dim; ++d) {
    mean[d] = 0.1 * d - 0.2 + (d == Dim - 1 ? shift : 0.0);
    deviation[d] = 0.8 + 0.05 * d;
  }
  return ProductNormal(mean, deviation, factor);
}

struct Distances {
  CellDistance cells;
  FunctionDistance function;
  double score;
};

template <int Dim>
Distances distances(int n, Spacing spacing, const ProductNormal& computed, const ProductNormal& exact) {
  const NormalBox<Dim> box(n, 5.0, spacing);
  const Quantities<Dim> quantities(box.grid, box.decomposition);
  const Comparison<Dim> comparison(quantities, exact);
  const Field<Dim> p = box.averages(computed);
  return {comparison.cells(p, 0.0), comparison.function(p, 0.0), comparison.score(p, 0.0)};
}

TEST(Comparison, ExactAveragesAreAtADistanceOfFourthOrder) {
  for (const Spacing spacing : {Spacing::uniform, Spacing::tanh}) {
    const auto exact = normal<2>();
    const Distances coarse = distances<2>(40, spacing, exact, exact), fine = distances<2>(80, spacing, exact, exact);
    EXPECT_GT(coarse.cells.rel_l1 / fine.cells.rel_l1, 13.0);
    EXPECT_GT(coarse.function.rel_l2 / fine.function.rel_l2, 13.0);
    EXPECT_GT(coarse.score / fine.score, 11.0);
    EXPECT_GT(coarse.cells.kl / fine.cells.kl, 150.0);  // the square of a distance
    EXPECT_LT(fine.cells.rel_l1, 2e-5);
    EXPECT_LT(fine.function.rel_l2, 2e-4);
    EXPECT_LT(fine.score, 5e-4);
  }
}

TEST(Comparison, ShiftedGaussiansHaveTheirKnownDistance) {
  const double shift = 0.2, deviation = 0.85;
  const Distances d = distances<2>(96, Spacing::uniform, normal<2>(shift), normal<2>());
  const double z = shift / deviation;
  EXPECT_NEAR(d.cells.kl, 0.5 * z * z, 2e-3 * z * z);
  EXPECT_NEAR(d.function.rel_l2, std::sqrt(2.0 * (1.0 - std::exp(-0.25 * z * z))), 1e-5);
  EXPECT_NEAR(d.cells.rel_l2, d.function.rel_l2, 2e-4);
  EXPECT_NEAR(d.function.rel_l1, 2.0 * std::erf(z / (2.0 * std::numbers::sqrt2)), 2e-5);
  // Scores differ by shift / deviation^2; the mean of |score|^2 under the shifted density.
  const double scale = 1.0 / (0.8 * 0.8) + (1.0 + z * z) / (deviation * deviation);
  EXPECT_NEAR(d.score, z / deviation / std::sqrt(scale), 2e-4);
}

template <int Dim>
void check_small_factor(int n) {
  // 1 + eps times the exact averages, on any number of dimensions.
  const NormalBox<Dim> box(n, 5.0);
  const auto exact = normal<Dim>();
  const Quantities<Dim> quantities(box.grid, box.decomposition);
  const Comparison<Dim> comparison(quantities, exact);
  Field<Dim> p(box.layout);
  const double eps = 1e-5;
  comparison.for_each_row(0.0, [&](const Index<Dim>& row, const double* values) {
    Index<Dim> i = row;
    for (int k = 0; k < box.layout.extent()[0]; ++k, ++i[0]) p(i) = (1.0 + eps) * values[k];
  });
  const CellDistance d = comparison.cells(p, 0.0);
  EXPECT_NEAR(d.rel_l1, eps, 1e-10 * eps);
  EXPECT_NEAR(d.rel_l2, eps, 1e-10 * eps);
  EXPECT_NEAR(d.kl, comparison.mass(0.0) * 0.5 * eps * eps * (1.0 - eps / 3.0), 1e-9 * eps * eps);
}

TEST(Comparison, AFactorIsSeenInAnyDimension) {
  check_small_factor<1>(64);
  check_small_factor<3>(12);
  check_small_factor<4>(8);
  check_small_factor<6>(4);
}

TEST(Comparison, AnExactDensityUpToAFactorIsNormalisedOverTheBox) {
  const Distances plain = distances<1>(60, Spacing::tanh, normal<1>(), normal<1>());
  const Distances scaled = distances<1>(60, Spacing::tanh, normal<1>(), normal<1>(0.0, 7.0));
  EXPECT_NEAR(plain.function.rel_l2, scaled.function.rel_l2, 1e-6);
  EXPECT_NEAR(plain.score, scaled.score, 1e-14);
  const NormalBox<1> box(60, 1.0);
  const Quantities<1> quantities(box.grid, box.decomposition);
  const auto exact = normal<1>(0.0, 7.0);
  const Comparison<1> comparison(quantities, exact);
  EXPECT_NEAR(comparison.mass(0.0), 1.0, 1e-13);
  double sum = 0.0;
  for (const double value : comparison.marginal(0.0, {0})) sum += value * box.grid.axis(0).width(0);
  EXPECT_NEAR(sum, 1.0, 1e-13);
}

TEST(Comparison, FarTailsDoNotSpoilTheDivergence) {
  // The exact density underflows where the computed one is still positive.
  const NormalBox<1> box(400, 60.0);
  const Quantities<1> quantities(box.grid, box.decomposition);
  const auto exact = normal<1>();
  const Comparison<1> comparison(quantities, exact);
  const Field<1> p = box.field([&](const Index<1>& i) {
    const double x = box.grid.axis(0).centre(i[0]);
    return exact.density(&x, 0.0) + 1e-9;
  });
  const double kl = comparison.cells(p, 0.0).kl;
  EXPECT_TRUE(std::isfinite(kl));
  EXPECT_GT(kl, 1e-9 * 120.0);
  EXPECT_LT(kl, 1e-9 * 120.0 * 3000.0);
}

TEST(Comparison, PeriodicDirections) {
  // On a periodic box far wider than the density, with the mass across the seam of no weight.
  const NormalBox<2> box(64, 5.0, Spacing::uniform, true);
  const auto exact = normal<2>();
  const Quantities<2> quantities(box.grid, box.decomposition);
  const Comparison<2> comparison(quantities, exact);
  const Field<2> p = box.averages(exact);
  EXPECT_LT(comparison.function(p, 0.0).rel_l2, 5e-4);
  EXPECT_LT(comparison.score(p, 0.0), 2e-3);
}

}  // namespace
}  // namespace kolmo::density
