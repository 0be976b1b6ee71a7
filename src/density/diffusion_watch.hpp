// A diffusion tensor that is not one, noticed where coefficients are evaluated.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include "kolmo/base/parallel.hpp"
#include "kolmo/density/problem.hpp"
#include "kolmo/grid/grid.hpp"

namespace kolmo::density {

/// D given by itself (not as g g^T) may be checked at sampled points alone before a run. This keeps the least D_ii and
/// the least D_ii D_jj - D_ij^2 of all that the run evaluates, with their places.
template <int Dim>
class DiffusionWatch {
 public:
  explicit DiffusionWatch(const Problem& problem);

  /// D depends on time: ask again after each change.
  bool moves() const { return moves_; }
  /// D_ii as evaluated. NaN passes: the density shows it.
  void see(int i, const Point<Dim>& x, double t, double value) {
    One& one = of_[i];
    one.largest = std::max(one.largest, value);
    if (value < one.least) one.keep(value, x, t);
  }
  /// Evaluates the minor of two variables.
  void see_minor(int i, int j, const Point<Dim>& x, double t);
  /// D_ij is given and it or D_ii, D_jj vary with something: minors are to be seen.
  bool minors(int i, int j) const;

  /// |P| of (D3) on a face whose conductance cross terms have lessened.
  void see_peclet(double p) { steepest_ = std::max(steepest_, std::abs(p)); }
  /// What the largest of them, of all ranks at the last `check`, means for the error; "" where it is small.
  std::string note() const;

  /// Throws NumericsError, with place and time, where D_ii < 0 or |D_ij|^2 > D_ii D_jj was seen on any rank, by more
  /// than round-off (1e-12 of the largest). Collective.
  void check(const Communicator& comm);

 private:
  struct One {
    double largest = 0.0, least = 0.0;
    Point<Dim> at{};
    double time = 0.0;
    void keep(double value, const Point<Dim>& x, double t) { least = value, at = x, time = t; }
  };
  std::string place(const One& one) const;

  const Problem* problem_;
  bool given_ = false, moves_ = false;
  std::array<One, Dim> of_;
  One minor_;  ///< least: relative to the square of the largest of the three
  int i_ = 0, j_ = 0;
  double steepest_ = 0.0;
};

}  // namespace kolmo::density
