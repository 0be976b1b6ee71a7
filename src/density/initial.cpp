#include "kolmo/density/initial.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kolmo/base/error.hpp"
#include "normal_law.hpp"
#include "quadrature.hpp"

namespace kolmo::density {

double InitialDensity::factor_mean(int, double, double) const {
  throw InternalError("the initial density is no product of factors");
}

double InitialDensity::factor(int, double) const {
  throw InternalError("the initial density is no product of factors");
}

namespace {

class Mixture final : public InitialDensity {
 public:
  explicit Mixture(detail::NormalMixture mixture) : mixture_(std::move(mixture)) {
    for (std::size_t k = 0; k < mixture_.laws().size(); ++k)
      components_.push_back({mixture_.weights()[k], mixture_.laws()[k].mean(), mixture_.laws()[k].covariance()});
  }

  int dimension() const override { return mixture_.dimension(); }
  double density(const double* x) const override { return std::exp(mixture_.log_density(x)); }
  bool product() const override {
    return dimension() == 1 || (mixture_.laws().size() == 1 && mixture_.laws().front().diagonal());
  }
  double factor_mean(int i, double from, double to) const override {
    if (!product()) return InitialDensity::factor_mean(i, from, to);
    double sum = 0.0;
    for (std::size_t k = 0; k < mixture_.laws().size(); ++k)
      sum += mixture_.weights()[k] * mixture_.laws()[k].marginal_probability(i, from, to);
    return sum / (to - from);
  }
  double factor(int i, double x) const override {
    if (!product()) return InitialDensity::factor(i, x);
    double sum = 0.0;
    for (std::size_t k = 0; k < mixture_.laws().size(); ++k)
      sum += mixture_.weights()[k] * mixture_.laws()[k].marginal_density(i, x);
    return sum;
  }
  double mass_outside(const double* low, const double* high) const override {
    double sum = 0.0;
    for (std::size_t k = 0; k < mixture_.laws().size(); ++k)
      sum += mixture_.weights()[k] * mixture_.laws()[k].mass_outside(low, high);
    return sum;
  }
  const std::vector<GaussianComponent>* gaussians() const override { return &components_; }

 private:
  detail::NormalMixture mixture_;
  std::vector<GaussianComponent> components_;
};

class Product final : public InitialDensity {
 public:
  Product(std::vector<Expression> factors, const std::vector<double>& low, const std::vector<double>& high)
      : factors_(std::move(factors)) {
    for (std::size_t i = 0; i < factors_.size(); ++i) {
      const Expression& factor = factors_[i];
      const double total = detail::integrate(
          [&](double x) {
            const double value = factor.evaluate(&x);
            if (!(value >= 0.0) || std::isinf(value))
              throw InputError(
                  fmt::format("\"{}\" is {:.6g} at {:.6g}: a density is finite and >= 0", factor.text(), value, x));
            return value;
          },
          low[i], high[i], 64);
      if (!(total > 0.0)) throw InputError(fmt::format("\"{}\" has no mass in the box", factor.text()));
      scale_.push_back(1.0 / total);
    }
  }

  int dimension() const override { return static_cast<int>(factors_.size()); }
  double density(const double* x) const override {
    double value = 1.0;
    for (std::size_t i = 0; i < factors_.size(); ++i) value *= scale_[i] * factors_[i].evaluate(&x[i]);
    return value;
  }
  bool product() const override { return true; }
  double factor_mean(int i, double from, double to) const override {
    return scale_[i] * detail::integrate([&](double x) { return factors_[i].evaluate(&x); }, from, to, 1) / (to - from);
  }
  double factor(int i, double x) const override { return scale_[i] * factors_[i].evaluate(&x); }
  double mass_outside(const double*, const double*) const override { return 0.0; }

 private:
  std::vector<Expression> factors_;
  std::vector<double> scale_;
};

class Formula final : public InitialDensity {
 public:
  Formula(int dimension, Expression density, double t) : dimension_(dimension), density_(std::move(density)) {
    work_.assign(static_cast<std::size_t>(dimension) + 1, t);
  }
  int dimension() const override { return dimension_; }
  double density(const double* x) const override {
    std::copy_n(x, dimension_, work_.begin());
    return density_.evaluate(work_.data());
  }
  double mass_outside(const double*, const double*) const override { return -1.0; }
  bool normalised() const override { return false; }

 private:
  int dimension_;
  Expression density_;
  mutable std::vector<double> work_;  // x, and t at the end
};

}  // namespace

std::shared_ptr<const InitialDensity> gaussian(std::vector<double> mean, std::vector<double> covariance) {
  return gaussian_mixture({1.0}, {std::move(mean)}, {std::move(covariance)});
}

std::shared_ptr<const InitialDensity> gaussian_mixture(std::vector<double> weights,
                                                       std::vector<std::vector<double>> means,
                                                       std::vector<std::vector<double>> covariances) {
  std::vector<detail::NormalLaw> laws;
  for (std::size_t k = 0; k < means.size(); ++k) laws.emplace_back(std::move(means[k]), std::move(covariances[k]));
  return std::make_shared<Mixture>(detail::NormalMixture(std::move(weights), std::move(laws)));
}

std::shared_ptr<const InitialDensity> product_density(std::vector<Expression> factors, std::vector<double> low,
                                                      std::vector<double> high) {
  return std::make_shared<Product>(std::move(factors), low, high);
}

std::shared_ptr<const InitialDensity> expression_density(int dimension, Expression density, double t) {
  return std::make_shared<Formula>(dimension, std::move(density), t);
}

}  // namespace kolmo::density
