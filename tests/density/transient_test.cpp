// Kramers and Duffing on their way to equilibrium, against a spectral solution made here.
#include <fmt/format.h>

#include "density/engine_cases.hpp"
#include "density/kramers_reference.hpp"

namespace kolmo::density::testing {
namespace {

using Reference = KramersReference::Problem;

Reference kramers() { return {-1.0, 1.0, 0.5, 0.5, 1.5, 0.6}; }
Reference duffing() { return {1.0, 0.5, 0.4, 0.5, 1.2, -0.8}; }

std::vector<double> nodes(const Axis& axis) {
  std::vector<double> out;
  for (int i = 0; i <= axis.cells(); ++i) out.push_back(axis.node(i));
  return out;
}

Case case_of(const Reference& r, bool potential) {
  Case c;
  const std::string u = fmt::format("(({0}*x1^2/2 + {1}*x1^4/4) + x2^2/2)/{2}", r.a, r.b, r.temperature);
  c.drift = {"x2", fmt::format("-({}*x1 + {}*x1^3) - {}*x2", r.a, r.b, r.gamma)};
  c.diffusion = {"0", fmt::format("{}", 2.0 * r.gamma * r.temperature)};
  if (potential) c.potential = u;
  c.initial = expression_density(
      2, Expression(fmt::format("exp(-{} + {}*x1 + {}*x2)", u, r.kappa, r.mu), {}, {"x1", "x2", "t"}));
  c.half_width = 4.5;
  return c;
}

constexpr std::array<double, 2> ends{0.5, 1.5};

/// L1 errors at both ends.
std::array<double, 2> errors(Case c, const std::array<KramersReference, 2>& reference, int cells, double step) {
  c.cells = cells;
  c.step = step;
  GridEngine<2> engine(settings_of(c), Communicator());
  engine.initialise();
  const Index<2>& begin = engine.decomposition().owned().begin;
  std::array<double, 2> found{};
  for (int k = 0; k < 2; ++k) {
    run(engine, ends[k]);
    const std::vector<double> exact = reference[k].averages(nodes(engine.grid().axis(0)), nodes(engine.grid().axis(1)));
    found[k] = integral(engine, [&](const Index<2>& i) {
      return std::abs(engine.density()(i) - exact[(i[1] + begin[1]) * cells + i[0] + begin[0]]);
    });
  }
  EXPECT_NEAR(mass(engine), 1.0, 1e-12);
  return found;
}

/// Its mass is kept, two resolutions agree, and it ends in equilibrium.
TEST(Transient, ReferenceConverges) {
  const Axis axis = [] {
    AxisSpec spec;
    spec.from = -4.5;
    spec.to = 4.5;
    spec.cells = 30;
    return Axis(spec);
  }();
  for (const Reference& r : {kramers(), duffing()}) {
    KramersReference coarse(r, 56, 64), fine(r, 68, 80);
    EXPECT_NEAR(fine.mass(), 1.0, 1e-12);
    coarse.advance(1.5);
    fine.advance(1.5);
    EXPECT_NEAR(fine.mass(), 1.0, 1e-12);
    const std::vector<double> p = coarse.averages(nodes(axis), nodes(axis)),
                              q = fine.averages(nodes(axis), nodes(axis));
    double distance = 0.0, largest = 0.0;
    for (std::size_t i = 0; i < p.size(); ++i) {
      distance = std::max(distance, std::abs(p[i] - q[i]));
      largest = std::max(largest, q[i]);
    }
    if (Communicator().root()) printf("spectral: two resolutions differ by %.1e of %.3f\n", distance, largest);
    EXPECT_LE(distance, 1e-11);
  }
}

void expect_orders(const std::string& name, const Case& base, const Reference& r, Scheme scheme) {
  KramersReference first(r, 56, 64), second = first;
  first.advance(ends[0]);
  second.advance(ends[1]);
  const std::array<KramersReference, 2> reference{first, second};
  Case c = base;
  c.scheme = scheme;
  std::array<double, 2> e[3];
  for (int k = 0; k < 3; ++k) e[k] = errors(c, reference, 48 << k, 0.04 / (1 << k));
  for (int k = 0; k < 2; ++k) {
    const double coarse = std::log2(e[0][k] / e[1][k]), fine = std::log2(e[1][k] / e[2][k]);
    if (Communicator().root())
      printf("%-28s t = %.1f: L1 %.2e %.2e %.2e, orders %.2f %.2f\n", name.c_str(), ends[k], e[0][k], e[1][k], e[2][k],
             coarse, fine);
    EXPECT_NEAR(coarse, 2.0, 0.2) << name;
    EXPECT_NEAR(fine, 2.0, 0.1) << name;
  }
}

/// The potential known: fluxes of the ratio p / exp(-U).
TEST(Transient, OrdersOfTheUnsplitOperator) {
  expect_orders("Kramers, tr-bdf2", case_of(kramers(), true), kramers(), Scheme::tr_bdf2);
  expect_orders("Duffing, tr-bdf2", case_of(duffing(), true), duffing(), Scheme::tr_bdf2);
}

TEST(Transient, OrdersOfTheSplitting) {
  expect_orders("Kramers, splitting", case_of(kramers(), false), kramers(), Scheme::splitting);
  expect_orders("Duffing, splitting", case_of(duffing(), false), duffing(), Scheme::splitting);
}

/// Steps far beyond the Courant number of the transport: second order is lost, but not the density.
TEST(Transient, LongSteps) {
  for (const bool potential : {false, true})
    for (const double step : {0.2, 1.0, 5.0}) {
      Case c = case_of(kramers(), potential);
      c.scheme = Scheme::tr_bdf2;
      c.cells = 64;
      c.step = step;
      GridEngine<2> engine(settings_of(c), Communicator());
      engine.initialise();
      run(engine, 100.0);
      EXPECT_NEAR(mass(engine), 1.0, 1e-11);
      EXPECT_GE(least(engine), -1e-3) << "step " << step;
      const double equilibrium = integral(engine, [&](const Index<2>& i) {
        return std::exp(-(std::pow(point_of<2>(engine, i)[0], 4) / 4 - std::pow(point_of<2>(engine, i)[0], 2) / 2 +
                          std::pow(point_of<2>(engine, i)[1], 2) / 2) /
                        0.5);
      });
      const double distance = integral(engine, [&](const Index<2>& i) {
        const Point<2> x = point_of<2>(engine, i);
        const double u = (std::pow(x[0], 4) / 4 - std::pow(x[0], 2) / 2 + std::pow(x[1], 2) / 2) / 0.5;
        return std::abs(engine.density()(i) - std::exp(-u) / equilibrium);
      });
      if (Communicator().root())
        printf("step %.1f, potential %s: %.1e from equilibrium\n", step, potential ? "known" : "not known", distance);
      EXPECT_LE(distance, potential ? 1e-6 : 0.2);
    }
}

}  // namespace
}  // namespace kolmo::density::testing
