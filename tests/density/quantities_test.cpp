#include "kolmo/density/quantities.hpp"

#include <gtest/gtest.h>

#include "density/gaussian_fields.hpp"

namespace kolmo::density {
namespace {

using test::NormalBox;
using test::ProductNormal;

template <int Dim>
ProductNormal normal() {
  std::vector<double> mean, deviation;
  for (int d = 0; d < Dim; ++d) {
    mean.push_back(0.1 * d - 0.2);
    deviation.push_back(0.7 + 0.05 * d);
  }
  return ProductNormal(mean, deviation);
}

template <int Dim>
double moment_error(int cells, Spacing spacing) {
  const NormalBox<Dim> box(cells, 6.0, spacing);
  const Quantities<Dim> quantities(box.grid, box.decomposition);
  const Integrals<Dim> numbers = quantities.integrals(box.averages(normal<Dim>()));
  EXPECT_NEAR(numbers.mass, 1.0, 1e-12);
  EXPECT_EQ(numbers.negative_mass, 0.0);
  EXPECT_GE(numbers.min_density, 0.0);
  double worst = 0.0;
  for (int d = 0; d < Dim; ++d) {
    worst = std::max(worst, std::abs(numbers.mean[d] - (0.1 * d - 0.2)));
    for (int e = 0; e < Dim; ++e) {
      const double exact = d == e ? (0.7 + 0.05 * d) * (0.7 + 0.05 * d) : 0.0;
      worst = std::max(worst, std::abs(numbers.covariance[d][e] - exact));
    }
  }
  return worst;
}

TEST(Quantities, MomentsOfAGaussian) {
  EXPECT_LT(moment_error<1>(48, Spacing::uniform), 1e-10);  // beyond any order: sums of smooth functions
  EXPECT_LT(moment_error<2>(48, Spacing::uniform), 1e-10);
  const double coarse = moment_error<1>(40, Spacing::tanh), fine = moment_error<1>(80, Spacing::tanh);
  EXPECT_LT(fine, 4e-5);
  EXPECT_GT(coarse / fine, 12.0);
}

TEST(Quantities, MomentsInManyDimensions) {
  EXPECT_LT(moment_error<3>(24, Spacing::uniform), 1e-5);
  EXPECT_LT(moment_error<4>(16, Spacing::uniform), 0.02);
}

/// A box far from 0: about 0 the second moments are 1e6 and the variances 0.0025.
TEST(Quantities, MomentsFarFromZero) {
  std::array<Axis, 2> axes;
  const double middle[2] = {1000.0, -2000.0};
  for (int d = 0; d < 2; ++d) {
    AxisSpec spec;
    spec.from = middle[d] - 0.5;
    spec.to = middle[d] + 0.5;
    spec.cells = 64;
    axes[d] = Axis(spec);
  }
  const Grid<2> grid(axes);
  const Communicator comm;
  const Decomposition<2> decomposition(comm, grid.cells(), grid.periodic(),
                                       Decomposition<2>::choose(comm.size(), grid.cells()));
  Field<2> p(Layout<2>(decomposition.extent(), Ghosts<2>::uniform(1, 1)));
  const ProductNormal exact({1000.03, -2000.01}, {0.05, 0.04});
  for_each<2>(p.layout().interior(), [&](const Index<2>& i) {
    p(i) = 1.0;
    for (int d = 0; d < 2; ++d) {
      const int cell = i[d] + decomposition.owned().begin[d];
      p(i) *= exact.average(d, grid.axis(d).node(cell), grid.axis(d).node(cell + 1));
    }
  });
  const Integrals<2> numbers = Quantities<2>(grid, decomposition).integrals(p);
  EXPECT_NEAR(numbers.mean[0], 1000.03, 1e-9);
  EXPECT_NEAR(numbers.mean[1], -2000.01, 1e-9);
  EXPECT_NEAR(numbers.covariance[0][0], 2.5e-3, 1e-12);
  EXPECT_NEAR(numbers.covariance[1][1], 1.6e-3, 1e-12);
  EXPECT_NEAR(numbers.covariance[0][1], 0.0, 1e-12);
}

TEST(Quantities, ConstantInSixDimensions) {
  const NormalBox<6> box(4, 1.0);
  const Quantities<6> quantities(box.grid, box.decomposition);
  const double value = 1.0 / box.grid.volume();
  const Integrals<6> numbers = quantities.integrals(box.field([&](const Index<6>&) { return value; }));
  EXPECT_NEAR(numbers.mass, 1.0, 1e-13);
  EXPECT_NEAR(numbers.entropy, std::log(box.grid.volume()), 1e-12);
  for (int d = 0; d < 6; ++d) {
    EXPECT_NEAR(numbers.mean[d], 0.05 * d, 1e-13);
    EXPECT_NEAR(numbers.covariance[d][d], std::pow(2.0 + 0.1 * d, 2) / 12.0, 1e-13);
  }
}

TEST(Quantities, NegativeMassIsSeen) {
  const NormalBox<2> box(10, 1.0);
  const Quantities<2> quantities(box.grid, box.decomposition);
  const Index<2> hole{3, 7};
  const Integrals<2> numbers =
      quantities.integrals(box.field([&](const Index<2>& i) { return i == hole ? -0.5 : 0.25; }));
  const double volume = box.grid.axis(0).width(3) * box.grid.axis(1).width(7);
  EXPECT_NEAR(numbers.negative_mass, 0.5 * volume, 1e-15);
  EXPECT_NEAR(numbers.mass, 0.25 * box.grid.volume() - 0.75 * volume, 1e-14);
  EXPECT_EQ(numbers.min_density, -0.5);
  EXPECT_EQ(numbers.max_density, 0.25);
}

TEST(Quantities, EntropyOfAGaussian) {
  const auto error = [](int cells) {
    const NormalBox<1> box(cells, 6.0);
    const Quantities<1> quantities(box.grid, box.decomposition);
    const double exact = 0.5 * std::log(2.0 * std::numbers::pi * std::numbers::e * 0.49);
    return std::abs(quantities.integrals(box.averages(normal<1>())).entropy - exact);
  };
  EXPECT_LT(error(200), 5e-4);
  EXPECT_NEAR(error(100) / error(200), 4.0, 0.1);  // averaging hides what lies within a cell
}

template <int Dim>
void check_marginals(int cells) {
  const NormalBox<Dim> box(cells, 3.0);
  const ProductNormal exact = normal<Dim>();
  const Quantities<Dim> quantities(box.grid, box.decomposition);
  const Field<Dim> p = box.averages(exact);
  const auto average = [&](int d, int i) {
    return exact.average(d, box.grid.axis(d).node(i), box.grid.axis(d).node(i + 1));
  };
  const auto inside = [&](int d) {
    double sum = 0.0;
    for (int i = 0; i < box.grid.axis(d).cells(); ++i) sum += box.grid.axis(d).width(i) * average(d, i);
    return sum;
  };
  for (int a = 0; a < Dim; ++a) {
    double others = 1.0;
    for (int d = 0; d < Dim; ++d) others *= d == a ? 1.0 : inside(d);
    const std::vector<double> one = quantities.marginal(p, {a});
    ASSERT_EQ(static_cast<int>(one.size()), box.grid.axis(a).cells());
    for (int i = 0; i < box.grid.axis(a).cells(); ++i) EXPECT_NEAR(one[i], others * average(a, i), 1e-13);
    const int b = (a + Dim - 1) % Dim;
    if (b == a) continue;
    const std::vector<double> two = quantities.marginal(p, {a, b});
    for (int j = 0; j < box.grid.axis(b).cells(); ++j)
      for (int i = 0; i < box.grid.axis(a).cells(); ++i)
        EXPECT_NEAR(two[i + j * box.grid.axis(a).cells()], others / inside(b) * average(a, i) * average(b, j), 1e-13);
  }
}

TEST(Quantities, MarginalsOfAProduct) {
  check_marginals<1>(30);
  check_marginals<2>(20);
  check_marginals<3>(9);
  check_marginals<5>(5);
  const NormalBox<2> box(8, 3.0);
  const Quantities<2> quantities(box.grid, box.decomposition);
  const Field<2> p = box.averages(normal<2>());
  EXPECT_THROW(quantities.marginal(p, {2}), InputError);
  EXPECT_THROW(quantities.marginal(p, {1, 1}), InputError);
  EXPECT_THROW(quantities.marginal(p, {}), InputError);
}

TEST(Quantities, ScoreOfAnExponentialIsExact) {
  const NormalBox<2> box(20, 2.0);
  const Quantities<2> quantities(box.grid, box.decomposition);
  const Axis &x = box.grid.axis(0), &y = box.grid.axis(1);
  const Field<2> p =
      box.field([&](const Index<2>& i) { return std::exp(6.0 * x.centre(i[0]) - 2.5 * y.centre(i[1])); });
  int cells = 0;
  quantities.for_each_score(p, [&](const Index<2>&, const Point<2>& s) {
    EXPECT_NEAR(s[0], 6.0, 1e-10);
    EXPECT_NEAR(s[1], -2.5, 1e-10);
    ++cells;
  });
  EXPECT_EQ(cells, box.decomposition.local_size());
}

TEST(Quantities, ScoreBesideEmptyCells) {
  const NormalBox<1> box(24, 1.0);
  const Quantities<1> quantities(box.grid, box.decomposition);
  const Axis& x = box.grid.axis(0);
  const auto value = [&](int i) { return i < 10 || i == 20 ? std::exp(2.0 * x.centre(i)) : 0.0; };
  const Field<1> p = box.field([&](const Index<1>& i) { return value(i[0]); });
  std::int64_t cells = 0;
  quantities.for_each_score(p, [&](const Index<1>& i, const Point<1>& s) {
    const int global = i[0] + box.decomposition.owned().begin[0];
    EXPECT_NEAR(s[0], global == 20 ? 0.0 : 2.0, 1e-10) << global;
    ++cells;
  });
  EXPECT_EQ(box.comm.sum(cells), 11);
  Field<1> score(box.layout);
  quantities.score(p, 0, score);
  for_each<1>(box.layout.interior(), [&](const Index<1>& i) {
    const int global = i[0] + box.decomposition.owned().begin[0];
    EXPECT_NEAR(score(i), global < 10 ? 2.0 : 0.0, 1e-10);
  });
}

}  // namespace
}  // namespace kolmo::density
