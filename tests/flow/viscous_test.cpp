#include "kolmo/flow/viscous.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "flow/cases.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/flow/momentum.hpp"

namespace kolmo::flow {
namespace {

using testing::axis;
using testing::box;
using testing::expression;
using testing::two_pi;
constexpr auto periodic = BoundaryType::periodic;
constexpr auto wall = BoundaryType::no_slip;
constexpr auto inlet = BoundaryType::inlet;
constexpr auto open = BoundaryType::pressure;

template <int Dim>
using Function = std::function<double(int, const std::array<double, 3>&)>;

template <int Dim>
struct Fluid {
  Domain<Dim> domain;
  VelocityBoundary<Dim> boundary;
  VariableViscosity<Dim> viscosity;
  Velocity<Dim> u, force;

  Fluid(const Settings& settings, const Communicator& comm = Communicator())
      : domain(settings, comm),
        boundary(settings, domain),
        viscosity(settings, domain),
        u(domain.make_velocity()),
        force(domain.make_velocity()) {
    viscosity.set_time(0.0);
    boundary.set_time(0.0);
  }
  /// On the unknown faces; the rest from the boundary conditions.
  void set(const Function<Dim>& f) {
    for (int c = 0; c < Dim; ++c)
      for_each<Dim>(boundary.unknowns(c), [&](const Index<Dim>& i) { u[c](i) = f(c, place(c, i)); });
    boundary.apply(u);
  }
  /// Everywhere, ghosts too.
  void set_all(const Function<Dim>& f) {
    for (int c = 0; c < Dim; ++c)
      for_each<Dim>(domain.layout.padded(), [&](const Index<Dim>& i) { u[c](i) = f(c, place(c, i)); });
  }
  std::array<double, 3> place(int c, const Index<Dim>& i) const {
    return coordinates<Dim>(domain.point(i, Location::faces(c)));
  }
  double volume(int c, const Index<Dim>& i) const {
    double v = 1.0;
    for (int d = 0; d < Dim; ++d) {
      const Axis& a = domain.grid.axis(d);
      v *= d == c ? a.distance(i[d] + domain.origin()[d]) : a.width(i[d] + domain.origin()[d]);
    }
    return v;
  }
  template <class F>
  double sum(int c, F f) const {
    double total = 0.0;
    for_each<Dim>(boundary.unknowns(c), [&](const Index<Dim>& i) { total += volume(c, i) * f(i); });
    return domain.comm().sum(total);
  }
  double largest_force() const {
    double largest = 0.0;
    for (int c = 0; c < Dim; ++c)
      for_each<Dim>(boundary.unknowns(c),
                    [&](const Index<Dim>& i) { largest = std::max(largest, std::abs(force[c](i))); });
    return domain.comm().max(largest);
  }
};

Settings stretched(int n, std::vector<BoundaryType> types, const std::string& nu) {
  std::vector<AxisSpec> axes;
  for (std::size_t d = 0; d < types.size(); ++d)
    axes.push_back(types[d] == periodic ? axis(0, two_pi, n + static_cast<int>(d))
                                        : axis(0, 1, n + static_cast<int>(d), 0.8 + 0.3 * d));
  Settings settings = box(axes, types, 0.0);
  settings.fluid.viscosity = expression(nu);
  return settings;
}

// nu = 1 + x/2 + sin y, u = (sin x cos 2y, cos x y): force from the calculus.
double manufactured_error(int n) {
  Settings settings = stretched(n, {inlet, inlet}, "1+0.5*x+sin(y)");
  Fluid<2> fluid(settings);
  fluid.set_all(
      [](int c, const auto& x) { return c == 0 ? std::sin(x[0]) * std::cos(2 * x[1]) : std::cos(x[0]) * x[1]; });
  fluid.viscosity.add(fluid.boundary, fluid.u, fluid.force, 1.0);
  double squares = 0.0;
  for (int c = 0; c < 2; ++c)
    squares += fluid.sum(c, [&](const Index<2>& i) {
      const auto [x, y, z] = fluid.place(c, i);
      // The spacing has a kink at the walls, and with it the force an error of first order there.
      if (std::min({x, y, 1 - x, 1 - y}) < 0.15) return 0.0;
      const double nu = 1 + 0.5 * x + std::sin(y), nu_x = 0.5, nu_y = std::cos(y);
      const double s = std::sin(x), k = std::cos(x), c2 = std::cos(2 * y), s2 = std::sin(2 * y);
      const double u_x = k * c2, u_xx = -s * c2, u_y = -2 * s * s2, u_yy = -4 * s * c2, u_xy = -2 * k * s2;
      const double v_x = -s * y, v_xx = -k * y, v_y = k, v_xy = -s;
      const double exact = c == 0 ? 2 * nu_x * u_x + 2 * nu * u_xx + nu_y * (u_y + v_x) + nu * (u_yy + v_xy)
                                  : nu_x * (u_y + v_x) + nu * (u_xy + v_xx) + 2 * nu_y * v_y;
      const double e = fluid.force[c](i) - exact;
      return e * e;
    });
  return std::sqrt(squares);
}

TEST(VariableViscosity, SecondOrderOnAStretchedGrid) {
  EXPECT_LT(manufactured_error(32), 0.02);
  EXPECT_GT(std::log2(manufactured_error(32) / manufactured_error(64)), 1.9);
}

TEST(VariableViscosity, RigidRotationFeelsNoForce) {
  Settings settings = stretched(7, {inlet, inlet, inlet}, "1+x*y+exp(z)");
  Fluid<3> fluid(settings);
  // Omega x r with Omega = (1, -2, 0.5)
  fluid.set_all([](int c, const auto& r) {
    const std::array<double, 3> w{1.0, -2.0, 0.5};
    return w[(c + 1) % 3] * r[(c + 2) % 3] - w[(c + 2) % 3] * r[(c + 1) % 3];
  });
  fluid.viscosity.add(fluid.boundary, fluid.u, fluid.force, 1.0);
  EXPECT_LT(fluid.largest_force(), 1e-11);
  fluid.viscosity.add_transposed(fluid.boundary, fluid.u, fluid.force, 1.0);
  EXPECT_GT(fluid.largest_force(), 1e-2);  // div(nu grad u) alone would push
}

template <int Dim>
void expect_constant_term(std::vector<BoundaryType> types) {
  // An expression, so that the full form is used, though its value is the same everywhere.
  Settings settings = stretched(8, types, "0.7+0*x");
  Fluid<Dim> fluid(settings);
  ASSERT_TRUE(fluid.viscosity.active());
  // The discrete curl of a potential at the edges: divergence-free to round-off.
  const auto potential = [](const auto& x) { return std::sin(x[0]) * std::sin(x[1]) * x[1] * std::cos(x[2]); };
  fluid.set([&](int c, auto x) {
    if (c == 2) return 0.0;
    const int d = 1 - c;
    Index<Dim> i{};
    for (int e = 0; e < Dim; ++e) {  // index of the face from its place
      const Axis& a = fluid.domain.grid.axis(e);
      while ((e == c ? a.node(i[e]) : a.centre(i[e])) < x[e] - 1e-9) ++i[e];
    }
    const Axis& a = fluid.domain.grid.axis(d);
    auto low = x, high = x;
    low[d] = a.node(i[d]);
    high[d] = a.node(i[d] + 1);
    if (a.periodic() && i[d] + 1 == a.cells()) high[d] = a.node(0);
    return (c == 0 ? 1.0 : -1.0) * (potential(high) - potential(low)) / a.width(i[d]);
  });
  Momentum<Dim> momentum(fluid.domain);
  momentum.set_viscosity(0.7);
  momentum.set_convection(false);
  Velocity<Dim> constant = fluid.domain.make_velocity();
  Sweep<Dim> sweep{.in = &fluid.u, .out = &constant, .base0 = &fluid.u, .w0 = 0.0, .k = 2.0};
  momentum.sweep(sweep);
  fluid.viscosity.add(fluid.boundary, fluid.u, fluid.force, 2.0);
  double worst = 0.0, largest = 0.0;
  for (int c = 0; c < Dim; ++c)
    for_each<Dim>(fluid.boundary.unknowns(c), [&](const Index<Dim>& i) {
      // Next to a wall the mirrored ghosts are not divergence-free, and the two forms differ there.
      for (int d = 0; d < Dim; ++d)
        if (!fluid.domain.grid.axis(d).periodic() &&
            (i[d] + fluid.domain.origin()[d] < 1 ||
             i[d] + fluid.domain.origin()[d] >= fluid.domain.grid.axis(d).cells() - 1))
          return;
      worst = std::max(worst, std::abs(fluid.force[c](i) - constant[c](i)));
      largest = std::max(largest, std::abs(constant[c](i)));
    });
  EXPECT_GT(largest, 0.1);
  EXPECT_LT(worst, 1e-11 * largest * 100);
}

TEST(VariableViscosity, EqualsTheConstantTermOnADivergenceFreeField) {
  expect_constant_term<2>({periodic, periodic});
  expect_constant_term<2>({periodic, wall});
  expect_constant_term<3>({periodic, periodic, periodic});
}

double noise(int c, const std::array<double, 3>& x) {
  return std::sin(17 * x[0] + 29 * x[1] + 41 * x[2] + 3 * c) + std::cos(53 * x[0] - 31 * x[1] + 7 * x[2]);
}

// Noise that is periodic in all axes of length two pi.
double waves(int c, const std::array<double, 3>& x) {
  return std::sin(3 * x[0] + 2 * x[1] + x[2] + 3 * c) + std::cos(2 * x[0] - 3 * x[1] + 2 * x[2]);
}

TEST(VariableViscosity, TakesEnergyOutBetweenWalls) {
  for (int kind = 0; kind < 3; ++kind) {
    const BoundaryType y = kind == 0 ? periodic : kind == 1 ? wall : BoundaryType::free_slip;
    Settings settings = stretched(6, {y, y, y}, "0.01+(sin(x)+cos(y))^4");
    Fluid<3> fluid(settings);
    fluid.set([&](int c, const auto& x) { return kind == 0 ? waves(c, x) : noise(c, x); });
    fluid.viscosity.add(fluid.boundary, fluid.u, fluid.force, 1.0);
    double work = 0.0;
    for (int c = 0; c < 3; ++c)
      work += fluid.sum(c, [&](const Index<3>& i) { return fluid.u[c](i) * fluid.force[c](i); });
    EXPECT_LT(work, -1.0);
  }
}

TEST(VariableViscosity, ConservesMomentumWhereNothingBoundsTheFluid) {
  Settings settings = stretched(8, {periodic, periodic}, "1.5+sin(x)*cos(y)");
  Fluid<2> fluid(settings);
  fluid.set([](int c, const auto& x) { return waves(c, x); });
  fluid.viscosity.add(fluid.boundary, fluid.u, fluid.force, 1.0);
  EXPECT_GT(fluid.largest_force(), 1.0);
  for (int c = 0; c < 2; ++c)
    EXPECT_NEAR(fluid.sum(c, [&](const Index<2>& i) { return fluid.force[c](i); }), 0.0, 1e-11);
}

TEST(VariableViscosity, BoundaryEdgesSeeTheViscosityThere) {
  // sqrt(y) means nothing beyond the wall y = 0; simple shear u = y feels nu at the faces y: force = d(nu)/dy.
  Settings settings = box({axis(0, two_pi, 4), axis(0, 1, 8)}, {periodic, inlet}, 0.0);
  settings.fluid.viscosity = expression("2+0*sqrt(y)+y");
  Fluid<2> fluid(settings);
  fluid.set_all([](int c, const auto& x) { return c == 0 ? x[1] : 0.0; });
  fluid.viscosity.add(fluid.boundary, fluid.u, fluid.force, 1.0);
  for_each<2>(fluid.boundary.unknowns(0), [&](const Index<2>& i) { EXPECT_NEAR(fluid.force[0](i), 1.0, 1e-12); });
}

TEST(VariableViscosity, InletsBendTheProfile) {
  // u = 1 + y^2 between inlets, nu = 1 + y: force 2 nu + 2 y, exact for a parabola on equal cells only if the slope at
  // the inlet is that of the parabola.
  Settings settings = box({axis(0, two_pi, 4), axis(0, 1, 8)}, {periodic, inlet}, 0.0);
  settings.fluid.viscosity = expression("1+y");
  for (int face : {2, 3}) settings.boundary[face].velocity[0] = expression("1+y^2");
  Fluid<2> fluid(settings);
  fluid.set([](int c, const auto& x) { return c == 0 ? 1.0 + x[1] * x[1] : 0.0; });
  fluid.viscosity.add(fluid.boundary, fluid.u, fluid.force, 3.0);
  fluid.viscosity.add_inlet_bending(fluid.boundary, fluid.u, fluid.force, 3.0);
  for_each<2>(fluid.boundary.unknowns(0), [&](const Index<2>& i) {
    EXPECT_NEAR(fluid.force[0](i), 3.0 * (2.0 + 4.0 * fluid.place(0, i)[1]), 1e-11);
  });
}

TEST(VariableViscosity, UnknownFacesOnPressureBoundariesAreIncluded) {
  // Channel between pressure faces: u = u(y), nu = nu(y); the force does not depend on x, the end faces included.
  Settings settings = box({axis(0, 1, 6), axis(0, 1, 5, 1.0)}, {open, wall}, 0.0);
  settings.fluid.viscosity = expression("1+y");
  Fluid<2> fluid(settings);
  fluid.set([](int c, const auto& x) { return c == 0 ? x[1] * (1 - x[1]) : 0.0; });
  fluid.viscosity.add(fluid.boundary, fluid.u, fluid.force, 1.0);
  std::vector<double> profile(5, -HUGE_VAL);
  for_each<2>(fluid.boundary.unknowns(0), [&](const Index<2>& i) {
    double& p = profile[i[1] + fluid.domain.origin()[1]];
    p = std::max(p, fluid.force[0](i));
  });
  fluid.domain.comm().max(profile.data(), 5);
  double faces = 0.0;
  for_each<2>(fluid.boundary.unknowns(0), [&](const Index<2>& i) {
    EXPECT_NEAR(fluid.force[0](i), profile[i[1] + fluid.domain.origin()[1]], 1e-12);
    faces += 1;
  });
  EXPECT_EQ(fluid.domain.comm().sum(faces), 7 * 5);
  EXPECT_LT(profile[2], -1.0);
}

TEST(VariableViscosity, FollowsTheTimeAndTheRanks) {
  Settings settings = stretched(8, {periodic, wall, periodic}, "(1+t)*(2+sin(x)*y)");
  settings.fluid.density = 2.0;
  settings.fluid.viscosity_is_dynamic = true;
  Fluid<3> many(settings), one(settings, Communicator(MPI_COMM_SELF));
  for (Fluid<3>* f : {&many, &one}) {
    f->viscosity.set_time(3.0);
    f->set([](int c, const auto& x) { return waves(c, x); });
    f->viscosity.add(f->boundary, f->u, f->force, 1.0);
  }
  double worst = 0.0;
  for (int c = 0; c < 3; ++c)
    for_each<3>(many.boundary.unknowns(c), [&](const Index<3>& i) {
      Index<3> g = i;
      for (int d = 0; d < 3; ++d) g[d] += many.domain.origin()[d];
      worst = std::max(worst, std::abs(many.force[c](i) - one.force[c](g)));
    });
  EXPECT_LT(worst, 1e-12);
  const Index<3> first{};
  const auto x = coordinates<3>(many.domain.point(first, Location::cells()));
  EXPECT_DOUBLE_EQ(many.viscosity.at_cells()(first), 0.5 * 4.0 * (2 + std::sin(x[0]) * x[1]));
  EXPECT_NEAR(many.viscosity.max(1.0), one.viscosity.max(1.0), 1e-15);
  EXPECT_GT(many.viscosity.max(1.0), 2.0);
}

TEST(VariableViscosity, EndsTheRunWhereItIsNegativeOrNoNumber) {
  const auto said = [](const std::string& nu, double t) -> std::string {
    Settings settings = stretched(8, {wall, wall, periodic}, nu);
    settings.fluid.density = 2.0;
    settings.fluid.viscosity_is_dynamic = true;
    Fluid<3> fluid(settings);
    fluid.viscosity.set_time(0.0);
    try {
      fluid.viscosity.set_time(t);
    } catch (const NumericsError& e) {  // on every rank, wherever the place
      return e.what();
    }
    return "nothing";
  };
  EXPECT_EQ(said("t<1 || z<3 ? 0 : 1", 2.0), "nothing");
  EXPECT_EQ(said("2-t", 3.5).find("fluid.dynamic_viscosity is -1.5 at x = "), 0u);
  EXPECT_NE(said("2-t", 3.5).find("t = 3.5: must be >= 0"), std::string::npos);
  EXPECT_EQ(said("t>1 && z>2 ? sqrt(0-1) : 1", 2.0).find("fluid.dynamic_viscosity is "), 0u);
  EXPECT_NE(said("t>1 && z>2 ? sqrt(0-1) : 0-t", 2.0).find("nan at x = "), std::string::npos);
  EXPECT_NE(said("t>1 && x==0 ? 0-0.5 : 1", 2.0).find("is -0.5 at x = 0, "), std::string::npos);  // on the wall alone
}

TEST(VariableViscosity, DoesNothingForOneNumber) {
  Settings settings = stretched(4, {periodic, wall}, "0.3");
  Fluid<2> fluid(settings);
  EXPECT_FALSE(fluid.viscosity.active());
  fluid.set([](int c, const auto& x) { return waves(c, x); });
  fluid.viscosity.add(fluid.boundary, fluid.u, fluid.force, 1.0);
  EXPECT_EQ(fluid.largest_force(), 0.0);
  EXPECT_DOUBLE_EQ(fluid.viscosity.max(0.0), 0.3);
}

}  // namespace
}  // namespace kolmo::flow
