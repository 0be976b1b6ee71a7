#include "kolmo/base/schedule.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace kolmo {
namespace {

TEST(Due, ByStepsEveryNth) {
  const Due due({.every_steps = 3}, 0.0);
  EXPECT_TRUE(due.now(3, 0.7, 0.1) && due.now(6, 0.8, 0.1));
  EXPECT_FALSE(due.now(4, 0.7, 0.1));
  EXPECT_TRUE(std::isinf(due.next_time(0.7)));
}

TEST(Due, ByTimeWhenAStepReachesTheMoment) {
  const Due due({.every_time = 0.1}, 1.0);
  EXPECT_NEAR(due.next_time(1.0), 1.1, 1e-15);
  EXPECT_NEAR(due.next_time(1.1 - 1e-14), 1.2, 1e-15);  // reached to round-off
  EXPECT_TRUE(due.now(7, 1.1 - 1e-14, 0.04));
  EXPECT_FALSE(due.now(7, 1.14, 0.04));
  EXPECT_TRUE(due.now(9, 1.25, 0.07));  // passed over
}

TEST(Due, ByTimeFarFromZero) {
  const double start = 1e6, every = 1e-3;
  const Due due({.every_time = every}, start);
  double t = start;
  for (int k = 1; k <= 100; ++k) {  // every moment is met once, none is left a tiny step behind
    const double next = due.next_time(t);
    EXPECT_NEAR(next - t, every, 1e-9);
    EXPECT_TRUE(due.now(k, t + (next - t), next - t));
    t += next - t;
  }
}

TEST(HasEnded, InWhateverUnits) {
  for (const double unit : {1e-15, 1e-9, 1.0, 1e12}) {
    EXPECT_FALSE(has_ended(0.0, 0.0, unit));
    EXPECT_FALSE(has_ended(0.999999 * unit, 0.0, unit));
    EXPECT_TRUE(has_ended((0.1 + 0.2 + 0.7) * unit, 0.0, unit));
    EXPECT_FALSE(has_ended(-1e-6 * unit, -unit, 0.0));
    EXPECT_TRUE(has_ended(-1e-16 * unit, -unit, 0.0));
  }
  EXPECT_FALSE(has_ended(1e6 + 0.999, 1e6, 1e6 + 1.0));
  EXPECT_TRUE(has_ended(1e6 + 1.0 - 1e-10, 1e6, 1e6 + 1.0));
}

TEST(Due, NeverWhereNothingIsAskedFor) {
  const Due due({}, 0.0);
  EXPECT_FALSE(due.now(1, 1.0, 1.0));
  EXPECT_TRUE(std::isinf(due.next_time(0.0)));
}

TEST(Due, KeepsTheStepOnlyWhereItWasDue) {
  const Due due({.every_steps = 5}, 0.0);
  EXPECT_EQ(due.kept(10, 1.0, 0.1), 10);
  EXPECT_EQ(due.kept(13, 1.3, 0.1), 12);  // the row of an end or a stop at 13 goes
  EXPECT_EQ(Due({.every_time = 0.1}, 0.0).kept(0, 0.0, 0.0), 0);
}

}  // namespace
}  // namespace kolmo
