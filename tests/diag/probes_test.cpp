#include "kolmo/diag/probes.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "diag/grids.hpp"
#include "io/temporary_folder.hpp"
#include "kolmo/base/error.hpp"

namespace kolmo::diag {
namespace {

using test::Domain;

double quadratic(const Point<3>& x) { return x[0] * x[0] - 2.0 * x[1] * x[2] + 0.5; }

struct Probed {
  Domain<3> domain{{10, 9, 8}};
  Field<3> u = domain.field(Location::faces(0), quadratic);
  Field<3> p = domain.field(Location::cells(), [](const Point<3>& x) { return x[0] - x[1]; });
  std::vector<Quantity<3>> quantities{{"u", "m/s", &u, Walls::from_ghosts}, {"pressure", "Pa", &p, Walls::unknown}};
  Point<3> from{0.5, -0.25, 0.5}, to{0.5, 1.5, 0.5};
  LineProbe<3> line(int points) const {
    return LineProbe<3>(domain.grid, domain.decomposition, "centre", from, to, points, quantities);
  }
};

TEST(LineProbe, WritesPointsAndQuantities) {
  const Probed probed;
  const test::TemporaryFolder folder;
  const LineProbe<3> line = probed.line(0);
  line.write(folder / "lines");
  line.write(folder / "lines", 20);
  probed.domain.comm.barrier();
  for (const char* file : {"lines/centre.csv", "lines/centre_000020.csv"}) {
    const io::Table table = io::Table::read(folder / file);
    EXPECT_EQ(table.columns(),
              (std::vector<io::Column>{{"x", "m"}, {"y", "m"}, {"z", "m"}, {"u", "m/s"}, {"pressure", "Pa"}}));
    ASSERT_EQ(table.rows(), 11u);  // both ends and 9 cells between
    const auto x = table.numbers("x"), y = table.numbers("y"), z = table.numbers("z"), u = table.numbers("u"),
               p = table.numbers("pressure");
    EXPECT_EQ(y.front(), -0.25);
    EXPECT_EQ(y.back(), 1.5);
    for (std::size_t k = 0; k < table.rows(); ++k) {
      EXPECT_NEAR(u[k], quadratic({x[k], y[k], z[k]}), 1e-12);
      EXPECT_NEAR(p[k], x[k] - y[k], 1e-12);
    }
  }
}

TEST(LineProbe, ComparesWithAReferenceAtItsOwnPoints) {
  const Probed probed;
  const LineProbe<3> line = probed.line(5);
  const std::vector<double> y{-0.25, 0.013, 0.77, 1.5};
  std::vector<double> reference;
  for (const double c : y) reference.push_back(quadratic({0.5, c, 0.5}));
  EXPECT_LT(line.compare("u", y, reference).max, 1e-12);
  reference[1] += 0.3;
  reference[2] -= 0.4;
  const Distance off = line.compare("u", y, reference);
  EXPECT_NEAR(off.max, 0.4, 1e-12);
  EXPECT_NEAR(off.rms, 0.25, 1e-12);
  const test::TemporaryFolder folder;
  EXPECT_EQ(line.write_comparison(folder / "lines", "u", y, reference).max, off.max);
  probed.domain.comm.barrier();
  const io::Table table = io::Table::read(folder / "lines/centre_u_reference.csv");
  EXPECT_EQ(table.columns(), (std::vector<io::Column>{{"y", "m"}, {"reference", "m/s"}, {"u", "m/s"}}));
  EXPECT_EQ(table.numbers("y"), y);
  EXPECT_EQ(table.numbers("reference"), reference);
  EXPECT_EQ(table.numbers("u"), line.values("u", y));
  EXPECT_THROW((void)line.values("w", y), InputError);
  EXPECT_THROW((void)line.values("u", {2.0}), InputError);
}

TEST(LinePoints, FollowTheGridWhereTheyCan) {
  const Domain<2> domain({6, 5});
  const Axis& x = domain.grid.axis(0);
  const auto back = grid_points<2>(domain.grid, {0.9, 0.5}, {0.1, 0.5});
  EXPECT_EQ(back.front(), (Point<2>{0.9, 0.5}));
  EXPECT_EQ(back[1][0], x.centre(5) < 0.9 ? x.centre(5) : x.centre(4));
  EXPECT_EQ(back.back(), (Point<2>{0.1, 0.5}));
  for (const auto& point : back) EXPECT_EQ(point[1], 0.5);
  const auto oblique = grid_points<2>(domain.grid, {0.0, -0.25}, {1.0, 1.5});
  ASSERT_EQ(oblique.size(), 11u);
  EXPECT_NEAR(oblique[5][0], 0.5, 1e-15);
  EXPECT_NEAR(oblique[5][1], 0.625, 1e-15);
}

TEST(LineProbe, RefusesBadLinesByName) {
  const Probed probed;
  const auto message = [&](const Point<3>& from, const Point<3>& to, int points) -> std::string {
    try {
      LineProbe<3>(probed.domain.grid, probed.domain.decomposition, "odd", from, to, points, probed.quantities);
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message(probed.from, probed.from, 5), "line 'odd': its two ends coincide");
  EXPECT_NE(message(probed.from, {0.5, 9.0, 0.5}, 5).find("line 'odd': the point y = 9"), std::string::npos);
  EXPECT_NE(message(probed.from, probed.to, 1).find("at least 2 points"), std::string::npos);
}

TEST(PointProbe, WritesASeriesAndResumes) {
  Probed probed;
  const test::TemporaryFolder folder;
  const Point<3> at{0.3, 0.2, 1.1};
  const auto make = [&] {
    return PointProbe<3>(probed.domain.grid, probed.domain.decomposition, "a", at, probed.quantities);
  };
  {
    PointProbe<3> probe = make();
    probe.open(folder / "points");
    for (int step = 0; step < 4; ++step) probe.record(step, 0.5 * step);
  }
  {
    PointProbe<3> probe = make();
    probe.open(folder / "points", 1);
    probed.p.fill(7.0);
    probe.record(2, 1.0);
  }
  probed.domain.comm.barrier();
  const io::Table table = io::Table::read(folder / "points/a.csv");
  EXPECT_EQ(table.numbers("step"), (std::vector<double>{0, 1, 2}));
  EXPECT_NEAR(table.numbers("u")[2], quadratic(at), 1e-12);
  EXPECT_NEAR(table.numbers("pressure")[1], 0.1, 1e-12);
  EXPECT_NEAR(table.numbers("pressure")[2], 7.0, 1e-12);
}

TEST(Distance, KeepsNaN) {
  EXPECT_TRUE(std::isnan(distance({1.0, std::nan(""), 2.0}, {1.0, 1.0, 1.0}).max));
  EXPECT_THROW((void)distance({1.0}, {}), InternalError);
}

}  // namespace
}  // namespace kolmo::diag
