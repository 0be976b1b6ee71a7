/// What a face law sees and what it returns.
#pragma once

#include "kolmo/transport/control_volumes.hpp"

namespace kolmo::transport {

/// (T2) The linear part of a flux through a face, per unit area, counted positive along the direction of the face's
/// normal axis:
///     F = low * q_low + high * q_high,    q_low and q_high on the two sides.
struct FaceWeights {
  double low = 0.0, high = 0.0;
  friend FaceWeights operator+(FaceWeights a, FaceWeights b) { return {a.low + b.low, a.high + b.high}; }
};

/// A metric of a row of faces: one number per face where the row runs along the faces' normal (direction x), else the
/// same for all.
template <bool Along>
class Metric {
 public:
  Metric() = default;
  explicit Metric(const double* values) : values_(values), value_(*values) {}
  explicit Metric(double value) requires(!Along) : value_(value) {}
  double operator()(int k) const {
    if constexpr (Along)
      return values_[k];
    else
      return value_;
  }

 private:
  const double* values_ = nullptr;
  double value_ = 0.0;
};

/// One face, for coefficients given as functions of place.
template <int Dim>
struct FacePoint {
  Point<Dim> centre;
  int direction;
  double low, high;  ///< coordinates along `direction` of the two points whose values the flux joins
};

/// A row of faces k = 0, 1, ... normal to `direction`, one x apart: face k is the low face of the unknown index + (k,
/// 0, ..). Laws turn it into a functor of k, so that the loop over a row holds plain arithmetic and vectorises.
template <int Dim, bool Along>
struct FaceRow {
  int direction;
  Index<Dim> index;  ///< local index of the unknown (or ghost) above face 0
  const ControlVolumes<Dim>* volumes = nullptr;
  Metric<Along> inverse_distance{};     ///< between the two points joined
  Metric<Along> face{}, low{}, high{};  ///< coordinates along `direction`: of the faces, of the points below and above
  Metric<Along> width_low{}, width_high{};          ///< widths along `direction` of the control volumes below and above
  Metric<Along> inverse_before{}, inverse_after{};  ///< inverse distances across the faces one before and one after
  /// At a boundary whose value lies on the face: which of the two points is on the face (-1 low, 1 high; 0 elsewhere).
  int on_face = 0;

  FacePoint<Dim> point(int k) const {
    FacePoint<Dim> p{.centre = {}, .direction = direction, .low = low(k), .high = high(k)};
    for (int d = 0; d < Dim; ++d)
      p.centre[d] = d == direction ? face(k) : volumes->line(d).position()[index[d] + (d == 0 ? k : 0)];
    return p;
  }
};

/// The row whose first face is the low face of the unknown `index` (local), inside the domain. Along: direction is x.
template <int Dim, bool Along>
FaceRow<Dim, Along> inner_row(const ControlVolumes<Dim>& volumes, int direction, const Index<Dim>& index) {
  const ControlLine& line = volumes.line(direction);
  const int f = index[direction];
  FaceRow<Dim, Along> row{.direction = direction, .index = index, .volumes = &volumes};
  row.inverse_distance = Metric<Along>(line.inverse_distance() + f);
  row.face = Metric<Along>(line.face() + f);
  row.low = Metric<Along>(line.below() + f);
  row.high = Metric<Along>(line.above() + f);
  row.width_low = Metric<Along>(line.width() + f - 1);
  row.width_high = Metric<Along>(line.width() + f);
  row.inverse_before = Metric<Along>(line.inverse_distance() + f - 1);
  row.inverse_after = Metric<Along>(line.inverse_distance() + f + 1);
  return row;
}

/// The same for faces on the boundary `side`: the point outside is where the boundary value lies.
template <int Dim>
FaceRow<Dim, false> boundary_row(const ControlVolumes<Dim>& volumes, int direction, Side side,
                                 const Index<Dim>& index) {
  const ControlLine& line = volumes.line(direction);
  const bool low = side == Side::low;
  const int f = index[direction];
  const double inside = line.position()[low ? f : f - 1];
  const double distance = line.outside_distance(side);
  FaceRow<Dim, false> row{.direction = direction, .index = index, .volumes = &volumes};
  row.inverse_distance = Metric<false>(1.0 / distance);
  row.face = Metric<false>(line.face()[f]);
  row.low = Metric<false>(low ? inside - distance : inside);
  row.high = Metric<false>(low ? inside : inside + distance);
  row.width_low = row.width_high = Metric<false>(line.width()[low ? f : f - 1]);
  row.inverse_before = row.inverse_after = row.inverse_distance;
  if (line.outside(side) != Outside::at_node) row.on_face = low ? -1 : 1;
  return row;
}

}  // namespace kolmo::transport
