#include "line_transport.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kolmo::density {

namespace {

constexpr double never = std::numeric_limits<double>::infinity();

constexpr std::array<double, 11> inverse{0.0,     1.0,     1.0 / 2, 1.0 / 3, 1.0 / 4, 1.0 / 5,
                                         1.0 / 6, 1.0 / 7, 1.0 / 8, 1.0 / 9, 1.0 / 10};

constexpr double smooth = 0.03;  // relative change of the velocity over a cell up to which a series serves

/// (1 - exp(-z)) / z, also near z = 0; by its series where that is short.
double decay_ratio(double z) {
  if (std::abs(z) > 0.05) return -std::expm1(-z) / z;
  double sum = 1.0;
  for (int k = 9; k > 1; --k) sum = 1.0 - z * inverse[k] * sum;
  return sum;
}

/// Derivative at node m of the polynomial that is 1 at node k and 0 at the other nodes.
double lagrange_slope(const std::vector<double>& x, int k, int m) {
  double slope = 0.0;
  for (int l = 0; l < static_cast<int>(x.size()); ++l) {
    if (l == k) continue;
    double product = 1.0 / (x[k] - x[l]);
    for (int q = 0; q < static_cast<int>(x.size()); ++q)
      if (q != k && q != l) product *= (x[m] - x[q]) / (x[k] - x[q]);
    slope += product;
  }
  return slope;
}

}  // namespace

LineTransport::LineTransport(const double* width, int n, bool periodic)
    : n_(n),
      periodic_(periodic),
      width_(width, width + n),
      edge_(n + 1),
      stencil_(n + 1),
      crossing_(n),
      seen_{std::vector<double>(n + 1), std::vector<double>(n), std::vector<double>(n), std::vector<Departure>(n + 1)},
      from_(n + 1),
      low_(n),
      high_(n),
      edges_(n + 1),
      moved_(n) {
  set_edges();
}

/// The value at a face is the slope of the polynomial through the integrals of p up to the nodes around.
void LineTransport::set_edges() {
  const int cells = std::min(4, n_);
  for (int f = 0; f <= n_; ++f) {
    const int start = periodic_ ? f - cells / 2 : std::clamp(f - cells / 2, 0, n_ - cells);
    std::vector<double> x(cells + 1, 0.0);
    for (int c = 0; c < cells; ++c) x[c + 1] = x[c] + width_[wrapped(start + c)];
    edge_[f].fill(0.0);
    for (int c = 0; c < cells; ++c) {
      for (int k = c + 1; k <= cells; ++k) edge_[f][c] += lagrange_slope(x, k, f - start);
      edge_[f][c] *= width_[wrapped(start + c)];
    }
    stencil_[f] = start;
  }
}

/// Time to cross each cell at the velocity |a| that is linear in it. The series first, which vectorises.
void LineTransport::find_crossing_times(const double* velocity) {
  const double* __restrict w = width_.data();
  double* __restrict time = crossing_.data();
  for (int i = 0; i < n_; ++i) {
    const double a = velocity[i], b = velocity[i + 1], z = (b - a) / a;
    double sum = 0.0;
#pragma GCC unroll 10
    for (int k = 10; k > 0; --k) sum = inverse[k] - z * sum;
    const double t = w[i] / std::abs(a) * sum;
    time[i] = a * b > 0.0 ? t : never;
  }
  for (int i = 0; i < n_; ++i) {
    const double a = velocity[i], b = velocity[i + 1];
    if (a * b > 0.0 && std::abs(b - a) > smooth * std::abs(a))
      time[i] = w[i] / std::abs(a) * std::log(b / a) * a / (b - a);
  }
}

void LineTransport::see(const double* velocity, bool reversed) {
  const int n = n_;
  for (int f = 0; f <= n; ++f) seen_.velocity[f] = reversed ? -velocity[n - f] : velocity[f];
  for (int i = 0; i < n; ++i) {
    const int at = reversed ? n - 1 - i : i;
    seen_.width[i] = width_[at];
    seen_.crossing[i] = crossing_[at];
  }
}

void LineTransport::set_velocity(const double* velocity, std::array<double, 2> flux, double dt) {
  const int n = n_;
  const bool inward[2] = {velocity[0] > 0.0, velocity[n] < 0.0};
  for (int side = 0; side < 2; ++side)
    outside_[side] = inward[side] && !periodic_ ? flux[side] / velocity[side == 0 ? 0 : n] : 0.0;
  for (int f = 0; f <= n; ++f) from_[f] = f < n ? Departure{f, 0.0} : Departure{n - 1, 1.0};
  find_crossing_times(velocity);
  if (std::any_of(velocity, velocity + n + 1, [](double a) { return a > 0.0; })) {
    see(velocity, false);
    trace(dt);
    for (int f = 0; f <= n; ++f)
      if (velocity[f] > 0.0) from_[f] = seen_.from[f];
  }
  if (std::any_of(velocity, velocity + n + 1, [](double a) { return a < 0.0; })) {
    see(velocity, true);
    trace(dt);
    for (int f = 0; f <= n; ++f) {
      const Departure& x = seen_.from[n - f];
      const bool outside = !periodic_ && x.cell < 0;
      if (velocity[f] < 0.0) from_[f] = {n - 1 - x.cell, outside ? -x.at : 1.0 - x.at};
    }
  }
  for (int f = 1; f <= n; ++f) {
    Departure& x = from_[f];
    const Departure& before = from_[f - 1];
    if (x.cell < before.cell || (x.cell == before.cell && x.at < before.at)) x = before;
  }
}

/// The faces with positive velocity, from low to high. `left`: time that remains to go back in `cell` from its high
/// face. Periodic: starts at a face that is not moving up; where there is none, whole rounds change nothing.
void LineTransport::trace(double dt) {
  const int n = n_;
  const std::vector<double>&velocity = seen_.velocity, &width = seen_.width, &crossing = seen_.crossing;
  int cell = -1, begin = 0;
  double left = dt;
  if (periodic_) {
    while (begin < n && velocity[begin] > 0.0) ++begin;
    if (begin == n) {
      double round = 0.0;
      for (const double t : crossing) round += t;
      dt = left = std::fmod(dt, round);
      for (begin = 0; cell > -n && left > crossing[cell + n]; --cell) left -= crossing[cell + n];
    }
  }
  bool moving = false;
  for (int f = begin; f <= begin + n; ++f) {
    if (!periodic_ && f > n) break;
    const bool again = periodic_ && f >= n;
    const int face = again ? f - n : f;
    if (velocity[face] <= 0.0) {
      moving = false;
      continue;
    }
    if (moving) {
      left -= crossing[f > n ? f - 1 - n : f - 1];
      while (left < 0.0 && cell < f - 1) left += crossing[wrapped(++cell)];
    } else if (f > begin) {
      cell = f - 1;
    }
    if (cell == f - 1 && f > begin) left = dt;
    moving = true;
    Departure x{-1, -velocity[0] * left};
    if (periodic_ || cell >= 0) {
      const int in = wrapped(cell);
      const double speed = velocity[in + 1], decrease = (speed - velocity[in]) / width[in];
      x = {again ? cell - n : cell,
           std::clamp(1.0 - speed * left * decay_ratio(decrease * left) / width[in], 0.0, 1.0)};
    }
    seen_.from[face] = x;
    if (periodic_ && face == 0) seen_.from[n] = {x.cell + n, x.at};
  }
}

void LineTransport::reconstruct(const double* p) {
  const int n = n_, cells = std::min(4, n);
  for (int f = 0; f <= n; ++f) {
    const int first = stencil_[f];
    double value = 0.0;
    if (cells == 4 && first >= 0 && first + 4 <= n)
      for (int c = 0; c < 4; ++c) value += edge_[f][c] * p[first + c];
    else
      for (int c = 0; c < cells; ++c) value += edge_[f][c] * p[wrapped(first + c)];
    edges_[f] = std::max(value, 0.0);
  }
  for (int i = 0; i < n; ++i) {
    double low = edges_[i], high = edges_[i + 1];
    const double step = high - low, curvature = 6.0 * (p[i] - 0.5 * (low + high));
    // A minimum inside, below zero.
    if (std::abs(step) < -curvature && p[i] + step * step / (4.0 * curvature) + curvature / 12.0 < 0.0) {
      if (p[i] < low && p[i] < high)
        low = high = p[i];
      else if (high > low)
        high = 3.0 * p[i] - 2.0 * low;
      else
        low = 3.0 * p[i] - 2.0 * high;
    }
    low_[i] = low;
    high_[i] = high;
  }
}

double LineTransport::whole(const double* p, int cell) const { return width_[wrapped(cell)] * p[wrapped(cell)]; }

/// Mass in a part of a cell.
double LineTransport::piece(const double* p, int cell, double from, double to) const {
  if (!periodic_ && (cell < 0 || cell >= n_)) return outside_[cell < 0 ? 0 : 1] * (to - from);
  const int i = wrapped(cell);
  const double low = low_[i], high = high_[i], curvature = 6.0 * (p[i] - 0.5 * (low + high));
  const auto below = [&](double x) { return x * (low + x * (0.5 * (high - low + curvature) - x * curvature / 3.0)); };
  double part = 0.0;
  if (to == 1.0) {
    const double x = 1.0 - from;
    part = x == 1.0 ? p[i] : x * (high + x * (0.5 * (low - high + curvature) - x * curvature / 3.0));
  } else {
    part = below(to) - (from > 0.0 ? below(from) : 0.0);
  }
  return width_[i] * std::max(part, 0.0);
}

/// Mass between two points of departure.
double LineTransport::between(const double* p, const Departure& from, const Departure& to) const {
  if (from.cell == to.cell) return piece(p, from.cell, from.at, to.at);
  double sum = piece(p, from.cell, from.at, from.cell < 0 && !periodic_ ? 0.0 : 1.0);
  for (int cell = from.cell + 1; cell < to.cell; ++cell) sum += whole(p, cell);
  return sum + piece(p, to.cell, 0.0, to.at);
}

void LineTransport::remap(double* p, std::array<double, 2>& left) {
  reconstruct(p);
  for (int i = 0; i < n_; ++i) moved_[i] = between(p, from_[i], from_[i + 1]) / width_[i];
  if (!periodic_) {
    const Departure low{0, 0.0}, high{n_ - 1, 1.0};
    left[0] += from_[0].cell < 0 ? outside_[0] * from_[0].at : between(p, low, from_[0]);
    left[1] += from_[n_].cell >= n_ ? -outside_[1] * from_[n_].at : between(p, from_[n_], high);
  }
  std::copy(moved_.begin(), moved_.end(), p);
}

}  // namespace kolmo::density
