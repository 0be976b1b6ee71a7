// Iterative pressure solvers inside PETSc's KSP: CG with boxmg against CG with PETSc's own multigrid on assembled
// matrices, to a relative residual of 1e-6 from zero, right-hand side noise. ns, bytes and memory are per unknown.
#include "bench.hpp"
#include "kolmo/linear/matrix_free.hpp"
#include "linear_problems.hpp"

namespace kolmo::bench {
namespace {

constexpr double tolerance = 1e-6;

struct Bench {
  explicit Bench(const DiffusionSetup<3>& setup) : problem(setup), b(problem.noise(1)), q(b.size()) {}

  void prepare(const std::string& pc) {
    SolverOptions options;
    options.method = SolverMethod::boxmg;
    options.relative_tolerance = tolerance;
    petsc::check(PetscOptionsSetValue(nullptr, "-bench_pc_type", pc.c_str()));
    solver = std::make_unique<Solver<3>>("bench_", problem.decomposition(), problem.op(), options);
  }
  double unknowns() const { return static_cast<double>(problem.decomposition().global_size()); }
  /// The residual of q, by the product of the tests.
  double residual() {
    std::vector<double> r(b.size());
    problem.apply(q, r);
    for (std::size_t i = 0; i < r.size(); ++i) r[i] = b[i] - r[i];
    return std::sqrt(problem.dot(r, r) / problem.dot(b, b));
  }

  Diffusion<3> problem;
  std::vector<double> b, q;
  std::unique_ptr<Solver<3>> solver;
};

void time_solve(benchmark::State& state, const LinearProblem& p, const std::string& pc) {
  Bench& bench = kept<Bench>(p.name + pc, [&] {
    auto made = std::make_unique<Bench>(p.setup);
    made->prepare(pc);
    return made;
  });
  measure(state, bench.unknowns(), [&] { bench.solver->solve(bench.b.data(), bench.q.data()); });
  state.counters["solver_iterations"] = bench.solver->statistics().last_iterations;
  if (!(bench.residual() < 1.02 * tolerance)) state.SkipWithError("the true residual is above the tolerance");
}

void solver_memory(benchmark::State& state, const LinearProblem& p, const std::string& pc) {
  for (auto _ : state) {
    Bench bench(p.setup);
    restart_memory();
    bench.prepare(pc);
    bench.solver->solve(bench.b.data(), bench.q.data());
    state.SetIterationTime(1e-9);
    state.counters["memory"] = peak_memory() / bench.unknowns();
  }
}

void time_setup(benchmark::State& state, const LinearProblem& p, const std::string& pc) {
  Bench& bench = kept<Bench>(p.name + pc + " setup", [&] { return std::make_unique<Bench>(p.setup); });
  measure(state, bench.unknowns(), [&] { bench.prepare(pc); });
  bench.solver.reset();
}

/// What an iteration is made of: the preconditioner and the product alone.
struct Parts {
  explicit Parts(const DiffusionSetup<3>& setup)
      : problem(setup),
        system(problem.decomposition(), problem.op()),
        cycle(system.boxmg()),
        b(problem.noise(1)),
        q(b) {}
  Diffusion<3> problem;
  MatrixFree<3> system;
  std::unique_ptr<Inverse> cycle;
  std::vector<double> b, q;
};

void time_part(benchmark::State& state, const LinearProblem& p, bool cycle) {
  Parts& parts = kept<Parts>(p.name, [&] { return std::make_unique<Parts>(p.setup); });
  measure(state, static_cast<double>(parts.problem.decomposition().global_size()), [&] {
    if (cycle)
      parts.cycle->apply(parts.b.data(), parts.q.data());
    else
      parts.system.apply(parts.b.data(), parts.q.data());
  });
}

const Registration registration([] {
  for (const LinearProblem& p : linear_problems()) {
    const bool small = p.name.find("_64") != std::string::npos;
    add("boxmg/" + p.name, small ? 20 : 3, [=](benchmark::State& state) { time_solve(state, p, "boxmg"); });
    if (!small)
      for (const bool cycle : {true, false})
        add((cycle ? "part/cycle/" : "part/product/") + p.name, 5,
            [=](benchmark::State& state) { time_part(state, p, cycle); });
    // The assembled one takes a second and more at 128^3, and hundreds of iterations on clustered grids.
    if (p.name == "constant_64" || p.name == "constant_128" || p.name == "drop_64" || p.name == "bubble_64")
      add("pcmg/" + p.name, small ? 2 : 1, [=](benchmark::State& state) { time_solve(state, p, "mg"); });
    if (p.name == "constant_64" || p.name == "drop_64" || p.name == "bubble_64") {
      add("setup/boxmg/" + p.name, 2, [=](benchmark::State& state) { time_setup(state, p, "boxmg"); });
      add("setup/pcmg/" + p.name, 1, [=](benchmark::State& state) { time_setup(state, p, "mg"); });
    }
    if (p.name == "constant_64" || p.name == "constant_128" || p.name == "drop_64" || p.name == "bubble_64")
      for (const char* pc : {"boxmg", "mg"})
        add("memory/" + std::string(pc == std::string("mg") ? "pcmg" : pc) + "/" + p.name, 1,
            [=](benchmark::State& state) { solver_memory(state, p, pc); });
  }
});

}  // namespace
}  // namespace kolmo::bench
