#include "kolmo/density/reconstruction.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "row_math.hpp"

namespace kolmo::density {

namespace {

/// Weights of the derivatives 0 .. 3 at `x` from values at `count` points (Fornberg 1988): weights[derivative][point].
std::array<std::array<double, 5>, 4> derivative_weights(const double* points, int count, double x) {
  std::array<std::array<double, 5>, 4> w{};
  double c1 = 1.0, c4 = points[0] - x;
  w[0][0] = 1.0;
  for (int i = 1; i < count; ++i) {
    const int highest = std::min(i, 3);
    double c2 = 1.0;
    const double c5 = c4;
    c4 = points[i] - x;
    for (int j = 0; j < i; ++j) {
      const double c3 = points[i] - points[j];
      c2 *= c3;
      if (j == i - 1) {
        for (int k = highest; k > 0; --k) w[k][i] = c1 * (k * w[k - 1][i - 1] - c5 * w[k][i - 1]) / c2;
        w[0][i] = -c1 * c5 * w[0][i - 1] / c2;
      }
      for (int k = highest; k > 0; --k) w[k][j] = (c4 * w[k][j] - k * w[k - 1][j]) / c3;
      w[0][j] = c4 * w[0][j] / c3;
    }
    c1 = c2;
  }
  return w;
}

/// coth a - 1/a.
double langevin(double a) {
  if (std::abs(a) < 0.05) {
    const double square = a * a;
    return a * (1.0 / 3.0 - square * (1.0 / 45.0 - square * (2.0 / 945.0)));
  }
  const double e = row_exp(-2.0 * std::abs(a)), coth = (1.0 + e) / (1.0 - e);
  return (a > 0.0 ? coth : -coth) - 1.0 / a;
}

}  // namespace

CubicLine::CubicLine(const Axis& axis) : axis_(axis), middle_(axis.from() + 0.5 * (axis.to() - axis.from())) {
  add_moments();
}

CubicLine::Stencil CubicLine::at(int i, double x) const {
  const int n = axis_.cells();
  int first = x < axis_.centre(i) ? i - 2 : i - 1, last = first + 3;
  if (!axis_.periodic()) {
    // Never more than two cells away, so that two ghosts do across cuts.
    if (first < 0) last = std::min(3, i + 2);
    if (last > n - 1) first = std::max(n - 4, i - 2);
    first = std::max(first, 0);
    last = std::min(last, n - 1);
  }
  Stencil stencil{first, last - first + 1, {}};
  // The derivative of the polynomial through the integral of p at the nodes.
  std::array<double, 5> nodes{};
  for (int k = 0; k <= stencil.count; ++k) nodes[k] = axis_.node(first + k);
  const auto slope = derivative_weights(nodes.data(), stencil.count + 1, x)[1];
  double sum = 0.0;
  for (int k = stencil.count - 1; k >= 0; --k) {
    sum += slope[k + 1];
    stencil.weights[k] = sum * axis_.width(first + k);
  }
  return stencil;
}

void CubicLine::add_moments() {
  const int n = axis_.cells();
  for (auto& m : moments_) m.assign(static_cast<std::size_t>(n), 0.0);
  for (int i = 0; i < n; ++i) moments_[0][i] = axis_.width(i);
  // Three Gauss points: exact for a cubic times x^2.
  for (int i = 0; i < n; ++i)
    for (int half = 0; half < 2; ++half)
      for (int g = -1; g <= 1; ++g) {
        const double length = 0.5 * axis_.width(i);
        const double x = axis_.node(i) + length * (half + 0.5 * (1.0 + std::sqrt(0.6) * g));
        const double weight = length * (g == 0 ? 8.0 : 5.0) / 18.0;
        const Stencil s = at(i, x);
        for (int k = 0; k < s.count; ++k) {
          const int cell = ((s.first + k) % n + n) % n;
          moments_[1][cell] += weight * (x - middle_) * s.weights[k];
          moments_[2][cell] += weight * (x - middle_) * (x - middle_) * s.weights[k];
        }
      }
}

LogSlope::LogSlope(const Axis& axis) {
  const int n = axis.cells();
  rows_.resize(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) {
    Row& row = rows_[i];
    row.low = axis.periodic() ? -2 : std::max(-2, -i);
    const int high = axis.periodic() ? 2 : std::min(2, n - 1 - i);
    row.count = high - row.low + 1;
    std::array<double, 5> points{};
    for (int k = 0; k < row.count; ++k) points[k] = axis.centre(i + row.low + k);
    const auto w = derivative_weights(points.data(), row.count, axis.centre(i));
    row.first = w[1];
    row.second = w[2];
    row.third = w[3];
    row.width = axis.width(i);
    for (int k = 0; k < row.count; ++k) row.width_slope += row.first[k] * axis.width(i + row.low + k);
    if (row.low < 0) row.below = axis.distance(i);
    if (high > 0) row.above = axis.distance(i + 1);
  }
}

double LogSlope::at(int i, const double* p, std::ptrdiff_t stride) const {
  const Row& row = rows_[i];
  std::array<double, 5> u{};
  for (int k = 0; k < row.count; ++k) {
    const double value = p[(row.low + k) * stride];
    u[k] = value > 0.0 ? std::log(value) : std::numeric_limits<double>::quiet_NaN();
  }
  return at_logarithms(i, u.data() - row.low, 1);
}

double LogSlope::at_logarithms(int i, const double* u, std::ptrdiff_t stride) const {
  const Row& row = rows_[i];
  double u1 = 0.0, u2 = 0.0, u3 = 0.0;
  for (int k = 0; k < row.count; ++k) {
    const double change = u[(row.low + k) * stride] - *u;
    u1 += row.first[k] * change;
    u2 += row.second[k] * change;
    u3 += row.third[k] * change;
  }
  if (row.count >= 3 && u1 == u1) {  // all of them are numbers
    const double h = row.width, a = 0.5 * h * u1, a_slope = 0.5 * (h * u2 + row.width_slope * u1);
    return u1 - (langevin(a) * a_slope + h * h * u3 / 24.0 + h * row.width_slope * u2 / 12.0);
  }
  if (std::isnan(*u)) return 0.0;
  const bool low = row.below > 0.0 && !std::isnan(u[-stride]), high = row.above > 0.0 && !std::isnan(u[stride]);
  const double down = low ? (*u - u[-stride]) / row.below : 0.0;
  const double up = high ? (u[stride] - *u) / row.above : 0.0;
  return low && high ? (row.above * down + row.below * up) / (row.below + row.above) : down + up;
}

}  // namespace kolmo::density
