/// The lock of a run's folder: flock where the file system has it, else the text of the file, which is judged.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace kolmo::io {

/// What is known of the process that a lock file names.
enum class LockHolder { gone, alive, unknown };

/// Who a process is, as it stands in a lock file: "process 12 on host, started 345 of boot 6e1f-...", within a SLURM
/// job followed by ", job 77 restart 1 of cluster".
struct LockText {
  int process = 0;
  std::string host;
  std::string job, restart, cluster;  ///< empty outside of a SLURM job; the cluster also where it has no name
  std::string start, boot;            ///< ticks since the machine was started, and the name of that start; or empty
  static LockText mine();
  /// Nothing where the text is another, or a number in it is none.
  static std::optional<LockText> parse(const std::string& text);
  std::string text() const;
};

/// Judged by one who is `self`. On the same host the process is there or not; one with the same id but another start is
/// another one, and so is one with our own id that does not say when it started. Elsewhere, a job that was queued anew
/// (ours, with fewer restarts than now) is gone, and so is one of our cluster that SLURM (`squeue`) says is over. All
/// else is unknown, a job whose node failed and one that waits to run again included.
LockHolder judge_lock(const std::string& text, const LockText& self);

/// The state and reason ("PENDING, BeginTime") of a SLURM job that waits in the queue; empty where it does not, or
/// nobody can tell.
std::string waiting_in_queue(const std::string& job);

/// What somebody else's look at the lock of a folder shows, without taking it.
struct LockState {
  LockHolder holder = LockHolder::gone;
  std::string who;         ///< the text of the file
  bool only_text = false;  ///< the file system has no locks: judged by the text
};
LockState look_at_lock(const std::filesystem::path& folder);

/// Takes FOLDER/.lock and returns its descriptor, which holds it until it is closed. Where only the text can be judged,
/// a file without one is somebody's for a minute. Throws FileError where another run holds it, may hold it (with what
/// to do where only the text tells), or the file cannot be written or is none.
int take_lock(const std::filesystem::path& folder);

/// Whether FOLDER/.lock still is the file taken with `descriptor`: false where it, or the folder, was removed or
/// replaced under the run, if only by a copy. True where the file system gives no answer.
bool keeps_lock(int descriptor, const std::filesystem::path& folder);

}  // namespace kolmo::io
