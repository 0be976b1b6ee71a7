/// Volume-weighted integrals and error norms of fields at any location.
#pragma once

#include <functional>

#include "kolmo/grid/field.hpp"
#include "kolmo/grid/grid.hpp"

namespace kolmo::diag {

/// l1 = sum w |e| / sum w, l2 = sqrt(sum w e^2 / sum w), linf = max |e|, with w the volume of the cell, or of the dual
/// cell around a face (half a cell at the ends of an axis that is not periodic, both end faces counted).
struct Norms {
  double l1 = 0.0, l2 = 0.0, linf = 0.0;
  double mean = 0.0;  ///< sum w e / sum w
};

enum class Gauge {
  as_is,
  mean_free  ///< the mean of e is taken out first (pressure, which is known up to a constant)
};

/// Of e = field - exact; collective, the same on every rank. Dim 1 to 3.
template <int Dim>
Norms error_norms(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition, const Field<Dim>& field,
                  const std::function<double(const Point<Dim>&)>& exact, Gauge gauge = Gauge::as_is);

/// Of the field itself.
template <int Dim>
Norms field_norms(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition, const Field<Dim>& field,
                  Gauge gauge = Gauge::as_is);

/// Width that index i of direction d stands for at a location: the cell's, or the dual cell's of a face.
template <int Dim>
double weight(const Grid<Dim>& grid, Location location, int d, int i);

/// Local indices whose values this rank answers for: the owned ones, and the face at the domain's high boundary where
/// this rank touches it.
template <int Dim>
Box<Dim> answered_box(const Decomposition<Dim>& decomposition, Location location);

}  // namespace kolmo::diag
