#include "kolmo/transport/boundary.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "kolmo/transport/laws.hpp"
#include "transport/fixture.hpp"

namespace {
std::atomic<long> allocations{0};
}
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace kolmo::transport::testing {
namespace {

using R = Rule<2>;

Rules<2> walls(R rule) { return {{{rule, rule}, {rule, rule}}}; }

double linear(const Point<2>& x, double) { return 1.0 + 2.0 * x[0] - 3.0 * x[1]; }

// The derivative along the outward normal of `linear` on each side.
Rules<2> linear_gradients() {
  return {{{R::fixed_gradient(-2.0), R::fixed_gradient(2.0)}, {R::fixed_gradient(3.0), R::fixed_gradient(-3.0)}}};
}
Rules<2> linear_robin() {
  const auto side = [](double alpha, double beta, double normal) {
    return R::robin(alpha, beta, [=](const Point<2>& x, double t) { return alpha * linear(x, t) + beta * normal; });
  };
  return {{{side(0.4, 2.0, -2.0), side(1.0, 0.3, 2.0)}, {side(-0.2, 1.0, 3.0), side(2.0, 0.1, -3.0)}}};
}

// A linear profile makes no diffusive rate, whatever the stretching, the location and the rule that holds it.
TEST(BoundaryRules, HoldALinearProfile) {
  const Grid<2> grid = random_grid<2>({7, 6}, {false, false}, 21);
  for (const Location location : {Location::cells(), Location::faces(0), Location::faces(1)})
    for (const Rules<2>& rules : {walls(R::fixed_value(linear)), linear_gradients(), linear_robin()}) {
      Setting<2> s(grid, rules, location);
      s.set([&](const Index<2>& i) { return linear(grid.point(i, location), 0.0); });
      s.boundary->update(0.0);
      Flux<2, Diffusion<>> flux({}, s.boundary);
      flux.apply(s.q, s.rate);
      EXPECT_LE(largest(*s.volumes, s.rate), 1e-11) << "location " << location.direction;
    }
}

// A face of the boundary that is unknown: half a control volume, and Robin rules that speak of the unknown itself.
TEST(BoundaryRules, HoldAProfileWhereTheBoundaryFaceIsUnknown) {
  const Grid<2> grid = random_grid<2>({6, 5}, {false, false}, 22);
  for (const Rules<2>& rules : {linear_gradients(), linear_robin()}) {
    Setting<2> s(grid, rules, Location::faces(1), {.low = true, .high = true});
    EXPECT_EQ(s.volumes->unknowns().cells(), (Index<2>{6, 6}));
    s.set([&](const Index<2>& i) { return linear(grid.point(i, Location::faces(1)), 0.0); });
    s.boundary->update(0.0);
    Flux<2, Diffusion<>> flux({}, s.boundary);
    flux.apply(s.q, s.rate);
    EXPECT_LE(largest(*s.volumes, s.rate), 1e-11);
    for_each<2>(s.volumes->box(), [&](const Index<2>& i) { s.q(i) = 1.0; });
    EXPECT_NEAR(s.volumes->integral(s.q), grid.volume(), 1e-13);
  }
}

TEST(BoundaryRules, GivenFluxesAreTheBudget) {
  const Grid<2> grid = random_grid<2>({7, 6}, {false, false}, 23);
  const auto into = [](const Point<2>& x, double t) { return x[0] + 10.0 * x[1] * x[1] + t; };
  const double time = 0.7;
  for (const bool diffusive : {false, true}) {
    Setting<2> s(grid, walls(diffusive ? R::diffusive_flux(into) : R::fixed_flux(into)));
    s.boundary->update(time);
    Flux<2, Diffusion<>> flux({{0.3}}, s.boundary);
    flux.apply(s.q, s.rate);
    double given = 0.0;
    for (int d = 0; d < 2; ++d)
      for (const int node : {0, grid.axis(d).cells()}) {
        double side = 0.0;
        for (int j = 0; j < grid.axis(1 - d).cells(); ++j) {
          Point<2> x;
          x[d] = grid.axis(d).node(node);
          x[1 - d] = grid.axis(1 - d).centre(j);
          side += into(x, time) * grid.axis(1 - d).width(j);
        }
        EXPECT_NEAR(flux.boundary_flux(s.q, d, node == 0 ? Side::low : Side::high), side, 1e-12);
        given += side;
      }
    EXPECT_NEAR(s.volumes->integral(s.rate), given, 1e-11);
  }
}

// No-flux is exactly nothing, advection towards the wall or not.
TEST(BoundaryRules, NoFluxIsExactlyZero) {
  Setting<2> s(random_grid<2>({7, 6}, {false, false}, 24), walls(R::no_flux()));
  Flux<2, CentralScalar<2>> flux({{{s.faces()}}, {{0.1}}}, s.boundary);
  for (int d = 0; d < 2; ++d)
    for (const Side side : both_sides) EXPECT_EQ(flux.boundary_flux(s.q, d, side), 0.0);
  Setting<2> t(s.grid, walls(R::zero_gradient()));
  Flux<2, Diffusion<>> diffusion({{0.1}}, t.boundary);
  EXPECT_EQ(total_boundary_flux(diffusion, t.q), 0.0) << "diffusion over a zero gradient";
}

// What enters through an inlet is velocity times the given value, and what leaves takes its own value along, central or
// upwind.
template <class Advection>
void inlet_and_outlet() {
  const double inlet = 3.5, speed = 0.8;
  Rules<1> rules;
  rules[0] = {Rule<1>::fixed_value(inlet), Rule<1>::outflow()};
  Setting<1> s(random_grid<1>({9}, {false}, 25), rules, Location::cells(), {}, 2);
  Flux<1, Advection> flux({{speed}}, s.boundary);
  EXPECT_NEAR(flux.boundary_flux(s.q, 0, Side::low), speed * inlet, 1e-15);
  EXPECT_NEAR(flux.boundary_flux(s.q, 0, Side::high), -speed * noise<1>(17, {8}), 1e-15);
}
TEST(BoundaryRules, InletAndOutletCarryTheirValues) {
  inlet_and_outlet<CentralAdvection<Uniform>>();
  inlet_and_outlet<UpwindAdvection<Uniform>>();
  inlet_and_outlet<LimitedAdvection<Uniform>>();
}

TEST(BoundaryRules, FunctionsAreCalledOncePerStageAndSteadyOnesOnce) {
  int varying = 0, steady = 0;
  const auto count = [](int& counter) {
    return [&counter](const Point<2>&, double t) {
      ++counter;
      return t;
    };
  };
  Rules<2> rules = walls(R::no_flux());
  rules[0][0] = R::fixed_value(count(varying));
  rules[1][1] = R::fixed_value({count(steady), false});
  Setting<2> s(random_grid<2>({5, 6}, {false, false}, 26), rules);
  for (const double t : {1.0, 2.0, 3.0}) s.boundary->update(t);
  const Communicator comm;
  EXPECT_EQ(comm.sum(std::int64_t{varying}), 3 * 6);
  EXPECT_EQ(comm.sum(std::int64_t{steady}), 5);
  if (s.boundary->slab(0, Side::low).present) {
    for (const double v : s.boundary->slab(0, Side::low).data) EXPECT_EQ(v, 3.0);
  }
  EXPECT_TRUE(s.boundary->slab(0, Side::high).data.empty()) << "a constant needs no array";
}

TEST(BoundaryRules, AStageAllocatesNothing) {
  Setting<2> s(random_grid<2>({7, 8}, {false, false}, 32), walls(R::fixed_value(linear)), Location::cells(), {}, 2);
  Flux<2, LimitedScalar<2>> flux({{{s.faces()}}, {{0.1}}}, s.boundary);
  const long before = allocations;
  s.boundary->update(1.0);
  s.boundary->fill_ghosts(s.q);
  flux.apply(s.q, s.rate, 0.1, 1.0);
  flux.add_constants(s.rate);
  EXPECT_EQ(allocations, before);
}

TEST(BoundaryRules, GhostsContinueTheField) {
  const Grid<2> grid = random_grid<2>({7, 6}, {false, false}, 27);
  for (const Location location : {Location::cells(), Location::faces(0), Location::faces(1)}) {
    Setting<2> s(grid, walls(R::fixed_value(linear)), location);
    s.boundary->update(0.0);
    Field<2> q(Layout<2>(s.cells.extent(), Ghosts<2>::uniform(1, 2)), location);
    for_each<2>(s.volumes->box(), [&](const Index<2>& i) { q(i) = linear(s.volumes->position(i), 0.0); });
    s.boundary->fill_ghosts(q);
    for (int d = 0; d < 2; ++d)
      for (const Side side : both_sides) {
        if (!s.boundary->slab(d, side).present) continue;
        for_each<2>(s.boundary->inside_box(d, side), [&](Index<2> i) {
          i[d] += side == Side::low ? -1 : 1;
          EXPECT_NEAR(q(i), linear(grid.point(s.cells_global(i), location), 0.0), 1e-13);
        });
      }
  }
}

TEST(BoundaryRules, ThatDoNotFitAreRefused) {
  const Grid<2> grid = random_grid<2>({7, 6}, {true, false}, 28);
  Rules<2> none, everywhere = walls(R::no_flux()), value, good;
  value[1] = {R::fixed_value(1.0), R::no_flux()};
  good[1] = {R::no_flux(), R::no_flux()};
  EXPECT_THROW(Setting<2>(grid, none), InternalError);
  EXPECT_THROW(Setting<2>(grid, everywhere), InternalError);
  EXPECT_THROW(Setting<2>(grid, value, Location::faces(1), {.low = true}), InternalError);
  EXPECT_NO_THROW(Setting<2>(grid, good));
}

TEST(ControlVolumes, AsksForTheGhostsItReads) {
  Rules<2> rules;
  rules[1] = {R::no_flux(), R::no_flux()};
  Setting<2> s(random_grid<2>({7, 6}, {true, false}, 29), rules);
  const Layout<2> bare(s.cells.extent(), Ghosts<2>::uniform(0, 0));
  EXPECT_THROW(s.volumes->require_ghosts(bare, 1), InternalError);
  EXPECT_THROW(s.volumes->require_ghosts(s.q.layout(), 2), InternalError);
  EXPECT_NO_THROW(s.volumes->require_ghosts(s.q.layout(), 1));
}

// Central advection by a discretely divergence-free velocity conserves the mean square on any stretching.
TEST(CentralAdvection, ConservesTheSquare) {
  const Grid<2> grid = random_grid<2>({7, 6}, {true, false}, 30);
  Rules<2> rules;
  rules[1] = {R::no_flux(), R::no_flux()};
  Setting<2> s(grid, rules);
  const auto stream = [&](Index<2> i) {  // at nodes; zero on the walls
    if (i[1] <= 0 || i[1] >= 6) return 0.0;
    return noise<2>(31, wrapped<2>(grid, i));
  };
  for (int d = 0; d < 2; ++d)
    for_each<2>(s.velocity[d].layout().padded(), [&](const Index<2>& i) {
      Index<2> g = s.cells_global(i), next = g;
      next[1 - d] += 1;
      const double area = grid.axis(1 - d).width(std::clamp(g[1 - d], -2, grid.axis(1 - d).cells() + 1));
      s.velocity[d](i) = (d == 0 ? 1.0 : -1.0) * (stream(next) - stream(g)) / area;
    });
  Flux<2, CentralAdvection<OnFaces<2>>> flux({{s.faces()}}, s.boundary);
  flux.apply(s.q, s.rate);
  double scale = largest(*s.volumes, s.rate) * grid.volume();
  for_each<2>(s.volumes->box(), [&](const Index<2>& i) { s.rate(i) *= s.q(i); });
  EXPECT_NEAR(s.volumes->integral(s.rate), 0.0, 1e-14 * scale);
}

}  // namespace
}  // namespace kolmo::transport::testing
