// A passive scalar in a frozen flow and a density with drift u and D = 2 kappa are the same equation, and the rooms
// flow and density the same core: they must give the same numbers.
#include <gtest/gtest.h>

#include "kolmo/density/grid_engine.hpp"
#include "kolmo/density/initial.hpp"
#include "kolmo/flow/scalars.hpp"

namespace kolmo {
namespace {

constexpr double kappa = 0.03, dt = 2e-3;
constexpr int steps = 25;
const char* const start = "exp(-6*((x-0.9)^2+(y-0.6)^2))+0.1*(1+sin(7*x)*cos(3*y))";

struct Flow {
  std::string u, v;
  bool walls = false;  // in y; x is periodic
};

std::vector<AxisSpec> axes(const Flow& flow) {
  std::vector<AxisSpec> result(2);
  result[0] = {.from = 0.0, .to = 2.0, .cells = 20, .nodes = {}, .periodic = true};
  result[1] = {.from = -0.5, .to = 1.5, .cells = 17, .nodes = {}, .periodic = !flow.walls};
  if (flow.walls) {
    result[1].spacing = Spacing::tanh;
    result[1].strength = 1.1;
  }
  return result;
}

flow::Settings flow_settings(const Flow& flow, bool limited) {
  flow::Settings s;
  s.dimension = 2;
  s.axes = axes(flow);
  for (int face = 0; face < 4; ++face)
    s.boundary[face].type = face >= 2 && flow.walls ? flow::BoundaryType::no_slip : flow::BoundaryType::periodic;
  flow::ScalarSettings scalar;
  scalar.name = "dye";
  scalar.diffusivity = kappa;
  scalar.initial = Expression(start, {});
  scalar.advection = limited ? flow::Advection::limited : flow::Advection::central;
  for (auto& face : scalar.boundary) face.type = flow::ScalarBoundaryType::adiabatic;
  s.scalars = {scalar};
  return s;
}

density::Settings density_settings(const Flow& flow, bool limited) {
  using namespace density;
  const Expression::Variables names{"x", "y", "t"};
  Problem::Definition d;
  d.variables = {"x", "y"};
  d.drift = {Expression(flow.u, {}, names), Expression(flow.v, {}, names)};
  d.kind = DiffusionKind::scalar;
  d.diffusion = {Expression(2.0 * kappa)};
  d.initial = expression_density(2, Expression(start, {}, names));
  density::Settings s;
  s.problem = Problem(std::move(d));
  s.axes = axes(flow);
  for (int face = 0; face < 4; ++face)
    s.boundary.push_back(
        {face >= 2 && flow.walls ? density::BoundaryType::no_flux : density::BoundaryType::periodic, {}});
  s.processes.assign(2, 0);
  s.flux = limited ? FluxKind::limited : FluxKind::central;
  s.time.scheme = Scheme::ssp_rk3;
  s.time.step = dt;
  s.time.end = 1.0;
  return s;
}

/// The third-order scheme of Shu and Osher, stage by stage.
void advance_scalar(flow::Scalars<2>& scalars, const flow::Velocity<2>& velocity) {
  using flow::Register;
  using Stage = flow::Scalars<2>::Stage;
  scalars.advance(Stage{.in = Register::u, .out = Register::a, .base0 = Register::u, .k = dt}, velocity);
  scalars.advance(Stage{.in = Register::a,
                        .out = Register::b,
                        .base0 = Register::a,
                        .w0 = 0.25,
                        .base1 = Register::u,
                        .w1 = 0.75,
                        .k = 0.25 * dt},
                  velocity);
  scalars.advance(Stage{.in = Register::b,
                        .out = Register::a,
                        .base0 = Register::b,
                        .w0 = 2.0 / 3.0,
                        .base1 = Register::u,
                        .w1 = 1.0 / 3.0,
                        .k = 2.0 / 3.0 * dt},
                  velocity);
  scalars.swap(Register::u, Register::a);
}

/// Largest difference after all steps, over the largest value.
double difference(const Flow& flow, bool limited) {
  const Communicator comm;
  const flow::Settings settings = flow_settings(flow, limited);
  const flow::Domain<2> domain(settings, comm);
  flow::Scalars<2> scalars(settings, domain);
  flow::Velocity<2> velocity = domain.make_velocity();
  const Expression u[2] = {Expression(flow.u, {}), Expression(flow.v, {})};
  for (int c = 0; c < 2; ++c)
    for_each<2>(domain.layout.padded(), [&](const Index<2>& i) {
      const Point<2> x = domain.point(i, Location::faces(c));
      velocity[c](i) = u[c](x[0], x[1], 0.0, 0.0);
    });
  scalars.initialise(0.0);

  density::GridEngine<2> engine(density_settings(flow, limited), comm);
  engine.initialise();
  EXPECT_EQ(engine.decomposition().owned(), domain.decomposition.owned());
  Field<2>& p = engine.density();
  for_each<2>(p.layout().interior(), [&](const Index<2>& i) { p(i) = scalars.field(0)(i); });
  engine.resume();
  for (int k = 0; k < steps; ++k) {
    advance_scalar(scalars, velocity);
    engine.step(dt);
  }
  double numbers[2] = {0.0, 0.0};
  for_each<2>(domain.layout.interior(), [&](const Index<2>& i) {
    numbers[0] = std::max(numbers[0], std::abs(engine.density()(i) - scalars.field(0)(i)));
    numbers[1] = std::max(numbers[1], std::abs(scalars.field(0)(i)));
  });
  comm.max(numbers, 2);
  EXPECT_GT(numbers[1], 0.1);
  return numbers[0] / numbers[1];
}

TEST(ScalarAndDensity, CentralFluxesInAPeriodicBox) {
  const Flow flow{"1+0.5*sin(pi*y)", "0.7*cos(pi*x)-0.2"};
  EXPECT_LE(difference(flow, false), 1e-13);
}

TEST(ScalarAndDensity, LimitedFluxesInAPeriodicBox) {
  const Flow flow{"1+0.5*sin(pi*y)", "0.7*cos(pi*x)-0.2"};
  EXPECT_LE(difference(flow, true), 1e-13);
}

TEST(ScalarAndDensity, BetweenWallsOnAStretchedGrid) {
  const Flow flow{"3*(y+0.5)*(1.5-y)", "0", true};
  EXPECT_LE(difference(flow, false), 1e-13);
  EXPECT_LE(difference(flow, true), 1e-13);
}

}  // namespace
}  // namespace kolmo
