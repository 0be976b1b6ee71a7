#include "kolmo/density/line_step.hpp"

#include <gtest/gtest.h>

#include <numbers>

#include "density/line_cases.hpp"

namespace kolmo {
namespace {

using density::LineOptions;
using density::LineStep;
using test::Lines;
using test::noise;

Index<1> one_rank() { return {1}; }

Axis stretched(int n, bool periodic = false) {
  AxisSpec spec;
  spec.from = -1.0;
  spec.to = 2.0;
  spec.cells = n;
  spec.spacing = Spacing::tanh;
  spec.strength = 1.2;
  spec.periodic = periodic;
  return Axis(spec);
}

/// Random rates of very different size.
template <int Dim>
std::pair<double, double> random_face(const Index<Dim>& i, int seed) {
  return {std::pow(10.0, 3 * noise<Dim>(i, seed) - 1), -std::pow(10.0, 3 * noise<Dim>(i, seed + 50) - 1)};
}

TEST(LineStep, exponential_is_that_of_the_eigenvectors) {
  // No-flux Laplacian on n equal cells: eigenvectors cos(k pi (i + 1/2) / n).
  const int n = 37;
  const Lines<1> lines({Axis::uniform(0.0, 1.0, n)}, Communicator(MPI_COMM_SELF), one_rank());
  const double c = n;  // D / h with D = 1
  const auto weights =
      lines.uniform(0, [&](int f) { return lines.end(0, f) ? std::pair(0.0, 0.0) : std::pair(c, -c); });
  LineStep<1> step(lines.grid, lines.cells, 0);
  step.set(weights);
  for (const double dt : {1e-7, 1e-4, 3e-3, 0.1, 5.0}) {
    Field<1> p = lines.field();
    lines.fill(p, [](const Index<1>& i) { return i[0] == 5 ? 1.0 : 0.0; });
    step.advance(p, dt);
    for (int i = 0; i < n; ++i) {
      double exact = 0.0;
      for (int k = 0; k < n; ++k) {
        const double pi = std::numbers::pi, s = std::sin(0.5 * pi * k / n);
        exact += (k == 0 ? 1.0 : 2.0) / n * std::cos(k * pi * (i + 0.5) / n) * std::cos(k * pi * 5.5 / n) *
                 std::exp(-4.0 * n * n * s * s * dt);
      }
      EXPECT_NEAR(p({i}), exact, 2e-14) << i << " " << dt;
    }
  }
}

/// One step of random lines in Dim directions: mass kept, nothing negative.
template <int Dim>
void check_random(bool uniform, bool periodic) {
  const Communicator comm;
  const Index<6> sizes{9, 7, 6, 4, 5, 4};
  std::array<Axis, Dim> axes;
  Index<Dim> cells;
  for (int d = 0; d < Dim; ++d) {
    cells[d] = Dim == 1 ? 61 : sizes[d];
    axes[d] = d % 2 ? Axis::uniform(0.0, 1.0, cells[d], periodic) : stretched(cells[d]);
  }
  const Lines<Dim> lines(axes, comm, Decomposition<Dim>::choose(comm.size(), cells));
  for (int d = 0; d < Dim; ++d) {
    LineStep<Dim> step(lines.grid, lines.cells, d);
    const auto field = lines.weights(
        d, [&](const Index<Dim>& i) { return lines.end(d, i[d]) ? std::pair(0.0, 0.0) : random_face<Dim>(i, d); });
    const auto line =
        lines.uniform(d, [&](int f) { return lines.end(d, f) ? std::pair(0.0, 0.0) : random_face<1>({f}, d); });
    step.set(uniform ? line : field);
    Field<Dim> p = lines.field();
    lines.fill(p, [](const Index<Dim>& i) { return std::pow(noise<Dim>(i, 9), 8); });
    for (const double dt : {1e-6, 1e-2, 1.0, 1e3, 1e6}) {
      const double before = lines.mass(p);
      step.advance(p, dt);
      EXPECT_NEAR(lines.mass(p) / before, 1.0, 1e-13) << Dim << " direction " << d << " dt " << dt;
      EXPECT_GE(lines.min(p), 0.0);
    }
  }
}

template <int Dim>
void check_random_all() {
  for (const bool uniform : {true, false})
    for (const bool periodic : {true, false}) check_random<Dim>(uniform, periodic);
}

TEST(LineStep, random_lines_keep_mass_and_sign) {
  check_random_all<2>();
  check_random_all<3>();
  check_random_all<4>();
  check_random_all<5>();
  check_random_all<6>();
  if (Communicator().size() == 1) check_random_all<1>();
}

TEST(LineStep, mass_is_kept_on_long_stiff_lines) {
  const int n = 512;
  const Lines<2> lines({Axis::uniform(0.0, 1.0, n), stretched(16)}, Communicator(MPI_COMM_SELF), {1, 1});
  for (const bool uniform : {true, false}) {
    LineStep<2> step(lines.grid, lines.cells, 0);
    const double c = n;  // D / h, so that dt D / h^2 = dt n^2
    const auto face = [&](int f) { return lines.end(0, f) ? std::pair(0.0, 0.0) : std::pair(c * 1.01, -c * 0.99); };
    const auto line = lines.uniform(0, face);
    const auto field = lines.weights(0, [&](const Index<2>& i) { return face(i[0]); });
    step.set(uniform ? line : field);
    Field<2> p = lines.field();
    for (const double ratio : {1.0, 1e3, 1e6}) {
      lines.fill(p, [](const Index<2>& i) { return std::pow(noise<2>(i, 1), 8); });
      const double before = lines.mass(p);
      step.advance(p, ratio / (n * n));
      EXPECT_NEAR(lines.mass(p) / before, 1.0, 1e-13) << uniform << " " << ratio;
      EXPECT_GE(lines.min(p), 0.0);
    }
  }
}

/// The stationary density of every line, down to e^-60, is kept to relative round-off.
void check_equilibrium(bool uniform, bool periodic) {
  const int n = 80;
  const Lines<2> lines({stretched(12), Axis::uniform(0.0, 1.0, n, periodic)}, Communicator(MPI_COMM_SELF), {1, 1});
  const auto gibbs = [&](const Index<2>& i) {
    return std::exp(-30.0 * (1.0 - std::cos(2 * std::numbers::pi * (i[1] + 0.5) / n)) -
                    (uniform ? 0 : noise<1>({i[1]}, i[0])));
  };
  const auto face = [&](const Index<2>& i) {
    if (lines.end(1, i[1])) return std::pair(0.0, 0.0);
    const double above = gibbs(i), below = gibbs({i[0], (i[1] + n - 1) % n}), c = 300.0 * std::sqrt(above * below);
    return std::pair(c / below, -c / above);
  };
  LineStep<2> step(lines.grid, lines.cells, 1);
  const auto line = lines.uniform(1, [&](int f) { return face({0, f}); });
  const auto field = lines.weights(1, face);
  step.set(uniform ? line : field);
  for (const double dt : {1e-4, 1e-1, 1e4}) {
    Field<2> p = lines.field();
    lines.fill(p, gibbs);
    step.advance(p, dt);
    double worst = 0.0;
    for_each<2>(lines.layout.interior(),
                [&](const Index<2>& i) { worst = std::max(worst, std::abs(p(i) / gibbs(i) - 1.0)); });
    EXPECT_LT(worst, 1e-12) << (uniform ? "uniform" : "general") << (periodic ? " periodic " : " closed ") << dt;
  }
  EXPECT_EQ(step.fallbacks(), 0);
}

TEST(LineStep, stationary_densities_stay) {
  for (const bool uniform : {true, false})
    for (const bool periodic : {true, false}) check_equilibrium(uniform, periodic);
}

TEST(LineStep, implicit_and_exponential_agree_to_second_order) {
  const int n = 40;
  const Lines<1> lines({stretched(n)}, Communicator(MPI_COMM_SELF), one_rank());
  for (const bool open : {false, true}) {
    const auto face = [&](int f) {
      if (lines.end(0, f)) return std::pair(f == n && open ? 0.4 : 0.0, f == 0 && open ? -0.3 : 0.0);
      const double x = lines.grid.axis(0).node(f), g = 0.5 / lines.grid.axis(0).distance(f), pe = -x / g;
      return std::pair(g * test::bernoulli(-pe), -g * test::bernoulli(pe));
    };
    auto weights = lines.uniform(0, face);
    if (open) weights.line_constant[0] = 0.7, weights.line_constant[n] = -0.2;
    const auto initial = [&](const Index<1>& i) {
      const double x = lines.grid.axis(0).centre(i[0]) - 0.7;
      return std::exp(-3.0 * x * x);
    };
    Field<1> exact = lines.field();
    lines.fill(exact, initial);
    LineStep<1> exponential(lines.grid, lines.cells, 0);
    exponential.set(weights);
    const double before = lines.mass(exact);
    exponential.advance(exact, 0.4);
    EXPECT_NEAR(lines.mass(exact) + exponential.escaped()[0] + exponential.escaped()[1], before, 1e-14);
    EXPECT_EQ(open, exponential.escaped()[0] != 0.0 && exponential.escaped()[1] != 0.0);
    double error[3], gone[3];
    for (int level = 0; level < 3; ++level) {
      LineStep<1> step(lines.grid, lines.cells, 0, LineOptions{.max_exponential = 0});
      step.set(weights);
      Field<1> p = lines.field();
      lines.fill(p, initial);
      const int steps = 8 << level;
      for (int k = 0; k < steps; ++k) step.advance(p, 0.4 / steps);
      EXPECT_NEAR(lines.mass(p) + step.escaped()[0] + step.escaped()[1], before, 1e-13);
      EXPECT_EQ(step.fallbacks(), 0);
      error[level] = lines.l1(p, exact);
      gone[level] = std::abs(step.escaped()[0] - exponential.escaped()[0]);
    }
    EXPECT_NEAR(std::log2(error[1] / error[2]), 2.0, 0.1) << error[0] << " " << error[1] << " " << error[2];
    EXPECT_LT(error[2], 1e-3);
    if (open) {
      EXPECT_LT(gone[2], 0.3 * gone[1]);
    }
  }
}

TEST(LineStep, lines_that_would_go_negative_fall_back) {
  const int n = 24;
  const Lines<2> lines({Axis::uniform(0.0, 1.0, n), stretched(10)}, Communicator(MPI_COMM_SELF), {1, 1});
  for (const double scale : {10.0, 20.0}) {
    const auto weights = lines.weights(
        0, [&](const Index<2>& i) { return lines.end(0, i[0]) ? std::pair(0.0, 0.0) : std::pair(scale, -scale); });
    LineStep<2> step(lines.grid, lines.cells, 0);
    step.set(weights);
    Field<2> p = lines.field();
    // Peaks on three of ten lines, the others smooth.
    lines.fill(p, [](const Index<2>& i) { return i[1] % 4 == 1 ? (i[0] == 7 ? 1.0 : 0.0) : 1.0 + 0.1 * i[0]; });
    const double before = lines.mass(p);
    step.advance(p, 0.1);
    EXPECT_EQ(step.fallbacks(), 3);
    EXPECT_EQ(step.lines(), 10);
    EXPECT_GE(lines.min(p), 0.0);
    EXPECT_NEAR(lines.mass(p) / before, 1.0, 1e-13);
  }
}

TEST(LineStep, exponentials_of_changing_weights_only_where_many_lines_share_them) {
  const Lines<2> lines({Axis::uniform(0.0, 1.0, 20), Axis::uniform(0.0, 1.0, 400)}, Communicator(MPI_COMM_SELF),
                       {1, 1});
  for (const bool varying : {false, true})
    for (int d = 0; d < 2; ++d) {
      LineStep<2> step(lines.grid, lines.cells, d, LineOptions{.varying = varying});
      const auto weights =
          lines.uniform(d, [&](int f) { return lines.end(d, f) ? std::pair(0.0, 0.0) : std::pair(1.0, -1.0); });
      step.set(weights);
      EXPECT_STREQ(step.method(), varying && d == 1 ? "sdirk2" : "exponential");
    }
}

/// Fluxes given at an end of the lines held, other ones for each line.
template <int Dim>
std::vector<double> given_fluxes(const Lines<Dim>& l, int d, Side side, double scale) {
  std::vector<double> values;
  if (l.grid.axis(d).periodic() || !l.cells.at_boundary(d, side)) return values;
  Box<Dim> box = l.layout.interior();
  box.end[d] = box.begin[d] + 1;
  for_each<Dim>(box, [&](Index<Dim> i) {
    i = l.global(i);
    i[d] = 0;
    values.push_back(scale * (0.5 + noise<Dim>(i, 31)));
  });
  return values;
}

/// Every kind of step on this communicator's cuts equals the same on one rank.
template <int Dim>
void check_ranks(const std::array<Axis, Dim>& axes, const Index<Dim>& processes) {
  const Lines<Dim> lines(axes, Communicator(), processes);
  Index<Dim> ones;
  ones.fill(1);
  const Lines<Dim> alone(axes, Communicator(MPI_COMM_SELF), ones);
  for (int d = 0; d < Dim; ++d)
    for (const int kind : {0, 1, 2, 3}) {  // uniform, general, transport, uniform without an exponential
      const auto run = [&](const Lines<Dim>& l, Field<Dim>& p) {
        auto weights = kind == 0 || kind == 3
                           ? l.uniform(d,
                                       [&](int f) {
                                         return l.end(d, f) ? std::pair(f > 0 ? 0.3 : 0.0, f > 0 ? 0.0 : -0.4)
                                                            : random_face<1>({f}, d);
                                       })
                           : l.weights(d, [&](const Index<Dim>& i) {
                               if (l.end(d, i[d])) return std::pair(i[d] > 0 ? 0.3 : 0.0, i[d] > 0 ? 0.0 : -0.4);
                               if (kind == 1) return random_face<Dim>(i, d);
                               const double a = noise<Dim>(i, d) - 0.5;
                               return std::pair(std::max(a, 0.0), std::min(a, 0.0));
                             });
        if (kind == 1) {
          weights.constant_low = given_fluxes(l, d, Side::low, 0.25);
          weights.constant_high = given_fluxes(l, d, Side::high, -0.15);
        }
        weights.transport = kind == 2;
        LineStep<Dim> step(l.grid, l.cells, d, LineOptions{.max_exponential = kind == 3 ? 0 : 1024});
        step.set(weights);
        l.fill(p, [](const Index<Dim>& i) { return std::pow(noise<Dim>(i, 77), 4); });
        step.advance(p, 0.05);
        step.advance(p, 0.02);
        return std::array<double, 3>{l.cells.comm().sum(step.escaped()[0]), l.cells.comm().sum(step.escaped()[1]),
                                     static_cast<double>(l.cells.comm().sum(step.fallbacks()))};
      };
      Field<Dim> p = lines.field(), q = alone.field();
      const auto gone = run(lines, p), gone_alone = run(alone, q);
      double worst = 0.0;
      for_each<Dim>(lines.layout.interior(),
                    [&](const Index<Dim>& i) { worst = std::max(worst, std::abs(p(i) - q(lines.global(i)))); });
      EXPECT_LT(worst, 1e-13) << "direction " << d << " kind " << kind;
      for (int k = 0; k < 3; ++k) EXPECT_NEAR(gone[k], gone_alone[k], 1e-12) << d << " " << kind;
    }
}

TEST(LineStep, ranks_agree) {
  const int size = Communicator().size();
  check_ranks<2>({stretched(13), Axis::uniform(0.0, 1.0, 11, true)}, {1, size});
  check_ranks<2>({stretched(13), Axis::uniform(0.0, 1.0, 11, true)}, {size, 1});
  const Index<3> both = size == 4 ? Index<3>{2, 1, 2} : Index<3>{1, size, 1};
  check_ranks<3>({Axis::uniform(0.0, 1.0, 10, true), stretched(9), Axis::uniform(0.0, 1.0, 6)}, both);
}

TEST(LineStep, ranks_agree_with_few_cells) {
  const int size = Communicator().size();
  for (const int n : {size, size + 1, 40}) {
    check_ranks<1>({Axis::uniform(0.0, 1.0, n)}, {size});
    check_ranks<2>({stretched(5), Axis::uniform(0.0, 1.0, n)}, {1, size});
    check_ranks<2>({Axis::uniform(0.0, 1.0, n), stretched(5)}, {size, 1});
  }
}

/// Lines in two halves, many batches of them, some of which fall back or are repaired: as in one piece, with the mass
/// kept at dt D / h^2 up to 1e6, and stationary densities too. open: something flows in and out at both ends.
void check_halves(const Index<2>& processes, bool uniform, bool open) {
  const std::array<Axis, 2> axes{stretched(467), Axis::uniform(0.0, 1.0, 150)};
  const Lines<2> lines(axes, Communicator(), processes);
  const Lines<2> alone(axes, Communicator(MPI_COMM_SELF), {1, 1});
  const auto gibbs = [&](const Index<2>& i) {
    const double across = uniform ? 0.0 : noise<2>(i, 3);
    return std::exp(-10.0 * std::cos(0.05 * (i[0] + i[1])) - across);
  };
  for (int d = 0; d < 2; ++d) {
    std::vector<double> escaped;  // at both ends by step: cut, then in one piece
    const auto run = [&](const Lines<2>& l, Field<2>& p, Field<2>& stays) {
      const auto face = [&](const Index<2>& i) {
        if (l.end(d, i[d])) return std::pair(open && i[d] > 0 ? 90.0 : 0.0, open && i[d] == 0 ? -60.0 : 0.0);
        Index<2> low = i;
        --low[d];
        const double above = gibbs(i), below = gibbs(low), c = std::sqrt(above * below) / l.grid.axis(d).distance(i[d]);
        return std::pair(c / below, -c / above);
      };
      Index<2> line{};
      auto weights = uniform ? l.uniform(d,
                                         [&](int f) {
                                           line[d] = f;
                                           return face(line);
                                         })
                             : l.weights(d, face);
      if (open) {
        weights.constant_low = given_fluxes(l, d, Side::low, 0.2);
        weights.constant_high = given_fluxes(l, d, Side::high, -0.1);
      }
      LineStep<2> step(l.grid, l.cells, d, LineOptions{.max_exponential = 0});
      step.set(weights);
      const double unit = std::pow(l.grid.axis(d).min_width(), 2);
      l.fill(p, [&](const Index<2>& i) {
        const int n = l.grid.axis(d).cells();
        const bool peak = i[1 - d] % 7 == 3 && (i[d] % 70 == 1 || i[d] == n - 2);
        return (i[1 - d] % 3 == 0 ? 1e-3 : 0.0) + (peak ? 10.0 : std::exp(-1e-3 * std::pow(i[d] - 75.0, 2)));
      });
      l.fill(stays, [&](const Index<2>& i) {
        Index<2> at{};
        at[d] = i[d];
        return gibbs(uniform ? at : i);
      });
      for (const double ratio : {0.3, 30.0, 1e6}) {
        const double before = l.mass(p);
        step.reset_sums();
        step.advance(p, ratio * unit);
        const double gone = l.cells.comm().sum(step.escaped()[0] + step.escaped()[1]);
        EXPECT_NEAR((l.mass(p) + gone) / before, 1.0, 1e-13 * (1.0 + std::abs(gone) / before))
            << "direction " << d << " ratio " << ratio;
        for (const double e : step.escaped()) escaped.push_back(l.cells.comm().sum(e));
        EXPECT_GE(l.min(p), 0.0);
      }
      const auto fallen = step.fallbacks(), repaired = step.repairs();
      const double dropped = step.dropped();
      step.advance(stays, 1e6 * unit);
      return std::array<double, 4>{static_cast<double>(l.cells.comm().sum(fallen)),
                                   static_cast<double>(l.cells.comm().sum(repaired)),
                                   static_cast<double>(l.cells.comm().sum(step.lines())), l.cells.comm().sum(dropped)};
    };
    Field<2> p = lines.field(), stays = lines.field(), p1 = alone.field(), stays1 = alone.field();
    const auto sums = run(lines, p, stays), sums1 = run(alone, p1, stays1);
    double worst = 0.0, moved = 0.0;
    for_each<2>(lines.layout.interior(), [&](const Index<2>& i) {
      const Index<2> at = lines.global(i);
      Index<2> first{};
      first[d] = at[d];
      worst = std::max(worst, std::abs(p(i) - p1(at)) / std::max(p1(at), 1e-3));
      moved = std::max(moved, std::abs(stays(i) / gibbs(uniform ? first : at) - 1.0));
    });
    EXPECT_LT(worst, 1e-12) << "direction " << d;
    if (!open) {
      EXPECT_LT(moved, 1e-12) << "direction " << d;
    }
    for (std::size_t k = 0, half = escaped.size() / 2; k < half; ++k)
      EXPECT_NEAR(escaped[k], escaped[half + k], 1e-12 * (1.0 + std::abs(escaped[k]))) << "direction " << d;
    EXPECT_GT(sums1[0], 0.0) << "no fallback";
    for (int k = 0; k < 3; ++k) EXPECT_EQ(sums[k], sums1[k]) << "direction " << d << " sum " << k;
    EXPECT_NEAR(sums[3], sums1[3], 1e-12 * (1.0 + std::abs(sums1[3])));
  }
}

TEST(LineStep, halves_of_lines_agree_with_whole_ones) {
  const int size = Communicator().size();
  if (size == 1 || size == 3) GTEST_SKIP() << "no direction is cut in two";
  const std::vector<Index<2>> cuts = size == 2 ? std::vector<Index<2>>{{1, 2}, {2, 1}} : std::vector<Index<2>>{{2, 2}};
  for (const Index<2>& processes : cuts)
    for (const bool uniform : {true, false})
      for (const bool open : {false, true}) check_halves(processes, uniform, open);
}

}  // namespace
}  // namespace kolmo
