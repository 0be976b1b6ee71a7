// Where a face of the grid lies, for coefficients.
#pragma once

#include "kolmo/grid/grid.hpp"

namespace kolmo::density {

/// One face normal to `direction` and the two points its flux joins: cell centres, or a centre and the face itself on
/// the boundary of the domain.
template <int Dim>
struct FaceSite {
  int direction = 0;
  Index<Dim> cell{};  ///< global index of the cell above the face
  Point<Dim> centre{};
  double low = 0.0, high = 0.0;  ///< coordinates of the two points along `direction`
  double inverse_distance = 1.0;
  int boundary = -1;                 ///< 0 low, 1 high side of the domain, -1 inside
  double first = 0.0, period = 0.0;  ///< of a periodic direction: where the box begins, its length

  Point<Dim> point(double along) const {
    Point<Dim> x = centre;
    x[direction] = along;
    return x;
  }
  /// The same place inside the box: what is given as an expression need not repeat itself beyond.
  Point<Dim> inside(double along) const { return point(period > 0.0 && along < first ? along + period : along); }
};

/// `cell` counts from 0; cell[d] = cells is the face at the high end, which in a periodic direction is face 0.
template <int Dim>
FaceSite<Dim> face_site(const Grid<Dim>& grid, int d, Index<Dim> cell) {
  const Axis& axis = grid.axis(d);
  const int n = axis.cells();
  if (axis.periodic()) cell[d] = (cell[d] % n + n) % n;
  const int f = cell[d];
  FaceSite<Dim> s{.direction = d, .cell = cell};
  s.centre = grid.point(cell, Location::faces(d));
  s.low = axis.centre(f - 1);
  s.high = axis.centre(f);
  s.inverse_distance = 1.0 / axis.distance(f);
  if (axis.periodic()) s.first = axis.from(), s.period = axis.to() - axis.from();
  if (axis.periodic() || (f > 0 && f < n)) return s;
  s.boundary = f == 0 ? 0 : 1;
  (s.boundary == 0 ? s.low : s.high) = axis.node(f);
  s.inverse_distance = 2.0 / axis.width(f == 0 ? 0 : n - 1);
  return s;
}

}  // namespace kolmo::density
