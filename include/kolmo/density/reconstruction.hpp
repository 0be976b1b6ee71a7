/// Cell averages made into a function again, one direction at a time.
#pragma once

#include <array>
#include <vector>

#include "kolmo/grid/axis.hpp"

namespace kolmo::density {

/// (D20) In either half of a cell the cubic that has the averages of the four cells around the nearer node, two on each
/// side; where the axis ends, of the cells that are there (a quadratic in the outermost cell). Fourth order on every
/// axis. Linear in the averages, which it keeps nearly and not exactly: the two halves have different cubics.
class CubicLine {
 public:
  CubicLine() = default;
  explicit CubicLine(const Axis& axis);

  /// R p(x) = sum_k weights[k] p_{first + k}, k < count; cells beyond the ends of a periodic axis are its images.
  struct Stencil {
    int first = 0, count = 0;
    std::array<double, 4> weights{};
  };
  /// At a point x of cell i (the same i that lies within the axis).
  Stencil at(int i, double x) const;

  /// Integral of (x - middle)^k R p dx over the axis = sum_i moment(k)[i] p_i for k = 0, 1, 2. moment(0) are the
  /// widths. With the images of a periodic axis moved back into it.
  const std::vector<double>& moment(int k) const { return moments_[k]; }
  /// The middle of the axis: about x = 0 the variance of a density far away would be the difference of large numbers.
  double middle() const { return middle_; }

 private:
  void add_moments();
  Axis axis_;
  double middle_ = 0.0;
  std::array<std::vector<double>, 3> moments_;
};

/// (D21) d log p / dx at the centres of cells from the logarithms u of cell averages: differences over five points,
/// less what averaging over a cell of width h does to the logarithm,
///     s = u' - [L(a) a' + h^2 u''' / 24 + (h^2)' u'' / 24],  a = h u' / 2,  L(a) = coth a - 1/a,
/// exact for p that is exponential across the cell, of fourth order on smooth axes, second in the two outermost cells.
class LogSlope {
 public:
  LogSlope() = default;
  explicit LogSlope(const Axis& axis);
  /// p: averages, p[k * stride] belongs to cell i + k; read from k = -2 to 2 where the axis has such cells (images
  /// where it is periodic). Where one of them is not positive fewer cells are used; 0 where no neighbour is positive.
  double at(int i, const double* p, std::ptrdiff_t stride) const;
  /// The same from their logarithms; NaN where there is none.
  double at_logarithms(int i, const double* u, std::ptrdiff_t stride) const;

 private:
  struct Row {
    int low = 0, count = 0;  // cells i + low .. i + low + count - 1
    std::array<double, 5> first{}, second{}, third{};
    double width = 0.0, width_slope = 0.0;
    double below = 0.0, above = 0.0;  // distances of the two nearest centres; 0: none
  };
  std::vector<Row> rows_;
};

}  // namespace kolmo::density
