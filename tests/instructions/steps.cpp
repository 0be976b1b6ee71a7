// instruction_steps CASE STEPS: that many steps of a small flow, for a count of instructions; prints the cells.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "bench/flow_cases.hpp"

int main(int argc, char** argv) {
  kolmo::petsc::Session session(argc, argv);
  const std::string name = argc > 1 ? argv[1] : "";
  const int steps = argc > 2 ? std::atoi(argv[2]) : 0;
  for (auto flow_case : kolmo::bench::flow_cases(32)) {
    if (flow_case.name != name) continue;
    // The box between walls stands for what needs an iterative solver.
    if (name == "cavity_32")
      flow_case.changes.insert(flow_case.changes.end(),
                               {"solver.pressure.method=\"boxmg\"", "solver.pressure.tolerance=1e-6"});
    kolmo::flow::Model<3> model(flow_case.settings("k4"), kolmo::Communicator());
    model.initialise();
    for (int k = 0; k < steps; ++k) model.step(model.choose_step());
    std::printf("%lld cells, %s\n", static_cast<long long>(model.domain().grid.cell_count()),
                model.projection().description().c_str());
    return 0;
  }
  std::fprintf(stderr, "instruction_steps: unknown case\n");
  return 2;
}
