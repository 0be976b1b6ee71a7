#include "kolmo/diag/sampler.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <type_traits>

#include "diag/grids.hpp"
#include "kolmo/base/error.hpp"

namespace kolmo::diag {
namespace {

using test::Domain;

/// A product of cubics.
template <int Dim>
double cubic(const Point<Dim>& x) {
  double value = 1.0;
  for (int d = 0; d < Dim; ++d) value *= 1.0 + x[d] * (0.5 - x[d] * (d + 1.0 - 0.7 * x[d]));
  return value;
}

template <int Dim>
std::vector<Point<Dim>> random_points(const Grid<Dim>& grid, int count) {
  std::mt19937 random(7);
  std::vector<Point<Dim>> points;
  for (int k = 0; k < count; ++k) {
    Point<Dim> x;
    for (int d = 0; d < Dim; ++d)
      x[d] = std::uniform_real_distribution<double>(grid.axis(d).from(), grid.axis(d).to())(random);
    points.push_back(x);
  }
  // The corners and the middles of the boundaries.
  Box<Dim> corners;
  corners.end.fill(3);
  for_each<Dim>(corners, [&](const Index<Dim>& i) {
    Point<Dim> x;
    for (int d = 0; d < Dim; ++d) x[d] = grid.axis(d).from() + 0.5 * i[d] * grid.axis(d).length();
    points.push_back(x);
  });
  return points;
}

template <class Number>
class SamplerExact : public testing::Test {};
using Dimensions =
    testing::Types<std::integral_constant<int, 1>, std::integral_constant<int, 2>, std::integral_constant<int, 3>>;
TYPED_TEST_SUITE(SamplerExact, Dimensions);

TYPED_TEST(SamplerExact, OnCubicsAtEveryLocationUpToTheBoundaries) {
  constexpr int Dim = TypeParam::value;
  std::array<int, Dim> cells;
  for (int d = 0; d < Dim; ++d) cells[d] = 9 + d;
  const Domain<Dim> domain(cells);
  const auto points = random_points<Dim>(domain.grid, 60);
  for (int direction = -1; direction < Dim; ++direction) {
    for (const Walls walls : {Walls::from_ghosts, Walls::unknown}) {
      const Field<Dim> field = domain.field({direction}, cubic<Dim>);
      const Sampler<Dim> sampler(domain.grid, domain.decomposition, {direction}, points, walls);
      const std::vector<double> values = sampler.sample(field);
      for (std::size_t k = 0; k < points.size(); ++k) EXPECT_NEAR(values[k], cubic<Dim>(points[k]), 2e-12);
    }
  }
}

TEST(Sampler, TakesTheValueOnAPositionAsItIs) {
  const Domain<2> domain({8, 7});
  const Field<2> field =
      domain.field(Location::faces(0), [](const Point<2>& x) { return std::exp(x[0]) / (2.0 + x[1]); });
  std::vector<Point<2>> points;
  for (const Index<2> i : {Index<2>{0, 0}, Index<2>{3, 6}, Index<2>{8, 3}})
    points.push_back(domain.grid.point(i, Location::faces(0)));
  const Sampler<2> sampler(domain.grid, domain.decomposition, Location::faces(0), points, Walls::from_ghosts);
  const std::vector<double> values = sampler.sample(field);
  for (std::size_t k = 0; k < points.size(); ++k) EXPECT_EQ(values[k], std::exp(points[k][0]) / (2.0 + points[k][1]));
}

TEST(Sampler, BoundaryValuesAreUsed) {
  // u = 1 on the moving wall and 0 inside: only a sampler that knows the wall says 1 there.
  const Domain<2> domain({8, 8});
  const double top = domain.grid.axis(1).to();
  const Field<2> field = domain.field(Location::faces(0), [&](const Point<2>& x) { return x[1] == top ? 1.0 : 0.0; });
  const std::vector<Point<2>> points{{0.5, top}};
  const auto at = [&](Walls walls) {
    return Sampler<2>(domain.grid, domain.decomposition, Location::faces(0), points, walls).sample(field)[0];
  };
  EXPECT_NEAR(at(Walls::from_ghosts), 1.0, 1e-14);
  EXPECT_NEAR(at(Walls::unknown), 0.0, 1e-14);
}

TEST(Sampler, PeriodicAxesWrap) {
  const Domain<2> domain({32, 9}, {true, false});
  const double k = 2.0 * M_PI / domain.grid.axis(0).length();
  const auto wave = [&](const Point<2>& x) { return std::sin(k * x[0]) * (1.0 + x[1]); };
  for (const Location location : {Location::cells(), Location::faces(0), Location::faces(1)}) {
    const Field<2> field = domain.field(location, wave);
    std::vector<Point<2>> points;
    for (const double x : {0.0, 1e-3, 0.99, 1.0, 3.49, -0.26}) points.push_back({x, 0.3});
    const std::vector<double> values =
        Sampler<2>(domain.grid, domain.decomposition, location, points, Walls::from_ghosts).sample(field);
    for (std::size_t i = 0; i < points.size(); ++i) EXPECT_NEAR(values[i], wave(points[i]), 2e-4);
  }
}

TEST(Sampler, FourthOrderOnSmoothFields) {
  const auto smooth = [](const Point<2>& x) { return std::sin(3.0 * x[0] + 0.3) * std::exp(-x[1]); };
  double errors[2];
  for (int level = 0; level < 2; ++level) {
    const Domain<2> domain({16 << level, 16 << level});
    const auto points = random_points<2>(domain.grid, 400);
    const Field<2> field = domain.field(Location::faces(1), smooth);
    const auto values =
        Sampler<2>(domain.grid, domain.decomposition, Location::faces(1), points, Walls::from_ghosts).sample(field);
    errors[level] = 0.0;
    for (std::size_t k = 0; k < points.size(); ++k)
      errors[level] = std::max(errors[level], std::abs(values[k] - smooth(points[k])));
  }
  EXPECT_GT(std::log2(errors[0] / errors[1]), 3.3);
}

TEST(Sampler, FewCells) {
  const Domain<1> domain({4});
  const Decomposition<1> alone(Communicator(MPI_COMM_SELF), {2}, {false}, {1});
  const Grid<1> grid({Axis::uniform(0.0, 1.0, 2)});
  Field<1> field(Layout<1>({2}, Ghosts<1>::uniform(1, 1)));
  for (int i = -1; i < 3; ++i) field({i}) = 2.0 * grid.axis(0).centre(i) + 1.0;
  const Sampler<1> sampler(grid, alone, Location::cells(), {{0.0}, {0.4}, {1.0}}, Walls::from_ghosts);
  const std::vector<double> values = sampler.sample(field);
  for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(values[k], 2.0 * sampler.points()[k][0] + 1.0, 1e-14);
}

TEST(Sampler, RefusesPointsOutsideAndOtherFields) {
  const Domain<2> domain({8, 8});
  const auto make = [&](const Point<2>& x) {
    return Sampler<2>(domain.grid, domain.decomposition, Location::cells(), {x}, Walls::unknown);
  };
  EXPECT_THROW((void)make({1.1, 0.0}), InputError);
  EXPECT_THROW((void)make({0.5, -0.3}), InputError);
  EXPECT_THROW((void)make({0.5, std::nan("")}), InputError);
  const Field<2> faces = domain.field(Location::faces(0), cubic<2>);
  EXPECT_THROW((void)make({0.5, 0.5}).sample(faces), InternalError);
}

}  // namespace
}  // namespace kolmo::diag
