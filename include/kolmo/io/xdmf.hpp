/// DIR/fields.xdmf: XDMF 3 over the HDF5 files, in the one form that both XDMF readers of every ParaView since 5.x
/// open: RectMesh, interleaved 3-vectors, plain DataItems, relative names.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "kolmo/io/hdf5.hpp"

namespace kolmo::io {

struct XdmfArray {
  std::string name;
  bool vector = false;
  Precision precision = Precision::float32;
};

struct XdmfStep {
  std::int64_t step = 0;
  double time = 0.0;
  std::vector<XdmfArray> arrays;
};

/// The list of published steps and its XML. For one rank; the others do not call it.
class Xdmf {
 public:
  Xdmf() = default;
  /// cells: of the arrays in the files, slowest direction first, 2 or 3 entries.
  Xdmf(std::filesystem::path run_folder, std::vector<std::uint64_t> cells);
  /// A step that is already complete on disk. Keeps the list ordered by step; the same step replaces.
  void add(XdmfStep step);
  /// Forgets the steps after the given one.
  void cut_back(std::int64_t last_step);
  const std::vector<XdmfStep>& steps() const { return steps_; }
  std::string text() const;
  /// Rewrites DIR/fields.xdmf: whole, by a temporary name and a rename.
  void write() const;

 private:
  std::filesystem::path run_folder_;
  std::vector<std::uint64_t> cells_;
  std::vector<XdmfStep> steps_;
};

/// What `rebuild` found.
struct XdmfRebuild {
  std::size_t steps = 0;
  std::vector<std::string> skipped;  ///< files that could not be read, with the reason
};

/// The list as the HDF5 files of DIR/fields up to a step tell it; what cannot be read is left out and named in
/// `skipped`. Reading only. One rank. Throws FileError where DIR/fields/grid.h5 is missing or broken.
Xdmf scan_fields(const std::filesystem::path& run_folder, std::vector<std::string>* skipped = nullptr,
                 std::int64_t last_step = std::numeric_limits<std::int64_t>::max());

/// Writes DIR/fields.xdmf anew from the HDF5 files (`kolmo xdmf DIR`). One rank. Throws FileError also while a run is
/// at work in DIR, without taking its lock.
XdmfRebuild rebuild_xdmf(const std::filesystem::path& run_folder);

}  // namespace kolmo::io
