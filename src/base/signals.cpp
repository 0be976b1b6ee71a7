#include "kolmo/base/signals.hpp"

#include <array>
#include <csignal>
#include <ctime>

#include "kolmo/base/error.hpp"

namespace kolmo {

namespace {

volatile std::sig_atomic_t stop_requested = 0;
volatile std::sig_atomic_t checkpoint_requested = 0;

volatile std::time_t stop_second = 0;  // of the first stop, and what is beyond
volatile long stop_nanosecond = 0;

constexpr std::array<int, 3> watched{SIGTERM, SIGINT, SIGUSR1};
std::array<struct sigaction, 3> former;

// Only async-signal-safe calls: signal, raise and clock_gettime are.
bool is_echo() {
  std::timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (stop_requested) return now.tv_sec - stop_second - (now.tv_nsec < stop_nanosecond ? 1 : 0) < 1;
  stop_second = now.tv_sec;
  stop_nanosecond = now.tv_nsec;
  return true;
}

void on_signal(int number) {
  if (number == SIGUSR1) {
    checkpoint_requested = 1;
  } else if (is_echo()) {
    stop_requested = 1;
  } else {
    std::signal(number, SIG_DFL);
    std::raise(number);
  }
}

}  // namespace

SignalWatch::SignalWatch() {
  stop_requested = 0;
  checkpoint_requested = 0;
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;  // reads and writes of other libraries are not cut short
  for (std::size_t i = 0; i < watched.size(); ++i)
    if (sigaction(watched[i], &action, &former[i]) != 0) throw InternalError("sigaction failed");
}

SignalWatch::~SignalWatch() {
  for (std::size_t i = 0; i < watched.size(); ++i) (void)sigaction(watched[i], &former[i], nullptr);
}

Requests take_requests() {
  Requests requests{stop_requested != 0, checkpoint_requested != 0};
  if (requests.checkpoint) checkpoint_requested = 0;
  return requests;
}

Requests take_requests(const Communicator& comm) {
  const Requests own = take_requests();
  double flags[2] = {own.stop ? 1.0 : 0.0, own.checkpoint ? 1.0 : 0.0};
  comm.max(flags, 2);
  return {flags[0] > 0.0, flags[1] > 0.0};
}

}  // namespace kolmo
