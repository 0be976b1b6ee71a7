#include "kolmo/io/hdf5.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmath>
#include <csignal>
#include <fstream>
#include <type_traits>

#include "io/temporary_folder.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/io/agree.hpp"

namespace kolmo::io {
namespace {

template <int Dim>
Decomposition<Dim> decompose(const Index<Dim>& cells) {
  const Communicator comm;
  std::array<bool, Dim> periodic{};
  return Decomposition<Dim>(comm, cells, periodic, Decomposition<Dim>::choose(comm.size(), cells));
}

/// A different number at every global index, exact in single precision too.
template <int Dim>
double label(const Index<Dim>& i, int component) {
  double value = component;
  for (int d = Dim - 1; d >= 0; --d) value = 10.0 * value + i[d];
  return value;
}

template <int Dim>
std::vector<double> labels(const Decomposition<Dim>& where, int components) {
  std::vector<double> packed;
  for_each<Dim>(where.owned(), [&](const Index<Dim>& i) {
    for (int c = 0; c < components; ++c) packed.push_back(label<Dim>(i, c));
  });
  return packed;
}

template <class Number>
class Hdf5RoundTrip : public testing::Test {};
template <int Dim>
using Dimension = std::integral_constant<int, Dim>;
using Dimensions = testing::Types<Dimension<1>, Dimension<2>, Dimension<3>, Dimension<4>, Dimension<5>, Dimension<6>>;
TYPED_TEST_SUITE(Hdf5RoundTrip, Dimensions);

TYPED_TEST(Hdf5RoundTrip, KeepsEveryNumberAndTransfersCollectively) {
  constexpr int Dim = TypeParam::value;
  Index<Dim> cells;
  for (int d = 0; d < Dim; ++d) cells[d] = Dim < 4 ? 9 - d : (d < 2 ? 5 : 3);
  const Decomposition<Dim> where = decompose<Dim>(cells);
  const test::TemporaryFolder folder;
  for (const int components : {1, 3}) {
    for (const Precision precision : {Precision::float32, Precision::float64}) {
      const std::vector<double> packed = labels<Dim>(where, components);
      const Slab slab = slab_of<Dim>(where, components);
      {
        H5File file = H5File::create(where.comm(), folder / "a.h5");
        file.write_array("a", slab, packed.data(), precision);
        EXPECT_TRUE(file.last_transfer_collective());
        file.close();
      }
      H5File file = H5File::open(where.comm(), folder / "a.h5");
      EXPECT_EQ(file.arrays(), std::vector<std::string>{"a"});
      EXPECT_EQ(file.extent("a"), slab.global);
      EXPECT_EQ(file.precision("a"), precision);
      std::vector<double> back(packed.size(), -1.0);
      file.read_array("a", slab, back.data());
      EXPECT_TRUE(file.last_transfer_collective());
      EXPECT_EQ(back, packed);
      file.close();
    }
  }
}

TEST(Hdf5, ArrayIsInNaturalOrderWhateverTheCuts) {
  const Decomposition<3> where = decompose<3>({5, 4, 7});
  const test::TemporaryFolder folder;
  {
    H5File file = H5File::create(where.comm(), folder / "a.h5");
    file.write_array("a", slab_of<3>(where), labels<3>(where, 1).data(), Precision::float64);
    file.close();
  }
  const Communicator alone(MPI_COMM_SELF);
  const Decomposition<3> whole(alone, {5, 4, 7}, {}, {1, 1, 1});
  H5File file = H5File::open(alone, folder / "a.h5");
  std::vector<double> all(5 * 4 * 7);
  file.read_array("a", slab_of<3>(whole), all.data());
  EXPECT_EQ(all, labels<3>(whole, 1));
}

TEST(Hdf5, ContiguousArraysLieInTheFileAsInMemory) {
  const Communicator alone(MPI_COMM_SELF);
  const test::TemporaryFolder folder;
  // The second is larger than what one rank writes at once.
  for (const Index<3>& cells : {Index<3>{5, 4, 7}, Index<3>{250, 180, 201}}) {
    const Decomposition<3> where = decompose<3>(cells), whole(alone, cells, {}, {1, 1, 1});
    std::uint64_t begin = 0;
    {
      H5File file = H5File::create(where.comm(), folder / "c.h5");
      begin = file.write_contiguous("c", slab_of<3>(where), labels<3>(where, 1).data());
      EXPECT_EQ(file.offset("c"), begin);
      file.close();
    }
    EXPECT_EQ(begin % 4096, 0u);
    const std::vector<double> expected = labels<3>(whole, 1);
    std::vector<double> raw(expected.size());
    std::ifstream(folder / "c.h5", std::ios::binary)
        .seekg(static_cast<std::streamoff>(begin))
        .read(reinterpret_cast<char*>(raw.data()), static_cast<std::streamsize>(8 * raw.size()));
    EXPECT_EQ(raw, expected);
    where.comm().barrier();
  }
}

TEST(Hdf5, ReservedSpaceIsGivenBack) {
  const Communicator comm;
  const test::TemporaryFolder folder;
  H5File file = H5File::create(comm, folder / "small.h5");
  file.write_text("/", "name", "value");
  file.close();
  struct stat status {};
  comm.barrier();
  ASSERT_EQ(::stat((folder / "small.h5").c_str(), &status), 0);
  EXPECT_LT(status.st_blocks * 512, 128 << 10);
}

TEST(Hdf5, SpanOfABox) {
  const auto bytes = [](const Slab& slab) {
    const ByteRange span = span_of(slab);
    return std::pair(span.begin, span.end);
  };
  EXPECT_EQ(bytes({{4, 5, 6}, {0, 0, 0}, {4, 5, 6}, 1}), std::pair(std::uint64_t{0}, std::uint64_t{8 * 120}));
  EXPECT_EQ(bytes({{4, 5, 6}, {1, 0, 0}, {2, 5, 6}, 1}), std::pair(std::uint64_t{8 * 30}, std::uint64_t{8 * 90}));
  EXPECT_EQ(bytes({{4, 5, 6}, {1, 2, 3}, {2, 1, 2}, 1}), std::pair(std::uint64_t{8 * 45}, std::uint64_t{8 * 77}));
  EXPECT_EQ(bytes({{4, 5, 6}, {1, 0, 0}, {0, 5, 6}, 1}), std::pair(std::uint64_t{0}, std::uint64_t{0}));
}

TEST(Hdf5, TrimmedExtendedAndEmptyBoxes) {
  const Decomposition<2> cells = decompose<2>({6, 5});
  const test::TemporaryFolder folder;
  // Faces between walls, all faces, and pencils with ranks that hold nothing.
  for (const Decomposition<2>& where :
       {cells.trimmed(0, 1, 0), cells.trimmed(1, 0, -1), cells.trimmed(1, 0, 3).pencil(0)}) {
    const std::vector<double> packed = labels<2>(where, 1);
    H5File file = H5File::create(where.comm(), folder / "b.h5");
    file.write_array("b", slab_of<2>(where), packed.data(), Precision::float64);
    file.close();
    file = H5File::open(where.comm(), folder / "b.h5");
    std::vector<double> back(packed.size());
    file.read_array("b", slab_of<2>(where), back.data());
    EXPECT_EQ(back, packed);
  }
}

TEST(Hdf5, AttributesAndLists) {
  const Communicator comm;
  const test::TemporaryFolder folder;
  std::vector<double> list(20000);
  for (std::size_t i = 0; i < list.size(); ++i) list[i] = std::sqrt(static_cast<double>(i));
  {
    H5File file = H5File::create(comm, folder / "c.h5");
    file.write_text("/", "title", "Strömung & µ");
    file.write_text("/", "nothing", "");
    file.write_number("/", "third", 1.0 / 3.0);
    file.write_integer("/", "big", (std::int64_t{1} << 53) + 1);
    file.write_numbers("list", list);
    file.write_numbers("none", {});
    file.write_text("list", "unit", "m/s");
    file.close();
  }
  H5File file = H5File::open(comm, folder / "c.h5");
  EXPECT_EQ(file.read_text("/", "title"), "Strömung & µ");
  EXPECT_EQ(file.read_text("/", "nothing"), "");
  EXPECT_EQ(file.read_number("/", "third"), 1.0 / 3.0);
  EXPECT_EQ(file.read_integer("/", "big"), (std::int64_t{1} << 53) + 1);
  EXPECT_EQ(file.read_numbers("list"), list);
  EXPECT_TRUE(file.read_numbers("none").empty());
  EXPECT_EQ(file.read_text("list", "unit"), "m/s");
  EXPECT_TRUE(file.has_attribute("/", "title"));
  EXPECT_FALSE(file.has_attribute("/", "titel"));
  EXPECT_THROW((void)file.read_number("/", "title"), FileError);
  EXPECT_THROW((void)file.read_text("/", "third"), FileError);
  EXPECT_THROW((void)file.read_text("/", "titel"), FileError);
  EXPECT_THROW((void)file.extent("lost"), FileError);
}

std::string failure_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const FileError& error) {
    return error.what();
  }
  return "";
}

TEST(Hdf5, ErrorsNameThePath) {
  const Communicator comm;
  const test::TemporaryFolder folder;
  EXPECT_NE(failure_of([&] { (void)H5File::open(comm, folder / "lost.h5"); }).find("lost.h5': No such file"),
            std::string::npos);
  EXPECT_NE(failure_of([&] { (void)H5File::create(comm, folder / "no/where.h5"); }).find("no/where.h5': No such file"),
            std::string::npos);
  if (comm.root()) std::ofstream(folder / "text.h5") << std::string(4096, 'x');
  comm.barrier();
  EXPECT_NE(failure_of([&] { (void)H5File::open(comm, folder / "text.h5"); }).find("text.h5"), std::string::npos);
}

TEST(Hdf5, WrongExtentIsRefused) {
  const test::TemporaryFolder folder;
  const Decomposition<2> small = decompose<2>({6, 5}), large = decompose<2>({6, 6});
  H5File file = H5File::create(small.comm(), folder / "d.h5");
  file.write_array("d", slab_of<2>(small), labels<2>(small, 1).data(), Precision::float64);
  file.close();
  file = H5File::open(small.comm(), folder / "d.h5");
  std::vector<double> back(static_cast<std::size_t>(large.local_size()));
  EXPECT_NE(failure_of([&] { file.read_array("d", slab_of<2>(large), back.data()); }).find("5 x 6, expected 6 x 6"),
            std::string::npos);
}

TEST(Hdf5, NoSpaceIsAnErrorBeforeAnythingIsWritten) {
  const Decomposition<3> where = decompose<3>({64, 64, 64});
  const test::TemporaryFolder folder;
  std::vector<double> packed(static_cast<std::size_t>(where.local_size()), 1.0);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit tight{1600000, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  const std::string failure = failure_of([&] {
    H5File file = H5File::create(where.comm(), folder / "e.h5");
    file.write_array("e", slab_of<3>(where), packed.data(), Precision::float64);
    file.close();
  });
  EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, old);
  EXPECT_NE(failure.find("e.h5"), std::string::npos) << failure;
  EXPECT_NE(failure.find("bytes"), std::string::npos) << failure;
}

TEST(StagedFile, LeavesNothingBehindUnlessPublished) {
  const Communicator comm;
  const test::TemporaryFolder folder;
  const auto names = [&] {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
      found.push_back(entry.path().filename());
    return found;
  };
  {
    const StagedFile staged(comm, folder / "s.h5");
    H5File::create(comm, staged.temporary()).close();
    comm.barrier();
    EXPECT_EQ(names(), std::vector<std::string>{"s.h5.tmp"});
    comm.barrier();
  }
  comm.barrier();
  EXPECT_TRUE(names().empty());
  comm.barrier();
  {
    StagedFile staged(comm, folder / "s.h5");
    H5File::create(comm, staged.temporary()).close();
    staged.publish();
  }
  comm.barrier();
  EXPECT_EQ(names(), std::vector<std::string>{"s.h5"});
}

TEST(Agree, OneRanksFailureIsEveryRanksError) {
  const Communicator comm;
  const bool last = comm.rank() == comm.size() - 1;
  EXPECT_EQ(failure_of([&] { agree(comm, last ? "the last one" : ""); }), "the last one");
  EXPECT_NO_THROW(agree(comm, ""));
  EXPECT_THROW(on_root(comm, [] { throw InputError("x"); }), InputError);
  EXPECT_THROW(on_root(comm, [] { throw RestartError("x"); }), RestartError);
  EXPECT_EQ(
      failure_of([&] { on_root(comm, [] { std::filesystem::create_directory("/proc/x"); }); }).rfind("'/proc/x'", 0),
      0u);
}

}  // namespace
}  // namespace kolmo::io
