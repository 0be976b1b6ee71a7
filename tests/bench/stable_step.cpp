// kolmo_stable_step OUT.json [--granted] [CASE...]: the largest constant step that is stable, by bisection, and the
// time error short of it, of the default scheme and of rk3, by the same procedure on the same flows. No clock: the
// numbers hold on any machine, so they are found once and stored.
//
// A step is stable if the flow, from the start of the case to 120 steps of the default scheme's own limit, keeps the
// size of a reference run with a quarter of that limit: rms velocity within 5 %, rms difference between neighbours
// within 10 %. (Not its values: small eddies of a turbulent flow part whatever the step.) Time error: after 12 steps of
// that limit the rms difference to a run with an eighth of it, on the same grid, hence without any error of space, over
// the rms velocity.
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "flow_cases.hpp"
#include "kolmo/base/error.hpp"

namespace kolmo::bench {
namespace {

using Values = std::vector<double>;

struct Sizes {
  double velocity = HUGE_VAL, difference = HUGE_VAL, largest = HUGE_VAL;
};

// A velocity, component by component over its unknown faces.
Values values(flow::Model<3>& model) {
  Values all;
  for (int c = 0; c < 3; ++c)
    for_each<3>(model.boundary().unknowns(c), [&](const Index<3>& i) { all.push_back(model.velocity()[c](i)); });
  return all;
}

Sizes sizes(flow::Model<3>& model) {
  double sums[3] = {0.0, 0.0, 0.0}, largest = 0.0;
  for (int c = 0; c < 3; ++c) {
    const Field<3>& u = model.velocity()[c];
    for_each<3>(model.boundary().unknowns(c), [&](const Index<3>& i) {
      const double* at = &u.origin()[u.layout().offset(i)];
      sums[0] += *at * *at;
      for (int d = 0; d < 3; ++d) {
        const double step = *at - at[-u.layout().stride(d)];
        sums[1] += step * step;
      }
      sums[2] += 1.0;
      largest = std::max(largest, std::isfinite(*at) ? std::abs(*at) : HUGE_VAL);
    });
  }
  const Communicator world;
  world.sum(sums, 3);
  return {std::sqrt(sums[0] / sums[2]), std::sqrt(sums[1] / sums[2]), world.max(largest)};
}

struct Trial {
  const FlowCase& flow_case;

  struct Result {
    Sizes size;
    Values velocity;
  };
  /// To the end in equal steps of about dt; infinite where the run failed.
  Result run(const std::string& scheme, double dt, double time) const {
    flow::Model<3> model(flow_case.settings(scheme), Communicator());
    model.initialise();
    const int steps = static_cast<int>(std::ceil(time / dt - 1e-9));
    const double bound = 10.0 * sizes(model).largest;
    try {
      for (int k = 0; k < steps; ++k) {
        model.step(time / steps);
        if (k % 5 == 4 && !(sizes(model).largest < bound)) return {};
      }
    } catch (const Error&) {
      return {};
    }
    return {sizes(model), values(model)};
  }
};

bool same_size(const Sizes& a, const Sizes& b) {
  return std::abs(a.velocity / b.velocity - 1.0) < 0.05 && std::abs(a.difference / b.difference - 1.0) < 0.1;
}

double relative_difference(const Values& a, const Values& b) {
  double sums[2] = {0.0, 0.0};
  for (std::size_t i = 0; i < a.size(); ++i) {
    sums[0] += (a[i] - b[i]) * (a[i] - b[i]);
    sums[1] += b[i] * b[i];
  }
  Communicator().sum(sums, 2);
  return std::sqrt(sums[0] / sums[1]);
}

double limit_of_k4(const FlowCase& flow_case) {
  flow::Model<3> model(flow_case.settings("k4"), Communicator());
  model.initialise();
  return model.step_rates().stable(0);
}

// What linear theory grants at the start: the step that time.cfl is a fraction of.
double granted_step(const FlowCase& flow_case, const std::string& scheme) {
  flow::Settings settings = flow_case.settings(scheme);
  settings.time.step.reset();
  settings.time.cfl = 1.0;
  flow::Model<3> model(settings, Communicator());
  model.initialise();
  return model.choose_step();
}

double largest_step(const Trial& trial, const std::string& scheme, double limit, const Sizes& reference) {
  double stable = 0.25 * limit, unstable = 3.0 * limit;
  while (unstable / stable > 1.02) {
    const double dt = std::sqrt(stable * unstable);
    const Sizes size = trial.run(scheme, dt, 120.0 * limit).size;
    (same_size(size, reference) ? stable : unstable) = dt;
    if (!Communicator().root()) continue;
    std::printf("%s %s step %.5g (%.3f of k4's limit): %.4f of the velocity, %.4f of the differences\n",
                trial.flow_case.name.c_str(), scheme.c_str(), dt, dt / limit, size.velocity / reference.velocity,
                size.difference / reference.difference);
    std::fflush(stdout);
  }
  return stable;
}

void add_granted(const FlowCase& flow_case, nlohmann::ordered_json& result) {
  for (const char* scheme : {"k4", "rk3"}) result[scheme]["granted_step"] = granted_step(flow_case, scheme);
}

nlohmann::ordered_json find(const FlowCase& flow_case) {
  const Trial trial{flow_case};
  const double limit = limit_of_k4(flow_case), soon = 12.0 * limit;
  const Sizes reference = trial.run("k4", 0.25 * limit, 120.0 * limit).size;
  const Values exact = trial.run("k4", 0.125 * limit, soon).velocity;
  nlohmann::ordered_json result;
  result["limit_of_k4"] = limit;
  for (const char* scheme : {"k4", "rk3"}) {
    const double stable = largest_step(trial, scheme, limit, reference);
    result[scheme]["largest_step"] = stable;
    result[scheme]["time_error_at_0.8"] = relative_difference(trial.run(scheme, 0.8 * stable, soon).velocity, exact);
  }
  add_granted(flow_case, result);
  return result;
}

}  // namespace
}  // namespace kolmo::bench

int main(int argc, char** argv) {
  kolmo::petsc::Session session(argc, argv);
  if (argc < 2) {
    std::fprintf(stderr,
                 "usage: kolmo_stable_step OUT.json [--granted] [CASE...]\n"
                 "  --granted: only the steps that time.cfl grants, into what OUT.json has\n");
    return 2;
  }
  nlohmann::ordered_json all;
  if (std::ifstream file(argv[1]); file) all = nlohmann::ordered_json::parse(file);
  const bool granted = argc > 2 && std::string(argv[2]) == "--granted";
  const int first = granted ? 3 : 2;
  for (const auto& flow_case : kolmo::bench::flow_cases()) {
    bool wanted = argc == first;
    for (int i = first; i < argc; ++i) wanted = wanted || flow_case.name == argv[i];
    if (!wanted) continue;
    if (granted)
      kolmo::bench::add_granted(flow_case, all[flow_case.name]);
    else
      all[flow_case.name] = kolmo::bench::find(flow_case);
    if (kolmo::Communicator().root()) std::ofstream(argv[1]) << all.dump(2) << "\n";
  }
  return 0;
}
