/// What every benchmark needs: a clock shared by the ranks, a STREAM triad beside it, and the memory of the process.
#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <memory>
#include <string>

#include "kolmo/base/parallel.hpp"

namespace kolmo::bench {

/// STREAM triad a = b + 3 c on arrays well beyond the caches, all ranks at once: bytes per second of all ranks
/// together, counted as STREAM does (24 per element, the write-allocate left out). Best of several passes. Collective.
double triad();

/// Bytes this process holds now beyond what it held after PetscInitialize, at its peak since then; summed over the
/// ranks. For benchmarks that have the process for themselves (names that begin with memory/).
double peak_memory();
/// Forgets the peak and takes what is held now as the new base.
void restart_memory();

/// Runs body once untimed and then once per iteration between barriers; the time is the maximum over the ranks.
/// Counters: ns (per unit and iteration), cpu_ns (the same of processor time, which other programs disturb less), bytes
/// (the same as bytes a triad would move in that time), triad (GB/s, before and after). units: cells or unknowns of the
/// whole problem, times what one iteration does with each.
void measure(benchmark::State& state, double units, const std::function<void()>& body);

/// Lets `release` be called when somebody else takes over.
void release_others(const void* mine, const std::function<void()>& release);

/// The object a benchmark works on, kept between its repetitions; made anew when key changes. One at a time is held.
/// Collective.
template <class T>
T& kept(const std::string& key, const std::function<std::unique_ptr<T>()>& make) {
  static std::string held;
  static std::unique_ptr<T> object;
  release_others(&held, [] {
    object.reset();
    held.clear();
  });
  if (!object || held != key) {
    object.reset();
    object = make();
    held = key;
  }
  return *object;
}

/// Registers a benchmark with manual time and a fixed number of iterations, the same on every rank.
inline void add(const std::string& name, int iterations, std::function<void(benchmark::State&)> body) {
  benchmark::RegisterBenchmark(name.c_str(), [body = std::move(body)](benchmark::State& state) { body(state); })
      ->Iterations(iterations)
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
}

/// `static const Registration r([] { add(...); ... });` at the top of a benchmark's file.
struct Registration {
  template <class Body>
  explicit Registration(Body&& body) {
    body();
  }
};

}  // namespace kolmo::bench
