/// A density on a plane or in a space through its domain.
#pragma once

#include <vector>

#include "kolmo/density/comparison.hpp"

namespace kolmo::density {

/// (D28) p at given values of some variables: averages over the cells of the others' axes, along the given ones by the
/// cubic reconstruction (D20). Of fourth order; next to zero it may go below.
template <int Dim>
class Slice {
 public:
  /// variables: two or three different directions; at: one value per direction, read where it is not among them, within
  /// its axis. Throws InputError.
  Slice(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition, std::vector<int> variables,
        const std::vector<double>& at);

  /// The first variable fastest; every rank gets all of it. Collective.
  std::vector<double> values(const Field<Dim>& p) const;
  /// Averages of the exact density over the same cells, by two Gauss points per direction. Collective.
  std::vector<double> exact(const Comparison<Dim>& comparison, double t) const;
  const std::vector<int>& variables() const { return variables_; }

 private:
  std::size_t size() const;
  Grid<Dim> grid_;
  Decomposition<Dim> decomposition_;
  std::vector<int> variables_;
  Point<Dim> at_{};
  std::array<std::vector<double>, Dim> weights_;  // of this rank's cells; 1 along the slice
};

}  // namespace kolmo::density
