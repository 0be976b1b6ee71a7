#include <algorithm>
#include <cmath>
#include <vector>

#include "kolmo/density/quantities.hpp"

namespace kolmo::density {

namespace {

/// D and what turns J into D^-1 J, at one point.
template <int Dim>
class Tensor {
 public:
  Tensor(const Problem& problem, const double* x, double t) {
    const bool full = problem.diffusion_kind() == DiffusionKind::full;
    for (int i = 0; i < Dim; ++i)
      for (int j = full ? 0 : i; j < (full ? Dim : i + 1); ++j)
        if (!problem.diffusion_zero(i, j)) d_[i][j] = problem.diffusion(i, j, x, t);
  }
  double operator()(int i, int j) const { return d_[i][j]; }

  /// J . D^-1 J by elimination; directions whose pivot vanishes are left out.
  double quadratic(Point<Dim> j) const {
    auto a = d_;
    double largest = 0.0, sum = 0.0;
    for (int i = 0; i < Dim; ++i) largest = std::max(largest, a[i][i]);
    for (int i = 0; i < Dim; ++i) {
      if (!(a[i][i] > 1e-12 * largest)) continue;
      sum += j[i] * j[i] / a[i][i];
      for (int k = i + 1; k < Dim; ++k) {
        const double factor = a[k][i] / a[i][i];
        j[k] -= factor * j[i];
        for (int l = i + 1; l < Dim; ++l) a[k][l] -= factor * a[i][l];
      }
    }
    return sum;
  }

 private:
  std::array<std::array<double, Dim>, Dim> d_{};
};

/// The tensor of one point after the other, evaluated once where it is the same everywhere.
template <int Dim>
class Tensors {
 public:
  Tensors(const Problem& problem, double t) : problem_(problem), t_(t), last_(problem, Point<Dim>{}.data(), t) {
    for (int i = 0; i < Dim; ++i)
      for (int j = 0; j < Dim; ++j) constant_ = constant_ && problem.diffusion_constant(i, j);
  }
  const Tensor<Dim>& at(const Point<Dim>& x) {
    if (!constant_) last_ = Tensor<Dim>(problem_, x.data(), t_);
    return last_;
  }

 private:
  const Problem& problem_;
  double t_;
  bool constant_ = true;
  Tensor<Dim> last_;
};

/// The drift of one direction at the cells of a rank: looked up where it depends on one variable at most.
template <int Dim>
class Drift {
 public:
  Drift(const Problem& problem, const Grid<Dim>& grid, const Index<Dim>& begin, const Index<Dim>& extent, int d,
        double t)
      : problem_(problem), d_(d), t_(t) {
    int variables = 0;
    for (int e = 0; e < Dim; ++e)
      if (problem.drift_depends_on(d, e)) axis_ = e, ++variables;
    if (variables > 1) return;
    Point<Dim> x{};
    for (int e = 0; e < Dim; ++e) x[e] = grid.axis(e).centre(begin[e]);
    for (int k = 0; k < extent[axis_]; ++k) {
      x[axis_] = grid.axis(axis_).centre(begin[axis_] + k);
      table_.push_back(problem.drift(d, x.data(), t));
    }
  }
  double at(const Index<Dim>& i, const Point<Dim>& x) const {
    return table_.empty() ? problem_.drift(d_, x.data(), t_) : table_[i[axis_]];
  }

 private:
  const Problem& problem_;
  int d_, axis_ = 0;
  double t_;
  std::vector<double> table_;
};

template <int Dim>
struct FluxSums {
  double square = 0.0, production = 0.0;
  void add(const Tensor<Dim>& tensor, const Point<Dim>& j, double p, double volume) {
    double squares = 0.0;
    for (int d = 0; d < Dim; ++d) squares += j[d] * j[d];
    square = std::isnan(squares) ? HUGE_VAL : std::max(square, squares);  // what is not finite stays so
    if (p > 0.0 && squares > 0.0) production += volume * 2.0 * tensor.quadratic(j) / p;
  }
  FluxNumbers finish(const Communicator& comm) const { return {std::sqrt(comm.max(square)), comm.sum(production)}; }
};

}  // namespace

template <int Dim>
FluxNumbers Quantities<Dim>::flux_numbers(const Problem& problem, double t, const Field<Dim>& p,
                                          const std::array<Field<Dim>, Dim>& flux) const {
  FluxSums<Dim> sums;
  Tensors<Dim> tensors(problem, t);
  for_each<Dim>(p.layout().interior(), [&](const Index<Dim>& i) {
    Point<Dim> j;
    for (int d = 0; d < Dim; ++d) {
      Index<Dim> next = i;
      ++next[d];
      j[d] = 0.5 * (flux[d](i) + flux[d](next));
    }
    sums.add(tensors.at(centre(i)), j, p(i), volume(i));
  });
  return sums.finish(decomposition_.comm());
}

template <int Dim>
FluxNumbers Quantities<Dim>::flux_numbers(const Problem& problem, double t, const Field<Dim>& p) const {
  FluxSums<Dim> sums;
  Tensors<Dim> tensors(problem, t);
  const Index<Dim>& begin = decomposition_.owned().begin;
  std::vector<Drift<Dim>> drift;
  for (int d = 0; d < Dim; ++d) drift.emplace_back(problem, grid_, begin, decomposition_.extent(), d, t);
  for_each_score(p, [&](const Index<Dim>& i, const Point<Dim>& score) {
    const Point<Dim> x = centre(i);
    const Tensor<Dim>& tensor = tensors.at(x);
    Point<Dim> j;
    for (int d = 0; d < Dim; ++d) {
      j[d] = drift[d].at(i, x);
      for (int e = 0; e < Dim; ++e) {
        if (problem.diffusion_zero(d, e)) continue;
        j[d] -= 0.5 * tensor(d, e) * score[e];
        if (!problem.diffusion_depends_on(d, e, e)) continue;
        const double scale = grid_.axis(e).width(i[e] + begin[e]);
        j[d] -= 0.5 * problem.diffusion_derivative(d, e, e, x.data(), t, scale);
      }
      j[d] *= p(i);
    }
    sums.add(tensor, j, p(i), volume(i));
  });
  return sums.finish(decomposition_.comm());
}

#define KOLMO_INSTANTIATE(Dim)                                                                  \
  template FluxNumbers Quantities<Dim>::flux_numbers(const Problem&, double, const Field<Dim>&, \
                                                     const std::array<Field<Dim>, Dim>&) const; \
  template FluxNumbers Quantities<Dim>::flux_numbers(const Problem&, double, const Field<Dim>&) const;
KOLMO_INSTANTIATE(1)
KOLMO_INSTANTIATE(2)
KOLMO_INSTANTIATE(3)
KOLMO_INSTANTIATE(4)
KOLMO_INSTANTIATE(5)
KOLMO_INSTANTIATE(6)
#undef KOLMO_INSTANTIATE

}  // namespace kolmo::density
