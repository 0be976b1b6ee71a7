#include "kolmo/grid/axis.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kolmo/base/error.hpp"

namespace kolmo {
namespace {

AxisSpec spec(Spacing spacing, int cells, double strength = 0.0, double ratio = 1.0) {
  AxisSpec s;
  s.from = -1.0;
  s.to = 2.0;
  s.cells = cells;
  s.spacing = spacing;
  s.strength = strength;
  s.ratio = ratio;
  return s;
}

void expect_consistent(const Axis& axis) {
  EXPECT_EQ(axis.node(0), axis.from());
  EXPECT_EQ(axis.node(axis.cells()), axis.to());
  double length = 0.0;
  for (int i = -2; i < axis.cells() + 2; ++i) {
    EXPECT_GT(axis.width(i), 0.0);
    EXPECT_NEAR(axis.node(i + 1) - axis.node(i), axis.width(i), 1e-14);
    EXPECT_NEAR(axis.centre(i), axis.node(i) + 0.5 * axis.width(i), 1e-14);
    if (i >= 0 && i < axis.cells()) length += axis.width(i);
  }
  for (int i = -1; i <= axis.cells() + 1; ++i)
    EXPECT_NEAR(axis.distance(i), axis.centre(i) - axis.centre(i - 1), 1e-14);
  EXPECT_NEAR(length, axis.length(), 1e-14 * axis.cells());
}

TEST(Axis, UniformWidthsAreOneNumber) {
  const Axis axis = Axis::uniform(0.1, 0.7, 7);
  expect_consistent(axis);
  EXPECT_TRUE(axis.uniform());
  EXPECT_TRUE(axis.mirror_symmetric());
  for (int i = -2; i < 9; ++i) EXPECT_EQ(axis.width(i), axis.width(0));
}

TEST(Axis, TanhFollowsItsFormula) {
  const double s = 1.7;
  const int n = 24;
  const Axis both(spec(Spacing::tanh, n, s)), low(spec(Spacing::tanh_low, n, s)), high(spec(Spacing::tanh_high, n, s));
  for (const Axis* axis : {&both, &low, &high}) {
    expect_consistent(*axis);
    EXPECT_FALSE(axis->uniform());
  }
  for (int i = 0; i <= n; ++i) {
    const double xi = static_cast<double>(i) / n;
    EXPECT_NEAR(both.node(i), -1.0 + 1.5 * (1.0 + std::tanh(s * (2.0 * xi - 1.0)) / std::tanh(s)), 1e-14);
    EXPECT_NEAR(low.node(i) + high.node(n - i), 1.0, 1e-14) << "one is the mirror image of the other";
  }
  EXPECT_NEAR(both.max_width() / both.min_width(), std::pow(std::cosh(s), 2), 0.25 * std::pow(std::cosh(s), 2));
  EXPECT_TRUE(both.mirror_symmetric());
  EXPECT_FALSE(low.mirror_symmetric());
  EXPECT_LT(low.width(0), low.width(n - 1));
  EXPECT_GT(high.width(0), high.width(n - 1));
}

TEST(Axis, GeometricWidthsHaveOneRatio) {
  const Axis axis(spec(Spacing::geometric, 12, 0.0, 1.3));
  expect_consistent(axis);
  for (int i = 1; i < 12; ++i) EXPECT_NEAR(axis.width(i) / axis.width(i - 1), 1.3, 1e-12);
  EXPECT_TRUE(Axis(spec(Spacing::geometric, 12)).uniform());
}

TEST(Axis, GhostsMirrorAtWallsAndWrapWherePeriodic) {
  AxisSpec s = spec(Spacing::nodes, 4);
  s.nodes = {0.0, 1.0, 3.0, 3.5, 5.0};
  const Axis walls(s);
  expect_consistent(walls);
  EXPECT_EQ(walls.width(-1), 1.0);
  EXPECT_EQ(walls.width(-2), 2.0);
  EXPECT_EQ(walls.width(4), 1.5);
  EXPECT_EQ(walls.width(5), 0.5);
  EXPECT_EQ(walls.node(-2), -3.0);
  EXPECT_EQ(walls.distance(0), 1.0) << "a wall lies midway between the last cell and its ghost";
  s.periodic = true;
  const Axis ring(s);
  expect_consistent(ring);
  EXPECT_EQ(ring.width(-1), 1.5);
  EXPECT_EQ(ring.width(-2), 0.5);
  EXPECT_EQ(ring.width(4), 1.0);
  EXPECT_EQ(ring.distance(0), ring.distance(4));
  s.nodes = {0.0, 1.0};
  s.cells = 1;
  expect_consistent(Axis(s));
}

TEST(Axis, RefusesWhatMakesNoAxis) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  EXPECT_THROW(Axis(spec(Spacing::uniform, 0)), InputError);
  EXPECT_THROW(Axis(spec(Spacing::uniform, -3)), InputError);
  for (const auto& [from, to] : {std::pair{1.0, 1.0}, {2.0, 1.0}, {0.0, nan}, {nan, 1.0}, {0.0, inf}})
    EXPECT_THROW(Axis::uniform(from, to, 4), InputError);
  for (const double strength : {0.0, -1.0, nan, 1e3}) EXPECT_THROW(Axis(spec(Spacing::tanh, 8, strength)), InputError);
  for (const double ratio : {0.0, -1.0, nan, inf, 1e300})
    EXPECT_THROW(Axis(spec(Spacing::geometric, 8, 0, ratio)), InputError);
  EXPECT_THROW(Axis::uniform(1e9, 1e9 + 1e-7, 1000), InputError) << "cells below the resolution of the numbers";
  for (const std::vector<double>& nodes : {std::vector<double>{},
                                           {0.0},
                                           {0.0, 1.0},
                                           {0.0, 1.0, 0.5, 2.0},
                                           {0.0, 1.0, 1.0, 2.0},
                                           {0.0, nan, 1.0, 2.0},
                                           {0.0, 1.0, 2.0, inf}}) {
    AxisSpec s = spec(Spacing::nodes, 3);
    s.nodes = nodes;
    EXPECT_THROW(Axis{s}, InputError);
  }
  AxisSpec s = spec(Spacing::nodes, 3);
  try {
    Axis axis(s);
    ADD_FAILURE();
  } catch (const InputError& e) {
    EXPECT_EQ(std::string(e.what()).find("18446744073709551615"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace kolmo
