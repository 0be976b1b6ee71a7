#include "../../drivers/wall_limit.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <string>

namespace kolmo::drivers {
namespace {

TEST(Duration, AsPeopleAndSchedulersWriteIt) {
  for (const auto& [text, seconds] : {std::pair{"90", 90.0},
                                      {"90s", 90.0},
                                      {"1.5m", 90.0},
                                      {"2h", 7200.0},
                                      {"1d", 86400.0},
                                      {"30:00", 1800.0},
                                      {"1:30:00", 5400.0},
                                      {"1-02:30:00", 95400.0},
                                      {"0:07", 7.0},
                                      {"1e3", 1000.0}})
    EXPECT_EQ(seconds_of_duration(text), seconds) << text;
  for (const char* text : {"", "s", "soon", "-5", "0", "nan", "inf", "1:-2", "1::2", ":", "1-2", "UNLIMITED", "NOT_SET",
                           "INVALID", "5 m", "1-00:00:00:", "1d2h", "1e999"})
    EXPECT_FALSE(seconds_of_duration(text)) << text;
}

TEST(Duration, LeftOfAJob) {
  ::unsetenv("SLURM_JOB_ID");
  EXPECT_FALSE(seconds_left_of_job());
  ::setenv("SLURM_JOB_ID", "12; true", 1);  // is no number: nothing is run
  EXPECT_FALSE(seconds_left_of_job());
  ::setenv("SLURM_JOB_END_TIME", std::to_string(std::time(nullptr) + 1000).c_str(), 1);
  ASSERT_TRUE(seconds_left_of_job());
  EXPECT_NEAR(*seconds_left_of_job(), 1000.0, 100.0);
  ::setenv("SLURM_JOB_END_TIME", "1000", 1);
  EXPECT_FALSE(seconds_left_of_job());  // over long ago: not a limit but a mistake
}

}  // namespace
}  // namespace kolmo::drivers
