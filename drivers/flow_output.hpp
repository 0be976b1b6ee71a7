/// Everything a flow run writes while it goes: fields, series, probes, averages.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kolmo/diag/probes.hpp"
#include "kolmo/diag/recorder.hpp"
#include "kolmo/diag/statistics.hpp"
#include "kolmo/flow/budget.hpp"
#include "kolmo/flow/model.hpp"
#include "kolmo/flow/quantities.hpp"
#include "kolmo/io/run_folder.hpp"
#include "kolmo/io/snapshot.hpp"
#include "kolmo/io/summary.hpp"

namespace kolmo::drivers {

template <int Dim>
class FlowOutput {
 public:
  /// resume: goes on with the files of the run, cut back to the step of the model.
  FlowOutput(flow::Model<Dim>& model, const io::RunFolder& folder, bool resume);

  /// Prepares what has to watch the coming step of length dt.
  void before_step(double dt);
  /// Writes what is due after a step (or at the start).
  void after_step();
  /// The last state, whatever is due, and the line probes.
  void finish();
  /// The next time at which fields are due.
  double next_time() const { return fields_due_.next_time(model_.time()); }
  /// Distances from the exact solution and the references, for summary and screen.
  void errors(io::Tree& summary, std::vector<std::string>& lines);

  void store(io::CheckpointWriter& checkpoint) const;
  void restore(const io::CheckpointReader& checkpoint);

 private:
  void open_probes(bool resume);
  void add_series();
  void record_series();
  std::optional<std::int64_t> kept(const Due& due, bool resume) const;
  void update_derived();
  void write_fields();
  void write_field(const std::string& name);
  void write_vorticity();
  void sample_averages(double until);
  void exact_errors(io::Tree& errors, std::vector<std::string>& lines);
  void scalar_errors(io::Tree& summary, std::vector<std::string>& lines);
  std::vector<diag::Quantity<Dim>> probe_quantities() const;

  flow::Model<Dim>& model_;
  const io::RunFolder& folder_;
  flow::Quantities<Dim> quantities_;
  std::optional<flow::BudgetRecorder<Dim>> budget_;
  std::vector<Field<Dim>> vorticity_;  // only where it is written
  Field<Dim> pressure_;                // physical, at the present time
  double averaged_until_ = 0.0;        // what the samples of the averages stand for: half a spacing after the last
  std::int64_t derived_step_ = -1, written_step_ = -1;
  Due fields_due_, series_due_;
  std::optional<io::SnapshotWriter<Dim>> snapshots_;
  diag::Recorder recorder_;
  std::vector<diag::LineProbe<Dim>> lines_;
  std::vector<diag::PointProbe<Dim>> points_;
  std::optional<diag::Statistics<Dim>> averages_;
};

}  // namespace kolmo::drivers
