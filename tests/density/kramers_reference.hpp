/// An independent solution of Kramers' equation: Hermite functions in velocity and in position, no grid.
#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace kolmo::density::testing {

/// dq = v dt, dv = -(U'(q) + gamma v) dt + sqrt(2 gamma T) dw,  U = a q^2/2 + b q^4/4, from the tilted equilibrium
///     p0 = exp(-(U + v^2/2)/T + kappa q + mu v) / Z.
/// With p = exp(-U/2T) sum_n a_n(q, t) psi_0(v) psi_n(v), psi_n the Hermite functions of v / sqrt T, the equation is
/// the hierarchy of Brinkman (1956; Risken 1989, section 10.1) in its antisymmetric form,
///     da_n/dt = -n gamma a_n - sqrt(n) B a_{n-1} + sqrt(n+1) B' a_{n+1},    B = sqrt(T) d/dq + U' / (2 sqrt T),
/// and a_n = sum_k a_nk h_k(q/s) makes B a matrix with 4 diagonals: sums of squares decay whatever the truncation.
class KramersReference {
 public:
  struct Problem {
    double a = -1.0, b = 1.0, gamma = 0.5, temperature = 0.5, kappa = 0.0, mu = 0.0;
  };

  KramersReference(const Problem& problem, int velocities, int positions)
      : p_(problem), nv_(velocities), nq_(positions), b_(matrix()) {
    diagonals_.assign(8 * nq_, 0.0);
    for (int which = 0; which < 8; ++which)
      for (int k = 0; k < nq_; ++k) {
        const int l = k + 2 * (which % 4) - 3;
        if (l >= 0 && l < nq_) diagonals_[which * nq_ + k] = which < 4 ? b_[k * nq_ + l] : b_[l * nq_ + k];
      }
    start();
  }

  /// exp(t A) by its Taylor series, in steps of |A| dt <= 6.
  void advance(double t) {
    double row = 0.0, norm = 0.0;
    for (int k = 0; k < nq_; ++k, row = 0.0) {
      for (int l = 0; l < nq_; ++l) row += std::abs(b_[k * nq_ + l]) + std::abs(b_[l * nq_ + k]);
      norm = std::max(norm, row);
    }
    norm = norm * std::sqrt(nv_) + p_.gamma * nv_;
    const int steps = static_cast<int>(std::ceil(norm * t / 6.0));
    std::vector<double> term, next(a_.size());
    for (int step = 0; step < steps; ++step) {
      term = a_;
      for (int k = 1; k <= 48; ++k) {
        apply(term, next);
        for (std::size_t i = 0; i < term.size(); ++i) {
          term[i] = next[i] * (t / steps / k);
          a_[i] += term[i];
        }
      }
    }
  }

  double mass() const {
    double sum = 0.0;
    for (double q = -9.0; q < 9.0; q += h) sum += h * position(q, 0);
    return sum;
  }

  /// Averages over the cells of a grid in (q, v), q fastest.
  std::vector<double> averages(const std::vector<double>& q, const std::vector<double>& v) const {
    const std::size_t cells_q = q.size() - 1, cells_v = v.size() - 1;
    const std::vector<double> in_q = means(q, nq_, [&](double x, std::vector<double>& values) {
      hermite(x / scale, values);
      for (double& value : values) value *= std::exp(-0.5 * potential(x) / p_.temperature);
    });
    const double thermal = std::sqrt(p_.temperature);
    const std::vector<double> in_v = means(v, nv_, [&](double x, std::vector<double>& values) {
      // psi_n(v) of weight exp(-v^2 / 2T): the functions above at v / sqrt(2 T).
      hermite(x / (thermal * std::numbers::sqrt2), values);
      const double first = values[0];
      for (double& value : values) value *= first / (thermal * std::numbers::sqrt2);
    });
    std::vector<double> out(cells_q * cells_v, 0.0), line(cells_q);
    for (int n = 0; n < nv_; ++n) {
      for (std::size_t i = 0; i < cells_q; ++i) {
        line[i] = 0.0;
        for (int k = 0; k < nq_; ++k) line[i] += in_q[i * nq_ + k] * a_[n * nq_ + k];
      }
      for (std::size_t j = 0; j < cells_v; ++j)
        for (std::size_t i = 0; i < cells_q; ++i) out[j * cells_q + i] += in_v[j * nv_ + n] * line[i];
    }
    return out;
  }

 private:
  static constexpr double scale = 0.35, h = 1.0 / 128.0;  ///< of the functions of q; of the trapezoidal rule

  double potential(double q) const { return q * q * (0.5 * p_.a + 0.25 * p_.b * q * q); }

  /// values[k] = h_k(x), orthonormal.
  static void hermite(double x, std::vector<double>& values) {
    const int n = static_cast<int>(values.size());
    values[0] = std::exp(-0.5 * x * x) / std::sqrt(std::sqrt(std::numbers::pi));
    if (n > 1) values[1] = std::numbers::sqrt2 * x * values[0];
    for (int k = 1; k + 1 < n; ++k)
      values[k + 1] = std::sqrt(2.0 / (k + 1)) * x * values[k] - std::sqrt(k / (k + 1.0)) * values[k - 1];
  }

  std::vector<double> matrix() const {
    const int n = nq_ + 4;  // room for the third power of x
    const auto product = [n](const std::vector<double>& f, const std::vector<double>& g) {
      std::vector<double> r(f.size(), 0.0);
      for (int i = 0; i < n; ++i)
        for (int k = 0; k < n; ++k)
          if (f[i * n + k] != 0.0)
            for (int j = 0; j < n; ++j) r[i * n + j] += f[i * n + k] * g[k * n + j];
      return r;
    };
    std::vector<double> x(n * n, 0.0), b(nq_ * nq_, 0.0);
    for (int k = 0; k + 1 < n; ++k) x[k * n + k + 1] = x[(k + 1) * n + k] = scale * std::sqrt(0.5 * (k + 1));
    const std::vector<double> cube = product(x, product(x, x));
    const double root = std::sqrt(p_.temperature);
    for (int i = 0; i < nq_; ++i)
      for (int j = 0; j < nq_; ++j) {
        double slope = 0.0;  // h_j' = sqrt(j/2) h_{j-1} - sqrt((j+1)/2) h_{j+1}
        if (i == j - 1) slope = std::sqrt(0.5 * j) / scale;
        if (i == j + 1) slope = -std::sqrt(0.5 * i) / scale;
        b[i * nq_ + j] = root * slope + 0.5 / root * (p_.a * x[i * n + j] + p_.b * cube[i * n + j]);
      }
    return b;
  }

  void start() {
    a_.assign(static_cast<std::size_t>(nv_) * nq_, 0.0);
    std::vector<double> shape(nq_, 0.0), values(nq_);
    double total = 0.0;
    for (double q = -9.0; q < 9.0; q += h) {
      const double half = std::exp(p_.kappa * q - 0.5 * potential(q) / p_.temperature);
      hermite(q / scale, values);
      for (int k = 0; k < nq_; ++k) shape[k] += h / scale * half * values[k];
      total += h * std::exp(p_.kappa * q - potential(q) / p_.temperature);
    }
    double g = 1.0 / total;  // (mu sqrt T)^n / sqrt(n!)
    for (int n = 0; n < nv_; ++n, g *= p_.mu * std::sqrt(p_.temperature / n))
      for (int k = 0; k < nq_; ++k) a_[n * nq_ + k] = g * shape[k];
  }

  void apply(const std::vector<double>& a, std::vector<double>& rate) const {
    for (int n = 0; n < nv_; ++n) {
      double* to = rate.data() + n * nq_;
      const double *here = a.data() + n * nq_, *below = here - nq_, *above = here + nq_;
      for (int k = 0; k < nq_; ++k) to[k] = -n * p_.gamma * here[k];
      const double down = -std::sqrt(n), up = std::sqrt(n + 1.0);
      for (const int d : {-3, -1, 1, 3}) {
        const int first = std::max(0, -d), last = std::min(nq_, nq_ - d);
        const double *b = diagonal(false, d), *transposed = diagonal(true, d);
        for (int k = first; k < last && n > 0; ++k) to[k] += down * b[k] * below[k + d];
        for (int k = first; k < last && n + 1 < nv_; ++k) to[k] += up * transposed[k] * above[k + d];
      }
    }
  }
  /// B_{k,k+d} or B_{k+d,k}; the even ones vanish because U is even.
  const double* diagonal(bool transposed, int d) const {
    return diagonals_.data() + ((transposed ? 4 : 0) + (d + 3) / 2) * nq_;
  }

  double position(double q, int n) const {
    std::vector<double> values(nq_);
    hermite(q / scale, values);
    double sum = 0.0;
    for (int k = 0; k < nq_; ++k) sum += values[k] * a_[n * nq_ + k];
    return sum * std::exp(-0.5 * potential(q) / p_.temperature);
  }

  /// [cell][function], Gauss's rule with five points.
  template <class Functions>
  static std::vector<double> means(const std::vector<double>& nodes, int count, const Functions& functions) {
    static constexpr double place[3] = {0.0, 0.5384693101056831, 0.9061798459386640};
    static constexpr double weight[3] = {0.5688888888888889, 0.4786286704993665, 0.2369268850561891};
    std::vector<double> out((nodes.size() - 1) * count, 0.0), values(count);
    for (std::size_t i = 0; i + 1 < nodes.size(); ++i)
      for (int g = -2; g <= 2; ++g) {
        const double middle = 0.5 * (nodes[i] + nodes[i + 1]), half = 0.5 * (nodes[i + 1] - nodes[i]);
        functions(middle + half * (g < 0 ? -place[-g] : place[g]), values);
        for (int k = 0; k < count; ++k) out[i * count + k] += 0.5 * weight[std::abs(g)] * values[k];
      }
    return out;
  }

  Problem p_;
  int nv_, nq_;
  std::vector<double> b_, diagonals_, a_;
};

}  // namespace kolmo::density::testing
