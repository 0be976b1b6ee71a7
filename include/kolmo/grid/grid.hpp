/// A tensor-product grid and the index types of everything that lives on it.
#pragma once

#include <array>
#include <cstdint>

#include "kolmo/grid/axis.hpp"

namespace kolmo {

/// A multi-index; entry 0 is x, which runs fastest in memory, in files and in rank numbers.
template <int Dim>
using Index = std::array<int, Dim>;

template <int Dim>
using Point = std::array<double, Dim>;

enum class Side : int { low = 0, high = 1 };
inline constexpr std::array<Side, 2> both_sides{Side::low, Side::high};
constexpr Side opposite(Side side) { return side == Side::low ? Side::high : Side::low; }

/// Where the values of a field sit: at cell centres, or at the centres of the faces normal to a direction.
struct Location {
  int direction = -1;  ///< -1: cells
  static constexpr Location cells() { return {-1}; }
  static constexpr Location faces(int direction) { return {direction}; }
  constexpr bool at_cells() const { return direction < 0; }
  friend constexpr bool operator==(Location, Location) = default;
};

/// A half-open box of indices: begin[d] <= i[d] < end[d].
template <int Dim>
struct Box {
  Index<Dim> begin{}, end{};
  int extent(int d) const { return end[d] - begin[d]; }
  std::int64_t size() const {
    std::int64_t n = 1;
    for (int d = 0; d < Dim; ++d) n *= end[d] > begin[d] ? end[d] - begin[d] : 0;
    return n;
  }
  bool empty() const { return size() == 0; }
  friend bool operator==(const Box&, const Box&) = default;
};

/// Calls body(index) for every index of the box, x fastest. For set-up and boundary work; hot loops run over rows.
template <int Dim, class Body>
void for_each(const Box<Dim>& box, Body&& body) {
  if (box.empty()) return;
  Index<Dim> i = box.begin;
  for (;;) {
    body(static_cast<const Index<Dim>&>(i));
    int d = 0;
    for (; d < Dim; ++d) {
      if (++i[d] < box.end[d]) break;
      i[d] = box.begin[d];
    }
    if (d == Dim) return;
  }
}

/// Calls body(index of the row's first cell) for every x row of the box.
template <int Dim, class Body>
void for_each_row(Box<Dim> box, Body&& body) {
  if (box.empty()) return;
  box.end[0] = box.begin[0] + 1;
  for_each<Dim>(box, body);
}

template <int Dim>
class Grid {
 public:
  Grid() = default;
  explicit Grid(std::array<Axis, Dim> axes) : axes_(std::move(axes)) {}

  const Axis& axis(int d) const { return axes_[d]; }
  const std::array<Axis, Dim>& axes() const { return axes_; }
  Index<Dim> cells() const {
    Index<Dim> n;
    for (int d = 0; d < Dim; ++d) n[d] = axes_[d].cells();
    return n;
  }
  std::array<bool, Dim> periodic() const {
    std::array<bool, Dim> p;
    for (int d = 0; d < Dim; ++d) p[d] = axes_[d].periodic();
    return p;
  }
  std::int64_t cell_count() const {
    std::int64_t n = 1;
    for (const Axis& a : axes_) n *= a.cells();
    return n;
  }
  double volume() const {
    double v = 1;
    for (const Axis& a : axes_) v *= a.length();
    return v;
  }
  double min_width() const {
    double h = axes_[0].min_width();
    for (const Axis& a : axes_) h = h < a.min_width() ? h : a.min_width();
    return h;
  }
  /// Coordinates of a location: cell centres, or face centres (face i of direction d lies on node i, the low side of
  /// cell i).
  Point<Dim> point(const Index<Dim>& i, Location location) const {
    Point<Dim> x;
    for (int d = 0; d < Dim; ++d) x[d] = d == location.direction ? axes_[d].node(i[d]) : axes_[d].centre(i[d]);
    return x;
  }

 private:
  std::array<Axis, Dim> axes_;
};

}  // namespace kolmo
