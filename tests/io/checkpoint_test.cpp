#include "kolmo/io/checkpoint.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <bit>
#include <cmath>
#include <csignal>
#include <cstring>
#include <fstream>
#include <limits>
#include <random>

#include "../../src/io/digest.hpp"
#include "io/temporary_folder.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/io/files.hpp"

namespace kolmo::io {
namespace {

namespace fs = std::filesystem;

Decomposition<3> decompose(const Communicator& comm, const Index<3>& cells) {
  return Decomposition<3>(comm, cells, {}, Decomposition<3>::choose(comm.size(), cells));
}

/// Bits that no rounding survives, among them the awkward values.
double value_at(const Index<3>& i, std::int64_t step) {
  const std::uint64_t n =
      static_cast<std::uint64_t>(i[0] + 100 * i[1] + 10000 * i[2]) + 1000003u * static_cast<std::uint64_t>(step);
  if (n % 97 == 0) return -0.0;
  if (n % 89 == 0) return std::numeric_limits<double>::denorm_min();
  return std::sin(static_cast<double>(n)) * 1e-3;
}

std::vector<double> values(const Decomposition<3>& where, std::int64_t step) {
  std::vector<double> packed;
  for_each<3>(where.owned(), [&](const Index<3>& i) { packed.push_back(value_at(i, step)); });
  return packed;
}

constexpr Index<3> cells{9, 7, 8};
const std::vector<double> sums{0.1, -0.0, 1e300};

void write(const Communicator& comm, const fs::path& folder, std::int64_t step, int keep = 2) {
  const Decomposition<3> where = decompose(comm, cells), faces = where.trimmed(1, 0, -1),
                         inner = where.trimmed(0, 1, 0);
  CheckpointWriter writer(comm, folder, {step, 0.1 * static_cast<double>(step), "abc"});
  writer.field<3>("pressure", where, values(where, step).data());
  writer.field<3>("v", faces, values(faces, step).data());
  writer.field<3>("u", inner, values(inner, step).data());
  writer.number("dt", 1.0 / 3.0);
  writer.integer("seed", -7);
  writer.text("scheme", "k4");
  writer.numbers("sums", sums);
  writer.commit(keep);
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (std::bit_cast<std::uint64_t>(a[i]) != std::bit_cast<std::uint64_t>(b[i])) return false;
  return true;
}

void expect_step(const CheckpointReader& reader, const Communicator& comm, std::int64_t step) {
  EXPECT_EQ(reader.step(), step);
  EXPECT_EQ(reader.time(), 0.1 * static_cast<double>(step));
  const Decomposition<3> where = decompose(comm, cells);
  for (const auto& [name, box] : {std::pair{"pressure", where}, std::pair{"v", where.trimmed(1, 0, -1)},
                                  std::pair{"u", where.trimmed(0, 1, 0)}}) {
    std::vector<double> back(static_cast<std::size_t>(box.local_size()));
    reader.field<3>(name, box, back.data());
    EXPECT_TRUE(same_bits(back, values(box, step))) << name;
  }
  EXPECT_EQ(reader.number("dt"), 1.0 / 3.0);
  EXPECT_EQ(reader.integer("seed"), -7);
  EXPECT_EQ(reader.text("scheme"), "k4");
  EXPECT_TRUE(same_bits(reader.numbers("sums"), sums));
}

std::string refusal(const std::function<void()>& body) {
  try {
    body();
  } catch (const RestartError& error) {
    return error.what();
  }
  return "no refusal";
}

std::vector<std::string> names(const fs::path& folder) {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(folder)) found.push_back(entry.path().filename());
  std::sort(found.begin(), found.end());
  return found;
}

TEST(Checkpoint, ReadsBackBitwiseOnAnyRankCount) {
  const Communicator world;
  const test::TemporaryFolder folder;
  write(world, folder.path(), 12);
  expect_step(CheckpointReader::newest(world, folder.path(), "abc"), world, 12);
  // On fewer ranks: every rank alone, and all but the last.
  expect_step(CheckpointReader::open(Communicator(MPI_COMM_SELF), folder / "000012.h5", "abc"),
              Communicator(MPI_COMM_SELF), 12);
  MPI_Comm part;
  MPI_Comm_split(MPI_COMM_WORLD, world.size() > 1 && world.rank() == world.size() - 1, 0, &part);
  expect_step(CheckpointReader::newest(Communicator(part), folder.path(), ""), Communicator(part), 12);
  MPI_Comm_free(&part);
}

TEST(Checkpoint, WrittenByOneRankReadByAll) {
  const Communicator world;
  const test::TemporaryFolder folder;
  if (world.root()) write(Communicator(MPI_COMM_SELF), folder.path(), 3);
  world.barrier();
  expect_step(CheckpointReader::newest(world, folder.path(), "abc"), world, 3);
}

TEST(Checkpoint, SameBytesOnEveryRankCountAndRun) {
  const Communicator world;
  const test::TemporaryFolder folder;
  write(world, folder / "all", 3);
  if (world.root()) write(Communicator(MPI_COMM_SELF), folder / "one", 3);
  world.barrier();
  EXPECT_TRUE(read_text_file(folder / "all/000003.h5") == read_text_file(folder / "one/000003.h5"));
}

TEST(Checkpoint, KeepsTheNewestAndLinksToIt) {
  const Communicator world;
  const test::TemporaryFolder folder;
  for (const std::int64_t step : {10, 20, 1000000, 30}) write(world, folder.path(), step);
  world.barrier();
  // 1000000 belonged to a course that was given up when 30 was written.
  EXPECT_EQ(names(folder.path()), (std::vector<std::string>{"000020.h5", "000030.h5", "latest"}));
  world.barrier();
  write(world, folder.path(), 40);
  write(world, folder.path(), 50);
  world.barrier();
  EXPECT_EQ(names(folder.path()), (std::vector<std::string>{"000040.h5", "000050.h5", "latest"}));
  EXPECT_EQ(fs::read_symlink(folder / "latest"), "000050.h5");
  EXPECT_TRUE(has_checkpoints(folder.path()));
}

/// Changes the newest file with `mutate`, expects the older one to be taken and the reason given; then puts it back.
void expect_fallback(const fs::path& folder, const std::function<void(std::string&)>& mutate) {
  const Communicator world;
  const fs::path file = folder / "000020.h5";
  const std::string original = read_text_file(file);
  world.barrier();
  if (world.root()) {
    std::string bytes = original;
    mutate(bytes);
    EXPECT_NE(bytes, original);
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
  }
  world.barrier();
  {
    const CheckpointReader reader = CheckpointReader::newest(world, folder, "abc");
    EXPECT_EQ(reader.step(), 10);
    ASSERT_EQ(reader.rejected().size(), 1u);
    EXPECT_NE(reader.rejected()[0].find("000020.h5"), std::string::npos);
  }
  world.barrier();
  if (world.root()) std::ofstream(file, std::ios::binary | std::ios::trunc) << original;
  world.barrier();
}

TEST(Checkpoint, EveryFlippedBitIsFound) {
  const Communicator world;
  const test::TemporaryFolder folder;
  write(world, folder.path(), 10);
  write(world, folder.path(), 20);
  const auto size = fs::file_size(folder / "000020.h5");
  std::mt19937_64 random(20);
  for (int trial = 0; trial < 200; ++trial) {
    // The seal's own bits too: the first trials walk through them.
    const std::uint64_t bit = trial < 24 ? 8 * (size - 1 - static_cast<std::uint64_t>(trial)) : random() % (8 * size);
    expect_fallback(folder.path(),
                    [&](std::string& bytes) { bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8))); });
  }
}

TEST(Checkpoint, CutZeroedAndForeignFilesAreFound) {
  const Communicator world;
  const test::TemporaryFolder folder;
  write(world, folder.path(), 10);
  write(world, folder.path(), 20);
  expect_fallback(folder.path(), [](std::string& bytes) { bytes.clear(); });
  expect_fallback(folder.path(), [](std::string& bytes) { bytes.resize(10); });
  expect_fallback(folder.path(), [](std::string& bytes) { bytes.resize(bytes.size() - 1); });
  expect_fallback(folder.path(), [](std::string& bytes) { bytes.resize(bytes.size() / 2); });
  expect_fallback(folder.path(), [](std::string& bytes) { bytes += "x"; });
  // The last values before the seal, where no padding is.
  expect_fallback(folder.path(), [](std::string& bytes) { std::fill_n(bytes.end() - 5000, 4096, '\0'); });
  expect_fallback(folder.path(), [](std::string& bytes) {
    std::swap_ranges(bytes.end() - 2048, bytes.end() - 2040, bytes.end() - 2040);
  });
  if (world.root())
    for (const char* name : {"000010.h5", "000020.h5"}) fs::resize_file(folder / name, 100);
  world.barrier();
  const std::string reason = refusal([&] { (void)CheckpointReader::newest(world, folder.path(), "abc"); });
  EXPECT_NE(reason.find("000010.h5"), std::string::npos) << reason;
  EXPECT_NE(reason.find("000020.h5"), std::string::npos) << reason;
}

TEST(Checkpoint, AnEarlierFormatIsNamed) {
  const Communicator world;
  const test::TemporaryFolder folder;
  write(world, folder.path(), 10);
  if (world.root()) {
    const auto size = static_cast<std::streamoff>(fs::file_size(folder / "000010.h5"));
    std::fstream(folder / "000010.h5", std::ios::binary | std::ios::in | std::ios::out).seekp(size - 24 + 7).put('1');
  }
  world.barrier();
  const std::string reason = refusal([&] { (void)CheckpointReader::newest(world, folder.path(), "abc"); });
  EXPECT_NE(reason.find("000010.h5': written by an earlier version"), std::string::npos) << reason;
}

/// What the seal says is of the values in memory: a word that reached the file as another one does not pass.
TEST(Checkpoint, WhatGoesWrongOnTheWayToTheFileIsFound) {
  const Communicator world;
  const test::TemporaryFolder folder;
  write(world, folder.path(), 10);
  CheckpointWriter writer(world, folder.path(), {20, 2.0, "abc"});
  const Decomposition<3> where = decompose(world, cells);
  writer.field<3>("pressure", where, values(where, 20).data());
  world.barrier();
  if (world.root()) {
    const H5File file = H5File::open(Communicator(MPI_COMM_SELF), folder / "000010.h5");
    std::fstream(folder / "000020.h5.tmp", std::ios::binary | std::ios::in | std::ios::out)
        .seekp(static_cast<std::streamoff>(file.offset("pressure")) + 80)
        .put('\x55');
  }
  world.barrier();
  writer.commit();
  const CheckpointReader reader = CheckpointReader::newest(world, folder.path(), "abc");
  EXPECT_EQ(reader.step(), 10);
  ASSERT_EQ(reader.rejected().size(), 1u);
  EXPECT_NE(reader.rejected()[0].find("checksum"), std::string::npos);
}

/// Changes one value of an array of FOLDER/000010.h5 and makes the seal fit again, so that only the array's sum
/// differs.
void change_under_the_seal(const fs::path& folder, const std::string& name) {
  const Communicator world;
  const fs::path file = folder / "000010.h5";
  if (world.root()) {
    const Communicator self(MPI_COMM_SELF);
    const std::uint64_t at = H5File::open(self, file).offset(name);
    std::string bytes = read_text_file(file);
    bytes[at + 8] = static_cast<char>(bytes[at + 8] ^ 1);
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
    const std::uint64_t length = bytes.size() - 24, sum = file_sum(self, file, length);
    std::memcpy(&bytes[length + 16], &sum, 8);
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
  }
  world.barrier();
}

TEST(Checkpoint, AnArraysOwnSumIsComparedInMemory) {
  const Communicator world;
  for (const char* name : {"pressure", "u", "sums"}) {
    const test::TemporaryFolder folder;
    write(world, folder.path(), 10);
    world.barrier();
    change_under_the_seal(folder.path(), name);
    const CheckpointReader reader = CheckpointReader::open(world, folder / "000010.h5", "abc");  // the seal fits
    const auto reading = [&](const std::string& array) {
      const Decomposition<3> where = decompose(world, cells), inner = where.trimmed(0, 1, 0);
      std::vector<double> packed(static_cast<std::size_t>(where.local_size()));
      if (array == "pressure") reader.field<3>(array, where, packed.data());
      if (array == "u") reader.field<3>(array, inner, packed.data());
      if (array == "sums") (void)reader.numbers(array);
    };
    for (const std::string array : {"pressure", "u", "sums"})
      if (array == name)
        EXPECT_EQ(refusal([&] { reading(array); }),
                  "'" + reader.path().string() + "': the values of '" + array + "' are not those that were written");
      else
        EXPECT_NO_THROW(reading(array)) << array;
  }
}

TEST(Checkpoint, EmptyListsAreKeptAndPoisonedOnesRefused) {
  const Communicator world;
  const test::TemporaryFolder folder;
  {
    CheckpointWriter writer(world, folder.path(), {5, 0.5, "abc"});
    writer.numbers("none", {});
    writer.commit();
  }
  EXPECT_TRUE(CheckpointReader::newest(world, folder.path(), "abc").numbers("none").empty());
  CheckpointWriter writer(world, folder.path(), {6, 0.5, "abc"});
  EXPECT_THROW(writer.numbers("sums", {0.0, std::nan("")}), NumericsError);
}

TEST(Checkpoint, RefusesWhatDoesNotFit) {
  const Communicator world;
  const test::TemporaryFolder folder;
  EXPECT_NE(refusal([&] { (void)CheckpointReader::newest(world, folder / "none", ""); }).find("no checkpoint in"),
            std::string::npos);
  EXPECT_NE(refusal([&] { (void)CheckpointReader::open(world, folder / "lost.h5", ""); }).find("lost.h5"),
            std::string::npos);
  write(world, folder.path(), 10);
  EXPECT_NE(refusal([&] { (void)CheckpointReader::newest(world, folder.path(), "xyz"); }).find("another case"),
            std::string::npos);
  const CheckpointReader reader = CheckpointReader::newest(world, folder.path(), "abc");
  const Decomposition<3> other = decompose(world, {9, 7, 9});
  std::vector<double> packed(static_cast<std::size_t>(other.local_size()));
  EXPECT_NE(refusal([&] { reader.field<3>("pressure", other, packed.data()); }).find("expected 9 x 7 x 9"),
            std::string::npos);
  EXPECT_THROW(reader.field<3>("lost", other, packed.data()), RestartError);
  EXPECT_THROW((void)reader.number("lost"), RestartError);
  EXPECT_THROW((void)reader.number("scheme"), RestartError);
  EXPECT_TRUE(reader.has("dt") && reader.has("pressure"));
  EXPECT_FALSE(reader.has("lost"));
}

TEST(Checkpoint, NoSpaceLeavesTheOlderOnes) {
  const Communicator world;
  const test::TemporaryFolder folder;
  write(world, folder.path(), 10);
  const rlimit tight{1050000, RLIM_INFINITY};
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  EXPECT_THROW(write(world, folder.path(), 20), FileError);
  EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  world.barrier();
  EXPECT_EQ(names(folder.path()), (std::vector<std::string>{"000010.h5", "latest"}));
  expect_step(CheckpointReader::newest(world, folder.path(), "abc"), world, 10);
}

TEST(Checkpoint, WhatIsNotFiniteOnOneRankIsNotWritten) {
  const Communicator world;
  const test::TemporaryFolder folder;
  write(world, folder.path(), 10);
  const Decomposition<3> where = decompose(world, cells);
  for (const double poison : {std::nan(""), HUGE_VAL}) {
    std::vector<double> packed = values(where, 20);
    if (world.rank() == world.size() - 1) packed.back() = poison;
    try {
      CheckpointWriter writer(world, folder.path(), {20, 2.0, "abc"});
      writer.field<3>("pressure", where, packed.data());
      ADD_FAILURE() << "taken";
    } catch (const NumericsError& error) {
      EXPECT_NE(std::string(error.what()).find("'pressure' is not finite"), std::string::npos) << error.what();
    }
  }
  world.barrier();
  EXPECT_EQ(names(folder.path()), (std::vector<std::string>{"000010.h5", "latest"}));
}

TEST(Checkpoint, AbandonedWriterLeavesNothing) {
  const Communicator world;
  const test::TemporaryFolder folder;
  {
    CheckpointWriter writer(world, folder.path(), {5, 0.5, "abc"});
    writer.number("dt", 1.0);
  }
  world.barrier();
  EXPECT_TRUE(names(folder.path()).empty());
}

}  // namespace
}  // namespace kolmo::io
