#include "line_kernels.hpp"

#include <algorithm>
#include <cmath>

#include "line_vectors.hpp"

#ifdef __SSE2__
#include <immintrin.h>
#endif

namespace kolmo::density {

FlushSubnormals::FlushSubnormals() {
#ifdef __SSE2__
  saved_ = _mm_getcsr();
  _mm_setcsr(saved_ | 0x8040);  // flush to zero, denormals are zero
#endif
}

FlushSubnormals::~FlushSubnormals() {
#ifdef __SSE2__
  _mm_setcsr(saved_);
#endif
}

/// Panels of V vectors of W lanes. Cell i keeps at rate 1, passes a_i = tau low_{i+1} / w_i up and b_i = -tau high_i /
/// w_i down.
template <int V, int W>
struct LineSolver::Kernels {
  using Vector = typename Lanes<W>::Type;
  static constexpr int lanes = V * W;
  LineSolver& s;
  const LinePanel& line;
  Vector border[V];  // inverse pivot of the last cell of periodic lines

  static std::ptrdiff_t row(int i) { return static_cast<std::ptrdiff_t>(i) * lanes; }
  Vector source(int side, double tau, int v) const {
    const double* c = line.constant[side];
    return c ? load<W>(c + v * W) * (side == 0 ? tau : -tau) : Vector{};
  }
  Vector up(int i, double tau, int k) const {
    return load<W>(line.low + (i + 1) * line.step_low + k) * (tau * line.inverse_width[i]);
  }
  Vector down(int i, double tau, int k) const {
    return load<W>(line.high + i * line.step_high + k) * (-tau * line.inverse_width[i]);
  }

  /// Cells are eliminated from the first. kept_i = 1 + b_i (kept / pivot)_{i-1}: what does not come back from below;
  /// pivot = kept + a. What leaves through the ends counts as kept.
  void factorise(double tau) {
    Vector share[V];
    for (int v = 0; v < V; ++v) share[v] = Vector{} + 1.0;
    for (int i = 0; i < line.n; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        const int k = v * W;
        const Vector a = up(i, tau, k), b = down(i, tau, k);
        const Vector kept = b * share[v] + 1.0;
        const Vector inverse = 1.0 / (kept + a);
        share[v] = kept * inverse;
        store<W>(s.back_.data() + row(i) + k, b);
        store<W>(s.inverse_.data() + row(i) + k, inverse);
        store<W>(s.forward_.data() + row(i) + k, a * inverse);
      }
  }

  /// The last cell is a border: every other passes c on to it through the cells eliminated, and gets g of what it
  /// passes on. The border keeps what the others keep of that.
  void factorise_periodic(double tau) {
    const int n = line.n;
    Vector share[V], to_border[V], pass[V], g[V], kept_border[V];
    for (int v = 0; v < V; ++v) {
      const int k = v * W;
      kept_border[v] = Vector{} + 1.0;
      share[v] = to_border[v] = Vector{} + 0.0;
      pass[v] = Vector{} + 1.0;
      g[v] = n > 1 ? load<W>(line.low + k) * (tau * line.inverse_width[n - 1]) : Vector{} + 0.0;
    }
    for (int i = 0; i + 1 < n; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        const int k = v * W;
        Vector a = up(i, tau, k);
        const Vector b = down(i, tau, k);
        const Vector kept = b * share[v] + 1.0;
        Vector c = i == 0 ? b : b * to_border[v];
        g[v] *= pass[v];
        if (i == n - 2) {
          c += a;
          a = Vector{};
          g[v] += down(n - 1, tau, k);
        }
        const Vector inverse = 1.0 / (kept + a + c);
        share[v] = kept * inverse;
        to_border[v] = c * inverse;
        pass[v] = a * inverse;
        kept_border[v] += share[v] * g[v];
        store<W>(s.back_.data() + row(i) + k, b);
        store<W>(s.inverse_.data() + row(i) + k, inverse);
        store<W>(s.forward_.data() + row(i) + k, pass[v]);
        store<W>(s.corner_.data() + row(i) + k, to_border[v]);
        store<W>(s.entry_.data() + row(i) + k, g[v]);
      }
    for (int v = 0; v < V; ++v) border[v] = 1.0 / kept_border[v];
  }

  void prepare(double tau) {
    if (line.periodic)
      factorise_periodic(tau);
    else
      factorise(tau);
  }

  /// x := J b, masses: first the elimination, upwards, with the fluxes given at the ends as sources.
  template <class Right>
  void eliminate(double tau, double* x, Right&& b) const {
    const int last = line.periodic ? line.n - 1 : line.n;
    Vector sum[V], pass[V], gathered[V];
    for (int v = 0; v < V; ++v) {
      sum[v] = source(0, tau, v);
      pass[v] = Vector{} + 1.0;
      gathered[v] = source(1, tau, v);
    }
    for (int i = 0; i < last; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        const int k = v * W;
        sum[v] = b(i, k) + pass[v] * sum[v];
        pass[v] = load<W>(s.forward_.data() + row(i) + k);
        if (line.periodic) gathered[v] += load<W>(s.corner_.data() + row(i) + k) * sum[v];
        store<W>(x + row(i) + k, sum[v]);
      }
    for (int v = 0; v < V; ++v) {
      const int k = v * W;
      double* end = x + row(line.n - 1) + k;
      store<W>(end, line.periodic ? (b(last, k) + gathered[v]) * border[v] : load<W>(end) + gathered[v]);
    }
  }

  /// Then the way back: take(i, k, m) gets the masses from the last cell to the first, and may overwrite x.
  template <class Take>
  void substitute(const double* x, Take&& take) const {
    Vector above[V], last[V];
    int i = line.n - 1;
    for (int v = 0; v < V; ++v) above[v] = last[v] = Vector{};
    if (line.periodic) {
      for (int v = 0; v < V; ++v) {
        last[v] = load<W>(x + row(i) + v * W);
        take(i, v * W, last[v]);
      }
      --i;
    }
    for (; i >= 0; --i)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        const int k = v * W;
        Vector sum = load<W>(x + row(i) + k) + above[v];
        if (line.periodic) sum += load<W>(s.entry_.data() + row(i) + k) * last[v];
        const Vector m = sum * load<W>(s.inverse_.data() + row(i) + k);
        above[v] = m * load<W>(s.back_.data() + row(i) + k);
        take(i, k, m);
      }
  }

  Vector mass(int i, int k) const { return load<W>(line.p + i * line.step_p + k) * line.width[i]; }

  /// result := p after backward Euler, densities.
  void euler(double dt, double* result) {
    prepare(dt);
    eliminate(dt, result, [this](int i, int k) { return mass(i, k); });
    substitute(result, [&](int i, int k, Vector m) { store<W>(result + row(i) + k, m * line.inverse_width[i]); });
  }

  /// result := p after the step of second order; first: the masses u. The masses of cells above and below zero.
  void second_order(double dt, double* first, double* result, double* positive, double* negative) {
    Vector above[V], below[V];
    const double tau = pole * dt;
    prepare(tau);
    eliminate(tau, first, [this](int i, int k) { return mass(i, k); });
    substitute(first, [&](int i, int k, Vector m) { store<W>(first + row(i) + k, m); });
    eliminate(tau, result, [&](int i, int k) { return load<W>(first + row(i) + k); });
    for (int v = 0; v < V; ++v) above[v] = below[v] = Vector{};
    substitute(result, [&](int i, int k, Vector m) {
      const Vector sum = weight_second * m + weight_first * load<W>(first + row(i) + k);
      const Vector more = sum > 0.0 ? sum : Vector{};
      above[k / W] += more;
      below[k / W] += sum - more;
      store<W>(result + row(i) + k, sum * line.inverse_width[i]);
    });
    for (int v = 0; v < V; ++v) {
      store<W>(positive + v * W, above[v]);
      store<W>(negative + v * W, below[v]);
    }
  }

  /// Takes `other` on the lanes whose factor is zero; on the others drops what is negative and multiplies by the
  /// factor.
  void repair(const double* factor, const double* other, double* result) const {
    for (int i = 0; i < line.n; ++i)
      for (int k = 0; k < lanes; ++k) {
        const double r = std::max(result[row(i) + k], 0.0) * factor[k];
        result[row(i) + k] = other && factor[k] == 0.0 ? other[row(i) + k] : r;
      }
  }

  /// Flux out of the domain per unit area with the densities q of a panel, times `time`.
  void add_outflow(const double* q, double time, const double* inverse, double (*left)[LineProduct::panel]) const {
    const int n = line.n;
    const double* low = line.high;  // of face 0: what cell 0 loses
    const double* high = line.low + n * line.step_low;
    for (int k = 0; k < lanes; ++k) {
      const double first = q[k] * (inverse ? inverse[0] : 1.0),
                   last = q[row(n - 1) + k] * (inverse ? inverse[n - 1] : 1.0);
      left[0][k] -= time * (low[k] * first + (line.constant[0] ? line.constant[0][k] : 0.0));
      left[1][k] += time * (high[k] * last + (line.constant[1] ? line.constant[1][k] : 0.0));
    }
  }
};

LineSolver::LineSolver(int n, int lanes, bool periodic, bool euler) : lanes_(lanes) {
  const std::size_t all_rows = static_cast<std::size_t>(n) * lanes;
  for (auto* a : {&forward_, &inverse_, &back_, &second_}) a->resize(all_rows);
  if (periodic)
    for (auto* a : {&corner_, &entry_}) a->resize(all_rows);
  if (!euler)
    for (auto* a : {&first_, &euler_}) a->resize(all_rows);
}

int LineSolver::lanes_for(int n, std::ptrdiff_t lines) {
  if (lines <= 1) return 1;
  if (n > 512 || lines <= 8) return 8;
  return n > 192 || lines <= 16 ? 16 : 32;
}

template <int V, int W>
const double* LineSolver::advance_by(const LinePanel& panel, int width, double dt, bool euler, Outcome& outcome) {
  using K = Kernels<V, W>;
  K kernels{*this, panel, {}};
  double out_euler[2][LineProduct::panel] = {};
  outcome.fallbacks = outcome.repairs = 0;
  if (euler) {
    kernels.euler(dt, second_.data());
    if (panel.open) kernels.add_outflow(second_.data(), dt, nullptr, outcome.left);
    return second_.data();
  }
  double positive[K::lanes], negative[K::lanes];
  kernels.second_order(dt, first_.data(), second_.data(), positive, negative);
  if (panel.open) {  // out(u) + (1 + sqrt 2) out(v), v = (p + sqrt 2 u) / (1 + sqrt 2)
    kernels.add_outflow(first_.data(), pole * dt * (1.0 - weight_first), panel.inverse_width, outcome.left);
    kernels.add_outflow(second_.data(), pole * dt, nullptr, outcome.left);
  }
  double factor[K::lanes];
  bool clean = true;
  for (int k = 0; k < K::lanes; ++k) {
    const double above = positive[k], below = negative[k];
    factor[k] = 1.0;
    outcome.dropped[k] = 0.0;
    if (!(below < 0.0) || k >= width) continue;
    clean = false;
    const bool gross = LineSolver::gross(above, below);
    factor[k] = gross ? 0.0 : (above + below) / above;
    if (!gross) outcome.dropped[k] = -below;
    ++(gross ? outcome.fallbacks : outcome.repairs);
  }
  if (clean) return second_.data();
  if (outcome.fallbacks > 0) {
    kernels.euler(dt, euler_.data());
    if (panel.open) kernels.add_outflow(euler_.data(), dt, nullptr, out_euler);
    for (int k = 0; k < width && panel.open; ++k)
      for (int side = 0; side < 2 && factor[k] == 0.0; ++side) outcome.left[side][k] = out_euler[side][k];
  }
  kernels.repair(factor, outcome.fallbacks > 0 ? euler_.data() : nullptr, second_.data());
  return second_.data();
}

const double* LineSolver::advance(const LinePanel& panel, int width, double dt, bool euler, Outcome& outcome) {
  for (auto& side : outcome.left) std::fill(std::begin(side), std::end(side), 0.0);
  if (lanes_ == 1) return advance_by<1, 1>(panel, width, dt, euler, outcome);
  if (lanes_ == 8) return advance_by<1, 8>(panel, width, dt, euler, outcome);
  if (lanes_ == 16) return advance_by<2, 8>(panel, width, dt, euler, outcome);
  return advance_by<4, 8>(panel, width, dt, euler, outcome);
}

}  // namespace kolmo::density
