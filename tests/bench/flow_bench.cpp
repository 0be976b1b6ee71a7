// Whole time steps: choice of the step, stages, pressure solves. ns and bytes are per cell and step.
#include <sys/resource.h>

#include "bench.hpp"
#include "flow_cases.hpp"
#include "kolmo/base/phase.hpp"

namespace kolmo::bench {
namespace {

std::unique_ptr<flow::Model<3>> developed(const FlowCase& flow_case, const std::string& scheme) {
  auto model = std::make_unique<flow::Model<3>>(flow_case.settings(scheme), Communicator());
  model->initialise();
  for (int step = 0; step < 3; ++step) model->step(model->choose_step());  // the first steps solve more often
  return model;
}

long page_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

void time_steps(benchmark::State& state, const FlowCase& flow_case, const std::string& scheme) {
  auto& model = kept<flow::Model<3>>(flow_case.name + scheme, [&] { return developed(flow_case, scheme); });
  const auto cells = static_cast<double>(model.domain().grid.cell_count());
  auto before = Phase::seconds();
  const auto steps_before = model.state().step;
  measure(state, cells, [&] { model.step(model.choose_step()); });
  const auto steps = static_cast<double>(model.state().step - steps_before);
  auto after = Phase::seconds();
  before.resize(after.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    const double seconds = Communicator().max(after[i].second - before[i].second);
    if (seconds > 0.0) state.counters["phase " + after[i].first] = 1e9 * seconds / (steps * cells);
  }
  const long faults = page_faults();
  model.step(model.choose_step());
  state.counters["page_faults"] = static_cast<double>(page_faults() - faults);
  if (!(model.max_divergence() < 1e-8)) state.SkipWithError("the flow is not divergence-free");
}

// The same number of cells for every rank.
FlowCase weak(int n) {
  FlowCase c = flow_cases(n)[0];
  c.name = "taylor_green_" + std::to_string(n) + "_per_rank";
  c.changes.push_back("grid.z.cells=" + std::to_string(n * Communicator().size()));
  c.changes.push_back("grid.z.to=\"2*pi*" + std::to_string(Communicator().size()) + "\"");
  return c;
}

const Registration registration([] {
  add("flow/weak/k4", 5, [](benchmark::State& state) { time_steps(state, weak(96), "k4"); });
  for (const FlowCase& flow_case : flow_cases())
    for (const char* scheme : {"k4", "rk3"})
      add("flow/" + flow_case.name + "/" + scheme, 5,
          [=](benchmark::State& state) { time_steps(state, flow_case, scheme); });
});

}  // namespace
}  // namespace kolmo::bench
