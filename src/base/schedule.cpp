#include "kolmo/base/schedule.hpp"

#include <cmath>
#include <limits>

namespace kolmo {

double Due::next_time(double t) const {
  if (schedule_.every_time <= 0.0) return std::numeric_limits<double>::infinity();
  // A moment already reached to round-off is not the next one.
  const double count = std::floor((t - start_) / schedule_.every_time + 1e-9) + 1.0;
  return start_ + count * schedule_.every_time;
}

bool Due::now(std::int64_t step, double t, double dt) const {
  if (schedule_.every_steps > 0 && step % schedule_.every_steps == 0) return true;
  return schedule_.every_time > 0.0 && next_time(t) > next_time(t - dt) + 0.5 * schedule_.every_time;
}

}  // namespace kolmo
