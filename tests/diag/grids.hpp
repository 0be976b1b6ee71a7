#pragma once

#include <functional>
#include <limits>

#include "kolmo/grid/field.hpp"
#include "kolmo/grid/grid.hpp"

namespace kolmo::test {

/// A stretched grid over all ranks, with fields that follow a function.
template <int Dim>
struct Domain {
  explicit Domain(std::array<int, Dim> cells, std::array<bool, Dim> periodic = {},
                  const Communicator& ranks = Communicator())
      : comm(ranks),
        grid(make_axes(cells, periodic)),
        decomposition(comm, cells, periodic, Decomposition<Dim>::choose(comm.size(), cells)),
        layout(decomposition.extent(), Ghosts<Dim>::uniform(1, 1)) {}

  static std::array<Axis, Dim> make_axes(const std::array<int, Dim>& cells, const std::array<bool, Dim>& periodic) {
    std::array<Axis, Dim> axes;
    for (int d = 0; d < Dim; ++d) {
      AxisSpec spec;
      spec.from = -0.25 * d;
      spec.to = 1.0 + 0.5 * d;
      spec.cells = cells[d];
      spec.periodic = periodic[d];
      spec.spacing = periodic[d] ? Spacing::uniform : Spacing::tanh;
      spec.strength = 1.2;
      axes[d] = Axis(spec);
    }
    return axes;
  }

  Index<Dim> global(Index<Dim> local) const {
    for (int d = 0; d < Dim; ++d) local[d] += decomposition.owned().begin[d];
    return local;
  }

  /// Values at the owned positions and at the faces of high boundaries. The other ghosts are NaN, but those beyond a
  /// boundary (not in corners) are set so that the mean with the value inside is the function on the boundary.
  Field<Dim> field(Location location, const std::function<double(const Point<Dim>&)>& f) const {
    Field<Dim> result(layout, location);
    result.fill(std::numeric_limits<double>::quiet_NaN());
    const auto at = [&](const Index<Dim>& local) { return f(grid.point(global(local), location)); };
    Box<Dim> inside = layout.interior();
    if (!location.at_cells()) ++inside.end[location.direction];
    for_each<Dim>(inside, [&](const Index<Dim>& local) { result(local) = at(local); });
    for (int d = 0; d < Dim; ++d) {
      if (d == location.direction) continue;
      for (const Side side : both_sides) {
        if (!decomposition.at_boundary(d, side)) continue;
        Box<Dim> ghosts = layout.interior();
        const int last = side == Side::low ? 0 : ghosts.end[d] - 1;
        const int beyond = side == Side::low ? -1 : last + 1;
        ghosts.begin[d] = beyond;
        ghosts.end[d] = beyond + 1;
        for_each<Dim>(ghosts, [&](const Index<Dim>& ghost) {
          Index<Dim> inner = ghost;
          inner[d] = last;
          Point<Dim> x = grid.point(global(inner), location);
          x[d] = side == Side::low ? grid.axis(d).from() : grid.axis(d).to();
          result(ghost) = 2.0 * f(x) - result(inner);
        });
      }
    }
    return result;
  }

  Communicator comm;
  Grid<Dim> grid;
  Decomposition<Dim> decomposition;
  Layout<Dim> layout;
};

}  // namespace kolmo::test
