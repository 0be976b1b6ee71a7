#include "cross_terms.hpp"

#include <algorithm>
#include <cmath>

#include "kolmo/transport/exponential_fit.hpp"

namespace kolmo::density {

template <int Dim>
void CrossTerms<Dim>::set_up(const FaceCoefficients<Dim>& coefficients, const Grid<Dim>& grid,
                             const Decomposition<Dim>& cells, const transport::ControlVolumes<Dim>& volumes) {
  coefficients_ = &coefficients;
  grid_ = &grid;
  cells_ = &cells;
  volumes_ = &volumes;
  for (int i = 0; i < Dim; ++i)
    for (int j = i + 1; j < Dim; ++j) {
      if (!coefficients.crossed(i, j)) continue;
      Ghosts<Dim> ghosts;
      ghosts.high[i] = ghosts.high[j] = 1;
      const Layout<Dim> layout(cells.extent(), ghosts);
      Pair pair;
      pair.i = i;
      pair.j = j;
      pair.forward = FaceTable<Dim>(layout, coefficients.cross_depends(i, j));
      pair.backward = FaceTable<Dim>(layout, coefficients.cross_depends(i, j));
      pairs_.push_back(std::move(pair));
    }
}

template <int Dim>
bool CrossTerms<Dim>::inside(const Pair& pair, const Index<Dim>& edge) const {
  for (const int d : {pair.i, pair.j}) {
    const int node = edge[d] + cells_->owned().begin[d];
    if (!grid_->axis(d).periodic() && (node == 0 || node == grid_->axis(d).cells())) return false;
  }
  return true;
}

template <int Dim>
typename CrossTerms<Dim>::Points CrossTerms<Dim>::points_of(const Pair& pair, const Index<Dim>& edge) const {
  Points points;
  for (int d = 0; d < Dim; ++d) {
    const Axis& axis = grid_->axis(d);
    int g = edge[d] + cells_->owned().begin[d];
    if (axis.periodic()) g %= axis.cells();
    const bool normal = d == pair.i || d == pair.j;
    // On the boundary, where nothing depends on this coordinate: any cell will do.
    const int below = axis.periodic() ? g - 1 : std::max(g - 1, 0),
              above = axis.periodic() ? g : std::min(g, axis.cells() - 1);
    points.edge[d] = normal ? axis.node(g) : axis.centre(g);
    points.low[d] = normal ? axis.centre(below) : points.edge[d];
    points.high[d] = normal ? axis.centre(above) : points.edge[d];
  }
  return points;
}

/// Every number once; those that are kept for many edges are taken at the first of them, be it on the boundary.
template <int Dim>
void CrossTerms<Dim>::fill(double t) {
  for (Pair& pair : pairs_)
    for_each<Dim>(pair.forward.once(pair.forward.layout().padded()), [&](const Index<Dim>& edge) {
      Points at = points_of(pair, edge);
      const double c = coefficients_->cross(pair.i, pair.j, at.edge, t);
      if (c < 0.0) std::swap(at.low[pair.j], at.high[pair.j]);
      double u = 0.0;
      if (coefficients_->ratio() && inside(pair, edge)) u = coefficients_->potential_difference(at.low, at.high);
      const transport::FaceWeights w = fitted(std::abs(c), -u);
      pair.forward(edge) = std::copysign(w.low, c);
      pair.backward(edge) = -w.high;
    });
}

template <int Dim>
void CrossTerms<Dim>::see_minors(double t) const {
  for (const Pair& pair : pairs_) {
    if (!coefficients_->watch().minors(pair.i, pair.j)) continue;
    Box<Dim> edges = pair.forward.layout().padded();
    for (int e = 0; e < Dim; ++e)
      if (!coefficients_->cross_depends(pair.i, pair.j)[e] && !coefficients_->cross_depends(pair.i, pair.i)[e] &&
          !coefficients_->cross_depends(pair.j, pair.j)[e])
        edges.end[e] = std::min(edges.end[e], edges.begin[e] + 1);
    for_each<Dim>(edges, [&](const Index<Dim>& edge) {
      coefficients_->watch().see_minor(pair.i, pair.j, points_of(pair, edge).edge, t);
    });
  }
}

template <int Dim>
typename CrossTerms<Dim>::Links CrossTerms<Dim>::links(const Pair& pair, const Index<Dim>& edge) const {
  const double forward = pair.forward(edge), size = std::abs(forward);
  Links all;
  Link& diagonal = all.link[all.count++];
  diagonal = {.a = edge, .b = edge, .forward = size, .backward = pair.backward(edge)};
  --diagonal.a[pair.i];
  --(std::signbit(forward) ? diagonal.b : diagonal.a)[pair.j];
  if (!mixed_) return all;
  for (const int along : {pair.i, pair.j})
    for (int row = 0; row < 2; ++row) {
      Link& l = all.link[all.count++];
      l = {.a = edge, .b = edge, .forward = -0.5 * size, .backward = -0.5 * size};
      --l.a[along];
      const int across = along == pair.i ? pair.j : pair.i;
      l.a[across] -= row;
      l.b[across] -= row;
    }
  return all;
}

template <int Dim>
template <class Visitor>
void CrossTerms<Dim>::for_each_edge(const Pair& pair, Visitor&& visit) const {
  for_each<Dim>(pair.forward.layout().padded(), [&](const Index<Dim>& edge) {
    if (inside(pair, edge)) visit(links(pair, edge), edge);
  });
}

namespace {

template <int Dim>
bool held(const Box<Dim>& box, const Index<Dim>& i) {
  for (int d = 0; d < Dim; ++d)
    if (i[d] < box.begin[d] || i[d] >= box.end[d]) return false;
  return true;
}

}  // namespace

template <int Dim>
void CrossTerms<Dim>::apply(const Field<Dim>& p, Field<Dim>& rate, double factor) const {
  const Box<Dim>& box = volumes_->box();
  for (const Pair& pair : pairs_) {
    const double *wi = volumes_->line(pair.i).inverse_width(), *wj = volumes_->line(pair.j).inverse_width();
    for_each_edge(pair, [&](const Links& all, const Index<Dim>&) {
      for (int k = 0; k < all.count; ++k) {
        const Link& l = all.link[k];
        const double exchange = factor * (l.forward * p(l.a) - l.backward * p(l.b));
        if (held<Dim>(box, l.a)) rate(l.a) -= exchange * wi[l.a[pair.i]] * wj[l.a[pair.j]];
        if (held<Dim>(box, l.b)) rate(l.b) += exchange * wi[l.b[pair.i]] * wj[l.b[pair.j]];
      }
    });
  }
}

template <int Dim>
double CrossTerms<Dim>::diagonal(const Index<Dim>& local) const {
  double sum = 0.0;
  for_each_link_of(local, [&](const Link& l, double scale) { sum += scale * (l.a == local ? l.forward : l.backward); });
  return sum;
}

template <int Dim>
double CrossTerms<Dim>::fastest() const {
  if (pairs_.empty()) return 0.0;
  double largest = 0.0;
  for_each<Dim>(volumes_->box(), [&](const Index<Dim>& i) {
    double sum = 0.0;
    for_each_link_of(i,
                     [&](const Link& l, double scale) { sum += scale * std::abs(l.a == i ? l.forward : l.backward); });
    largest = std::max(largest, sum);
  });
  return largest;
}

template <int Dim>
void CrossTerms<Dim>::add_flux(const Field<Dim>& p, std::array<Field<Dim>, Dim>& components) const {
  if (pairs_.empty()) return;  // nor are there volumes
  const Box<Dim>& box = volumes_->box();
  for (const Pair& pair : pairs_) {
    const double *wi = volumes_->line(pair.i).inverse_width(), *wj = volumes_->line(pair.j).inverse_width();
    Box<Dim> faces_i = box, faces_j = box;
    ++faces_i.end[pair.i];
    ++faces_j.end[pair.j];
    auto add = [&](int d, Index<Dim> cell, const Index<Dim>& edge, double exchange) {
      const int other = d == pair.i ? pair.j : pair.i;
      const double per_area = exchange * (other == pair.i ? wi : wj)[cell[other]];
      cell[d] = edge[d];
      if (held<Dim>(d == pair.i ? faces_i : faces_j, cell)) components[d](cell) += per_area;
    };
    for_each_edge(pair, [&](const Links& all, const Index<Dim>& edge) {
      for (int k = 0; k < all.count; ++k) {
        const Link& l = all.link[k];
        const double exchange = l.forward * p(l.a) - l.backward * p(l.b);
        if (k == 0) {  // half of it either way around the edge
          const double half = 0.5 * exchange, up = l.b[pair.j] > l.a[pair.j] ? half : -half;
          for (const Index<Dim>& cell : {l.a, l.b}) {
            add(pair.i, cell, edge, half);
            add(pair.j, cell, edge, up);
          }
        } else {
          add(l.a[pair.i] != l.b[pair.i] ? pair.i : pair.j, l.a, edge, exchange);
        }
      }
    });
  }
}

/// In one dimension there are no edges.
template <>
void CrossTerms<1>::set_up(const FaceCoefficients<1>&, const Grid<1>&, const Decomposition<1>&,
                           const transport::ControlVolumes<1>&) {}

template class CrossTerms<1>;
template class CrossTerms<2>;
template class CrossTerms<3>;
template class CrossTerms<4>;
template class CrossTerms<5>;
template class CrossTerms<6>;

}  // namespace kolmo::density
