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

// How a process ends that gets SIGTERM twice, so many microseconds apart.
static int status_after_two(useconds_t apart) {
  const pid_t child = fork();
  if (child == 0) {
    const SignalWatch watch;
    std::raise(SIGTERM);
    usleep(apart);
    std::raise(SIGTERM);
    _exit(take_requests().stop ? 85 : 0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

TEST(Signals, TheSecondStopEndsTheProcess) {
  const int status = status_after_two(1'100'000);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
}

TEST(Signals, AnEchoOfTheFirstStopIsNoSecondOne) {
  const int status = status_after_two(0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 85);
}

TEST(Signals, FormerHandlersComeBack) {
  std::signal(SIGUSR1, SIG_IGN);
  { const SignalWatch watch; }
  struct sigaction now {};
  sigaction(SIGUSR1, nullptr, &now);
  EXPECT_EQ(now.sa_handler, SIG_IGN);
  std::signal(SIGUSR1, SIG_DFL);
}
