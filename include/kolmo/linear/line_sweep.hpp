/// Tridiagonal systems along one direction, one per mode of the others.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "kolmo/base/parallel.hpp"
#include "kolmo/linear/operators.hpp"

namespace kolmo {

class SeparatorSystem;

/// Which levels of a line the ranks of `comm` hold: rank p those from starts[p] up to starts[p + 1], perhaps none.
struct LineCut {
  Communicator comm{MPI_COMM_SELF};
  std::vector<int> starts;
};

/// Solves (mu_m W + scale C) q = factor b for every mode m, C = -W L the stiffness of the line (cyclic if periodic).
/// Arrays are [count][n][stride], last index fastest, n the levels of this rank; a mode is a pair (of count, of
/// stride). Pivots are computed once by `factorise` (symmetric elimination, stable for mu, scale >= 0), so that a sweep
/// has no division and runs along contiguous modes.
///
/// A cut line is not moved: the last level of every part is a separator, the levels between separators are eliminated
/// where they are, and what is left is a system of one unknown per part and mode (substructuring; Wang 1981, with one
/// separator per part in place of two unknowns). Two numbers per mode and rank go to whoever solves it and two come
/// back, where moving the line would send all its levels. A periodic line has a separator even if it is whole.
///
/// The mode at the front is singular if mu = 0 and the line feels no boundary value: then b's mean (weighted: b / W) is
/// removed and q has zero weighted mean, by summing fluxes.
class LineSweep {
 public:
  LineSweep(LineOperator line, LineCut cut, std::ptrdiff_t stride, std::ptrdiff_t count);
  ~LineSweep();
  LineSweep(LineSweep&&) noexcept;
  LineSweep& operator=(LineSweep&&) noexcept;
  /// mu: count * stride numbers. May be called again. Collective over the cut.
  void factorise(const std::vector<double>& mu, double scale, double factor);

  /// Level by level, so that transforms of the levels can go along: eliminate levels 0 .. n-1 of every block in order,
  /// `turn` once (collective over the cut), substitute levels n-1 .. 0 of every block. `block` points to level 0 of
  /// block o, `blocks` to that of block 0.
  void eliminate(int level, std::ptrdiff_t o, double* block);
  void turn(double* blocks);
  void substitute(int level, std::ptrdiff_t o, double* block);

 private:
  void factorise_block(std::ptrdiff_t o, const double* mu);
  void solve_singular();

  LineOperator line_;
  LineCut cut_;
  std::ptrdiff_t stride_, count_;
  int levels_ = 0;                     // of this rank
  int inner_ = 0;                      // without the separator
  bool left_ = false;                  // a separator lies below the first level
  std::vector<double> link_, weight_;  // of the whole line: scale c / factor, w / factor
  const double *links_, *weights_;     // those of this rank's levels
  std::vector<double> pivot_;          // inverse pivots [count][n][stride]
  std::vector<double> spike_;          // coupling to the separator below over the pivots
  std::vector<double> below_;          // what the separator below gathers [count][stride], then its solution
  std::vector<double> own_;            // the same of the own separator
  std::vector<double> cross_;          // the entry between the two
  std::unique_ptr<SeparatorSystem> separators_;
  std::vector<double> column_;  // the singular mode of the whole line
  std::vector<int> sizes_;      // levels per rank
  bool singular_ = false;
};

}  // namespace kolmo
