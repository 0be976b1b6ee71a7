#include "kolmo/diag/recorder.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "io/temporary_folder.hpp"
#include "kolmo/base/error.hpp"

namespace kolmo::diag {
namespace {

TEST(Recorder, CollectiveSeriesGroupsAndResume) {
  const Communicator comm;
  const test::TemporaryFolder folder;
  const auto path = folder / "diagnostics.csv";
  double energy = 1.0;
  const auto make = [&] {
    Recorder recorder(comm);
    recorder.add("energy", "J/kg", [&] { return comm.sum(energy) / comm.size(); });
    recorder.add({{"a", "W"}, {"b", "W"}}, [&](std::span<double> into) {
      into[0] = 2.0 * energy;
      into[1] = 3.0 * energy;
    });
    return recorder;
  };
  Recorder first = make();
  EXPECT_THROW(first.record(0, 0.0), InternalError);
  EXPECT_TRUE(std::isnan(first.last("energy")));
  first.open(path);
  EXPECT_THROW(first.add("late", "", [] { return 0.0; }), InternalError);
  for (int step = 0; step <= 30; step += 10, energy *= 0.5) first.record(step, 0.01 * step);
  EXPECT_EQ(first.last("b"), 0.375);
  EXPECT_THROW((void)first.last("c"), InternalError);

  Recorder second = make();
  energy = 100.0;
  second.open(path, 15);
  second.record(20, 0.2);
  comm.barrier();
  const io::Table table = io::Table::read(path);
  EXPECT_EQ(table.columns(),
            (std::vector<io::Column>{{"step", ""}, {"time", "s"}, {"energy", "J/kg"}, {"a", "W"}, {"b", "W"}}));
  EXPECT_EQ(table.numbers("step"), (std::vector<double>{0, 10, 20}));
  EXPECT_EQ(table.numbers("a"), (std::vector<double>{2.0, 1.0, 200.0}));
}

}  // namespace
}  // namespace kolmo::diag
