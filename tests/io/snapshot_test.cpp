#include "kolmo/io/snapshot.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <pugixml.hpp>
#include <type_traits>

#include "io/temporary_folder.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/io/files.hpp"

namespace kolmo::io {
namespace {

namespace fs = std::filesystem;

template <int Dim>
struct Case {
  Communicator comm;
  Grid<Dim> grid = make_grid();
  Decomposition<Dim> decomposition{comm, grid.cells(), {}, Decomposition<Dim>::choose(comm.size(), grid.cells())};
  Layout<Dim> layout{decomposition.extent(), Ghosts<Dim>::uniform(1, 1)};

  static Grid<Dim> make_grid() {
    std::array<Axis, Dim> axes;
    for (int d = 0; d < Dim; ++d) {
      AxisSpec spec;
      spec.from = -0.5 * d;
      spec.to = 1.0 + d;
      spec.cells = 8 - d;
      spec.spacing = Spacing::tanh;
      spec.strength = 1.5;
      axes[d] = Axis(spec);
    }
    return Grid<Dim>(axes);
  }
  /// x + 2 y + 4 z + 8 component at the field's location, ghosts included: averaging to cells is exact for it.
  Field<Dim> linear(Location location, int component) const {
    Field<Dim> field(layout, location);
    for_each<Dim>(layout.padded(), [&](const Index<Dim>& local) {
      Index<Dim> global = local;
      for (int d = 0; d < Dim; ++d) global[d] += decomposition.owned().begin[d];
      field(local) = value(grid.point(global, location), component);
    });
    return field;
  }
  static double value(const Point<Dim>& x, int component) {
    double v = 8.0 * component;
    for (int d = 0; d < Dim; ++d) v += (1 << d) * x[d];
    return v;
  }
};

template <int Dim>
void write_steps(const Case<Dim>& box, SnapshotWriter<Dim>& writer, const std::vector<int>& steps) {
  const Field<Dim> pressure = box.linear(Location::cells(), 0);
  std::vector<Field<Dim>> velocity;
  std::vector<const Field<Dim>*> pointers;
  for (int d = 0; d < Dim; ++d) velocity.push_back(box.linear(Location::faces(d), d));
  for (const auto& component : velocity) pointers.push_back(&component);
  for (const int step : steps) {
    writer.begin(step, 0.25 * step);
    writer.add("pressure", "Pa", pressure);
    EXPECT_TRUE(writer.collective());
    writer.add("velocity", "m/s", pointers);
    EXPECT_TRUE(writer.collective());
    writer.commit();
  }
}

std::vector<std::uint64_t> numbers(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::uint64_t> found;
  for (std::uint64_t n; stream >> n;) found.push_back(n);
  return found;
}

/// What a reader does with <DataItem Dimensions=...>file:/array</DataItem>.
std::vector<double> fetch(const fs::path& folder, const pugi::xml_node& item) {
  const std::string text = item.text().get();
  const std::size_t colon = text.rfind(":/");
  const H5File file = H5File::open(Communicator(MPI_COMM_SELF), folder / text.substr(0, colon));
  const std::string array = text.substr(colon + 2);
  const std::vector<std::uint64_t> extent = numbers(item.attribute("Dimensions").value());
  EXPECT_EQ(file.extent(array), extent);
  EXPECT_EQ(file.precision(array) == Precision::float32 ? 4 : 8, item.attribute("Precision").as_int());
  const Slab slab{extent, std::vector<std::uint64_t>(extent.size(), 0), extent, 1};
  std::vector<double> values(slab.size());
  file.read_array(array, slab, values.data());
  return values;
}

pugi::xml_node collection(const pugi::xml_document& xml) { return xml.child("Xdmf").child("Domain").child("Grid"); }

std::vector<double> times(const fs::path& folder) {
  pugi::xml_document xml;
  EXPECT_TRUE(xml.load_file((folder / "fields.xdmf").c_str()));
  std::vector<double> found;
  for (const auto& grid : collection(xml).children("Grid"))
    found.push_back(grid.child("Time").attribute("Value").as_double());
  return found;
}

template <class Number>
class Snapshot : public testing::Test {};
using Dimensions =
    testing::Types<std::integral_constant<int, 1>, std::integral_constant<int, 2>, std::integral_constant<int, 3>>;
TYPED_TEST_SUITE(Snapshot, Dimensions);

TYPED_TEST(Snapshot, XmlLeadsToTheRightNumbers) {
  constexpr int Dim = TypeParam::value;
  const Case<Dim> box;
  const test::TemporaryFolder folder;
  SnapshotWriter<Dim> writer(box.grid, box.decomposition, folder.path());
  write_steps(box, writer, {0, 100});
  box.comm.barrier();
  EXPECT_EQ(times(folder.path()), (std::vector<double>{0.0, 25.0}));

  pugi::xml_document xml;
  ASSERT_TRUE(xml.load_file((folder / "fields.xdmf").c_str()));
  const pugi::xml_node step = collection(xml).last_child();
  const std::string mesh = Dim == 3 ? "3DRectMesh" : "2DRectMesh";
  EXPECT_EQ(step.child("Topology").attribute("TopologyType").value(), mesh);
  int d = 0;
  for (const auto& item : step.child("Geometry").children("DataItem")) {
    if (d < Dim) {
      EXPECT_EQ(fetch(folder.path(), item), box.grid.axis(d).node_list());
    }
    ++d;
  }
  EXPECT_EQ(d, std::max(Dim, 2));
  for (const auto& attribute : step.children("Attribute")) {
    const bool vector = std::string(attribute.attribute("AttributeType").value()) == "Vector";
    EXPECT_EQ(std::string(attribute.attribute("Name").value()), vector ? "velocity" : "pressure");
    EXPECT_EQ(std::string(attribute.attribute("Center").value()), "Cell");
    const std::vector<double> values = fetch(folder.path(), attribute.child("DataItem"));
    std::size_t at = 0;
    Box<Dim> all;
    all.end = box.grid.cells();
    for_each<Dim>(all, [&](const Index<Dim>& i) {
      for (int c = 0; c < (vector ? 3 : 1); ++c) {
        const double expected = c < Dim ? Case<Dim>::value(box.grid.point(i, Location::cells()), c) : 0.0;
        EXPECT_NEAR(values.at(at++), expected, 4e-6);
      }
    });
    EXPECT_EQ(at, values.size());
  }
}

TEST(SnapshotFiles, DescribeThemselves) {
  const Case<3> box;
  const test::TemporaryFolder folder;
  SnapshotWriter<3> writer(box.grid, box.decomposition, folder.path(),
                           {.precision = Precision::float64, .version = "1.2", .git = "abcdef", .variables = ""});
  write_steps(box, writer, {7});
  const H5File file = H5File::open(box.comm, folder / "fields/000007.h5");
  EXPECT_EQ(file.read_integer("/", "step"), 7);
  EXPECT_EQ(file.read_number("/", "time"), 1.75);
  EXPECT_EQ(file.read_text("/", "git"), "abcdef");
  EXPECT_EQ(file.read_text("velocity", "unit"), "m/s");
  EXPECT_EQ(file.precision("velocity"), Precision::float64);
  EXPECT_EQ(H5File::open(box.comm, folder / "fields/grid.h5").read_integer("/", "dimension"), 3);
}

TEST(SnapshotFiles, RebuiltXmlIsTheSame) {
  const Case<2> box;
  const test::TemporaryFolder folder;
  SnapshotWriter<2> writer(box.grid, box.decomposition, folder.path());
  write_steps(box, writer, {0, 5, 1234567});
  box.comm.barrier();
  const std::string before = read_text_file(folder / "fields.xdmf");
  box.comm.barrier();
  if (box.comm.root()) {
    fs::remove(folder / "fields.xdmf");
    std::ofstream(folder / "fields/000009.h5") << "half a file";
    std::ofstream(folder / "fields/000010.h5.tmp") << "not published";
    const XdmfRebuild result = rebuild_xdmf(folder.path());
    EXPECT_EQ(result.steps, 3u);
    ASSERT_EQ(result.skipped.size(), 1u);
    EXPECT_NE(result.skipped[0].find("000009.h5"), std::string::npos);
    EXPECT_EQ(read_text_file(folder / "fields.xdmf"), before);
    EXPECT_THROW((void)rebuild_xdmf(folder / "none"), FileError);
  }
}

TEST(SnapshotFiles, ResumeCutsBack) {
  const Case<2> box;
  const test::TemporaryFolder folder;
  {
    SnapshotWriter<2> writer(box.grid, box.decomposition, folder.path());
    write_steps(box, writer, {0, 10, 20, 30});
  }
  {
    SnapshotWriter<2> writer(box.grid, box.decomposition, folder.path(), {}, 15);
    box.comm.barrier();
    EXPECT_EQ(times(folder.path()), (std::vector<double>{0.0, 2.5}));
    EXPECT_FALSE(fs::exists(folder / "fields/000020.h5"));
    box.comm.barrier();
    write_steps(box, writer, {20});
  }
  box.comm.barrier();
  EXPECT_EQ(times(folder.path()), (std::vector<double>{0.0, 2.5, 5.0}));
  box.comm.barrier();
  const SnapshotWriter<2> fresh(box.grid, box.decomposition, folder.path());
  box.comm.barrier();
  EXPECT_FALSE(fs::exists(folder / "fields.xdmf"));
  EXPECT_FALSE(fs::exists(folder / "fields/000000.h5"));
}

TEST(SnapshotFiles, AbandonedStepLeavesNothing) {
  const Case<2> box;
  const test::TemporaryFolder folder;
  SnapshotWriter<2> writer(box.grid, box.decomposition, folder.path());
  writer.begin(1, 0.1);
  writer.abandon();
  box.comm.barrier();
  EXPECT_FALSE(fs::exists(folder / "fields/000001.h5.tmp"));
  EXPECT_FALSE(fs::exists(folder / "fields/000001.h5"));
}

TEST(Xdmf, NamesAreEscaped) {
  Xdmf xdmf("x", {2, 2});
  xdmf.add({1, 0.5, {{"a<b&\"c\"", false, Precision::float32}}});
  pugi::xml_document xml;
  ASSERT_TRUE(xml.load_string(xdmf.text().c_str()));
  EXPECT_EQ(std::string(collection(xml).child("Grid").child("Attribute").attribute("Name").value()), "a<b&\"c\"");
}

}  // namespace
}  // namespace kolmo::io
