/// One direction of the splitting: dp/dt = L_d p along every line.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "kolmo/density/face_weights.hpp"

namespace kolmo::density {

struct LineOptions {
  /// Uniform lines of up to this many cells are advanced by the exponential of their matrix (n / 46 ns per cell),
  /// longer ones like lines with weights of their own.
  int max_exponential = 1024;
  /// The weights change at every step: then an exponential is taken only where there are so many lines that finding it
  /// (about 14 products of its matrix with itself) costs less than applying it.
  bool varying = false;
  static constexpr std::int64_t products = 14;
  /// Backward Euler instead of the second-order step, for lines without an exponential.
  bool euler = false;
  /// Fluxes given on the boundary are left out: the step of L_d alone.
  bool linear = false;

  /// Whether uniform lines of n cells, `lines` of them on all ranks, are advanced by the exponential.
  bool exponential(int n, std::int64_t lines) const {
    return n <= max_exponential && !euler && (!varying || products * n <= lines);
  }
};

/// (D10) p := exp(dt L_d) p or an approximation of second order, line by line, in place:
///  * uniform weights: the exponential itself, a nonnegative matrix with the column sums of masses 1, kept by dt;
///  * any weights: the L-stable SDIRK2 of Alexander (1977); a line that would get more than 1e-3 of its mass below zero
///    takes backward Euler, less is dropped and the rest scaled; by the elimination of Grassmann, Taksar & Heyman
///    (1985), which has no subtraction;
///  * pure transport: a conservative semi-Lagrangian step with parabolas that stay positive.
/// With low >= 0 >= high all three keep p >= 0, mass (with what left through the ends) and the stationary density of
/// L_d to round-off, whatever dt (the third keeps no stationary density).
///
/// Bytes per cell and step on the general path: 16 of p and 16 of weights; factors live in the cache for some lines at
/// a time and are not stored. Uniform path: 16 of p. Where the direction is cut: two ranks solve general lines from
/// both ends (48 bytes per line each way, nothing kept); else the ranks along it share out the lines, p moves there and
/// back at each step (all but 1 / ranks of it), the weights once per `set`.
template <int Dim>
class LineStep {
 public:
  LineStep(const Grid<Dim>& grid, const Decomposition<Dim>& cells, int direction, const LineOptions& options = {});
  ~LineStep();
  LineStep(LineStep&&) noexcept;
  LineStep& operator=(LineStep&&) noexcept;

  /// Takes weights, and new ones at any time. They are read in place where the direction is not cut: they must outlive
  /// this object or the next `set`, and be set again after a change. Collective. Throws InternalError where they do not
  /// belong to this direction and grid.
  void set(const DirectionWeights<Dim>& weights);
  /// Needs no ghosts and leaves them stale. Collective if the direction is cut. Allocates only where `dt` is new to an
  /// exponential (four are kept).
  void advance(Field<Dim>& p, double dt);

  int direction() const;
  bool uniform() const;
  /// Fluxes are given on the boundary: the step is affine.
  bool has_sources() const;
  /// Outward flux through the low and high ends, summed over time and this rank's lines.
  const std::array<double, 2>& escaped() const;
  /// Mass below zero that repairs dropped, of this rank's lines.
  double dropped() const;
  /// escaped() and dropped() count from 0 again.
  void reset_sums();
  /// Lines that took backward Euler, lines whose negative values were dropped, and lines advanced, so far on this rank.
  std::int64_t fallbacks() const;
  std::int64_t repairs() const;
  std::int64_t lines() const;
  /// What advances a line, for the log: "exponential", "sdirk2", "backward euler", "semi-lagrangian".
  const char* method() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace kolmo::density
