/// What the run loop has to know of a run, whatever is computed: a kind of run is an implementation of this.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kolmo/base/log.hpp"
#include "kolmo/base/schedule.hpp"
#include "kolmo/io/checkpoint.hpp"
#include "kolmo/io/run_folder.hpp"
#include "kolmo/io/summary.hpp"
#include "kolmo/linear/solver.hpp"
#include "run_options.hpp"

namespace kolmo::drivers {

/// What a run aims at; constant while it goes.
struct RunPlan {
  std::string title;
  std::int64_t cells = 0;
  double start = 0.0, end = 0.0;  ///< simulated time
  std::int64_t max_steps = 0;     ///< 0: no limit
  bool fixed_step = false;        ///< the step is given: it is cut at an output, not shared out before it
  bool seeks_steady = false;      ///< ends once `steady()`
  Schedule checkpoint;
  double checkpoint_every_wall_time = 0.0;    ///< seconds by the clock on the wall; 0: not by it
  int keep = 2;                               ///< checkpoints
  double checkpoint_bytes = 0.0;              ///< an estimate of one; 0: unknown
  std::string invariant_name = "max|div u|";  ///< of the progress line
  bool courant = true;                        ///< the progress line has a Courant number
};

/// Where a run stands: `step` steps done, the last of length dt.
struct Moment {
  std::int64_t step = 0;
  double time = 0.0, dt = 0.0;
};

/// A computation that goes in steps, with its output. All calls are collective. Order of a run:
///   initialise() or restore(), open_output(), after_step() unless restored, then for each step
///   choose_step(), before_step(dt), step(dt), after_step(); at the end finish(), summarise().
/// A computation without steps (a stationary solution) does its work in initialise() and plans end = start.
class Simulation {
 public:
  virtual ~Simulation() = default;

  virtual const RunPlan& plan() const = 0;
  virtual Moment moment() const = 0;
  /// For run.toml, beyond what every run has.
  virtual Facts facts() = 0;
  /// Lines printed before the first step.
  virtual std::vector<std::string> introduction() = 0;

  virtual void initialise() = 0;
  /// Largest step allowed now, without regard to output times. Throws NumericsError.
  virtual double choose_step() = 0;
  virtual void step(double dt) = 0;
  /// Only asked where the plan seeks it, after a step.
  virtual bool steady() = 0;
  /// The last step, for the progress line.
  virtual StepReport report() = 0;

  /// The whole state, the output's included (its means over time, say).
  virtual void store(io::CheckpointWriter& checkpoint) = 0;
  /// The state without the output's; open_output reads that.
  virtual void restore(const io::CheckpointReader& checkpoint) = 0;

  /// from: the checkpoint that was restored, or null. resume: the files in the folder are cut back to the present
  /// moment and continued; else they begin anew. A second call forgets what the first opened: a run that goes on tries
  /// on a copy first.
  virtual void open_output(const io::RunFolder& folder, const io::CheckpointReader* from, bool resume) = 0;
  /// Prepares what has to watch the coming step.
  virtual void before_step(double dt) = 0;
  /// Writes what is due after a step, or at the start.
  virtual void after_step() = 0;
  /// The next time an output must be hit; infinite where there is none.
  virtual double next_output() const = 0;
  /// The last state, whatever is due.
  virtual void finish() = 0;

  /// What the linear solves took so far, by PETSc prefix without its underscore.
  virtual std::vector<std::pair<std::string, SolveStatistics>> solve_statistics() const = 0;
  /// Adds the kind's own entries to summary.json, and lines to be printed (errors against exact solutions ...).
  virtual void summarise(io::Tree& summary, std::vector<std::string>& lines) = 0;
  /// The end of the last line, such as "max |div u| 1.2e-12". Called after summarise.
  virtual std::string verdict() const = 0;
};

}  // namespace kolmo::drivers
