/// Tridiagonal systems along one direction, one per mode of the others.
#pragma once

#include <cstddef>
#include <vector>

#include "kolmo/linear/operators.hpp"

namespace kolmo {

/// Solves (mu_m W + scale C) q = factor b for every mode m, C = -W L the stiffness of the line (cyclic if periodic).
/// Arrays are [count][n][stride], last index fastest; a mode is a pair (of count, of stride). Pivots are computed once
/// by `factorise` (symmetric elimination, stable for mu, scale >= 0), so that a sweep has no division and runs along
/// contiguous modes.
///
/// The mode at the front is singular if mu = 0 and the line feels no boundary value: then b's mean (weighted: b / W) is
/// removed and q has zero weighted mean, by summing fluxes.
class LineSweep {
 public:
  LineSweep(LineOperator line, std::ptrdiff_t stride, std::ptrdiff_t count);
  /// mu: count * stride numbers. May be called again.
  void factorise(const std::vector<double>& mu, double scale, double factor);

  /// Level by level, so that transforms of the levels can go along: eliminate levels 0 .. n-1 in order, `turn` once,
  /// substitute levels n-1 .. 0. `block` points to level 0 of block o.
  void eliminate(int level, std::ptrdiff_t o, double* block);
  void turn(std::ptrdiff_t o, double* block);
  void substitute(int level, std::ptrdiff_t o, double* block);

 private:
  void factorise_block(const double* mu, double* pivot, double* spike);
  void solve_singular();

  LineOperator line_;
  std::ptrdiff_t stride_, count_;
  std::vector<double> link_, weight_;  // scale c / factor, w / factor
  std::vector<double> pivot_;          // inverse pivots [count][n][stride]
  std::vector<double> spike_;          // periodic: last column of the factor over the pivots
  std::vector<double> sum_;            // periodic: what the last row gathers, then its solution
  std::vector<double> column_;         // the singular mode
  bool singular_ = false;
};

}  // namespace kolmo
