#include <fmt/format.h>

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

void print_summary(const fs::path& path) {
  const io::Tree summary = io::read_json(path);
  for (const char* name : {"status", "steps", "time", "wall_seconds"})
    if (summary.has(name)) {
      const io::Tree& value = summary.at(name);
      fmt::print("{:<13} {}\n", name, value.json());
    }
}

/// The last row says how far a run has come that has not ended.
void print_last_record(const fs::path& path) {
  const io::Table table = io::Table::read(path);
  if (table.rows() == 0) return;
  for (const char* name : {"step", "time"})
    if (table.has(name)) fmt::print("last {:<8} {}\n", name, table.texts(name).back());
}

void print_checkpoints(const fs::path& folder) {
  std::error_code failure;
  std::vector<long long> steps;
  for (const auto& entry : fs::directory_iterator(folder, failure))
    if (const long long step = io::step_of(entry.path()); step >= 0 && !entry.is_symlink()) steps.push_back(step);
  std::sort(steps.begin(), steps.end());
  fmt::print("{:<13} {}\n", "checkpoints", steps.empty() ? "none" : fmt::format("steps {}", fmt::join(steps, ", ")));
}

}  // namespace

int status(const CommandLine& line) {
  const fs::path folder = line.folder;
  std::error_code failure;
  if (!fs::is_directory(folder, failure)) throw InputError(fmt::format("{}: no such folder", line.folder));
  if (!io::RunFolder::holds_run(folder)) throw InputError(fmt::format("{}: holds no run", line.folder));
  if (fs::exists(folder / "summary.json", failure)) {
    print_summary(folder / "summary.json");
  } else {
    fmt::print("{:<13} {}\n", "status", "running, or ended without a summary");
  }
  if (fs::exists(folder / "diagnostics.csv", failure)) print_last_record(folder / "diagnostics.csv");
  print_checkpoints(folder / "checkpoint");
  return 0;
}

}  // namespace kolmo::drivers
