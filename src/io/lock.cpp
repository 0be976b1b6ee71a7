#include "kolmo/io/lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "kolmo/base/error.hpp"
#include "kolmo/io/files.hpp"

namespace kolmo::io {

namespace fs = std::filesystem;

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool is_number(const std::string& text) {
  return !text.empty() && text.size() < 19 && text.find_first_not_of("0123456789") == std::string::npos;
}

bool lockless(int code) { return code == ENOSYS || code == EOPNOTSUPP || code == ENOLCK; }

std::string content(int descriptor) {
  char text[512];
  const ssize_t length = ::pread(descriptor, text, sizeof text, 0);
  return length > 0 ? std::string(text, static_cast<std::size_t>(length)) : "";
}

/// What SLURM says of a job: its state in one word; empty where there is no squeue, or no answer; "NONE" for a job it
/// does not know (any more).
std::string state_of_job(const std::string& job) {
  std::FILE* pipe =
      ::popen(("timeout 20 squeue --noheader --states=all --job=" + job + " --format=%T 2>&1").c_str(), "re");
  if (pipe == nullptr) return "";
  std::array<char, 256> buffer{};
  std::string said;
  while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) said += buffer.data();
  const bool fine = ::pclose(pipe) == 0;
  if (said.find("Invalid job id") != std::string::npos) return "NONE";
  if (!fine) return "";
  const std::size_t end = said.find_first_of(" \n");
  return said.empty() ? "NONE" : said.substr(0, end);
}

/// States in which no process of a job is left. An unknown word is none of them.
bool no_process_in(const std::string& state) {
  constexpr std::array<std::string_view, 16> over{
      "NONE",      "PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED",   "SPECIAL_EXIT", "COMPLETED", "FAILED",
      "CANCELLED", "TIMEOUT", "DEADLINE", "PREEMPTED",    "OUT_OF_MEMORY", "BOOT_FAIL",    "NODE_FAIL", "REVOKED"};
  return std::find(over.begin(), over.end(), state) != over.end();
}

/// True if the open file is still the one the path names: its last owner may have removed it while we waited.
bool still_named(int descriptor, const fs::path& path) {
  struct stat opened {
  }, named{};
  return ::fstat(descriptor, &opened) == 0 && ::stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
         opened.st_dev == named.st_dev;
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
  const std::string who = content(descriptor);
  if (lockless(code)) {
    const LockHolder holder = judge_lock(who, LockText::mine());
    if (holder == LockHolder::gone) return;
    if (holder == LockHolder::unknown)
      throw FileError(
          fmt::format("another run may be at work in '{0}' ({1}), and this file system has no locks to tell; if it is "
                      "not, remove its mark: rm '{0}/.lock'",
                      folder.string(), who));
  } else if (code != EWOULDBLOCK) {
    throw FileError(system_failure("cannot lock", folder / ".lock", code));
  }
  throw FileError(
      fmt::format("another run is at work in '{}'{}", folder.string(), who.empty() ? "" : fmt::format(" ({})", who)));
}

}  // namespace

LockText LockText::mine() {
  char name[256] = "";
  (void)::gethostname(name, sizeof name - 1);
  LockText mine{::getpid(), name, environment("SLURM_JOB_ID"), "", ""};
  if (!is_number(mine.job)) mine.job.clear();
  if (mine.job.empty()) return mine;
  mine.restart = environment("SLURM_RESTART_COUNT");
  if (!is_number(mine.restart)) mine.restart = "0";
  mine.cluster = environment("SLURM_CLUSTER_NAME");
  return mine;
}

std::string LockText::text() const {
  std::string text = fmt::format("process {} on {}", process, host);
  if (!job.empty()) text += fmt::format(", job {} restart {} of {}", job, restart, cluster);
  return text;
}

std::optional<LockText> LockText::parse(const std::string& text) {
  LockText found;
  int length = 0;
  if (std::sscanf(text.c_str(), "process %d on %n", &found.process, &length) != 1 || length == 0) return {};
  const std::size_t comma = std::min(text.find(", job "), text.size());
  found.host = text.substr(static_cast<std::size_t>(length), comma - static_cast<std::size_t>(length));
  if (comma == text.size()) return found;
  char job[20] = "", restart[20] = "";
  length = 0;
  if (std::sscanf(text.c_str() + comma, ", job %19[0-9] restart %19[0-9] of %n", job, restart, &length) != 2) return {};
  found.job = job;
  found.restart = restart;
  found.cluster = text.substr(comma + static_cast<std::size_t>(length));
  return found;
}

LockHolder judge_lock(const std::string& text, const LockText& self) {
  if (text.empty()) return LockHolder::gone;  // made, and never written
  const auto holder = LockText::parse(text);
  if (!holder) return LockHolder::unknown;
  if (holder->host == self.host)
    return ::kill(holder->process, 0) != 0 && errno == ESRCH ? LockHolder::gone : LockHolder::alive;
  // A job's number means something on its own cluster only.
  if (holder->job.empty() || holder->cluster != self.cluster) return LockHolder::unknown;
  if (holder->job == self.job)
    return std::stoll(holder->restart) < std::stoll(self.restart) ? LockHolder::gone : LockHolder::unknown;
  const std::string state = state_of_job(holder->job);
  if (state.empty()) return LockHolder::unknown;
  return no_process_in(state) ? LockHolder::gone : LockHolder::alive;
}

LockState look_at_lock(const fs::path& folder) {
  LockState state;
  const int descriptor = ::open((folder / ".lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return state;
  state.who = content(descriptor);
  const int code = ::flock(descriptor, LOCK_SH | LOCK_NB) == 0 ? 0 : errno;
  if (code == EWOULDBLOCK) {
    state.holder = LockHolder::alive;
  } else if (code != 0) {
    state.only_text = true;
    state.holder = judge_lock(state.who, LockText::mine());
  }
  (void)::close(descriptor);
  return state;
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
    const std::string text = LockText::mine().text();
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

}  // namespace kolmo::io
