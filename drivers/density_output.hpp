/// Everything a density run writes while it goes: series, fields, marginals.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "density_fields.hpp"
#include "density_slices.hpp"
#include "kolmo/base/schedule.hpp"
#include "kolmo/diag/recorder.hpp"
#include "kolmo/io/summary.hpp"

namespace kolmo::drivers {

template <int Dim>
class DensityOutput {
 public:
  /// What came before this leg of the run: the mass of the start, and line solves.
  struct Before {
    double initial_mass = 0.0;
    density::LineCounts lines;
  };
  /// resume: goes on with the files of the run, cut back to the step of the engine.
  DensityOutput(density::GridEngine<Dim>& engine, const io::RunFolder& folder, const Before& before, bool resume);

  /// Writes what is due after a step (or at the start).
  void after_step();
  /// The last state, whatever is due.
  void finish();
  double next_time() const {
    return std::min(fields_due_.next_time(engine_.time()), series_due_.next_time(engine_.time()));
  }
  /// Mass, extremes, and distances from the exact density, for summary and screen.
  void summarise(io::Tree& summary, std::vector<std::string>& lines);
  double mass_error() const { return mass_error_; }
  /// Bytes that records and files take besides the engine, at most at once, summed over this number of ranks.
  static double memory_estimate(const density::Settings& settings, int ranks);

 private:
  void add_series();
  void add_integrals();
  void add_fluxes();
  void write_functions(bool last);
  std::optional<std::int64_t> kept(const Due& due, bool resume) const;
  bool due_now(const Due& due) const;
  double escaped() const;

  density::GridEngine<Dim>& engine_;
  const io::RunFolder& folder_;
  const Before before_;
  density::Quantities<Dim> quantities_;
  std::optional<density::Comparison<Dim>> comparison_;
  std::array<Field<Dim>, Dim> flux_;  // at faces, up to 3-D; made by the engine
  Due fields_due_, series_due_;
  std::optional<DensityFields<Dim>> fields_;
  std::optional<DensityMarginals<Dim>> marginals_;
  std::optional<DensitySlices<Dim>> slices_;
  diag::Recorder recorder_;
  std::int64_t written_step_ = -1;
  double mass_error_ = 0.0;
};

}  // namespace kolmo::drivers
