/// Mean and covariance of the density, closed by a Gaussian.
#pragma once

#include <limits>
#include <vector>

#include "kolmo/density/problem.hpp"

namespace kolmo::density {

struct Moments {
  std::vector<double> mean, covariance;  ///< dimension, and dimension^2 row by row
};

/// m' = f(m, t),  S' = A S + S A^T + D(m, t),  A = df/dx at m: exact for linear drift and D independent of x, else the
/// drift is linearised at the mean (Gaussian closure). (D9)
class MomentEquations {
 public:
  explicit MomentEquations(Problem problem);
  /// From time `from` to `to` by extrapolated midpoint steps (Gragg 1965, Bulirsch & Stoer 1966), order 16 with
  /// the step from the error: every entry to about `tolerance` relative to its own deviations sqrt(S_ii S_jj). No step
  /// is above `longest`, so that a pulse in time of that length is seen. Where A, b or D jumps, one step of round-off
  /// length crosses the jump, whatever its error. Throws NumericsError where the moments grow out of bounds.
  Moments advance(const Moments& start, double from, double to, double tolerance = 1e-13,
                  double longest = std::numeric_limits<double>::infinity()) const;
  /// A, b and D are the same at every time and place.
  bool fixed() const { return fixed_; }

 private:
  void rate(const std::vector<double>& state, double t, std::vector<double>& rate) const;
  void linearise(const std::vector<double>& state, double t) const;
  Problem problem_;
  int n_ = 0;
  bool fixed_ = false;  // A, b and D never change
  mutable std::vector<double> a_, b_, d_, origin_, at_;
};

}  // namespace kolmo::density
