/// A normal distribution in any dimension, and a dense Cholesky factor: what Gaussians need, inside the room.
#pragma once

#include <cstdint>
#include <vector>

namespace kolmo::density::detail {

/// a = l l^T of a symmetric positive definite matrix, row by row; false where it is none (l is then spoilt).
bool cholesky(int n, const std::vector<double>& a, std::vector<double>& l);

/// Probability of a standard normal variable between a and b, accurate in the tails.
double normal_probability(double a, double b);

/// N(mean, covariance).
class NormalLaw {
 public:
  NormalLaw() = default;
  /// Throws InputError where the covariance is not symmetric positive definite.
  NormalLaw(std::vector<double> mean, std::vector<double> covariance);

  int dimension() const { return static_cast<int>(mean_.size()); }
  const std::vector<double>& mean() const { return mean_; }
  const std::vector<double>& covariance() const { return covariance_; }
  bool diagonal() const { return diagonal_; }
  double log_density(const double* x) const;
  /// sum[k] += weight * density at (first[k], x[1], ..): exp of a quadratic in the first coordinate.
  void add_densities(double log_weight, const double* first, int count, const double* x, double* sum) const;
  /// grad log density.
  void score(const double* x, double* s) const;
  /// mean + L z of independent standard normals z.
  void transform(const double* z, double* x) const;
  /// Probability of from <= x_i <= to.
  double marginal_probability(int i, double from, double to) const;
  /// Density of x_i alone.
  double marginal_density(int i, double x) const;
  /// Of the complement of a box: exact where diagonal, else the sum over the axes (an upper bound).
  double mass_outside(const double* low, const double* high) const;

 private:
  std::vector<double> mean_, covariance_, factor_;
  std::vector<double> inverse_;  // of the diagonal of the factor
  mutable std::vector<double> work_, slope_;
  double log_norm_ = 0.0;
  bool diagonal_ = true;
};

/// sum_k weight_k N_k, weights normalised.
class NormalMixture {
 public:
  NormalMixture() = default;
  NormalMixture(std::vector<double> weights, std::vector<NormalLaw> laws);
  int dimension() const { return laws_.front().dimension(); }
  const std::vector<double>& weights() const { return weights_; }
  const std::vector<NormalLaw>& laws() const { return laws_; }
  double log_density(const double* x) const;
  /// As ExactDensity::densities.
  void densities(const double* first, int count, const double* x, double* out) const;
  void score(const double* x, double* s) const;
  /// Draws number `index` of the stream: the same whatever the ranks do.
  void sample(std::uint64_t stream, std::uint64_t index, double* x) const;

 private:
  std::vector<double> weights_, log_weights_;
  std::vector<NormalLaw> laws_;
  mutable std::vector<double> terms_, work_;
};

/// Uniform number in (0, 1) and standard normal numbers, by place: Philox4x64-10 (Salmon et al. 2011).
double uniform_number(std::uint64_t stream, std::uint64_t index, std::uint64_t which);
void normal_numbers(std::uint64_t stream, std::uint64_t index, int count, double* z);

}  // namespace kolmo::density::detail
