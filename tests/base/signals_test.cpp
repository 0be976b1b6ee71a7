#include "kolmo/base/signals.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

using namespace kolmo;

TEST(Signals, NothingIsAskedForAtFirst) {
  const SignalWatch watch;
  const Requests requests = take_requests();
  EXPECT_FALSE(requests.stop);
  EXPECT_FALSE(requests.checkpoint);
}

TEST(Signals, CheckpointIsTakenOnce) {
  const SignalWatch watch;
  std::raise(SIGUSR1);
  EXPECT_TRUE(take_requests().checkpoint);
  EXPECT_FALSE(take_requests().checkpoint);
}

TEST(Signals, OneRankAsksForAll) {
  const SignalWatch watch;
  const Communicator comm;
  if (comm.rank() == comm.size() - 1) std::raise(SIGTERM);
  EXPECT_TRUE(take_requests(comm).stop);
  EXPECT_TRUE(take_requests(comm).stop);  // a stop stays asked for
}

TEST(Signals, TheSecondStopEndsTheProcess) {
  const pid_t child = fork();
  if (child == 0) {
    const SignalWatch watch;
    std::raise(SIGTERM);
    std::raise(SIGTERM);
    _exit(0);  // not reached
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
}

TEST(Signals, FormerHandlersComeBack) {
  std::signal(SIGUSR1, SIG_IGN);
  { const SignalWatch watch; }
  struct sigaction now {};
  sigaction(SIGUSR1, nullptr, &now);
  EXPECT_EQ(now.sa_handler, SIG_IGN);
  std::signal(SIGUSR1, SIG_DFL);
}
