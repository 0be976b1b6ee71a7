/// Slices of a density through its domain, for viewers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kolmo/density/grid_engine.hpp"
#include "kolmo/density/slice.hpp"
#include "kolmo/io/run_folder.hpp"
#include "kolmo/io/snapshot.hpp"

namespace kolmo::drivers {

/// DIR/slices/NAME: fields.xdmf and fields/*.h5 with density, and exact where an exact density is known.
template <int Dim>
class DensitySlices {
 public:
  /// kept: see SnapshotWriter's resume_step. comparison may be null.
  DensitySlices(density::GridEngine<Dim>& engine, const density::Comparison<Dim>* comparison,
                const io::RunFolder& folder, std::optional<std::int64_t> kept);
  /// Collective.
  void write();

 private:
  struct One {
    density::Slice<Dim> slice;
    std::unique_ptr<io::SnapshotWriter<2>> plane;  // one of them, on the first rank
    std::unique_ptr<io::SnapshotWriter<3>> space;
  };
  density::GridEngine<Dim>& engine_;
  const density::Comparison<Dim>* comparison_;
  std::vector<One> slices_;
};

}  // namespace kolmo::drivers
