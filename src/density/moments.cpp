#include "kolmo/density/moments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "kolmo/base/error.hpp"

namespace kolmo::density {

namespace {

using State = std::vector<double>;
constexpr int columns = 8;

/// One step of H by the modified midpoint rule with 2, 4, .. 16 substeps, extrapolated in (H/n)^2.
template <class Rate>
class Extrapolation {
 public:
  Extrapolation(const Rate& rate, std::size_t size)
      : rate_(rate), first_(size), low_(size), high_(size), slope_(size) {}

  /// The new state; `error` its estimate, entry by entry.
  const State& step(const State& state, double t, double dt, State& error) {
    rate_(state, t, first_);
    for (int row = 0; row < columns; ++row) {
      midpoint(state, t, dt, 2 * (row + 1));
      // T[k] of this row from T[k-1] of this row and of the row above.
      State current = high_;
      for (int k = 0; k < row; ++k) {
        const double ratio = (row + 1.0) / (row - k), factor = 1.0 / (ratio * ratio - 1.0);
        for (std::size_t i = 0; i < current.size(); ++i) {
          const double above = table_[k][i], value = current[i] + (current[i] - above) * factor;
          table_[k][i] = current[i];
          if (k == row - 1) error[i] = std::abs(value - current[i]);
          current[i] = value;
        }
      }
      table_[row] = current;
    }
    return table_[columns - 1];
  }

 private:
  /// Into high_.
  void midpoint(const State& state, double t, double dt, int count) {
    const double h = dt / count;
    low_ = state;
    for (std::size_t i = 0; i < state.size(); ++i) high_[i] = state[i] + h * first_[i];
    for (int k = 1; k < count; ++k) {
      rate_(high_, t + k * h, slope_);
      for (std::size_t i = 0; i < state.size(); ++i) low_[i] += 2.0 * h * slope_[i];
      std::swap(low_, high_);
    }
    rate_(high_, t + dt, slope_);
    for (std::size_t i = 0; i < state.size(); ++i) high_[i] = 0.5 * (high_[i] + low_[i] + h * slope_[i]);
  }

  const Rate& rate_;
  State first_, low_, high_, slope_;
  std::array<State, columns> table_;
};

}  // namespace

MomentEquations::MomentEquations(Problem problem)
    : problem_(std::move(problem)), n_(problem_.dimension()), fixed_(problem_.linear() && problem_.autonomous()) {}

/// A, b and D at a state; f(m) = A (m - origin) + b where the drift is linear, b = f(m) elsewhere.
void MomentEquations::linearise(const State& state, double t) const {
  at_ = origin_;
  b_.resize(static_cast<std::size_t>(n_));
  if (problem_.linear()) {
    problem_.linear_drift(t, a_, b_);
    for (int i = 0; i < n_; ++i) b_[i] = problem_.drift(i, origin_.data(), t);
  } else {
    for (int i = 0; i < n_; ++i) at_[i] += state[i];
    a_.resize(static_cast<std::size_t>(n_) * n_);
    for (int i = 0; i < n_; ++i) {
      b_[i] = problem_.drift(i, at_.data(), t);
      for (int j = 0; j < n_; ++j)
        a_[i * n_ + j] =
            problem_.drift_derivative(i, j, at_.data(), t, std::sqrt(std::abs(state[n_ + j * n_ + j])) + 1e-3);
    }
  }
  d_.resize(static_cast<std::size_t>(n_) * n_);
  for (int i = 0; i < n_; ++i)
    for (int j = 0; j < n_; ++j) d_[i * n_ + j] = problem_.diffusion(i, j, at_.data(), t);
}

void MomentEquations::rate(const State& state, double t, State& rate) const {
  if (!fixed_) linearise(state, t);
  const double *m = state.data(), *s = m + n_;
  for (int i = 0; i < n_; ++i) {
    rate[i] = b_[i];
    if (problem_.linear())
      for (int j = 0; j < n_; ++j) rate[i] += a_[i * n_ + j] * m[j];
  }
  double* s_rate = rate.data() + n_;
  std::copy(d_.begin(), d_.end(), s_rate);
  for (int i = 0; i < n_; ++i)
    for (int k = 0; k < n_; ++k) {
      const double a = a_[i * n_ + k];
      if (a == 0.0) continue;
      for (int j = 0; j < n_; ++j) {
        s_rate[i * n_ + j] += a * s[k * n_ + j];
        s_rate[j * n_ + i] += a * s[k * n_ + j];
      }
    }
}

namespace {

/// The largest error of an entry, over the deviations that belong to it; infinite where the state is not finite.
double relative_error(const State& state, const State& error, const State& origin) {
  constexpr double round_off = 0.01;  // of the origin, where the tolerance is 1e-13
  const std::size_t n = origin.size();
  double worst = 0.0;
  for (const double value : state)
    if (!std::isfinite(value)) return std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < n; ++i) {
    const double si = std::sqrt(std::abs(state[n + i * n + i]));
    worst = std::max(worst, error[i] / (si + std::abs(state[i]) + round_off * std::abs(origin[i])));
    for (std::size_t j = 0; j < n; ++j)
      worst = std::max(worst, error[n + i * n + j] / (si * std::sqrt(std::abs(state[n + j * n + j])) + 1e-300));
  }
  return worst;
}

}  // namespace

Moments MomentEquations::advance(const Moments& start, double from, double to, double tolerance, double longest) const {
  const std::size_t n = static_cast<std::size_t>(n_), size = n + n * n;
  State state(n, 0.0), error(size, 0.0);  // the mean less its start, which far from 0 would drown it
  origin_ = start.mean;
  state.insert(state.end(), start.covariance.begin(), start.covariance.end());
  if (fixed_) linearise(state, from);
  const auto slope = [this](const State& at, double t, State& result) { rate(at, t, result); };
  Extrapolation<decltype(slope)> extrapolation(slope, size);
  constexpr int most_steps = 1000000, most_forced = 16;
  // Beyond it no step can tell on which side of a jump it ends.
  const double least = std::max(1e-13 * std::abs(to - from), 4e-16 * std::max(std::abs(from), std::abs(to)));
  const auto sized = [&](double dt) {
    return std::copysign(std::clamp(dt, least, std::max(least, longest)), to - from);
  };
  double done = 0.0, dt = sized(std::abs(to - from));  // `done` keeps the digits that t loses far from 0
  int forced = 0;
  for (int steps = 0; to != from; ++steps) {
    const bool last = std::abs(dt) >= std::abs(to - from - done);
    if (last) dt = to - from - done;
    const State& next = extrapolation.step(state, from + done, dt, error);
    const double ratio = relative_error(next, error, origin_) / tolerance;
    const bool good = ratio <= 1.0, force = !good && std::isfinite(ratio) && std::abs(dt) <= least;
    forced = good ? 0 : forced + force;
    if (steps == most_steps || forced > most_forced || (!std::isfinite(ratio) && std::abs(dt) <= least))
      throw NumericsError(fmt::format("the moment equations cannot be followed beyond t = {:.6g}", from + done));
    if (good || force) {
      state = next;
      done += dt;
      if (last) break;
    }
    const double change = std::clamp(0.8 * std::pow(ratio + 1e-10, -1.0 / 15.0), 0.1, 3.0);
    dt = sized(std::abs(dt) * (std::isfinite(ratio) ? change : 0.1));
  }
  Moments result;
  result.mean = start.mean;
  for (std::size_t i = 0; i < n; ++i) result.mean[i] += state[i];
  result.covariance.assign(state.begin() + n_, state.end());
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < i; ++j)
      result.covariance[i * n + j] = result.covariance[j * n + i] =
          0.5 * (result.covariance[i * n + j] + result.covariance[j * n + i]);
  return result;
}

}  // namespace kolmo::density
