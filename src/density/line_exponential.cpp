#include "line_exponential.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "wide_flux.hpp"

namespace kolmo::density {

namespace {

constexpr int terms = 24;              // of the Taylor series, for rate * step <= 1: the rest is below 1e-24
constexpr double negligible = 1e-150;  // smaller entries are dropped: they would end as subnormal numbers

}  // namespace

LineExponential::LineExponential(int n)
    : n_(n),
      columns_(static_cast<std::size_t>(n) * n),
      matrix_(columns_.size()),
      work_(columns_.size()),
      up_(n),
      down_(n),
      stay_(n),
      vector_(n),
      next_(n),
      poisson_(terms),
      tail_(terms),
      product_(n) {
  for (int side = 0; side < 2; ++side) {
    leaving_[side].assign(n, 0.0);
    response_[side].assign(n, 0.0);
  }
}

void LineExponential::compute(const LineWeights& line, double dt, bool sources) {
  periodic_ = line.periodic;
  double rate = 0.0;
  for (int i = 0; i < n_; ++i) {
    up_[i] = line.low[i + 1] / line.width[i];
    down_[i] = -line.high[i] / line.width[i];
    rate = std::max(rate, std::abs(up_[i]) + std::abs(down_[i]));
  }
  if (periodic_ && n_ == 1) up_[0] = down_[0] = 0.0;
  if (line.wide) rate *= 4.0 / 3.0;
  // Twice the fastest rate: then the uniformised chain stays with probability 1/2 or more, free of cancellation.
  rate = rate > 0.0 ? 2.0 * rate : 1.0;
  const int squarings = std::max(0, static_cast<int>(std::ceil(std::log2(rate * dt))));
  double time = std::ldexp(dt, -squarings);
  for (int i = 0; i < n_; ++i) {
    up_[i] /= rate;
    down_[i] /= rate;
    stay_[i] = 1.0 - up_[i] - down_[i];
  }
  wide_.clear();
  for (int f = 0; line.wide && f < 4 * n_; ++f) {
    const int cell = first_of_wide_face(f / 4, n_, periodic_) + f % 4;
    wide_.push_back(line.wide[f] / (rate * line.width[(cell + n_) % n_]));
  }
  set_base(line, time, rate);
  if (sources) set_base_response(time, rate);
  for (int k = 0; k < squarings; ++k) {
    if (sources) double_response(2.0 * time);
    square();
    time *= 2.0;
  }
  for (int i = 0; i < n_; ++i)
    for (int j = 0; j < n_; ++j) {
      const double entry = columns_[static_cast<std::size_t>(j) * n_ + i];
      matrix_[static_cast<std::size_t>(i) * n_ + j] = entry * (line.width[j] / line.width[i]);
    }
  for (int side = 0; side < 2 && sources; ++side)
    for (int i = 0; i < n_; ++i) response_[side][i] /= line.width[i];
}

/// out := P in, P = I + L / rate, masses; what leaves the ends is dropped.
void LineExponential::apply_uniformised(const double* in, double* out) const {
  const int n = n_;
  for (int i = 0; i < n; ++i) out[i] = stay_[i] * in[i];
  for (int i = 1; i < n; ++i) out[i] += up_[i - 1] * in[i - 1];
  for (int i = 0; i + 1 < n; ++i) out[i] += down_[i + 1] * in[i + 1];
  if (!wide_.empty()) add_wide(in, out);
  if (!periodic_ || n == 1) return;
  out[0] += up_[n - 1] * in[n - 1];
  out[n - 1] += down_[0] * in[0];
}

void LineExponential::add_wide(const double* in, double* out) const {
  for (int f = periodic_ ? 0 : 1; f < n_; ++f) {
    const int first = first_of_wide_face(f, n_, periodic_);
    double flux = 0.0;
    for (int k = 0; k < 4; ++k) flux += wide_[4 * f + k] * in[(first + k + n_) % n_];
    out[f] += flux;
    out[f == 0 ? n_ - 1 : f - 1] -= flux;
  }
}

/// exp(step L) = sum of Poisson(k; rate step) P^k. A polynomial in L, so that it keeps the stationary vector of L.
void LineExponential::set_base(const LineWeights& line, double step, double rate) {
  const double mean = rate * step;
  double term = std::exp(-mean);
  for (int k = 0; k < terms; ++k, term *= mean / k) poisson_[k] = term;
  for (int k = terms - 1, first = 1; k >= 0; --k, first = 0)  // tail_[k]: more than k jumps
    tail_[k] = first ? poisson_[k] * mean / terms : tail_[k + 1] + poisson_[k + 1];
  for (int j = 0; j < n_; ++j) {
    double* column = columns_.data() + static_cast<std::size_t>(j) * n_;
    std::fill(vector_.begin(), vector_.end(), 0.0);
    vector_[j] = 1.0;
    std::fill_n(column, n_, 0.0);
    leaving_[0][j] = leaving_[1][j] = 0.0;
    for (int k = 0; k < terms; ++k) {
      for (int i = 0; i < n_; ++i) column[i] += poisson_[k] * vector_[i];
      if (!periodic_) {
        leaving_[0][j] += tail_[k] * down_[0] * vector_[0];
        leaving_[1][j] += tail_[k] * up_[n_ - 1] * vector_[n_ - 1];
      }
      apply_uniformised(vector_.data(), next_.data());
      vector_.swap(next_);
    }
  }
  restore_sums();
}

/// Integral of exp(s L) over 0 < s < step, applied to a unit flux into the first or last cell.
void LineExponential::set_base_response(double step, double rate) {
  for (int from = 0; from < 2; ++from) {
    std::fill(vector_.begin(), vector_.end(), 0.0);
    std::fill(response_[from].begin(), response_[from].end(), 0.0);
    vector_[from == 0 ? 0 : n_ - 1] = 1.0;
    std::array<double, 2> left{};
    double held = 0.0;
    for (int k = 0; k < terms; ++k) {
      for (int i = 0; i < n_; ++i) response_[from][i] += tail_[k] / rate * vector_[i];
      double later = 0.0;  // sum over l > k of tail_[l]: the mean of the jumps beyond
      for (int l = terms - 1; l > k; --l) later += tail_[l];
      left[0] += later / rate * down_[0] * vector_[0];
      left[1] += later / rate * up_[n_ - 1] * vector_[n_ - 1];
      apply_uniformised(vector_.data(), next_.data());
      vector_.swap(next_);
    }
    held = std::accumulate(response_[from].begin(), response_[from].end(), left[0] + left[1]);
    for (double& r : response_[from]) r *= step / held;
    for (int side = 0; side < 2; ++side) response_leaving_[from][side] = left[side] * (step / held);
  }
}

void LineExponential::square() {
  const int n = n_;
  // work = the matrix by rows; rows of E times E, so that the product is of rows with the transposed matrix.
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j)
      work_[static_cast<std::size_t>(i) * n + j] = columns_[static_cast<std::size_t>(j) * n + i];
  product_.assign(work_.data());
  for (int side = 0; side < 2; ++side) {
    for (int j = 0; j < n; ++j) {
      const double* column = columns_.data() + static_cast<std::size_t>(j) * n;
      next_[j] = std::inner_product(column, column + n, leaving_[side].begin(), leaving_[side][j]);
    }
    leaving_[side] = next_;
  }
  product_.along(n, columns_.data(), n, work_.data(), n);
  columns_.swap(work_);
  restore_sums();
}

/// r := r + E r, for twice the time; called before E is squared.
void LineExponential::double_response(double time) {
  for (int from = 0; from < 2; ++from) {
    std::vector<double>& r = response_[from];
    for (int side = 0; side < 2; ++side)
      response_leaving_[from][side] +=
          std::inner_product(r.begin(), r.end(), leaving_[side].begin(), response_leaving_[from][side]);
    std::copy(r.begin(), r.end(), next_.begin());
    for (int j = 0; j < n_; ++j) {
      const double* column = columns_.data() + static_cast<std::size_t>(j) * n_;
      for (int i = 0; i < n_; ++i) next_[i] += column[i] * r[j];
    }
    r.swap(next_);
    double sum = response_leaving_[from][0] + response_leaving_[from][1];
    sum = std::accumulate(r.begin(), r.end(), sum);
    for (double& value : r) value *= time / sum;
    for (double& value : response_leaving_[from]) value *= time / sum;
  }
}

void LineExponential::restore_sums() {
  for (int j = 0; j < n_; ++j) {
    double* column = columns_.data() + static_cast<std::size_t>(j) * n_;
    double others = leaving_[0][j] + leaving_[1][j];
    for (int i = 0; i < n_; ++i) {
      if (std::abs(column[i]) < negligible) column[i] = 0.0;
      if (i != j) others += column[i];
    }
    if (others <= 0.5) {
      column[j] = 1.0 - others;
      continue;
    }
    const double scale = 1.0 / (column[j] + others);
    for (int i = 0; i < n_; ++i) column[i] *= scale;
    leaving_[0][j] *= scale;
    leaving_[1][j] *= scale;
  }
}

}  // namespace kolmo::density
