/// Ends a run in which a rank has stopped answering. Only where it is asked for.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace kolmo::drivers {

/// A thread on every rank that counts the time since the last beat while the process itself runs, and aborts the job
/// when that is too long. A job that is suspended as a whole is left alone: what is counted are the thread's own short
/// waits, and a suspended process does not wait. Nothing is started where seconds is 0.
class Watchdog {
 public:
  Watchdog(double seconds, int rank);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  /// The rank has got on. No allocation, no system call.
  void beat() { ticks_.store(0, std::memory_order_relaxed); }

 private:
  void watch();
  static constexpr int patience = 20;  // ticks
  double seconds_;
  int rank_;
  std::atomic<int> ticks_{0};
  bool done_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::thread thread_;
};

}  // namespace kolmo::drivers
