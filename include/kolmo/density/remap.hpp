/// Densities carried over to another grid, and read from the files of earlier runs.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "kolmo/density/settings.hpp"
#include "kolmo/grid/decomposition.hpp"
#include "kolmo/grid/field.hpp"

namespace kolmo::density {

/// (D26) Cell averages on one axis from those on another: in each cell of `from` the parabola with the cell's average
/// and, at its nodes, the values of the cubic reconstruction (D20), drawn towards the average until it is nowhere
/// negative (Zhang & Shu 2010), integrated over the cells of `to`. Third order; what lies within `to` is kept to
/// round-off; p >= 0 stays so. Nothing comes from beyond the ends of `from`.
class LineRemap {
 public:
  LineRemap(const Axis& from, const Axis& to);
  /// in: from.cells() averages, out: to.cells().
  void apply(const double* in, double* out) const;
  bool identical() const { return identical_; }

 private:
  struct Piece {
    int source, target;
    double begin, end;  // of the source cell, 0 to 1
    double width;       // of the source cell over that of the target
  };
  struct NodeWeights {
    int first = 0, count = 0;
    std::array<double, 4> weights{};
  };
  int from_cells_ = 0, to_cells_ = 0;
  bool identical_ = false, periodic_ = false;
  std::vector<Piece> pieces_;
  std::vector<NodeWeights> nodes_;
};

/// What a file holds, and what of it came over.
struct DensityFile {
  double time = 0.0;
  bool single = false;       ///< kept in single precision
  double mass = 0.0;         ///< in the file
  double mass_within = 0.0;  ///< on the new grid
  std::string variables;     ///< their names in order, with commas between; "" where the file does not say
};

/// The file of an earlier run's density that a case starts from. settings.initial_file: a file, which is itself, or a
/// run's folder (or its folder `fields` or `checkpoint`): of all steps with a density there the given one, that of the
/// given time (to 1e-9 of the time that they span), or the last; of one step the checkpoint, which is in double
/// precision, before the field file. Throws FileError where there is nothing there, InputError with the place in the
/// case where there is no such step or time. Collective: rank 0 looks.
std::filesystem::path find_density(const CaseFile& file, const Settings& settings, const Communicator& comm);

/// Reads the density in a checkpoint or a field file (fields/000100.h5, with its grid.h5 beside it) of a run in Dim
/// dimensions into the owned cells of p, direction after direction where the grids differ. Throws InputError where the
/// file holds no density of that dimension, FileError where it cannot be read. Collective.
template <int Dim>
DensityFile read_density(const std::filesystem::path& path, const Grid<Dim>& grid,
                         const Decomposition<Dim>& decomposition, Field<Dim>& p);

}  // namespace kolmo::density
