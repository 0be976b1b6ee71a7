// What one step of a periodic flow sends, per rank, counted: one line of JSON for scripts/scaling/model.py.
// count_traffic N tensor|boxmg PX PY PZ: N^3 cells on each of PX * PY * PZ ranks.
#include <petscsys.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "kolmo/base/petsc.hpp"
#include "support/flow_cases.hpp"
#include "support/traffic.hpp"

namespace {

using namespace kolmo;

flow::Settings periodic_flow(int n, const std::string& method, const Index<3>& processes) {
  flow::Settings s = test::box(3, n, 0.0, 6.2831853, flow::BoundaryType::periodic, 1e-2);
  for (int d = 0; d < 3; ++d) {
    s.axes[d].periodic = true;
    s.axes[d].cells = n * processes[d];
    s.axes[d].to = 6.2831853 * processes[d];
    s.processes[d] = processes[d];
  }
  s.initial.name = flow::FieldName::taylor_green;
  s.pressure_solver.method = method == "boxmg" ? flow::LinearMethod::boxmg : flow::LinearMethod::tensor;
  return s;
}

void count(int n, const std::string& method, const Index<3>& processes) {
  const Communicator world;
  flow::Model<3> model(periodic_flow(n, method, processes), world);
  model.initialise();
  for (int k = 0; k < 3; ++k) model.step(model.choose_step());  // the first steps solve more often
  const auto before = model.projection().statistics().iterations;
  test::traffic() = {};
  model.step(model.choose_step());
  const test::Traffic t = test::traffic();
  const auto iterations = model.projection().statistics().iterations - before;
  const double ranks = world.size();
  const auto mean = [&](std::int64_t value) { return world.sum(static_cast<double>(value)) / ranks; };
  const double messages = mean(t.messages), bytes = mean(t.message_bytes), exchanged = mean(t.exchange_bytes);
  const double others = mean(t.others);
  const auto largest = static_cast<long long>(world.max(static_cast<double>(t.largest_message)));
  if (world.root())
    std::printf(
        "{\"messages\": %.17g, \"message_bytes\": %.17g, \"largest_message\": %lld, \"exchanges\": %lld, "
        "\"exchange_bytes\": %.17g, \"reductions\": %lld, \"reduction_bytes\": %lld, \"gathers\": %lld, "
        "\"gather_bytes\": %lld, \"others\": %.17g, "
        "\"iterations\": %lld, \"solver\": \"%s\"}\n",
        messages, bytes, largest, static_cast<long long>(t.exchanges), exchanged, static_cast<long long>(t.reductions),
        static_cast<long long>(t.reduction_bytes), static_cast<long long>(t.gathers),
        static_cast<long long>(t.gather_bytes), others, static_cast<long long>(iterations),
        model.projection().description().c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fprintf(stderr, "count_traffic N tensor|boxmg PX PY PZ\n");
    return 2;
  }
  petsc::check(PetscInitialize(&argc, &argv, nullptr, nullptr));
  count(std::atoi(argv[1]), argv[2], {std::atoi(argv[3]), std::atoi(argv[4]), std::atoi(argv[5])});
  petsc::check(PetscFinalize());
  return 0;
}
