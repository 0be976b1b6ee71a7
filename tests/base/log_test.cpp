#include "kolmo/base/log.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

using namespace kolmo;

namespace {

/// A log into a temporary file, read back line by line.
class Captured {
 public:
  Captured() : file_(std::tmpfile()) {}
  ~Captured() { std::fclose(file_); }
  Log log() { return Log(true, file_, file_); }
  std::vector<std::string> lines() {
    std::vector<std::string> result;
    std::rewind(file_);
    char buffer[512];
    while (std::fgets(buffer, sizeof buffer, file_)) {
      std::string line = buffer;
      line.pop_back();
      result.push_back(line);
    }
    return result;
  }

 private:
  std::FILE* file_;
};

}  // namespace

TEST(Log, OnlyTheActiveRankSpeaks) {
  Captured captured;
  captured.log().info("a");
  captured.log().warning("b");
  EXPECT_EQ(captured.lines(), (std::vector<std::string>{"a", "warning: b"}));
  EXPECT_FALSE(captured.log().terminal());
}

TEST(Progress, ThinsLinesWhereOutputIsNoTerminal) {
  Captured captured;
  double now = 0.0;
  Progress progress(captured.log(), {.cells = 1000, .end = 10.0, .thin_seconds = 5.0}, [&] { return now; });
  for (int step = 1; step <= 100; ++step) {
    now += 0.25;
    progress.step({.step = step, .time = 0.1 * step, .dt = 0.1});
  }
  progress.finish();
  // Header, the first step, one every 5 s (20 steps), and the last.
  const std::vector<std::string> lines = captured.lines();
  ASSERT_EQ(lines.size(), 7u);
  EXPECT_EQ(lines[2].substr(0, 9), "       21");
  EXPECT_EQ(lines[6].substr(0, 9), "      100");
  for (const std::string& line : lines) EXPECT_EQ(line.size(), lines[0].size()) << line;
}

TEST(Progress, SaysWhatIsLeft) {
  Captured captured;
  double now = 0.0;
  Progress progress(captured.log(), {.cells = 2000000, .end = 100.0, .wall_limit = 7200.0, .thin_seconds = 0.0},
                    [&] { return now; });
  now = 60.0;
  progress.step(
      {.step = 1, .time = 1.0, .dt = 1.0, .cfl = 0.8, .invariant = 1e-14, .iterations = 7, .residual = 1e-11});
  const std::string line = captured.lines().at(1);
  EXPECT_NE(line.find("1h39m"), std::string::npos) << line;  // 99 more steps of a minute
  EXPECT_NE(line.find("1h59m"), std::string::npos) << line;
  EXPECT_NE(line.find(" 0.03 "), std::string::npos) << line;  // Mcell/s
  EXPECT_DOUBLE_EQ(progress.seconds_per_step(), 60.0);
  EXPECT_DOUBLE_EQ(progress.elapsed(), 60.0);
}

TEST(Progress, LeavesOutACourantNumberThatIsNone) {
  Captured captured;
  Progress progress(captured.log(),
                    {.cells = 1, .end = 1.0, .invariant_name = "mass", .courant = false, .thin_seconds = 0.0},
                    [] { return 0.0; });
  progress.step({.step = 1, .time = 0.5, .dt = 0.5, .cfl = 0.125, .invariant = 0.98765});
  EXPECT_EQ(captured.lines().at(0).find("CFL"), std::string::npos);
  EXPECT_EQ(captured.lines().at(1).find("0.125"), std::string::npos);
  EXPECT_NE(captured.lines().at(1).find("    0.9877 "), std::string::npos) << captured.lines().at(1);
  EXPECT_EQ(captured.lines().at(0).size(), captured.lines().at(1).size());
}

TEST(Progress, RepeatsItsHeaderRarely) {
  Captured captured;
  Progress progress(captured.log(), {.cells = 1, .end = 1.0, .thin_seconds = 0.0}, [] { return 0.0; });
  for (int step = 1; step <= 100; ++step) progress.step({.step = step});
  int headers = 0;
  for (const std::string& line : captured.lines()) headers += line.find("residual") != std::string::npos;
  EXPECT_EQ(headers, 3);
}
