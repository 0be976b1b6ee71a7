#include "wide_flux.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "gauss.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/transport/exponential_fit.hpp"

namespace kolmo::density {

namespace {

// Changes of log G over a cell beyond which two cells are taken, and none: four Gauss points see less and less of G.
constexpr double steep = 3.0, steepest = 12.0;

/// Mean over a cell of the ratio r that carries J = 1, in units of -2 h / D, for log G that is linear and rises by P
/// from the face on: (1 - B(P)) / P.
double mean_ratio(double change) {
  return std::abs(change) < 1e-4 ? 0.5 - change / 12.0 : (1.0 - transport::bernoulli(change)) / change;
}

/// Solves a x = b by elimination with pivots; what is singular ends as NaN or infinity.
std::array<double, 4> solve(std::array<std::array<double, 4>, 4> a, std::array<double, 4> b) {
  for (int i = 0; i < 4; ++i) {
    int pivot = i;
    for (int r = i + 1; r < 4; ++r)
      if (std::abs(a[r][i]) > std::abs(a[pivot][i])) pivot = r;
    std::swap(a[i], a[pivot]);
    std::swap(b[i], b[pivot]);
    for (int r = i + 1; r < 4; ++r) {
      const double factor = a[r][i] / a[i][i];
      for (int c = i; c < 4; ++c) a[r][c] -= factor * a[i][c];
      b[r] -= factor * b[i];
    }
  }
  std::array<double, 4> x{};
  for (int i = 3; i >= 0; --i) {
    x[i] = b[i];
    for (int c = i + 1; c < 4; ++c) x[i] -= a[i][c] * x[c];
    x[i] /= a[i][i];
  }
  return x;
}

}  // namespace

template <int Dim>
WideFlux<Dim>::WideFlux(const Settings& settings, const Grid<Dim>& grid, const Decomposition<Dim>& cells)
    : settings_(&settings), grid_(&grid), cells_(&cells) {
  const Problem& problem = settings.problem;
  if (!problem.separable())
    throw InputError(
        "engine.flux: fitted4 needs a drift and a diffusion of each direction that depend on its own variable");
  for (int d = 0; d < Dim; ++d) {
    const std::string& name = problem.variables()[d];
    if (problem.diffusion_zero(d, d)) throw InputError(fmt::format("engine.flux: fitted4 needs noise in {}", name));
    const int n = grid.axis(d).cells();
    if (n < window) throw InputError(fmt::format("engine.flux: fitted4 needs at least {} cells in {}", window, name));
    const std::vector<int>& starts = cells.starts(d);
    for (std::size_t k = 0; starts.size() > 2 && k + 1 < starts.size(); ++k)
      if (starts[k + 1] - starts[k] < 4)
        throw InputError(fmt::format("engine.flux: fitted4 needs at least four cells per rank in {}", name));
    Line& line = lines_[d];
    line.shape.resize(n);
    line.diffusion.resize(n);
    line.jump.resize(n);
    line.node_diffusion.resize(n + 1);
    line.cell.resize(static_cast<std::size_t>(n) * window);
  }
  // Lagrange's polynomials of the Gauss points, integrated by the same rule.
  for (int g = 0; g < points; ++g)
    for (int h = 0; h < points; ++h)
      for (int k = 0; k < points; ++k) {
        const double half = 0.5 * (gauss::few_position[g] + 1.0), x = -1.0 + half * (gauss::few_position[k] + 1.0);
        double basis = 1.0;
        for (int m = 0; m < points; ++m)
          if (m != h) basis *= (x - gauss::few_position[m]) / (gauss::few_position[h] - gauss::few_position[m]);
        integral_[g][h] += half * gauss::few_weight[k] * basis;
      }
}

/// log G = int 2 f / D dx - log D along the axis.
template <int Dim>
void WideFlux<Dim>::find_shape(int d, double t) {
  const Problem& problem = settings_->problem;
  const Axis& axis = grid_->axis(d);
  Line& line = lines_[d];
  Point<Dim> x{};
  for (int e = 0; e < Dim; ++e) x[e] = grid_->axis(e).centre(grid_->axis(e).cells() / 2);
  double slope = 0.0, level = 0.0;
  const bool linear = problem.linear();  // then D is the same everywhere
  if (linear) {
    problem.linear_drift(t, slope_, level_);
    slope = slope_[d * Dim + d];
    level = level_[d];
  }
  const bool same = linear || !problem.diffusion_depends_on(d, d, d);
  const double constant = problem.diffusion(d, d, x.data(), t);
  const auto diffusion = [&](double at) {
    if (same) return constant;
    x[d] = at;
    return problem.diffusion(d, d, x.data(), t);
  };
  const auto drift = [&](double at) {
    if (linear) return slope * at + level;
    x[d] = at;
    return problem.drift(d, x.data(), t);
  };
  for (int i = 0; i <= axis.cells(); ++i) line.node_diffusion[i] = diffusion(axis.node(i));
  for (int i = 0; i < axis.cells(); ++i) {
    const double half = 0.5 * axis.width(i), middle = axis.node(i) + half;
    std::array<double, points> ratio;
    std::array<double, points>& local = line.diffusion[i];
    double whole = 0.0;
    for (int g = 0; g < points; ++g) {
      const double at = middle + half * gauss::few_position[g];
      local[g] = diffusion(at);
      ratio[g] = 2.0 * drift(at) / local[g];
      whole += half * gauss::few_weight[g] * ratio[g];
    }
    for (int g = 0; g < points; ++g) {
      double sum = 0.0;
      for (int h = 0; h < points; ++h) sum += integral_[g][h] * ratio[h];
      line.shape[i][g] = std::exp(half * sum) * (same ? 1.0 : line.node_diffusion[i] / local[g]);
    }
    line.jump[i] = whole - (same ? 0.0 : std::log(line.node_diffusion[i + 1] / line.node_diffusion[i]));
  }
}

/// Averages over the cells first .. last of the functions of (D12) about face f, up or down from it.
template <int Dim>
template <class Keep>
void WideFlux<Dim>::add_averages(int d, int f, int step, int last, double scale, Keep&& keep) const {
  const Axis& axis = grid_->axis(d);
  const Line& line = lines_[d];
  const int n = axis.cells();
  std::array<double, functions> ratio{};  // r_k at the node next to the face
  double log_shape = 0.0, place = 0.0;    // log G and coordinate of that node, from the face
  for (int j = step > 0 ? f : f - 1; j * step <= last * step; j += step) {
    const int c = axis.periodic() ? (j % n + n) % n : j;
    const double half = 0.5 * axis.width(c);
    if (step < 0) log_shape -= line.jump[c], place -= 2.0 * half;
    const double level = std::exp(log_shape);
    std::array<std::array<double, points>, functions> slope;
    for (int g = 0; g < points; ++g) {
      const double x = (place + half * (1.0 + gauss::few_position[g])) / scale;
      double value = -2.0 / (line.diffusion[c][g] * level * line.shape[c][g]);
      for (int k = 1; k < functions; ++k, value *= x) slope[k][g] = value;
    }
    std::array<double, functions> whole{}, column{};
    for (int k = 1; k < functions; ++k) {
      for (int g = 0; g < points; ++g) whole[k] += half * gauss::few_weight[g] * slope[k][g];
      if (step < 0) ratio[k] -= whole[k];
    }
    for (int g = 0; g < points; ++g) {
      const double weight = 0.5 * gauss::few_weight[g] * level * line.shape[c][g];
      column[0] += weight;
      for (int k = 1; k < functions; ++k) {
        double within = ratio[k];
        for (int h = 0; h < points; ++h) within += half * integral_[g][h] * slope[k][h];
        column[k] += weight * within;
      }
    }
    keep(j, column);
    if (step < 0) continue;
    for (int k = 1; k < functions; ++k) ratio[k] += whole[k];
    log_shape += line.jump[c], place += 2.0 * half;
  }
}

/// All four weights of an inner face; zeros where (D3) stays.
template <int Dim>
std::array<double, 4> WideFlux<Dim>::face_weights(int d, int f) const {
  const Axis& axis = grid_->axis(d);
  const int n = axis.cells(), first = first_of_wide_face(f, n, axis.periodic());
  const auto change = [&](int j) { return std::abs(lines_[d].jump[axis.periodic() ? (j % n + n) % n : j]); };
  if (!(change(f - 1) <= steepest && change(f) <= steepest)) return {};
  bool two = false;
  for (int k = 0; k < 4; ++k) two = two || !(change(first + k) <= steep);  // NaN, too, is steep
  std::array<std::array<double, 4>, 4> a{};
  std::array<double, 4> mass{};
  const auto keep = [&](int j, const std::array<double, functions>& column) {
    mass[j - first] = column[0];
    for (int k = 0; k < functions; ++k) a[k][j - first] = column[k] / column[0];
  };
  add_averages(d, f, 1, two ? f : first + 3, axis.distance(f), keep);
  add_averages(d, f, -1, two ? f - 1 : first, axis.distance(f), keep);
  std::array<double, 4> w{};
  if (two) {
    const int low = f - 1 - first, high = f - first;
    const double width_low = axis.width(axis.periodic() && f == 0 ? n - 1 : f - 1), width_high = axis.width(f);
    const double change_low = lines_[d].jump[axis.periodic() && f == 0 ? n - 1 : f - 1],
                 change_high = lines_[d].jump[f];
    w[low] = 0.5 * lines_[d].node_diffusion[f] /
             (width_low * mean_ratio(-change_low) + width_high * mean_ratio(change_high));
    w[high] = -w[low];
  } else {
    // Rows to the size of the largest entry.
    std::array<double, 4> right{};
    for (int k = 0; k < 4; ++k) {
      double size = 0.0;
      for (const double entry : a[k]) size = std::max(size, std::abs(entry));
      for (double& entry : a[k]) entry /= size;
      if (k == 1) right[k] = 1.0 / size;
    }
    w = solve(a, right);
  }
  for (int k = 0; k < 4; ++k) {
    if (w[k] != 0.0) w[k] /= mass[k];
    if (!std::isfinite(w[k])) return {};
  }
  return w;
}

template <int Dim>
void WideFlux<Dim>::fill(double t, DirectionWeights<Dim>& weights) {
  const int d = weights.direction;
  const Axis& axis = grid_->axis(d);
  const int n = axis.cells(), from = axis.periodic() ? 0 : 1;
  weights.line_wide.assign(static_cast<std::size_t>(n + 1) * 4, 0.0);
  find_shape(d, t);
  for (int f = from; f < n; ++f) {
    std::array<double, 4> w = face_weights(d, f);
    if (w == std::array<double, 4>{}) continue;
    const int first = first_of_wide_face(f, n, axis.periodic());
    w[f - 1 - first] -= weights.line_low[f];
    w[f - first] -= weights.line_high[f];
    std::copy(w.begin(), w.end(), weights.line_wide.begin() + 4 * f);
  }
  if (axis.periodic()) std::copy_n(weights.line_wide.begin(), 4, weights.line_wide.begin() + 4 * n);
  wide_[d] = &weights.line_wide;
  find_divergence(d, weights.line_wide);
}

template <int Dim>
int WideFlux<Dim>::first_of_cell(int d, int i) const {
  const Axis& axis = grid_->axis(d);
  return axis.periodic() ? i - 2 : std::clamp(i - 2, 0, axis.cells() - window);
}

/// -(F_{i+1} - F_i) / w_i as numbers of five cells.
template <int Dim>
void WideFlux<Dim>::find_divergence(int d, const std::vector<double>& wide) {
  const Axis& axis = grid_->axis(d);
  Line& line = lines_[d];
  std::fill(line.cell.begin(), line.cell.end(), 0.0);
  for (int i = 0; i < axis.cells(); ++i)
    for (int side = 0; side < 2; ++side) {
      const int f = i + side, shift = first_of_wide_face(f, axis.cells(), axis.periodic()) - first_of_cell(d, i);
      const double factor = (side == 0 ? 1.0 : -1.0) / axis.width(i);
      for (int k = 0; k < 4; ++k)
        if (const double w = wide[4 * f + k]; w != 0.0) line.cell[window * i + shift + k] += factor * w;
    }
}

template <int Dim>
void WideFlux<Dim>::apply(const Field<Dim>& p, Field<Dim>& rate, double factor) const {
  const Layout<Dim>& layout = p.layout();
  const Index<Dim>& begin = cells_->owned().begin;
  const int n = layout.extent()[0];
  for_each_row<Dim>(layout.interior(), [&](const Index<Dim>& row) {
    const double* in = p.origin() + layout.offset(row);
    double* __restrict out = rate.origin() + rate.layout().offset(row);
    for (int k = 0; k < n; ++k) {
      const double* a = lines_[0].cell.data() + window * (begin[0] + k);
      const double* q = in + (first_of_cell(0, begin[0] + k) - begin[0]);
      out[k] += factor * (a[0] * q[0] + a[1] * q[1] + a[2] * q[2] + a[3] * q[3] + a[4] * q[4]);
    }
    for (int d = 1; d < Dim; ++d) {
      const int i = begin[d] + row[d];
      const double* a = lines_[d].cell.data() + window * i;
      const std::ptrdiff_t step = layout.stride(d);
      const double* q = in + (first_of_cell(d, i) - i) * step;
      for (int k = 0; k < n; ++k)
        out[k] += factor * (a[0] * q[k] + a[1] * q[k + step] + a[2] * q[k + 2 * step] + a[3] * q[k + 3 * step] +
                            a[4] * q[k + 4 * step]);
    }
  });
}

template <int Dim>
void WideFlux<Dim>::add_flux(const Field<Dim>& p, std::array<Field<Dim>, Dim>& components) const {
  const Layout<Dim>& layout = p.layout();
  const Index<Dim>& begin = cells_->owned().begin;
  for (int d = 0; d < Dim; ++d) {
    const Axis& axis = grid_->axis(d);
    Box<Dim> faces = layout.interior();
    ++faces.end[d];
    for_each<Dim>(faces, [&](const Index<Dim>& i) {
      const int f = begin[d] + i[d];
      if (!axis.periodic() && (f == 0 || f == axis.cells())) return;
      const double* c = wide_[d]->data() + 4 * f;
      Index<Dim> cell = i;
      cell[d] = first_of_wide_face(f, axis.cells(), axis.periodic()) - begin[d];
      double sum = 0.0;
      for (int k = 0; k < 4; ++k, ++cell[d]) sum += c[k] * p(cell);
      components[d](i) += sum;
    });
  }
}

template class WideFlux<1>;
template class WideFlux<2>;
template class WideFlux<3>;
template class WideFlux<4>;
template class WideFlux<5>;
template class WideFlux<6>;

}  // namespace kolmo::density
