#include "kolmo/io/lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>
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

/// States in which no process of a job is left and none will come. An unknown word is none of them, and neither are
/// those of a job whose node failed, which may be behind a cut of the network with its ranks at work: NODE_FAIL, and
/// PENDING and its like once it has been queued anew.
bool no_process_in(const std::string& state) {
  constexpr std::array<std::string_view, 9> over{"COMPLETED", "FAILED",        "CANCELLED", "TIMEOUT", "DEADLINE",
                                                 "PREEMPTED", "OUT_OF_MEMORY", "BOOT_FAIL", "REVOKED"};
  return std::find(over.begin(), over.end(), state) != over.end();
}

/// States of a job that has run and waits to run again.
bool queued_anew(const std::string& state) {
  constexpr std::array<std::string_view, 5> waiting{"PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED",
                                                    "SPECIAL_EXIT"};
  return std::find(waiting.begin(), waiting.end(), state) != waiting.end();
}

/// What squeue's lines "number STATE" tell of a job. Asked for the first job of an array, it names the others too.
LockHolder judge_states(const std::string& said, const std::string& job) {
  if (said.empty()) return LockHolder::gone;  // not known any more
  std::istringstream lines(said);
  bool named = false, lost = false;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string number, state;
    if (!(words >> number >> state) || number != job) continue;
    named = true;
    if (state == "NODE_FAIL" || queued_anew(state))
      lost = true;
    else if (!no_process_in(state))
      return LockHolder::alive;
  }
  return named && !lost ? LockHolder::gone : LockHolder::unknown;
}

/// What squeue says of a job; `fine` where it ended well.
std::string ask_squeue(const std::string& job, const std::string& format, bool& fine) {
  fine = false;
  const std::string command =
      fmt::format("timeout 20 squeue --noheader --states=all --job={} --format='{}' 2>&1", job, format);
  std::FILE* pipe = ::popen(command.c_str(), "re");
  if (pipe == nullptr) return "";
  std::array<char, 256> buffer{};
  std::string said;
  while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) said += buffer.data();
  fine = ::pclose(pipe) == 0;
  return said;
}

/// Asks SLURM about a job; unknown where there is no squeue, or no answer.
LockHolder judge_job(const std::string& job) {
  bool fine = false;
  const std::string said = ask_squeue(job, "%A %T", fine);
  if (said.find("Invalid job id") != std::string::npos) return LockHolder::gone;
  return fine ? judge_states(said, job) : LockHolder::unknown;
}

/// One word for this start of the machine; empty where the system does not tell.
std::string boot_name() {
  std::string name;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> name;
  const bool plain = name.size() <= 36 && name.find_first_not_of("0123456789abcdef-") == std::string::npos;
  return plain ? name : "";
}

/// When a process was started, in ticks since the machine was; empty where the system does not tell.
std::string start_of(int process) {
  std::ifstream file(fmt::format("/proc/{}/stat", process));
  std::string line, word;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(')');  // the second entry, which may hold blanks and brackets
  if (name_end == std::string::npos) return "";
  std::istringstream words(line.substr(name_end + 1));
  for (int entry = 3; entry <= 22; ++entry) words >> word;
  return words && is_number(word) ? word : "";
}

/// On our own host. A process id is used again: only one that was started when the text says is the holder.
LockHolder judge_process(const LockText& holder, const LockText& self) {
  if (::kill(holder.process, 0) != 0 && errno == ESRCH) return LockHolder::gone;
  if (holder.start.empty()) return holder.process == self.process ? LockHolder::gone : LockHolder::alive;
  if (!self.boot.empty() && holder.boot != self.boot) return LockHolder::gone;
  const std::string start = start_of(holder.process);
  return start.empty() || start == holder.start ? LockHolder::alive : LockHolder::gone;
}

/// Judged by the text alone. A file without one was made by a run that is about to write it, or died before it could.
LockHolder judge_file(int descriptor, const std::string& text) {
  constexpr std::time_t patience = 60;  // s
  if (!text.empty()) return judge_lock(text, LockText::mine());
  struct stat file {};
  const bool old = ::fstat(descriptor, &file) == 0 && std::time(nullptr) - file.st_mtime > patience;
  return old ? LockHolder::gone : LockHolder::unknown;
}

/// True if the open file is still the one the path names, which others may have removed meanwhile; also where the file
/// system gives no answer.
bool still_named(int descriptor, const fs::path& path) {
  struct stat opened {
  }, named{};
  if (::fstat(descriptor, &opened) != 0) return errno != ESTALE;
  if (::stat(path.c_str(), &named) != 0) return errno != ENOENT && errno != ENOTDIR && errno != ESTALE;
  return opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

bool is_file(int descriptor) {
  struct stat file {};
  return ::fstat(descriptor, &file) == 0 && S_ISREG(file.st_mode);
}

/// Throws where the open lock file, which we may have `made`, is another run's. flock dies with its process, so that a
/// stale lock is none; where the file system has none, the text of the file has to do.
void claim(int descriptor, bool made, const fs::path& folder) {
  int code = 0;
  for (int tries = 0; tries < 25;
       ++tries) {  // `kolmo status` looks for a moment; ranks of a killed job need one to die
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return;
    code = errno;
    if (code != EWOULDBLOCK) break;
    ::usleep(20000);
  }
  if (!lockless(code) && code != EWOULDBLOCK) throw FileError(system_failure("cannot lock", folder / ".lock", code));
  if (lockless(code) && made) return;
  const std::string who = content(descriptor);
  const std::string named = who.empty() ? "" : fmt::format(" ({})", who);
  const LockHolder holder = lockless(code) ? judge_file(descriptor, who) : LockHolder::alive;
  if (holder == LockHolder::gone) return;
  std::string said = fmt::format("another run {} at work in '{}'{}", holder == LockHolder::alive ? "is" : "may be",
                                 folder.string(), named);
  if (lockless(code))
    said += fmt::format(", and this file system has no locks to tell; if it is not, remove its mark: rm '{}/.lock'",
                        folder.string());
  throw FileError(said);
}

/// Opens the lock file, at once if it is a pipe; `made` tells whether it is new. -1 with errno where that fails.
int open_lock(const fs::path& path, bool& made) {
  for (int tries = 0;; ++tries) {
    int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    made = descriptor >= 0;
    if (made || errno != EEXIST) return descriptor;
    descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
    // Else removed in between, or a link that leads nowhere.
    if (descriptor >= 0 || errno != ENOENT || tries > 100) return descriptor;
  }
}

/// Where there is no lock file, it is the folder that does not take one.
[[noreturn]] void cannot_open(const fs::path& path, int code) {
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(path, ignored))) throw FileError(system_failure("cannot open", path, code));
  throw FileError(system_failure("cannot write in the folder", path.parent_path(), code));
}

/// Returns 0 or an error number. The text must have reached the disk: other hosts judge by it.
int write_mark(int descriptor) {
  const std::string text = LockText::mine().text();
  if (::ftruncate(descriptor, 0) != 0) return errno;
  errno = ENOSPC;  // what a short write means
  if (::pwrite(descriptor, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) return errno;
  return ::fsync(descriptor) == 0 ? 0 : errno;
}

}  // namespace

LockText LockText::mine() {
  char name[256] = "";
  (void)::gethostname(name, sizeof name - 1);
  LockText mine{::getpid(), name, environment("SLURM_JOB_ID"), "", "", start_of(::getpid()), boot_name()};
  if (mine.start.empty() || mine.boot.empty()) mine.start = mine.boot = "";
  if (!is_number(mine.job)) mine.job.clear();
  if (mine.job.empty()) return mine;
  mine.restart = environment("SLURM_RESTART_COUNT");
  if (!is_number(mine.restart)) mine.restart = std::string(1, '0');
  mine.cluster = environment("SLURM_CLUSTER_NAME");
  return mine;
}

std::string LockText::text() const {
  std::string text = fmt::format("process {} on {}", process, host);
  if (!start.empty()) text += fmt::format(", started {} of boot {}", start, boot);
  if (!job.empty()) text += fmt::format(", job {} restart {} of {}", job, restart, cluster);
  return text;
}

std::optional<LockText> LockText::parse(const std::string& text) {
  LockText found;
  char process[20] = "", start[20] = "", boot[40] = "", job[20] = "", restart[20] = "";
  int length = 0;
  if (std::sscanf(text.c_str(), "process %18[0-9] on %n", process, &length) != 1 || length == 0) return {};
  const long long number = std::stoll(process);
  if (number <= 0 || number > INT_MAX) return {};
  found.process = static_cast<int>(number);
  const auto begin = static_cast<std::size_t>(length);
  std::size_t comma = std::min({text.find(", started ", begin), text.find(", job ", begin), text.size()});
  found.host = text.substr(begin, comma - begin);
  if (text.compare(comma, 10, ", started ") == 0) {
    length = 0;
    const char* entry = text.c_str() + comma;
    if (std::sscanf(entry, ", started %18[0-9] of boot %36[0-9a-f-]%n", start, boot, &length) != 2) return {};
    found.start = start;
    found.boot = boot;
    comma += static_cast<std::size_t>(length);
  }
  if (comma == text.size()) return found;
  length = 0;
  if (std::sscanf(text.c_str() + comma, ", job %18[0-9] restart %18[0-9] of %n", job, restart, &length) != 2 ||
      length == 0)
    return {};
  found.job = job;
  found.restart = restart;
  found.cluster = text.substr(comma + static_cast<std::size_t>(length));
  return found;
}

LockHolder judge_lock(const std::string& text, const LockText& self) {
  const auto holder = LockText::parse(text);
  if (!holder) return LockHolder::unknown;
  if (holder->host == self.host) return judge_process(*holder, self);
  // A job's number means something on its own cluster only.
  if (holder->job.empty() || holder->cluster != self.cluster) return LockHolder::unknown;
  if (holder->job == self.job)
    return std::stoll(holder->restart) < std::stoll(self.restart) ? LockHolder::gone : LockHolder::unknown;
  return judge_job(holder->job);
}

std::string waiting_in_queue(const std::string& job) {
  bool fine = false;
  std::istringstream lines(is_number(job) ? ask_squeue(job, "%A %T %r", fine) : "");
  for (std::string line; fine && std::getline(lines, line);) {
    std::istringstream words(line);
    std::string number, state, reason;
    words >> number >> state >> reason;
    if (number == job && queued_anew(state)) return reason.empty() ? state : fmt::format("{}, {}", state, reason);
  }
  return "";
}

LockState look_at_lock(const fs::path& folder) {
  LockState state;
  const int descriptor = ::open((folder / ".lock").c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return state;
  if (!is_file(descriptor)) {
    (void)::close(descriptor);
    return state;
  }
  state.who = content(descriptor);
  const int code = ::flock(descriptor, LOCK_SH | LOCK_NB) == 0 ? 0 : errno;
  if (code == EWOULDBLOCK) {
    state.holder = LockHolder::alive;
  } else if (code != 0) {
    state.only_text = true;
    state.holder = judge_file(descriptor, state.who);
  }
  (void)::close(descriptor);
  return state;
}

bool keeps_lock(int descriptor, const fs::path& folder) { return still_named(descriptor, folder / ".lock"); }

int take_lock(const fs::path& folder) {
  const fs::path path = folder / ".lock";
  for (int tries = 0; tries < 100; ++tries) {
    bool made = false;
    const int descriptor = open_lock(path, made);
    if (descriptor < 0) cannot_open(path, errno);
    try {
      if (!is_file(descriptor)) throw FileError(fmt::format("'{}' is no file", path.string()));
      claim(descriptor, made, folder);
    } catch (...) {
      ::close(descriptor);
      throw;
    }
    if (!still_named(descriptor, path)) {
      ::close(descriptor);
      continue;
    }
    if (const int code = write_mark(descriptor); code != 0) {
      (void)::unlink(path.c_str());  // ours, and without a text it would keep others out for a while
      ::close(descriptor);
      throw FileError(system_failure("cannot write", path, code));
    }
    return descriptor;
  }
  throw FileError(fmt::format("cannot lock '{}': it is another file each time", path.string()));
}

}  // namespace kolmo::io
