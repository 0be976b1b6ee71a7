/// A run from its checkpoint or its start to its end, whatever is computed.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "attention.hpp"
#include "kolmo/base/error.hpp"
#include "simulation.hpp"

namespace kolmo::drivers {

class RunLoop {
 public:
  /// The simulation is made, and neither initialised nor restored.
  RunLoop(const RunOptions& options, const CaseFile& file, const Communicator& comm, Simulation& simulation);
  /// Returns the exit code of the program (ExitCode::done or ExitCode::stopped). Throws Error. Collective.
  int run();

 private:
  enum class Ending { running, end_time, steps, steady, stopped };
  void open();
  void go_on(const io::CheckpointReader& checkpoint);
  std::optional<io::CheckpointReader> find_checkpoint(const std::filesystem::path& folder) const;
  bool on_root_true(const std::function<bool()>& question) const;
  bool unfinished_run(const std::filesystem::path& folder) const;
  void note_changes(const std::filesystem::path& folder, std::int64_t step);
  void refuse_other_case(const std::filesystem::path& folder) const;
  Facts facts();
  void introduce();
  void take_wall_limit();
  ProgressPlan aims() const;
  Ending advance();
  double next_step() const;
  Ending ended() const;
  void report_progress(const Progress& progress);
  void write_checkpoint();
  void describe_run(io::Tree& summary, const std::string& status, ExitCode code) const;
  void describe_cost(io::Tree& summary) const;
  void summarise(Ending ending);
  void summarise_failure(const Error& error) const noexcept;

  const RunOptions& options_;
  const CaseFile& file_;
  Communicator comm_;
  Simulation& simulation_;
  const RunPlan& plan_;
  Log log_;
  std::string hash_;
  std::optional<io::RunFolder> folder_;
  std::optional<Attention> attention_;
  Due checkpoint_due_;
  std::vector<std::string> changes_;
  std::string restarted_from_;
  std::int64_t first_step_ = 0, checkpoint_step_ = -1;
  double wall_limit_ = 0.0, wall_seconds_ = 0.0, reported_at_ = 0.0;
};

}  // namespace kolmo::drivers
