/// A copy of a density with two ghosts where it goes on: across cuts and around periodic directions, corners too.
#pragma once

#include "kolmo/grid/halo.hpp"

namespace kolmo::density {

template <int Dim>
class GhostedCopy {
 public:
  GhostedCopy(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition)
      : ghosts_(ghosts(grid, decomposition)),
        field_(Layout<Dim>(decomposition.extent(), ghosts_)),
        halo_(decomposition, field_.layout(), ghosts_, Stencil::box) {}

  /// Collective.
  Field<Dim>& update(const Field<Dim>& p) {
    const Layout<Dim>&from = p.layout(), &to = field_.layout();
    const int n = to.extent()[0];
    for_each_row<Dim>(to.interior(), [&](const Index<Dim>& row) {
      const double* in = p.origin() + from.offset(row);
      std::copy(in, in + n, field_.origin() + to.offset(row));
    });
    halo_.exchange(field_);
    return field_;
  }

 private:
  static Ghosts<Dim> ghosts(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition) {
    Ghosts<Dim> g;
    for (int d = 0; d < Dim; ++d) g.low[d] = g.high[d] = decomposition.cut(d) || grid.axis(d).periodic() ? 2 : 0;
    return g;
  }
  Ghosts<Dim> ghosts_;
  Field<Dim> field_;
  Halo<Dim> halo_;
};

}  // namespace kolmo::density
