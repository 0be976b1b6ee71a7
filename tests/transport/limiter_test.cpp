#include <gtest/gtest.h>

#include <algorithm>

#include "kolmo/transport/laws.hpp"
#include "transport/fixture.hpp"

namespace kolmo::transport::testing {
namespace {

using Carried = LimitedAdvection<Uniform>;

template <int Dim, class Law>
Flux<Dim, Law> make_flux(Law law, const Setting<Dim>& s) {
  return Flux<Dim, Law>(law, s.boundary);
}

TEST(Limiter, IncrementStaysBetweenNeighboursAndVanishesAtExtrema) {
  EXPECT_EQ(limited_increment(-1.0, 1.0, 1.0, 1.0, 1.0), 0.0);
  EXPECT_EQ(limited_increment(0.0, 1.0, 1.0, 1.0, 1.0), 0.0);
  EXPECT_EQ(limited_increment(0.0, 0.0, 1.0, 1.0, 1.0), 0.0);
  EXPECT_DOUBLE_EQ(limited_increment(1.0, 1.0, 1.0, 1.0, 1.0), 0.5);
  EXPECT_DOUBLE_EQ(limited_increment(-1.0, -1.0, 1.0, 1.0, 1.0), -0.5);
  EXPECT_DOUBLE_EQ(limited_increment(0.25, 2.0, 1.0, 2.0, 3.0), 0.25) << "cut to the smaller difference";
  EXPECT_DOUBLE_EQ(limited_increment(1.0, 1.5, 1.0, 1.0, 1.0), 2.0 / 3.0);
}

// A third-order step that keeps the bounds of forward Euler (Shu & Osher 1988).
template <int Dim, class Law>
void step(Setting<Dim>& s, Flux<Dim, Law>& flux, Field<Dim>& start, double dt) {
  start.copy_from(s.q);
  const double old_part[] = {0.0, 0.75, 1.0 / 3.0};
  for (const double a : old_part) {
    flux.apply(s.q, s.rate);
    for_each<Dim>(s.volumes->box(),
                  [&](const Index<Dim>& i) { s.q(i) = a * start(i) + (1.0 - a) * (s.q(i) + dt * s.rate(i)); });
    s.refresh();
  }
}

double error_after_a_period(int n, double velocity) {
  Setting<1> s(Grid<1>({Axis::uniform(0.0, 1.0, n, true)}), Rules<1>{}, Location::cells(), {}, 2);
  const auto mean = [&](int i) {  // of 1 + sin(2 pi x) over cell i
    const auto primitive = [](double x) { return x - std::cos(2.0 * M_PI * x) / (2.0 * M_PI); };
    return (primitive(s.grid.axis(0).node(i + 1)) - primitive(s.grid.axis(0).node(i))) * n;
  };
  s.set([&](const Index<1>& i) { return mean(i[0]); });
  auto flux = make_flux(Carried{{velocity}}, s);
  Field<1> start(s.q.layout());
  const int steps = 3 * n;
  for (int k = 0; k < steps; ++k) step(s, flux, start, 1.0 / std::abs(velocity) / steps);
  for_each<1>(s.volumes->box(),
              [&](const Index<1>& i) { s.rate(i) = std::abs(s.q(i) - mean(s.volumes->global(i)[0])); });
  return s.volumes->integral(s.rate);
}

TEST(Limiter, IsOfSecondOrderInTheMean) {
  for (const double velocity : {1.0, -1.0}) {
    const double coarse = error_after_a_period(32, velocity), fine = error_after_a_period(64, velocity);
    EXPECT_GT(std::log2(coarse / fine), 1.8) << "velocity " << velocity << ": " << coarse << " " << fine;
    EXPECT_LT(fine, 5e-3);
  }
}

TEST(Limiter, TotalVariationDoesNotGrow) {
  for (const double velocity : {1.0, -1.0}) {
    Setting<1> s(random_grid<1>({60}, {true}, 5), Rules<1>{}, Location::cells(), {}, 2);
    s.set([](const Index<1>& i) { return i[0] > 10 && i[0] < 30 ? 1.0 : i[0] == 40 ? 0.5 : 0.0; });
    auto flux = make_flux(Carried{{velocity}}, s);
    const double dt = 0.5 * s.grid.min_width(), mass = s.volumes->integral(s.q);
    const auto variation = [&] {
      double sum = 0.0;
      for_each<1>(s.volumes->box(), [&](const Index<1>& i) { sum += std::abs(s.q(i) - s.q({i[0] - 1})); });
      return s.volumes->comm().sum(sum);
    };
    double before = variation();
    EXPECT_DOUBLE_EQ(before, 3.0);
    for (int k = 0; k < 150; ++k) {
      flux.apply(s.q, s.rate);
      for_each<1>(s.volumes->box(), [&](const Index<1>& i) {
        s.q(i) += dt * s.rate(i);
        EXPECT_TRUE(s.q(i) >= -1e-14 && s.q(i) <= 1.0 + 1e-14) << s.q(i);
      });
      s.refresh();
      const double now = variation();
      EXPECT_LE(now, before + 1e-13);
      before = now;
    }
    EXPECT_NEAR(s.volumes->integral(s.q), mass, 1e-13 * mass);
  }
}

// With boundaries on all sides and cuts anywhere: the same numbers as on one rank, and nothing lost.
template <int Dim>
void check_cuts(Index<Dim> cells, bool thin = false) {
  for (int c = 0; c < case_count; ++c) {
    SCOPED_TRACE(::testing::Message() << "boundary case " << c);
    const Grid<Dim> grid = random_grid<Dim>(cells, periodic_of_case<Dim>(c), 11);
    Setting<Dim> s(grid, rules_of_case<Dim>(c), Location::cells(), {}, 2);
    Setting<Dim> whole(grid, rules_of_case<Dim>(c), Location::cells(), {}, 2, Communicator(MPI_COMM_SELF));
    const LimitedScalar<Dim> law{{{s.faces()}}, {{0.02}}}, whole_law{{{whole.faces()}}, {{0.02}}};
    s.boundary->update(0.1);
    whole.boundary->update(0.1);
    if (thin) s.widen(2);
    auto flux = make_flux(law, s), whole_flux = make_flux(whole_law, whole);
    flux.apply(s.q, s.rate);
    whole_flux.apply(whole.q, whole.rate);
    const double scale = largest(*whole.volumes, whole.rate);
    for_each<Dim>(s.volumes->box(),
                  [&](const Index<Dim>& i) { EXPECT_NEAR(s.rate(i), whole.rate(s.cells_global(i)), 1e-14 * scale); });
    EXPECT_NEAR(s.volumes->integral(s.rate), total_boundary_flux(flux, s.q), 1e-12 * scale * grid.volume());
  }
}

TEST(Limiter, DoesNotDependOnCuts1) { check_cuts<1>({9}); }
TEST(Limiter, DoesNotDependOnCuts2) { check_cuts<2>({8, 9}); }
TEST(Limiter, DoesNotDependOnCuts3) { check_cuts<3>({5, 4, 8}); }

TEST(Limiter, WorksOnPartsOneCellThin) {
  const int n = Communicator().size();
  check_cuts<1>({n}, true);
  check_cuts<2>({5, n}, true);
  Rules<1> rules;
  rules[0] = {Rule<1>::no_flux(), Rule<1>::no_flux()};
  Setting<1> s(random_grid<1>({n}, {false}, 1), rules, Location::cells(), {}, 2);
  auto flux = make_flux(Carried{{1.0}}, s);
  const bool low = s.cells.at_boundary(0, Side::low), high = s.cells.at_boundary(0, Side::high);
  const Field<1> bare(Layout<1>(s.cells.extent(), {{low ? 0 : 2}, {high ? 0 : 2}}));
  if (n > 1 && (low || high))
    EXPECT_THROW(flux.apply(bare, s.rate), InternalError) << "a neighbour needs the ghosts beyond the boundary";
  else
    EXPECT_NO_THROW(flux.apply(bare, s.rate));
}

}  // namespace
}  // namespace kolmo::transport::testing
