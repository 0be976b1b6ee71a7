// kolmo_stable_step OUT.json [CASE...]: the largest constant step that is stable, by bisection, and the time error
// short of it, of the default scheme and of rk3, by the same procedure on the same flows. No clock: the numbers hold on
// any machine, so they are found once and stored.
//
// A step is stable if the flow, from the start of the case to 120 steps of the default scheme's own limit, stays within
// 5 % (rms velocity) of a reference run with a quarter of that limit. Time error: the rms difference to the same
// reference, on the same grid, hence without any error of space, over the rms velocity.
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "flow_cases.hpp"
#include "kolmo/base/error.hpp"

namespace kolmo::bench {
namespace {

using Values = std::vector<double>;

struct Trial {
  double end;
  Values reference;

  /// Velocities at the end after equal steps of about dt; empty where the run failed.
  Values run(const FlowCase& flow_case, const std::string& scheme, double dt) const {
    flow::Model<3> model(flow_case.settings(scheme), Communicator());
    model.initialise();
    const double start = model.time();
    const int steps = static_cast<int>(std::ceil((end - start) / dt - 1e-9));
    const double bound = 10.0 * largest(model);
    try {
      for (int k = 0; k < steps; ++k) {
        model.step((end - start) / steps);
        if (k % 5 == 4 && !(largest(model) < bound)) return {};
      }
    } catch (const Error&) {
      return {};
    }
    return values(model);
  }
  /// Relative rms difference to the reference.
  double error(const Values& u) const {
    if (u.empty()) return HUGE_VAL;
    double sums[2] = {0.0, 0.0};
    for (std::size_t i = 0; i < u.size(); ++i) {
      sums[0] += (u[i] - reference[i]) * (u[i] - reference[i]);
      sums[1] += reference[i] * reference[i];
    }
    Communicator().sum(sums, 2);
    return std::sqrt(sums[0] / sums[1]);
  }

 private:
  static Values values(flow::Model<3>& model) {
    Values all;
    for (int c = 0; c < 3; ++c)
      for_each<3>(model.boundary().unknowns(c), [&](const Index<3>& i) { all.push_back(model.velocity()[c](i)); });
    return all;
  }
  static double largest(flow::Model<3>& model) {
    double most = 0.0;
    for (double u : values(model)) most = std::max(most, std::isfinite(u) ? std::abs(u) : HUGE_VAL);
    return Communicator().max(most);
  }
};

nlohmann::ordered_json find(const FlowCase& flow_case) {
  const bool root = Communicator().root();
  Trial trial;
  double limit = 0.0;
  {
    flow::Model<3> model(flow_case.settings("k4"), Communicator());
    model.initialise();
    limit = 1.0 / std::sqrt(model.step_rates().combined);
    trial.end = model.time() + 120.0 * limit;
  }
  trial.reference = trial.run(flow_case, "k4", 0.25 * limit);
  nlohmann::ordered_json result;
  result["limit_of_k4"] = limit;
  result["end"] = trial.end;
  for (const char* scheme : {"k4", "rk3"}) {
    double stable = 0.25 * limit, unstable = 3.0 * limit;
    while (unstable / stable > 1.02) {
      const double dt = unstable / stable > 2.0 ? 0.5 * (stable + unstable) : std::sqrt(stable * unstable);
      const double error = trial.error(trial.run(flow_case, scheme, dt));
      (error < 0.05 ? stable : unstable) = dt;
      if (root)
        std::printf("%s %s dt %.5g (%.3f of k4's limit): error %.2e\n", flow_case.name.c_str(), scheme, dt, dt / limit,
                    error),
            std::fflush(stdout);
    }
    result[scheme]["largest_step"] = stable;
    result[scheme]["time_error_at_0.8"] = trial.error(trial.run(flow_case, scheme, 0.8 * stable));
  }
  return result;
}

}  // namespace
}  // namespace kolmo::bench

int main(int argc, char** argv) {
  kolmo::petsc::Session session(argc, argv);
  if (argc < 2) {
    std::fprintf(stderr, "usage: kolmo_stable_step OUT.json [CASE...]\n");
    return 2;
  }
  nlohmann::ordered_json all;
  if (std::ifstream file(argv[1]); file) all = nlohmann::ordered_json::parse(file);
  for (const auto& flow_case : kolmo::bench::flow_cases()) {
    bool wanted = argc == 2;
    for (int i = 2; i < argc; ++i) wanted = wanted || flow_case.name == argv[i];
    if (!wanted) continue;
    all[flow_case.name] = kolmo::bench::find(flow_case);
    if (kolmo::Communicator().root()) std::ofstream(argv[1]) << all.dump(2) << "\n";
  }
  return 0;
}
