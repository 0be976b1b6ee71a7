// main() of the benchmarks: starts PETSc and MPI, lets rank 0 alone report, and ends with 1 where a benchmark failed.
#include "bench.hpp"

#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <vector>

#include "kolmo/base/petsc.hpp"

namespace kolmo::bench {

namespace {

double base_memory = 0.0;

double status_bytes(const char* key) {
  std::ifstream file("/proc/self/status");
  std::string line;
  while (std::getline(file, line))
    if (line.rfind(key, 0) == 0) return 1024.0 * std::atof(line.c_str() + std::strlen(key) + 1);
  return 0.0;
}

double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

void restart_memory() {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";  // the kernel's high-water mark begins anew
  base_memory = status_bytes("VmRSS");
}

double peak_memory() { return Communicator().sum(status_bytes("VmHWM") - base_memory); }

double triad() {
  constexpr std::ptrdiff_t size = std::ptrdiff_t{1} << 23;
  static std::vector<double> a(size, 1.0), b(size, 2.0), c(size, 3.0);
  const Communicator world;
  double best = 1e300;
  for (int pass = 0; pass < 6; ++pass) {
    world.barrier();
    const double begin = MPI_Wtime();
    double *x = a.data(), *y = b.data(), *z = c.data();
#pragma GCC ivdep
    for (std::ptrdiff_t i = 0; i < size; ++i) x[i] = y[i] + 3.0 * z[i];
    benchmark::ClobberMemory();
    best = std::min(best, world.max(MPI_Wtime() - begin));
  }
  return 24.0 * static_cast<double>(size) * world.size() / best;
}

void measure(benchmark::State& state, double units, const std::function<void()>& body) {
  const Communicator world;
  const double before = triad();
  body();
  double total = 0.0;
  const double cpu = processor_seconds();
  for (auto _ : state) {
    world.barrier();
    const double begin = MPI_Wtime();
    body();
    const double seconds = world.max(MPI_Wtime() - begin);
    state.SetIterationTime(seconds);
    total += seconds;
  }
  const double cpu_spent = world.max(processor_seconds() - cpu);
  const double rate = std::max(before, triad());
  const double per_unit = total / (units * static_cast<double>(state.iterations()));
  state.counters["ns"] = 1e9 * per_unit;
  state.counters["cpu_ns"] = 1e9 * cpu_spent / (units * static_cast<double>(state.iterations()));
  state.counters["bytes"] = per_unit * rate;
  state.counters["triad"] = 1e-9 * rate;
}

void release_others(const void* mine, const std::function<void()>& release) {
  static const void* owner = nullptr;
  static std::function<void()> release_owner;
  if (owner && owner != mine) release_owner();
  owner = mine;
  release_owner = release;
}

}  // namespace kolmo::bench

namespace {

class Silent final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>&) override {}
};

// Counts what was skipped with an error.
class Console final : public benchmark::ConsoleReporter {
 public:
  Console() : ConsoleReporter(OO_Tabular) {}
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) failures += run.error_occurred ? 1 : 0;
    ConsoleReporter::ReportRuns(runs);
    std::fflush(stdout);
  }
  int failures = 0;
};

}  // namespace

int main(int argc, char** argv) {
  std::vector<char*> ours(argv, argv + argc);
  kolmo::petsc::Session session(argc, argv);
  const kolmo::Communicator world;
  kolmo::bench::restart_memory();
  if (!world.root())  // one file, one reporter
    ours.erase(std::remove_if(ours.begin(), ours.end(),
                              [](const char* text) { return std::strncmp(text, "--benchmark_out", 15) == 0; }),
               ours.end());
  int count = static_cast<int>(ours.size());
  ours.push_back(nullptr);
  benchmark::Initialize(&count, ours.data());
  benchmark::AddCustomContext("ranks", std::to_string(world.size()));
  int failures = 0;
  if (world.root()) {
    Console console;
    benchmark::RunSpecifiedBenchmarks(&console);
    failures = console.failures;
  } else {
    Silent silent;
    benchmark::RunSpecifiedBenchmarks(&silent);
  }
  kolmo::bench::release_others(nullptr, [] {});
  return failures > 0 ? 1 : 0;
}
