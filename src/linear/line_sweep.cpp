#include "kolmo/linear/line_sweep.hpp"

#include <algorithm>
#include <numeric>

#include "kolmo/base/error.hpp"

namespace kolmo {

LineSweep::LineSweep(LineOperator line, std::ptrdiff_t stride, std::ptrdiff_t count)
    : line_(std::move(line)), stride_(stride), count_(count) {
  const std::size_t n = line_.size(), all = n * stride * count;
  pivot_.resize(all);
  if (line_.periodic) {
    spike_.resize(all);
    sum_.resize(stride);
  }
  column_.resize(n);
}

void LineSweep::factorise(const std::vector<double>& mu, double scale, double factor) {
  const int n = line_.size();
  link_ = line_.conductance;
  weight_ = line_.weight;
  for (double& c : link_) c *= scale / factor;
  for (double& w : weight_) w /= factor;
  singular_ = !mu.empty() && mu[0] == 0.0 && (line_.periodic || line_.neumann());
  if (singular_ && scale == 0.0)
    throw InternalError("a separable operator with neither shift nor scale cannot be solved");
  for (std::ptrdiff_t o = 0; o < count_; ++o)
    factorise_block(mu.data() + o * stride_, pivot_.data() + o * n * stride_,
                    line_.periodic ? spike_.data() + o * n * stride_ : nullptr);
  if (!singular_) return;
  for (int i = 0; i < n; ++i) {  // the sweep leaves this mode at zero; solve_singular fills it in
    pivot_[i * stride_] = 0.0;
    if (line_.periodic) spike_[i * stride_] = 0.0;
  }
}

void LineSweep::factorise_block(const double* mu, double* pivot, double* spike) {
  // L D L^T. In the cyclic case the last row and column are a border: u is the entry of the last column, spike = u / d.
  const int n = line_.size();
  const std::ptrdiff_t stride = stride_;
  std::fill(sum_.begin(), sum_.end(), 0.0);
  for (int i = 0; i < n; ++i, pivot += stride) {
    const bool border = line_.periodic && i == n - 1;
    const double own = line_.periodic && n == 1 ? 0.0 : link_[i] + link_[i + 1];
    const double w = weight_[i], link = link_[i];
    if (border)
      for (std::ptrdiff_t s = 0; s < stride; ++s) pivot[s] = 1.0 / (mu[s] * w + own - sum_[s]);
    else if (i == 0)
      for (std::ptrdiff_t s = 0; s < stride; ++s) pivot[s] = 1.0 / (mu[s] * w + own);
    else
      for (std::ptrdiff_t s = 0; s < stride; ++s) pivot[s] = 1.0 / (mu[s] * w + own - link * link * pivot[s - stride]);
    if (!line_.periodic || border) continue;
    const double corner = i == 0 ? -link_[0] : 0.0, direct = i == n - 2 ? link_[n - 1] : 0.0;
    for (std::ptrdiff_t s = 0; s < stride; ++s) {
      const double u = (i == 0 ? corner : link * spike[s - stride]) - direct;
      spike[s] = u * pivot[s];
      sum_[s] += u * spike[s];
    }
    spike += stride;
  }
}

void LineSweep::eliminate(int level, std::ptrdiff_t o, double* block) {
  const int n = line_.size();
  const std::ptrdiff_t stride = stride_;
  const double* __restrict pivot = pivot_.data() + (o * n + level) * stride;
  double* q = block + level * stride;
  if (singular_ && o == 0) column_[level] = q[0];
  if (!line_.periodic) {
    const double link = link_[level];
    if (level == 0)
      for (std::ptrdiff_t s = 0; s < stride; ++s) q[s] *= pivot[s];
    else
      for (std::ptrdiff_t s = 0; s < stride; ++s) q[s] = (q[s] + link * q[s - stride]) * pivot[s];
    return;
  }
  double* __restrict sum = sum_.data();
  if (level == 0) std::fill(sum_.begin(), sum_.end(), 0.0);
  if (level == n - 1) {
    for (std::ptrdiff_t s = 0; s < stride; ++s) q[s] = (q[s] - sum[s]) * pivot[s];
    return;
  }
  const double* __restrict spike = spike_.data() + (o * n + level) * stride;
  const double link = link_[level];
  for (std::ptrdiff_t s = 0; s < stride; ++s) {
    const double z = level > 0 ? q[s] + link * q[s - stride] : q[s];
    sum[s] += spike[s] * z;
    q[s] = z * pivot[s];
  }
}

void LineSweep::turn(std::ptrdiff_t o, double* block) {
  if (!singular_ || o != 0) return;
  solve_singular();
  // The other modes of the last level are complete; the column goes in level by level on the way back.
  block[(line_.size() - 1) * stride_] = column_.back();
}

void LineSweep::substitute(int level, std::ptrdiff_t o, double* block) {
  const int n = line_.size();
  const std::ptrdiff_t stride = stride_;
  if (level == n - 1) {  // it may have left before the others read it
    if (line_.periodic) std::copy_n(block + level * stride, stride, sum_.begin());
    return;
  }
  const double* __restrict pivot = pivot_.data() + (o * n + level) * stride;
  double* __restrict q = block + level * stride;
  const double* __restrict after = q + stride;
  const double link = link_[level + 1];
  if (!line_.periodic) {
    for (std::ptrdiff_t s = 0; s < stride; ++s) q[s] += link * pivot[s] * after[s];
  } else {
    const double* __restrict spike = spike_.data() + (o * n + level) * stride;
    const double* __restrict last = sum_.data();
    if (level == n - 2)
      for (std::ptrdiff_t s = 0; s < stride; ++s) q[s] -= spike[s] * last[s];
    else
      for (std::ptrdiff_t s = 0; s < stride; ++s) q[s] += link * pivot[s] * after[s] - spike[s] * last[s];
  }
  if (singular_ && o == 0) q[0] = column_[level];
}

void LineSweep::solve_singular() {
  const int n = line_.size();
  std::vector<double>& q = column_;
  const double length = std::accumulate(weight_.begin(), weight_.end(), 0.0);
  const double mean = std::accumulate(q.begin(), q.end(), 0.0) / length;
  // Fluxes link_i (q_i - q_{i-1}) = start + flux_i with flux_0 = 0, flux_{i+1} = flux_i - b_i; periodic lines must
  // close.
  double start = 0.0;
  if (line_.periodic) {
    double flux = 0.0, around = 0.0, resistance = 0.0;
    for (int i = 0; i < n; ++i) {
      around += flux / link_[i];
      resistance += 1.0 / link_[i];
      flux -= q[i] - mean * weight_[i];
    }
    start = -around / resistance;
  }
  double flux = start, value = 0.0, moment = 0.0;
  for (int i = 0; i < n; ++i) {
    if (i > 0) value += flux / link_[i];
    flux -= q[i] - mean * weight_[i];
    q[i] = value;
    moment += weight_[i] * value;
  }
  for (double& v : q) v -= moment / length;
}

}  // namespace kolmo
