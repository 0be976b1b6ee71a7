#include "kolmo/density/comparison.hpp"

#include <algorithm>
#include <cmath>

#include "ghosted_copy.hpp"
#include "row_math.hpp"

namespace kolmo::density {

template <int Dim>
Comparison<Dim>::Comparison(const Quantities<Dim>& quantities, const ExactDensity& exact)
    : quantities_(quantities), exact_(exact) {}

namespace {

/// Point values of the exact density on layers of cell centres across the last direction, one ghost all round, three
/// layers at a time: every point is evaluated once. In one dimension there is one layer, the line itself.
template <int Dim>
class Layers {
 public:
  Layers(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition, const ExactDensity& exact, double t)
      : grid_(grid), begin_(decomposition.owned().begin), exact_(exact), t_(t) {
    box_.end = decomposition.extent();
    std::ptrdiff_t size = 1;
    for (int d = 0; d < wide; ++d) {
      stride_[d] = size;
      size *= box_.end[d] + 2;
    }
    for (auto& layer : layers_) layer.resize(static_cast<std::size_t>(size));
    for (int k = -1; k <= box_.end[0]; ++k) first_.push_back(grid.axis(0).centre(begin_[0] + k));
    for (int d = 0; d < Dim; ++d)
      for (int i = 0; i < box_.end[d]; ++i) {
        const Axis& axis = grid.axis(d);
        const double below = axis.distance(begin_[d] + i), above = axis.distance(begin_[d] + i + 1);
        const double scale = axis.width(begin_[d] + i) * axis.width(begin_[d] + i) / (12.0 * (above + below));
        low_[d].push_back(scale / below);
        high_[d].push_back(scale / above);
      }
  }

  /// visit(row, averages): q + sum_d w_d^2 / 24 d2q/dx_d^2.
  template <class Visit>
  void run(Visit&& visit) {
    std::vector<double> averages(static_cast<std::size_t>(box_.end[0]));
    const int last = layered ? box_.end[Dim - 1] : 1;
    if (layered) fill(-1, layers_[0]);
    fill(0, layers_[1]);
    for (int layer = 0; layer < last; ++layer) {
      if (layered) fill(layer + 1, layers_[2]);
      Box<Dim> rows = box_;
      if (layered) rows.begin[Dim - 1] = layer, rows.end[Dim - 1] = layer + 1;
      kolmo::for_each_row<Dim>(rows, [&](const Index<Dim>& row) {
        average(row, averages.data());
        visit(row, averages);
      });
      std::swap(layers_[0], layers_[1]);
      std::swap(layers_[1], layers_[2]);
    }
  }

 private:
  static constexpr bool layered = Dim > 1;
  static constexpr int wide = layered ? Dim - 1 : 1;

  void fill(int last, std::vector<double>& layer) {
    Box<Dim> box;
    for (int d = 0; d < wide; ++d) box.begin[d] = -1, box.end[d] = box_.end[d] + 1;
    if (layered) box.begin[Dim - 1] = last, box.end[Dim - 1] = last + 1;
    double* out = layer.data();
    Point<Dim> x;
    kolmo::for_each_row<Dim>(box, [&](const Index<Dim>& row) {
      for (int d = 1; d < Dim; ++d) x[d] = grid_.axis(d).centre(begin_[d] + row[d]);
      const int count = static_cast<int>(first_.size());
      exact_.densities(first_.data(), count, x.data(), t_, out);
      for (int k = 0; k < count; ++k) out[k] = std::isfinite(out[k]) ? out[k] : 0.0;  // a ghost may lie where it ends
      out += count;
    });
  }

  void average(const Index<Dim>& row, double* out) const {
    const int n = box_.end[0];
    std::ptrdiff_t base = 1;
    for (int d = 1; d < wide; ++d) base += (row[d] + 1) * stride_[d];
    const double* here = layers_[1].data() + base;
    const double* const along = here;
    for (int k = 0; k < n; ++k)
      out[k] = here[k] + low_[0][k] * (along[k - 1] - here[k]) + high_[0][k] * (along[k + 1] - here[k]);
    for (int d = 1; d < Dim; ++d) {
      const double* below = d < wide ? here - stride_[d] : layers_[0].data() + base;
      const double* above = d < wide ? here + stride_[d] : layers_[2].data() + base;
      const double low = low_[d][row[d]], high = high_[d][row[d]];
      for (int k = 0; k < n; ++k) out[k] += low * (below[k] - here[k]) + high * (above[k] - here[k]);
    }
  }

  const Grid<Dim>& grid_;
  Index<Dim> begin_;
  const ExactDensity& exact_;
  double t_;
  Box<Dim> box_;
  std::array<std::ptrdiff_t, Dim> stride_{};
  std::vector<double> first_;  ///< coordinates along x, a ghost at either end
  std::array<std::vector<double>, 3> layers_;
  std::array<std::vector<double>, Dim> low_, high_;
};

}  // namespace

template <int Dim>
template <class Visit>
void Comparison<Dim>::visit_rows(double t, Visit&& visit) const {
  const Decomposition<Dim>& decomposition = quantities_.decomposition();
  // What does not change is kept where there is room for it.
  const bool keep = !exact_.transient() && Dim <= 3;
  if (kept_.empty()) {
    Layers<Dim> layers(quantities_.grid(), decomposition, exact_, t);
    layers.run([&](const Index<Dim>& row, std::vector<double>& averages) {
      if (keep) kept_.insert(kept_.end(), averages.begin(), averages.end());
      visit(row, averages);
    });
    return;
  }
  Box<Dim> box;
  box.end = decomposition.extent();
  std::vector<double> averages(static_cast<std::size_t>(box.end[0]));
  auto from = kept_.begin();
  kolmo::for_each_row<Dim>(box, [&](const Index<Dim>& row) {
    std::copy_n(from, averages.size(), averages.begin());
    from += box.end[0];
    visit(row, averages);
  });
}

template <int Dim>
void Comparison<Dim>::for_each_row(double t, const std::function<void(const Index<Dim>&, const double*)>& visit) const {
  const double scale = factor(t);
  visit_rows(t, [&](const Index<Dim>& row, std::vector<double>& values) {
    for (double& value : values) value *= scale;
    visit(row, values.data());
  });
}

template <int Dim>
double Comparison<Dim>::raw_mass(double t) const {
  double sum = 0.0;
  const Axis& axis = quantities_.grid().axis(0);
  const int begin = quantities_.decomposition().owned().begin[0];
  visit_rows(t, [&](const Index<Dim>& row, const std::vector<double>& values) {
    double part = 0.0;
    for (std::size_t k = 0; k < values.size(); ++k) part += axis.width(begin + static_cast<int>(k)) * values[k];
    sum += quantities_.volume(row) / axis.width(begin) * part;
  });
  return quantities_.decomposition().comm().sum(sum);
}

template <int Dim>
double Comparison<Dim>::factor(double t) const {
  if (exact_.normalised()) return 1.0;
  if (known_factor_ == 0.0 || (exact_.transient() && known_time_ != t)) {
    known_factor_ = 1.0 / raw_mass(t);
    known_time_ = t;
  }
  return known_factor_;
}

template <int Dim>
double Comparison<Dim>::mass(double t) const {
  return exact_.normalised() ? raw_mass(t) : 1.0;
}

namespace {

/// into[k] := p log(p/q) - p + q, free of cancellation where p is near q; what lies outside of the range of numbers is
/// left to the caller.
void divergences(const double* p, const double* q, int n, double* __restrict into) {
  for (int k = 0; k < n; ++k) {
    const bool usual = p[k] > 1e-300 && q[k] > 1e-290;
    const double value = usual ? p[k] : 1.0, exact = usual ? q[k] : 1.0, r = (value - exact) / exact;
    const double ratio = value / exact;
    const double near = exact * r * r * (0.5 - r * (1.0 / 6 - r * (1.0 / 12 - r / 20)));
    const double far = value * row_log(ratio < 1e-300 ? 1e-300 : ratio > 1e300 ? 1e300 : ratio) - value + exact;
    into[k] = std::abs(r) < 1e-3 ? near : far;
  }
}

}  // namespace

template <int Dim>
CellDistance Comparison<Dim>::cells(const Field<Dim>& p, double t) const {
  const double log_factor = std::log(factor(t));
  const int n = p.layout().extent()[0];
  std::vector<double> parts(static_cast<std::size_t>(n)), width(parts.size());
  for (int k = 0; k < n; ++k)
    width[k] = quantities_.grid().axis(0).width(k + quantities_.decomposition().owned().begin[0]);
  const auto outside = [&](double value, double q, const Index<Dim>& local) {
    if (!(value > 0.0)) return q;
    const double log = exact_.log_density(quantities_.centre(local).data(), t) + log_factor;
    return value * (std::log(value) - log) - value + q;
  };
  double sums[5] = {};
  for_each_row(t, [&](const Index<Dim>& row, const double* exact) {
    const double* values = p.origin() + p.layout().offset(row);
    divergences(values, exact, n, parts.data());
    const double area = quantities_.volume(row) / width[0];
    double part[5] = {};
    for (int k = 0; k < n; ++k) {
      const double e = values[k] - exact[k];
      if (!(values[k] > 1e-300 && exact[k] > 1e-290)) {
        Index<Dim> i = row;
        i[0] += k;
        parts[k] = outside(values[k], exact[k], i);
      }
      part[0] += width[k] * std::abs(e);
      part[1] += width[k] * e * e;
      part[2] += width[k] * exact[k];
      part[3] += width[k] * exact[k] * exact[k];
      part[4] += width[k] * parts[k];
    }
    for (int m = 0; m < 5; ++m) sums[m] += area * part[m];
  });
  quantities_.decomposition().comm().sum(sums, 5);
  return {sums[0] / sums[2], std::sqrt(sums[1] / sums[3]), sums[4]};
}

namespace {

/// Evaluates the reconstruction at the Gauss points of all cells of a rank, one direction after the other: from slabs
/// of values to slabs at points, so that a point costs little more than four products.
template <int Dim>
class PointSweep {
 public:
  PointSweep(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition, const Layout<Dim>& layout)
      : layout_(layout) {
    for (int d = 0; d < Dim; ++d) {
      const CubicLine line(grid.axis(d));
      const Axis& axis = grid.axis(d);
      const int begin = decomposition.owned().begin[d];
      for (int i = begin; i < decomposition.owned().end[d]; ++i)
        for (const auto& [position, weight] : rule()) {
          GaussPoint point{line.at(i, axis.node(i) + position * axis.width(i)), axis.node(i) + position * axis.width(i),
                           weight * axis.width(i)};
          point.stencil.first -= begin;
          points_[d].push_back(point);
        }
    }
    arrange();
    // Buffer d holds directions 0 .. d - 1 with their ghosts.
    std::ptrdiff_t low = 0, high = 0;
    for (int d = 0; d < Dim; ++d) {
      low_[d] = low;
      buffers_[d].resize(d == 0 ? 0 : static_cast<std::size_t>(high - low + 1));
      low -= layout.ghosts().low[d] * layout.stride(d);
      high += (layout.extent()[d] - 1 + layout.ghosts().high[d]) * layout.stride(d);
    }
  }

  /// visit(row, values, weight): all points of an x row, at the coordinates first(), with the weights `along()` times
  /// weight; row: the other coordinates.
  template <class Visit>
  void run(const Field<Dim>& p, Visit&& visit) {
    Point<Dim> x{};
    descend<Dim - 1>(p.origin(), 1.0, x, visit);
  }
  const std::vector<double>& first() const { return first_; }
  const std::vector<double>& along() const { return along_; }

 private:
  struct GaussPoint {
    CubicLine::Stencil stencil;
    double x, weight;
  };
  static std::vector<std::pair<double, double>> rule() {
    const double near = 0.5 - std::sqrt(1.0 / 12.0);
    if (Dim > 2) return {{near, 0.5}, {1.0 - near, 0.5}};
    // Two in either half, where the reconstruction is one polynomial.
    return {{0.5 * near, 0.25}, {0.5 - 0.5 * near, 0.25}, {0.5 + 0.5 * near, 0.25}, {1.0 - 0.5 * near, 0.25}};
  }

  /// Points of x rows by their place in the cell, so that neighbours read neighbours.
  void arrange() {
    const int per_cell = static_cast<int>(rule().size()), n = static_cast<int>(points_[0].size()) / per_cell;
    for (int g = 0; g < per_cell; ++g) {
      for (int i = 0; i < n; ++i) {
        const GaussPoint& point = points_[0][i * per_cell + g];
        first_.push_back(point.x);
        along_.push_back(point.weight);
        for (int k = 0; k < 4; ++k) weights_[k].push_back(point.stencil.weights[k]);
      }
      // Cells whose four neighbours lie as in the middle.
      Run run;
      const auto offset = [&](int i) { return points_[0][i * per_cell + g].stencil.first - i; };
      const auto usual = [&](int i) {
        return offset(i) == offset(n / 2) && points_[0][i * per_cell + g].stencil.count == 4;
      };
      run.offset = offset(n / 2);
      for (run.begin = n / 2; run.begin > 0 && usual(run.begin - 1);) --run.begin;
      for (run.end = n / 2; run.end < n && usual(run.end);) ++run.end;
      run.begin = std::min(run.begin, run.end);
      runs_.push_back(run);
    }
    values_.resize(first_.size());
  }

  void reconstruct(const double* p) {
    const int per_cell = static_cast<int>(runs_.size()), n = static_cast<int>(first_.size()) / per_cell;
    for (int g = 0; g < per_cell; ++g) {
      const auto one = [&](int i) {
        const CubicLine::Stencil& s = points_[0][i * per_cell + g].stencil;
        double sum = 0.0;
        for (int k = 0; k < s.count; ++k) sum += s.weights[k] * p[s.first + k];
        values_[g * n + i] = sum;
      };
      const Run& run = runs_[g];
      for (int i = 0; i < run.begin; ++i) one(i);
      double* __restrict out = values_.data() + g * n;
      const double *in = p + run.offset, *w0 = weights_[0].data() + g * n, *w1 = weights_[1].data() + g * n,
                   *w2 = weights_[2].data() + g * n, *w3 = weights_[3].data() + g * n;
      for (int i = run.begin; i < run.end; ++i)
        out[i] = w0[i] * in[i] + w1[i] * in[i + 1] + w2[i] * in[i + 2] + w3[i] * in[i + 3];
      for (int i = run.end; i < n; ++i) one(i);
    }
  }

  template <int D, class Visit>
  void descend(const double* values, double weight, Point<Dim>& x, Visit& visit) {
    if constexpr (D == 0) {
      reconstruct(values);
      visit(x, values_, weight);
      return;
    }
    for (const GaussPoint& point : points_[D]) {
      const CubicLine::Stencil& s = point.stencil;
      x[D] = point.x;
      if constexpr (D > 0) {
        std::vector<double>& buffer = buffers_[D];
        const auto size = static_cast<std::ptrdiff_t>(buffer.size());
        for (int k = 0; k < s.count; ++k) {
          const double* from = values + (s.first + k) * layout_.stride(D) + low_[D];
          const double w = s.weights[k];
          if (k == 0)
            for (std::ptrdiff_t m = 0; m < size; ++m) buffer[m] = w * from[m];
          else
            for (std::ptrdiff_t m = 0; m < size; ++m) buffer[m] += w * from[m];
        }
        descend<D - 1>(buffer.data() - low_[D], weight * point.weight, x, visit);
      }
    }
  }

  struct Run {
    int begin = 0, end = 0, offset = 0;
  };
  Layout<Dim> layout_;
  std::array<std::vector<GaussPoint>, Dim> points_;
  std::vector<Run> runs_;
  std::vector<double> first_, along_, values_;
  std::array<std::vector<double>, 4> weights_;
  std::array<std::ptrdiff_t, Dim> low_{};
  std::array<std::vector<double>, Dim> buffers_;
};

}  // namespace

template <int Dim>
FunctionDistance Comparison<Dim>::function(const Field<Dim>& p, double t) const {
  const double scale = factor(t);
  GhostedCopy<Dim> copy(quantities_.grid(), quantities_.decomposition());
  const Field<Dim>& q = copy.update(p);
  PointSweep<Dim> sweep(quantities_.grid(), quantities_.decomposition(), q.layout());
  double sums[4] = {};
  const int count = static_cast<int>(sweep.first().size());
  const std::vector<double>& along = sweep.along();
  std::vector<double> exact(along.size());
  sweep.run(q, [&](Point<Dim> row, const std::vector<double>& values, double weight) {
    exact_.densities(sweep.first().data(), count, row.data(), t, exact.data());
    double part[4] = {};
    for (int k = 0; k < count; ++k) {
      const double e = values[k] - scale * exact[k];
      part[0] += along[k] * std::abs(e);
      part[1] += along[k] * e * e;
      part[2] += along[k] * exact[k];
      part[3] += along[k] * exact[k] * exact[k];
    }
    for (int m = 0; m < 4; ++m) sums[m] += weight * (m < 2 ? 1.0 : m == 2 ? scale : scale * scale) * part[m];
  });
  quantities_.decomposition().comm().sum(sums, 4);
  return {sums[0] / sums[2], std::sqrt(sums[1] / sums[3])};
}

template <int Dim>
double Comparison<Dim>::score(const Field<Dim>& p, double t) const {
  double sums[2] = {};
  quantities_.for_each_score(p, [&](const Index<Dim>& i, const Point<Dim>& s) {
    Point<Dim> exact;
    exact_.score(quantities_.centre(i).data(), t, exact.data());
    const double weight = quantities_.volume(i) * p(i);
    for (int d = 0; d < Dim; ++d) {
      sums[0] += weight * (s[d] - exact[d]) * (s[d] - exact[d]);
      sums[1] += weight * exact[d] * exact[d];
    }
  });
  quantities_.decomposition().comm().sum(sums, 2);
  return std::sqrt(sums[0] / sums[1]);
}

template <int Dim>
std::vector<double> Comparison<Dim>::marginal(double t, const std::vector<int>& variables) const {
  MarginalSum<Dim> sum(quantities_.grid(), quantities_.decomposition(), variables);
  for_each_row(t, [&](const Index<Dim>& row, const double* values) { sum.add_row(row, values); });
  return sum.finish();
}

template class Comparison<1>;
template class Comparison<2>;
template class Comparison<3>;
template class Comparison<4>;
template class Comparison<5>;
template class Comparison<6>;

}  // namespace kolmo::density
