#include "kolmo/diag/statistics.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "diag/grids.hpp"
#include "io/temporary_folder.hpp"
#include "kolmo/base/error.hpp"

namespace kolmo::diag {
namespace {

using test::Domain;

constexpr std::array<int, 3> cells{8, 6, 5};
constexpr std::array<bool, 3> periodic{true, false, true};
const double dts[] = {0.5, 0.25, 1.0};

/// Something without structure, a function of the face or cell and the sample.
double noise(int quantity, const Index<3>& i, int sample) {
  return std::sin(12.9898 * i[0] + 78.233 * i[1] + 37.719 * i[2] + 5.1 * quantity + 1.7 * sample) +
         0.1 * i[1] * quantity;
}

/// Channel: u, v, w on faces, T at cells; x and z periodic.
struct Channel {
  explicit Channel(const Communicator& comm = Communicator()) : domain(cells, periodic, comm) {
    for (int q = 0; q < 4; ++q) fields.emplace_back(domain.layout, q < 3 ? Location::faces(q) : Location::cells());
    const char* names[] = {"u", "v", "w", "T"};
    for (int q = 0; q < 4; ++q) quantities.push_back({names[q], q < 3 ? "m/s" : "K", &fields[q], Walls::unknown});
  }
  void fill(int sample) {
    for (int q = 0; q < 4; ++q)
      for_each<3>(domain.layout.padded(), [&](const Index<3>& local) {
        Index<3> i = domain.global(local);
        for (const int d : {0, 2}) i[d] = (i[d] + cells[d]) % cells[d];
        fields[q](local) = noise(q, i, sample);
      });
  }
  static Index<3> next(Index<3> i, int q) {
    if (q < 3) ++i[q];
    for (const int d : {0, 2}) i[d] %= cells[d];
    return i;
  }
  static double at_cell(int q, const Index<3>& i, int sample) {
    return 0.5 * (noise(q, i, sample) + noise(q, next(i, q), sample));
  }

  Domain<3> domain;
  std::vector<Field<3>> fields;
  std::vector<Quantity<3>> quantities;
};

/// Mean over x, z and the samples at height j of f(i, sample).
double plane_mean(int j, const std::function<double(const Index<3>&, int)>& f) {
  double sum = 0.0, time = 0.0;
  for (int s = 0; s < 3; ++s) {
    time += dts[s];
    for (int k = 0; k < cells[2]; ++k)
      for (int i = 0; i < cells[0]; ++i) sum += dts[s] * f({i, j, k}, s) / (cells[0] * cells[2]);
  }
  return sum / time;
}

TEST(Statistics, PlaneAveragesAreTheDirectSums) {
  Channel channel;
  Statistics<3> statistics(channel.domain.grid, channel.domain.decomposition, channel.quantities, {true, false, true});
  for (int s = 0; s < 3; ++s) {
    channel.fill(s);
    statistics.add(dts[s]);
  }
  EXPECT_EQ(statistics.samples(), 3);
  EXPECT_EQ(statistics.weight(), 1.75);
  const auto u = statistics.mean("u"), uu = statistics.covariance("u", "u"), uv = statistics.covariance("v", "u"),
             tt = statistics.covariance("T", "T");
  ASSERT_EQ(u.size(), 6u);
  for (int j = 0; j < 6; ++j) {
    const double mean = plane_mean(j, [](const Index<3>& i, int s) { return noise(0, i, s); });
    EXPECT_NEAR(u[j], mean, 1e-13);
    EXPECT_NEAR(uu[j],
                plane_mean(j, [](const Index<3>& i, int s) { return std::pow(noise(0, i, s), 2); }) - mean * mean,
                1e-13);
    const double uc = plane_mean(j, [](const Index<3>& i, int s) { return Channel::at_cell(0, i, s); });
    const double vc = plane_mean(j, [](const Index<3>& i, int s) { return Channel::at_cell(1, i, s); });
    const double product =
        plane_mean(j, [](const Index<3>& i, int s) { return Channel::at_cell(0, i, s) * Channel::at_cell(1, i, s); });
    EXPECT_NEAR(uv[j], product - uc * vc, 1e-13);
    const double t = plane_mean(j, [](const Index<3>& i, int s) { return noise(3, i, s); });
    EXPECT_NEAR(tt[j], plane_mean(j, [](const Index<3>& i, int s) { return std::pow(noise(3, i, s), 2); }) - t * t,
                1e-13);
  }
  const auto v = statistics.mean("v"), y = statistics.coordinates("v", "v", 1);
  ASSERT_EQ(v.size(), 7u);  // both walls
  ASSERT_EQ(y.size(), 7u);
  EXPECT_EQ(y.back(), channel.domain.grid.axis(1).to());
  for (int j = 0; j < 7; ++j)
    EXPECT_NEAR(v[j], plane_mean(j, [](const Index<3>& i, int s) { return noise(1, i, s); }), 1e-13);
}

TEST(Statistics, PointwiseAndTotalAverages) {
  Channel channel;
  Statistics<3> pointwise(channel.domain.grid, channel.domain.decomposition, channel.quantities, {});
  Statistics<3> total(channel.domain.grid, channel.domain.decomposition, {channel.quantities[3]}, {true, true, true});
  for (int s = 0; s < 3; ++s) {
    channel.fill(s);
    pointwise.add(dts[s]);
    total.add(dts[s]);
  }
  const auto wv = pointwise.covariance("w", "v");
  std::size_t at = 0;
  for_each<3>(channel.domain.decomposition.owned(), [&](const Index<3>& i) {
    double w = 0.0, v = 0.0, product = 0.0;
    for (int s = 0; s < 3; ++s) {
      w += dts[s] / 1.75 * Channel::at_cell(2, i, s);
      v += dts[s] / 1.75 * Channel::at_cell(1, i, s);
      product += dts[s] / 1.75 * Channel::at_cell(2, i, s) * Channel::at_cell(1, i, s);
    }
    EXPECT_NEAR(wv.at(at++), product - w * v, 1e-13);
  });
  EXPECT_EQ(at, wv.size());
  double mean = 0.0;
  for (int j = 0; j < 6; ++j)
    mean += channel.domain.grid.axis(1).width(j) / channel.domain.grid.axis(1).length() *
            plane_mean(j, [](const Index<3>& i, int s) { return noise(3, i, s); });
  EXPECT_NEAR(total.mean("T").at(0), mean, 1e-13);
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) {
    return std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(y);
  });
}

TEST(Statistics, ContinuedFromACheckpointBitwise) {
  const test::TemporaryFolder folder;
  for (const std::array<bool, 3> over : {std::array{true, false, true}, std::array{false, false, false}}) {
    Channel channel;
    Statistics<3> whole(channel.domain.grid, channel.domain.decomposition, channel.quantities, over);
    Statistics<3> first = whole, second = whole;
    for (int s = 0; s < 3; ++s) {
      channel.fill(s);
      whole.add(dts[s]);
      if (s < 2) first.add(dts[s]);
    }
    {
      io::CheckpointWriter writer(channel.domain.comm, folder.path(), {1, 0.0, ""});
      first.store(writer);
      writer.commit();
    }
    const auto reader = io::CheckpointReader::newest(channel.domain.comm, folder.path(), "");
    second.restore(reader);
    second.add(dts[2]);
    for (const char* name : {"u", "v", "w", "T"}) {
      EXPECT_TRUE(same_bits(second.mean(name), whole.mean(name)));
      EXPECT_TRUE(same_bits(second.covariance(name, "v"), whole.covariance(name, "v")));
    }
    Statistics<3> other(channel.domain.grid, channel.domain.decomposition, {channel.quantities[0]}, over);
    EXPECT_THROW(other.restore(reader), RestartError);
    EXPECT_THROW((void)other.mean("u"), InternalError);
  }
}

TEST(Statistics, FilesHoldTheProfiles) {
  const test::TemporaryFolder folder;
  Channel channel;
  Statistics<3> statistics(channel.domain.grid, channel.domain.decomposition, channel.quantities, {true, false, true});
  channel.fill(0);
  statistics.add(1.0);
  statistics.write(folder / "statistics");
  channel.domain.comm.barrier();
  const io::Table centres = io::Table::read(folder / "statistics/statistics.csv");
  EXPECT_EQ(centres.numbers("u"), statistics.mean("u"));
  EXPECT_EQ(centres.numbers("cov(u:v)"), statistics.covariance("u", "v"));
  EXPECT_EQ(centres.numbers("y"), statistics.coordinates("u", "u", 1));
  const io::Table faces = io::Table::read(folder / "statistics/statistics_faces_y.csv");
  EXPECT_EQ(faces.numbers("v"), statistics.mean("v"));
  EXPECT_EQ(faces.columns().size(), 3u);
  const io::H5File file = io::H5File::open(channel.domain.comm, folder / "statistics/statistics.h5");
  EXPECT_EQ(file.read_numbers("mean.v"), statistics.mean("v"));
  EXPECT_EQ(file.read_numbers("covariance.u.v.cells"), statistics.covariance("u", "v"));
  EXPECT_EQ(file.read_text("mean.v", "location"), "faces y");
}

TEST(Statistics, RefusesTheSameNameTwice) {
  Channel channel;
  channel.quantities[1].name = "u";
  EXPECT_THROW(Statistics<3>(channel.domain.grid, channel.domain.decomposition, channel.quantities, {}), InputError);
}

}  // namespace
}  // namespace kolmo::diag
