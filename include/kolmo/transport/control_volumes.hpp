/// The boxes over which a quantity is conserved: cells, or the staggered volumes around the faces of one direction.
#pragma once

#include <vector>

#include "kolmo/grid/decomposition.hpp"
#include "kolmo/grid/field.hpp"
#include "kolmo/grid/grid.hpp"

namespace kolmo::transport {

/// Where the value that a boundary rule speaks of lies, seen from the first unknown inside.
enum class Outside {
  none,       ///< there is no boundary: the direction is periodic
  on_face,    ///< on the outer face of the control volume (cells), half a width away
  at_node,    ///< at the next node, a full distance away (staggered volumes between walls)
  on_unknown  ///< at the unknown itself: a face of the boundary is unknown and has half a control volume
};

/// Along the location's own direction, whether the faces on the two ends of the domain are unknowns (velocity at an
/// outflow or a pressure boundary) or known (walls, inlets). Means nothing for cells and in periodic directions.
struct EndUnknowns {
  bool low = false, high = false;
};

/// One direction of the control volumes held by a rank. Indices are local field indices i (local 0 = first owned cell
/// or face); unknown i has width w_i and lies between the faces f = i and f = i + 1 of its control volume; face f
/// separates unknowns f - 1 and f. Cells: faces are the nodes of the axis. Staggered volumes: unknown i lies at node i,
/// face f at the centre of cell f - 1.
class ControlLine {
 public:
  ControlLine() = default;
  /// begin, end: global cells held by the rank; [0, axis.cells()) for the line of the whole grid.
  ControlLine(const Axis& axis, bool staggered, EndUnknowns ends, int begin, int end);

  int origin() const { return origin_; }  ///< global index of local index 0
  int first() const { return first_; }    ///< global range of the unknowns: first() <= i < last()
  int last() const { return last_; }
  int begin() const { return begin_; }  ///< local range of those on this rank: begin() <= i < end(), may be empty
  int end() const { return end_; }
  bool periodic() const { return periodic_; }
  /// Is face begin() (low) or face end() (high) part of the boundary of the domain?
  bool at_boundary(Side side) const { return at_boundary_[static_cast<int>(side)]; }
  Outside outside(Side side) const { return outside_[static_cast<int>(side)]; }
  /// Distance from the unknown inside to where the boundary value lies (half a width for on_unknown, where it is
  /// fictitious).
  double outside_distance(Side side) const { return outside_distance_[static_cast<int>(side)]; }

  /// Arrays to be read at local indices; i = -2 .. owned + 1 for unknowns, f = -1 .. owned + 1 for faces.
  const double* position() const { return position_.data() + ghosts; }
  const double* width() const { return width_.data() + ghosts; }
  const double* inverse_width() const { return inverse_width_.data() + ghosts; }
  const double* face() const { return face_.data() + ghosts; }
  const double* inverse_distance() const { return inverse_distance_.data() + ghosts; }  ///< 1 / (above - below)
  /// Coordinates of the points joined across face f, unknowns f - 1 and f. The last face of a periodic direction is the
  /// first one, and has its coordinates, so that a coefficient sampled there is one number.
  const double* below() const { return below_.data() + ghosts; }
  const double* above() const { return above_.data() + ghosts; }

 private:
  static constexpr int ghosts = 2;
  void place_boundary(const Axis& axis, bool staggered, EndUnknowns ends, int cells_end);
  int origin_ = 0, first_ = 0, last_ = 0, begin_ = 0, end_ = 0;
  bool periodic_ = false;
  std::array<bool, 2> at_boundary_{};
  std::array<Outside, 2> outside_{};
  std::array<double, 2> outside_distance_{};
  std::vector<double> position_, width_, inverse_width_, face_, inverse_distance_, below_, above_;
};

/// The control volumes of a location of a grid, and which of them this rank holds.
template <int Dim>
class ControlVolumes {
 public:
  /// Cells, or faces of direction d: faces 1..n-1 between two walls, 0..n-1 where periodic, plus the end faces that are
  /// unknowns. The unknown face n lies in the ghost slab of fields on the last rank.
  ControlVolumes(const Grid<Dim>& grid, const Decomposition<Dim>& cells, Location location = Location::cells(),
                 EndUnknowns ends = {});

  Location location() const { return location_; }
  const ControlLine& line(int d) const { return lines_[d]; }
  /// The line of the whole grid (origin 0), the same on every rank.
  const ControlLine& global_line(int d) const { return global_lines_[d]; }
  const Communicator& comm() const { return unknowns_.comm(); }
  /// The unknowns of this rank, as local field indices (for pack and unpack).
  const Box<Dim>& box() const { return box_; }
  /// Who holds which unknown, numbered from 0: what Solver wants. Unknown i there is global index first() + i.
  const Decomposition<Dim>& unknowns() const { return unknowns_; }
  Index<Dim> global(Index<Dim> local) const {
    for (int d = 0; d < Dim; ++d) local[d] += lines_[d].origin();
    return local;
  }
  double volume(const Index<Dim>& local) const {
    double v = 1;
    for (int d = 0; d < Dim; ++d) v *= lines_[d].width()[local[d]];
    return v;
  }
  /// Area of a face normal to d: product of the other widths.
  double area(int d, const Index<Dim>& local) const {
    double a = 1;
    for (int e = 0; e < Dim; ++e)
      if (e != d) a *= lines_[e].width()[local[e]];
    return a;
  }
  Point<Dim> position(const Index<Dim>& local) const {
    Point<Dim> x;
    for (int d = 0; d < Dim; ++d) x[d] = lines_[d].position()[local[d]];
    return x;
  }
  /// Sum of volume * q over all unknowns of all ranks: the mass. Collective.
  double integral(const Field<Dim>& q) const;
  /// Throws InternalError unless the layout has `reach` ghosts on the sides where neighbours or periodic images are
  /// read.
  void require_ghosts(const Layout<Dim>& layout, int reach) const;

 private:
  Location location_;
  std::array<ControlLine, Dim> lines_, global_lines_;
  Box<Dim> box_;
  Decomposition<Dim> unknowns_;
};

}  // namespace kolmo::transport
