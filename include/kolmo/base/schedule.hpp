/// When something that is repeated during a run is due.
#pragma once

#include <cstdint>

namespace kolmo {

/// Whether t has come to `end` of a run that began at `start`, to round-off in whatever units time has.
bool has_ended(double t, double start, double end);

/// Every N steps or every T of simulated time (dt is shortened to hit the moment); both 0: never.
struct Schedule {
  std::int64_t every_steps = 0;
  double every_time = 0.0;
  bool active() const { return every_steps > 0 || every_time > 0.0; }
};

/// A schedule counted from the start of a run.
class Due {
 public:
  Due(const Schedule& schedule, double start) : schedule_(schedule), start_(start) {}
  /// The next moment after t at which something is due; infinite where only steps count.
  double next_time(double t) const;
  /// Due at this step, the last dt having led to t.
  bool now(std::int64_t step, double t, double dt) const;
  /// The last step whose output a run that goes on from this one keeps: the step itself if something is due there, else
  /// the one before, since what was written at an end or a stop off schedule is not in an unbroken run.
  std::int64_t kept(std::int64_t step, double t, double dt) const {
    return step == 0 || now(step, t, dt) ? step : step - 1;
  }

 private:
  Schedule schedule_;
  double start_;
};

}  // namespace kolmo
