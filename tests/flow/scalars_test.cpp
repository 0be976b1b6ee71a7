#include "kolmo/flow/scalars.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "flow/cases.hpp"
#include "kolmo/base/error.hpp"

namespace kolmo::flow {
namespace {

using testing::axis;
using testing::box;
using testing::expression;
using testing::two_pi;
constexpr auto periodic = BoundaryType::periodic;
constexpr auto wall = BoundaryType::no_slip;
constexpr auto inlet = BoundaryType::inlet;

ScalarSettings scalar(const std::string& initial, double diffusivity, Advection advection = Advection::central) {
  ScalarSettings s;
  s.name = "temperature";
  s.initial = expression(initial);
  s.diffusivity = diffusivity;
  s.advection = advection;
  return s;
}

void set_all(ScalarSettings& s, ScalarBoundaryType type, const Expression& value) {
  for (auto& face : s.boundary) face.type = type, face.value = value;
}

/// A scalar on its own, in a velocity given by a function of component, place and time.
template <int Dim>
struct Carried {
  using Flow = std::function<double(int, const Point<Dim>&, double)>;
  Domain<Dim> domain;
  Scalars<Dim> scalars;
  Velocity<Dim> velocity;
  Flow flow;
  bool solenoidal;

  Carried(const Settings& settings, const Communicator& comm, Flow f = {}, bool divergence_free = true)
      : domain(settings, comm),
        scalars(settings, domain),
        velocity(domain.make_velocity()),
        flow(std::move(f)),
        solenoidal(divergence_free) {
    scalars.initialise(0.0);
    set_flow(0.0);
  }
  void set_flow(double t) {
    if (!flow) return;
    for (int c = 0; c < Dim; ++c)
      for_each<Dim>(domain.layout.padded(),
                    [&](const Index<Dim>& i) { velocity[c](i) = flow(c, domain.point(i, Location::faces(c)), t); });
  }
  void stage(Register in, Register out, double w0, Register base1, double w1, double k, double t, double t_out) {
    set_flow(t);
    scalars.advance({in, out, Register::u, w0, base1, w1, k, t, t_out, solenoidal}, velocity);
  }
  /// Third-order strong-stability-preserving Runge-Kutta (Shu & Osher 1988).
  void run(double end, int steps) {
    const double dt = end / steps;
    for (int n = 0; n < steps; ++n) {
      const double t = n * dt;
      stage(Register::u, Register::a, 1.0, Register::u, 0.0, dt, t, t + dt);
      stage(Register::a, Register::b, 0.75, Register::a, 0.25, 0.25 * dt, t + dt, t + 0.5 * dt);
      stage(Register::b, Register::u, 1.0 / 3.0, Register::b, 2.0 / 3.0, 2.0 / 3.0 * dt, t + 0.5 * dt, t + dt);
    }
  }
  Point<Dim> centre(const Index<Dim>& i) const { return domain.point(i, Location::cells()); }
  double volume(const Index<Dim>& i) const {
    double v = 1.0;
    for (int d = 0; d < Dim; ++d) v *= domain.grid.axis(d).width(i[d] + domain.origin()[d]);
    return v;
  }
  template <class F>
  double sum(F f) const {
    double total = 0.0;
    for_each<Dim>(domain.layout.interior(), [&](const Index<Dim>& i) { total += volume(i) * f(i); });
    return domain.comm().sum(total);
  }
  double mass() const {
    return sum([&](const Index<Dim>& i) { return scalars.field(0)(i); });
  }
  double error(const std::function<double(const Point<Dim>&)>& exact) const {
    const double squares = sum([&](const Index<Dim>& i) {
      const double e = scalars.field(0)(i) - exact(centre(i));
      return e * e;
    });
    return std::sqrt(squares / domain.grid.volume());
  }
  std::array<double, 2> range() const {
    double least = HUGE_VAL, largest = -HUGE_VAL;
    for_each<Dim>(domain.layout.interior(), [&](const Index<Dim>& i) {
      least = std::min(least, scalars.field(0)(i));
      largest = std::max(largest, scalars.field(0)(i));
    });
    return {domain.comm().min(least), domain.comm().max(largest)};
  }
};

double order(const std::function<double(int)>& error, int coarse) {
  return std::log2(error(coarse) / error(2 * coarse));
}

TEST(Scalars, DiffusionDecaysAtTheExactRateWithEveryBoundaryRule) {
  // x: fixed value that moves in time and fixed flux; y: adiabatic, stretched.
  const double D = 0.3;
  const auto error = [&](int n) {
    Settings settings = box({axis(0, 1, n, 1.0), axis(0, 1, n, 1.3)}, {wall, wall}, 0.1);
    ScalarSettings s = scalar("cos(x)*cos(pi*y)", D);
    s.boundary[0] = {ScalarBoundaryType::fixed_value, expression("cos(pi*y)*exp(-0.3*(1+pi^2)*t)")};
    // The flux into the domain through x = 1 is D dT/dx.
    s.boundary[1] = {ScalarBoundaryType::fixed_flux, expression("-0.3*sin(1)*cos(pi*y)*exp(-0.3*(1+pi^2)*t)")};
    settings.scalars = {s};
    Carried<2> c(settings, Communicator());
    c.run(0.2, 2 * n * n);
    const double decay = std::exp(-D * (1 + std::pow(std::numbers::pi, 2)) * 0.2);
    return c.error([&](const Point<2>& x) { return std::cos(x[0]) * std::cos(std::numbers::pi * x[1]) * decay; });
  };
  EXPECT_LT(error(16), 1e-3);
  EXPECT_GT(order(error, 8), 1.9);
}

// T = sin(x + 2y - t) carried by a vortex with a diffusivity that varies; the source is what is left over.
double vortex(int c, const Point<2>& x, double) {
  return c == 0 ? std::sin(x[0]) * std::cos(x[1]) : -std::cos(x[0]) * std::sin(x[1]);
}

double manufactured_error(int n, Advection advection) {
  Settings settings = box({axis(0, two_pi, n), axis(0, two_pi, n)}, {periodic, periodic}, 0.1);
  ScalarSettings s = scalar("sin(x+2*y)", 0.0, advection);
  s.diffusivity = expression("0.1*(2+sin(x)*cos(t))");
  s.source = expression(
      "cos(x+2*y-t)*(-1+sin(x)*cos(y)-2*cos(x)*sin(y))"
      "+0.5*(2+sin(x)*cos(t))*sin(x+2*y-t)-0.1*cos(x)*cos(t)*cos(x+2*y-t)");
  settings.scalars = {s};
  Carried<2> c(settings, Communicator(), vortex);
  c.run(0.5, 3 * n);
  return c.error([&](const Point<2>& x) { return std::sin(x[0] + 2 * x[1] - 0.5); });
}

TEST(Scalars, SecondOrderWithAdvectionVariableDiffusivityAndSource) {
  EXPECT_GT(order([](int n) { return manufactured_error(n, Advection::central); }, 16), 1.9);
  EXPECT_GT(order([](int n) { return manufactured_error(n, Advection::limited); }, 24), 1.6);  // clipped at extrema
}

TEST(Scalars, SecondOrderOnAStretchedGridInThreeDimensions) {
  // Uniform stream through a box: fixed values on every side, T = exp(x - y + z) with the source that keeps it.
  const auto error = [](int n) {
    Settings settings = box({axis(0, 1, n, 1.0), axis(0, 1, n), axis(0, 1, n, 1.4)}, {inlet, inlet, inlet}, 0.1);
    ScalarSettings s = scalar("exp(x-y+z)", 0.5);
    s.source = expression("exp(x-y+z)*(1.0+0.5+2.0-3*0.5)");
    set_all(s, ScalarBoundaryType::fixed_value, expression("exp(x-y+z)"));
    settings.scalars = {s};
    Carried<3> c(settings, Communicator(), [](int d, const Point<3>&, double) {
      return std::array{1.0, -0.5, 2.0}[d];
    });
    c.run(0.1, 3 * n * n);
    return c.error([](const Point<3>& x) { return std::exp(x[0] - x[1] + x[2]); });
  };
  EXPECT_GT(order(error, 8), 1.9);
}

TEST(Scalars, SecondOrderWhereFluidCrossesFacesWithAGivenFlux) {
  // Rotation and strain in a box: fluid enters and leaves through every side, two of which give the flux.
  const auto flow = [](int d, const Point<2>& x, double t) {
    return d == 0 ? std::cos(2 * x[0] + t) * std::sin(2 * x[1] + 1) : -std::sin(2 * x[0] + t) * std::cos(2 * x[1] + 1);
  };
  const std::string u = "cos(2*x+t)*sin(2*y+1)", v = "sin(2*x+t)*cos(2*y+1)", D = "0.05*(1+x*y)";
  // T = cos(x - 2 y - t), phase w: T_t = sin w, T_x = -sin w, T_y = 2 sin w, -lap T = 5 T.
  const std::string w = "(x-2*y-t)";
  const auto error = [&](int n, Advection advection, double strength) {
    Settings settings = box({axis(0, 1, n, strength), axis(0, 1, n, strength)}, {inlet, inlet}, 0.1);
    ScalarSettings s = scalar("cos(x-2*y)", 0.0, advection);
    s.diffusivity = expression(D);
    s.source = expression("sin" + w + "*(1-" + u + "-2*" + v + "+0.05*(y-2*x))+5*" + D + "*cos" + w);
    set_all(s, ScalarBoundaryType::fixed_value, expression("cos" + w));
    s.boundary[1] = {ScalarBoundaryType::fixed_flux, expression("-sin" + w + "*" + D)};
    s.boundary[2] = {ScalarBoundaryType::fixed_flux, expression("-2*sin" + w + "*" + D)};
    settings.scalars = {s};
    Carried<2> c(settings, Communicator(), flow, false);
    c.run(0.5, 12 * n);
    return c.error([](const Point<2>& x) { return std::cos(x[0] - 2 * x[1] - 0.5); });
  };
  for (const double strength : {0.0, 1.0}) {
    const auto central = [&](int n) { return error(n, Advection::central, strength); };
    EXPECT_LT(central(16), 3e-3);
    EXPECT_GT(order(central, 8), 1.85);
    EXPECT_GT(order(central, 16), 1.85);
  }
  EXPECT_GT(order([&](int n) { return error(n, Advection::limited, 0.0); }, 16), 1.7);
}

TEST(Scalars, AConstantStaysConstantInAnyVelocity) {
  const auto any = [](int c, const Point<3>& x, double t) { return std::sin(3 * x[0] + 5 * x[1] - 2 * x[2] + c + t); };
  for (Advection advection : {Advection::central, Advection::limited}) {
    Settings settings = box({axis(0, 1, 7, 1.2), axis(0, 2, 6), axis(0, 1, 8, 0.8)}, {inlet, periodic, inlet}, 0.1);
    settings.scalars = {scalar("3.5", 0.2, advection)};
    settings.scalars[0].boundary[0] = {ScalarBoundaryType::fixed_value, 3.5};
    settings.scalars[0].boundary[1] = {ScalarBoundaryType::outflow, 0.0};
    Carried<3> c(settings, Communicator(), any, false);
    c.run(0.05, 10);
    EXPECT_NEAR(c.range()[0], 3.5, 1e-13);
    EXPECT_NEAR(c.range()[1], 3.5, 1e-13);
  }
}

TEST(Scalars, MassIsConservedWherePeriodicOrClosed) {
  for (Advection advection : {Advection::central, Advection::limited}) {
    Settings settings = box({axis(0, two_pi, 12), axis(0, std::numbers::pi, 9, 1.5)}, {periodic, wall}, 0.1);
    settings.scalars = {scalar("2+sin(x)*cos(3*y)", 0.05, advection)};
    Carried<2> c(settings, Communicator(), vortex, false);
    c.solenoidal = true;
    const double before = c.mass();
    c.run(0.5, 40);
    EXPECT_NEAR(c.mass() / before, 1.0, 1e-13);
  }
}

TEST(Scalars, MassGrowsByWhatTheBoundariesAndTheSourceLetIn) {
  Settings settings = box({axis(0, 2, 6, 1.0), axis(0, 1, 5), axis(0, 1, 4)}, {wall, wall, periodic}, 0.1);
  ScalarSettings s = scalar("x", 0.4);
  s.source = expression("1+t");
  s.boundary[0] = {ScalarBoundaryType::fixed_flux, expression("3*t")};
  s.boundary[3] = {ScalarBoundaryType::fixed_flux, -0.5};
  settings.scalars = {s};
  Carried<3> c(settings, Communicator());
  const double before = c.mass();
  c.run(0.1, 8);
  // int (3 t * 1 - 0.5 * 2 + 2 (1 + t)) dt over [0, 0.1]
  EXPECT_NEAR(c.mass() - before, 0.5 * 3 * 0.01 - 0.1 + 2 * (0.1 + 0.005), 1e-13);
  EXPECT_NEAR(c.scalars.boundary_flux(0, 0, Side::low, c.velocity), 0.3, 1e-13);
  EXPECT_NEAR(c.scalars.boundary_flux(0, 1, Side::high, c.velocity), -1.0, 1e-13);
  EXPECT_EQ(c.scalars.boundary_flux(0, 1, Side::low, c.velocity), 0.0);
}

TEST(Scalars, WhatFlowsOutIsMissedByTheMass) {
  Settings settings = box({axis(0, 1, 16), axis(0, 1, 4)}, {inlet, wall}, 0.1);
  ScalarSettings s = scalar("1+x", 0.0);
  s.boundary[0] = {ScalarBoundaryType::fixed_value, 1.0};
  s.boundary[1] = {ScalarBoundaryType::outflow, 0.0};
  settings.scalars = {s};
  Carried<2> c(settings, Communicator(), [](int d, const Point<2>&, double) { return d == 0 ? 2.0 : 0.0; });
  const double before = c.mass(), k = 1e-3;
  const double in = c.scalars.boundary_flux(0, 0, Side::low, c.velocity);
  const double out = c.scalars.boundary_flux(0, 0, Side::high, c.velocity);
  EXPECT_NEAR(in, 2.0, 1e-13);
  EXPECT_NEAR(out, -2.0 * (2.0 - 1.0 / 32.0), 1e-13);  // the value of the last cell goes out
  c.stage(Register::u, Register::a, 1.0, Register::u, 0.0, k, 0.0, k);
  c.scalars.swap(Register::u, Register::a);
  EXPECT_NEAR((c.mass() - before) / k, in + out, 1e-11);
}

TEST(Scalars, WhatCrossesAFaceWithAGivenFluxHasTheValueThere) {
  // T = 2 x, D dT/dn known on both sides; stream 0.5 along x. The exponential profile to the last digits on the way
  // out.
  const double D = 0.1, h = 0.5 / 16;
  for (const Advection advection : {Advection::central, Advection::limited}) {
    Settings settings = box({axis(0, 1, 16), axis(0, 1, 4)}, {inlet, wall}, 0.1);
    ScalarSettings s = scalar("2*x", D, advection);
    s.boundary[0] = {ScalarBoundaryType::fixed_flux, -2.0 * D};
    s.boundary[1] = {ScalarBoundaryType::fixed_flux, expression("0.2*(1+t)")};
    settings.scalars = {s};
    Carried<2> c(settings, Communicator(), [](int d, const Point<2>&, double) { return d == 0 ? 0.5 : 0.0; });
    const double in = c.scalars.boundary_flux(0, 0, Side::low, c.velocity);
    const double out = c.scalars.boundary_flux(0, 0, Side::high, c.velocity);
    EXPECT_NEAR(in, -2.0 * D, 1e-14);  // what enters has T = 0
    EXPECT_NEAR(out, 0.2 - 0.5 * (2.0 - 2.0 * h + 0.2 / 0.5 * (1.0 - std::exp(-0.5 * h / D))), 1e-14);
    const double before = c.mass(), k = 1e-3;
    c.stage(Register::u, Register::a, 1.0, Register::u, 0.0, k, 0.0, k);
    c.scalars.swap(Register::u, Register::a);
    EXPECT_NEAR((c.mass() - before) / k, in + out, 1e-11);
  }
}

TEST(Scalars, HeatGivenWhereFluidLeavesLeavesWithIt) {
  // D so small that the layer at the outlet is far thinner than a cell: what is let in goes out again, and no more.
  Settings settings = box({axis(0, 1, 16), axis(0, 1, 4)}, {inlet, wall}, 0.1);
  ScalarSettings s = scalar("1", 1e-6, Advection::limited);
  s.boundary[0] = {ScalarBoundaryType::fixed_value, 1.0};
  s.boundary[1] = {ScalarBoundaryType::fixed_flux, 0.3};
  settings.scalars = {s};
  Carried<2> c(settings, Communicator(), [](int d, const Point<2>&, double) { return d == 0 ? 2.0 : 0.0; });
  EXPECT_NEAR(c.scalars.boundary_flux(0, 0, Side::high, c.velocity), -2.0, 1e-13);
  c.run(0.5, 40);
  EXPECT_NEAR(c.range()[0], 1.0, 1e-12);
  EXPECT_NEAR(c.range()[1], 1.0, 1e-12);
}

TEST(Scalars, DiffusivityThatTurnsNegativeEndsTheRun) {
  for (const char* diffusivity :
       {"1-t", "t>1 && y<0.2 ? 1-t : 1", "t>1 && x==1 ? 1-t : x", "t>1 && x>0.9 ? sqrt(1-t) : 1"}) {
    Settings settings = box({axis(0, 1, 8), axis(0, 1, 8)}, {wall, periodic}, 0.1);
    settings.scalars = {scalar("x", 0.1), scalar("x", 0.1)};
    settings.scalars[1].name = "dye";
    settings.scalars[1].diffusivity = expression(diffusivity);
    Carried<2> c(settings, Communicator());
    c.stage(Register::u, Register::a, 1.0, Register::u, 0.0, 0.01, 0.5, 0.51);
    try {
      c.stage(Register::u, Register::a, 1.0, Register::u, 0.0, 0.01, 1.5, 1.51);
      ADD_FAILURE() << diffusivity;
    } catch (const NumericsError& e) {
      EXPECT_EQ(std::string(e.what()).find("scalars.dye.diffusivity is "), 0u) << e.what();
      EXPECT_NE(std::string(e.what()).find("t = 1.5: must be "), std::string::npos) << e.what();
    }
    if (std::string(diffusivity).find("x==1") != std::string::npos) continue;  // not seen by cells
    EXPECT_NO_THROW(c.scalars.max_diffusivity(0.5));
    EXPECT_THROW(c.scalars.max_diffusivity(1.5), NumericsError);
  }
}

TEST(Scalars, LimitedAdvectionMakesNoNewExtrema) {
  Settings settings = box({axis(0, 1, 40), axis(0, 1, 8)}, {periodic, periodic}, 0.1);
  const auto stream = [](int d, const Point<2>&, double) { return d == 0 ? 1.0 : 0.0; };
  settings.scalars = {scalar("abs(x-0.5)<0.2 ? 1 : 0", 0.0, Advection::limited)};
  Carried<2> limited(settings, Communicator(), stream);
  limited.run(1.0, 100);
  EXPECT_GT(limited.range()[0], -1e-14);
  EXPECT_LT(limited.range()[1], 1.0 + 1e-14);
  EXPECT_GT(limited.range()[1], 0.95);  // and the plateau is still there after one turn
  settings.scalars[0].advection = Advection::central;
  Carried<2> central(settings, Communicator(), stream);
  central.run(1.0, 100);
  EXPECT_GT(central.range()[1], 1.1);
}

TEST(Scalars, SeveralScalarsKeepToThemselves) {
  Settings settings = box({axis(0, two_pi, 12), axis(0, two_pi, 10)}, {periodic, periodic}, 0.1);
  settings.scalars = {scalar("sin(x)", 0.1), scalar("cos(y)", 0.2, Advection::limited)};
  settings.scalars[1].name = "dye";
  Carried<2> both(settings, Communicator(), vortex);
  both.run(0.2, 4);
  EXPECT_EQ(both.scalars.count(), 2);
  EXPECT_EQ(both.scalars.name(1), "dye");
  EXPECT_DOUBLE_EQ(both.scalars.max_diffusivity(0.0), 0.2);
  for (int s = 0; s < 2; ++s) {
    Settings one = settings;
    one.scalars = {settings.scalars[s]};
    Carried<2> alone(one, Communicator(), vortex);
    alone.run(0.2, 4);
    for_each<2>(both.domain.layout.interior(),
                [&](const Index<2>& i) { EXPECT_NEAR(both.scalars.field(s)(i), alone.scalars.field(0)(i), 1e-15); });
  }
}

TEST(Scalars, TheSameOnAnyNumberOfRanks) {
  for (Advection advection : {Advection::central, Advection::limited}) {
    Settings settings = box({axis(0, 1, 9, 1.0), axis(0, two_pi, 8), axis(0, 1, 8)}, {inlet, periodic, wall}, 0.1);
    ScalarSettings s = scalar("sin(3*x)*cos(y)*z", 0.02, advection);
    s.diffusivity = expression("0.02*(1+x*z)");
    s.source = expression("x*t");
    s.boundary[0] = {ScalarBoundaryType::fixed_value, expression("cos(y)*t")};
    s.boundary[1] = {ScalarBoundaryType::outflow, 0.0};
    s.boundary[4] = {ScalarBoundaryType::fixed_flux, expression("x*sin(y)")};
    settings.scalars = {s};
    const auto flow = [](int c, const Point<3>& x, double t) { return std::sin(2 * x[c] + x[(c + 1) % 3] + t); };
    // On the grid the velocity of the periodic axis must itself be periodic.
    const auto wrapped = [&](int c, Point<3> x, double t) {
      x[1] = std::remainder(x[1], two_pi);
      if (std::abs(x[1] + two_pi / 2) < 1e-9) x[1] = two_pi / 2;
      return flow(c, x, t);
    };
    Carried<3> many(settings, Communicator(), wrapped, false),
        one(settings, Communicator(MPI_COMM_SELF), wrapped, false);
    many.run(0.1, 6);
    one.run(0.1, 6);
    double worst = 0.0;
    for_each<3>(many.domain.layout.interior(), [&](const Index<3>& i) {
      Index<3> g = i;
      for (int d = 0; d < 3; ++d) g[d] += many.domain.origin()[d];
      worst = std::max(worst, std::abs(many.scalars.field(0)(i) - one.scalars.field(0)(g)));
    });
    EXPECT_LT(worst, 1e-14);
  }
}

TEST(Scalars, BuoyancyPushesWhatIsLightUpwards) {
  Settings settings = box({axis(0, 1, 5), axis(0, 1, 6)}, {periodic, wall}, 0.1);
  settings.force.gravity = {0.0, -10.0, 0.0};
  ScalarSettings s = scalar("20+30*y", 0.1);
  s.expansion = 0.003;
  s.reference = 25.0;
  s.boundary[2] = {ScalarBoundaryType::fixed_value, 20.0};
  s.boundary[3] = {ScalarBoundaryType::fixed_value, 50.0};
  settings.scalars = {s};
  Carried<2> c(settings, Communicator());
  EXPECT_TRUE(c.scalars.buoyant());
  Velocity<2> force = c.domain.make_velocity();
  c.scalars.add_buoyancy(force, 2.0, Register::u);
  Box<2> faces = c.domain.layout.interior();
  faces.end[1] += c.domain.at_boundary(1, Side::high) ? 1 : 0;
  for_each<2>(faces, [&](const Index<2>& i) {
    const double y = c.domain.point(i, Location::faces(1))[1];
    EXPECT_NEAR(force[1](i), 2.0 * 0.003 * 10.0 * (20 + 30 * y - 25), 1e-13);
  });
  for_each<2>(c.domain.layout.interior(), [&](const Index<2>& i) { EXPECT_EQ(force[0](i), 0.0); });
}

TEST(Scalars, BuoyantWorkIsTakenFromThePotentialEnergyToRoundOff) {
  Settings settings = box({axis(0, two_pi, 8), axis(0, std::numbers::pi, 11, 1.6)}, {periodic, wall}, 0.1);
  settings.force.gravity = {0.0, -2.0, 0.0};
  settings.scalars = {scalar("cos(2*y)+cos(x)*y", 0.0)};
  settings.scalars[0].expansion = 0.5;
  Carried<2> c(settings, Communicator(), vortex);
  Velocity<2> force = c.domain.make_velocity();
  c.scalars.add_buoyancy(force, 1.0, Register::u);
  double work = 0.0;
  for_each<2>(c.domain.layout.interior(), [&](const Index<2>& i) {
    const double w = c.domain.grid.axis(0).width(i[0] + c.domain.origin()[0]);
    work += w * c.domain.grid.axis(1).distance(i[1] + c.domain.origin()[1]) * force[1](i) * c.velocity[1](i);
  });
  work = c.domain.comm().sum(work);
  const auto potential = [&](Register r) {
    return c.sum([&](const Index<2>& i) { return -0.5 * 2.0 * c.centre(i)[1] * c.scalars.field(0, r)(i); });
  };
  c.stage(Register::u, Register::a, 1.0, Register::u, 0.0, 1.0, 0.0, 0.0);
  const double change = potential(Register::a) - potential(Register::u);
  EXPECT_GT(std::abs(work), 0.1);
  EXPECT_NEAR(work, -change, 1e-12);
}

TEST(Scalars, GhostsAtEdgesAgreeWithBothBoundaries) {
  Settings settings = box({axis(0, 1, 6), axis(0, 1, 5)}, {wall, wall}, 0.1);
  ScalarSettings s = scalar("1+2*x+3*y", 0.1);
  set_all(s, ScalarBoundaryType::fixed_value, expression("1+2*x+3*y"));
  settings.scalars = {s};
  Carried<2> c(settings, Communicator());
  const Field<2>& q = c.scalars.field(0);
  Box<2> box = c.domain.layout.interior();
  for (int d = 0; d < 2; ++d) {
    box.begin[d] -= c.domain.at_boundary(d, Side::low) ? 1 : 0;
    box.end[d] += c.domain.at_boundary(d, Side::high) ? 1 : 0;
  }
  for_each<2>(box, [&](const Index<2>& i) {
    const Point<2> x = c.centre(i);
    EXPECT_NEAR(q(i), 1 + 2 * x[0] + 3 * x[1], 1e-13);
  });
}

}  // namespace
}  // namespace kolmo::flow
