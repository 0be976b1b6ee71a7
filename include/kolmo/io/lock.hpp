/// The lock of a run's folder: flock where the file system has it, else the text of the file, which is judged.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace kolmo::io {

/// What is known of the process that a lock file names.
enum class LockHolder { gone, alive, unknown };

/// Who a process is, as it stands in a lock file: "process 12 on host", within a SLURM job followed by
/// ", job 77 restart 1 of cluster".
struct LockText {
  int process = 0;
  std::string host;
  std::string job, restart, cluster;  ///< empty outside of a SLURM job; the cluster also where it has no name
  static LockText mine();
  static std::optional<LockText> parse(const std::string& text);
  std::string text() const;
};

/// Judged by one who is `self`: an empty text names nobody. On the same host the process is there or not. Elsewhere, a
/// job that was queued anew (ours, with fewer restarts than now) is gone, and so is one of our cluster that SLURM
/// (`squeue`) says is over or waits; all else is unknown.
LockHolder judge_lock(const std::string& text, const LockText& self);

/// What somebody else's look at the lock of a folder shows, without taking it.
struct LockState {
  LockHolder holder = LockHolder::gone;
  std::string who;         ///< the text of the file
  bool only_text = false;  ///< the file system has no locks: judged by the text
};
LockState look_at_lock(const std::filesystem::path& folder);

/// Takes FOLDER/.lock and returns its descriptor, which holds it until it is closed. Throws FileError where another run
/// holds it, may hold it (with what to do), or the file cannot be written.
int take_lock(const std::filesystem::path& folder);

}  // namespace kolmo::io
