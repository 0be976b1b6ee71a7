// Closed forms that are mixtures of Gaussians at every time.
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "kolmo/base/error.hpp"
#include "kolmo/density/exact.hpp"
#include "kolmo/density/initial.hpp"
#include "kolmo/density/moments.hpp"
#include "normal_law.hpp"

namespace kolmo::density {

namespace {

/// The mixtures at the times asked for last are kept.
class MovingMixture : public ExactDensity {
 public:
  bool transient() const override { return true; }
  double density(const double* x, double t) const override { return std::exp(at(t).log_density(x)); }
  void densities(const double* first, int count, double* x, double t, double* out) const override {
    at(t).densities(first, count, x, out);
  }
  double log_density(const double* x, double t) const override { return at(t).log_density(x); }
  void score(const double* x, double t, double* s) const override { at(t).score(x, s); }
  void sample(std::uint64_t stream, std::uint64_t index, double t, double* x) const override {
    at(t).sample(stream, index, x);
  }

 protected:
  virtual detail::NormalMixture mixture(double t) const = 0;

 private:
  const detail::NormalMixture& at(double t) const {
    if (last_ < kept_.size() && kept_[last_].first == t) return kept_[last_].second;
    for (last_ = 0; last_ < kept_.size(); ++last_)
      if (kept_[last_].first == t) return kept_[last_].second;
    constexpr std::size_t most = 8;
    if (kept_.size() < most) {
      kept_.emplace_back(t, mixture(t));
      last_ = kept_.size() - 1;
    } else {
      last_ = oldest_;
      oldest_ = (oldest_ + 1) % most;
      kept_[last_] = {t, mixture(t)};
    }
    return kept_[last_].second;
  }
  mutable std::vector<std::pair<double, detail::NormalMixture>> kept_;
  mutable std::size_t last_ = 0, oldest_ = 0;
};

class LinearGaussian final : public MovingMixture {
 public:
  LinearGaussian(const Problem& problem, const std::vector<GaussianComponent>& start, const RunTimes& times)
      : dimension_(problem.dimension()), equations_(problem), times_(times) {
    if (equations_.fixed()) times_.step = std::numeric_limits<double>::infinity();  // nothing to be missed
    for (const GaussianComponent& component : start) {
      weights_.push_back(component.weight);
      kept_.push_back({{component.mean, component.covariance}});
    }
  }
  int dimension() const override { return dimension_; }
  std::string name() const override { return "gaussian"; }

 private:
  detail::NormalMixture mixture(double t) const override {
    std::vector<detail::NormalLaw> laws;
    for (std::vector<Moments>& kept : kept_) {
      Moments moments = followed(kept, t);
      laws.emplace_back(std::move(moments.mean), std::move(moments.covariance));
    }
    return {weights_, std::move(laws)};
  }

  /// From the last of the places kept every few steps, which are the same whatever was asked for before.
  Moments followed(std::vector<Moments>& kept, double t) const {
    if (!std::isfinite(times_.step)) return equations_.advance(kept.front(), times_.start, t);
    const auto place = [&](std::size_t k) { return times_.start + 16.0 * times_.step * static_cast<double>(k); };
    std::size_t last = 0;
    for (; place(last + 1) <= t; ++last)
      if (last + 1 == kept.size())
        kept.push_back(equations_.advance(kept[last], place(last), place(last + 1), tolerance, times_.step));
    return equations_.advance(kept[last], place(last), t, tolerance, times_.step);
  }

  static constexpr double tolerance = 1e-13;
  int dimension_;
  MomentEquations equations_;
  RunTimes times_;
  std::vector<double> weights_;
  mutable std::vector<std::vector<Moments>> kept_;  // of each component; the first is the start
};

class Benes final : public MovingMixture {
 public:
  Benes(std::vector<GaussianComponent> start, double variance, double diffusion, double start_time)
      : start_(std::move(start)), variance_(variance), diffusion_(diffusion), start_time_(start_time) {}
  int dimension() const override { return static_cast<int>(start_.front().mean.size()); }
  std::string name() const override { return "benes"; }

 private:
  detail::NormalMixture mixture(double t) const override {
    const double variance = variance_ + diffusion_ * (t - start_time_);
    const std::size_t n = start_.front().mean.size();
    std::vector<double> weights;
    std::vector<detail::NormalLaw> laws;
    for (const GaussianComponent& component : start_) {
      std::vector<double> mean(component.mean), covariance(n * n, 0.0);
      for (double& m : mean) m *= variance / variance_;
      for (std::size_t i = 0; i < n; ++i) covariance[i * n + i] = variance;
      weights.push_back(component.weight);
      laws.emplace_back(std::move(mean), std::move(covariance));
    }
    return {std::move(weights), std::move(laws)};
  }

  std::vector<GaussianComponent> start_;
  double variance_, diffusion_, start_time_;
};

const std::vector<GaussianComponent>& gaussians_of(const Problem& problem) {
  const InitialDensity* initial = problem.definition().initial.get();
  const std::vector<GaussianComponent>* gaussians = initial ? initial->gaussians() : nullptr;
  if (!gaussians) throw InputError("needs a start that is a Gaussian or a mixture of Gaussians");
  return *gaussians;
}

}  // namespace

std::shared_ptr<const ExactDensity> gaussian_exact(const Problem& problem, const RunTimes& times) {
  if (!problem.linear()) throw InputError("needs a drift that is linear and a diffusion that is the same everywhere");
  auto exact = std::make_shared<LinearGaussian>(problem, gaussians_of(problem), times);
  try {
    const std::vector<double> origin(static_cast<std::size_t>(problem.dimension()), 0.0);
    (void)exact->log_density(origin.data(), times.end);
  } catch (const NumericsError& error) {
    throw InputError(fmt::format("needs moments that can be followed to the end of the run: {}", error.what()));
  }
  return exact;
}

std::shared_ptr<const ExactDensity> benes_exact(const Problem& problem, double start) {
  const std::vector<GaussianComponent>& gaussians = gaussians_of(problem);
  const std::size_t n = gaussians.front().mean.size();
  const double variance = gaussians.front().covariance.front();
  double length = -1.0;
  for (const GaussianComponent& component : gaussians) {
    double square = 0.0;
    for (const double m : component.mean) square += m * m;
    if (length < 0.0) length = square;
    if (std::abs(square - length) > 1e-10 * (length + variance))
      throw InputError("needs components of the start at equal distances from the origin");
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j)
        if (std::abs(component.covariance[i * n + j] - (i == j ? variance : 0.0)) > 1e-14 * variance)
          throw InputError("needs components of the start with the same covariance s I");
  }
  const std::vector<double> origin(n, 0.0);
  const double diffusion = problem.diffusion(0, 0, origin.data(), start);
  for (int i = 0; i < problem.dimension(); ++i)
    for (int j = 0; j < problem.dimension(); ++j)
      if (!problem.diffusion_constant(i, j) ||
          std::abs(problem.diffusion(i, j, origin.data(), start) - (i == j ? diffusion : 0.0)) > 1e-14 * diffusion)
        throw InputError("needs a constant diffusion c I");
  return std::make_shared<Benes>(gaussians, variance, diffusion, start);
}

}  // namespace kolmo::density
