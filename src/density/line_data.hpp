// The weights of one direction, ready to be read line by line.
#pragma once

#include <memory>
#include <vector>

#include "kolmo/density/face_weights.hpp"
#include "line_exchange.hpp"

namespace kolmo::density {

/// The lines of one direction that this rank advances: its own where the direction is not cut, else those of its
/// pencil, or, `halved`, its own parts of lines.
template <int Dim>
class LineData {
 public:
  LineData(const Grid<Dim>& grid, const Decomposition<Dim>& cells, int direction, bool halved = false);

  /// Takes weights; fields are read in place where the direction is not cut. Collective.
  void set(const DirectionWeights<Dim>& given);

  int n = 0;  ///< cells of a line that are held, of `axis_cells`, from `begin`
  int axis_cells = 0, begin = 0;
  int direction = 0;
  int along = 0;  ///< direction in which neighbouring lines are taken together
  bool periodic = false, uniform = false;
  bool linear = false;   ///< set before weights are taken: fluxes given at ends are left out
  bool sources = false;  ///< fluxes are given at an end of some line
  Index<Dim> extent{};   ///< of the lines held
  std::array<std::vector<double>, Dim> width;
  std::vector<double> inverse_width;  ///< along the line

  std::vector<double> line_low, line_high;           ///< axis_cells + 1, where uniform
  const DirectionWeights<Dim>* evaluated = nullptr;  ///< else, where nothing is kept: `weights_of_lines`
  LineArray<Dim, const double> low, high;            ///< else
  std::unique_ptr<LineExchange<Dim>> exchange;       ///< where cut

  std::ptrdiff_t lines() const;
  /// Area of the cross-section of a line of a block.
  double area(const LineBlock<Dim>& block, int lane) const;
  /// The numbers of n + 1 faces of a block, where they are evaluated: low[f * lanes + k].
  void weights_of_lines(const LineBlock<Dim>& block, int lanes, double* low, double* high) const;
  /// Fluxes given at an end of the lines of a block; false: there are none.
  bool constants(const LineBlock<Dim>& block, int side, double* to) const;
  /// Velocities at the n + 1 faces of a line: those given, or from upwind weights. No motion where nothing may pass an
  /// end.
  void velocities(const LineBlock<Dim>& block, int lane, double* to) const;

 private:
  void check(const DirectionWeights<Dim>& given) const;
  void set_faces(const FaceTable<Dim>& table, typename LineExchange<Dim>::Parts& parts,
                 LineArray<Dim, const double>& lines);
  void set_ends(const DirectionWeights<Dim>& given);
  void to_lines(const std::vector<double>& by_face, int side, std::vector<double>& by_line);
  const std::vector<double>& boundary_velocity(const DirectionWeights<Dim>& given, int side);

  Decomposition<Dim> cells_;
  Index<Dim> first_{};                                        // global index of the first line held
  typename LineExchange<Dim>::Parts low_parts_, high_parts_;  // of other ranks
  std::array<double, 2> line_constant_{};
  std::vector<double> at_end_;                                  // of this rank's boundary faces
  std::array<std::vector<double>, 2> constant_, end_velocity_;  // by line, empty where nothing is given
};

}  // namespace kolmo::density
