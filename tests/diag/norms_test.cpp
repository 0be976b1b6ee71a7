#include "kolmo/diag/norms.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "diag/grids.hpp"

namespace kolmo::diag {
namespace {

using test::Domain;

double zero(const Point<3>&) { return 0.0; }

TEST(Norms, WeightsFillTheDomainAtEveryLocation) {
  const Domain<3> domain({7, 6, 8}, {false, true, false});
  for (int direction = -1; direction < 3; ++direction) {
    const Field<3> field = domain.field({direction}, [](const Point<3>&) { return -2.0; });
    const Norms norms = error_norms<3>(domain.grid, domain.decomposition, field, zero);
    EXPECT_NEAR(norms.l1, 2.0, 1e-14);
    EXPECT_NEAR(norms.l2, 2.0, 1e-14);
    EXPECT_EQ(norms.linf, 2.0);
    EXPECT_NEAR(norms.mean, -2.0, 1e-14);
    EXPECT_NEAR(error_norms<3>(domain.grid, domain.decomposition, field, zero, Gauge::mean_free).linf, 0.0, 1e-14);
    for (int d = 0; d < 3; ++d) {
      double sum = 0.0;
      const bool ends = d == direction && !domain.grid.axis(d).periodic();
      for (int i = 0; i < domain.grid.axis(d).cells() + (ends ? 1 : 0); ++i)
        sum += weight<3>(domain.grid, {direction}, d, i);
      EXPECT_NEAR(sum, domain.grid.axis(d).length(), 1e-14);
    }
  }
}

TEST(Norms, MatchDirectSums) {
  const Domain<2> domain({9, 5});
  const Field<2> field = domain.field(Location::cells(), [](const Point<2>& x) { return x[0] + 3.0 * x[1]; });
  const auto exact = [](const Point<2>& x) { return x[0] * x[1]; };
  double volume = 0.0, one = 0.0, two = 0.0, most = 0.0;
  for (int j = 0; j < 5; ++j)
    for (int i = 0; i < 9; ++i) {
      const double w = domain.grid.axis(0).width(i) * domain.grid.axis(1).width(j);
      const Point<2> x = domain.grid.point({i, j}, Location::cells());
      const double e = std::abs(x[0] + 3.0 * x[1] - exact(x));
      volume += w;
      one += w * e;
      two += w * e * e;
      most = std::max(most, e);
    }
  const Norms norms = error_norms<2>(domain.grid, domain.decomposition, field, exact);
  EXPECT_NEAR(norms.l1, one / volume, 1e-14);
  EXPECT_NEAR(norms.l2, std::sqrt(two / volume), 1e-14);
  EXPECT_EQ(norms.linf, most);
}

TEST(Norms, TheFaceOnTheHighBoundaryCounts) {
  const Domain<1> domain({8});
  Field<1> field = domain.field(Location::faces(0), [](const Point<1>&) { return 0.0; });
  if (domain.decomposition.at_boundary(0, Side::high)) field({domain.layout.extent()[0]}) = 5.0;
  EXPECT_EQ(field_norms<1>(domain.grid, domain.decomposition, field).linf, 5.0);
}

TEST(Norms, NaNOnOneRankIsSeenByAll) {
  const Domain<2> domain({8, 8});
  Field<2> field = domain.field(Location::cells(), [](const Point<2>&) { return 1.0; });
  if (domain.comm.rank() == domain.comm.size() - 1) field({1, 1}) = std::nan("");
  const Norms norms = field_norms<2>(domain.grid, domain.decomposition, field);
  EXPECT_TRUE(std::isnan(norms.l1) && std::isnan(norms.l2) && std::isnan(norms.linf));
}

}  // namespace
}  // namespace kolmo::diag
