#include "kolmo/io/run_folder.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <utility>
#include <vector>

#include "kolmo/base/error.hpp"
#include "kolmo/io/agree.hpp"
#include "kolmo/io/files.hpp"
#include "kolmo/io/lock.hpp"

namespace kolmo::io {

namespace {

namespace fs = std::filesystem;

constexpr const char* trial_name = ".trial";  // short: see the constructor

/// What a run leaves behind; nothing else is ever removed. run.toml goes last: it tells whose the rest is.
constexpr std::array entries{trial_name,
                             "fields.xdmf",
                             "fields",
                             "diagnostics.csv",
                             "checkpoint",
                             "lines",
                             "points",
                             "slices",
                             "marginals",
                             "summary.json",
                             "progress.json",
                             "statistics.h5",
                             "statistics.csv",
                             "statistics_faces_x.csv",
                             "statistics_faces_y.csv",
                             "statistics_faces_z.csv",
                             "run.toml"};
constexpr std::array marks{"run.toml", "fields", "diagnostics.csv", "checkpoint", "summary.json"};

void make_folder(const fs::path& path) {
  std::error_code code;
  if (fs::is_directory(path, code)) return;
  fs::create_directories(path, code);
  if (code) throw FileError(fmt::format("cannot make the folder '{}': {}", path.string(), code.message()));
}

void remove_run(const fs::path& folder) {
  for (const char* entry : entries) {
    std::error_code code;
    fs::remove_all(folder / entry, code);
    if (code) throw FileError(fmt::format("cannot remove '{}': {}", (folder / entry).string(), code.message()));
  }
}

/// Temporary files of a run that was killed while writing.
void remove_leftovers(const fs::path& folder) {
  std::error_code code;
  std::vector<fs::path> doomed;
  const auto look = [&](const fs::path& path) {
    if (path.extension() == ".tmp") doomed.push_back(path);
  };
  for (const auto& entry : fs::directory_iterator(folder, code)) look(entry.path());
  for (const char* name : {"fields", "checkpoint", "lines", "points", "slices", "marginals"})
    for (const auto& entry : fs::recursive_directory_iterator(folder / name, code)) look(entry.path());
  for (const fs::path& path : doomed) fs::remove(path, code);
  fs::remove_all(folder / trial_name, code);
}

/// The header of a table is what a run that goes on with it looks at. Nothing where there is no table.
void copy_header(const fs::path& from, const fs::path& to) {
  std::error_code ignored;
  if (!fs::exists(from, ignored)) return;
  if (fs::is_directory(from, ignored)) throw FileError(fmt::format("'{}' is a folder", from.string()));
  std::ifstream file(from, std::ios::binary);
  std::string header;
  std::getline(file, header);
  if (!file && !file.eof()) throw FileError(system_failure("cannot read", from, errno ? errno : EIO));
  std::ofstream copy(to, std::ios::binary);
  copy << header;
  if (!file.eof()) copy << '\n';
  copy.close();
  if (!copy) throw FileError(system_failure("cannot write", to, errno ? errno : EIO));
}

/// Before anything is written: is DIR what `existing` takes it for?
void examine(const fs::path& path, Existing existing) {
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (fs::exists(status) && !fs::is_directory(status))
    throw InputError(fmt::format("the output '{}' exists and is no folder", path.string()));
  const bool run = RunFolder::holds_run(path);
  if (run && existing == Existing::refuse)
    throw InputError(
        fmt::format("'{}' already holds a run: continue it with `kolmo restart`, replace it with "
                    "--overwrite, or name another folder with --output",
                    path.string()));
  if (!run && existing == Existing::resume)
    throw RestartError(fmt::format("'{}' holds no run to restart", path.string()));
}

/// Once nobody else can change the folder.
void settle(const fs::path& path, Existing existing) {
  examine(path, existing);
  if (existing == Existing::overwrite) remove_run(path);
  if (existing == Existing::resume) remove_leftovers(path);
}

}  // namespace

bool RunFolder::holds_run(const fs::path& path) {
  std::error_code code;
  const auto holds = [&](const fs::path& mark) {
    if (!fs::exists(mark, code)) return false;
    return mark.filename() != "checkpoint" || !fs::is_directory(mark, code) || !fs::is_empty(mark, code) || code;
  };
  return std::any_of(marks.begin(), marks.end(), [&](const char* mark) { return holds(path / mark); });
}

RunFolder::RunFolder(const Communicator& comm, fs::path path, Existing existing) : comm_(comm), path_(std::move(path)) {
  on_root(comm_, [&] {
    (void)parallel_path(path_ / "checkpoint" / "000000000000.h5.tmp");  // the longest, before anything is made
    examine(path_, existing);
    make_folder(path_);
    lock_ = take_lock(path_);
    try {
      settle(path_, existing);
    } catch (...) {
      ::close(std::exchange(lock_, -1));
      throw;
    }
  });
}

void RunFolder::decide(Existing existing) {
  on_root(comm_, [&] { settle(path_, existing); });
}

RunFolder RunFolder::trial() const {
  RunFolder made(comm_, path_ / trial_name);  // which clears up whatever happens
  on_root(comm_, [&] {
    fs::remove_all(made.path());
    make_folder(made.points());
    copy_header(diagnostics(), made.diagnostics());
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(points(), none))
      if (entry.path().extension() == ".csv") copy_header(entry.path(), made.points() / entry.path().filename());
  });
  return made;
}

RunFolder::RunFolder(const Communicator& comm, fs::path trial) : comm_(comm), path_(std::move(trial)), trial_(true) {}

RunFolder::RunFolder(RunFolder&& other) noexcept
    : comm_(other.comm_),
      path_(std::move(other.path_)),
      lock_(std::exchange(other.lock_, -1)),
      trial_(std::exchange(other.trial_, false)) {}

RunFolder::~RunFolder() {
  if (trial_ && comm_.root()) {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  if (lock_ < 0) return;
  // Removed while still locked, so that whoever opened it meanwhile sees that it is no longer the named one.
  if (ours()) (void)::unlink((path_ / ".lock").c_str());
  (void)::close(lock_);
}

bool RunFolder::ours() const { return lock_ < 0 || keeps_lock(lock_, path_); }

void RunFolder::lost() const {
  throw FileError(
      fmt::format("'{}' is this run's folder no longer: it, or .lock in it, was removed or replaced; the run is ended",
                  path_.string()));
}

void RunFolder::check() const {
  on_root(comm_, [&] {
    if (!ours()) lost();
  });
}

void RunFolder::make(const fs::path& folder) const {
  on_root(comm_, [&] { make_folder(folder); });
}

void RunFolder::write_text(const std::string& name, std::string_view text) const {
  on_root(comm_, [&] { write_text_atomically(path_ / name, text); });
}

}  // namespace kolmo::io
