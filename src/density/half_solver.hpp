// Implicit steps of lines of which another rank holds the other half.
#pragma once

#include <cstddef>
#include <vector>

#include "kolmo/linear/line_product.hpp"

namespace kolmo::density {

/// Half lines of n cells side by side, entry i of lane s at [i * step + s]; weights as in LineWeights.
struct HalfPanel {
  int n = 0;
  bool lower = true;                                           ///< this half lies below the cut
  const double* width = nullptr;                               ///< n, the same on all lanes
  const double* inverse_width = nullptr;                       ///< n
  const double *p = nullptr, *low = nullptr, *high = nullptr;  ///< n, n + 1, n + 1 rows
  std::ptrdiff_t step_p = 0, step_low = 0, step_high = 0;
  const double* constant = nullptr;  ///< flux given at the end of the line that is here, by lane; null: none
};

/// The step of LineSolver from both ends of a line at once. Either half is eliminated from its end of the line to the
/// cut, as there; what is left is a chain of two cells, with k what a cell keeps, r what it passes on across the cut
/// and s its source, here and (capitals) there:
///     (k + r) m - R M = s,   (K + R) M - r m = S,   m = ((K + R) s + R S) / (k K + k R + r K)
/// without a subtraction either. So two exchanges of a few numbers per line, (k, r, s) and then the s of the second
/// solve, are all that the ranks need of each other; each keeps the half of the factors that is its own.
class HalfSolver {
 public:
  HalfSolver(int n, int lanes);
  static constexpr int numbers = 5;  ///< that this keeps per cell and lane

  /// Numbers by lane; each of `lanes`.
  struct Border {
    double *kept, *rate, *sum;
  };
  struct ConstBorder {
    const double *kept, *rate, *sum;
  };
  /// Eliminates for the first solve; tells what the other half must know.
  void begin(const HalfPanel& panel, double dt, bool euler, const Border& mine);
  /// From what the other half told: solves, and eliminates for the second solve.
  void next(const ConstBorder& theirs, double* sum);
  /// Ends the second solve; the masses of this half's cells above and below zero.
  void finish(const double* their_sum, double* positive, double* negative);
  /// Backward Euler: ends the only solve.
  void finish_euler(const ConstBorder& theirs);
  /// Takes the answer of another step on lanes whose factor is zero; on the others drops what is negative and
  /// multiplies by the factor.
  void repair(const double* factor, const HalfSolver* other);

  /// p at t + dt, n rows `lanes` apart.
  const double* result() const { return second_.data(); }
  /// What went out through the end, per unit area.
  double left(int lane) const { return left_[lane]; }

 private:
  template <int V, int W>
  struct Kernels;
  template <class Call>
  void with_lanes(Call&& call);
  std::ptrdiff_t row(int i) const { return static_cast<std::ptrdiff_t>(i) * lanes_; }
  void couple(const ConstBorder& theirs);
  void add_outflow(const double* q, double time, double inverse);

  int n_, lanes_;
  int first_row_ = 0, step_ = 1;  // of the elimination
  double dt_ = 0.0;
  const double* inverse_width_ = nullptr;
  std::vector<double> forward_, inverse_, back_, first_, second_;
  // By lane: of the cell at the cut, and of the end of the line.
  double kept_[LineProduct::panel], rate_[LineProduct::panel], sum_[LineProduct::panel];
  double own_[LineProduct::panel], other_[LineProduct::panel];  // m = own s + other S
  double outwards_[LineProduct::panel], given_[LineProduct::panel], left_[LineProduct::panel];
};

}  // namespace kolmo::density
