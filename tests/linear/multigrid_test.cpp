// Iteration counts of a conjugate gradient with the multigrid, its symmetry, and equal answers on every number of
// ranks.
#include "kolmo/linear/multigrid.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "linear/multigrid_problem.hpp"

namespace kolmo {
namespace {

constexpr double tolerance = 1e-10;

/// Iterations to a residual of 1e-10; fails unless the true residual follows.
template <int Dim>
int iterations(const DiffusionSetup<Dim>& setup) {
  Diffusion<Dim> problem(setup);
  Multigrid<Dim> multigrid(problem.decomposition(), problem.op());
  std::vector<double> q;
  const CgResult result = conjugate_gradient(problem, multigrid, problem.noise(3), q, tolerance);
  EXPECT_LE(result.residual, 5.0 * tolerance) << multigrid.description();
  return result.iterations;
}

/// <M x, y> - <x, M y> over the size of either.
template <int Dim>
double asymmetry(const DiffusionSetup<Dim>& setup) {
  Diffusion<Dim> problem(setup);
  Multigrid<Dim> multigrid(problem.decomposition(), problem.op());
  const std::vector<double> x = problem.noise(5), y = problem.noise(6);
  std::vector<double> mx(x.size()), my(x.size());
  multigrid.apply(x.data(), mx.data());
  multigrid.apply(y.data(), my.data());
  EXPECT_GT(problem.dot(x, mx), 0.0);
  const double size = std::sqrt(problem.dot(x, mx) * problem.dot(y, my));
  return std::abs(problem.dot(mx, y) - problem.dot(x, my)) / size;
}

DiffusionSetup<3> cube(int n, const std::string& ends = "NN") { return DiffusionSetup<3>::box({n, n, n}, ends); }

DiffusionSetup<3> ball(int n, double inside, double outside) {
  DiffusionSetup<3> setup = cube(n);
  setup.density = [=](const Point<3>& p) {
    double r2 = 0.0;
    for (double v : p) r2 += (v - 0.5) * (v - 0.5);
    return r2 < 1.0 / 16.0 ? inside : outside;
  };
  return setup;
}

TEST(Multigrid, ConstantCoefficients) {
  EXPECT_LE(iterations(cube(16)), 7);
  EXPECT_LE(iterations(cube(32)), 7);
  EXPECT_LE(iterations(cube(24, "PP")), 7);
  EXPECT_LE(iterations(cube(24, "DD")), 7);
}

TEST(Multigrid, OddSizes) {
  EXPECT_LE(iterations(DiffusionSetup<3>::box({33, 17, 9})), 8);
  EXPECT_LE(iterations(DiffusionSetup<3>::box({33, 17, 9}, "PP")), 8);
  EXPECT_LE(iterations(DiffusionSetup<3>::box({7, 19, 31}, "DN")), 8);
}

TEST(Multigrid, EveryMixOfEnds) {
  const std::array<std::string, 4> kinds{"NN", "DD", "PP", "ND"};
  for (const std::string& x : kinds)
    for (const std::string& y : kinds)
      for (const std::string& z : kinds) {
        DiffusionSetup<3> setup = DiffusionSetup<3>::box({12, 9, 10});
        setup.ends = {x, y, z};
        EXPECT_LE(iterations(setup), 8) << x << " " << y << " " << z;
      }
}

TEST(Multigrid, StretchedOneDirection) {
  for (int d = 0; d < 3; ++d)
    for (double strength : {1.5, 2.5}) EXPECT_LE(iterations(cube(24).stretch(d, strength)), 9) << d << " " << strength;
}

TEST(Multigrid, LinesWhereOneDirectionIsClustered) {
  const int ranks = Communicator().size();
  for (int d = 0; d < 3; ++d)
    for (int cut = 0; cut < 3; ++cut) {  // lines that are cut are made whole
      DiffusionSetup<3> setup = DiffusionSetup<3>::box({32, 28, 30}).stretch(d, 2.5);
      setup.ends[(d + 1) % 3] = "PP";
      setup.processes = {1, 1, 1};
      setup.processes[cut] = ranks;
      Diffusion<3> problem(setup);
      const Multigrid<3> multigrid(problem.decomposition(), problem.op());
      EXPECT_NE(multigrid.description().find(std::string("lines in ") + "xyz"[d]), std::string::npos)
          << multigrid.description();
      EXPECT_LE(iterations(setup), 9) << d << " " << cut;
      EXPECT_LE(asymmetry(setup), 1e-6) << d << " " << cut;
    }
}

TEST(Multigrid, StretchedAllDirections) {
  EXPECT_LE(iterations(cube(24).stretch(0, 1.5).stretch(1, 1.5).stretch(2, 1.5)), 8);
  EXPECT_LE(iterations(cube(24).stretch(0, 2.5).stretch(1, 2.5).stretch(2, 2.5)), 9);
}

TEST(Multigrid, LongBoxes) {
  for (int d = 0; d < 3; ++d)
    for (double length : {0.1, 10.0, 100.0}) {
      DiffusionSetup<3> setup = cube(16);
      setup.axes[d].to = length;
      EXPECT_LE(iterations(setup), 8) << d << " " << length;
    }
}

TEST(Multigrid, DensityRatio1000) {
  EXPECT_LE(iterations(ball(32, 1000.0, 1.0)), 10) << "drop";
  EXPECT_LE(iterations(ball(32, 1.0, 1000.0)), 10) << "bubble";
  EXPECT_LE(iterations(ball(56, 1.0, 1000.0)), 11) << "bubble, coarsest grid nearly split in two";
  DiffusionSetup<3> pool = cube(24);
  pool.density = [](const Point<3>& p) { return p[2] < 0.4 + 0.1 * std::sin(6.0 * p[0]) ? 1000.0 : 1.0; };
  EXPECT_LE(iterations(pool), 10) << "pool";
}

TEST(Multigrid, NewCoefficients) {
  Diffusion<3> before(cube(20)), after(ball(20, 1000.0, 1.0));
  Multigrid<3> multigrid(before.decomposition(), before.op());
  multigrid.set_conductances(after.op());
  std::vector<double> q;
  EXPECT_LE(conjugate_gradient(after, multigrid, after.noise(1), q, tolerance).iterations, 10);
}

TEST(Multigrid, ShiftThatAppearsLater) {
  DiffusionSetup<3> setup = cube(20);
  Diffusion<3> before(setup);
  setup.shift = 1e3;
  Diffusion<3> after(setup);
  Multigrid<3> multigrid(before.decomposition(), before.op());
  multigrid.set_conductances(after.op());
  std::vector<double> q;
  EXPECT_LE(conjugate_gradient(after, multigrid, after.noise(1), q, tolerance).iterations, 7);
  multigrid.set_conductances(before.op());
  EXPECT_LE(conjugate_gradient(before, multigrid, before.noise(1), q, tolerance).iterations, 7);
}

TEST(Multigrid, Shift) {
  for (double shift : {1e-3, 1.0, 1e3, 1e6}) {
    DiffusionSetup<3> setup = cube(20);
    setup.shift = shift;
    EXPECT_LE(iterations(setup), 7) << shift;
  }
}

TEST(Multigrid, PlanesAndLines) {
  EXPECT_LE(iterations(DiffusionSetup<2>::box({64, 48})), 10);
  EXPECT_LE(iterations(DiffusionSetup<2>::box({63, 33}, "PP")), 10);
  EXPECT_LE(iterations(DiffusionSetup<2>::box({48, 48}, "DN").stretch(0, 2.0).stretch(1, 2.0)), 12);
  EXPECT_LE(iterations(DiffusionSetup<1>::box({200}, "DD")), 12);
  EXPECT_LE(iterations(DiffusionSetup<1>::box({1001}, "NN")), 12);
}

TEST(Multigrid, OneCellThick) {
  const int ranks = Communicator().size();
  for (const char* ends : {"NN", "DD", "PP"}) {
    DiffusionSetup<3> setup = DiffusionSetup<3>::box({1, 16, 16}, ends);
    setup.processes = {1, 1, ranks};
    EXPECT_LE(iterations(setup), 9) << ends;
    setup = DiffusionSetup<3>::box({16, 16, 1}, ends);
    setup.processes = {ranks, 1, 1};
    EXPECT_LE(iterations(setup), 9) << ends;
    setup = DiffusionSetup<3>::box({1, 8, 1}, ends);
    setup.processes = {1, ranks, 1};
    EXPECT_LE(iterations(setup), 4) << ends;
  }
}

TEST(Multigrid, EveryCut) {
  const int ranks = Communicator().size();
  for (int d = 0; d < 3; ++d) {
    DiffusionSetup<3> setup = ball(21, 1.0, 1000.0);
    setup.ends = {"PP", "NN", "ND"};
    setup.processes = {1, 1, 1};
    setup.processes[d] = ranks;
    EXPECT_LE(iterations(setup), 11) << d;
  }
}

TEST(Multigrid, Symmetric) {
  EXPECT_LE(asymmetry(cube(20)), 1e-6);
  EXPECT_LE(asymmetry(DiffusionSetup<3>::box({33, 17, 9}, "PP").stretch(2, 2.0)), 1e-6);
  EXPECT_LE(asymmetry(cube(20, "DN").stretch(0, 1.5).stretch(1, 1.5).stretch(2, 1.5)), 1e-6);
  EXPECT_LE(asymmetry(ball(20, 1.0, 1000.0)), 1e-6);
}

TEST(Multigrid, MeanAndScale) {
  Diffusion<3> problem(cube(16));
  Multigrid<3> multigrid(problem.decomposition(), problem.op());
  std::vector<double> b = problem.noise(1), q(b.size()), scaled(b.size()), shifted(b.size());
  multigrid.apply(b.data(), q.data());
  const std::vector<double> one(b.size(), 1.0);
  EXPECT_LE(std::abs(problem.dot(q, one)), 1e-6 * std::sqrt(problem.dot(q, q)));
  // Far outside the range of floats, and with a mean that a singular problem has no answer to.
  std::vector<double> tiny = b, raised = b;
  for (double& v : tiny) v *= 1e-60;
  for (double& v : raised) v += 3.0;
  multigrid.apply(tiny.data(), scaled.data());
  multigrid.apply(raised.data(), shifted.data());
  const double size = std::sqrt(problem.dot(q, q));
  for (std::size_t i = 0; i < b.size(); ++i) {
    EXPECT_NEAR(scaled[i] * 1e60, q[i], 1e-5 * size);
    EXPECT_NEAR(shifted[i], q[i], 1e-5 * size);
  }
  std::vector<double> same = b;
  multigrid.apply(same.data(), same.data());
  EXPECT_EQ(same, q) << "in place";
  multigrid.apply(std::vector<double>(b.size(), 0.0).data(), q.data());
  for (double v : q) EXPECT_EQ(v, 0.0);
}

TEST(Multigrid, SameAnswerOnEveryRank) {
  // The converged solution against one found on a different cut of the same cells, by a functional of both.
  DiffusionSetup<3> setup = ball(20, 1000.0, 1.0);
  const int ranks = Communicator().size();
  std::array<double, 2> value{};
  for (int trial = 0; trial < 2; ++trial) {
    setup.processes = trial == 0 ? Index<3>{1, 1, ranks} : Index<3>{ranks, 1, 1};
    Diffusion<3> problem(setup);
    Multigrid<3> multigrid(problem.decomposition(), problem.op());
    std::vector<double> q;
    conjugate_gradient(problem, multigrid, problem.noise(3), q, 1e-12);
    value[trial] = problem.dot(q, problem.noise(9)) / std::sqrt(problem.dot(q, q));
  }
  EXPECT_NEAR(value[0], value[1], 1e-9);
  // Found on one rank; any number of ranks must repeat it.
  EXPECT_NEAR(value[0], 0.0977085306395, 1e-9);
}

TEST(Multigrid, SameCycleOnEveryCut) {
  // With an even number of cells on every rank the same cells merge everywhere: only the order of the sweeps' loops
  // differs.
  const int ranks = Communicator().size();
  if (ranks == 3) return;
  for (const std::string& ends : {std::string("NN"), std::string("PP")}) {
    std::array<double, 3> value{};
    for (int d = 0; d < 3; ++d) {
      DiffusionSetup<3> setup = ball(16 * std::max(2, ranks), 1.0, 1000.0);
      setup.ends = {ends, ends, ends};
      setup.processes = {1, 1, 1};
      setup.processes[d] = ranks;
      Diffusion<3> problem(setup);
      Multigrid<3> multigrid(problem.decomposition(), problem.op());
      std::vector<double> q(problem.size());
      multigrid.apply(problem.noise(3).data(), q.data());
      value[d] = problem.dot(q, problem.noise(9)) / std::sqrt(problem.dot(q, q));
    }
    EXPECT_NEAR(value[0], value[1], 1e-5) << ends;
    EXPECT_NEAR(value[0], value[2], 1e-5) << ends;
  }
}

TEST(Multigrid, RepeatsBitwise) {
  Diffusion<3> problem(ball(18, 1.0, 1000.0));
  const std::vector<double> b = problem.noise(1);
  std::array<std::vector<double>, 2> q;
  for (auto& answer : q) {
    Multigrid<3> multigrid(problem.decomposition(), problem.op());
    conjugate_gradient(problem, multigrid, b, answer, tolerance);
  }
  EXPECT_EQ(q[0], q[1]);
}

TEST(Multigrid, SolidCellsAndSeparateParts) {
  // No conductance into a ball, and a wall that parts the box: dead cells, and a null vector on each side of the wall.
  DiffusionSetup<3> setup = cube(24);
  const auto part_of = [](const Point<3>& p) {
    const double r2 = (p[0] - 0.25) * (p[0] - 0.25) + (p[1] - 0.5) * (p[1] - 0.5) + (p[2] - 0.5) * (p[2] - 0.5);
    if (r2 < 0.02 || (p[0] > 0.5 && p[0] < 0.55)) return 0;
    return p[0] < 0.5 ? 1 : 2;
  };
  setup.density = [=](const Point<3>& p) { return part_of(p) == 0 ? std::numeric_limits<double>::infinity() : 1.0; };
  Diffusion<3> problem(setup);
  Multigrid<3> multigrid(problem.decomposition(), problem.op());
  std::vector<double> b = problem.noise(4), ones(b.size());
  std::vector<int> part;
  for_each<3>(problem.decomposition().owned(), [&](const Index<3>& i) {
    part.push_back(part_of({(i[0] + 0.5) / 24, (i[1] + 0.5) / 24, (i[2] + 0.5) / 24}));
  });
  for (int which = 0; which < 3; ++which) {
    for (std::size_t i = 0; i < b.size(); ++i) ones[i] = part[i] == which ? 1.0 : 0.0;
    const double mean = problem.dot(b, ones) / problem.dot(ones, ones);
    for (std::size_t i = 0; i < b.size(); ++i)
      if (part[i] == which) b[i] = which == 0 ? 0.0 : b[i] - mean;
  }
  std::vector<double> q;
  const CgResult result = conjugate_gradient(problem, multigrid, b, q, tolerance);
  EXPECT_LE(result.residual, 5.0 * tolerance);
  EXPECT_LE(result.iterations, 14);
  multigrid.apply(b.data(), q.data());
  for (std::size_t i = 0; i < q.size(); ++i) {
    if (part[i] == 0) {
      EXPECT_EQ(q[i], 0.0);
    }
  }
}

TEST(Multigrid, RoughCoefficients) {
  DiffusionSetup<3> setup = cube(16);
  setup.density = [](const Point<3>& p) {
    return std::pow(10.0, 3.0 * std::abs(std::sin(1e3 * (p[0] + 7.0 * p[1] + 49.0 * p[2]))));
  };
  EXPECT_LE(iterations(setup), 16);
  EXPECT_LE(asymmetry(setup), 1e-6);
}

TEST(Multigrid, NotANumberComesOut) {
  Diffusion<3> problem(cube(8));
  Multigrid<3> multigrid(problem.decomposition(), problem.op());
  std::vector<double> b = problem.noise(1), q(b.size());
  if (problem.decomposition().comm().root()) b[0] = std::numeric_limits<double>::quiet_NaN();
  multigrid.apply(b.data(), q.data());
  for (double v : q) EXPECT_TRUE(std::isnan(v));
}

TEST(Multigrid, EmptyBoxes) {
  // Faces between two walls of a grid with one cell per rank: the first rank holds nothing.
  const Communicator world;
  const int ranks = world.size();
  const Decomposition<2> cells(world, {8, ranks}, {false, false}, {1, ranks});
  const Decomposition<2> faces = cells.trimmed(1, 1, 0);
  if (faces.global_size() == 0) return;
  FaceConductances<2> op;
  const auto n = faces.extent();
  op.conductance[0].assign(static_cast<std::size_t>(9 * n[1]), 1.0);
  op.conductance[1].assign(static_cast<std::size_t>(8 * (n[1] + 1)), 1.0);
  Multigrid<2> multigrid(faces, op);
  std::vector<double> b(static_cast<std::size_t>(faces.local_size()), 1.0), q(b.size(), -1.0);
  multigrid.apply(b.data(), q.data());
  for (double v : q) EXPECT_GT(v, 0.0);
}

}  // namespace
}  // namespace kolmo
