// Flows with published answers, too long for the fast suite.
#include <gtest/gtest.h>

#include <numbers>

#include "kolmo/diag/probes.hpp"
#include "kolmo/flow/quantities.hpp"
#include "kolmo/io/table.hpp"
#include "support/flow_cases.hpp"

namespace kolmo::test {
namespace {

using flow::FieldName;
using flow::Model;

constexpr double pi = std::numbers::pi;
const std::string cases = std::string(KOLMO_SOURCE_DIR) + "/cases/";

template <int Dim>
flow::Integrals<Dim> integrals(Model<Dim>& model) {
  return flow::Integrator<Dim>(model.domain()).evaluate(model.velocity(), {model.viscosity(), nullptr});
}

void cluster(Settings& s, double strength) {
  for (AxisSpec& axis : s.axes) {
    axis.spacing = Spacing::tanh;
    axis.strength = strength;
  }
}

template <int Dim>
double run_cavity(Model<Dim>& model, double tolerance, double latest) {
  model.initialise();
  do model.step(model.choose_step());
  while (model.rate_of_change() > tolerance && model.time() < latest);
  return model.rate_of_change();
}

template <int Dim>
double profile_distance(Model<Dim>& model, int component, const Point<Dim>& from, const Point<Dim>& to,
                        const std::string& file) {
  const io::Table table = io::Table::read(cases + file);
  const std::string name(1, "uvw"[component]);
  diag::LineProbe<Dim> line(model.domain().grid, model.domain().decomposition, "line", from, to, 0,
                            {{name, "m/s", &model.velocity()[component], diag::Walls::from_ghosts}});
  const double distance = line.compare(name, table.numbers(std::size_t{0}), table.numbers(std::size_t{1})).max;
  if (Communicator().root()) std::printf("%s against %s: max %.3e\n", name.c_str(), file.c_str(), distance);
  return distance;
}

Settings cavity(int dim, int n) {
  Settings s = box(dim, n, 0.0, 1.0, BoundaryType::no_slip, 1e-3);
  s.boundary[3].velocity[0] = Expression(1.0);
  s.initial.name = FieldName::zero;
  s.time.cfl = 0.9;
  s.time.steady_tolerance = 1e-6;
  return s;
}

void check_cavity2d(const Settings& s, double bound) {
  Model<2> model(s, Communicator());
  EXPECT_LE(run_cavity(model, 1e-6, 300.0), 1e-6);
  EXPECT_LE(profile_distance<2>(model, 0, {0.5, 0.0}, {0.5, 1.0}, "cavity2d/reference_u.csv"), bound);
  EXPECT_LE(profile_distance<2>(model, 1, {0.0, 0.5}, {1.0, 0.5}, "cavity2d/reference_v.csv"), bound);
}

TEST(Cavity2D, Clustered128) {
  Settings s = cavity(2, 128);
  cluster(s, 1.6);
  check_cavity2d(s, 1.5e-3);
}

TEST(Cavity2D, Uniform128) { check_cavity2d(cavity(2, 128), 7.5e-3); }

void check_cavity3d(const Settings& s, double bound) {
  Model<3> model(s, Communicator());
  EXPECT_LE(run_cavity(model, 1e-4, 60.0), 1e-4);
  EXPECT_LE(profile_distance<3>(model, 0, {0.5, 0.0, 0.5}, {0.5, 1.0, 0.5}, "cavity3d/reference_u.csv"), bound);
  EXPECT_LE(profile_distance<3>(model, 1, {0.0, 0.5, 0.5}, {1.0, 0.5, 0.5}, "cavity3d/reference_v.csv"), bound);
}

TEST(Cavity3D, Uniform64) { check_cavity3d(cavity(3, 64), 2.4e-2); }

TEST(Cavity3D, Clustered64) {
  Settings s = cavity(3, 64);
  cluster(s, 1.2);
  check_cavity3d(s, 6e-3);
}

// Largest relative distance of the kinetic energy from the DNS up to t.
void check_energy_curve(int n, const std::vector<std::pair<double, double>>& bounds) {
  Settings s = box(3, n, 0.0, 2.0 * pi, BoundaryType::periodic, 1.0 / 1600.0);
  s.initial.name = FieldName::taylor_green;
  s.time.cfl = 0.4;  // near its limit the scheme damps the smallest eddies
  Model<3> model(s, Communicator());
  model.initialise();
  const io::Table dns = io::Table::read(cases + "taylor_green_3d/reference.csv");
  const auto times = dns.numbers("t"), energies = dns.numbers("Ek");
  double worst = 0.0;
  std::size_t next = 0;
  for (std::size_t k = 0; k < times.size() && next < bounds.size(); ++k) {
    while (model.time() < times[k] - 1e-12) model.step(std::min(model.choose_step(), times[k] - model.time()));
    const double energy = integrals(model).energy, relative = std::abs(energy / energies[k] - 1.0);
    worst = std::max(worst, relative);
    if (Communicator().root()) std::printf("t %.2f energy %.6f off by %.3f %%\n", times[k], energy, 100.0 * relative);
    if (times[k] >= bounds[next].first - 1e-9) EXPECT_LE(worst, bounds[next++].second) << "up to t = " << times[k];
  }
}

TEST(TaylorGreen3D, Energy64) { check_energy_curve(64, {{5.0, 0.005}, {7.0, 0.022}}); }
TEST(TaylorGreen3D, Energy128) { check_energy_curve(128, {{7.0, 0.01}, {10.0, 0.045}}); }

void check_heated_cavity(double rayleigh, int n, double strength, double nusselt) {
  const double prandtl = 0.71;
  Settings s = box(2, n, 0.0, 1.0, BoundaryType::no_slip, std::sqrt(prandtl / rayleigh));
  cluster(s, strength);
  s.force.gravity = {0.0, -1.0, 0.0};
  s.initial.name = FieldName::zero;
  s.time.cfl = 0.9;
  s.time.steady_tolerance = 1e-12;
  flow::ScalarSettings temperature;
  temperature.name = "temperature";
  const double diffusivity = 1.0 / std::sqrt(rayleigh * prandtl);
  temperature.diffusivity = Expression(diffusivity);
  temperature.expansion = 1.0;
  temperature.initial = expression("0.5-x");
  for (auto& face : temperature.boundary) face.type = flow::ScalarBoundaryType::adiabatic;
  temperature.boundary[0].type = temperature.boundary[1].type = flow::ScalarBoundaryType::fixed_value;
  temperature.boundary[0].value = Expression(0.5);
  temperature.boundary[1].value = Expression(-0.5);
  s.scalars.push_back(temperature);
  Model<2> model(s, Communicator());
  model.initialise();
  do model.step(model.choose_step());
  while (model.rate_of_change() > 1e-6 && model.time() < 2000.0);
  const double measured = model.scalars().boundary_flux(0, 0, Side::low, model.state().velocity) / diffusivity;
  if (Communicator().root()) std::printf("Ra %.0e: Nu %.4f, published %.4f\n", rayleigh, measured, nusselt);
  EXPECT_NEAR(measured / nusselt, 1.0, 0.005);
}

TEST(HeatedCavity, Ra1e4) { check_heated_cavity(1e4, 48, 1.2, 2.243); }
TEST(HeatedCavity, Ra1e6) { check_heated_cavity(1e6, 96, 1.6, 8.825); }

}  // namespace
}  // namespace kolmo::test
