// Stationary densities where a direction has no noise: order, sign, and what their fluxes do.
#include "density/engine_cases.hpp"

namespace kolmo::density::testing {
namespace {

struct Found {
  double l1 = 0.0, least = 0.0, imbalance = 0.0, moved = 0.0;
};

/// |div J| in every cell, relative to the largest |J| over the width.
template <int Dim>
double imbalance(GridEngine<Dim>& engine) {
  std::array<Field<Dim>, Dim> flux;
  engine.flux(flux);
  double worst = 0.0, most = 0.0;
  for_each<Dim>(cells_of(engine), [&](const Index<Dim>& i) {
    double sum = 0.0;
    for (int d = 0; d < Dim; ++d) {
      Index<Dim> above = i;
      ++above[d];
      const double width = engine.grid().axis(d).width(i[d] + engine.decomposition().owned().begin[d]);
      sum += (flux[d](above) - flux[d](i)) / width;
      most = std::max(most, std::abs(flux[d](i)) / width);
    }
    worst = std::max(worst, std::abs(sum));
  });
  const Communicator comm;
  return comm.max(worst) / comm.max(most);
}

template <int Dim>
Found stationary(Case c, int cells, const std::function<double(const double*)>& shape) {
  c.cells = cells;
  Settings settings = settings_of(c);
  settings.time.stationary = true;
  GridEngine<Dim> engine(settings, Communicator());
  engine.solve_stationary();
  const double total = integral(engine, [&](const Index<Dim>& i) { return cell_mean<Dim>(engine, i, shape); });
  EXPECT_NEAR(mass(engine), 1.0, 1e-13);
  Found f{l1_error<Dim>(engine, [&](const double* x) { return shape(x) / total; }), least(engine), imbalance(engine),
          engine.stationary_change()};
  if (Communicator().root())
    printf("%d^%d: L1 %.3e, least %.1e, div J %.1e; %s\n", cells, Dim, f.l1, f.least, f.imbalance,
           engine.description().c_str());
  return f;
}

/// P4 without telling the engine its potential: position is carried along by the velocity, without noise of its own.
TEST(Stationary, TransportIsOfSecondOrderAndPositive) {
  Case c;
  c.drift = {"x2", "x1 - x1^3 - 0.5*x2"};
  c.diffusion = {"0", "1"};
  c.half_width = 4.5;
  const auto gibbs = [](const double* x) {
    return std::exp(-(std::pow(x[0], 4) / 4 - x[0] * x[0] / 2 + x[1] * x[1] / 2));
  };
  const Found coarse = stationary<2>(c, 48, gibbs), fine = stationary<2>(c, 96, gibbs);
  for (const Found& f : {coarse, fine}) {
    EXPECT_GE(f.least, 0.0);
    EXPECT_LE(f.imbalance, 1e-10);
    EXPECT_LE(f.moved, 0.3 * f.l1);
  }
  EXPECT_GT(std::log2(coarse.l1 / fine.l1), 1.8);
}

/// Steep: central weights would go below zero here.
TEST(Stationary, WeakNoiseStaysPositive) {
  Case c;
  c.drift = {"x2", "-x1 - 0.02*x2"};
  c.diffusion = {"0", "0.01"};
  c.half_width = 3.0;
  const Found f = stationary<2>(c, 40, [](const double* x) { return std::exp(-2.0 * (x[0] * x[0] + x[1] * x[1])); });
  EXPECT_GE(f.least, 0.0);
  EXPECT_LE(f.imbalance, 1e-9);
  EXPECT_LE(f.moved, 1e-3);
}

/// What a loose solver leaves is not taken for a stall.
TEST(Stationary, LooseTolerancesEnd) {
  Case c;
  c.drift = {"-x1", "-x2 + 0.3*x1", "-x3"};
  c.diffusion = {"0.6"};
  c.half_width = 3.0;
  c.cells = 14;
  Settings settings = settings_of(c);
  settings.time.stationary = true;
  settings.solver.tolerance = 1e-3;
  GridEngine<3> engine(settings, Communicator());
  engine.solve_stationary();
  EXPECT_NEAR(mass(engine), 1.0, 1e-13);
  EXPECT_GE(least(engine), 0.0);
}

/// Parts of the box that exchange no mass: noise that vanishes on a line, a direction in which nothing moves. A slow
/// exchange over a barrier is one density.
TEST(Stationary, NotUniqueIsRefused) {
  const auto outcome = [](const std::vector<std::string>& drift, const std::vector<std::string>& diffusion) {
    Case c;
    c.drift = drift;
    c.diffusion = diffusion;
    c.half_width = 2.5;
    c.cells = 20;
    Settings settings = settings_of(c);
    settings.time.stationary = true;
    try {
      if (drift.size() == 1) {
        GridEngine<1> engine(settings, Communicator());
        engine.solve_stationary();
      } else {
        GridEngine<2> engine(settings, Communicator());
        engine.solve_stationary();
      }
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string("unique");
  };
  EXPECT_NE(outcome({"x1 - x1^3"}, {"x1^2"}).find("not unique"), std::string::npos);
  EXPECT_NE(outcome({"x1 - x1^3", "-x2"}, {"x1^2", "1"}).find("not unique"), std::string::npos);
  EXPECT_NE(outcome({"-x1", "0"}, {"1", "0"}).find("not unique"), std::string::npos);
  EXPECT_EQ(outcome({"x1 - x1^3 + 0.1", "-x2"}, {"0.08", "0.2"}), "unique");
  EXPECT_EQ(outcome({"x2", "-x1"}, {"0", "1"}), "unique");
}

}  // namespace
}  // namespace kolmo::density::testing
