// The direct solver of separable operators. ns and bytes are per unknown.
#include "bench.hpp"
#include "kolmo/grid/axis.hpp"
#include "kolmo/linear/matrix_free.hpp"
#include "kolmo/linear/solver.hpp"

namespace kolmo::bench {
namespace {

struct TensorCase {
  std::string name;
  std::array<AxisSpec, 3> axes;
  std::array<bool, 3> dirichlet_high{};  ///< a pressure face at the high end: a mix of kinds
};

LineOperator line(const AxisSpec& spec, bool dirichlet_high) {
  const Axis axis(spec);
  LineOperator l;
  const int n = axis.cells();
  l.periodic = axis.periodic();
  for (int i = 0; i <= n; ++i) {
    const bool end = !l.periodic && (i == 0 || i == n);
    l.conductance.push_back(!end ? 1.0 / axis.distance(i) : i == n && dirichlet_high ? 2.0 / axis.width(n - 1) : 0.0);
  }
  for (int i = 0; i < n; ++i) l.weight.push_back(axis.width(i));
  return l;
}

struct Bench {
  explicit Bench(const TensorCase& c) {
    SeparableOperator<3> op;
    Index<3> cells;
    std::array<bool, 3> periodic;
    for (int d = 0; d < 3; ++d) {
      op.line[d] = line(c.axes[d], c.dirichlet_high[d]);
      cells[d] = c.axes[d].cells;
      periodic[d] = c.axes[d].periodic;
    }
    const Communicator world;
    const Decomposition<3> unknowns(world, cells, periodic, Decomposition<3>::choose(world.size(), cells));
    system = std::make_unique<MatrixFree<3>>(unknowns, op);
    SolverOptions options;
    options.method = SolverMethod::tensor;
    solver = std::make_unique<Solver<3>>("bench_tensor_", unknowns, op, options);
    size = static_cast<double>(unknowns.global_size());
    // Of no mean whether or not it must be: a wave along every direction, and steps.
    std::vector<double> q(unknowns.local_size());
    std::size_t at = 0;
    for_each<3>(unknowns.owned(), [&](const Index<3>& i) {
      q[at++] = std::sin(0.3 * i[0]) + std::cos(1.7 * i[1]) * std::sin(0.9 * i[2]) + (i[2] % 3);
    });
    b.resize(q.size());
    answer.resize(q.size());
    system->apply(q.data(), b.data());
  }
  double residual() {
    std::vector<double> r(b.size());
    system->apply(answer.data(), r.data());
    double sums[2] = {0.0, 0.0};
    for (std::size_t i = 0; i < r.size(); ++i) {
      sums[0] += (r[i] - b[i]) * (r[i] - b[i]);
      sums[1] += b[i] * b[i];
    }
    Communicator().sum(sums, 2);
    return std::sqrt(sums[0] / sums[1]);
  }
  std::unique_ptr<MatrixFree<3>> system;
  std::unique_ptr<Solver<3>> solver;
  std::vector<double> b, answer;
  double size = 0.0;
};

void time_solve(benchmark::State& state, const TensorCase& c) {
  Bench& bench = kept<Bench>(c.name, [&] { return std::make_unique<Bench>(c); });
  measure(state, bench.size, [&] { bench.solver->solve(bench.b.data(), bench.answer.data()); });
  const double residual = bench.residual();
  state.counters["residual"] = residual;
  if (!(residual < 1e-11)) state.SkipWithError("the residual is not at round-off");
}

TensorCase cube(const std::string& name, const AxisSpec& axis) { return {name, {axis, axis, axis}, {}}; }

AxisSpec axis_of(int cells, Spacing spacing, double strength, bool periodic = false) {
  AxisSpec axis;
  axis.cells = cells;
  axis.spacing = spacing;
  axis.strength = strength;
  axis.periodic = periodic;
  return axis;
}

const Registration registration([] {
  std::vector<TensorCase> cases;
  cases.push_back(cube("symmetric_128", axis_of(128, Spacing::tanh, 1.5)));
  TensorCase any = cube("any_128", axis_of(128, Spacing::tanh_low, 1.5));
  any.dirichlet_high = {true, false, true};
  cases.push_back(any);
  cases.push_back(cube("periodic_128", axis_of(128, Spacing::uniform, 0.0, true)));
  cases.push_back(cube("walls_128", axis_of(128, Spacing::uniform, 0.0)));
  cases.push_back(cube("symmetric_64", axis_of(64, Spacing::tanh, 1.5)));
  for (const TensorCase& c : cases)
    add("tensor/" + c.name, c.axes[0].cells == 64 ? 30 : 6, [=](benchmark::State& state) { time_solve(state, c); });
});

}  // namespace
}  // namespace kolmo::bench
