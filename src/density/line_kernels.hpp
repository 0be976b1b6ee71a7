// Implicit steps of many lines side by side.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "kolmo/linear/line_product.hpp"

namespace kolmo::density {

/// Lines of n cells side by side, `lanes` of them (1, 8, 16 or 32): entry i of lane s at [i * step + s]. Weights as in
/// LineWeights.
struct LinePanel {
  int n = 0;
  bool periodic = false;
  bool open = false;                                           ///< account for what leaves through the ends
  const double* width = nullptr;                               ///< n, the same on all lanes
  const double* inverse_width = nullptr;                       ///< n
  const double *p = nullptr, *low = nullptr, *high = nullptr;  ///< n, n + 1, n + 1 rows; row n unread where periodic
  std::ptrdiff_t step_p = 0, step_low = 0, step_high = 0;      ///< between their rows
  std::array<const double*, 2> constant{};  ///< fluxes given at the low and high end, by lane; null: none
};

/// p := R(dt L) p by the L-stable method of second order whose stability function has one double pole,
///     R(z) = (1 + (1 - 2 g) z) / (1 - g z)^2,  g = 1 - 1 / sqrt 2     (SDIRK2 of Alexander, 1977; TR-BDF2 has it too)
/// written with the resolvent J = (1 - g dt L)^-1 alone: u = J p, v = J u, p := (1 + sqrt 2) v - sqrt 2 u.
///
/// A line on which that is negative somewhere is repaired: where the negative mass is below 1e-3 of the positive (far
/// tails) the values are dropped and the others scaled to the same mass, an error below that of the step itself; else
/// the line takes backward Euler, which is positive.
///
/// J is applied by the elimination of Grassmann, Taksar & Heyman (Oper. Res. 33, 1985): in masses m = w p the matrix
/// 1 - tau L has column sums 1 (a cell keeps at rate 1 and passes on to its neighbours), and what is kept is carried
/// along instead of being found as a difference. Without a subtraction every number is right to about n round-offs:
/// mass is kept and equilibria stay, whatever dt.
class LineSolver {
 public:
  /// Makes room for lines of n cells, `lanes` at a time; with `euler` for backward Euler alone.
  LineSolver(int n, int lanes, bool periodic, bool euler);
  /// Numbers per cell and lane that this keeps.
  static int numbers(bool periodic, bool euler) { return (euler ? 4 : 6) + (periodic ? 2 : 0); }

  /// Lanes (1, 8, 16 or 32) for `lines` lines of n cells: what is kept while a panel is solved should stay in the
  /// cache.
  static int lanes_for(int n, std::ptrdiff_t lines);
  /// Whether a line with these masses above and below zero takes backward Euler.
  static bool gross(double positive, double negative) { return -negative > repairable * positive; }
  static constexpr double repairable = 1e-3;  ///< negative mass, as a part of the positive, that is dropped

  struct Outcome {
    int fallbacks = 0;                        ///< lanes, of the first `width`, that took backward Euler
    int repairs = 0;                          ///< lanes whose negative values were dropped
    double dropped[LineProduct::panel] = {};  ///< mass below zero that was, per unit area, by lane (if repairs)
    double left[2][LineProduct::panel] = {};  ///< gone out per unit area, by end and lane (only if open)
  };
  /// p at t + dt, n rows `lanes` apart, valid until the next call. With `euler` by backward Euler itself.
  const double* advance(const LinePanel& panel, int width, double dt, bool euler, Outcome& outcome);

 private:
  template <int V, int W>
  struct Kernels;
  template <int V, int W>
  const double* advance_by(const LinePanel& panel, int width, double dt, bool euler, Outcome& outcome);
  int lanes_;
  std::vector<double> forward_, inverse_, back_, corner_, entry_;  // factors; the last two of periodic lines
  std::vector<double> first_, second_, euler_;
};

/// While it lives, numbers below the normal range are taken as zero: far tails cost nothing then.
class FlushSubnormals {
 public:
  FlushSubnormals();
  ~FlushSubnormals();
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;

 private:
  unsigned saved_ = 0;
};

}  // namespace kolmo::density
