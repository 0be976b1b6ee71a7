/// Field output: one HDF5 file per output step, and the XML that lets ParaView read them.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kolmo/grid/field.hpp"
#include "kolmo/grid/grid.hpp"
#include "kolmo/io/hdf5.hpp"
#include "kolmo/io/xdmf.hpp"

namespace kolmo::io {

struct SnapshotOptions {
  Precision precision = Precision::float32;
  std::string length_unit = "m", time_unit = "s";
  std::string version = "unknown", git = "unknown";  ///< of the program, kept in every file
  std::string variables;  ///< what the axes are called, with commas between, kept in grid.h5; "": x, y, z
};

/// Writes DIR/fields/grid.h5 once, DIR/fields/000100.h5 per output, DIR/fields.xdmf after each. Values are
/// cell-centred: a component that lives on faces is averaged from the two faces of the cell along its direction (second
/// order: the centre lies midway), so its faces at the high end of this rank, in the ghosts, must be up to date. Arrays
/// are [nz][ny][nx], vectors [nz][ny][nx][3] with w = 0 in 2-D. Dim 1 to 3; a line is written as a strip one cell high,
/// since viewers know no 1-D mesh.
///
///   writer.begin(step, time);
///   writer.add("pressure", "Pa", pressure);
///   writer.add("velocity", "m/s", {&u, &v, &w});
///   writer.commit();
template <int Dim>
class SnapshotWriter {
 public:
  /// Collective. Creates DIR/fields and grid.h5. Outputs found in the folder with a step after `resume_step` are
  /// removed, the others stay listed; without a value all are removed.
  SnapshotWriter(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition,
                 const std::filesystem::path& run_folder, SnapshotOptions options = {},
                 std::optional<std::int64_t> resume_step = {});
  void begin(std::int64_t step, double time);
  /// A scalar.
  void add(const std::string& name, const std::string& unit, const Field<Dim>& field);
  /// A vector of 1 to 3 components; those missing are 0.
  void add(const std::string& name, const std::string& unit, const std::vector<const Field<Dim>*>& components);
  /// The file gets its name, and the XML names it.
  void commit();
  /// Forgets a step that was begun.
  void abandon();
  /// Of the last add: see H5File::last_transfer_collective.
  bool collective() const { return collective_; }

 private:
  void write_grid();
  void gather_component(const Field<Dim>& field, int component, int components);
  Grid<Dim> grid_;
  Decomposition<Dim> decomposition_;
  std::filesystem::path run_folder_;
  SnapshotOptions options_;
  Xdmf xdmf_;
  XdmfStep current_;
  std::unique_ptr<StagedFile> staged_;
  std::optional<H5File> file_;
  std::vector<double> packed_;
  bool collective_ = false;
};

}  // namespace kolmo::io
