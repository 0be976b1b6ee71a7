// The splitting of the density engine, 128^3 cells, diagonal diffusion: whole steps between outputs, and its sweeps
// alone. Nanoseconds and bytes are per cell.
#include <cmath>

#include "bench.hpp"
#include "density/line_cases.hpp"
#include "kolmo/density/splitting.hpp"

namespace kolmo::bench {
namespace {

constexpr int n = 128;

/// f = -x (1 + coupling sin(sum of the other coordinates)), D = 1, on [-5, 5]^3 with reflecting walls.
struct Bench {
  explicit Bench(double coupling)
      : lines({Axis::uniform(-5, 5, n), Axis::uniform(-5, 5, n), Axis::uniform(-5, 5, n)}, Communicator(),
              Decomposition<3>::choose(Communicator().size(), {n, n, n})),
        splitting(lines.grid, lines.cells, lines.layout),
        p(lines.field()) {
    lines.fill(p, [&](const Index<3>& i) {
      double r = 0.0;
      for (int d = 0; d < 3; ++d) r += std::pow(lines.grid.axis(d).centre(i[d]) - 0.5, 2);
      return std::exp(-2.0 * r);
    });
    for (int d = 0; d < 3; ++d) {
      const auto face = [&](const Index<3>& i) {
        if (lines.end(d, i[d])) return std::pair(0.0, 0.0);
        double others = 0.0;
        for (int e = 0; e < 3; ++e)
          if (e != d) others += lines.grid.axis(e).centre(i[e]);
        const double g = 0.5 / lines.grid.axis(d).distance(i[d]);
        const double pe = -lines.grid.axis(d).node(i[d]) * (1.0 + coupling * std::sin(others)) / g;
        return std::pair(g * test::bernoulli(-pe), -g * test::bernoulli(pe));
      };
      Index<3> middle{n / 2, n / 2, n / 2};
      weights.push_back(coupling == 0.0 ? lines.uniform(d,
                                                        [&](int f) {
                                                          middle[d] = f;
                                                          return face(middle);
                                                        })
                                        : lines.weights(d, face));
    }
    for (int d = 0; d < 3; ++d) {
      splitting.set(weights[d]);
      alone.emplace_back(lines.grid, lines.cells, d);
      alone[d].set(weights[d]);
    }
  }
  test::Lines<3> lines;
  std::vector<density::DirectionWeights<3>> weights;
  density::Splitting<3> splitting;
  std::vector<density::LineStep<3>> alone;
  Field<3> p;
};

/// The same cells carried by a velocity that depends on all coordinates, up to about a cell a step.
struct Transport {
  Transport() : base(0.0) {
    for (int d = 0; d < 3; ++d) {
      const auto face = [&](const Index<3>& i) {
        double a = 0.0;
        for (int e = 0; e < 3; ++e) a += base.lines.grid.axis(e).centre(i[e] % n);
        return base.lines.end(d, i[d]) ? std::pair(0.0, 0.0) : std::pair(std::max(a, 0.0), std::min(a, 0.0));
      };
      weights.push_back(base.lines.weights(d, face));
      weights[d].transport = true;
      alone.emplace_back(base.lines.grid, base.lines.cells, d);
      alone[d].set(weights[d]);
    }
  }
  Bench base;
  std::vector<density::DirectionWeights<3>> weights;
  std::vector<density::LineStep<3>> alone;
};

const Registration registration([] {
  for (int d = 0; d < 3; ++d)
    add("lines/sweep_" + std::string(1, "xyz"[d]) + "/transport", 3, [=](benchmark::State& state) {
      Transport& t = kept<Transport>("lines transport", [] { return std::make_unique<Transport>(); });
      measure(state, std::pow(n, 3), [&] { t.alone[d].advance(t.base.p, 0.01); });
    });
  for (const double coupling : {0.0, 0.5}) {
    const std::string kind = coupling == 0.0 ? "separable" : "general";
    const auto bench = [=]() -> Bench& {
      return kept<Bench>("lines " + kind, [=] { return std::make_unique<Bench>(coupling); });
    };
    for (const bool more : {false, true})
      add("lines/step/" + kind + (more ? "" : "/each_complete"), 5, [=](benchmark::State& state) {
        Bench& b = bench();
        measure(state, std::pow(n, 3), [&] { b.splitting.step(b.p, 0.01, more); });
        b.splitting.finish(b.p);
        const auto [moved, all] = b.splitting.fallbacks();
        state.counters["fallbacks"] = static_cast<double>(moved) / static_cast<double>(all);
      });
    for (int d = 0; d < 3; ++d)
      add("lines/sweep_" + std::string(1, "xyz"[d]) + "/" + kind, 5, [=](benchmark::State& state) {
        Bench& b = bench();
        measure(state, std::pow(n, 3), [&] { b.alone[d].advance(b.p, 0.01); });
      });
  }
});

}  // namespace
}  // namespace kolmo::bench
