// The exponential of the generator of one line.
#pragma once

#include <array>
#include <vector>

#include "kolmo/linear/line_product.hpp"

namespace kolmo::density {

/// The fluxes along one line of n cells: F_f = low_f p_{f-1} + high_f p_f through face f = 0 .. n, and the widths w of
/// the cells: dp_i/dt = -(F_{i+1} - F_i) / w_i. Periodic: face n is face 0.
struct LineWeights {
  int n = 0;
  const double* low = nullptr;
  const double* high = nullptr;
  const double* width = nullptr;
  bool periodic = false;
  const double* wide = nullptr;  ///< (D12), four numbers per face added to the flux; null: none
};

/// With `wide` entries may be negative. Without:
/// exp(dt L) of a line with low >= 0 >= high, entry by entry nonnegative and accurate, by uniformisation, scaling and
/// squaring. In masses m = w p the matrix has column sums 1 once what leaves through the ends counts as two further
/// states; that sum is restored after each squaring, on the diagonal where the column is mostly diagonal. Relative
/// errors of the other entries then do not grow by doubling: the stationary vector of a Markov chain moves by no more
/// than n times the relative change of its entries (O'Cinneide, Numer. Math. 65, 1993), whatever dt and the gap.
class LineExponential {
 public:
  explicit LineExponential(int n);
  /// No allocation but at the first call. `sources`: also respond to fluxes given at the ends.
  void compute(const LineWeights& line, double dt, bool sources);

  /// p(dt) = matrix p(0), row-major n * n, of densities.
  const std::vector<double>& matrix() const { return matrix_; }
  /// The part of the mass of cell j that leaves through the low and the high end during dt.
  const std::vector<double>& leaving(int side) const { return leaving_[side]; }
  /// Density of the cells after dt of a unit flux entering at an end, and what of that has left again through either
  /// end.
  const std::vector<double>& response(int side) const { return response_[side]; }
  double response_leaving(int from, int through) const { return response_leaving_[from][through]; }

 private:
  void set_base(const LineWeights& line, double step, double rate);
  void set_base_response(double step, double rate);
  void apply_uniformised(const double* in, double* out) const;
  void add_wide(const double* in, double* out) const;
  void square();
  void double_response(double time);
  void restore_sums();

  int n_;
  std::vector<double> columns_, matrix_, work_;  // columns_[j n + i]: from cell j to cell i, masses
  std::array<std::vector<double>, 2> leaving_, response_;
  std::array<std::array<double, 2>, 2> response_leaving_{};
  std::vector<double> up_, down_, stay_, vector_, next_;  // of the uniformised chain
  std::vector<double> wide_;                              // of masses, over the rate
  std::vector<double> poisson_, tail_;
  bool periodic_ = false;
  LineProduct product_;
};

}  // namespace kolmo::density
