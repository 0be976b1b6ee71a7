// The implicit operators are the explicit ones; results do not depend on ranks; stationary densities.
#include <algorithm>

#include "density/engine_cases.hpp"
#include "kolmo/density/exact.hpp"

namespace kolmo::density::testing {
namespace {

/// A number in [0, 1) from two integers, the same on every rank.
double random_number(unsigned seed, unsigned k) {
  std::uint64_t h = (seed + 1) * 0x9E3779B97F4A7C15ull ^ (k + 1) * 0xBF58476D1CE4E5B9ull;
  h ^= h >> 31;
  h *= 0x94D049BB133111EBull;
  h ^= h >> 29;
  return static_cast<double>(h >> 11) / 9007199254740992.0;
}

/// Drift with sines of all variables, D of the kind asked for, everything drawn at random.
template <int Dim>
Case random_case(unsigned seed, bool full) {
  static const int cells[6] = {24, 12, 8, 6, 5, 4};
  Case c;
  unsigned k = 0;
  auto number = [&](double from, double to) { return std::to_string(from + (to - from) * random_number(seed, k++)); };
  for (int i = 0; i < Dim; ++i) {
    std::string drift = number(-1, 1);
    for (int j = 0; j < Dim; ++j)
      drift += " + " + number(-4, 4) + "*sin(" + number(0.5, 2) + "*x" + std::to_string(j + 1) + ")";
    c.drift.push_back(drift);
  }
  if (full) {
    for (int i = 0; i < Dim; ++i)
      for (int j = 0; j < Dim; ++j) c.diffusion.push_back(i == j ? "1" : (i + j) % 2 ? "0.15 + 0.03*sin(x1)" : "-0.1");
  } else {
    for (int i = 0; i < Dim; ++i)
      c.diffusion.push_back(number(0.01, 0.5) + " + " + number(0.0, 0.3) + "*x" + std::to_string((i + 1) % Dim + 1) +
                            "^2");
  }
  c.half_width = 2.0;
  c.cells = cells[Dim - 1];
  return c;
}

/// The backward Euler step satisfies (p' - p) / dt = rate(p'), with the rate of the explicit code.
template <int Dim>
void check_operators(bool full, BoundaryType boundary, LinearMethod method) {
  Case c = random_case<Dim>(7, full);
  c.boundary = boundary;
  c.method = method;
  c.step = 0.05;
  GridEngine<Dim> engine(settings_of(c), Communicator());
  engine.initialise();
  Field<Dim> old(engine.density().layout()), rate;
  old.copy_from(engine.density());
  engine.step(c.step);
  engine.rate(rate);
  double worst = 0.0;
  for_each<Dim>(cells_of(engine), [&](const Index<Dim>& i) {
    worst = std::max(worst, std::abs(engine.density()(i) - old(i) - c.step * rate(i)));
  });
  EXPECT_LE(Communicator().max(worst), 3e-12 * largest(engine, old)) << Dim << " " << engine.description();
}

template <int Dim>
void check_all_operators() {
  for (const BoundaryType boundary : {BoundaryType::no_flux, BoundaryType::periodic, BoundaryType::absorbing}) {
    check_operators<Dim>(false, boundary, LinearMethod::automatic);
    check_operators<Dim>(false, boundary, LinearMethod::gmres);
    if (Dim > 1) check_operators<Dim>(true, boundary, LinearMethod::aij);
    if (Dim > 1) check_operators<Dim>(true, boundary, LinearMethod::gmres);
  }
}

TEST(Operators, ImplicitIsExplicit) {
  check_all_operators<1>();
  check_all_operators<2>();
  check_all_operators<3>();
  check_all_operators<4>();
  check_all_operators<5>();
  check_all_operators<6>();
}

/// Transport directions are upwind in backward Euler: the flux that is written is the one that moved the density.
void check_euler_flux(BoundaryType boundary, const std::string& potential) {
  Case c;
  c.drift = {"x2", "x1 - x1^3 - 0.5*x2"};
  c.diffusion = {"0", "1"};
  c.potential = potential;
  c.half_width = 3.0;
  c.cells = 24;
  c.boundary = boundary;
  c.step = 0.05;
  GridEngine<2> engine(settings_of(c), Communicator());
  engine.initialise();
  Field<2> old(engine.density().layout());
  old.copy_from(engine.density());
  engine.step(c.step);
  std::array<Field<2>, 2> flux;
  engine.flux(flux);
  double worst = 0.0;
  for_each<2>(cells_of(engine), [&](const Index<2>& i) {
    double sum = (engine.density()(i) - old(i)) / c.step;
    for (int d = 0; d < 2; ++d) {
      Index<2> above = i;
      ++above[d];
      sum +=
          (flux[d](above) - flux[d](i)) / engine.grid().axis(d).width(i[d] + engine.decomposition().owned().begin[d]);
    }
    worst = std::max(worst, std::abs(sum));
  });
  EXPECT_LE(Communicator().max(worst) * c.step, 3e-12 * largest(engine, old)) << engine.description();
  EXPECT_GE(least(engine), 0.0);
}

TEST(Operators, BackwardEulerWritesItsOwnFlux) {
  for (const BoundaryType boundary : {BoundaryType::no_flux, BoundaryType::absorbing}) check_euler_flux(boundary, "");
  check_euler_flux(BoundaryType::no_flux, "x1^4/4 - x1^2/2 + x2^2/2");
}

/// Weights that are not kept are the same weights: splitting, rate and flux to the bit.
TEST(Operators, RecomputedWeightsAreTheSame) {
  for (const BoundaryType boundary : {BoundaryType::no_flux, BoundaryType::periodic, BoundaryType::absorbing}) {
    Case c = random_case<4>(11, false);
    c.boundary = boundary;
    c.scheme = Scheme::splitting;
    c.step = 0.02;
    Settings settings = settings_of(c);
    GridEngine<4> stored(settings, Communicator());
    settings.coefficients = Coefficients::recomputed;
    GridEngine<4> recomputed(settings, Communicator());
    EXPECT_NE(recomputed.description().find("x1 recomputed; x2 recomputed"), std::string::npos)
        << recomputed.description();
    Field<4> rates[2];
    std::array<Field<4>, 4> fluxes[2];
    int k = 0;
    for (GridEngine<4>* engine : {&stored, &recomputed}) {
      engine->initialise();
      engine->step(c.step);
      engine->rate(rates[k]);
      engine->flux(fluxes[k++]);
    }
    for_each<4>(cells_of(stored), [&](const Index<4>& i) {
      EXPECT_EQ(stored.density()(i), recomputed.density()(i));
      EXPECT_EQ(rates[0](i), rates[1](i));
      EXPECT_EQ(fluxes[0][2](i), fluxes[1][2](i));
    });
    EXPECT_LT(GridEngine<4>::memory_estimate(settings, 1), 5.0 * 8.0 * 2.5 * 6 * 6 * 6 * 6);
  }
}

/// What depends on all variables but x1 would be as large a table, for rows along x are kept whole.
TEST(Operators, RowsAlongXCountAsKept) {
  Case c;
  c.drift = {"-x1", "-x2 + sin(x3*x4)", "-x3 + x2*x4", "-x4 + x2*x3*x1"};
  c.diffusion = {"1"};
  c.cells = 6;
  c.scheme = Scheme::splitting;
  Settings settings = settings_of(c);
  settings.coefficients = Coefficients::recomputed;
  const GridEngine<4> engine(settings, Communicator());
  EXPECT_NE(engine.description().find("; x2 recomputed; x3 recomputed; x4 recomputed"), std::string::npos)
      << engine.description();
}

/// A potential that cross terms cannot keep is as if it was not given: (D7) mixed, transport of second order.
TEST(Operators, MixedCrossTermsForgetThePotential) {
  for (const bool stationary : {false, true}) {
    Case c;
    c.drift = {"x2", "-x1 - 0.5*x2 - x3", "-x2 - 4*x3"};
    c.diffusion = {"0", "0", "0", "0", "0.5", "1", "0", "1", "4"};
    c.half_width = 3.0;
    c.cells = 12;
    c.scheme = Scheme::tr_bdf2;
    c.step = 0.02;
    Settings plain = settings_of(c);
    c.potential = "x1^2 + x2^2 + x3^2";
    Settings given = settings_of(c);
    plain.time.stationary = given.time.stationary = stationary;
    GridEngine<3> expected(plain, Communicator()), engine(given, Communicator());
    for (GridEngine<3>* e : {&expected, &engine}) {
      if (stationary) {
        e->solve_stationary();
        continue;
      }
      e->initialise();
      for (int n = 0; n < 3; ++n) e->step(c.step);
    }
    EXPECT_NE(engine.description().find("x1 transported, limited"), std::string::npos) << engine.description();
    EXPECT_NE(engine.description().find("mixed"), std::string::npos) << engine.description();
    const double size = largest(expected, expected.density());
    for_each<3>(cells_of(engine),
                [&](const Index<3>& i) { EXPECT_NEAR(engine.density()(i), expected.density()(i), 1e-13 * size); });
  }
}

/// A step that leaves less than nothing, and not even the amount that its equations say, is not passed on.
TEST(Operators, MassBelowZeroIsAnError) {
  Case c;
  c.drift = {"0", "0"};
  c.diffusion = {"1"};
  c.half_width = 1.0;
  c.cells = 12;
  c.boundary = BoundaryType::absorbing;
  c.scheme = Scheme::crank_nicolson;
  c.step = 5.0;
  Settings settings = settings_of(c);
  settings.solver.tolerance = 1e-2;
  settings.solver.method = LinearMethod::gmres;
  GridEngine<2> engine(settings, Communicator());
  engine.initialise();
  EXPECT_THROW(engine.step(c.step), NumericsError);
}

/// The same run on one rank alone and on all.
template <int Dim>
void check_ranks(Case c) {
  Settings settings = settings_of(c);
  settings.solver.tolerance = 1e-14;  // else Krylov solves differ by their tolerance
  GridEngine<Dim> all(settings, Communicator()), alone(settings, Communicator(MPI_COMM_SELF));
  for (GridEngine<Dim>* engine : {&all, &alone}) {
    engine->initialise();
    for (int n = 0; n < 3; ++n) engine->step(engine->choose_step());
  }
  const double size = largest(alone, alone.density());
  double worst = 0.0;
  for_each<Dim>(cells_of(all), [&](const Index<Dim>& i) {
    Index<Dim> g = i;
    for (int d = 0; d < Dim; ++d) g[d] += all.decomposition().owned().begin[d];
    worst = std::max(worst, std::abs(all.density()(i) - alone.density()(g)));
  });
  EXPECT_LE(Communicator().max(worst), 1e-12 * size) << Dim << " " << all.description();
  for (std::size_t k = 0; k < all.escaped().size(); ++k) EXPECT_NEAR(all.escaped()[k], alone.escaped()[k], 1e-12);
}

TEST(Operators, RanksDoNotMatter) {
  for (const Scheme scheme : {Scheme::backward_euler, Scheme::tr_bdf2, Scheme::splitting, Scheme::ssp_rk3})
    for (const BoundaryType boundary : {BoundaryType::periodic, BoundaryType::absorbing}) {
      Case two = random_case<2>(3, true), four = random_case<4>(3, false), kolmogorov;
      kolmogorov.drift = {"x2", "-x1"};
      kolmogorov.diffusion = {"0", "1"};
      kolmogorov.half_width = 3.0;
      kolmogorov.cells = 20;
      for (Case* c : {&two, &four, &kolmogorov}) {
        c->scheme = scheme;
        c->boundary = boundary;
        c->step = scheme == Scheme::ssp_rk3 ? 0.0 : 0.02;
      }
      check_ranks<2>(two);
      check_ranks<2>(kolmogorov);
      check_ranks<4>(four);
    }
}

/// Random problems, steps from tiny to absurd: mass and sign.
template <int Dim>
void check_positive(Scheme scheme, double step) {
  for (unsigned seed = 20; seed < 23; ++seed) {
    Case c = random_case<Dim>(seed, false);
    c.scheme = scheme;
    c.step = step;
    c.boundary = seed % 2 ? BoundaryType::periodic : BoundaryType::no_flux;
    GridEngine<Dim> engine(settings_of(c), Communicator());
    engine.initialise();
    double before = mass(engine);
    for (int n = 0; n < 3; ++n) {
      engine.step(engine.choose_step());
      const double after = mass(engine);
      EXPECT_NEAR(after, before, 1e-13) << Dim << " " << engine.description();
      before = after;
    }
    EXPECT_GE(least(engine), 0.0) << Dim << " step " << step << " " << engine.description();
  }
}

TEST(Operators, PositiveAndConservative) {
  for (const double step : {1e-4, 0.1, 100.0}) {
    check_positive<1>(Scheme::backward_euler, step);
    check_positive<2>(Scheme::backward_euler, step);
    check_positive<3>(Scheme::backward_euler, step);
    check_positive<4>(Scheme::backward_euler, step);
    check_positive<1>(Scheme::splitting, step);
    check_positive<2>(Scheme::splitting, step);
    check_positive<3>(Scheme::splitting, step);
    check_positive<4>(Scheme::splitting, step);
    check_positive<5>(Scheme::splitting, step);
    check_positive<6>(Scheme::splitting, step);
  }
  check_positive<3>(Scheme::ssp_rk2, 0.0);
  check_positive<6>(Scheme::ssp_rk3, 0.0);
}

/// Inflow: a uniform drift carries the given density in; what is there in the end is what was given.
TEST(Operators, InflowFillsTheBox) {
  for (const Scheme scheme : {Scheme::tr_bdf2, Scheme::splitting, Scheme::ssp_rk2}) {
    Case c;
    c.drift = {"1", "0"};
    c.diffusion = {"0.02"};
    c.half_width = 1.0;
    c.cells = 20;
    c.scheme = scheme;
    c.step = scheme == Scheme::ssp_rk2 ? 0.0 : 0.05;
    Settings settings = settings_of(c);
    settings.boundary[0] = settings.boundary[1] = {BoundaryType::inflow, Expression(0.7)};
    GridEngine<2> engine(settings, Communicator());
    set_density<2>(engine, [](const Point<2>&) { return 0.0; });
    run(engine, 8.0);
    double out = 0.0;
    for (const double e : engine.escaped()) out += e;
    EXPECT_NEAR(mass(engine) + out, 0.0, 1e-11) << engine.description();
    for_each<2>(cells_of(engine), [&](const Index<2>& i) { EXPECT_NEAR(engine.density()(i), 0.7, 1e-6); });
  }
}

/// From an empty box: nearly all mass came in during the step, and the step is what the equations say.
TEST(Operators, FirstInflowIsExact) {
  for (const Scheme scheme : {Scheme::backward_euler, Scheme::tr_bdf2}) {
    Case c;
    c.drift = {"1", "0"};
    c.diffusion = {"0.02"};
    c.half_width = 1.0;
    c.cells = 20;
    c.scheme = scheme;
    c.step = 1e-3;
    c.method = LinearMethod::gmres;  // stops at its tolerance
    Settings settings = settings_of(c);
    settings.solver.tolerance = 1e-8;
    settings.boundary[0] = settings.boundary[1] = {BoundaryType::inflow, Expression(0.7)};
    GridEngine<2> engine(settings, Communicator());
    set_density<2>(engine, [](const Point<2>&) { return 0.0; });
    engine.step(c.step);
    double out = 0.0;
    for (const double e : engine.escaped()) out += e;
    // (1 + 2 * 0.01 / h) * 0.7 per unit area, h = 0.1: drift and diffusion from the face.
    EXPECT_NEAR(mass(engine), 2.0 * 0.7 * c.step, 0.5 * c.step);
    EXPECT_NEAR(mass(engine) + out, 0.0, 1e-16) << engine.description();
    EXPECT_LE(engine.mass_correction(), 1e-6) << engine.description();
  }
}

/// The low face of x1 is given p = 2, the high one closed: f = 0.1, D = 1 + 0.3 x, so that a = f - D' / 2 points out
/// where f points in. At rest p = 2 (D(low) / D)^(1/3).
template <int Dim>
void check_inflow_against_noise(Scheme scheme, Coefficients coefficients, int cells, double tolerance) {
  Case c;
  c.drift.assign(Dim, "0");
  c.drift[0] = "0.1";
  c.diffusion.assign(Dim, "1");
  c.diffusion[0] = Dim == 1 ? "1 + 0.3*x1" : "1 + 0.3*x1 + 1e-9*x2*x3*x4*t";
  c.half_width = 0.5;
  c.cells = cells;
  c.scheme = scheme;
  c.step = 0.5;
  Settings settings = settings_of(c);
  settings.coefficients = coefficients;
  settings.boundary[0] = {BoundaryType::inflow, Expression(2.0)};
  GridEngine<Dim> engine(settings, Communicator());
  set_density<Dim>(engine, [](const Point<Dim>&) { return 1.0; });
  run(engine, 20.0);
  const double at_rest = 10.0 * std::cbrt(0.85) * (std::pow(1.15, 2.0 / 3.0) - std::pow(0.85, 2.0 / 3.0));
  EXPECT_NEAR(mass(engine), at_rest, tolerance * at_rest) << engine.description();
  EXPECT_NEAR(mass(engine) + engine.escaped()[0], 1.0, 1e-10) << engine.description();
}

TEST(Operators, InflowGoesByTheDriftItself) {
  for (const Scheme scheme : {Scheme::backward_euler, Scheme::tr_bdf2, Scheme::splitting})
    check_inflow_against_noise<1>(scheme, Coefficients::stored, 40, 1e-5);
  for (const Coefficients kept : {Coefficients::stored, Coefficients::recomputed})
    check_inflow_against_noise<4>(Scheme::splitting, kept, 6, 2e-3);
}

/// f points out and a inwards: nothing comes in, and what is lost is accounted for.
TEST(Operators, OutflowGoesByTheDriftItself) {
  for (const Scheme scheme : {Scheme::tr_bdf2, Scheme::splitting}) {
    Case c;
    c.drift = {"-0.1"};
    c.diffusion = {"1 - 0.5*x1"};
    c.half_width = 0.5;
    c.cells = 40;
    c.scheme = scheme;
    c.step = 0.05;
    Settings settings = settings_of(c);
    settings.boundary[0] = {BoundaryType::inflow, Expression(2.0)};
    GridEngine<1> engine(settings, Communicator());
    set_density<1>(engine, [](const Point<1>&) { return 1.0; });
    run(engine, 20.0);
    EXPECT_LT(mass(engine), 0.3) << engine.description();
    EXPECT_GT(mass(engine), 0.1) << engine.description();  // about exp(-20 * 0.1 p(low) / mass)
    EXPECT_NEAR(mass(engine) + engine.escaped()[0], 1.0, 1e-11) << engine.description();
  }
}

/// What is given on a face belongs to the right-hand side: the system is that of an absorbing face, and solved alike.
TEST(Operators, InflowIsPreconditionedAsWell) {
  std::int64_t iterations[2];
  for (const bool given : {false, true}) {
    Case c;
    c.drift = {"1 - x1", "-2*x2", "-x3", "-x4"};
    c.diffusion = {"0.05", "1", "1", "1"};
    c.half_width = 3.0;
    c.cells = 10;
    c.step = 1.0;
    Settings settings = settings_of(c);
    settings.boundary[0].type = BoundaryType::absorbing;
    if (given) settings.boundary[0] = {BoundaryType::inflow, Expression(0.01)};
    GridEngine<4> engine(settings, Communicator());
    engine.initialise();
    run(engine, 3.0);
    iterations[given] = engine.solve_statistics().front().second.iterations;
  }
  EXPECT_LE(iterations[1], iterations[0] + iterations[0] / 4);
}

/// Through an absorbing face at which the drift points inwards comes nothing, at the speed of the drift: what was in
/// the box at the start is gone from where it cannot be any more.
TEST(Operators, NothingComesThroughAnAbsorbingFace) {
  for (const int cells : {20, 40}) {
    Case c;
    c.drift = {"1", "0"};
    c.diffusion = {"0", "0.1"};
    c.half_width = 1.0;
    c.cells = cells;
    c.scheme = Scheme::splitting;
    c.step = 0.2;
    Settings settings = settings_of(c);
    settings.boundary[0] = settings.boundary[1] = {BoundaryType::absorbing, {}};
    GridEngine<2> engine(settings, Communicator());
    set_density<2>(engine, [](const Point<2>&) { return 1.0; });
    for (int n = 0; n < 2; ++n) engine.step(c.step);
    const double behind = integral(
        engine, [&](const Index<2>& i) { return point_of<2>(engine, i)[0] < -0.6 ? engine.density()(i) : 0.0; });
    EXPECT_NEAR(behind, 0.0, 1e-13) << cells;
    EXPECT_NEAR(mass(engine), 3.2, 1e-12) << cells;
    EXPECT_NEAR(engine.escaped()[1], 0.8, 1e-12) << cells;
  }
}

/// What lines lose below zero is counted, and given back.
TEST(Operators, RepairsAreReported) {
  Case c;
  c.drift = {"-x1", "0.3*x1 - x2"};
  c.diffusion = {"0.05", "0.05 + 0.01*x1^2"};
  c.half_width = 3.0;
  c.cells = 64;
  c.scheme = Scheme::splitting;
  c.step = 0.3;
  c.initial = gaussian({1.0, 0.5}, {0.01, 0.0, 0.0, 0.01});
  GridEngine<2> engine(settings_of(c), Communicator());
  engine.initialise();
  const double before = mass(engine);
  for (int n = 0; n < 5; ++n) engine.step(c.step);
  EXPECT_GT(engine.line_counts().repairs, 0);
  EXPECT_GT(engine.dropped_mass(), 0.0);
  EXPECT_LE(engine.dropped_mass(), 1e-3);
  EXPECT_NEAR(mass(engine), before, 1e-13);
  EXPECT_GE(least(engine), 0.0);
}

template <int Dim>
void check_stationary(const Case& c, double bound) {
  GridEngine<Dim> engine(settings_of(c), Communicator());
  engine.solve_stationary();
  Field<Dim> rate;
  engine.rate(rate);
  EXPECT_NEAR(mass(engine), 1.0, 1e-13);
  EXPECT_LE(largest(engine, rate), bound * largest(engine, engine.density())) << engine.description();
}

TEST(Operators, StationaryDensity) {
  Case line;
  line.drift = {"x1 - x1^3"};
  line.diffusion = {"0.3 + 0.1*x1^2"};
  line.half_width = 2.5;
  line.cells = 200;
  check_stationary<1>(line, 1e-10);
  Case ring;  // a tilted periodic potential: constant flux
  ring.drift = {"1 + sin(pi*x1)"};
  ring.diffusion = {"0.2"};
  ring.half_width = 1.0;
  ring.cells = 64;
  ring.boundary = BoundaryType::periodic;
  check_stationary<1>(ring, 1e-9);
  check_stationary<2>(random_case<2>(5, true), 1e-9);
  check_stationary<3>(random_case<3>(5, false), 1e-8);
  Case open = ring;
  open.boundary = BoundaryType::absorbing;
  EXPECT_THROW(GridEngine<1>(settings_of(open), Communicator()).solve_stationary(), InputError);
}

}  // namespace
}  // namespace kolmo::density::testing
