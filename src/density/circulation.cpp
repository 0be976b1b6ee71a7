#include "circulation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "gauss.hpp"
#include "kolmo/base/error.hpp"

namespace kolmo::density {

namespace {

constexpr int samples = 60;
constexpr double relative_tolerance = 1e-6;  // of the identities tested at sampled points

/// Least squares by normal equations and elimination with pivots; directions that nothing determines become zero.
std::vector<double> least_squares(const std::vector<std::vector<double>>& rows, const std::vector<double>& right) {
  const int n = rows.empty() ? 0 : static_cast<int>(rows[0].size());
  std::vector<std::vector<double>> m(n, std::vector<double>(n + 1, 0.0));
  for (std::size_t r = 0; r < rows.size(); ++r)
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < n; ++j) m[i][j] += rows[r][i] * rows[r][j];
      m[i][n] += rows[r][i] * right[r];
    }
  double largest = 0.0;
  for (int i = 0; i < n; ++i) largest = std::max(largest, m[i][i]);
  std::vector<bool> used(n, false);
  std::vector<int> column(n, -1);
  for (int c = 0; c < n; ++c) {
    int pivot = -1;
    for (int i = 0; i < n; ++i)
      if (!used[i] && (pivot < 0 || std::abs(m[i][c]) > std::abs(m[pivot][c]))) pivot = i;
    if (pivot < 0 || std::abs(m[pivot][c]) <= 1e-12 * largest) continue;
    used[pivot] = true;
    column[c] = pivot;
    for (int i = 0; i < n; ++i) {
      if (i == pivot) continue;
      const double factor = m[i][c] / m[pivot][c];
      for (int k = c; k <= n; ++k) m[i][k] -= factor * m[pivot][k];
    }
  }
  std::vector<double> x(n, 0.0);
  for (int c = 0; c < n; ++c)
    if (column[c] >= 0) x[c] = m[column[c]][n] / m[column[c]][c];
  return x;
}

}  // namespace

template <int Dim>
Circulation<Dim>::Circulation(const Settings& settings, const Grid<Dim>& grid)
    : problem_(&settings.problem), grid_(&grid) {
  for (int d = 0; d < Dim; ++d) {
    step_[d] = 0.25 * grid.axis(d).min_width();
    for (int s = 0; s < 2; ++s) closed_[d][s] = settings.boundary[2 * d + s].type == BoundaryType::no_flux;
  }
  double size = 0.0, whole = 0.0;
  for (int n = 0; n < samples; ++n) {
    const Point<Dim> x = sample(n);
    for (int i = 0; i < Dim; ++i) {
      size = std::max(size, std::abs(circulating(i, x)));
      whole = std::max(whole, std::abs(problem_->drift(i, x.data(), settings.time.start)));
    }
  }
  if (size <= 1e-9 * whole) return;
  const bool separable = settings.problem.separable();
  if (!separable && fit_curl()) {
    kind_ = Kind::curl;
  } else if (!divergence_free()) {
    throw InputError("problem.exact: exp(-U) is not a stationary density of this drift and diffusion");
  } else {
    kind_ = separable ? Kind::along : Dim <= 3 ? Kind::face_means : Kind::unknown;
  }
}

template <int Dim>
std::string Circulation<Dim>::description() const {
  switch (kind_) {
    case Kind::none:
      return "reversible: differences of the potential";
    case Kind::curl:
      return "differences of the potential; circulating part as the curl of the stationary density";
    case Kind::face_means:
      return "differences of the potential; circulating part as means over faces";
    case Kind::along:
      return "differences of the potential; constant flux along each direction";
    default:
      return "circulating part neither a curl with constant coefficients nor below four dimensions: drift at faces";
  }
}

/// Point n of a sequence that fills the middle of the box.
template <int Dim>
Point<Dim> Circulation<Dim>::sample(int n) const {
  static constexpr double irrational[6] = {0.6180339887498949, 0.4142135623730951, 0.7320508075688772,
                                           0.2360679774997898, 0.6457513110645906, 0.3166247903553998};
  Point<Dim> x;
  for (int d = 0; d < Dim; ++d) {
    const double part = (n + 1) * irrational[d];
    x[d] = grid_->axis(d).from() + grid_->axis(d).length() * (0.15 + 0.7 * (part - std::floor(part)));
  }
  return x;
}

/// Central differences of eighth order.
template <int Dim>
void Circulation<Dim>::gradient(const Point<Dim>& x, double* g) const {
  static constexpr double weights[4] = {4.0 / 5.0, -1.0 / 5.0, 4.0 / 105.0, -1.0 / 280.0};
  for (int d = 0; d < Dim; ++d) {
    g[d] = 0.0;
    for (int k = 1; k <= 4; ++k) {
      Point<Dim> a = x, b = x;
      a[d] -= k * step_[d];
      b[d] += k * step_[d];
      g[d] += weights[k - 1] * (problem_->potential(b.data()) - problem_->potential(a.data())) / step_[d];
    }
  }
}

/// f_i - 1/2 sum_j (d_j D_ij - D_ij d_j U).
template <int Dim>
double Circulation<Dim>::circulating(int i, const Point<Dim>& x) const {
  double g[Dim], f = problem_->drift(i, x.data(), 0.0);
  gradient(x, g);
  for (int j = 0; j < Dim; ++j) {
    if (problem_->diffusion_zero(i, j)) continue;
    f += 0.5 * problem_->diffusion(i, j, x.data(), 0.0) * g[j];
    if (problem_->diffusion_depends_on(i, j, j))
      f -= 0.5 * problem_->diffusion_derivative(i, j, j, x.data(), 0.0, 4.0 * step_[j]);
  }
  return f;
}

template <int Dim>
bool Circulation<Dim>::fit_curl() {
  if constexpr (Dim == 1) {
    return false;
  } else {
    std::vector<std::vector<double>> rows;
    std::vector<double> right;
    double size = 0.0;
    for (int n = 0; n < samples; ++n) {
      const Point<Dim> x = sample(n);
      double g[Dim];
      gradient(x, g);
      for (int i = 0; i < Dim; ++i) {
        std::vector<double> row;
        for (int a = 0; a < Dim; ++a)
          for (int b = a + 1; b < Dim; ++b) row.push_back(i == a ? g[b] : i == b ? -g[a] : 0.0);
        rows.push_back(std::move(row));
        right.push_back(circulating(i, x));
        size = std::max(size, std::abs(right.back()));
      }
    }
    const std::vector<double> entries = least_squares(rows, right);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      double left = right[r];
      for (std::size_t k = 0; k < entries.size(); ++k) left -= rows[r][k] * entries[k];
      if (!(std::abs(left) <= relative_tolerance * size)) return false;
    }
    int k = 0;
    for (int a = 0; a < Dim; ++a)
      for (int b = a + 1; b < Dim; ++b, ++k) {
        curl_[a * Dim + b] = entries[k];
        curl_[b * Dim + a] = -entries[k];
      }
    return true;
  }
}

/// div f_c = f_c . grad U at the sampled points.
template <int Dim>
bool Circulation<Dim>::divergence_free() const {
  double largest = 0.0, scale = 0.0;
  for (int n = 0; n < samples; ++n) {
    const Point<Dim> x = sample(n);
    double g[Dim], sum = 0.0, size = 0.0;
    gradient(x, g);
    for (int i = 0; i < Dim; ++i) {
      const double h = 2.0 * step_[i], f = circulating(i, x);
      Point<Dim> a = x, b = x, a2 = x, b2 = x;
      a[i] -= h, b[i] += h, a2[i] -= 2.0 * h, b2[i] += 2.0 * h;
      const double slope =
          (8.0 * (circulating(i, b) - circulating(i, a)) - circulating(i, b2) + circulating(i, a2)) / (12.0 * h);
      sum += slope - f * g[i];
      size = std::max({size, std::abs(slope), std::abs(f * g[i]), std::abs(f) / grid_->axis(i).length()});
    }
    largest = std::max(largest, std::abs(sum));
    scale = std::max(scale, size);
  }
  return largest <= 1e-3 * scale;
}

template <int Dim>
double Circulation<Dim>::weight(const Point<Dim>& x, double reference) const {
  return std::exp(std::min(reference - problem_->potential(x.data()), 600.0));
}

template <int Dim>
double Circulation<Dim>::flux(const FaceSite<Dim>& site, double reference) const {
  switch (kind_) {
    case Kind::curl:
      return curl_flux(site, reference);
    case Kind::face_means:
      return mean_flux(site, reference);
    case Kind::along:
      return circulating(site.direction, site.centre) * weight(site.centre, reference);
    default:
      return 0.0;
  }
}

/// - sum_j A_ij (rho on the high edge of the face in direction j - rho on the low edge) / width_j.
template <int Dim>
double Circulation<Dim>::curl_flux(const FaceSite<Dim>& s, double reference) const {
  double sum = 0.0;
  for (int j = 0; j < Dim; ++j) {
    const double entry = curl_[s.direction * Dim + j];
    if (j == s.direction || entry == 0.0) continue;
    const Axis& axis = grid_->axis(j);
    double at[2];
    for (int side = 0; side < 2; ++side) {
      int node = s.cell[j] + side;
      const bool end = node == (side == 0 ? 0 : axis.cells());
      // The last node of a periodic axis is its first: the same number, so that sums cancel to the last bit.
      if (axis.periodic() && node == axis.cells()) node = 0;
      Point<Dim> x = s.centre;
      x[j] = axis.node(node);
      const bool closed = (end && closed_[j][side]) || (s.boundary >= 0 && closed_[s.direction][s.boundary]);
      at[side] = closed ? 0.0 : weight(x, reference);
    }
    sum -= entry * (at[1] - at[0]) / axis.width(s.cell[j]);
  }
  return sum;
}

template <int Dim>
double Circulation<Dim>::mean_flux(const FaceSite<Dim>& s, double reference) const {
  if (s.boundary >= 0 && closed_[s.direction][s.boundary]) return 0.0;
  Box<Dim> points;
  for (int e = 0; e < Dim; ++e) points.end[e] = e == s.direction ? 1 : gauss::count;
  double sum = 0.0;
  for_each<Dim>(points, [&](const Index<Dim>& k) {
    Point<Dim> x = s.centre;
    double w = 1.0;
    for (int e = 0; e < Dim; ++e) {
      if (e == s.direction) continue;
      x[e] += 0.5 * grid_->axis(e).width(s.cell[e]) * gauss::position[k[e]];
      w *= 0.5 * gauss::weight[k[e]];
    }
    sum += w * circulating(s.direction, x) * weight(x, reference);
  });
  return sum;
}

template class Circulation<1>;
template class Circulation<2>;
template class Circulation<3>;
template class Circulation<4>;
template class Circulation<5>;
template class Circulation<6>;

}  // namespace kolmo::density
