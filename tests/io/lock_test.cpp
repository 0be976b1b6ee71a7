#include "kolmo/io/lock.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "io/temporary_folder.hpp"

namespace kolmo::io {
namespace {

namespace fs = std::filesystem;

const LockText here{4711, "node1", "77", "1", "big"};

TEST(Lock, TextIsReadBack) {
  const LockText plain{12, "some-host.example", "", "", ""}, unnamed{12, "h", "5", "0", ""};
  EXPECT_EQ(plain.text(), "process 12 on some-host.example");
  EXPECT_EQ(here.text(), "process 4711 on node1, job 77 restart 1 of big");
  for (const LockText& given : {plain, here, unnamed}) {
    const auto back = LockText::parse(given.text());
    ASSERT_TRUE(back);
    EXPECT_EQ(back->text(), given.text());
  }
  for (const char* wrong : {"", "nonsense", "process x on h", "process 1 on h, job ; restart 1 of c"})
    EXPECT_FALSE(LockText::parse(wrong)) << wrong;
}

TEST(Lock, OnTheSameHostTheProcessTells) {
  const LockText self = LockText::mine();
  EXPECT_EQ(judge_lock("", self), LockHolder::gone);
  EXPECT_EQ(judge_lock(self.text(), self), LockHolder::alive);
  EXPECT_EQ(judge_lock("nonsense", self), LockHolder::unknown);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  LockText dead = self;
  dead.process = child;
  EXPECT_EQ(judge_lock(dead.text(), self), LockHolder::gone);
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
  const std::string other = "process 12 on node2, job 78 restart 0 of big";
  const std::pair<const char*, LockHolder> answers[] = {
      {"test \"$*\" = '--noheader --states=all --job=78 --format=%T' && echo RUNNING", LockHolder::alive},
      {"echo COMPLETING", LockHolder::alive},
      {"echo SUSPENDED", LockHolder::alive},
      {"echo COMPLETED", LockHolder::gone},
      {"echo NODE_FAIL", LockHolder::gone},
      {"echo PENDING", LockHolder::gone},
      {"true", LockHolder::gone},
      {"echo slurm_load_jobs error: Invalid job id specified >&2; exit 1", LockHolder::gone},
      {"echo slurm_load_jobs error: Unable to contact slurm controller >&2; exit 1", LockHolder::unknown},
      {"exit 127", LockHolder::unknown}};
  for (const auto& [body, expected] : answers) {
    const FakeSlurm slurm(body);
    EXPECT_EQ(judge_lock(other, here), expected) << body;
  }
}

}  // namespace
}  // namespace kolmo::io
