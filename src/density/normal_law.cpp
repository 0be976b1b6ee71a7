#include "normal_law.hpp"

#include <fmt/format.h>
#include <Random123/philox.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kolmo/base/error.hpp"
#include "row_math.hpp"

namespace kolmo::density::detail {

bool cholesky(int n, const std::vector<double>& a, std::vector<double>& l) {
  l.assign(a.size(), 0.0);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j <= i; ++j) {
      double sum = a[i * n + j];
      for (int k = 0; k < j; ++k) sum -= l[i * n + k] * l[j * n + k];
      if (i != j) {
        l[i * n + j] = sum / l[j * n + j];
      } else if (sum > 1e-15 * std::abs(a[i * n + i])) {  // what is left by cancellation is no variance
        l[i * n + i] = std::sqrt(sum);
      } else {
        return false;
      }
    }
  return true;
}

double normal_probability(double a, double b) {
  constexpr double half_root = 0.7071067811865475244;
  if (a >= 0.0) return 0.5 * (std::erfc(a * half_root) - std::erfc(b * half_root));
  if (b <= 0.0) return 0.5 * (std::erfc(-b * half_root) - std::erfc(-a * half_root));
  return 0.5 * (std::erf(b * half_root) - std::erf(a * half_root));
}

NormalLaw::NormalLaw(std::vector<double> mean, std::vector<double> covariance)
    : mean_(std::move(mean)), covariance_(std::move(covariance)) {
  const int n = dimension();
  if (covariance_.size() != mean_.size() * mean_.size())
    throw InputError(fmt::format("the covariance of a Gaussian in {} variables has {} entries (given {})", n, n * n,
                                 covariance_.size()));
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < i; ++j) {
      if (std::abs(covariance_[i * n + j] - covariance_[j * n + i]) >
          1e-12 * std::sqrt(std::abs(covariance_[i * n + i] * covariance_[j * n + j])))
        throw InputError(fmt::format("the covariance is not symmetric: {} and {} in rows {} and {}",
                                     covariance_[i * n + j], covariance_[j * n + i], i + 1, j + 1));
      diagonal_ = diagonal_ && covariance_[i * n + j] == 0.0;
    }
  if (!cholesky(n, covariance_, factor_)) throw InputError("the covariance is not positive definite");
  log_norm_ = -0.5 * n * std::log(2.0 * std::numbers::pi);
  for (int i = 0; i < n; ++i) {
    log_norm_ -= std::log(factor_[i * n + i]);
    inverse_.push_back(1.0 / factor_[i * n + i]);
  }
  work_.resize(mean_.size());
  slope_.resize(mean_.size());
}

double NormalLaw::log_density(const double* x) const {
  const int n = dimension();
  double square = 0.0;
  for (int i = 0; i < n; ++i) {
    double sum = x[i] - mean_[i];
    if (!diagonal_)
      for (int k = 0; k < i; ++k) sum -= factor_[i * n + k] * work_[k];
    work_[i] = sum * inverse_[i];
    square += work_[i] * work_[i];
  }
  return log_norm_ - 0.5 * square;
}

/// L^-1 (x - mean) = a + b (x_0 - mean_0), component by component.
void NormalLaw::add_densities(double log_weight, const double* first, int count, const double* x, double* sum) const {
  const int n = dimension();
  double constant = log_norm_ + log_weight, linear = 0.0, square = -0.5 * inverse_[0] * inverse_[0];
  work_[0] = 0.0;
  slope_[0] = inverse_[0];
  for (int i = 1; i < n; ++i) {
    double a = x[i] - mean_[i], b = 0.0;
    if (!diagonal_)
      for (int k = 0; k < i; ++k) {
        a -= factor_[i * n + k] * work_[k];
        b -= factor_[i * n + k] * slope_[k];
      }
    work_[i] = a *= inverse_[i];
    slope_[i] = b *= inverse_[i];
    constant -= 0.5 * a * a;
    linear -= a * b;
    square -= 0.5 * b * b;
  }
  const double mean = mean_[0];
  for (int k = 0; k < count; ++k) {
    const double y = first[k] - mean;
    sum[k] += row_exp(constant + y * (linear + y * square));
  }
}

void NormalLaw::score(const double* x, double* s) const {
  const int n = dimension();
  (void)log_density(x);  // work = L^-1 (x - mean)
  for (int i = n - 1; i >= 0; --i) {
    double sum = work_[i];
    for (int k = i + 1; k < n; ++k) sum += factor_[k * n + i] * s[k];
    s[i] = -sum * inverse_[i];
  }
}

void NormalLaw::transform(const double* z, double* x) const {
  const int n = dimension();
  for (int i = 0; i < n; ++i) {
    x[i] = mean_[i];
    for (int k = 0; k <= i; ++k) x[i] += factor_[i * n + k] * z[k];
  }
}

double NormalLaw::marginal_probability(int i, double from, double to) const {
  const double deviation = std::sqrt(covariance_[i * dimension() + i]);
  return normal_probability((from - mean_[i]) / deviation, (to - mean_[i]) / deviation);
}

double NormalLaw::marginal_density(int i, double x) const {
  const double variance = covariance_[i * dimension() + i], distance = x - mean_[i];
  return std::exp(-0.5 * distance * distance / variance) / std::sqrt(2.0 * std::numbers::pi * variance);
}

double NormalLaw::mass_outside(const double* low, const double* high) const {
  double sum = 0.0, inside_log = 0.0;
  for (int i = 0; i < dimension(); ++i) {
    const double deviation = std::sqrt(covariance_[i * dimension() + i]);
    const double out = normal_probability(-INFINITY, (low[i] - mean_[i]) / deviation) +
                       normal_probability((high[i] - mean_[i]) / deviation, INFINITY);
    sum += out;
    inside_log += std::log1p(-std::min(out, 1.0));
  }
  return diagonal_ ? -std::expm1(inside_log) : std::min(sum, 1.0);
}

NormalMixture::NormalMixture(std::vector<double> weights, std::vector<NormalLaw> laws)
    : weights_(std::move(weights)), laws_(std::move(laws)) {
  double sum = 0.0;
  for (const double weight : weights_) {
    if (!(weight >= 0.0)) throw InputError(fmt::format("the weights of a mixture must be >= 0 (given {})", weight));
    sum += weight;
  }
  if (!(sum > 0.0)) throw InputError("the weights of a mixture must have a positive sum");
  for (double& weight : weights_) {
    weight /= sum;
    log_weights_.push_back(std::log(weight));
  }
  terms_.resize(weights_.size());
  work_.resize(static_cast<std::size_t>(dimension()));
}

double NormalMixture::log_density(const double* x) const {
  if (laws_.size() == 1) return terms_[0] = laws_[0].log_density(x);
  double largest = -INFINITY;
  for (std::size_t k = 0; k < laws_.size(); ++k) {
    terms_[k] = log_weights_[k] + laws_[k].log_density(x);
    largest = std::max(largest, terms_[k]);
  }
  double sum = 0.0;
  for (const double term : terms_) sum += std::exp(term - largest);
  return largest + std::log(sum);
}

void NormalMixture::densities(const double* first, int count, const double* x, double* out) const {
  std::fill_n(out, count, 0.0);
  for (std::size_t k = 0; k < laws_.size(); ++k) laws_[k].add_densities(log_weights_[k], first, count, x, out);
}

void NormalMixture::score(const double* x, double* s) const {
  const double log_total = log_density(x);
  std::fill_n(s, dimension(), 0.0);
  for (std::size_t k = 0; k < laws_.size(); ++k) {
    const double share = std::exp(terms_[k] - log_total);
    if (share == 0.0) continue;
    laws_[k].score(x, work_.data());
    for (int i = 0; i < dimension(); ++i) s[i] += share * work_[i];
  }
}

void NormalMixture::sample(std::uint64_t stream, std::uint64_t index, double* x) const {
  const double u = uniform_number(stream, index, 0);
  std::size_t k = 0;
  for (double sum = weights_[0]; k + 1 < weights_.size() && u > sum;) sum += weights_[++k];
  std::vector<double> z(static_cast<std::size_t>(dimension()));
  normal_numbers(stream, index, dimension(), z.data());
  laws_[k].transform(z.data(), x);
}

namespace {

using Philox = r123::Philox4x64;

double open_unit(std::uint64_t bits) { return (static_cast<double>(bits >> 11) + 0.5) * 0x1p-53; }

Philox::ctr_type block(std::uint64_t stream, std::uint64_t index, std::uint64_t number) {
  return Philox()(Philox::ctr_type{{index, number, 0, 0}}, Philox::key_type{{stream, 0}});
}

}  // namespace

double uniform_number(std::uint64_t stream, std::uint64_t index, std::uint64_t which) {
  return open_unit(block(stream, index, which)[0]);
}

void normal_numbers(std::uint64_t stream, std::uint64_t index, int count, double* z) {
  // Box & Muller; the blocks of the uniform numbers stay below 2^32.
  for (int i = 0; i < count; i += 2) {
    const auto bits = block(stream, index, (std::uint64_t{1} << 32) + static_cast<std::uint64_t>(i));
    const double radius = std::sqrt(-2.0 * std::log(open_unit(bits[0]))),
                 angle = 2.0 * std::numbers::pi * open_unit(bits[1]);
    z[i] = radius * std::cos(angle);
    if (i + 1 < count) z[i + 1] = radius * std::sin(angle);
  }
}

}  // namespace kolmo::density::detail
