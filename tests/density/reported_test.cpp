// What a run reports of itself: orders of the errors and of the score, entropy production, fluxes.
#include "density/engine_cases.hpp"
#include "kolmo/density/comparison.hpp"

namespace kolmo::density::testing {
namespace {

using Exact = std::function<std::shared_ptr<const ExactDensity>(const Problem&)>;

struct Found {
  double l1 = 0.0, score = 0.0, kl = 0.0;
};

template <int Dim>
Found found(Case c, int cells, double step, double end, const Exact& exact) {
  c.cells = cells;
  c.step = step;
  const Settings settings = settings_of(c);
  GridEngine<Dim> engine(settings, Communicator());
  engine.initialise();
  run(engine, end);
  const auto density = exact(settings.problem);
  const Quantities<Dim> quantities(engine.grid(), engine.decomposition());
  const Comparison<Dim> comparison(quantities, *density);
  return {comparison.function(engine.density(), end).rel_l1, comparison.score(engine.density(), end),
          comparison.cells(engine.density(), end).kl};
}

template <int Dim>
void expect_second_order(const std::string& name, const Case& c, int cells, double step, double end,
                         const Exact& exact) {
  const Found coarse = found<Dim>(c, cells, step, end, exact), fine = found<Dim>(c, 2 * cells, 0.5 * step, end, exact);
  const double l1 = std::log2(coarse.l1 / fine.l1), score = std::log2(coarse.score / fine.score);
  if (Communicator().root())
    printf("%-24s L1 %.3e order %.2f, score %.3e order %.2f, KL %.2e order %.2f\n", name.c_str(), fine.l1, l1,
           fine.score, score, fine.kl, std::log2(coarse.kl / fine.kl));
  EXPECT_NEAR(l1, 2.0, 0.1) << name;
  EXPECT_NEAR(score, 2.0, 0.1) << name;
}

Exact by_moments() {
  return [](const Problem& problem) { return gaussian_exact(problem, 0.0); };
}

/// P1: drift that is not normal, D with off-diagonal entries.
Case turning() {
  Case c;
  c.drift = {"-x1 + 0.8*x2", "-0.3*x1 - 1.2*x2"};
  c.diffusion = {"1", "0.5", "0.5", "1"};
  c.initial = gaussian({0.6, -0.4}, {0.3, 0.1, 0.1, 0.4});
  c.half_width = 4.5;
  c.scheme = Scheme::tr_bdf2;
  return c;
}

/// P11: three Gaussians dissolve.
Case mixture(Scheme scheme) {
  Case c;
  c.drift = {"-0.5*x1"};
  c.diffusion = {"1"};
  c.initial = gaussian_mixture({0.3, 0.5, 0.2}, {{-2.0}, {0.5}, {2.5}}, {{0.1}, {0.2}, {0.15}});
  c.half_width = 7.0;
  c.scheme = scheme;
  return c;
}

/// P8: from one side of a double well.
Case double_well(Scheme scheme) {
  Case c;
  c.drift = {"x1-x1^3"};
  c.diffusion = {"0.5"};
  c.initial = gaussian({0.7}, {0.04});
  c.half_width = 2.8;
  c.scheme = scheme;
  return c;
}

TEST(Reported, OrderOfDensityAndScore) {
  expect_second_order<2>("P1 full D, tr-bdf2", turning(), 48, 0.05, 0.5, by_moments());
  expect_second_order<1>("P11 tr-bdf2", mixture(Scheme::tr_bdf2), 192, 0.02, 0.8, by_moments());
  expect_second_order<1>("P11 splitting", mixture(Scheme::splitting), 192, 0.02, 0.8, by_moments());
  const Exact expansion = [](const Problem& problem) {
    const double low = -2.8, high = 2.8;
    return eigenexpansion_exact(problem, 0.0, &low, &high);
  };
  expect_second_order<1>("P8 tr-bdf2", double_well(Scheme::tr_bdf2), 96, 0.02, 1.0, expansion);
  expect_second_order<1>("P8 splitting", double_well(Scheme::splitting), 96, 0.02, 1.0, expansion);
}

/// The stationary ring turns with velocity (y, -x): the flux is that times p, and entropy is produced at the rate
/// 2 E[r^2] / D.
TEST(Reported, EntropyProductionOfTheRing) {
  Case c;
  c.drift = {"-4*x1*(x1^2+x2^2-1) + x2", "-4*x2*(x1^2+x2^2-1) - x1"};
  c.diffusion = {"0.25"};
  c.half_width = 2.2;
  double faces[2], centres[2], largest[2];
  for (int level = 0; level < 2; ++level) {
    c.cells = 48 << level;
    GridEngine<2> engine(settings_of(c), Communicator());
    engine.solve_stationary();
    const Quantities<2> quantities(engine.grid(), engine.decomposition());
    std::array<Field<2>, 2> flux;
    engine.flux(flux);
    const auto square = [](const Point<2>& x) { return x[0] * x[0] + x[1] * x[1]; };
    const double exact = 2.0 / 0.25 * integral(engine, [&](const Index<2>& i) {
                           return square(point_of<2>(engine, i)) * engine.density()(i);
                         });
    double most = 0.0;
    for_each<2>(cells_of(engine), [&](const Index<2>& i) {
      most = std::max(most, std::sqrt(square(point_of<2>(engine, i))) * engine.density()(i));
    });
    most = Communicator().max(most);
    const FluxNumbers a = quantities.flux_numbers(engine.problem(), 0.0, engine.density(), flux);
    const FluxNumbers b = quantities.flux_numbers(engine.problem(), 0.0, engine.density());
    faces[level] = std::abs(a.entropy_production / exact - 1.0);
    centres[level] = std::abs(b.entropy_production / exact - 1.0);
    largest[level] = std::max(std::abs(a.largest / most - 1.0), std::abs(b.largest / most - 1.0));
    if (Communicator().root())
      printf("ring %d^2: entropy production off by %.2e (faces), %.2e (centres), largest flux %.2e\n", c.cells,
             faces[level], centres[level], largest[level]);
  }
  EXPECT_LT(faces[1], 0.02);
  EXPECT_LT(centres[1], 0.02);
  EXPECT_LT(largest[1], 0.02);
  EXPECT_GT(faces[0] / faces[1], 3.0);
  EXPECT_GT(centres[0] / centres[1], 3.0);
}

/// A gradient system in its discrete equilibrium has no flux at all.
TEST(Reported, NothingFlowsInEquilibrium) {
  Case c;
  c.drift = {"-2*x1*(x1^2-1)-0.5*x2", "-x2-0.5*x1"};
  c.diffusion = {"0.6"};
  c.potential = "2*((x1^2-1)^2/2+0.5*x2^2+0.5*x1*x2)/0.6";
  c.half_width = 2.5;
  c.cells = 40;
  GridEngine<2> engine(settings_of(c), Communicator());
  engine.solve_stationary();
  const Quantities<2> quantities(engine.grid(), engine.decomposition());
  std::array<Field<2>, 2> flux;
  engine.flux(flux);
  const FluxNumbers numbers = quantities.flux_numbers(engine.problem(), 0.0, engine.density(), flux);
  EXPECT_LE(numbers.largest, 1e-12);
  EXPECT_LE(numbers.entropy_production, 1e-12);
}

}  // namespace
}  // namespace kolmo::density::testing
