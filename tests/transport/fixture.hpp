/// Small random grids, fields that do not depend on the number of ranks, and every boundary rule, for the tests of the
/// transport core.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "kolmo/grid/halo.hpp"
#include "kolmo/transport/boundary.hpp"
#include "kolmo/transport/flux.hpp"

namespace kolmo::transport::testing {

/// A number in [-1, 1) from a seed and an index, the same on every rank.
template <int Dim>
double noise(std::uint64_t seed, const Index<Dim>& i) {
  std::uint64_t h = seed * 0x9E3779B97F4A7C15ull + 12345;
  for (int d = 0; d < Dim; ++d) {
    h ^= static_cast<std::uint64_t>(i[d] + 1000) + 0x9E3779B97F4A7C15ull + (h << 6) + (h >> 2);
    h *= 0xBF58476D1CE4E5B9ull;
    h ^= h >> 27;
  }
  return static_cast<double>(h >> 11) / 4503599627370496.0 - 1.0;
}

/// Cells per direction: few, uneven, enough for four ranks.
template <int Dim>
Index<Dim> test_cells() {
  static constexpr int table[6][6] = {{9}, {7, 6}, {5, 4, 5}, {4, 3, 4, 4}, {3, 3, 2, 3, 4}, {3, 2, 3, 2, 2, 4}};
  Index<Dim> n;
  for (int d = 0; d < Dim; ++d) n[d] = table[Dim - 1][d];
  return n;
}

/// Widths vary at random by a factor of up to three.
template <int Dim>
Grid<Dim> random_grid(Index<Dim> cells, std::array<bool, Dim> periodic, std::uint64_t seed) {
  std::array<Axis, Dim> axes;
  for (int d = 0; d < Dim; ++d) {
    AxisSpec spec;
    spec.cells = cells[d];
    spec.spacing = Spacing::nodes;
    spec.periodic = periodic[d];
    spec.nodes = {-0.5};
    for (int i = 0; i < cells[d]; ++i) spec.nodes.push_back(spec.nodes.back() + 0.2 + 0.1 * noise<1>(seed + d, {i}));
    spec.from = spec.nodes.front();
    spec.to = spec.nodes.back();
    axes[d] = Axis(spec);
  }
  return Grid<Dim>(axes);
}

/// Index i of direction d with periodic directions wrapped around.
template <int Dim>
Index<Dim> wrapped(const Grid<Dim>& grid, Index<Dim> i) {
  for (int d = 0; d < Dim; ++d) {
    const int n = grid.axis(d).cells();
    if (grid.axis(d).periodic()) i[d] = ((i[d] % n) + n) % n;
  }
  return i;
}

/// Ghosts only where they are read: across cuts and around periodic directions (and, for an unknown face at the high
/// end, its place).
template <int Dim>
Ghosts<Dim> needed_ghosts(const ControlVolumes<Dim>& v, const Decomposition<Dim>& cells, int reach) {
  Ghosts<Dim> g;
  for (int d = 0; d < Dim; ++d) {
    const bool read = cells.cut(d) || cells.periodic()[d];
    g.low[d] = read ? reach : 0;
    g.high[d] = read ? reach : v.location().direction == d ? 1 : 0;
  }
  return g;
}

/// Everything a case needs. The unknowns of `q` are noise, its other entries NaN until `refresh`.
template <int Dim>
struct Setting {
  Grid<Dim> grid;
  Decomposition<Dim> cells;
  std::shared_ptr<const ControlVolumes<Dim>> volumes;
  std::shared_ptr<Boundary<Dim>> boundary;
  Ghosts<Dim> ghosts;
  Field<Dim> q, rate;
  bool widened = false;
  std::array<Field<Dim>, Dim> velocity;

  Setting(const Grid<Dim>& g, const Rules<Dim>& rules, Location location = Location::cells(), EndUnknowns ends = {},
          int reach = 1, const Communicator& comm = Communicator())
      : grid(g) {
    cells =
        Decomposition<Dim>(comm, grid.cells(), grid.periodic(), Decomposition<Dim>::choose(comm.size(), grid.cells()));
    volumes = std::make_shared<ControlVolumes<Dim>>(grid, cells, location, ends);
    boundary = std::make_shared<Boundary<Dim>>(volumes, rules);
    ghosts = needed_ghosts(*volumes, cells, reach);
    const Layout<Dim> layout(cells.extent(), ghosts);
    q = Field<Dim>(layout, location);
    rate = Field<Dim>(layout, location);
    set([](const Index<Dim>& i) { return noise<Dim>(17, i); });
    const Layout<Dim> wide(cells.extent(), Ghosts<Dim>::uniform(1, 2));
    for (int d = 0; d < Dim; ++d) {
      velocity[d] = Field<Dim>(wide, Location::faces(d));
      for_each<Dim>(wide.padded(), [&](const Index<Dim>& i) {
        velocity[d](i) = noise<Dim>(100 + d, wrapped<Dim>(grid, cells_global(i)));
      });
    }
  }
  Index<Dim> cells_global(Index<Dim> i) const {
    for (int d = 0; d < Dim; ++d) i[d] += cells.owned().begin[d];
    return i;
  }
  /// q := value(global index) on the unknowns, NaN elsewhere.
  template <class Value>
  void set(Value value) {
    q.fill(std::numeric_limits<double>::quiet_NaN());
    for_each<Dim>(volumes->box(), [&](const Index<Dim>& i) { q(i) = value(cells_global(i)); });
    refresh();
  }
  /// Gives q ghosts everywhere, filled beyond boundaries: what parts one cell thin need.
  void widen(int ghosts_everywhere) {
    ghosts = Ghosts<Dim>::uniform(ghosts_everywhere, ghosts_everywhere);
    widened = true;
    Field<Dim> wide(Layout<Dim>(cells.extent(), ghosts), q.location());
    for_each<Dim>(volumes->box(), [&](const Index<Dim>& i) { wide(i) = q(i); });
    swap(q, wide);
    rate = Field<Dim>(q.layout(), q.location());
    refresh();
  }
  void refresh() {
    if (widened) boundary->fill_ghosts(q);
    // Halo knows cells: the known faces between ranks are never read as unknowns.
    Ghosts<Dim> width = ghosts;
    for (int d = 0; d < Dim; ++d)
      if (!cells.cut(d) && !cells.periodic()[d]) width.high[d] = 0;
    Halo<Dim> halo(cells, q.layout(), width, Stencil::star);
    halo.exchange(q);
  }
  std::array<const Field<Dim>*, Dim> faces() const {
    std::array<const Field<Dim>*, Dim> f;
    for (int d = 0; d < Dim; ++d) f[d] = &velocity[d];
    return f;
  }
};

template <int Dim>
double wave(const Point<Dim>& x, double time) {
  double s = 0.3 + time;
  for (int d = 0; d < Dim; ++d) s += std::sin((d + 1) * x[d] + 0.2 * d);
  return s;
}

/// Number r of the rules that can close a boundary.
inline constexpr int rule_count = 8;
template <int Dim>
Rule<Dim> numbered_rule(int r) {
  switch (r) {
    case 0:
      return Rule<Dim>::fixed_value(wave<Dim>);
    case 1:
      return Rule<Dim>::fixed_gradient(wave<Dim>);
    case 2:
      return Rule<Dim>::zero_gradient();
    case 3:
      return Rule<Dim>::robin(0.7, 1.3, wave<Dim>);
    case 4:
      return Rule<Dim>::fixed_flux(wave<Dim>);
    case 5:
      return Rule<Dim>::no_flux();
    case 6:
      return Rule<Dim>::diffusive_flux(wave<Dim>);
    default:
      return Rule<Dim>::diffusive_flux(wave<Dim>, 0.4);
  }
}

/// Case c < rule_count: rule c everywhere; c == rule_count: periodic everywhere; above: a mixture.
inline constexpr int case_count = rule_count + 3;
template <int Dim>
std::array<bool, Dim> periodic_of_case(int c) {
  std::array<bool, Dim> p{};
  for (int d = 0; d < Dim; ++d) p[d] = c == rule_count || (c > rule_count && (c + d) % 3 == 0);
  return p;
}
template <int Dim>
Rules<Dim> rules_of_case(int c) {
  Rules<Dim> rules;
  const std::array<bool, Dim> periodic = periodic_of_case<Dim>(c);
  for (int d = 0; d < Dim; ++d)
    for (int s = 0; s < 2 && !periodic[d]; ++s)
      rules[d][s] = numbered_rule<Dim>(c < rule_count ? c : (3 * c + 2 * d + 5 * s) % rule_count);
  return rules;
}

template <int Dim, class Law>
double total_boundary_flux(const Flux<Dim, Law>& flux, const Field<Dim>& q) {
  double sum = 0.0;
  for (int d = 0; d < Dim; ++d)
    for (const Side side : both_sides)
      if (!flux.volumes().line(d).periodic()) sum += flux.boundary_flux(q, d, side);
  return sum;
}

/// Largest |value| over the unknowns of all ranks.
template <int Dim>
double largest(const ControlVolumes<Dim>& v, const Field<Dim>& f) {
  double m = 0.0;
  for_each<Dim>(v.box(), [&](const Index<Dim>& i) { m = std::isnan(f(i)) ? HUGE_VAL : std::max(m, std::abs(f(i))); });
  return v.comm().max(m);
}

}  // namespace kolmo::transport::testing
