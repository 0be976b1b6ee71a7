// Memory: each of these has a process for itself (scripts/bench starts one per name). memory: bytes per cell or unknown
// at the peak, above the process after PetscInitialize.
#include "bench.hpp"
#include "flow_cases.hpp"

namespace kolmo::bench {
namespace {

void flow_memory(benchmark::State& state, const FlowCase& flow_case) {
  for (auto _ : state) {
    flow::Model<3> model(flow_case.settings("k4"), Communicator());
    model.initialise();
    for (int step = 0; step < 3; ++step) model.step(model.choose_step());
    state.SetIterationTime(1e-9);
    state.counters["memory"] = peak_memory() / static_cast<double>(model.domain().grid.cell_count());
  }
}

const Registration registration([] {
  for (const FlowCase& flow_case : flow_cases())
    add("memory/flow/" + flow_case.name, 1, [=](benchmark::State& state) { flow_memory(state, flow_case); });
});

}  // namespace
}  // namespace kolmo::bench
