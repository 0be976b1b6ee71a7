/// Values of a field at given points.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "kolmo/grid/field.hpp"
#include "kolmo/grid/grid.hpp"

namespace kolmo::diag {

/// What is known of a field at the ends of an axis that lie midway between its last value and the ghost beyond (that
/// is: all fields at the axes across their faces, cell fields everywhere). Periodic ends need nothing.
enum class Walls {
  from_ghosts,  ///< the boundary value is the mean of the last value and its ghost (linear ghosts: velocity, fixed
                ///< scalars)
  unknown       ///< the ghost says nothing of the value (pressure, fluxes): polynomials through inside values only
};

/// Interpolates by products of 4-point Lagrange polynomials on the stretched axes, exact for cubics. The stencil of an
/// axis takes the 4 nearest positions around the point, a boundary itself counted where its value is known; axes with
/// fewer positions take all there are. On a position itself its value is taken as it is. Near a corner only the nearest
/// boundary is used, since ghosts in corners need not mean anything. Dim 1 to 3.
template <int Dim>
class Sampler {
 public:
  /// Collective. Every rank passes the same points. decomposition: of the cells. Throws InputError for a point outside
  /// the domain (periodic axes wrap).
  Sampler(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition, Location location,
          std::vector<Point<Dim>> points, Walls walls);
  std::size_t size() const { return points_.size(); }
  const std::vector<Point<Dim>>& points() const { return points_; }
  /// Collective; the values on every rank. Ghosts across cuts are not read, so no exchange is needed; boundary ghosts
  /// are, where walls say so, and the faces at high boundaries.
  void sample(const Field<Dim>& field, std::span<double> values) const;
  std::vector<double> sample(const Field<Dim>& field) const;

 private:
  struct Term {
    std::size_t point;
    Index<Dim> at;  // local
    double weight;
  };
  void add_point(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition, std::size_t point, Walls walls);
  Communicator comm_{MPI_COMM_SELF};
  Location location_;
  std::vector<Point<Dim>> points_;
  std::vector<Term> terms_;  // of this rank
};

}  // namespace kolmo::diag
