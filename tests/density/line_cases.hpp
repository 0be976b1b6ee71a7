/// Weights of lines made in code, for tests of the splitting.
#pragma once

#include <cmath>
#include <functional>
#include <random>

#include "kolmo/density/face_weights.hpp"
#include "kolmo/grid/grid.hpp"

namespace kolmo::test {

using density::DirectionWeights;

template <int Dim>
struct Lines {
  Lines(const std::array<Axis, Dim>& axes, const Communicator& comm, Index<Dim> processes)
      : grid(axes),
        cells(comm, grid.cells(), grid.periodic(), processes),
        layout(cells.extent(), Ghosts<Dim>::uniform(1, 1)) {}
  Grid<Dim> grid;
  Decomposition<Dim> cells;
  Layout<Dim> layout;

  Field<Dim> field() const { return Field<Dim>(layout); }
  /// p(i) := f(global index).
  void fill(Field<Dim>& p, const std::function<double(const Index<Dim>&)>& f) const {
    for_each<Dim>(layout.interior(), [&](const Index<Dim>& i) { p(i) = f(global(i)); });
  }
  Index<Dim> global(Index<Dim> i) const {
    for (int d = 0; d < Dim; ++d) i[d] += cells.owned().begin[d];
    return i;
  }
  double volume(const Index<Dim>& i) const {
    double v = 1.0;
    for (int d = 0; d < Dim; ++d) v *= grid.axis(d).width(global(i)[d]);
    return v;
  }
  double mass(const Field<Dim>& p) const {
    double sum = 0.0;
    for_each<Dim>(layout.interior(), [&](const Index<Dim>& i) { sum += volume(i) * p(i); });
    return cells.comm().sum(sum);
  }
  double min(const Field<Dim>& p) const {
    double least = 1e300;
    for_each<Dim>(layout.interior(), [&](const Index<Dim>& i) { least = std::min(least, p(i)); });
    return cells.comm().min(least);
  }
  double max_difference(const Field<Dim>& p, const Field<Dim>& q) const {
    double most = 0.0;
    for_each<Dim>(layout.interior(), [&](const Index<Dim>& i) { most = std::max(most, std::abs(p(i) - q(i))); });
    return cells.comm().max(most);
  }
  double l1(const Field<Dim>& p, const Field<Dim>& q) const {
    double sum = 0.0;
    for_each<Dim>(layout.interior(), [&](const Index<Dim>& i) { sum += volume(i) * std::abs(p(i) - q(i)); });
    return cells.comm().sum(sum);
  }

  /// Weights low, high of face f of direction d, from the global index of the cell above it.
  using Face = std::function<std::pair<double, double>(const Index<Dim>&)>;
  DirectionWeights<Dim> weights(int d, const Face& face) const {
    DirectionWeights<Dim> w;
    w.direction = d;
    w.low = Field<Dim>(layout, Location::faces(d));
    w.high = Field<Dim>(layout, Location::faces(d));
    Box<Dim> box = layout.interior();
    ++box.end[d];
    for_each<Dim>(box, [&](const Index<Dim>& i) {
      Index<Dim> at = global(i);
      if (grid.axis(d).periodic()) at[d] %= grid.axis(d).cells();
      const auto [low, high] = face(at);
      w.low(i) = low;
      w.high(i) = high;
    });
    return w;
  }
  /// The same on every line.
  DirectionWeights<Dim> uniform(int d, const std::function<std::pair<double, double>(int)>& face) const {
    DirectionWeights<Dim> w;
    w.direction = d;
    w.uniform = true;
    const int n = grid.axis(d).cells();
    for (int f = 0; f <= n; ++f) {
      const auto [low, high] = face(grid.axis(d).periodic() ? f % n : f);
      w.line_low.push_back(low);
      w.line_high.push_back(high);
    }
    w.line_constant.assign(n + 1, 0.0);
    return w;
  }
  bool end(int d, int f) const { return !grid.axis(d).periodic() && (f == 0 || f == grid.axis(d).cells()); }
};

/// A number in (0, 1) that depends on an index alone.
template <int Dim>
double noise(const Index<Dim>& i, int which) {
  std::uint64_t h = 0x9e3779b97f4a7c15ull * static_cast<std::uint64_t>(which + 1);
  for (const int k : i) {
    h ^= static_cast<std::uint64_t>(k + 7);
    h *= 0xbf58476d1ce4e5b9ull;
    h ^= h >> 29;
  }
  h *= 0x94d049bb133111ebull;
  return (static_cast<double>(h >> 11) + 0.5) * 0x1.0p-53;
}

/// B(t) = t / (e^t - 1).
inline double bernoulli(double t) { return std::abs(t) < 1e-9 ? 1.0 - t / 2 : t / std::expm1(t); }

}  // namespace kolmo::test
