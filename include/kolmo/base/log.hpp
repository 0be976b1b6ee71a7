/// What a run prints: plain lines from rank 0, and one fixed-width line per step.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>

namespace kolmo {

/// Lines on rank 0 only; the other ranks' log is silent. Cheap to copy.
class Log {
 public:
  explicit Log(bool active, std::FILE* out = stdout, std::FILE* err = stderr);
  /// To standard output.
  void info(std::string_view line) const;
  /// To standard error, behind "warning: ".
  void warning(std::string_view line) const;
  bool active() const { return active_; }
  /// True where the output is a terminal, seen through mpirun.
  bool terminal() const { return terminal_; }

 private:
  bool active_, terminal_;
  std::FILE* out_;
  std::FILE* err_;
};

/// One step as the progress line shows it.
struct StepReport {
  std::int64_t step = 0;
  double time = 0.0;
  double dt = 0.0;
  double cfl = 0.0;        ///< Courant number of the step
  double invariant = 0.0;  ///< max |div u|, or the mass of a density
  int iterations = 0;      ///< of all linear solves of the step
  double residual = 0.0;   ///< the largest final relative residual of the step's solves
};

/// What a run aims at; what is not known stays at 0.
struct ProgressPlan {
  std::int64_t cells = 0;
  double start = 0.0, end = 0.0;               ///< simulated time
  std::int64_t first_step = 0, max_steps = 0;  ///< 0: no limit of steps
  double wall_limit = 0.0;                     ///< seconds from now, 0: none
  std::string invariant_name = "max|div u|";
  bool courant = true;        ///< the step has a Courant number worth a column
  double thin_seconds = 5.0;  ///< least time between lines where the output is no terminal
};

/// Prints one line per step: step, time, dt, CFL where there is one, invariant, iterations, residual, wall seconds per
/// step, million cells per second, time left to the end and to the wall limit. Every step on a terminal, thinned
/// elsewhere; the first and last always.
class Progress {
 public:
  using Clock = std::function<double()>;  ///< seconds since any fixed moment
  Progress(Log log, ProgressPlan plan, Clock clock = {});
  /// Call after every step, on every rank (only the log's rank prints). No allocation.
  void step(const StepReport& report);
  /// Prints the last step if thinning swallowed it.
  void finish();
  /// Wall seconds since construction.
  double elapsed() const;
  /// Mean wall seconds of the recent steps (exponential mean over about 20).
  double seconds_per_step() const { return seconds_per_step_; }
  /// Wall seconds to the end of the run, as far as can be foreseen; -1 where unknown.
  double eta() const;

 private:
  void print();
  Log log_;
  ProgressPlan plan_;
  Clock clock_;
  StepReport last_;
  double begin_ = 0.0, previous_ = 0.0, printed_at_ = 0.0;
  double seconds_per_step_ = 0.0;
  std::int64_t steps_ = 0, lines_ = 0;
  bool printed_ = true;
};

}  // namespace kolmo
