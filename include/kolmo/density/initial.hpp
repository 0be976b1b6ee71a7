/// The law of the start.
#pragma once

#include <memory>
#include <vector>

#include "kolmo/base/expression.hpp"

namespace kolmo::density {

/// A probability density p0 in `dimension` variables, normalised over the whole space where it is a closed form, over
/// the box of the run where it is an expression.
class InitialDensity {
 public:
  virtual ~InitialDensity() = default;
  virtual int dimension() const = 0;
  virtual double density(const double* x) const = 0;
  /// p0(x) = prod_i factor(i, x_i): cell averages are then products of 1-D integrals.
  virtual bool product() const { return false; }
  /// Mean of factor i over [from, to]; only where product().
  virtual double factor_mean(int i, double from, double to) const;
  /// Probability outside the box [low, high]^dimension, where it is known in closed form or by 1-D integrals; else -1.
  virtual double mass_outside(const double* low, const double* high) const = 0;
  /// False where density() is known up to a factor only: who samples it on a box divides by the integral.
  virtual bool normalised() const { return true; }
};

/// N(mean, covariance); covariance dimension^2, row by row, symmetric positive definite. Throws InputError if not.
std::shared_ptr<const InitialDensity> gaussian(std::vector<double> mean, std::vector<double> covariance);
/// sum_k weight_k N(mean_k, covariance_k), weights normalised.
std::shared_ptr<const InitialDensity> gaussian_mixture(std::vector<double> weights,
                                                       std::vector<std::vector<double>> means,
                                                       std::vector<std::vector<double>> covariances);
/// A product of 1-D densities (each an expression of its own variable, normalised over [low_i, high_i]).
std::shared_ptr<const InitialDensity> product_density(std::vector<Expression> factors, std::vector<double> low,
                                                      std::vector<double> high);
/// An expression of all variables (and t = 0), not normalised.
std::shared_ptr<const InitialDensity> expression_density(int dimension, Expression density);

}  // namespace kolmo::density
