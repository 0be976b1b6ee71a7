// The weights of one direction, ready to be read line by line.
#pragma once

#include <memory>
#include <vector>

#include "kolmo/density/face_weights.hpp"
#include "kolmo/grid/redistribution.hpp"
#include "line_blocks.hpp"

namespace kolmo::density {

/// Moves cells and faces of a direction that is cut to whole lines and back.
template <int Dim>
struct Pencils {
  Pencils(const Decomposition<Dim>& cells, int direction);
  Decomposition<Dim> lines, faces, face_lines;
  Redistribution<Dim> cell_moves, face_moves;
  std::vector<double> packed, cell_values;
};

/// The lines of one direction that this rank advances: its own where the direction is not cut, else those of its
/// pencil.
template <int Dim>
class LineData {
 public:
  LineData(const Grid<Dim>& grid, const Decomposition<Dim>& cells, int direction);

  /// Takes weights; fields are read in place where the direction is not cut. Collective.
  void set(const DirectionWeights<Dim>& given);

  int n = 0;  ///< cells of a line
  int direction = 0;
  int along = 0;  ///< direction in which neighbouring lines are taken together
  bool periodic = false, uniform = false;
  bool sources = false;  ///< fluxes are given at an end of some line
  Index<Dim> extent{};   ///< of the lines held
  std::array<std::vector<double>, Dim> width;
  std::vector<double> inverse_width;  ///< along the line

  std::vector<double> line_low, line_high;  ///< n + 1, where uniform
  ArrayView<Dim, const double> low, high;   ///< else
  std::unique_ptr<Pencils<Dim>> pencils;    ///< where cut

  std::ptrdiff_t lines() const;
  /// Area of the cross-section of a line of a block.
  double area(const LineBlock<Dim>& block, int lane) const;
  /// Fluxes given at an end of the lines of a block; false: there are none.
  bool constants(const LineBlock<Dim>& block, int side, double* to) const;
  /// Velocities at the n + 1 faces of a line, from upwind weights. No motion where nothing may pass an end.
  void velocities(const LineBlock<Dim>& block, int lane, double* to) const;

 private:
  void check(const DirectionWeights<Dim>& given) const;
  void move_weights(const DirectionWeights<Dim>& given);
  void set_ends(const DirectionWeights<Dim>& given);
  void to_lines(const std::vector<double>& by_face, int side, std::vector<double>& by_line);
  std::vector<double> boundary_velocity(const DirectionWeights<Dim>& given, int side) const;

  Decomposition<Dim> cells_;
  std::vector<double> moved_low_, moved_high_;
  std::array<double, 2> line_constant_{};
  std::array<std::vector<double>, 2> constant_, end_velocity_;  // by line, empty where nothing is given
};

}  // namespace kolmo::density
