// Transient densities by eigenfunctions, where the problem falls apart into one-dimensional ones.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <unordered_map>

#include "gauss.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/density/exact.hpp"
#include "kolmo/density/initial.hpp"
#include "normal_law.hpp"
#include "symmetric.hpp"

namespace kolmo::density {

namespace {

/// One variable: psi(x, t) = sum_j c_j(t) sinc((x - x_j) / h) on equal points x_j, p = exp(-U/2) psi.
class Line {
 public:
  Line(const Problem& problem, int axis, double start, double low, double high);

  /// U(x), 0 at its least over the points; the integral of -2 f / D from the nearest point.
  double potential(double x) const;
  double log_density(double x, double t) const;
  double score(double x, double t) const;
  /// x with P(x) = u.
  double quantile(double u, double t) const;

 private:
  static constexpr int points = 320;

  double drift(double x) const;
  double rise(double from, double to) const;
  void choose_interval(double low, double high);
  void find_modes();
  void expand_start();
  void coefficients_at(double t) const;
  /// psi and its derivative.
  std::pair<double, double> psi(double x, double t) const;

  Problem problem_;
  int axis_;
  std::string name_;
  double diffusion_ = 0.0, low_ = 0.0, high_ = 0.0, h_ = 0.0;
  std::vector<double> u_;                 // U at the points
  std::vector<double> values_, vectors_;  // of H, one eigenvector per row
  std::vector<double> start_;             // psi at the start in eigenvectors
  double start_time_ = 0.0;
  mutable std::vector<double> at_, c_;
  mutable double time_ = -INFINITY;
  mutable double floor_ = 0.0;                        // below which psi is not known
  mutable std::unordered_map<double, double> known_;  // log densities at the present time
};

Line::Line(const Problem& problem, int axis, double start, double low, double high)
    : problem_(problem),
      axis_(axis),
      name_(problem.variables()[axis]),
      start_time_(start),
      at_(problem.variables().size(), 0.0) {
  diffusion_ = problem.diffusion(axis, axis, at_.data(), 0.0);
  if (!(diffusion_ > 0.0)) throw InputError(fmt::format("needs noise in every variable, and {} has none", name_));
  choose_interval(low, high);
  find_modes();
  expand_start();
}

double Line::drift(double x) const {
  at_[axis_] = x;
  return problem_.drift(axis_, at_.data(), 0.0);
}

/// U(to) - U(from), by 8 Gauss points on each of some panels.
double Line::rise(double from, double to) const {
  const int panels = 1 + static_cast<int>(std::abs(to - from) / (4.0 * h_));
  double sum = 0.0;
  for (int k = 0; k < panels; ++k) {
    const double half = 0.5 * (to - from) / panels, middle = from + (2 * k + 1) * half;
    for (int q = 0; q < gauss::count; ++q) sum += gauss::weight[q] * half * drift(middle + half * gauss::position[q]);
  }
  return -2.0 * sum / diffusion_;
}

/// Ends where exp(-U/2) has fallen to e^-25 of its largest value: within the box, or up to a box beyond it.
void Line::choose_interval(double low, double high) {
  constexpr int panels = 512;
  constexpr double negligible = 50.0;
  h_ = (high - low) / panels;
  std::vector<double> x, u;
  for (int k = -panels; k <= 2 * panels; ++k) x.push_back(low + k * h_);
  u.push_back(0.0);
  for (std::size_t k = 1; k < x.size(); ++k) u.push_back(u.back() + rise(x[k - 1], x[k]));
  std::size_t least = panels;
  for (std::size_t k = panels; k <= 2 * panels; ++k)
    if (u[k] < u[least]) least = k;
  std::size_t first = least, last = least;
  while (first > 0 && u[first] < u[least] + negligible) --first;
  while (last + 1 < x.size() && u[last] < u[least] + negligible) ++last;
  // What lies within the box counts, whatever barrier stands before it.
  for (std::size_t k = panels; k <= 2 * panels; ++k)
    if (u[k] < u[least] + negligible) {
      first = std::min(first, k);
      last = std::max(last, k);
    }
  if (first == 0 || last + 1 == x.size()) throw InputError(fmt::format("needs a drift that confines {}", name_));
  low_ = x[first];
  high_ = x[last];
  h_ = (high_ - low_) / (points - 1);
}

void Line::find_modes() {
  const auto at = [&](int j) { return low_ + j * h_; };
  u_.assign(points, 0.0);
  for (int j = 1; j < points; ++j) u_[j] = u_[j - 1] + rise(at(j - 1), at(j));
  const double least = *std::min_element(u_.begin(), u_.end());
  for (double& u : u_) u -= least;
  std::vector<double> h(static_cast<std::size_t>(points) * points);
  const double scale = 0.5 * diffusion_ / (h_ * h_);
  for (int i = 0; i < points; ++i) {
    const double f = drift(at(i));
    at_[axis_] = at(i);
    const double slope = problem_.drift_derivative(axis_, axis_, at_.data(), 0.0, 3e-3 * (high_ - low_));
    for (int j = 0; j < points; ++j)
      h[i * points + j] =
          i == j ? scale * std::numbers::pi * std::numbers::pi / 3.0 + 0.5 * f * f / diffusion_ + 0.5 * slope
                 : scale * ((i - j) % 2 == 0 ? 2.0 : -2.0) / ((i - j) * static_cast<double>(i - j));
  }
  detail::symmetric_eigenvectors(points, h, values_, vectors_);
  values_[0] = 0.0;  // the stationary density
}

void Line::expand_start() {
  const InitialDensity& initial = problem_.initial();
  const auto value = [&](double x) { return initial.factor(axis_, x) * std::exp(0.5 * potential(x)); };
  std::vector<double> psi(points);
  double largest = 0.0, defect = 0.0;
  for (int j = 0; j < points; ++j) {
    psi[j] = value(low_ + j * h_);
    largest = std::max(largest, psi[j]);
  }
  constexpr double allowed = 1e-9;
  if (!std::isfinite(largest) || std::max(psi.front(), psi.back()) > allowed * largest)
    throw InputError(fmt::format("needs a start that falls off faster than the stationary density along {}", name_));
  c_ = psi;
  time_ = start_time_;
  for (int j = points / 8; j < points - points / 8; ++j) {
    const double x = low_ + (j + 0.5) * h_;
    defect = std::max(defect, std::abs(this->psi(x, start_time_).first - value(x)));
  }
  if (!(defect < allowed * largest)) throw InputError(fmt::format("needs a smoother or wider start along {}", name_));
  start_.assign(points, 0.0);
  for (int k = 0; k < points; ++k)
    for (int j = 0; j < points; ++j) start_[k] += vectors_[k * points + j] * psi[j];
  time_ = -INFINITY;
}

double Line::potential(double x) const {
  const int j = std::clamp(static_cast<int>(std::lround((x - low_) / h_)), 0, points - 1);
  return u_[j] + rise(low_ + j * h_, x);
}

void Line::coefficients_at(double t) const {
  if (t == time_) return;
  time_ = t;
  known_.clear();
  c_.assign(points, 0.0);
  for (int k = 0; k < points; ++k) {
    const double amplitude = start_[k] * std::exp(-values_[k] * (t - start_time_));
    if (std::abs(amplitude) < 1e-300) continue;
    for (int j = 0; j < points; ++j) c_[j] += amplitude * vectors_[k * points + j];
  }
  constexpr double relative = 1e-15;
  floor_ = relative * std::abs(*std::max_element(c_.begin(), c_.end()));
}

std::pair<double, double> Line::psi(double x, double t) const {
  coefficients_at(t);
  // sin(pi (s - j)) = (-1)^j sin(pi s) with s = (x - low) / h counted from the nearest point.
  const double s = (x - low_) / h_;
  const int nearest = static_cast<int>(std::lround(s));
  const double r = s - nearest, sine = std::sin(std::numbers::pi * r), cosine = std::cos(std::numbers::pi * r);
  double value = 0.0, slope = 0.0;
  for (int j = 0; j < points; ++j) {
    const int k = j - nearest;
    const double sign = k % 2 == 0 ? 1.0 : -1.0, z = r - k;
    if (std::abs(z) < 1e-4) {
      const double w = std::numbers::pi * z;
      value += c_[j] * (1.0 - w * w / 6.0);
      slope -= c_[j] * std::numbers::pi * w / 3.0;
    } else {
      const double one = sign * sine / (std::numbers::pi * z);
      value += c_[j] * one;
      slope += c_[j] * (sign * cosine - one) / z;
    }
  }
  return {value, slope / h_};
}

double Line::log_density(double x, double t) const {
  coefficients_at(t);
  const auto found = known_.find(x);
  if (found != known_.end()) return found->second;
  double result = -0.5 * potential(x);
  result += std::log(std::max(psi(x, t).first, floor_));
  constexpr std::size_t most = 1 << 16;
  if (known_.size() > most) known_.clear();
  known_.emplace(x, result);
  return result;
}

double Line::score(double x, double t) const {
  const auto [value, slope] = psi(x, t);
  return drift(x) / diffusion_ + slope / std::max(value, floor_);
}

double Line::quantile(double u, double t) const {
  constexpr int parts = 4;
  double sum = 0.0, before = 0.0;
  for (int j = 0; j < (points - 1) * parts; ++j) {
    const double x = low_ + (j + 0.5) * h_ / parts;
    before = sum;
    sum += std::exp(log_density(x, t)) * h_ / parts;
    if (sum >= u) return low_ + (j + (u - before) / (sum - before)) * h_ / parts;
  }
  return high_;
}

class Eigenexpansion final : public ExactDensity {
 public:
  explicit Eigenexpansion(std::vector<Line> lines) : lines_(std::move(lines)) {}
  int dimension() const override { return static_cast<int>(lines_.size()); }
  std::string name() const override { return "eigenexpansion"; }
  bool transient() const override { return true; }
  double density(const double* x, double t) const override { return std::exp(log_density(x, t)); }
  double log_density(const double* x, double t) const override {
    double sum = 0.0;
    for (std::size_t i = 0; i < lines_.size(); ++i) sum += lines_[i].log_density(x[i], t);
    return sum;
  }
  void score(const double* x, double t, double* s) const override {
    for (std::size_t i = 0; i < lines_.size(); ++i) s[i] = lines_[i].score(x[i], t);
  }
  void sample(std::uint64_t stream, std::uint64_t index, double t, double* x) const override {
    for (std::size_t i = 0; i < lines_.size(); ++i)
      x[i] = lines_[i].quantile(detail::uniform_number(stream, index, i), t);
  }

 private:
  std::vector<Line> lines_;
};

}  // namespace

std::shared_ptr<const ExactDensity> eigenexpansion_exact(const Problem& problem, double start, const double* low,
                                                         const double* high) {
  if (!problem.separable() || !problem.autonomous())
    throw InputError("needs variables that do not act on each other, and coefficients that do not depend on t");
  for (int i = 0; i < problem.dimension(); ++i)
    if (!problem.diffusion_constant(i, i)) throw InputError("needs a constant diffusion");
  if (!problem.definition().initial || !problem.definition().initial->product())
    throw InputError("needs a start that is a product of densities of one variable");
  std::vector<Line> lines;
  for (int i = 0; i < problem.dimension(); ++i) lines.emplace_back(problem, i, start, low[i], high[i]);
  return std::make_shared<Eigenexpansion>(std::move(lines));
}

}  // namespace kolmo::density
