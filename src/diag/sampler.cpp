#include "kolmo/diag/sampler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kolmo/base/error.hpp"

namespace kolmo::diag {

namespace {

/// A position on an axis where the value is a sum of entries of the field.
struct Knot {
  double position;
  int index[2];      // global; -1 and n are ghosts, or the face at the high boundary
  double factor[2];  // the second is 0 where one entry does
};

/// All positions of an axis, in order. walls: with the boundary values that ghosts define.
std::vector<Knot> knots_of(const Axis& axis, bool faces, bool walls) {
  const int n = axis.cells();
  std::vector<Knot> knots;
  const auto plain = [&](double position, int index) { knots.push_back({position, {index, index}, {1.0, 0.0}}); };
  if (axis.periodic()) {
    for (int i = -Axis::ghosts; i < n + Axis::ghosts; ++i)
      plain(faces ? axis.node(i) : axis.centre(i), ((i % n) + n) % n);
  } else if (faces) {
    for (int i = 0; i <= n; ++i) plain(axis.node(i), i);
  } else {
    if (walls) knots.push_back({axis.node(0), {-1, 0}, {0.5, 0.5}});
    for (int i = 0; i < n; ++i) plain(axis.centre(i), i);
    if (walls) knots.push_back({axis.node(n), {n - 1, n}, {0.5, 0.5}});
  }
  return knots;
}

struct Weighted {
  int index;
  double weight;
};

/// The Lagrange polynomial through the (up to) 4 knots nearest to x: entries with their weights, those of weight 0 left
/// out.
std::vector<Weighted> stencil(const std::vector<Knot>& knots, double x) {
  constexpr std::ptrdiff_t points = 4;
  const auto size = static_cast<std::ptrdiff_t>(knots.size());
  const auto above = std::upper_bound(knots.begin(), knots.end(), x,
                                      [](double value, const Knot& knot) { return value < knot.position; });
  const std::ptrdiff_t first =
      std::clamp<std::ptrdiff_t>(above - knots.begin() - points / 2, 0, std::max<std::ptrdiff_t>(size - points, 0));
  const std::ptrdiff_t last = std::min(first + points, size);
  std::vector<Weighted> result;
  for (std::ptrdiff_t a = first; a < last; ++a) {
    double weight = 1.0;
    for (std::ptrdiff_t b = first; b < last; ++b)
      if (b != a) weight *= (x - knots[b].position) / (knots[a].position - knots[b].position);
    for (int k = 0; k < 2; ++k)
      if (weight * knots[a].factor[k] != 0.0) result.push_back({knots[a].index[k], weight * knots[a].factor[k]});
  }
  return result;
}

/// Into the domain: periodic axes wrap, round-off beyond an end is cut.
double placed(const Axis& axis, double x, int d) {
  if (axis.periodic()) {
    x = axis.from() + std::fmod(x - axis.from(), axis.length());
    return x < axis.from() ? x + axis.length() : x;
  }
  const double tolerance = 1e-9 * axis.length();
  if (!(x >= axis.from() - tolerance && x <= axis.to() + tolerance))
    throw InputError(
        fmt::format("the point {} = {} lies outside the domain [{}, {}]", "xyz"[d], x, axis.from(), axis.to()));
  return std::clamp(x, axis.from(), axis.to());
}

/// Distance to the nearer end, in cells there.
double cells_from_end(const Axis& axis, double x) {
  return std::min((x - axis.from()) / axis.width(0), (axis.to() - x) / axis.width(axis.cells() - 1));
}

bool reads_ghosts(const std::vector<Weighted>& entries, int cells) {
  return std::any_of(entries.begin(), entries.end(),
                     [&](const Weighted& w) { return w.index < 0 || w.index >= cells; });
}

/// The stencils of all axes at a point. Ghosts in the corners between two boundaries are nobody's, so at most one axis
/// reads ghosts: the one along the faces, which cannot do without, else the one whose boundary is nearest. The others
/// do with inside values.
template <int Dim>
std::array<std::vector<Weighted>, Dim> stencils(const Grid<Dim>& grid, Location location, const Point<Dim>& x,
                                                Walls walls) {
  const auto make = [&](int d, bool with_walls) {
    return stencil(knots_of(grid.axis(d), d == location.direction, with_walls), x[d]);
  };
  std::array<std::vector<Weighted>, Dim> axes;
  int keep = -1;
  for (int d = 0; d < Dim; ++d) {
    axes[d] = make(d, walls == Walls::from_ghosts);
    if (!reads_ghosts(axes[d], grid.axis(d).cells())) continue;
    const bool nearer = keep < 0 || cells_from_end(grid.axis(d), x[d]) < cells_from_end(grid.axis(keep), x[keep]);
    if (d == location.direction || (keep != location.direction && nearer) || keep < 0) keep = d;
  }
  for (int d = 0; d < Dim; ++d)
    if (d != keep && reads_ghosts(axes[d], grid.axis(d).cells())) axes[d] = make(d, false);
  return axes;
}

template <int Dim>
bool answers(const Decomposition<Dim>& decomposition, int d, int index) {
  const Box<Dim>& owned = decomposition.owned();
  if (index < 0) return decomposition.at_boundary(d, Side::low);
  if (index >= decomposition.cells()[d]) return decomposition.at_boundary(d, Side::high);
  return index >= owned.begin[d] && index < owned.end[d];
}

}  // namespace

template <int Dim>
Sampler<Dim>::Sampler(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition, Location location,
                      std::vector<Point<Dim>> points, Walls walls)
    : comm_(decomposition.comm()), location_(location), points_(std::move(points)) {
  for (std::size_t point = 0; point < points_.size(); ++point) add_point(grid, decomposition, point, walls);
}

template <int Dim>
void Sampler<Dim>::add_point(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition, std::size_t point,
                             Walls walls) {
  Point<Dim> x;
  for (int d = 0; d < Dim; ++d) x[d] = placed(grid.axis(d), points_[point][d], d);
  const auto axes = stencils<Dim>(grid, location_, x, walls);
  Box<Dim> product;
  for (int d = 0; d < Dim; ++d) product.end[d] = static_cast<int>(axes[d].size());
  for_each<Dim>(product, [&](const Index<Dim>& k) {
    Term term{point, {}, 1.0};
    bool mine = true;
    for (int d = 0; d < Dim; ++d) {
      const Weighted& entry = axes[d][static_cast<std::size_t>(k[d])];
      mine = mine && answers<Dim>(decomposition, d, entry.index);
      term.at[d] = entry.index - decomposition.owned().begin[d];
      term.weight *= entry.weight;
    }
    if (mine) terms_.push_back(term);
  });
}

template <int Dim>
void Sampler<Dim>::sample(const Field<Dim>& field, std::span<double> values) const {
  if (!(field.location() == location_) || values.size() != points_.size())
    throw InternalError("a sampler was given a field of another location or a list of another length");
  const Box<Dim> room = field.layout().padded();
  std::fill(values.begin(), values.end(), 0.0);
  for (const Term& term : terms_) {
    for (int d = 0; d < Dim; ++d)
      if (term.at[d] < room.begin[d] || term.at[d] >= room.end[d])
        throw InternalError("a sampler reads boundary ghosts that the field does not have");
    values[term.point] += term.weight * field(term.at);
  }
  comm_.sum(values.data(), static_cast<int>(values.size()));
}

template <int Dim>
std::vector<double> Sampler<Dim>::sample(const Field<Dim>& field) const {
  std::vector<double> values(points_.size());
  sample(field, values);
  return values;
}

template class Sampler<1>;
template class Sampler<2>;
template class Sampler<3>;

}  // namespace kolmo::diag
