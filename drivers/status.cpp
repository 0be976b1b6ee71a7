#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <filesystem>

#include "commands.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/io/files.hpp"
#include "kolmo/io/lock.hpp"
#include "kolmo/io/run_folder.hpp"
#include "kolmo/io/summary.hpp"
#include "kolmo/io/table.hpp"

namespace kolmo::drivers {

namespace {

namespace fs = std::filesystem;

void print_line(const std::string& name, const std::string& value) { fmt::print("{:<13} {}\n", name, value); }

void print_summary(const fs::path& path) {
  const io::Tree summary = io::read_json(path);
  if (summary.has("status")) print_line("status", summary.at("status").text());
  for (const char* name : {"steps", "time", "wall_seconds"})
    if (summary.has(name)) print_line(name, fmt::format("{:.6g}", summary.at(name).number()));
}

std::string duration(double seconds) {
  if (seconds < 0.0) return "unknown";
  const auto total = static_cast<long long>(seconds + 0.5);
  return total < 3600 ? fmt::format("{}m {:02}s", total / 60, total % 60)
                      : fmt::format("{}h {:02}m", total / 3600, total / 60 % 60);
}

/// How far a run has come that has not ended, as it told itself some seconds ago.
void print_progress(const fs::path& path, bool running) {
  const io::Tree progress = io::read_json(path);
  const double age = static_cast<double>(std::time(nullptr)) - progress.at("written").number();
  print_line("last step", fmt::format("{:.0f}, {:.0f} s ago", progress.at("step").number(), age));
  print_line("time", fmt::format("{:.6g} of {:.6g}", progress.at("time").number(), progress.at("end").number()));
  print_line("s per step", fmt::format("{:.3g}", progress.at("seconds_per_step").number()));
  if (!running) return;
  print_line("to end", duration(progress.at("seconds_to_end").number() - age));
  if (const double left = progress.at("seconds_to_stop").number(); left >= 0.0)
    print_line("to stop", duration(std::max(left - age, 0.0)));
}

/// The last row that was written.
void print_last_record(const fs::path& path) {
  const io::Table table = io::Table::read(path);
  if (table.rows() == 0) return;
  for (const char* name : {"step", "time"})
    if (table.has(name)) print_line(fmt::format("record {}", name), table.texts(name).back());
}

void print_checkpoints(const fs::path& folder) {
  std::error_code failure;
  std::vector<long long> steps;
  for (const auto& entry : fs::directory_iterator(folder, failure))
    if (const long long step = io::step_of(entry.path());
        step >= 0 && !entry.is_symlink(failure) && entry.is_regular_file(failure))
      steps.push_back(step);
  std::sort(steps.begin(), steps.end());
  print_line("checkpoints", steps.empty() ? "none" : fmt::format("steps {}", fmt::join(steps, ", ")));
}

/// A file that is damaged must not keep the rest from being told.
template <class Tell>
void told(Tell tell) {
  try {
    tell();
  } catch (const Error& error) {
    print_line("unreadable", error.what());
  }
}

/// Whether the batch job of a run that is not at work will go on with it.
void print_queue(const fs::path& folder, const io::LockState& lock) {
  std::string job;
  if (const auto holder = io::LockText::parse(lock.who)) job = holder->job;  // killed before it could tell
  std::error_code failure;
  if (job.empty() && fs::exists(folder / "summary.json", failure))
    if (const io::Tree summary = io::read_json(folder / "summary.json"); summary.has("job"))
      job = summary.at("job").text();
  if (const std::string state = io::waiting_in_queue(job); !state.empty())
    print_line("queue", fmt::format("job {} waits to go on with it ({})", job, state));
}

}  // namespace

int status(const CommandLine& line) {
  const fs::path folder = line.folder;
  std::error_code failure;
  if (!fs::is_directory(folder, failure)) throw InputError(fmt::format("{}: no such folder", line.folder));
  if (!io::RunFolder::holds_run(folder)) throw InputError(fmt::format("{}: holds no run", line.folder));
  const io::LockState lock = io::look_at_lock(folder);
  const bool running = lock.holder == io::LockHolder::alive;
  if (lock.holder != io::LockHolder::gone) {
    print_line("status", running ? "running" : "perhaps running");
    print_line("lock",
               (running ? "held by " : "marked by ") + (lock.who.empty() ? "a run without a name so far" : lock.who));
    if (lock.only_text) print_line("", "this file system has no locks: judged by the text of .lock");
  } else if (fs::exists(folder / "summary.json", failure)) {
    told([&] { print_summary(folder / "summary.json"); });
  } else {
    print_line("status", "ended without a summary");
  }
  if (!running) told([&] { print_queue(folder, lock); });
  if (fs::exists(folder / "progress.json", failure)) told([&] { print_progress(folder / "progress.json", running); });
  if (fs::exists(folder / "diagnostics.csv", failure)) told([&] { print_last_record(folder / "diagnostics.csv"); });
  print_checkpoints(folder / "checkpoint");
  return 0;
}

}  // namespace kolmo::drivers
