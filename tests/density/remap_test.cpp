#include "kolmo/density/remap.hpp"

#include <gtest/gtest.h>

#include "density/gaussian_fields.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/io/checkpoint.hpp"
#include "kolmo/io/snapshot.hpp"

namespace kolmo::density {
namespace {

using test::NormalBox;
using test::ProductNormal;

double total(const Axis& axis, const std::vector<double>& p) {
  double sum = 0.0;
  for (int i = 0; i < axis.cells(); ++i) sum += axis.width(i) * p[i];
  return sum;
}

std::vector<double> averages(const Axis& axis, const ProductNormal& exact) {
  std::vector<double> p;
  for (int i = 0; i < axis.cells(); ++i) p.push_back(exact.average(0, axis.node(i), axis.node(i + 1)));
  return p;
}

TEST(LineRemap, KeepsMassAndSignOfRoughDensities) {
  const Axis from = Axis::uniform(-1.0, 1.0, 37);
  AxisSpec spec;
  spec.from = -1.0;
  spec.to = 1.0;
  spec.cells = 53;
  spec.spacing = Spacing::tanh;
  spec.strength = 1.1;
  const Axis to(spec);
  std::vector<double> p(37, 0.0), q(53);
  for (int i = 5; i < 37; i += 7) p[i] = 1.0 + i;
  for (int i = 10; i < 15; ++i) p[i] = 3.0;
  LineRemap(from, to).apply(p.data(), q.data());
  EXPECT_NEAR(total(to, q), total(from, p), 1e-13 * total(from, p));
  for (const double value : q) EXPECT_GE(value, 0.0);
}

TEST(LineRemap, IsOfThirdOrderOnSmoothDensities) {
  const ProductNormal exact({0.1}, {0.7});
  const auto error = [&](int cells) {
    const Axis from = Axis::uniform(-4.0, 4.0, cells), to = Axis::uniform(-4.2, 3.9, cells + 7);
    const std::vector<double> p = averages(from, exact), expected = averages(to, exact);
    std::vector<double> q(expected.size());
    LineRemap(from, to).apply(p.data(), q.data());
    double sum = 0.0;
    for (std::size_t i = 0; i < q.size(); ++i) sum += to.width(static_cast<int>(i)) * std::abs(q[i] - expected[i]);
    return sum;
  };
  EXPECT_LT(error(80), 1e-3);
  EXPECT_GT(error(80) / error(160), 7.0);
}

TEST(LineRemap, TheSameAxisIsCopied) {
  const Axis axis = Axis::uniform(0.0, 1.0, 9);
  const LineRemap remap(axis, axis);
  EXPECT_TRUE(remap.identical());
  std::vector<double> p{-1, 2, 3, 0, 5, 6, 7, 8, 1e-300}, q(9);
  remap.apply(p.data(), q.data());
  EXPECT_EQ(p, q);
}

/// A checkpoint and a field file of a Gaussian, read on another grid.
template <int Dim>
void check_files(int cells) {
  const NormalBox<Dim> source(cells, 4.0);
  const ProductNormal exact(std::vector<double>(Dim, 0.2), std::vector<double>(Dim, 0.9));
  const Field<Dim> p = source.averages(exact);
  std::vector<double> packed(static_cast<std::size_t>(source.decomposition.local_size()));
  pack<Dim>(p, source.layout.interior(), packed.data());
  std::string folder;
  if (source.comm.root()) {
    char name[] = "/tmp/kolmo_remap_XXXXXX";
    folder = mkdtemp(name);
  }
  source.comm.broadcast(folder);
  const std::filesystem::path root = folder;
  io::CheckpointWriter writer(source.comm, root / "checkpoint", {7, 1.5, "hash"});
  for (int d = 0; d < Dim; ++d) writer.numbers("nodes_" + std::to_string(d), source.grid.axis(d).node_list());
  writer.template field<Dim>("density", source.decomposition, packed.data());
  writer.commit();
  const auto file = root / "checkpoint" / "000007.h5";

  Field<Dim> same(source.layout);
  DensityFile read = read_density<Dim>(file, source.grid, source.decomposition, same);
  EXPECT_EQ(read.time, 1.5);
  EXPECT_NEAR(read.mass, read.mass_within, 1e-14);
  for_each<Dim>(source.layout.interior(), [&](const Index<Dim>& i) { EXPECT_EQ(same(i), p(i)); });

  const NormalBox<Dim> target(cells + 3, 4.2);
  const Field<Dim> expected = target.averages(exact);
  Field<Dim> other(target.layout);
  read = read_density<Dim>(file, target.grid, target.decomposition, other);
  EXPECT_NEAR(read.mass_within, read.mass, 1e-13);
  double error = 0.0;
  for_each<Dim>(target.layout.interior(), [&](const Index<Dim>& i) {
    double volume = 1.0;
    for (int d = 0; d < Dim; ++d) volume *= target.grid.axis(d).width(i[d] + target.decomposition.owned().begin[d]);
    EXPECT_GE(other(i), 0.0);
    error += volume * std::abs(other(i) - expected(i));
  });
  EXPECT_LT(source.comm.sum(error), 0.1);

  if constexpr (Dim <= 3) {
    io::SnapshotOptions options;
    options.precision = io::Precision::float64;
    io::SnapshotWriter<Dim> snapshot(source.grid, source.decomposition, root, options);
    snapshot.begin(12, 2.5);
    snapshot.add("density", "-", p);
    snapshot.commit();
    Field<Dim> again(target.layout);
    read = read_density<Dim>(root / "fields" / "000012.h5", target.grid, target.decomposition, again);
    EXPECT_EQ(read.time, 2.5);
    for_each<Dim>(target.layout.interior(), [&](const Index<Dim>& i) { EXPECT_EQ(again(i), other(i)); });
    const NormalBox<Dim + 1> wrong(4, 4.0);
    Field<Dim + 1> none(wrong.layout);
    EXPECT_THROW(read_density<Dim + 1>(root / "fields" / "000012.h5", wrong.grid, wrong.decomposition, none),
                 InputError);
    EXPECT_THROW(read_density<Dim + 1>(file, wrong.grid, wrong.decomposition, none), InputError);
  }
  EXPECT_THROW(read_density<Dim>(root / "none.h5", source.grid, source.decomposition, same), FileError);
  source.comm.barrier();
  if (source.comm.root()) std::filesystem::remove_all(root);
}

TEST(ReadDensity, OneDimension) { check_files<1>(24); }
TEST(ReadDensity, TwoDimensions) { check_files<2>(16); }
TEST(ReadDensity, ThreeDimensions) { check_files<3>(12); }
TEST(ReadDensity, FourDimensions) { check_files<4>(12); }

}  // namespace
}  // namespace kolmo::density
