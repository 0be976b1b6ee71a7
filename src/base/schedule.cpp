#include "kolmo/base/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kolmo {

namespace {

/// What sums of a few steps may be off by: times may be small numbers, or lie far from zero.
double round_off(double a, double b) {
  return 4.0 * std::numeric_limits<double>::epsilon() * std::max(std::abs(a), std::abs(b));
}

}  // namespace

bool has_ended(double t, double start, double end) { return end - t <= 1e-12 * (end - start) + round_off(start, end); }

double Due::next_time(double t) const {
  if (schedule_.every_time <= 0.0) return std::numeric_limits<double>::infinity();
  // A moment already reached to round-off is not the next one.
  const double slack = 1e-9 + round_off(t, start_) / schedule_.every_time;
  const double count = std::floor((t - start_) / schedule_.every_time + slack) + 1.0;
  return start_ + count * schedule_.every_time;
}

bool Due::now(std::int64_t step, double t, double dt) const {
  if (schedule_.every_steps > 0 && step % schedule_.every_steps == 0) return true;
  return schedule_.every_time > 0.0 && next_time(t) > next_time(t - dt) + 0.5 * schedule_.every_time;
}

}  // namespace kolmo
