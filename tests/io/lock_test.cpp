#include "kolmo/io/lock.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "io/temporary_folder.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/io/files.hpp"

/// In place of the system's: this program sees a file system without locks.
extern "C" int flock(int, int) noexcept {
  errno = ENOLCK;
  return -1;
}

namespace kolmo::io {
namespace {

namespace fs = std::filesystem;

const LockText here{4711, "node1", "77", "1", "big", "", ""};

TEST(Lock, TextIsReadBack) {
  const LockText plain{12, "some-host.example", "", "", "", "", ""}, unnamed{12, "h", "5", "0", "", "", ""},
      full{12, "h", "5", "0", "big", "345", "6e1f-00"};
  EXPECT_EQ(plain.text(), "process 12 on some-host.example");
  EXPECT_EQ(here.text(), "process 4711 on node1, job 77 restart 1 of big");
  EXPECT_EQ(full.text(), "process 12 on h, started 345 of boot 6e1f-00, job 5 restart 0 of big");
  for (const LockText& given : {plain, here, unnamed, full, LockText::mine()}) {
    const auto back = LockText::parse(given.text());
    ASSERT_TRUE(back);
    EXPECT_EQ(back->text(), given.text());
    EXPECT_EQ(back->host, given.host);
    EXPECT_EQ(back->start, given.start);
  }
  for (const char* wrong :
       {"", "nonsense", "process x on h", "process 1 on h, job ; restart 1 of c", "process 0 on h", "process -1 on h",
        "process 2147483648 on h", "process 4294967297 on h", "process 99999999999999999999 on h",
        "process 1 on h, job 9999999999999999999 restart 1 of c",
        "process 1 on h, job 5 restart 9999999999999999999 of c", "process 1 on h, job 5 restart 1 at c",
        "process 1 on h, started 9999999999999999999 of boot a", "process 1 on h, started x of boot a",
        "process 1 on h, started 3 of boot a and more"})
    EXPECT_FALSE(LockText::parse(wrong)) << wrong;
  EXPECT_TRUE(LockText::parse("process 2147483647 on h, job 999999999999999999 restart 999999999999999999 of c"));
}

TEST(Lock, OnTheSameHostTheProcessTells) {
  const LockText self = LockText::mine();
  EXPECT_EQ(judge_lock("", self), LockHolder::unknown);
  EXPECT_EQ(judge_lock(self.text(), self), LockHolder::alive);
  EXPECT_EQ(judge_lock("nonsense", self), LockHolder::unknown);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  LockText dead = self;
  dead.process = child;
  EXPECT_EQ(judge_lock(dead.text(), self), LockHolder::gone);
}

TEST(Lock, AProcessIdThatIsUsedAgainIsAnotherProcess) {
  const LockText self = LockText::mine();
  ASSERT_FALSE(self.start.empty());
  LockText other = self;  // that is at work
  other.process = ::fork();
  if (other.process == 0) {
    ::pause();
    ::_exit(0);
  }
  ASSERT_GT(other.process, 0);
  other.start = std::to_string(std::stoll(self.start) - 1);
  EXPECT_EQ(judge_lock(other.text(), self), LockHolder::gone);
  other.start.clear();  // a text that does not say
  EXPECT_EQ(judge_lock(other.text(), self), LockHolder::alive);
  EXPECT_EQ(::kill(other.process, SIGKILL), 0);
  EXPECT_EQ(::waitpid(other.process, nullptr, 0), other.process);
  LockText before = self;  // our own id
  before.boot = "0123-4567";
  EXPECT_EQ(judge_lock(before.text(), self), LockHolder::gone);
  before.start.clear();
  EXPECT_EQ(judge_lock(before.text(), self), LockHolder::gone);
}

std::string refusal(const fs::path& folder) {
  try {
    ::close(take_lock(folder));
  } catch (const FileError& error) {
    return error.what();
  }
  return "none";
}

TEST(Lock, WithoutLocksTheTextIsJudged) {
  const test::TemporaryFolder folder;
  const fs::path mark = folder / ".lock";
  const int descriptor = take_lock(folder.path());
  EXPECT_EQ(read_text_file(mark), LockText::mine().text());
  EXPECT_EQ(look_at_lock(folder.path()).holder, LockHolder::alive);
  for (const char* part : {"another run is at work", "no locks", "rm '"})
    EXPECT_NE(refusal(folder.path()).find(part), std::string::npos) << refusal(folder.path());
  ::close(descriptor);
  std::ofstream(mark) << "process 1 on another-host";
  EXPECT_NE(refusal(folder.path()).find("may be at work"), std::string::npos);
}

TEST(Lock, ACopyWithTheSameTextIsNotTheFileThatWasTaken) {
  const test::TemporaryFolder folder;
  const fs::path mark = folder / ".lock", away = folder / "away";
  const int descriptor = take_lock(folder.path());
  EXPECT_TRUE(keeps_lock(descriptor, folder.path()));
  fs::rename(mark, away);
  EXPECT_FALSE(keeps_lock(descriptor, folder.path()));
  fs::copy_file(away, mark);
  EXPECT_FALSE(keeps_lock(descriptor, folder.path()));
  fs::rename(away, mark);
  EXPECT_TRUE(keeps_lock(descriptor, folder.path()));
  ::close(descriptor);
}

/// Each is refused at once, by its own name.
TEST(Lock, WhatIsNoFileIsRefused) {
  const test::TemporaryFolder folder;
  const fs::path mark = folder / ".lock";
  const auto refused = [&](const char* why) {
    const std::string said = refusal(folder.path());
    EXPECT_NE(said.find(".lock'"), std::string::npos) << said;
    EXPECT_NE(said.find(why), std::string::npos) << said;
    EXPECT_EQ(look_at_lock(folder.path()).holder, LockHolder::gone);
    fs::remove(mark);
  };
  ASSERT_EQ(::mkfifo(mark.c_str(), 0600), 0);
  refused("is no file");
  fs::create_directory(mark);
  refused("cannot open");
  fs::create_symlink(folder / "nowhere", mark);
  refused("cannot open");
}

/// Its owner may be about to write it; one that is old has none.
TEST(Lock, AnEmptyMarkIsSomebodysForAMinute) {
  const test::TemporaryFolder folder;
  const fs::path mark = folder / ".lock";
  std::ofstream{mark};
  EXPECT_EQ(look_at_lock(folder.path()).holder, LockHolder::unknown);
  EXPECT_NE(refusal(folder.path()).find("may be at work"), std::string::npos) << refusal(folder.path());
  fs::last_write_time(mark, fs::last_write_time(mark) - std::chrono::seconds(70));
  EXPECT_EQ(look_at_lock(folder.path()).holder, LockHolder::gone);
  EXPECT_EQ(refusal(folder.path()), "none");
  EXPECT_EQ(read_text_file(mark), LockText::mine().text());
}

TEST(Lock, ElsewhereOnlyAJobTells) {
  EXPECT_EQ(judge_lock("process 12 on node2", here), LockHolder::unknown);
  EXPECT_EQ(judge_lock("process 12 on node2, job 77 restart 0 of big", here), LockHolder::gone);     // queued anew
  EXPECT_EQ(judge_lock("process 12 on node2, job 77 restart 1 of big", here), LockHolder::unknown);  // another step?
  EXPECT_EQ(judge_lock("process 12 on node2, job 77 restart 0 of small", here), LockHolder::unknown);
}

/// A squeue that says `body`.
class FakeSlurm {
 public:
  explicit FakeSlurm(const std::string& body) {
    const fs::path tool = folder_ / "squeue";
    std::ofstream(tool) << "#!/bin/sh\n" << body << "\n";
    fs::permissions(tool, fs::perms::owner_all);
    ::setenv("PATH", (folder_.path().string() + ":" + before_).c_str(), 1);
  }
  ~FakeSlurm() { ::setenv("PATH", before_.c_str(), 1); }

 private:
  std::string before_ = std::getenv("PATH");
  test::TemporaryFolder folder_;
};

TEST(Lock, SlurmIsAskedForOtherJobs) {
  const std::string other = "process 12 on node2, started 3 of boot a, job 78 restart 0 of big";
  const std::pair<const char*, LockHolder> answers[] = {
      {"test \"$*\" = '--noheader --states=all --job=78 --format=%A %T' && echo 78 RUNNING", LockHolder::alive},
      {"echo 78 COMPLETING", LockHolder::alive},
      {"echo 78 SUSPENDED", LockHolder::alive},
      {"echo 78 COMPLETED", LockHolder::gone},
      {"echo 78 NODE_FAIL", LockHolder::unknown},  // perhaps only cut off
      {"echo 78 PENDING", LockHolder::unknown},    // queued anew, perhaps because its node failed
      {"echo 78 REQUEUE_HOLD", LockHolder::unknown},
      {"echo 78 PENDING; echo 78 RUNNING", LockHolder::alive},
      {"echo 78 TIMEOUT; echo 79 RUNNING", LockHolder::gone},  // an array's others
      {"echo 79 RUNNING; echo 78 RUNNING", LockHolder::alive},
      {"echo 78 NODE_FAIL; echo 78 RUNNING", LockHolder::alive},
      {"echo 79 COMPLETED", LockHolder::unknown},
      {"echo a warning", LockHolder::unknown},
      {"true", LockHolder::gone},
      {"echo slurm_load_jobs error: Invalid job id specified >&2; exit 1", LockHolder::gone},
      {"echo slurm_load_jobs error: Unable to contact slurm controller >&2; exit 1", LockHolder::unknown},
      {"exit 127", LockHolder::unknown}};
  for (const auto& [body, expected] : answers) {
    const FakeSlurm slurm(body);
    EXPECT_EQ(judge_lock(other, here), expected) << body;
  }
}

TEST(Lock, AJobThatWaitsInTheQueueIsNamedAsSuch) {
  const std::pair<const char*, const char*> answers[] = {
      {"echo 79 PENDING Resources; echo 78 PENDING BeginTime", "PENDING, BeginTime"},
      {"echo 78 REQUEUE_HOLD", "REQUEUE_HOLD"},
      {"echo 78 RUNNING None", ""},
      {"echo 79 PENDING Resources", ""},
      {"echo 78 PENDING BeginTime; exit 1", ""},
      {"exit 127", ""}};
  for (const auto& [body, expected] : answers) {
    const FakeSlurm slurm(body);
    EXPECT_EQ(waiting_in_queue("78"), expected) << body;
  }
  const FakeSlurm slurm("echo 78 PENDING");
  EXPECT_EQ(waiting_in_queue(""), "");
  EXPECT_EQ(waiting_in_queue("78;touch x"), "");
}

}  // namespace
}  // namespace kolmo::io
