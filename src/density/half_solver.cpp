#include "half_solver.hpp"

#include <algorithm>

#include "line_vectors.hpp"

namespace kolmo::density {

/// Panels of V vectors of W lanes. Cells in the order of the elimination, from the end of the line to the cut.
template <int V, int W>
struct HalfSolver::Kernels {
  using Vector = typename Lanes<W>::Type;
  static constexpr int lanes = V * W;
  HalfSolver& s;

  static std::ptrdiff_t row(int i) { return static_cast<std::ptrdiff_t>(i) * lanes; }

  /// Factors, and the elimination for the masses of p in the same pass.
  void eliminate_first(const HalfPanel& line, double tau) {
    const double sign = line.lower ? tau : -tau;
    const double *forwards = line.lower ? line.low + line.step_low : line.high,
                 *backwards = line.lower ? line.high : line.low + line.step_low;
    const std::ptrdiff_t step_forwards = line.lower ? line.step_low : line.step_high,
                         step_backwards = line.lower ? line.step_high : line.step_low;
    Vector share[V], sum[V], pass[V], kept[V], rate[V];
    for (int v = 0; v < V; ++v) {
      share[v] = pass[v] = kept[v] = Vector{} + 1.0;
      rate[v] = Vector{};
      sum[v] = line.constant ? load<W>(line.constant + v * W) * sign : Vector{};
    }
    int i = s.first_row_;
    for (int c = 0; c < line.n; ++c, i += s.step_) {
      const double w = line.width[i], scale = sign * line.inverse_width[i];
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        const int k = v * W;
        rate[v] = load<W>(forwards + i * step_forwards + k) * scale;
        const Vector b = load<W>(backwards + i * step_backwards + k) * -scale;
        kept[v] = b * share[v] + 1.0;
        const Vector inverse = 1.0 / (kept[v] + rate[v]);
        share[v] = kept[v] * inverse;
        sum[v] = load<W>(line.p + i * line.step_p + k) * w + pass[v] * sum[v];
        pass[v] = rate[v] * inverse;
        store<W>(s.back_.data() + row(i) + k, b);
        store<W>(s.inverse_.data() + row(i) + k, inverse);
        store<W>(s.forward_.data() + row(i) + k, pass[v]);
        store<W>(s.first_.data() + row(i) + k, sum[v]);
      }
    }
    for (int v = 0; v < V; ++v) {
      const int k = v * W;
      store<W>(s.kept_ + k, kept[v]);
      store<W>(s.rate_ + k, rate[v]);
      store<W>(s.sum_ + k, sum[v]);
      store<W>(s.outwards_ + k, load<W>(backwards + s.first_row_ * step_backwards + k) * (line.lower ? -1.0 : 1.0));
      store<W>(s.given_ + k, line.constant ? load<W>(line.constant + k) * (line.lower ? -1.0 : 1.0) : Vector{});
    }
  }

  /// first: the masses u, already there; sums for the second solve to second.
  void eliminate_second(double tau) {
    Vector sum[V], pass[V];
    for (int v = 0; v < V; ++v) {
      pass[v] = Vector{} + 1.0;
      sum[v] = load<W>(s.given_ + v * W) * -tau;
    }
    int i = s.first_row_;
    for (int c = 0; c < s.n_; ++c, i += s.step_)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        const int k = v * W;
        sum[v] = load<W>(s.first_.data() + row(i) + k) + pass[v] * sum[v];
        pass[v] = load<W>(s.forward_.data() + row(i) + k);
        store<W>(s.second_.data() + row(i) + k, sum[v]);
      }
    for (int v = 0; v < V; ++v) store<W>(s.sum_ + v * W, sum[v]);
  }

  /// From the cut back to the end: take(i, k, m) gets the masses, and may overwrite x.
  template <class Take>
  void substitute(const double* x, const double* their_sum, Take&& take) const {
    Vector above[V];
    int i = s.first_row_ + (s.n_ - 1) * s.step_;
    for (int v = 0; v < V; ++v) {
      const int k = v * W;
      const Vector m = load<W>(s.own_ + k) * load<W>(s.sum_ + k) + load<W>(s.other_ + k) * load<W>(their_sum + k);
      above[v] = m * load<W>(s.back_.data() + row(i) + k);
      take(i, k, m);
    }
    i -= s.step_;
    for (int c = s.n_ - 2; c >= 0; --c, i -= s.step_)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        const int k = v * W;
        const Vector m = (load<W>(x + row(i) + k) + above[v]) * load<W>(s.inverse_.data() + row(i) + k);
        above[v] = m * load<W>(s.back_.data() + row(i) + k);
        take(i, k, m);
      }
  }

  void solve_first(const double* their_sum) {
    double* x = s.first_.data();
    substitute(x, their_sum, [=](int i, int k, Vector m) { store<W>(x + row(i) + k, m); });
  }

  void solve_second(const double* their_sum, double* positive, double* negative) {
    Vector above[V], below[V];
    for (int v = 0; v < V; ++v) above[v] = below[v] = Vector{};
    const double* first = s.first_.data();
    double* x = s.second_.data();
    substitute(x, their_sum, [&](int i, int k, Vector m) {
      const Vector sum = weight_second * m + weight_first * load<W>(first + row(i) + k);
      const Vector more = sum > 0.0 ? sum : Vector{};
      above[k / W] += more;
      below[k / W] += sum - more;
      store<W>(x + row(i) + k, sum * s.inverse_width_[i]);
    });
    for (int v = 0; v < V; ++v) {
      store<W>(positive + v * W, above[v]);
      store<W>(negative + v * W, below[v]);
    }
  }

  void solve_euler(const double* their_sum) {
    double* to = s.second_.data();
    substitute(s.first_.data(), their_sum,
               [&](int i, int k, Vector m) { store<W>(to + row(i) + k, m * s.inverse_width_[i]); });
  }
};

HalfSolver::HalfSolver(int n, int lanes) : n_(n), lanes_(lanes) {
  for (auto* a : {&forward_, &inverse_, &back_, &first_, &second_}) a->resize(static_cast<std::size_t>(n) * lanes);
}

template <class Call>
void HalfSolver::with_lanes(Call&& call) {
  if (lanes_ == 1)
    call(Kernels<1, 1>{*this});
  else if (lanes_ == 8)
    call(Kernels<1, 8>{*this});
  else if (lanes_ == 16)
    call(Kernels<2, 8>{*this});
  else
    call(Kernels<4, 8>{*this});
}

void HalfSolver::begin(const HalfPanel& panel, double dt, bool euler, const Border& mine) {
  dt_ = dt;
  first_row_ = panel.lower ? 0 : panel.n - 1;
  step_ = panel.lower ? 1 : -1;
  inverse_width_ = panel.inverse_width;
  with_lanes([&](auto kernels) { kernels.eliminate_first(panel, euler ? dt : pole * dt); });
  std::copy_n(kept_, lanes_, mine.kept);
  std::copy_n(rate_, lanes_, mine.rate);
  std::copy_n(sum_, lanes_, mine.sum);
  std::fill_n(left_, lanes_, 0.0);
}

void HalfSolver::couple(const ConstBorder& theirs) {
  for (int k = 0; k < lanes_; ++k) {
    // Both sides divided by K + R, at least 1 as K is: the products themselves may overflow.
    const double away = theirs.kept[k] + theirs.rate[k];
    own_[k] = 1.0 / (kept_[k] + rate_[k] * (theirs.kept[k] / away));
    other_[k] = theirs.rate[k] / away * own_[k];
  }
}

/// Flux out of the domain with the numbers q of a row (times `inverse`: densities), times `time`.
void HalfSolver::add_outflow(const double* q, double time, double inverse) {
  const double* end = q + row(first_row_);
  for (int k = 0; k < lanes_; ++k) left_[k] += time * (outwards_[k] * end[k] * inverse + given_[k]);
}

void HalfSolver::next(const ConstBorder& theirs, double* sum) {
  couple(theirs);
  with_lanes([&](auto kernels) {
    kernels.solve_first(theirs.sum);
    kernels.eliminate_second(pole * dt_);
  });
  std::copy_n(sum_, lanes_, sum);
  // out(u) + (1 + sqrt 2) out(v), v = (p + sqrt 2 u) / (1 + sqrt 2)
  add_outflow(first_.data(), pole * dt_ * (1.0 - weight_first), inverse_width_[first_row_]);
}

void HalfSolver::finish(const double* their_sum, double* positive, double* negative) {
  with_lanes([&](auto kernels) { kernels.solve_second(their_sum, positive, negative); });
  add_outflow(second_.data(), pole * dt_, 1.0);
}

void HalfSolver::finish_euler(const ConstBorder& theirs) {
  couple(theirs);
  with_lanes([&](auto kernels) { kernels.solve_euler(theirs.sum); });
  add_outflow(second_.data(), dt_, 1.0);
}

void HalfSolver::repair(const double* factor, const HalfSolver* other) {
  for (int i = 0; i < n_; ++i)
    for (int k = 0; k < lanes_; ++k) {
      const double r = std::max(second_[row(i) + k], 0.0) * factor[k];
      second_[row(i) + k] = other && factor[k] == 0.0 ? other->second_[row(i) + k] : r;
    }
  for (int k = 0; k < lanes_ && other; ++k)
    if (factor[k] == 0.0) left_[k] = other->left_[k];
}

}  // namespace kolmo::density
