#include "kolmo/base/log.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>

namespace kolmo {

void Log::info(std::string_view line) const {
  if (!active_) return;
  std::fprintf(out_, "%.*s\n", static_cast<int>(line.size()), line.data());
  std::fflush(out_);
}

void Log::warning(std::string_view line) const {
  if (!active_) return;
  std::fprintf(err_, "warning: %.*s\n", static_cast<int>(line.size()), line.data());
  std::fflush(err_);
}

namespace {

/// OpenMPI's mpirun gives every rank a pseudo-terminal of its own: what counts is where mpirun itself writes.
bool launcher_writes_to_terminal() {
  const std::string link = "/proc/" + std::to_string(getppid()) + "/fd/1";
  std::array<char, 256> target{};
  if (readlink(link.c_str(), target.data(), target.size() - 1) < 0) return false;
  const std::string_view path(target.data());
  return path.starts_with("/dev/pts/") || path.starts_with("/dev/tty");
}

bool is_terminal(std::FILE* out) {
  if (isatty(fileno(out)) != 1) return false;
  return std::getenv("OMPI_COMM_WORLD_RANK") == nullptr || launcher_writes_to_terminal();
}

}  // namespace

Log::Log(bool active, std::FILE* out, std::FILE* err)
    : active_(active), terminal_(active && is_terminal(out)), out_(out), err_(err) {}

namespace {

constexpr std::int64_t lines_per_header = 40;

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

using Text = std::array<char, 32>;

/// Seconds in at most 8 characters: 59s, 12m05s, 3h04m, 2d03h; "-" where unknown.
Text duration(double seconds) {
  Text text{};
  if (!std::isfinite(seconds) || seconds < 0.0 || seconds > 8.64e8) {
    std::snprintf(text.data(), text.size(), "-");
    return text;
  }
  const long total = std::lround(seconds);
  if (total < 60) {
    std::snprintf(text.data(), text.size(), "%lds", total);
  } else if (total < 3600) {
    std::snprintf(text.data(), text.size(), "%ldm%02lds", total / 60, total % 60);
  } else if (total < 86400) {
    std::snprintf(text.data(), text.size(), "%ldh%02ldm", total / 3600, total / 60 % 60);
  } else {
    std::snprintf(text.data(), text.size(), "%ldd%02ldh", total / 86400, total / 3600 % 24);
  }
  return text;
}

}  // namespace

Progress::Progress(Log log, ProgressPlan plan, Clock clock)
    : log_(log), plan_(std::move(plan)), clock_(clock ? std::move(clock) : Clock(steady_seconds)) {
  begin_ = previous_ = clock_();
  printed_at_ = begin_ - plan_.thin_seconds;
}

double Progress::elapsed() const { return clock_() - begin_; }

void Progress::step(const StepReport& report) {
  const double now = clock_();
  const double taken = now - previous_;
  previous_ = now;
  ++steps_;
  // A plain mean at first, then an exponential one over about 20 steps.
  seconds_per_step_ += (taken - seconds_per_step_) / static_cast<double>(std::min<std::int64_t>(steps_, 20));
  last_ = report;
  printed_ = false;
  if (!log_.active()) return;
  if (log_.terminal() || steps_ == 1 || now - printed_at_ >= plan_.thin_seconds) {
    printed_at_ = now;
    print();
  }
}

void Progress::finish() {
  if (!printed_ && log_.active()) print();
}

double Progress::eta() const {
  const double none = -1.0;
  double seconds = none;
  if (plan_.end > plan_.start && last_.time > plan_.start) {
    const double done = (last_.time - plan_.start) / (plan_.end - plan_.start);
    const double spent = previous_ - begin_;
    seconds = spent * (1.0 - done) / done;
  }
  if (plan_.max_steps > 0) {
    const double by_steps = static_cast<double>(plan_.max_steps - last_.step) * seconds_per_step_;
    seconds = seconds == none ? by_steps : std::min(seconds, by_steps);
  }
  return seconds == none ? none : std::max(seconds, 0.0);
}

void Progress::print() {
  printed_ = true;
  std::array<char, 160> line{};
  if (lines_++ % lines_per_header == 0) {
    std::snprintf(line.data(), line.size(), "%9s %13s %10s%s %10s %5s %9s %9s %8s %7s %7s", "step", "time", "dt",
                  plan_.courant ? "    CFL" : "", plan_.invariant_name.c_str(), "iter", "residual", "s/step", "Mcell/s",
                  "to end", "to stop");
    log_.info(line.data());
  }
  const double rate = seconds_per_step_ > 0.0 ? static_cast<double>(plan_.cells) / seconds_per_step_ * 1e-6 : 0.0;
  const Text to_end = duration(eta());
  const Text to_stop = duration(plan_.wall_limit > 0.0 ? std::max(plan_.wall_limit - (previous_ - begin_), 0.0) : -1.0);
  std::array<char, 16> courant{};
  if (plan_.courant) std::snprintf(courant.data(), courant.size(), " %6.3f", last_.cfl);
  std::snprintf(line.data(), line.size(), "%9lld %13.6e %10.3e%s %10.4g %5d %9.1e %9.2e %8.2f %7s %7s",
                static_cast<long long>(last_.step), last_.time, last_.dt, courant.data(), last_.invariant,
                last_.iterations, last_.residual, seconds_per_step_, rate, to_end.data(), to_stop.data());
  log_.info(line.data());
}

}  // namespace kolmo
