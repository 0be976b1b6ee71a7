// What happens when the disk is full. Run by disk_full.sh, which mounts a file system of 24 MiB in KOLMO_SMALL_DISK.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "kolmo/base/error.hpp"
#include "kolmo/io/checkpoint.hpp"
#include "kolmo/io/files.hpp"
#include "kolmo/io/snapshot.hpp"

namespace kolmo::io {
namespace {

namespace fs = std::filesystem;

class DiskFull : public testing::Test {
 protected:
  void SetUp() override {
    const char* path = std::getenv("KOLMO_SMALL_DISK");
    if (path == nullptr) GTEST_SKIP() << "KOLMO_SMALL_DISK is not set";
    disk = path;
  }
  Communicator comm;
  fs::path disk;
  Decomposition<3> where{comm, {80, 80, 80}, {}, Decomposition<3>::choose(comm.size(), {80, 80, 80})};
  std::vector<double> values = std::vector<double>(static_cast<std::size_t>(where.local_size()), 0.1);

  void write_checkpoint(std::int64_t step) {  // 12 MB
    CheckpointWriter writer(comm, disk / "checkpoint", {step, 0.0, "abc"});
    for (const char* name : {"u", "v", "w"}) writer.field<3>(name, where, values.data());
    writer.commit();
  }
};

TEST_F(DiskFull, SecondCheckpointFailsAndTheFirstStaysValid) {
  write_checkpoint(1);
  std::string failure;
  try {
    write_checkpoint(2);
  } catch (const FileError& error) {
    failure = error.what();
  }
  EXPECT_NE(failure.find("000002.h5"), std::string::npos) << failure;
  EXPECT_NE(failure.find("No space left"), std::string::npos) << failure;
  EXPECT_NE(failure.find("bytes"), std::string::npos) << failure;
  comm.barrier();
  EXPECT_FALSE(fs::exists(disk / "checkpoint/000002.h5.tmp"));
  EXPECT_FALSE(fs::exists(disk / "checkpoint/000002.h5"));
  const CheckpointReader reader = CheckpointReader::newest(comm, disk / "checkpoint", "abc");
  EXPECT_EQ(reader.step(), 1);
  EXPECT_TRUE(reader.rejected().empty());
  std::vector<double> back(values.size());
  reader.field<3>("w", where, back.data());
  EXPECT_EQ(back, values);
}

TEST_F(DiskFull, SnapshotsFailCleanlyAndTheXmlNamesOnlyWhatIsThere) {
  std::array<Axis, 3> axes;
  axes.fill(Axis::uniform(0.0, 1.0, 80));
  Field<3> field(Layout<3>(where.extent(), Ghosts<3>::uniform(1, 1)));
  SnapshotWriter<3> writer(Grid<3>(axes), where, disk);
  int written = 0;
  std::string failure;
  try {
    for (; written < 20; ++written) {
      writer.begin(written, written);
      for (const char* name : {"a", "b", "c"}) writer.add(name, "", field);
      writer.commit();
    }
  } catch (const FileError& error) {
    failure = error.what();
  }
  EXPECT_GT(written, 0);
  EXPECT_LT(written, 20);
  EXPECT_NE(failure.find("No space left"), std::string::npos) << failure;
  writer.abandon();
  comm.barrier();
  if (!comm.root()) return;
  EXPECT_FALSE(fs::exists(disk / "fields" / (step_file_name(written) + ".tmp")));
  std::vector<std::string> skipped;
  EXPECT_EQ(scan_fields(disk, &skipped).steps().size(), static_cast<std::size_t>(written));
  EXPECT_TRUE(skipped.empty());
  const std::string xml = read_text_file(disk / "fields.xdmf");
  EXPECT_NE(xml.find(step_file_name(written - 1)), std::string::npos);
  EXPECT_EQ(xml.find(step_file_name(written)), std::string::npos);
}

/// HDF5 crashes at the end of a program in which it could not write the first bytes of a file.
TEST_F(DiskFull, AFileThatCannotEvenBeBegun) {
  for (const std::size_t kilobytes : {0, 4, 8, 12, 16, 40}) {
    if (comm.root()) {
      fs::remove_all(disk / "fields");
      fs::remove_all(disk / "checkpoint");
      std::ofstream(disk / "filler", std::ios::binary) << std::string(1024 * kilobytes, 'x');
      std::ofstream rest(disk / "rest", std::ios::binary);
      for (const std::string block(4096, 'x'); rest.write(block.data(), 4096).flush();) continue;
      rest.close();
      fs::remove(disk / "filler");
    }
    comm.barrier();
    EXPECT_THROW((void)H5File::create(comm, disk / "file.h5"), FileError) << kilobytes;
    comm.barrier();
    if (comm.root()) fs::remove(disk / "rest");
    comm.barrier();
  }
}

}  // namespace
}  // namespace kolmo::io
