// Every closed form is put into the equations it is said to solve, with sixth-order differences.
#include "kolmo/flow/exact.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

#include "flow/cases.hpp"
#include "kolmo/base/error.hpp"

namespace kolmo::flow {
namespace {

using testing::axis;
using testing::box;
using testing::named;
using testing::two_pi;
using Triple = std::array<double, 3>;
constexpr auto periodic = BoundaryType::periodic;
constexpr auto wall = BoundaryType::no_slip;
constexpr auto inlet = BoundaryType::inlet;

double first(const std::function<double(double)>& f, double h) {
  return (45.0 * (f(h) - f(-h)) - 9.0 * (f(2 * h) - f(-2 * h)) + f(3 * h) - f(-3 * h)) / (60.0 * h);
}

double second(const std::function<double(double)>& f, double h) {
  return (270.0 * (f(h) + f(-h)) - 27.0 * (f(2 * h) + f(-2 * h)) + 2.0 * (f(3 * h) + f(-3 * h)) - 490.0 * f(0)) /
         (180.0 * h * h);
}

Triple moved(Triple x, int d, double by) {
  x[d] += by;
  return x;
}

struct Residual {
  double continuity = 0.0, momentum = 0.0;
};

/// Largest residuals of (F1) and (F2), relative to the largest term, at random points of the middle of the box.
Residual residual(const NamedField& field, const Settings& settings, double nu, double t, double force_x = 0.0,
                  double h = 1e-2) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> share(0.1, 0.9);
  Residual worst;
  double scale = 1e-3;
  const int dim = settings.dimension;
  for (int n = 0; n < 40; ++n) {
    Triple x{};
    for (int d = 0; d < dim; ++d)
      x[d] = settings.axes[d].from + share(random) * (settings.axes[d].to - settings.axes[d].from);
    double divergence = 0.0;
    for (int c = 0; c < dim; ++c) {
      const auto along = [&](int d) { return [&, d](double s) { return field.velocity(c, moved(x, d, s), t); }; };
      divergence += first(along(c), h);
      double rate = first([&](double s) { return field.velocity(c, x, t + s); }, h) - (c == 0 ? force_x : 0.0);
      scale = std::max(scale, std::abs(rate));
      rate += first([&](double s) { return field.pressure(moved(x, c, s), t); }, h) - settings.force.gravity[c];
      for (int d = 0; d < dim; ++d) {
        const double convection = field.velocity(d, x, t) * first(along(d), h);
        const double viscosity = nu * second(along(d), h);
        rate += convection - viscosity;
        scale = std::max({scale, std::abs(convection), std::abs(viscosity)});
      }
      worst.momentum = std::max(worst.momentum, std::abs(rate));
    }
    worst.continuity = std::max(worst.continuity, std::abs(divergence));
  }
  return {worst.continuity / scale, worst.momentum / scale};
}

void expect_solution(const FieldSettings& f, const Settings& settings, double nu, double t, double force_x = 0.0,
                     double h = 1e-2) {
  const NamedField field(f, settings);
  EXPECT_TRUE(field.has_pressure());
  const Residual r = residual(field, settings, nu, t, force_x, h);
  EXPECT_LT(r.continuity, 1e-8);
  EXPECT_LT(r.momentum, 1e-8);
}

TEST(NamedField, TaylorGreenCarriedByAMeanFlow) {
  FieldSettings f = named(FieldName::taylor_green, 1.3);
  f.wavenumber = 2.0;
  f.mean_velocity = {1.0, -0.5, 0.0};
  expect_solution(f, box({axis(0, two_pi, 8), axis(0, two_pi, 8)}, {periodic, periodic}, 0.05), 0.05, 0.7);
}

TEST(NamedField, Kovasznay) {
  expect_solution(named(FieldName::kovasznay), box({axis(-0.5, 1, 8), axis(-0.5, 1.5, 8)}, {inlet, periodic}, 0.025),
                  0.025, 0.0, 0.0, 5e-3);
}

TEST(NamedField, KovasznayAtHighReynoldsNumber) {
  const Settings settings = box({axis(0, 1, 8), axis(0, 1, 8)}, {inlet, periodic}, 1e-9);
  const NamedField field(named(FieldName::kovasznay), settings);
  // lambda -> -4 pi^2 nu, which the textbook difference of two large numbers loses.
  const double lambda_nu = field.velocity(1, {0.0, 0.25, 0.0}, 0.0) * two_pi / 1e-9;
  EXPECT_NEAR(lambda_nu, -two_pi * two_pi, 1e-6);
}

TEST(NamedField, EthierSteinman) {
  expect_solution(named(FieldName::ethier_steinman),
                  box({axis(-1, 1, 8), axis(-1, 1, 8), axis(-1, 1, 8)}, {inlet, inlet, inlet}, 0.3), 0.3, 0.2);
}

TEST(NamedField, ArnoldBeltramiChildress) {
  FieldSettings f = named(FieldName::abc, 0.8);
  f.wavenumber = 2.0;
  f.coefficients = {1.0, 0.7, 0.43};
  const AxisSpec a = axis(0, two_pi, 8);
  expect_solution(f, box({a, a, a}, {periodic, periodic, periodic}, 0.1), 0.1, 0.4);
}

TEST(NamedField, FlowsBetweenPlates) {
  const Settings driven = box({axis(0, 2, 8), axis(-0.3, 1.1, 8)}, {periodic, wall}, 0.2);
  const Settings open = box({axis(0, 2, 8), axis(-0.3, 1.1, 8)}, {BoundaryType::pressure, wall}, 0.2);
  FieldSettings womersley = named(FieldName::womersley, 1.5);
  womersley.frequency = 3.0;
  const double t = 0.3, drive = 1.5 * std::cos(3.0 * t);
  expect_solution(named(FieldName::poiseuille, 1.5), driven, 0.2, t, 1.5);
  expect_solution(named(FieldName::poiseuille, 1.5), open, 0.2, t);
  expect_solution(named(FieldName::couette, 1.5), driven, 0.2, t);
  expect_solution(womersley, driven, 0.2, t, drive);
  expect_solution(womersley, open, 0.2, t);
  for (FieldSettings f : {named(FieldName::poiseuille, 1.5), womersley}) {
    const NamedField field(f, driven);
    for (double y : {-0.3, 1.1}) EXPECT_NEAR(field.velocity(0, {0.4, y, 0.0}, t), 0.0, 1e-14);
  }
  const NamedField couette(named(FieldName::couette, 1.5), driven);
  EXPECT_NEAR(couette.velocity(0, {0.0, -0.3, 0.0}, t), 0.0, 1e-15);
  EXPECT_NEAR(couette.velocity(0, {0.0, 1.1, 0.0}, t), 1.5, 1e-15);
}

TEST(NamedField, WomersleyTendsToPoiseuilleWhenSlow) {
  const Settings settings = box({axis(0, 2, 8), axis(-1, 1, 8)}, {periodic, wall}, 1.0);
  FieldSettings slow = named(FieldName::womersley, 1.0);
  slow.frequency = 1e-4;
  const NamedField womersley(slow, settings), poiseuille(named(FieldName::poiseuille, 1.0), settings);
  for (double y : {-0.9, 0.0, 0.4})
    EXPECT_NEAR(womersley.velocity(0, {0, y, 0}, 0.0), poiseuille.velocity(0, {0, y, 0}, 0.0), 1e-7);
  FieldSettings fast = slow;
  fast.frequency = 1e8;  // K h = 1e4: cosh alone would overflow
  EXPECT_TRUE(std::isfinite(NamedField(fast, settings).velocity(0, {0, 0.3, 0}, 1.0)));
}

TEST(NamedField, DuctSolvesThePoissonEquationAndVanishesOnFourWalls) {
  const Settings settings =
      box({axis(0, 1, 4), axis(-1, 1, 8), axis(0, 3, 8)}, {BoundaryType::pressure, wall, wall}, 0.5);
  expect_solution(named(FieldName::duct, 2.0), settings, 0.5, 0.0, 0.0, 2e-2);
  const NamedField field(named(FieldName::duct, 2.0), settings);
  for (const Triple& x : {Triple{0, -1, 1.2}, Triple{0, 1, 2.9}, Triple{0, 0.3, 0}, Triple{0, -0.7, 3}})
    EXPECT_NEAR(field.velocity(0, x, 0.0), 0.0, 1e-13);
  for (const Triple& x : {Triple{0, 0.3, 1e-3}, Triple{0, -0.7, 3 - 1e-3}})
    EXPECT_NEAR(field.velocity(0, x, 0.0), 0.0, 1e-2);
}

TEST(NamedField, SquareDuctRatioOfMaximumToMean) {
  const Settings settings = box({axis(0, 1, 4), axis(-1, 1, 8), axis(-1, 1, 8)}, {periodic, wall, wall}, 1.0);
  const NamedField field(named(FieldName::duct, 1.0), settings);
  const int n = 64;
  double sum = 0.0;
  for (int j = 0; j < n; ++j)
    for (int k = 0; k < n; ++k) sum += field.velocity(0, {0, -1 + (2 * j + 1.0) / n, -1 + (2 * k + 1.0) / n}, 0.0);
  EXPECT_NEAR(field.velocity(0, {0, 0, 0}, 0.0) / (sum / (n * n)), 2.0963, 1e-3);
}

TEST(NamedField, TaylorGreenInThreeDimensionsIsSolenoidal) {
  const AxisSpec a = axis(0, two_pi, 8);
  const Settings settings = box({a, a, a}, {periodic, periodic, periodic}, 0.0);
  const NamedField field(named(FieldName::taylor_green), settings);
  EXPECT_FALSE(field.has_pressure());
  EXPECT_LT(residual(field, settings, 0.0, 0.0).continuity, 1e-9);
  EXPECT_NEAR(field.velocity(0, {0.3, 0.5, 0.7}, 0.0), std::sin(0.3) * std::cos(0.5) * std::cos(0.7), 1e-15);
  EXPECT_NEAR(field.velocity(1, {0.3, 0.5, 0.7}, 0.0), -std::cos(0.3) * std::sin(0.5) * std::cos(0.7), 1e-15);
}

TEST(NamedField, ShearLayerIsPeriodicAndSymmetric) {
  const Settings settings = box({axis(0, 2, 8), axis(-1, 3, 8)}, {periodic, periodic}, 0.0);
  FieldSettings f = named(FieldName::shear_layer, 2.0);
  f.thickness = 1.0 / 30.0;
  f.perturbation = 0.05;
  const NamedField field(f, settings);
  EXPECT_NEAR(field.velocity(0, {0, 0, 0}, 0), 0.0, 1e-15);  // a quarter of the height
  EXPECT_NEAR(field.velocity(0, {0, 2, 0}, 0), 0.0, 1e-15);
  EXPECT_NEAR(field.velocity(0, {0, 1, 0}, 0), 2.0, 1e-5);
  EXPECT_NEAR(field.velocity(0, {0, -1, 0}, 0), field.velocity(0, {0, 3, 0}, 0), 1e-14);
  EXPECT_NEAR(field.velocity(1, {0.3, 0.4, 0}, 0), field.velocity(1, {2.3, 0.9, 0}, 0), 1e-14);
  EXPECT_NEAR(field.velocity(1, {0.0, 0.4, 0}, 0), 0.05, 1e-15);
}

TEST(NamedField, ExpressionIsTakenAsGivenAndItsPressureIsPhysical) {
  Settings settings = box({axis(0, 1, 4), axis(0, 1, 4)}, {inlet, wall}, 0.1);
  settings.fluid.density = 4.0;
  FieldSettings f = named(FieldName::expression);
  f.velocity[0] = testing::expression("y*t");
  f.velocity[1] = testing::expression("x^2");
  EXPECT_FALSE(NamedField(f, settings).has_pressure());
  f.pressure = testing::expression("8*x");
  f.pressure_given = true;
  const NamedField field(f, settings);
  EXPECT_TRUE(field.has_pressure());
  EXPECT_DOUBLE_EQ(field.velocity(0, {0.2, 0.5, 0}, 3.0), 1.5);
  EXPECT_DOUBLE_EQ(field.velocity(1, {0.5, 0.5, 0}, 3.0), 0.25);
  EXPECT_DOUBLE_EQ(field.pressure({0.25, 0, 0}, 0.0), 0.5);
}

TEST(NamedField, PressureHoldsTheHydrostaticPart) {
  Settings settings = box({axis(0, 2, 8), axis(-1, 1, 8)}, {periodic, wall}, 0.2);
  settings.force.gravity = {0.0, -9.81, 0.0};
  expect_solution(named(FieldName::poiseuille, 1.5), settings, 0.2, 0.0, 1.5);
  const NamedField rest(named(FieldName::zero), settings);
  EXPECT_NEAR(rest.pressure({0, 0.5, 0}, 0) - rest.pressure({0, -0.5, 0}, 0), -9.81, 1e-13);
}

class Channel : public ::testing::Test {
 protected:
  static Settings settings(int dim) {
    std::vector<AxisSpec> axes{axis(0, 2 * two_pi, 8), axis(0, 2, 8), axis(0, two_pi / 1.5, 8)};
    axes.resize(dim);
    return box(axes, {periodic, wall, periodic}, 1.0 / 2800.0);
  }
  static FieldSettings field(double perturbation, std::uint64_t seed = 1) {
    FieldSettings f = named(FieldName::channel, 1.2);
    f.perturbation = perturbation;
    f.seed = seed;
    return f;
  }
};

TEST_F(Channel, IsTheParabolaWithoutPerturbation) {
  const NamedField laminar(field(0.0), settings(3));
  EXPECT_DOUBLE_EQ(laminar.velocity(0, {0.3, 1.5, 0.2}, 0.0), 1.2 * 0.75);
  EXPECT_EQ(laminar.velocity(1, {0.3, 1.5, 0.2}, 0.0), 0.0);
}

TEST_F(Channel, PerturbationIsSolenoidalAndKeepsToTheWallsAndThePeriods) {
  for (int dim : {2, 3}) {
    const Settings s = settings(dim);
    const NamedField perturbed(field(0.2), s);
    EXPECT_LT(residual(perturbed, s, 0.0, 0.0).continuity, 1e-8);
    for (int c = 0; c < dim; ++c) {
      for (double y : {0.0, 2.0}) EXPECT_NEAR(perturbed.velocity(c, {0.3, y, 0.4}, 0.0), 0.0, 1e-14);
      const double here = perturbed.velocity(c, {0.3, 0.6, 0.4}, 0.0);
      EXPECT_NEAR(perturbed.velocity(c, {0.3 + 2 * two_pi, 0.6, 0.4}, 0.0), here, 1e-13);
      if (dim == 3) {
        EXPECT_NEAR(perturbed.velocity(c, {0.3, 0.6, 0.4 + two_pi / 1.5}, 0.0), here, 1e-13);
      }
      EXPECT_NE(NamedField(field(0.2, 2), s).velocity(c, {0.3, 0.6, 0.4}, 0.0), here);
      EXPECT_EQ(NamedField(field(0.2), s).velocity(c, {0.3, 0.6, 0.4}, 0.0), here);
    }
  }
}

// Means over x, y, z of |u'|^2, all of it and in the part that does not depend on x.
std::array<double, 2> energies(const NamedField& perturbed, const NamedField& laminar, int dim) {
  const int nx = 48, ny = 40, nz = dim == 3 ? 48 : 1;
  double all = 0.0, vortices = 0.0;
  for (int j = 0; j < ny; ++j)
    for (int k = 0; k < nz; ++k) {
      Triple mean{};
      for (int i = 0; i < nx; ++i) {
        const Triple x{2 * two_pi * i / nx, (j + 0.5) * 2.0 / ny, two_pi / 1.5 * k / nz};
        for (int c = 0; c < dim; ++c) {
          const double u = perturbed.velocity(c, x, 0.0) - laminar.velocity(c, x, 0.0);
          all += u * u / (nx * ny * nz);
          mean[c] += u / nx;
        }
      }
      for (int c = 0; c < dim; ++c) vortices += mean[c] * mean[c] / (ny * nz);
    }
  return {all, vortices};
}

TEST_F(Channel, PerturbationHasTheStrengthAskedForHalfOfItInStreamwiseVortices) {
  for (int dim : {2, 3}) {
    const NamedField perturbed(field(0.2), settings(dim)), laminar(field(0.0), settings(dim));
    const auto [all, vortices] = energies(perturbed, laminar, dim);
    EXPECT_NEAR(std::sqrt(all), 0.2 * 1.2, 1e-3);
    EXPECT_NEAR(vortices / all, dim == 3 ? 0.5 : 0.0, 1e-3);
  }
}

TEST(NamedField, RefusesWhatDoesNotFit) {
  const Settings plane = box({axis(0, 1, 4), axis(0, 1, 4)}, {periodic, periodic}, 0.1);
  for (FieldName name : {FieldName::abc, FieldName::ethier_steinman, FieldName::duct, FieldName::taylor_green,
                         FieldName::kovasznay, FieldName::poiseuille, FieldName::womersley, FieldName::channel})
    EXPECT_THROW(NamedField(named(name), plane), InputError) << static_cast<int>(name);
  Settings varying = box({axis(0, two_pi, 4), axis(0, two_pi, 4)}, {periodic, periodic}, 0.1);
  varying.fluid.viscosity = testing::expression("1+x");
  EXPECT_THROW(NamedField(named(FieldName::taylor_green), varying), InputError);
  EXPECT_NO_THROW(NamedField(named(FieldName::zero), varying));
  const Settings walls = box({axis(0, 1, 4), axis(0, 1, 4)}, {periodic, wall}, 0.0);
  EXPECT_THROW(NamedField(named(FieldName::poiseuille), walls), InputError);
  EXPECT_THROW(NamedField(named(FieldName::shear_layer), walls), InputError);
}

TEST(SetVelocity, PutsEveryComponentOnItsFacesOnAnyNumberOfRanks) {
  const Settings settings = box({axis(-0.5, 1, 7, 1.2), axis(-0.5, 1.5, 9)}, {inlet, wall}, 0.025);
  const Domain<2> domain(settings, Communicator());
  const NamedField field(named(FieldName::kovasznay), settings);
  Velocity<2> velocity = domain.make_velocity();
  set_velocity<2>(field, domain, 0.0, velocity);
  double faces[2] = {0, 0};
  for (int c = 0; c < 2; ++c) {
    Box<2> owned = domain.layout.interior();
    owned.end[c] += domain.at_boundary(c, Side::high) ? 1 : 0;
    for_each<2>(owned, [&](const Index<2>& i) {
      Index<2> global = i;
      for (int d = 0; d < 2; ++d) global[d] += domain.origin()[d];
      const Point<2> x = domain.grid.point(global, Location::faces(c));
      EXPECT_EQ(velocity[c](i), field.velocity(c, {x[0], x[1], 0.0}, 0.0));
      faces[c] += 1;
    });
  }
  domain.comm().sum(faces, 2);
  EXPECT_EQ(faces[0], 8 * 9);
  EXPECT_EQ(faces[1], 7 * 10);
}

}  // namespace
}  // namespace kolmo::flow
