/// The box of the flow: grid, who holds what, the shape of its fields, and their exchange.
#pragma once

#include <array>

#include "kolmo/flow/settings.hpp"
#include "kolmo/grid/decomposition.hpp"
#include "kolmo/grid/field.hpp"
#include "kolmo/grid/grid.hpp"
#include "kolmo/grid/halo.hpp"

namespace kolmo::flow {

/// Component d at the faces of direction d (marker-and-cell arrangement, Harlow & Welch 1965).
template <int Dim>
using Velocity = std::array<Field<Dim>, Dim>;

/// All flow fields share one layout: one ghost layer on low sides and two on high sides, where the second holds what
/// lies beyond the face on the domain's high boundary.
template <int Dim>
struct Domain {
  Domain(const Settings& settings, const Communicator& comm);

  Grid<Dim> grid;
  Decomposition<Dim> decomposition;
  Layout<Dim> layout;
  mutable Halo<Dim> halo;

  Velocity<Dim> make_velocity() const;
  Field<Dim> make_cells() const { return Field<Dim>(layout, Location::cells()); }
  void exchange(Velocity<Dim>& velocity) const;
  /// Several velocities and scalars in one exchange would be possible; one field here.
  void exchange(Field<Dim>& field) const { halo.exchange(field); }

  const Communicator& comm() const { return decomposition.comm(); }
  const Index<Dim>& extent() const { return layout.extent(); }
  /// Global index of local index 0.
  const Index<Dim>& origin() const { return decomposition.owned().begin; }
  bool at_boundary(int d, Side side) const { return decomposition.at_boundary(d, side); }
  /// Coordinates of a local index.
  Point<Dim> point(Index<Dim> i, Location location) const {
    for (int d = 0; d < Dim; ++d) i[d] += origin()[d];
    return grid.point(i, location);
  }
};

/// (x, y, z) of a point, z = 0 in two dimensions: what expressions take.
template <int Dim>
std::array<double, 3> coordinates(const Point<Dim>& x) {
  std::array<double, 3> full{};
  for (int d = 0; d < Dim; ++d) full[d] = x[d];
  return full;
}

}  // namespace kolmo::flow
