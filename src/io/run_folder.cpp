#include "kolmo/io/run_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <utility>

#include "kolmo/base/error.hpp"
#include "kolmo/io/agree.hpp"
#include "kolmo/io/files.hpp"

namespace kolmo::io {

namespace {

namespace fs = std::filesystem;

/// What a run leaves behind; nothing else is ever removed.
constexpr std::array entries{"run.toml",
                             "fields.xdmf",
                             "fields",
                             "diagnostics.csv",
                             "checkpoint",
                             "lines",
                             "points",
                             "summary.json",
                             "progress.json",
                             "statistics.h5",
                             "statistics.csv",
                             "statistics_faces_x.csv",
                             "statistics_faces_y.csv",
                             "statistics_faces_z.csv"};
constexpr std::array marks{"run.toml", "fields", "diagnostics.csv", "checkpoint", "summary.json"};

void make_folder(const fs::path& path) {
  std::error_code code;
  if (fs::is_directory(path, code)) return;
  fs::create_directories(path, code);
  if (code) throw FileError(fmt::format("cannot make the folder '{}': {}", path.string(), code.message()));
}

std::string host_name() {
  char name[256] = "";
  (void)::gethostname(name, sizeof name - 1);
  return name;
}

/// True if the open file is still the one the path names: its last owner may have removed it while we waited.
bool still_named(int descriptor, const fs::path& path) {
  struct stat opened {
  }, named{};
  return ::fstat(descriptor, &opened) == 0 && ::stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
         opened.st_dev == named.st_dev;
}

std::string holder(int descriptor) {
  char text[256];
  const ssize_t length = ::pread(descriptor, text, sizeof text, 0);
  return length > 0 ? std::string(text, static_cast<std::size_t>(length)) : "";
}

/// Throws where the open lock file is another run's. flock dies with its process, so that a stale lock is none; where
/// the file system has none, the text of the file has to do.
void claim(int descriptor, const fs::path& folder) {
  int code = 0;
  for (int tries = 0; tries < 25;
       ++tries) {  // `kolmo status` looks for a moment; ranks of a killed job need one to die
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return;
    code = errno;
    if (code != EWOULDBLOCK) break;
    ::usleep(20000);
  }
  const std::string who = holder(descriptor);
  const bool lockless = code == ENOSYS || code == EOPNOTSUPP || code == ENOLCK;
  if (lockless && lock_holder_is_gone(who)) return;
  if (lockless)
    throw FileError(fmt::format("another run may be at work in '{}' ({}); if it is not, remove the file .lock there",
                                folder.string(), who));
  if (code == EWOULDBLOCK)
    throw FileError(
        fmt::format("another run is at work in '{}'{}", folder.string(), who.empty() ? "" : " (" + who + ")"));
  throw FileError(system_failure("cannot lock", folder / ".lock", code));
}

int take_lock(const fs::path& folder) {
  const fs::path path = folder / ".lock";
  for (;;) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor < 0) throw FileError(system_failure("cannot write in the folder", folder, errno));
    try {
      claim(descriptor, folder);
    } catch (...) {
      ::close(descriptor);
      throw;
    }
    if (!still_named(descriptor, path)) {
      ::close(descriptor);
      continue;
    }
    const std::string text = fmt::format("process {} on {}", ::getpid(), host_name());
    const bool written = ::ftruncate(descriptor, 0) == 0 &&
                         ::pwrite(descriptor, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
    if (!written) {
      const int code = errno;
      ::close(descriptor);
      throw FileError(system_failure("cannot write", path, code));
    }
    return descriptor;
  }
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
  for (const fs::path& where : {folder, folder / "fields", folder / "checkpoint"}) {
    std::error_code code;
    for (const auto& entry : fs::directory_iterator(where, code))
      if (entry.path().extension() == ".tmp") fs::remove(entry.path(), code);
  }
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

}  // namespace

bool lock_holder_is_gone(const std::string& text) {
  int process = 0, length = 0;
  if (std::sscanf(text.c_str(), "process %d on %n", &process, &length) != 1 || length == 0) return text.empty();
  if (text.substr(static_cast<std::size_t>(length)) != host_name()) return false;
  return ::kill(process, 0) != 0 && errno == ESRCH;
}

bool RunFolder::holds_run(const fs::path& path) {
  std::error_code code;
  for (const char* mark : marks)
    if (fs::exists(path / mark, code)) return true;
  return false;
}

RunFolder::RunFolder(const Communicator& comm, fs::path path, Existing existing) : comm_(comm), path_(std::move(path)) {
  on_root(comm_, [&] {
    (void)parallel_path(path_ / "checkpoint" / "000000000000.h5.tmp");  // the longest, before anything is made
    examine(path_, existing);
    make_folder(path_);
    lock_ = take_lock(path_);
    try {
      examine(path_, existing);  // again, now that nobody else can change it
      if (existing == Existing::overwrite) remove_run(path_);
      if (existing == Existing::resume) remove_leftovers(path_);
    } catch (...) {
      ::close(std::exchange(lock_, -1));
      throw;
    }
  });
}

RunFolder::RunFolder(RunFolder&& other) noexcept
    : comm_(other.comm_), path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

RunFolder::~RunFolder() {
  if (lock_ < 0) return;
  // Removed while still locked, so that whoever opened it meanwhile sees that it is no longer the named one.
  (void)::unlink((path_ / ".lock").c_str());
  (void)::close(lock_);
}

void RunFolder::make(const fs::path& folder) const {
  on_root(comm_, [&] { make_folder(folder); });
}

void RunFolder::write_text(const std::string& name, std::string_view text) const {
  on_root(comm_, [&] { write_text_atomically(path_ / name, text); });
}

}  // namespace kolmo::io
