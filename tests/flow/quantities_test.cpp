#include "kolmo/flow/quantities.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "flow/cases.hpp"
#include "kolmo/flow/exact.hpp"

namespace kolmo::flow {
namespace {

using testing::axis;
using testing::box;
using testing::expression;
using testing::named;
using testing::two_pi;
constexpr auto periodic = BoundaryType::periodic;
constexpr auto wall = BoundaryType::no_slip;
constexpr double pi = std::numbers::pi;

/// A velocity that is set, with its boundary values, and what is measured of it.
template <int Dim>
struct Measured {
  Settings settings;
  Domain<Dim> domain;
  VelocityBoundary<Dim> boundary;
  VariableViscosity<Dim> variable;
  Momentum<Dim> momentum;
  Integrator<Dim> integrator;
  Velocity<Dim> u;
  double nu;

  Measured(const Settings& s, const FieldSettings& field)
      : settings(s),
        domain(settings, Communicator()),
        boundary(settings, domain),
        variable(settings, domain),
        momentum(domain),
        integrator(domain),
        u(domain.make_velocity()),
        nu(variable.active() ? 0.0 : settings.fluid.kinematic_viscosity(0, 0, 0, 0)) {
    set_velocity<Dim>(NamedField(field, settings), domain, 0.0, u);
    boundary.set_time(0.0);
    boundary.apply(u);
    variable.set_time(0.0);
  }
  Viscosity<Dim> viscosity() const { return {nu, variable.active() ? &variable.at_cells() : nullptr}; }
  Integrals<Dim> integrals() const { return integrator.evaluate(u, viscosity()); }

  double weight(int c, const Index<Dim>& i) const {
    double w = 1.0;
    for (int d = 0; d < Dim; ++d) {
      const Axis& a = domain.grid.axis(d);
      w *= d == c ? a.distance(i[d] + domain.origin()[d]) : a.width(i[d] + domain.origin()[d]);
    }
    return w;
  }
  /// The viscous acceleration of the momentum equation.
  Velocity<Dim> viscous() {
    Velocity<Dim> out = domain.make_velocity();
    momentum.set_viscosity(nu);
    momentum.set_convection(false);
    momentum.sweep({.in = &u, .out = &out, .base0 = &u, .w0 = 0.0, .k = 1.0});
    if (variable.active()) variable.add(boundary, u, out, 1.0);
    return out;
  }
  /// -mean of u . (viscous acceleration).
  double viscous_loss() {
    const Velocity<Dim> acceleration = viscous();
    double sum = 0.0;
    for (int c = 0; c < Dim; ++c)
      for_each<Dim>(boundary.unknowns(c),
                    [&](const Index<Dim>& i) { sum -= weight(c, i) * u[c](i) * acceleration[c](i); });
    return domain.comm().sum(sum) / domain.grid.volume();
  }
};

Settings periodic_box(int dim, int n, double nu) {
  std::vector<AxisSpec> axes;
  for (int d = 0; d < dim; ++d) axes.push_back(axis(0, two_pi, n + 2 * d));
  return box(axes, std::vector<BoundaryType>(dim, periodic), nu);
}

TEST(Integrals, OfTaylorGreenVorticesInThePlane) {
  Measured<2> m(periodic_box(2, 32, 0.1), named(FieldName::taylor_green, 2.0));
  const Integrals<2> i = m.integrals();
  // Midpoint sums of trigonometric functions are exact; differences are short by sin(h/2)/(h/2).
  EXPECT_NEAR(i.energy, 4.0 / 4, 1e-13);
  EXPECT_NEAR(i.enstrophy, 4.0 / 2, 4.0 / 2 * 0.004);
  EXPECT_NEAR(i.max_vorticity, 4.0, 4.0 * 0.01);
  EXPECT_EQ(i.helicity, 0.0);
  for (double v : i.bulk_velocity) EXPECT_NEAR(v, 0.0, 1e-15);
}

TEST(Integrals, OfTaylorGreenVorticesInSpace) {
  Measured<3> m(periodic_box(3, 24, 0.1), named(FieldName::taylor_green));
  const Integrals<3> i = m.integrals();
  EXPECT_NEAR(i.energy, 1.0 / 8, 1e-14);
  EXPECT_NEAR(i.enstrophy, 3.0 / 8, 3.0 / 8 * 0.01);
  EXPECT_NEAR(i.max_vorticity, 2.0, 0.1);
  EXPECT_NEAR(i.helicity, 0.0, 1e-14);
}

TEST(Integrals, HelicityOfABeltramiFlowIsTwiceItsEnergy) {
  FieldSettings abc = named(FieldName::abc);
  abc.coefficients = {1.0, 0.7, 0.43};
  Measured<3> m(periodic_box(3, 24, 0.1), abc);
  const double squares = 1.0 + 0.49 + 0.43 * 0.43;  // u = omega: mean |u|^2 = A^2 + B^2 + C^2
  EXPECT_NEAR(m.integrals().energy, 0.5 * squares, 1e-13);
  EXPECT_NEAR(m.integrals().helicity, squares, squares * 0.02);
  EXPECT_NEAR(m.integrals().enstrophy, 0.5 * squares, squares * 0.01);
}

// Makes a velocity discretely divergence-free.
template <int Dim>
void project(Measured<Dim>& m) {
  Projection<Dim> projection(m.settings, m.domain, m.boundary);
  Field<Dim> phi = m.domain.make_cells();
  Velocity<Dim> work = m.domain.make_velocity();
  m.boundary.set_pressure({});
  projection.project(m.u, 1.0, phi, work);
}

TEST(Integrals, DissipationIsTwiceTheViscosityTimesTheEnstrophyInAPeriodicBox) {
  for (double nu : {0.0, 0.3}) {
    Measured<3> m(periodic_box(3, 8, nu), named(FieldName::zero));
    FieldSettings noise = named(FieldName::expression);
    noise.velocity = {expression("sin(x+2*y)*cos(3*z)+y*(6.283185307179586-y)"), expression("cos(2*x-z)"),
                      expression("sin(3*x)*sin(y)")};
    set_velocity<3>(NamedField(noise, m.settings), m.domain, 0.0, m.u);
    m.boundary.apply(m.u);
    project(m);
    const Integrals<3> i = m.integrals();
    EXPECT_GT(i.enstrophy, 1.0);
    EXPECT_NEAR(i.dissipation, 2 * nu * i.enstrophy, 1e-13 * i.enstrophy);
    EXPECT_NEAR(i.dissipation, m.viscous_loss(), 1e-13 * i.enstrophy);
  }
}

TEST(Integrals, DissipationIsWhatTheMomentumEquationTakesBetweenWalls) {
  for (const char* nu : {"0.3", "0.3+x*y^2"})
    for (BoundaryType type : {wall, BoundaryType::free_slip}) {
      Settings s = box({axis(0, 1, 9, 1.2), axis(0, 2, 7, 0.8), axis(0, 1.5, 8)}, {type, type, periodic}, 0.0);
      s.fluid.viscosity = expression(nu);
      FieldSettings noise = named(FieldName::expression);
      noise.velocity = {expression("sin(3*x+2*y)*cos(4*pi*z/3)"), expression("cos(2*x)*exp(y)"),
                        expression("x*y*sin(4*pi*z/3)")};
      Measured<3> m(s, noise);
      const Integrals<3> i = m.integrals();
      EXPECT_GT(i.dissipation, 0.1);
      EXPECT_NEAR(i.dissipation, m.viscous_loss(), 1e-12 * i.dissipation);
    }
}

TEST(Integrals, StretchedBoxesAreWeightedByVolume) {
  const auto error = [](int n) {
    Settings s = box({axis(0, 1, n, 1.5), axis(0, 2, n, 1.0)}, {BoundaryType::inlet, BoundaryType::inlet}, 0.0);
    FieldSettings f = named(FieldName::expression);
    f.velocity[0] = expression("(1+x)^2");
    s.boundary[0].velocity[0] = s.boundary[1].velocity[0] = s.boundary[2].velocity[0] = s.boundary[3].velocity[0] =
        f.velocity[0];
    Measured<2> m(s, f);
    const Integrals<2> i = m.integrals();
    EXPECT_NEAR(i.bulk_velocity[1], 0.0, 1e-15);
    return std::abs(i.bulk_velocity[0] - 7.0 / 3) + std::abs(i.energy - 0.5 * 31.0 / 5);
  };
  EXPECT_LT(error(40), 2e-3);
  EXPECT_GT(std::log2(error(40) / error(80)), 1.9);
}

TEST(Integrals, EnstrophyCountsTheVorticityOnTheWalls) {
  Settings s = box({axis(0, 1, 4), axis(0, 1, 40)}, {periodic, wall}, 0.1);
  s.boundary[3].velocity[0] = 3.0;
  Measured<2> m(s, named(FieldName::couette, 3.0));
  EXPECT_NEAR(m.integrals().enstrophy, 4.5, 1e-12);
  EXPECT_NEAR(m.integrals().max_vorticity, 3.0, 1e-12);
  EXPECT_NEAR(m.integrals().dissipation, 0.1 * 9.0, 1e-12);  // the moving wall does this work
}

TEST(Vorticity, AtCellCentresIsSecondOrder) {
  const auto error = [](int n) {
    const AxisSpec a = axis(-1, 1, n, 0.9);
    Settings s = box({a, a, a}, {BoundaryType::inlet, BoundaryType::inlet, BoundaryType::inlet}, 0.1);
    FieldSettings f = named(FieldName::expression);
    f.velocity = {expression("sin(x)*y*z^2"), expression("exp(x)*cos(z)"), expression("x^2*y^3+z")};
    for (auto& face : s.boundary) face.velocity = f.velocity;
    Measured<3> m(s, f);
    std::vector<Field<3>> omega;
    for (int c = 0; c < 3; ++c) omega.push_back(m.domain.make_cells());
    m.integrator.vorticity(m.u, omega);
    double worst = 0.0;
    for_each<3>(m.domain.layout.interior(), [&](const Index<3>& i) {
      const auto [x, y, z] = m.domain.point(i, Location::cells());
      // On the boundary itself the gradient across is one-sided, of first order.
      if (std::max({std::abs(x), std::abs(y), std::abs(z)}) > 0.8) return;
      const double exact[3] = {3 * x * x * y * y + std::exp(x) * std::sin(z),
                               2 * std::sin(x) * y * z - 2 * x * y * y * y,
                               std::exp(x) * std::cos(z) - std::sin(x) * z * z};
      for (int c = 0; c < 3; ++c) worst = std::max(worst, std::abs(omega[c](i) - exact[c]));
    });
    return m.domain.comm().max(worst);
  };
  EXPECT_GT(std::log2(error(16) / error(32)), 1.85);
}

TEST(Vorticity, OfARigidRotationInThePlane) {
  const AxisSpec a = axis(-1, 1, 6, 1.1);
  Settings s = box({a, a}, {BoundaryType::inlet, BoundaryType::inlet}, 0.1);
  FieldSettings f = named(FieldName::expression);
  f.velocity = {expression("-2*y"), expression("2*x"), 0.0};
  for (auto& face : s.boundary) face.velocity = f.velocity;
  Measured<2> m(s, f);
  std::vector<Field<2>> omega;
  omega.push_back(m.domain.make_cells());
  m.integrator.vorticity(m.u, omega);
  for_each<2>(m.domain.layout.interior(), [&](const Index<2>& i) { EXPECT_NEAR(omega[0](i), 4.0, 1e-13); });
  EXPECT_NEAR(m.integrals().enstrophy, 8.0, 1e-12);
}

TEST(BoundaryForces, OfShearAndPressure) {
  // Couette flow under a pressure that grows with y: p = 5 y.
  Settings s = box({axis(0, 2, 6), axis(0, 1, 8, 1.0), axis(0, 3, 4)}, {periodic, wall, periodic}, 0.1);
  s.boundary[3].velocity[0] = 3.0;
  Measured<3> m(s, named(FieldName::couette, 3.0));
  Field<3> p = m.domain.make_cells();
  for_each<3>(m.domain.layout.interior(),
              [&](const Index<3>& i) { p(i) = 5.0 * m.domain.point(i, Location::cells())[1]; });
  m.domain.exchange(p);
  const auto forces = m.integrator.boundary_forces(m.boundary, m.u, p, m.viscosity(), 4.0);
  const double area = 6.0, mu = 0.4;
  EXPECT_NEAR(forces[2][0], mu * 3.0 * area, 1e-12);   // dragged along
  EXPECT_NEAR(forces[3][0], -mu * 3.0 * area, 1e-12);  // held back
  EXPECT_NEAR(forces[2][1], 0.0, 1e-12);
  EXPECT_NEAR(forces[3][1], 5.0 * area, 1e-12);  // pressed outwards
  for (int face : {2, 3}) EXPECT_NEAR(forces[face][2], 0.0, 1e-13);
}

TEST(BoundaryForces, BalanceTheViscousForceOfTheMomentumEquation) {
  for (const char* nu : {"0.1", "0.1+y*x"}) {
    Settings s = box({axis(0, two_pi, 8), axis(0, 1, 9, 1.2)}, {periodic, wall}, 0.0);
    s.fluid.viscosity = expression(nu);
    s.boundary[3].velocity[0] = 0.7;
    FieldSettings f = named(FieldName::expression);
    f.velocity = {expression("sin(x)*exp(y)"), 0.0, 0.0};
    if (std::string(nu) != "0.1") f.velocity[0] = expression("exp(y)");
    Measured<2> m(s, f);
    const Velocity<2> acceleration = m.viscous();
    double push = 0.0;
    for_each<2>(m.boundary.unknowns(0), [&](const Index<2>& i) { push += m.weight(0, i) * acceleration[0](i); });
    push = m.domain.comm().sum(push);
    const Field<2> p = m.domain.make_cells();
    const auto forces = m.integrator.boundary_forces(m.boundary, m.u, p, m.viscosity(), 1.0);
    EXPECT_GT(std::abs(push), 0.1);
    EXPECT_NEAR(forces[2][0] + forces[3][0], -push, 1e-11);
  }
}

TEST(BoundaryForces, FreeSlipWallsFeelPressureOnly) {
  Settings s = box({axis(0, 1, 5), axis(0, 1, 8)}, {periodic, BoundaryType::free_slip}, 0.1);
  Measured<2> m(s, named(FieldName::couette, 1.0));
  Field<2> p = m.domain.make_cells();
  p.fill(2.0);
  const auto forces = m.integrator.boundary_forces(m.boundary, m.u, p, m.viscosity(), 1.0);
  EXPECT_EQ(forces[2][0], 0.0);
  EXPECT_NEAR(forces[2][1], -2.0, 1e-13);
  EXPECT_NEAR(forces[3][1], 2.0, 1e-13);
}

/// All series by name.
template <int Dim>
std::map<std::string, double> evaluate(Quantities<Dim>& quantities) {
  std::map<std::string, double> all;
  for (const QuantityGroup& group : quantities.groups()) {
    std::vector<double> values(group.columns.size());
    group.values(values);
    for (std::size_t n = 0; n < values.size(); ++n) all[group.columns[n].name] = values[n];
  }
  return all;
}

TEST(Quantities, OfAHeatedChannelWithAnInlet) {
  Settings s = box({axis(0, 2, 8), axis(0, 1, 8)}, {BoundaryType::inlet, wall}, 0.5);
  s.boundary[1].type = BoundaryType::outflow;
  s.boundary[0].velocity[0] = 2.0;
  s.initial = named(FieldName::expression);
  s.initial.velocity[0] = 2.0;
  s.fluid.density = 3.0;
  s.boundary[2].type = s.boundary[3].type = BoundaryType::free_slip;
  ScalarSettings heat;
  heat.name = "heat";
  heat.diffusivity = 0.25;
  heat.initial = expression("4*y");
  for (int face : {2, 3}) heat.boundary[face] = {ScalarBoundaryType::fixed_value, expression("4*y")};
  heat.boundary[0] = {ScalarBoundaryType::fixed_value, expression("4*y")};
  heat.boundary[1].type = ScalarBoundaryType::outflow;
  s.scalars = {heat};
  Model<2> model(s, Communicator());
  model.initialise();
  const Field<2> p = model.domain().make_cells();
  Quantities<2> quantities(model, [&]() -> const Field<2>& { return p; });
  const auto all = evaluate(quantities);
  EXPECT_NEAR(all.at("kinetic_energy"), 2.0, 1e-12);
  EXPECT_NEAR(all.at("total_kinetic_energy"), 12.0, 1e-12);
  EXPECT_NEAR(all.at("mean_u"), 2.0, 1e-12);
  EXPECT_NEAR(all.at("flow_rate_x_min"), -2.0, 1e-12);
  EXPECT_NEAR(all.at("flow_rate_x_max"), 2.0, 1e-12);
  EXPECT_EQ(all.count("flow_rate_y_min"), 0u);
  EXPECT_NEAR(all.at("force_y_max_y"), 0.0, 1e-12);
  EXPECT_NEAR(all.at("mean_heat"), 2.0, 1e-12);
  EXPECT_NEAR(all.at("flux_heat_y_max"), 0.25 * 4 * 2, 1e-12);  // into the domain at the hot side
  EXPECT_NEAR(all.at("flux_heat_y_min"), -0.25 * 4 * 2, 1e-12);
  EXPECT_NEAR(all.at("flux_heat_x_min"), 2.0 * 2.0, 1e-12);
  EXPECT_NEAR(all.at("vorticity_integral"), 0.0, 1e-12);
}

TEST(Quantities, VorticityIntegralGoesOnAfterARestart) {
  Settings s = periodic_box(2, 16, 0.1);
  s.initial = named(FieldName::taylor_green);
  Model<2> model(s, Communicator());
  model.initialise();
  const Field<2> p = model.domain().make_cells();
  const auto pressure = [&]() -> const Field<2>& { return p; };
  Quantities<2> whole(model, pressure), first(model, pressure), second(model, pressure);
  evaluate(whole);
  evaluate(first);
  const double start = whole.vorticity_history()[1];
  for (int n = 0; n < 10; ++n) {
    model.step(0.05);
    const double integral = evaluate(whole).at("vorticity_integral");
    if (n < 5) evaluate(first);
    if (n == 4) second.set_vorticity_history(first.vorticity_history());
    if (n >= 5) {
      EXPECT_EQ(evaluate(second).at("vorticity_integral"), integral);
    }
  }
  // The vorticity decays as exp(-2 nu t), at the rate of the grid.
  EXPECT_NEAR(whole.vorticity_history()[0], start * (1 - std::exp(-0.1)) / 0.2, 2e-3);
  EXPECT_NEAR(whole.vorticity_history()[2], 0.5, 1e-12);
}

}  // namespace
}  // namespace kolmo::flow
