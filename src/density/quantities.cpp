#include "kolmo/density/quantities.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ghosted_copy.hpp"
#include "kolmo/base/error.hpp"
#include "row_math.hpp"

namespace kolmo::density {

template <int Dim>
Quantities<Dim>::Quantities(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition)
    : grid_(grid), decomposition_(decomposition) {
  for (int d = 0; d < Dim; ++d) {
    lines_[d] = CubicLine(grid.axis(d));
    slopes_[d] = LogSlope(grid.axis(d));
  }
}

template <int Dim>
double Quantities<Dim>::volume(const Index<Dim>& local) const {
  double v = 1.0;
  for (int d = 0; d < Dim; ++d) v *= grid_.axis(d).width(local[d] + decomposition_.owned().begin[d]);
  return v;
}

template <int Dim>
Point<Dim> Quantities<Dim>::centre(const Index<Dim>& local) const {
  Point<Dim> x;
  for (int d = 0; d < Dim; ++d) x[d] = grid_.axis(d).centre(local[d] + decomposition_.owned().begin[d]);
  return x;
}

namespace {

constexpr double tiny = 1e-300;  // less has no logarithm here

/// Sums of weight * p over a row, with the weights of moments 0, 1, 2 along x (about the middle of the axis).
struct RowSums {
  double moment[3] = {0.0, 0.0, 0.0};
  double negative = 0.0, entropy = 0.0;
};

RowSums add_row(const double* p, const double* w0, const double* w1, const double* w2, std::vector<double>& logs) {
  const int n = static_cast<int>(logs.size());
  double* __restrict log = logs.data();
  for (int k = 0; k < n; ++k) log[k] = row_log(p[k] > tiny ? p[k] : 1.0);
  RowSums s;
  for (int k = 0; k < n; ++k) {
    const double mass = w0[k] * p[k];
    s.moment[0] += mass;
    s.moment[1] += w1[k] * p[k];
    s.moment[2] += w2[k] * p[k];
    s.entropy -= mass * log[k];
    s.negative -= std::min(mass, 0.0);
  }
  return s;
}

}  // namespace

template <int Dim>
Integrals<Dim> Quantities<Dim>::integrals(const Field<Dim>& p) const {
  const Index<Dim>& begin = decomposition_.owned().begin;
  const int n = decomposition_.extent()[0];
  // mass, negative, entropy, first moments, second moments (d <= e).
  constexpr int firsts = 3, seconds = firsts + Dim, count = seconds + Dim * (Dim + 1) / 2;
  std::array<double, count> sums{};
  double lost = 0.0;  // by rounding, of the mass: 1e8 cells would lose four digits of it
  double extremes[2] = {-std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  std::vector<double> logs(static_cast<std::size_t>(n));
  const auto weights = [&](int d, int k) { return lines_[d].moment(k).data() + begin[d]; };
  for_each_row<Dim>(p.layout().interior(), [&](const Index<Dim>& row) {
    const double* values = p.origin() + p.layout().offset(row);
    const RowSums s = add_row(values, weights(0, 0), weights(0, 1), weights(0, 2), logs);
    const auto [least, most] = std::minmax_element(values, values + n);
    extremes[0] = std::max(extremes[0], -*least);
    extremes[1] = std::max(extremes[1], *most);
    // Product of the moments `order` of all directions.
    const auto product = [&](const std::array<int, Dim>& order) {
      double w = s.moment[order[0]];
      for (int d = 1; d < Dim; ++d) w *= weights(d, order[d])[row[d]];
      return w;
    };
    std::array<int, Dim> order{};
    double area = 1.0;
    for (int d = 1; d < Dim; ++d) area *= weights(d, 0)[row[d]];
    const double part = s.moment[0] * area, mass = sums[0] + part;
    lost += std::abs(sums[0]) >= std::abs(part) ? (sums[0] - mass) + part : (part - mass) + sums[0];
    sums[0] = mass;
    sums[1] += s.negative * area;
    sums[2] += s.entropy * area;
    int at = seconds;
    for (int d = 0; d < Dim; ++d) {
      ++order[d];
      sums[firsts + d] += product(order);
      for (int e = d; e < Dim; ++e) {
        ++order[e];
        sums[at++] += product(order);
        --order[e];
      }
      --order[d];
    }
  });
  sums[0] += lost;
  const Communicator& comm = decomposition_.comm();
  comm.sum(sums.data(), count);
  comm.max(extremes, 2);
  Integrals<Dim> result;
  result.mass = sums[0];
  result.negative_mass = sums[1];
  result.entropy = sums[2];
  result.min_density = -extremes[0];
  result.max_density = extremes[1];
  int at = seconds;
  Point<Dim> off;  // the mean, less the middle of the box
  for (int d = 0; d < Dim; ++d) off[d] = sums[firsts + d] / sums[0];
  for (int d = 0; d < Dim; ++d) result.mean[d] = lines_[d].middle() + off[d];
  for (int d = 0; d < Dim; ++d)
    for (int e = d; e < Dim; ++e)
      result.covariance[d][e] = result.covariance[e][d] = sums[at++] / sums[0] - off[d] * off[e];
  return result;
}

template <int Dim>
void Quantities<Dim>::for_each_score(const Field<Dim>& p,
                                     const std::function<void(const Index<Dim>&, const Point<Dim>&)>& visit) const {
  GhostedCopy<Dim> copy(grid_, decomposition_);
  Field<Dim>& u = copy.update(p);
  const Layout<Dim>& layout = u.layout();
  const Index<Dim>& begin = decomposition_.owned().begin;
  double largest = 0.0;
  for_each<Dim>(layout.interior(), [&](const Index<Dim>& i) { largest = std::max(largest, u(i)); });
  largest = decomposition_.comm().max(largest);
  if (!(largest > 0.0)) return;
  const double least = std::log(negligible) + std::log(largest);
  // Logarithms in place, once for all that read them; NaN where there is none.
  Box<Dim> all = layout.interior();
  for (int d = 0; d < Dim; ++d) {
    all.begin[d] -= layout.ghosts().low[d];
    all.end[d] += layout.ghosts().high[d];
  }
  for_each_row<Dim>(all, [&](const Index<Dim>& row) {
    double* __restrict values = u.origin() + layout.offset(row);
    for (int k = 0; k < all.extent(0); ++k) {
      const double log = row_log(values[k] > tiny ? values[k] : 1.0);
      values[k] = values[k] > tiny ? log : std::numeric_limits<double>::quiet_NaN();
    }
  });
  for_each<Dim>(layout.interior(), [&](const Index<Dim>& i) {
    const double* here = u.origin() + layout.offset(i);
    if (!(*here > least)) return;
    Point<Dim> s;
    for (int d = 0; d < Dim; ++d) s[d] = slopes_[d].at_logarithms(i[d] + begin[d], here, layout.stride(d));
    visit(i, s);
  });
}

template <int Dim>
void Quantities<Dim>::score(const Field<Dim>& p, int direction, Field<Dim>& out) const {
  GhostedCopy<Dim> copy(grid_, decomposition_);
  const Field<Dim>& q = copy.update(p);
  const Layout<Dim>& layout = q.layout();
  const int begin = decomposition_.owned().begin[direction];
  for_each<Dim>(layout.interior(), [&](const Index<Dim>& i) {
    out(i) = slopes_[direction].at(i[direction] + begin, q.origin() + layout.offset(i), layout.stride(direction));
  });
}

template <int Dim>
std::vector<double> Quantities<Dim>::marginal(const Field<Dim>& p, const std::vector<int>& variables) const {
  MarginalSum<Dim> sum(grid_, decomposition_, variables);
  for_each_row<Dim>(p.layout().interior(),
                    [&](const Index<Dim>& row) { sum.add_row(row, p.origin() + p.layout().offset(row)); });
  return sum.finish();
}

template <int Dim>
MarginalSum<Dim>::MarginalSum(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition,
                              std::vector<int> variables)
    : grid_(grid), decomposition_(decomposition), variables_(std::move(variables)) {
  if (variables_.empty() || variables_.size() > 2) throw InputError("a marginal keeps one or two variables");
  std::size_t size = 1;
  for (const int v : variables_) {
    if (v < 0 || v >= Dim) throw InputError("a marginal keeps a variable that there is not");
    size *= static_cast<std::size_t>(grid.axis(v).cells());
  }
  if (variables_.size() == 2 && variables_[0] == variables_[1])
    throw InputError("a marginal keeps two different variables");
  sums_.assign(size, 0.0);
}

template <int Dim>
void MarginalSum<Dim>::add_row(const Index<Dim>& row, const double* values) {
  const Index<Dim>& begin = decomposition_.owned().begin;
  const int n = decomposition_.extent()[0];
  std::ptrdiff_t at = 0, step = 0, stride = 1;
  std::array<bool, Dim> kept{};
  for (const int v : variables_) {
    kept[v] = true;
    at += (begin[v] + (v == 0 ? 0 : row[v])) * stride;
    if (v == 0) step = stride;
    stride *= grid_.axis(v).cells();
  }
  double weight = 1.0;
  for (int d = 1; d < Dim; ++d)
    if (!kept[d]) weight *= grid_.axis(d).width(row[d] + begin[d]);
  if (kept[0]) {
    for (int k = 0; k < n; ++k) sums_[static_cast<std::size_t>(at + k * step)] += weight * values[k];
    return;
  }
  double sum = 0.0;
  for (int k = 0; k < n; ++k) sum += grid_.axis(0).width(begin[0] + k) * values[k];
  sums_[static_cast<std::size_t>(at)] += weight * sum;
}

template <int Dim>
std::vector<double> MarginalSum<Dim>::finish() {
  decomposition_.comm().sum(sums_.data(), static_cast<int>(sums_.size()));
  return std::move(sums_);
}

#define KOLMO_INSTANTIATE(Dim)    \
  template class Quantities<Dim>; \
  template class MarginalSum<Dim>;
KOLMO_INSTANTIATE(1)
KOLMO_INSTANTIATE(2)
KOLMO_INSTANTIATE(3)
KOLMO_INSTANTIATE(4)
KOLMO_INSTANTIATE(5)
KOLMO_INSTANTIATE(6)
#undef KOLMO_INSTANTIATE

}  // namespace kolmo::density
