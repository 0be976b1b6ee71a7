// The sweeps a step is made of, each alone over all cells: what of the triad's speed they reach. ns and bytes are per
// cell (all three components).
#include "bench.hpp"
#include "flow_cases.hpp"

namespace kolmo::bench {
namespace {

using flow::Model;
using flow::Sweep;
using flow::Velocity;

struct Bench {
  explicit Bench(const FlowCase& c) : model(c.settings("k4"), Communicator()), out(model.domain().make_velocity()) {
    model.initialise();
    for (int step = 0; step < 3; ++step) model.step(model.choose_step());
    for (int d = 0; d < 3; ++d) out[d].copy_from(model.velocity()[d]);
    cells = static_cast<double>(model.domain().grid.cell_count());
  }
  Model<3> model;
  Velocity<3> out;
  double cells = 0.0;
};

void time_sweep(benchmark::State& state, const FlowCase& c, const std::function<void(Bench&)>& body) {
  Bench& bench = kept<Bench>(c.name, [&] { return std::make_unique<Bench>(c); });
  measure(state, bench.cells, [&] { body(bench); });
}

const Registration registration([] {
  const std::vector<FlowCase> cases = flow_cases();
  for (const FlowCase& c : {cases[0], cases[2]}) {
    const auto sweep = [&](const std::string& name, const std::function<void(Bench&)>& body) {
      add("sweep/" + name + "/" + c.name, 8, [=](benchmark::State& state) { time_sweep(state, c, body); });
    };
    sweep("convection_viscosity", [](Bench& b) {
      b.model.momentum().sweep({&b.model.velocity(), &b.out, &b.model.velocity(), 1.0, nullptr, 0.0, 1e-9});
    });
    sweep("stage_in_place", [](Bench& b) {
      b.model.momentum().sweep({&b.model.velocity(), &b.out, &b.out, 1.0, nullptr, 0.0, 1e-9});
    });
    sweep("stage_two_pressures", [](Bench& b) {
      Sweep<3> s{&b.model.velocity(), &b.out, &b.model.velocity(), 1.0, nullptr, 0.0, 1e-9};
      s.p0 = &b.model.state().p, s.c0 = 1.5, s.p1 = &b.model.state().p_old, s.c1 = -0.5;
      b.model.momentum().sweep(s);
    });
    sweep("ghosts_of_velocity", [](Bench& b) { b.model.domain().exchange(b.out); });
  }
});

}  // namespace
}  // namespace kolmo::bench
