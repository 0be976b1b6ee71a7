/// The folder of a run: made, locked, and never mixed up with another run's.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "kolmo/base/parallel.hpp"

namespace kolmo::io {

/// What to do where the folder already holds a run.
enum class Existing {
  refuse,     ///< InputError
  overwrite,  ///< remove that run's own entries, nothing else
  resume,     ///< keep them; RestartError if there is no run
  undecided   ///< only lock the folder for now: RunFolder::decide follows
};

/// Makes DIR (with parents) and takes DIR/.lock, which dies with the process (on a file system without locks it is
/// judged by its text, lock.hpp). Calls are collective where nothing else is said. Throws InputError where a run exists
/// and may not be touched, or where DIR is a file; FileError where it cannot be made or written or another process
/// holds the lock.
class RunFolder {
 public:
  RunFolder(const Communicator& comm, std::filesystem::path path, Existing existing);
  /// After Existing::undecided, when what the folder holds has been read and nobody could change it. Collective.
  void decide(Existing existing);
  /// DIR/.trial, which dies with the value and holds no more than the headers of the tables that a run goes on with:
  /// what a restart would do to its output can be tried there, while nothing in DIR is touched. Collective.
  RunFolder trial() const;
  ~RunFolder();
  RunFolder(RunFolder&&) noexcept;
  RunFolder& operator=(RunFolder&&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path run_toml() const { return path_ / "run.toml"; }
  std::filesystem::path diagnostics() const { return path_ / "diagnostics.csv"; }
  std::filesystem::path checkpoints() const { return path_ / "checkpoint"; }
  std::filesystem::path lines() const { return path_ / "lines"; }
  std::filesystem::path points() const { return path_ / "points"; }
  std::filesystem::path progress() const { return path_ / "progress.json"; }
  std::filesystem::path summary() const { return path_ / "summary.json"; }
  /// Whether DIR is still the folder that was taken, and nobody has removed or replaced it or its lock. One rank.
  bool ours() const;
  /// Throws the FileError for a folder that is not.
  [[noreturn]] void lost() const;
  /// Throws it on all ranks where the folder is not ours. Collective.
  void check() const;
  /// Makes a folder below DIR if it is not there.
  void make(const std::filesystem::path& folder) const;
  /// DIR/NAME, whole or not at all (rank 0's text counts).
  void write_text(const std::string& name, std::string_view text) const;

  /// True if the folder holds what a run leaves (run.toml, fields, diagnostics.csv, a checkpoint folder that is not
  /// empty, summary.json). One rank.
  static bool holds_run(const std::filesystem::path& path);

 private:
  RunFolder(const Communicator& comm, std::filesystem::path trial);
  Communicator comm_;
  std::filesystem::path path_;
  int lock_ = -1;
  bool trial_ = false;
};

}  // namespace kolmo::io
