// Closed forms given by expressions or potentials, the choice of "auto", and the test that a form solves the equation.
#include "kolmo/density/exact.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "kolmo/base/error.hpp"

namespace kolmo::density {

void ExactDensity::sample(std::uint64_t, std::uint64_t, double, double*) const {
  throw InputError(fmt::format("it is not known how to draw from the density \"{}\"", name()));
}

void ExactDensity::densities(const double* first, int count, double* x, double t, double* out) const {
  for (int k = 0; k < count; ++k) {
    x[0] = first[k];
    out[k] = density(x, t);
  }
}

namespace {

enum class Meaning { potential, stationary, density };

/// One expression: U, the stationary density, or p(x, t).
class Formula final : public ExactDensity {
 public:
  Formula(int dimension, Expression expression, Meaning meaning, std::vector<double> widths)
      : dimension_(dimension), expression_(std::move(expression)), meaning_(meaning), widths_(std::move(widths)) {
    at_.resize(static_cast<std::size_t>(dimension) + 1);
  }

  int dimension() const override { return dimension_; }
  std::string name() const override {
    return meaning_ == Meaning::potential ? "potential" : meaning_ == Meaning::stationary ? "stationary" : "density";
  }
  bool transient() const override { return meaning_ == Meaning::density; }
  bool normalised() const override { return meaning_ == Meaning::density; }

  double density(const double* x, double t) const override {
    const double value = evaluate(x, t);
    return meaning_ == Meaning::potential ? std::exp(-value) : value;
  }
  double log_density(const double* x, double t) const override {
    const double value = evaluate(x, t);
    return meaning_ == Meaning::potential ? -value : std::log(value);
  }
  void score(const double* x, double t, double* s) const override {
    std::vector<double> y(x, x + dimension_);
    for (int i = 0; i < dimension_; ++i) {
      const double h = difference_step(i, x[i]);
      const auto value = [&](int steps) {
        y[i] = x[i] + steps * h;
        return log_density(y.data(), t);
      };
      s[i] = (8.0 * (value(1) - value(-1)) - (value(2) - value(-2))) / (12.0 * h);
      y[i] = x[i];
    }
  }

 private:
  double evaluate(const double* x, double t) const {
    std::copy_n(x, dimension_, at_.begin());
    at_.back() = meaning_ == Meaning::density ? t : 0.0;
    return expression_.evaluate(at_.data());
  }
  /// A twentieth of a cell: around a centre it stays inside of the box, and the density varies over more than a cell.
  double difference_step(int i, double x) const {
    if (widths_.empty()) return 1e-3 * std::max(1e-3, std::min(1.0, std::abs(x)));
    return std::max(0.05 * widths_[i], 1e-9 * std::abs(x));  // the latter: what x + h keeps of h
  }

  int dimension_;
  Expression expression_;
  Meaning meaning_;
  std::vector<double> widths_;
  mutable std::vector<double> at_;
};

}  // namespace

std::shared_ptr<const ExactDensity> potential_exact(const Problem& problem, std::vector<double> widths) {
  if (!problem.has_potential()) throw InputError("needs a potential");
  return std::make_shared<Formula>(problem.dimension(), problem.definition().stationary_potential, Meaning::potential,
                                   std::move(widths));
}
std::shared_ptr<const ExactDensity> stationary_exact(int dimension, Expression density, std::vector<double> widths) {
  return std::make_shared<Formula>(dimension, std::move(density), Meaning::stationary, std::move(widths));
}
std::shared_ptr<const ExactDensity> formula_exact(int dimension, Expression density, std::vector<double> widths) {
  return std::make_shared<Formula>(dimension, std::move(density), Meaning::density, std::move(widths));
}

std::shared_ptr<const ExactDensity> automatic_exact(const Problem& problem, const RunTimes& times, const double* low,
                                                    const double* high, std::vector<double> widths) {
  const std::function<std::shared_ptr<const ExactDensity>()> forms[] = {
      [&] { return gaussian_exact(problem, times); },
      [&] { return eigenexpansion_exact(problem, times.start, low, high); },
      [&] { return potential_exact(problem, widths); },
  };
  for (const auto& form : forms) {
    try {
      return form();
    } catch (const InputError&) {
      // This form does not apply: the next one may.
    }
  }
  return nullptr;
}

namespace {

/// log p around a point: first and second derivatives by differences of fourth order.
class LogDensity {
 public:
  LogDensity(const ExactDensity& exact, const double* x, double t, const double* h)
      : exact_(exact), x_(x, x + exact.dimension()), t_(t), h_(h) {}

  double first(int i) { return (8.0 * (at(i, 1) - at(i, -1)) - (at(i, 2) - at(i, -2))) / (12.0 * h_[i]); }
  double second(int i, int j) {
    if (i == j)
      return (16.0 * (at(i, 1) + at(i, -1)) - (at(i, 2) + at(i, -2)) - 30.0 * at(i, 0)) / (12.0 * h_[i] * h_[i]);
    const auto slope = [&](int steps) {
      const double before = x_[j];
      x_[j] += steps * h_[j];
      const double result = first(i);
      x_[j] = before;
      return result;
    };
    return (8.0 * (slope(1) - slope(-1)) - (slope(2) - slope(-2))) / (12.0 * h_[j]);
  }
  double in_time(double k) {
    if (!exact_.transient()) return 0.0;
    const auto value = [&](int steps) { return exact_.log_density(x_.data(), t_ + steps * k); };
    return (8.0 * (value(1) - value(-1)) - (value(2) - value(-2))) / (12.0 * k);
  }

 private:
  double at(int i, int steps) {
    const double before = x_[i];
    x_[i] += steps * h_[i];
    const double result = exact_.log_density(x_.data(), t_);
    x_[i] = before;
    return result;
  }

  const ExactDensity& exact_;
  std::vector<double> x_;
  double t_;
  const double* h_;
};

}  // namespace

Residual equation_residual(const Problem& problem, const ExactDensity& exact, const double* x, double t,
                           const double* h, double time_step) {
  const int n = problem.dimension();
  LogDensity log_p(exact, x, t, h);
  std::vector<double> slope(static_cast<std::size_t>(n)), y(x, x + n);
  for (int i = 0; i < n; ++i) slope[i] = log_p.first(i);
  Residual sum;
  const auto add = [&](double term) {
    sum.value += term;
    sum.size += std::abs(term);
  };
  constexpr double epsilon = 2.2e-16;
  const double in_time = log_p.in_time(time_step);
  add(in_time);
  sum.rounding += epsilon * std::abs(t * in_time) / time_step;
  for (int i = 0; i < n; ++i) {
    const double divergence = problem.drift_derivative(i, i, x, t, 32.0 * h[i]), drift = problem.drift(i, x, t);
    const double place = epsilon * std::abs(x[i]), moved = place * std::abs(slope[i]);
    add(divergence);
    add(drift * slope[i]);
    sum.rounding += (place * std::abs(divergence) + moved * std::abs(drift)) / h[i] +
                    moved * problem.diffusion(i, i, x, t) / (h[i] * h[i]) +
                    (exact.transient() ? moved / time_step : 0.0);
    for (int j = 0; j < n; ++j) {
      if (problem.diffusion_zero(i, j)) continue;
      // -1/2 d_i d_j (D_ij p) / p
      add(-0.5 * problem.diffusion(i, j, x, t) * (log_p.second(i, j) + slope[i] * slope[j]));
      add(-problem.diffusion_derivative(i, j, i, x, t, 32.0 * h[i]) * slope[j]);
      if (!problem.diffusion_depends_on(i, j, i) || !problem.diffusion_depends_on(i, j, j)) continue;
      const auto derivative = [&](int steps) {
        y[j] = x[j] + steps * h[j];
        return problem.diffusion_derivative(i, j, i, y.data(), t, 32.0 * h[i]);
      };
      add(-0.5 * (8.0 * (derivative(1) - derivative(-1)) - (derivative(2) - derivative(-2))) / (12.0 * h[j]));
      y[j] = x[j];
    }
  }
  return sum;
}

}  // namespace kolmo::density
