#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <utility>

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

std::string text_of(const io::Tree& summary, const std::string& name) {
  return summary.has(name) ? summary.at(name).text() : "";
}

void print_cost(const io::Tree& summary) {
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

/// Whether the batch job of a run that is not at work will go on with it. Numbers of another cluster's jobs say
/// nothing.
void print_queue(const io::Tree& summary, const io::LockState& lock) {
  if (text_of(summary, "status") == "done") return;
  std::string job = text_of(summary, "job"), cluster = text_of(summary, "cluster");
  if (const auto holder = io::LockText::parse(lock.who);
      holder && !holder->job.empty()) {  // killed before it could tell
    job = holder->job;
    cluster = holder->cluster;
  }
  const char* here = std::getenv("SLURM_CLUSTER_NAME");
  if (here != nullptr && !cluster.empty() && cluster != here) return;
  if (const std::string state = io::waiting_in_queue(job); !state.empty())
    print_line("queue", fmt::format("job {}{} waits to go on with it ({})", job,
                                    cluster.empty() ? "" : " of " + cluster, state));
}

/// summary.json, without entries where there is none; says how the run ended in one word.
io::Tree read_summary(const fs::path& path, std::string& ending) {
  io::Tree summary;
  std::error_code failure;
  if (!fs::exists(path, failure)) return summary;
  ending = "unknown";
  told([&] {
    io::Tree read = io::read_json(path);
    if (read.has("status")) ending = read.at("status").text();
    summary = std::move(read);
  });
  return summary;
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
  }
  if (!running) {
    std::string ending = "ended without a summary";
    const io::Tree summary = read_summary(folder / "summary.json", ending);
    if (lock.holder == io::LockHolder::gone) {
      print_line("status", ending);
      told([&] { print_cost(summary); });
    }
    told([&] { print_queue(summary, lock); });
  }
  if (fs::exists(folder / "progress.json", failure)) told([&] { print_progress(folder / "progress.json", running); });
  if (fs::exists(folder / "diagnostics.csv", failure)) told([&] { print_last_record(folder / "diagnostics.csv"); });
  print_checkpoints(folder / "checkpoint");
  return 0;
}

}  // namespace kolmo::drivers
