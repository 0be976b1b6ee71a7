/// Files of a density run that hold functions: the whole density, and its marginals.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kolmo/density/comparison.hpp"
#include "kolmo/density/grid_engine.hpp"
#include "kolmo/io/run_folder.hpp"
#include "kolmo/io/snapshot.hpp"

namespace kolmo::drivers {

/// DIR/fields: for viewers up to 3-D (XDMF), above that the density alone, as an array [..][y][x].
template <int Dim>
class DensityFields {
 public:
  /// kept: see SnapshotWriter's resume_step.
  DensityFields(density::GridEngine<Dim>& engine, const density::Quantities<Dim>& quantities,
                const io::RunFolder& folder, std::optional<std::int64_t> kept);
  /// Collective.
  void write();

 private:
  void write_plain();
  void write_grid();
  void add(const std::string& name);
  density::GridEngine<Dim>& engine_;
  const density::Quantities<Dim>& quantities_;
  const io::RunFolder& folder_;
  io::SnapshotOptions options_;
  static constexpr bool for_viewers = Dim <= 3;
  std::unique_ptr<io::SnapshotWriter<for_viewers ? Dim : 1>> snapshots_;
};

/// DIR/marginals: of one variable x_000100.csv at every output and x.csv at the end (coordinate, density, exact density
/// if one is known); of two variables a folder x_y with fields.xdmf for viewers.
template <int Dim>
class DensityMarginals {
 public:
  DensityMarginals(density::GridEngine<Dim>& engine, const density::Quantities<Dim>& quantities,
                   const density::Comparison<Dim>* comparison, const io::RunFolder& folder,
                   std::optional<std::int64_t> kept);
  bool any() const { return !marginals_.empty(); }
  /// last: also the files without a number. Collective.
  void write(bool last);

 private:
  struct Marginal {
    std::vector<int> variables;
    std::string name;
    std::unique_ptr<io::SnapshotWriter<2>> snapshots;  // of two variables, on the first rank
  };
  void write_line(const Marginal& marginal, bool last);
  void write_plane(const Marginal& marginal);
  void open_plane(Marginal& marginal, std::optional<std::int64_t> kept);
  density::GridEngine<Dim>& engine_;
  const density::Quantities<Dim>& quantities_;
  const density::Comparison<Dim>* comparison_;
  std::filesystem::path folder_;
  std::vector<Marginal> marginals_;
};

/// Version and precision for the files of a run.
io::SnapshotOptions snapshot_options(const density::Settings& settings);

}  // namespace kolmo::drivers
