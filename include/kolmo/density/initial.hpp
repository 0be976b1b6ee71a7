/// The law of the start.
#pragma once

#include <memory>
#include <vector>

#include "kolmo/base/expression.hpp"

namespace kolmo::density {

/// weight * N(mean, covariance); covariance dimension^2 numbers, row by row.
struct GaussianComponent {
  double weight = 1.0;
  std::vector<double> mean, covariance;
};

/// A probability density p0 in `dimension` variables, normalised over the whole space where it is a closed form, over
/// the box of the run where it is a product of expressions, and not at all where it is one expression.
class InitialDensity {
 public:
  virtual ~InitialDensity() = default;
  virtual int dimension() const = 0;
  virtual double density(const double* x) const = 0;
  /// p0(x) = prod_i factor(i, x_i): cell averages are then products of 1-D integrals.
  virtual bool product() const { return false; }
  /// Mean of factor i over [from, to]; only where product(), InternalError elsewhere.
  virtual double factor_mean(int i, double from, double to) const;
  /// Factor i at a point; only where product(), InternalError elsewhere.
  virtual double factor(int i, double x) const;
  /// Probability outside the box low_i <= x_i <= high_i, where it is known in closed form or by 1-D integrals; the sum
  /// over the axes, which is an upper bound, for correlated Gaussians; -1 where it is not known.
  virtual double mass_outside(const double* low, const double* high) const = 0;
  /// False where density() is known up to a factor only: who samples it on a box divides by the integral.
  virtual bool normalised() const { return true; }
  /// Its components where it is a Gaussian or a mixture of Gaussians; null elsewhere.
  virtual const std::vector<GaussianComponent>* gaussians() const { return nullptr; }
};

/// N(mean, covariance); covariance dimension^2, row by row, symmetric positive definite. Throws InputError if not.
std::shared_ptr<const InitialDensity> gaussian(std::vector<double> mean, std::vector<double> covariance);
/// sum_k weight_k N(mean_k, covariance_k), weights >= 0 with a positive sum, then normalised. Throws InputError.
std::shared_ptr<const InitialDensity> gaussian_mixture(std::vector<double> weights,
                                                       std::vector<std::vector<double>> means,
                                                       std::vector<std::vector<double>> covariances);
/// A product of 1-D densities, each an expression of one variable (its own), normalised over [low_i, high_i]. Throws
/// InputError where a factor is negative or not finite, or has no mass there.
std::shared_ptr<const InitialDensity> product_density(std::vector<Expression> factors, std::vector<double> low,
                                                      std::vector<double> high);
/// An expression of all variables and t, which is the time of the start; not normalised.
std::shared_ptr<const InitialDensity> expression_density(int dimension, Expression density, double t = 0.0);

}  // namespace kolmo::density
