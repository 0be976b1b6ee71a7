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

/// A radius (Bessel process with a drift to the origin): the drift is infinite on the face itself, which carries
/// nothing.
TEST(Stationary, DriftInfiniteOnANoFluxFace) {
  Case c;
  c.drift = {"0.5/(x1+3) - (x1+3)"};
  c.diffusion = {"1"};
  c.half_width = 3.0;
  const auto radius = [](const double* x) { return (x[0] + 3.0) * std::exp(-(x[0] + 3.0) * (x[0] + 3.0)); };
  const Found coarse = stationary<1>(c, 60, radius), fine = stationary<1>(c, 120, radius);
  EXPECT_LT(fine.l1, 4e-4);
  EXPECT_GT(std::log2(coarse.l1 / fine.l1), 1.9);
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
  const auto outcome = [](const std::vector<std::string>& drift, const std::vector<std::string>& diffusion,
                          const char* potential = "") {
    Case c;
    c.potential = potential;
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
        return engine.description();
      }
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string("unique");
  };
  EXPECT_NE(outcome({"x1 - x1^3"}, {"x1^2"}).find("not unique"), std::string::npos);
  EXPECT_NE(outcome({"x1 - x1^3", "-x2"}, {"x1^2", "1"}).find("not unique"), std::string::npos);
  EXPECT_NE(outcome({"-x1", "0"}, {"1", "0"}).find("not unique"), std::string::npos);
  const auto unique = [](const std::string& said) {
    return said.find("inverse iteration") != std::string::npos && said.find("not unique") == std::string::npos;
  };
  EXPECT_TRUE(unique(outcome({"x1 - x1^3 + 0.1", "-x2"}, {"0.08", "0.2"})));
  EXPECT_TRUE(unique(outcome({"x2", "-x1"}, {"0", "1"})));
  // With a potential the case says which one it means, and hears that there are others.
  const std::string said = outcome({"x1 - x1^5/2", "-x2"}, {"x1^2", "1"}, "x1^4/4 + x2^2");
  EXPECT_NE(said.find("from exp(-U): the stationary density is not unique"), std::string::npos) << said;
  EXPECT_TRUE(unique(outcome({"-x1", "-x2"}, {"1"}, "x1^2 + x2^2")));
  // Two wells whose barrier lets less pass than a number can tell.
  EXPECT_NE(outcome({"x1 - x1^3"}, {"1e-5"}).find("not unique"), std::string::npos);
}

/// What the solve ends with; every rank by itself, for hundreds of small solves.
template <class Error>
std::string message_of(Case c, double half_width, int cells) {
  c.half_width = half_width;
  c.cells = cells;
  Settings settings = settings_of(c);
  settings.time.stationary = true;
  GridEngine<2> engine(settings, Communicator(MPI_COMM_SELF));
  try {
    engine.solve_stationary();
  } catch (const Error& error) {
    return error.what();
  }
  return "found";
}

/// Two wells of different depth, a barrier of 50 times the noise between them: known to the potential alone.
TEST(Stationary, WellsOfAKnownPotentialHaveTheirWeights) {
  Case c;
  c.drift = {"x1 - x1^3 + 0.002", "-x2"};
  c.diffusion = {"0.01"};
  c.potential = "200*(x1^4/4 - x1^2/2 - 0.002*x1 + x2^2/2)";
  c.half_width = 2.0;
  c.cells = 48;
  Settings settings = settings_of(c);
  settings.time.stationary = true;
  GridEngine<2> engine(settings, Communicator());
  engine.solve_stationary();
  const auto right = [&](auto&& value) {
    return integral(engine, [&](const Index<2>& i) { return point_of<2>(engine, i)[0] > 0.0 ? value(i) : 0.0; }) /
           integral(engine, value);
  };
  const auto gibbs = [&](const Index<2>& i) {
    const Point<2> x = point_of<2>(engine, i);
    return std::exp(-200.0 * (x[0] * x[0] * x[0] * x[0] / 4 - x[0] * x[0] / 2 - 0.002 * x[0] + x[1] * x[1] / 2) - 50.0);
  };
  EXPECT_NEAR(right([&](const Index<2>& i) { return engine.density()(i); }), right(gibbs), 1e-9);
  EXPECT_GT(right(gibbs), 0.6);
}

/// Wells that exchange too little for two starts to meet, but more than nothing.
TEST(Stationary, SlowExchangeEndsAsNotConverged) {
  Case c;
  c.drift = {"x1 - x1^3", "-x2"};
  c.diffusion = {"0.02"};
  EXPECT_NE(message_of<NotConverged>(c, 2.0, 32).find("exchange too little mass"), std::string::npos);
  c.diffusion = {"0.1"};
  EXPECT_EQ(message_of<NotConverged>(c, 2.0, 32), "found");
}

/// Limited fluxes on cells too coarse for them move more than 0.01 of the mass from round to round.
TEST(Stationary, RestlessLimitersEndAsNotConverged) {
  Case c;
  c.drift = {"x2", "x1 - x1^3"};
  c.diffusion = {"0", "0.25"};
  EXPECT_NE(message_of<NotConverged>(c, 3.0, 12).find("do not come to rest"), std::string::npos);
  EXPECT_EQ(message_of<NotConverged>(c, 3.0, 24), "found");
}

/// On a line it does not matter where among the faces the noise ends.
TEST(Stationary, LinesThatFallApartAreRefusedOnAnyGrid) {
  const auto outcome = [](const char* drift, const char* diffusion, int cells, double from) {
    Case c;
    c.drift = {drift};
    c.diffusion = {diffusion};
    c.cells = cells;
    Settings settings = settings_of(c);
    settings.axes[0].from = from;
    settings.axes[0].to = 2.0;
    settings.time.stationary = true;
    GridEngine<1> engine(settings, Communicator());
    try {
      engine.solve_stationary();
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string("unique");
  };
  for (const int cells : {40, 41, 47, 256}) {
    for (const char* diffusion : {"x1^2", "abs(x1)", "x1^2*exp(x1)"})
      EXPECT_NE(outcome("x1 - x1^3", diffusion, cells, -2.0).find("not unique"), std::string::npos) << cells;
    EXPECT_NE(outcome("sin(3*(x1-0.7))", "(x1-0.7)^2", cells, -2.0).find("not unique"), std::string::npos) << cells;
    EXPECT_EQ(outcome("0.1 + x1 - x1^3", "x1^2", cells, -2.0), "unique") << cells;  // the drift leads across
    EXPECT_EQ(outcome("x1 - x1^3", "1e-3 + x1^2", cells, -2.0), "unique") << cells;
    EXPECT_EQ(outcome("1 - x1", "x1", cells, 0.0), "unique") << cells;       // Cox, Ingersoll & Ross
    EXPECT_EQ(outcome("x1 - x1^3", "x1^2", cells, 0.0), "unique") << cells;  // noise ends on the boundary alone
    EXPECT_EQ(outcome("x1 - x1^3", "x1^2", cells, 0.1), "unique") << cells;
  }
}

/// Weights that underflow: one-way faces that all lead to one place. Mean and variance of what is left are a cell's.
TEST(Stationary, WeakNoiseOnALineIsUnique) {
  for (const int cells : {64, 65}) {
    Case c;
    c.drift = {"-x1"};
    c.diffusion = {"1e-4"};
    c.cells = cells;
    Settings settings = settings_of(c);
    settings.time.stationary = true;
    GridEngine<1> engine(settings, Communicator());
    engine.solve_stationary();
    const double width = 10.0 / cells;
    EXPECT_NEAR(mass(engine), 1.0, 1e-14);
    EXPECT_GE(least(engine), 0.0);
    const auto moment = [&](int power) {
      return integral(
          engine, [&](const Index<1>& i) { return std::pow(point_of<1>(engine, i)[0], power) * engine.density()(i); });
    };
    EXPECT_NEAR(moment(1), 0.0, 1e-12);
    EXPECT_NEAR(moment(2), cells % 2 == 0 ? 0.25 * width * width : 0.0, 1e-12);  // both middle cells, or the one
  }
}

}  // namespace
}  // namespace kolmo::density::testing
