/// What is asked of a run while it goes: by signals, by files in its folder, by the clock.
#pragma once

#include <string>

#include "kolmo/base/parallel.hpp"
#include "kolmo/io/run_folder.hpp"

namespace kolmo::drivers {

/// Wall seconds since the program was started.
double seconds_since_start();

/// Looks, once per step, at the signals of every rank, at DIR/STOP and DIR/CHECKPOINT, and at rank 0's clock.
class Attention {
 public:
  struct Limits {
    double wall = 0.0;              ///< seconds since the program was started at which it must be gone; 0: none
    double checkpoint_every = 0.0;  ///< wall seconds between checkpoints; 0: none
    double checkpoint_bytes = 0.0;  ///< of one, estimated
  };
  struct Asked {
    bool checkpoint = false;
    std::string stop;  ///< why; empty: go on
  };

  /// Removes a DIR/STOP or DIR/CHECKPOINT that was meant for an earlier leg. Collective.
  Attention(const Communicator& comm, const io::RunFolder& folder, const Limits& limits);
  /// The same answer on every rank, from one reduction. The files are removed when heeded. FileError where the folder
  /// was removed or replaced under the run: called before anything of a step is written. Collective.
  Asked look(double seconds_per_step);
  /// A checkpoint was written and took so long.
  void checkpoint_written(double seconds);

 private:
  void look_at_files(double& stop, double& checkpoint);
  bool time_is_up(double seconds_per_step) const;
  Communicator comm_;
  const io::RunFolder& folder_;
  Limits limits_;
  double checkpoint_seconds_;  // of the longest so far; an estimate until one is timed
  bool timed_ = false;
  double checkpointed_at_, looked_at_ = -1.0;
};

}  // namespace kolmo::drivers
