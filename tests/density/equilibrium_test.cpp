#include <algorithm>

#include "density/engine_cases.hpp"

namespace kolmo::density::testing {
namespace {

/// max |J| and max |rate| * width against max |f p| for p = exp(-U) at the centres, normalised.
template <int Dim>
void check_equilibrium(const Case& c, const std::string& name, double bound = 1e-12) {
  const Settings settings = settings_of(c);
  GridEngine<Dim> engine(settings, Communicator());
  const Problem& problem = engine.problem();
  double least_u = HUGE_VAL;
  for_each<Dim>(cells_of(engine), [&](const Index<Dim>& i) {
    least_u = std::min(least_u, problem.potential(point_of<Dim>(engine, i).data()));
  });
  least_u = Communicator().min(least_u);
  set_density<Dim>(engine, [&](const Point<Dim>& x) { return std::exp(least_u - problem.potential(x.data())); });
  double carried = 0.0, width = HUGE_VAL;
  for_each<Dim>(cells_of(engine), [&](const Index<Dim>& i) {
    const Point<Dim> x = point_of<Dim>(engine, i);
    for (int d = 0; d < Dim; ++d)
      carried = std::max(carried, std::abs(problem.drift(d, x.data(), 0.0) * engine.density()(i)));
  });
  for (int d = 0; d < Dim; ++d) width = std::min(width, engine.grid().axis(d).min_width());
  carried = Communicator().max(carried);
  Field<Dim> rate;
  engine.rate(rate);
  EXPECT_LE(largest(engine, rate) * width, bound * carried) << name << ", " << engine.description();
  const double before = mass(engine);
  Field<Dim> start = engine.density().layout() == rate.layout() ? Field<Dim>(rate.layout()) : Field<Dim>();
  start.copy_from(engine.density());
  for (int n = 0; n < 3; ++n) engine.step(engine.choose_step());
  double change = 0.0;
  for_each<Dim>(cells_of(engine),
                [&](const Index<Dim>& i) { change = std::max(change, std::abs(engine.density()(i) - start(i))); });
  EXPECT_LE(Communicator().max(change), 1e-11) << name;
  EXPECT_NEAR(mass(engine), before, 1e-13 * before) << name;
  EXPECT_GE(least(engine), 0.0) << name;
}

Case gradient_case() {  // coupled double wells, V = sum (1-x^2)^2/4 + (x1-x2)^2/4
  Case c;
  c.drift = {"x1 - x1^3 - 0.5*(x1-x2)", "x2 - x2^3 - 0.5*(x2-x1)"};
  c.diffusion = {"0.5"};
  c.potential = "4*((1-x1^2)^2/4 + (1-x2^2)^2/4 + (x1-x2)^2/4)";
  c.half_width = 2.2;
  c.cells = 40;
  return c;
}

Case kramers_case() {  // Duffing, gamma = 0.5, beta = 1
  Case c;
  c.drift = {"x2", "x1 - x1^3 - 0.5*x2"};
  c.diffusion = {"0", "1"};
  c.potential = "x1^4/4 - x1^2/2 + x2^2/2";
  c.half_width = 4.0;
  c.cells = 48;
  return c;
}

Case damping_case() {  // energy-dependent damping, g0 = 0.5, H0 = 1, D = 0.5: exp(-2 g0/D (H^2/2 - H0 H))
  Case c;
  c.drift = {"x2", "-x1 - 0.5*((x1^2+x2^2)/2 - 1)*x2"};
  c.diffusion = {"0", "0.5"};
  c.potential = "2*(((x1^2+x2^2)/2)^2/2 - (x1^2+x2^2)/2)";
  c.half_width = 4.5;
  c.cells = 64;
  return c;
}

Case ring_case() {
  Case c;
  c.drift = {"-4*x1*(x1^2+x2^2-1) + x2", "-4*x2*(x1^2+x2^2-1) - x1"};
  c.diffusion = {"0.25"};
  c.potential = "8*(x1^2+x2^2-1)^2";
  c.half_width = 2.2;
  c.cells = 64;
  return c;
}

/// f = -(I - A) grad V with antisymmetric A, D = 0.5, V a coupled quartic lattice.
Case lattice_case() {
  Case c;
  const std::string g1 = "(x1^3 + 0.5*(x1-x2))", g2 = "(x2^3 + 0.5*(2*x2-x1-x3))", g3 = "(x3^3 + 0.5*(x3-x2))";
  c.drift = {"-" + g1 + " + 0.7*" + g2, "-" + g2 + " - 0.7*" + g1 + " + 0.4*" + g3, "-" + g3 + " - 0.4*" + g2};
  c.diffusion = {"0.5"};
  c.potential = "4*((x1^4+x2^4+x3^4)/4 + 0.25*(x1-x2)^2 + 0.25*(x2-x3)^2)";
  c.half_width = 2.2;
  c.cells = 16;
  return c;
}

TEST(Equilibrium, OfGradientSystems) { check_equilibrium<2>(gradient_case(), "gradient, potential given"); }

TEST(Equilibrium, OfGradientSystemsWithoutPotential) {
  // The mean drift along every segment makes up the potential: only the test needs to know it.
  Case c = gradient_case();
  GridEngine<2> with(settings_of(c), Communicator());
  const std::string potential = c.potential;
  c.potential.clear();
  GridEngine<2> engine(settings_of(c), Communicator());
  set_density<2>(engine, [&](const Point<2>& x) { return std::exp(-with.problem().potential(x.data())); });
  Field<2> rate;
  engine.rate(rate);
  EXPECT_LE(largest(engine, rate) * engine.grid().axis(0).min_width(), 1e-12);
}

TEST(Equilibrium, OfCirculatingSystems) {
  for (const Scheme scheme : {Scheme::backward_euler, Scheme::tr_bdf2, Scheme::ssp_rk3}) {
    for (auto [make, name] : {std::pair{&kramers_case, "Duffing"}, std::pair{&damping_case, "energy-dependent damping"},
                              std::pair{&ring_case, "ring"}}) {
      Case c = make();
      c.scheme = scheme;
      if (scheme == Scheme::ssp_rk3) c.step = 0.0;
      check_equilibrium<2>(c, name);
    }
    Case c = lattice_case();
    c.scheme = scheme;
    if (scheme == Scheme::ssp_rk3) c.step = 0.0;
    check_equilibrium<3>(c, "lattice");
  }
}

TEST(Equilibrium, WrongPotentialIsRefused) {
  Case c = ring_case();
  c.potential = "7*(x1^2+x2^2-1)^2";
  c.drift[0] = "-4*x1*(x1^2+x2^2-1) + x2 + 0.3*x1";
  EXPECT_THROW(GridEngine<2>(settings_of(c), Communicator()), InputError);
}

}  // namespace
}  // namespace kolmo::density::testing
