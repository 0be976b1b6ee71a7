#include "kolmo/density/splitting.hpp"

#include <gtest/gtest.h>

#include <numbers>

#include "density/line_cases.hpp"

namespace kolmo {
namespace {

using density::LineOptions;
using density::Splitting;
using test::Lines;
using test::noise;

constexpr double pi = std::numbers::pi;

/// Exponential fit of drift a and diffusion D / 2 at a face.
std::pair<double, double> fitted(double drift, double diffusion, double distance) {
  const double g = 0.5 * diffusion / distance, peclet = drift / g;
  return {g * test::bernoulli(-peclet), -g * test::bernoulli(peclet)};
}

/// f = -V'(x) - coupling (x - others): depends on all coordinates. D_d = 1 + 0.3 sin(other coordinate).
template <int Dim>
struct Coupled {
  Coupled(int n, const Communicator& comm, Index<Dim> processes, bool closed = true)
      : lines(axes(n, closed), comm, processes) {
    for (int d = 0; d < Dim; ++d)
      weights.push_back(lines.weights(d, [&](const Index<Dim>& i) {
        if (lines.end(d, i[d])) return std::pair(0.0, 0.0);
        double drift = 0.0, others = 0.0;
        for (int e = 0; e < Dim; ++e) {
          const double x = e == d ? lines.grid.axis(e).node(i[e]) : lines.grid.axis(e).centre(i[e]);
          drift += e == d ? -x - x * x * x : 0.8 * x;
          if (e != d) others += x;
        }
        return fitted(drift, 1.0 + 0.3 * std::sin(others), lines.grid.axis(d).distance(i[d]));
      }));
  }
  static std::array<Axis, Dim> axes(int n, bool closed) {
    std::array<Axis, Dim> a;
    a.fill(Axis::uniform(-3.0, 3.0, n, !closed));
    return a;
  }
  void start(Field<Dim>& p) const {
    lines.fill(p, [&](const Index<Dim>& i) {
      double r = 0.0;
      for (int d = 0; d < Dim; ++d) r += std::pow(lines.grid.axis(d).centre(i[d]) - 0.4 * (d + 1), 2);
      return std::exp(-1.5 * r);
    });
  }
  Lines<Dim> lines;
  std::vector<test::DirectionWeights<Dim>> weights;
};

template <int Dim>
Index<Dim> cuts(int size) {
  Index<Dim> processes;
  processes.fill(1);
  processes[Dim - 1] = size == 4 && Dim > 1 ? 2 : size;
  if (size == 4 && Dim > 1) processes[Dim - 2] = 2;
  return processes;
}

template <int Dim>
Field<Dim> evolve(const Coupled<Dim>& c, double time, int steps, bool more, std::int64_t* fallbacks = nullptr) {
  Splitting<Dim> splitting(c.lines.grid, c.lines.cells, c.lines.layout);
  for (const auto& w : c.weights) splitting.set(w);
  Field<Dim> p = c.lines.field();
  c.start(p);
  for (int k = 0; k < steps; ++k) splitting.step(p, time / steps, more);
  splitting.finish(p);
  if (fallbacks) *fallbacks = splitting.fallbacks().first;
  return p;
}

TEST(Splitting, second_order_in_time) {
  const Communicator comm;
  const Coupled<2> c(32, comm, cuts<2>(comm.size()));
  const Field<2> exact = evolve<2>(c, 0.5, 256, true);
  std::array<double, 3> error;
  for (int level = 0; level < 3; ++level) {
    std::int64_t fallbacks = 0;
    error[level] = c.lines.l1(evolve<2>(c, 0.5, 8 << level, false, &fallbacks), exact);
    EXPECT_LE(fallbacks, level == 0 ? 10 : 0);  // of thousands of lines, the steepest at the walls
  }
  EXPECT_NEAR(std::log2(error[0] / error[1]), 2.0, 0.12) << error[0];
  EXPECT_NEAR(std::log2(error[1] / error[2]), 2.0, 0.1) << error[1] << " " << error[2];
}

TEST(Splitting, steps_taken_together_are_the_same_steps) {
  const Coupled<2> c(24, Communicator(MPI_COMM_SELF), {1, 1});
  // Merging replaces two half steps of one group by a whole one: equal to the order of the line step.
  const Field<2> apart = evolve<2>(c, 0.1, 10, false), together = evolve<2>(c, 0.1, 10, true);
  EXPECT_LT(c.lines.l1(apart, together), 1e-4 * c.lines.mass(apart));
  EXPECT_NEAR(c.lines.mass(apart) / c.lines.mass(together), 1.0, 1e-13);
}

template <int Dim>
void check_ranks(int n) {
  const Communicator comm;
  Index<Dim> ones;
  ones.fill(1);
  const Coupled<Dim> c(n, comm, cuts<Dim>(comm.size())), alone(n, Communicator(MPI_COMM_SELF), ones);
  const Field<Dim> p = evolve<Dim>(c, 0.3, 3, true), q = evolve<Dim>(alone, 0.3, 3, true);
  double worst = 0.0;
  for_each<Dim>(c.lines.layout.interior(),
                [&](const Index<Dim>& i) { worst = std::max(worst, std::abs(p(i) - q(c.lines.global(i)))); });
  EXPECT_LT(worst, 1e-13);
}

TEST(Splitting, ranks_agree) {
  check_ranks<1>(40);
  check_ranks<2>(20);
  check_ranks<3>(12);
  check_ranks<4>(6);
}

/// Uniform directions commute: one step of any length is exact, in every dimension.
template <int Dim>
void check_product(int n) {
  const Communicator comm;
  std::array<Axis, Dim> axes;
  axes.fill(Axis::uniform(-5.0, 5.0, n));
  const Lines<Dim> lines(axes, comm, cuts<Dim>(comm.size()));
  Splitting<Dim> once(lines.grid, lines.cells, lines.layout), often(lines.grid, lines.cells, lines.layout);
  std::vector<test::DirectionWeights<Dim>> weights;
  for (int d = 0; d < Dim; ++d)
    weights.push_back(lines.uniform(d, [&](int f) {
      return lines.end(d, f) ? std::pair(0.0, 0.0)
                             : fitted(-lines.grid.axis(d).node(f), 1.0, lines.grid.axis(d).distance(f));
    }));
  for (auto* s : {&once, &often})
    for (const auto& w : weights) s->set(w);
  Field<Dim> p = lines.field(), q = lines.field();
  for (Field<Dim>* field : {&p, &q})
    lines.fill(*field, [](const Index<Dim>& i) { return std::pow(noise<Dim>(i, 3), 8); });
  const double before = lines.mass(p);
  once.step(p, 0.5);
  for (int k = 0; k < 5; ++k) often.step(q, 0.1, true);
  often.finish(q);
  double most = 0.0;
  for_each<Dim>(lines.layout.interior(), [&](const Index<Dim>& i) { most = std::max(most, p(i)); });
  EXPECT_LT(lines.max_difference(p, q), 1e-13 * comm.max(most));
  EXPECT_NEAR(lines.mass(p) / before, 1.0, 1e-13);
  EXPECT_GE(lines.min(p), 0.0);
}

TEST(Splitting, product_densities_have_no_splitting_error) {
  check_product<2>(40);
  check_product<3>(16);
  check_product<4>(10);
  check_product<6>(5);
}

/// A gradient system in 3-D with random potential: each sweep keeps exp(-V), so the splitting does.
TEST(Splitting, equilibrium_of_a_gradient_system_stays) {
  const Communicator comm;
  const int n = 14;
  std::array<Axis, 3> axes{Axis::uniform(0, 1, n), Axis::uniform(0, 1, n, true), Axis::uniform(0, 1, n)};
  const Lines<3> lines(axes, comm, cuts<3>(comm.size()));
  const auto gibbs = [&](const Index<3>& i) { return std::exp(-6.0 * noise<3>(i, 4)); };
  Splitting<3> splitting(lines.grid, lines.cells, lines.layout);
  std::vector<test::DirectionWeights<3>> weights;
  for (int d = 0; d < 3; ++d)
    weights.push_back(lines.weights(d, [&](const Index<3>& i) {
      if (lines.end(d, i[d])) return std::pair(0.0, 0.0);
      Index<3> below = i;
      below[d] = (i[d] + n - 1) % n;
      const double high = gibbs(i), low = gibbs(below), c = std::sqrt(high * low);
      return std::pair(c / low, -c / high);
    }));
  for (const auto& w : weights) splitting.set(w);
  Field<3> p = lines.field(), q = lines.field();
  for (Field<3>* field : {&p, &q}) lines.fill(*field, gibbs);
  for (const double dt : {1e-3, 1.0, 1e4}) splitting.step(p, dt);
  EXPECT_LT(lines.max_difference(p, q), 1e-12);
  EXPECT_EQ(splitting.fallbacks().first, 0);
}

/// p_t = (1/2) div(D grad p) with a full constant tensor on the torus: a Fourier mode decays, the cross term explicit.
TEST(Splitting, cross_terms_are_second_order) {
  const int n = 64;
  const Axis axis = Axis::uniform(0.0, 2 * pi, n, true);
  const Lines<2> lines({axis, axis}, Communicator(MPI_COMM_SELF), {1, 1});
  const double h = 2 * pi / n, cross = 0.7;
  std::vector<test::DirectionWeights<2>> weights;
  for (int d = 0; d < 2; ++d)
    weights.push_back(lines.weights(d, [&](const Index<2>&) { return std::pair(0.5 / h, -0.5 / h); }));
  const auto rate = [&](Field<2>& p, Field<2>& out) {
    const auto at = [&](int i, int j) { return p({(i + n) % n, (j + n) % n}); };
    for_each<2>(lines.layout.interior(), [&](const Index<2>& i) {
      const auto [x, y] = i;
      out(i) = cross * (at(x + 1, y + 1) - at(x + 1, y - 1) - at(x - 1, y + 1) + at(x - 1, y - 1)) / (4 * h * h);
    });
  };
  // The mode of the discrete operators, so that the error is of time alone.
  const double second = 2 * (1 - std::cos(h)) / (h * h), mixed = std::pow(std::sin(h) / h, 2);
  double error[2];
  for (int level = 0; level < 2; ++level) {
    Splitting<2> splitting(lines.grid, lines.cells, lines.layout);
    for (const auto& w : weights) splitting.set(w);
    splitting.set_explicit_part({rate, level == 0 ? 0.1 : 0.05});
    Field<2> p = lines.field();
    lines.fill(p, [&](const Index<2>& i) { return 2.0 + std::cos((i[0] + i[1]) * h); });
    splitting.step(p, 1.0, true);
    splitting.step(p, 1.0);
    error[level] = 0.0;
    for_each<2>(lines.layout.interior(), [&](const Index<2>& i) {
      const double exact = 2.0 + std::exp(-2.0 * (second + cross * mixed)) * std::cos((i[0] + i[1]) * h);
      error[level] = std::max(error[level], std::abs(p(i) - exact));
    });
  }
  EXPECT_LT(error[0], 2e-3);
  EXPECT_NEAR(std::log2(error[0] / error[1]), 2.0, 0.2) << error[0] << " " << error[1];
}

}  // namespace
}  // namespace kolmo
