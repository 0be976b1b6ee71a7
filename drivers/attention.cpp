#include "attention.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>

#include "kolmo/base/signals.hpp"

namespace kolmo::drivers {

namespace {

using Clock = std::chrono::steady_clock;
const Clock::time_point program_start = Clock::now();

constexpr double bytes_per_second = 5e8;        // of a checkpoint, until one has been timed
constexpr double seconds_between_looks = 0.25;  // at requests in the folder, which may be on a file system far away

}  // namespace

double seconds_since_start() { return std::chrono::duration<double>(Clock::now() - program_start).count(); }

Attention::Attention(const Communicator& comm, const io::RunFolder& folder, const Limits& limits)
    : comm_(comm),
      folder_(folder),
      limits_(limits),
      checkpoint_seconds_(limits.checkpoint_bytes / bytes_per_second),
      checkpointed_at_(seconds_since_start()) {
  double ignored[2];
  if (comm_.root()) look_at_files(ignored[0], ignored[1]);
}

Attention::Asked Attention::look(double seconds_per_step) {
  enum { signal, file, wall, checkpoint, lost, count };
  std::array<double, count> asked{};
  const Requests own = take_requests();
  asked[signal] = own.stop;
  asked[checkpoint] = own.checkpoint;
  if (comm_.root()) {  // one clock and one look for all
    const double now = seconds_since_start();
    if (now - looked_at_ >= seconds_between_looks) look_at_files(asked[file], asked[checkpoint]);
    asked[lost] = !folder_.ours();  // each time: what comes next may write
    asked[wall] = time_is_up(seconds_per_step);
    if (limits_.checkpoint_every > 0.0 && now - checkpointed_at_ >= limits_.checkpoint_every) asked[checkpoint] = 1.0;
  }
  comm_.max(asked.data(), count);
  if (asked[lost] > 0.0) folder_.lost();
  Asked answer;
  answer.checkpoint = asked[checkpoint] > 0.0;
  if (asked[signal] > 0.0)
    answer.stop = "a signal";
  else if (asked[file] > 0.0)
    answer.stop = "the file STOP";
  else if (asked[wall] > 0.0)
    answer.stop = "the wall limit";
  return answer;
}

void Attention::look_at_files(double& stop, double& checkpoint) {
  looked_at_ = seconds_since_start();
  std::error_code ignored;
  if (std::filesystem::remove(folder_.path() / "STOP", ignored)) stop = 1.0;
  if (std::filesystem::remove(folder_.path() / "CHECKPOINT", ignored)) checkpoint = 1.0;
}

// Room for a few more steps, for the checkpoint and the last output, and something for the end of the program.
bool Attention::time_is_up(double seconds_per_step) const {
  if (limits_.wall <= 0.0) return false;
  const double reserve = 3.0 * seconds_per_step + 3.0 * checkpoint_seconds_ + 0.02 * limits_.wall + 0.5;
  return seconds_since_start() + reserve > limits_.wall;
}

void Attention::checkpoint_written(double seconds) {
  checkpoint_seconds_ = timed_ ? std::max(checkpoint_seconds_, seconds) : seconds;
  timed_ = true;
  checkpointed_at_ = seconds_since_start();
}

}  // namespace kolmo::drivers
