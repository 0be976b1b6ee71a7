#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "commands.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/io/files.hpp"
#include "kolmo/io/run_folder.hpp"
#include "kolmo/io/summary.hpp"
#include "kolmo/io/table.hpp"

namespace kolmo::drivers {

namespace {

namespace fs = std::filesystem;

/// A run holds a lock on its folder, which dies with it.
bool is_running(const fs::path& folder) {
  const int file = ::open((folder / ".lock").c_str(), O_RDONLY);
  if (file < 0) return false;
  const bool held = ::flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  (void)::close(file);
  return held;
}

void print_line(const std::string& name, const std::string& value) { fmt::print("{:<13} {}\n", name, value); }

void print_summary(const fs::path& path) {
  const io::Tree summary = io::read_json(path);
  if (summary.has("status")) print_line("status", summary.at("status").text());
  for (const char* name : {"steps", "time", "wall_seconds"})
    if (summary.has(name)) print_line(name, fmt::format("{:.6g}", summary.at(name).number()));
}

/// The last row says how far a run has come that has not ended.
void print_last_record(const fs::path& path) {
  const io::Table table = io::Table::read(path);
  if (table.rows() == 0) return;
  for (const char* name : {"step", "time"})
    if (table.has(name)) print_line(fmt::format("last {}", name), table.texts(name).back());
}

void print_checkpoints(const fs::path& folder) {
  std::error_code failure;
  std::vector<long long> steps;
  for (const auto& entry : fs::directory_iterator(folder, failure))
    if (const long long step = io::step_of(entry.path()); step >= 0 && !entry.is_symlink()) steps.push_back(step);
  std::sort(steps.begin(), steps.end());
  print_line("checkpoints", steps.empty() ? "none" : fmt::format("steps {}", fmt::join(steps, ", ")));
}

}  // namespace

int status(const CommandLine& line) {
  const fs::path folder = line.folder;
  std::error_code failure;
  if (!fs::is_directory(folder, failure)) throw InputError(fmt::format("{}: no such folder", line.folder));
  if (!io::RunFolder::holds_run(folder)) throw InputError(fmt::format("{}: holds no run", line.folder));
  if (is_running(folder)) {
    print_line("status", "running");
  } else if (fs::exists(folder / "summary.json", failure)) {
    print_summary(folder / "summary.json");
  } else {
    print_line("status", "ended without a summary");
  }
  if (fs::exists(folder / "diagnostics.csv", failure)) print_last_record(folder / "diagnostics.csv");
  print_checkpoints(folder / "checkpoint");
  return 0;
}

}  // namespace kolmo::drivers
