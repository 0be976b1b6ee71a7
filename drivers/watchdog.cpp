#include "watchdog.hpp"

#include <mpi.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "kolmo/base/error.hpp"

namespace kolmo::drivers {

Watchdog::Watchdog(double seconds, int rank) : seconds_(seconds), rank_(rank) {
  if (seconds_ > 0.0) thread_ = std::thread([this] { watch(); });
}

Watchdog::~Watchdog() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Watchdog::watch() {
  const std::chrono::duration<double> tick(seconds_ / patience);
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, tick, [this] { return done_; })) {
    if (ticks_.fetch_add(1, std::memory_order_relaxed) + 1 < patience) continue;
    (void)std::fprintf(stderr, "rank %d: no step has ended for %g s (--watchdog): a rank hangs, the run is ended\n",
                       rank_, seconds_);
    (void)std::fflush(stderr);
    ::alarm(10);  // ends this process where MPI cannot
    (void)MPI_Abort(MPI_COMM_WORLD, static_cast<int>(ExitCode::numerics));
  }
}

}  // namespace kolmo::drivers
