#include "kolmo/density/splitting.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kolmo/base/error.hpp"

namespace kolmo::density {

namespace {

/// to := a from + b to + c rate, over the cells held.
template <int Dim>
void combine(Field<Dim>& to, double b, const Field<Dim>& from, double a, const Field<Dim>& rate, double c) {
  const int n = to.layout().extent()[0];
  for_each_row<Dim>(to.layout().interior(), [&](const Index<Dim>& i) {
    double* __restrict t = &to(i);
    const double* f = from.origin() + from.layout().offset(i);
    const double* r = rate.origin() + rate.layout().offset(i);
    for (int k = 0; k < n; ++k) t[k] = b * t[k] + a * f[k] + c * r[k];
  });
}

}  // namespace

template <int Dim>
Splitting<Dim>::Splitting(const Grid<Dim>& grid, const Decomposition<Dim>& cells, const Layout<Dim>& layout,
                          const LineOptions& options)
    : comm_(cells.comm()), layout_(layout) {
  for (int d = 0; d < Dim; ++d) lines_.emplace_back(grid, cells, d, options);
}

template <int Dim>
void Splitting<Dim>::set(const DirectionWeights<Dim>& weights) {
  if (pending_ != 0.0) throw InternalError("splitting: weights change while a step is open");
  lines_.at(weights.direction).set(weights);
  given_[weights.direction] = true;
  arranged_ = false;
}

template <int Dim>
void Splitting<Dim>::set_explicit_part(ExplicitPart<Dim> part) {
  if (pending_ != 0.0) throw InternalError("splitting: terms change while a step is open");
  explicit_ = std::move(part);
  if (!explicit_.rate) return;
  if (!(explicit_.max_step > 0.0)) throw InternalError("splitting: the explicit part has no step");
  if (!rate_) rate_ = Field<Dim>(layout_);
  if (!stage_) stage_ = Field<Dim>(layout_);
}

/// The dearest group goes to the middle, where it is taken once; the next to the outside, where steps may share it.
/// Among equals the highest direction counts as dearest, because decompositions cut it first: asking for the cuts
/// themselves would make results depend on the ranks.
template <int Dim>
void Splitting<Dim>::arrange() {
  if (arranged_) return;
  arranged_ = true;
  std::array<bool, Dim> commute;
  for (int d = 0; d < Dim; ++d) commute[d] = lines_[d].uniform() && !lines_[d].has_sources();
  if (!groups_.empty() && commute == commute_) return;  // new numbers of the same kind
  commute_ = commute;
  groups_.clear();
  groups_.emplace_back();  // directions that commute
  for (int d = 0; d < Dim; ++d) {
    if (!given_[d]) throw InternalError("splitting: a direction has no weights");
    if (commute[d])
      groups_.front().push_back(d);
    else
      groups_.push_back({d});
  }
  if (groups_.front().empty()) groups_.erase(groups_.begin());
  std::stable_sort(groups_.begin(), groups_.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); });
  if (groups_.size() > 2) std::rotate(groups_.begin(), groups_.end() - 2, groups_.end() - 1);
}

template <int Dim>
void Splitting<Dim>::run_group(Field<Dim>& p, std::size_t group, double dt) {
  for (const int d : groups_[group]) lines_[d].advance(p, dt);
}

template <int Dim>
void Splitting<Dim>::run_outer(Field<Dim>& p, double dt) {
  if (explicit_.rate)
    run_explicit(p, dt);
  else
    run_group(p, 0, dt);
}

/// SSP-RK2 (Heun): q = p + dt C p,  p := (p + q + dt C q) / 2.
template <int Dim>
void Splitting<Dim>::run_explicit(Field<Dim>& p, double dt) {
  const int parts = std::max(1, static_cast<int>(std::ceil(dt / explicit_.max_step - 1e-9)));
  const double h = dt / parts;
  for (int k = 0; k < parts; ++k) {
    explicit_.rate(p, rate_);
    combine(stage_, 0.0, p, 1.0, rate_, h);
    explicit_.rate(stage_, rate_);
    combine(p, 0.5, stage_, 0.5, rate_, 0.5 * h);
  }
}

template <int Dim>
void Splitting<Dim>::strang(Field<Dim>& p, double dt, bool more) {
  const std::size_t first = explicit_.rate ? 0 : 1, middle = groups_.size() - 1;
  if (!explicit_.rate && middle == 0) {
    run_group(p, 0, dt);
    return;
  }
  run_outer(p, pending_ + 0.5 * dt);
  for (std::size_t g = first; g < middle; ++g) run_group(p, g, 0.5 * dt);
  run_group(p, middle, dt);
  for (std::size_t g = middle; g-- > first;) run_group(p, g, 0.5 * dt);
  pending_ = 0.5 * dt;
  if (!more) finish(p);
}

template <int Dim>
void Splitting<Dim>::step(Field<Dim>& p, double dt, bool more) {
  arrange();
  const int parts = explicit_.rate ? std::max(1, static_cast<int>(std::ceil(dt / explicit_.max_step - 1e-9))) : 1;
  for (int k = 0; k < parts; ++k) strang(p, dt / parts, more || k + 1 < parts);
}

template <int Dim>
void Splitting<Dim>::finish(Field<Dim>& p) {
  if (pending_ == 0.0) return;
  run_outer(p, pending_);
  pending_ = 0.0;
}

template <int Dim>
std::vector<double> Splitting<Dim>::escaped() const {
  std::vector<double> sum(2 * Dim, 0.0);
  add_escaped(sum);
  return sum;
}

template <int Dim>
void Splitting<Dim>::add_escaped(std::vector<double>& to) const {
  std::array<double, 2 * Dim> sum;
  for (int d = 0; d < Dim; ++d)
    for (int side = 0; side < 2; ++side) sum[2 * d + side] = lines_[d].escaped()[side];
  comm_.sum(sum.data(), 2 * Dim);
  for (int k = 0; k < 2 * Dim; ++k) to[k] += sum[k];
}

template <int Dim>
void Splitting<Dim>::reset_sums() {
  for (LineStep<Dim>& line : lines_) line.reset_sums();
}

template <int Dim>
double Splitting<Dim>::dropped() const {
  double sum = 0.0;
  for (const LineStep<Dim>& line : lines_) sum += line.dropped();
  return comm_.sum(sum);
}

template <int Dim>
std::pair<std::int64_t, std::int64_t> Splitting<Dim>::fallbacks() const {
  std::int64_t moved = 0, all = 0;
  for (const LineStep<Dim>& line : lines_) {
    moved += line.fallbacks();
    all += line.lines();
  }
  return {comm_.sum(moved), comm_.sum(all)};
}

template <int Dim>
std::int64_t Splitting<Dim>::repairs() const {
  std::int64_t sum = 0;
  for (const LineStep<Dim>& line : lines_) sum += line.repairs();
  return comm_.sum(sum);
}

template <int Dim>
std::string Splitting<Dim>::description(const std::vector<std::string>& names) const {
  std::string text;
  for (const std::vector<int>& group : groups_) {
    std::string before;
    for (const int d : group) {
      const std::string method = lines_[d].method();
      if (!text.empty()) text += method == before ? " " : ", ";
      if (method != before) text += method + " ";
      text += names[d];
      before = method;
    }
  }
  return text;
}

template class Splitting<1>;
template class Splitting<2>;
template class Splitting<3>;
template class Splitting<4>;
template class Splitting<5>;
template class Splitting<6>;

}  // namespace kolmo::density
