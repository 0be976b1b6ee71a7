#include "kolmo/grid/axis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kolmo/base/error.hpp"

namespace kolmo {

namespace {

constexpr double round_off = 1e-12;

// xi in [0,1] -> [0,1]; each maps the ends exactly.
double stretched(const AxisSpec& spec, double xi) {
  const double s = spec.strength;
  switch (spec.spacing) {
    case Spacing::tanh:
      return 0.5 * (1.0 + std::tanh(s * (2.0 * xi - 1.0)) / std::tanh(s));
    case Spacing::tanh_low:
      return 1.0 + std::tanh(s * (xi - 1.0)) / std::tanh(s);
    case Spacing::tanh_high:
      return std::tanh(s * xi) / std::tanh(s);
    case Spacing::geometric: {
      const double r = std::log(spec.ratio);
      return r == 0.0 ? xi : std::expm1(r * xi * spec.cells) / std::expm1(r * spec.cells);
    }
    default:
      return xi;
  }
}

bool is_tanh(Spacing s) { return s == Spacing::tanh || s == Spacing::tanh_low || s == Spacing::tanh_high; }

void validate(const AxisSpec& spec) {
  if (spec.cells < 1) throw InputError(fmt::format("an axis needs at least one cell, got {}", spec.cells));
  if (spec.spacing == Spacing::nodes) {
    if (static_cast<int>(spec.nodes.size()) != spec.cells + 1)
      throw InputError(fmt::format("{} cells need {} nodes, got {}", spec.cells, spec.cells + 1, spec.nodes.size()));
    for (std::size_t i = 1; i < spec.nodes.size(); ++i)
      if (!(spec.nodes[i] > spec.nodes[i - 1]))
        throw InputError(fmt::format("nodes must increase, got {} after {}", spec.nodes[i], spec.nodes[i - 1]));
    if (!std::isfinite(spec.nodes.front()) || !std::isfinite(spec.nodes.back()))
      throw InputError("nodes must be finite numbers");
    return;
  }
  if (!(std::isfinite(spec.from) && std::isfinite(spec.to) && spec.to > spec.from))
    throw InputError(fmt::format("an axis must end above its start, got from {} to {}", spec.from, spec.to));
  if (is_tanh(spec.spacing) && !(spec.strength > 0.0 && spec.strength <= 10.0))
    throw InputError(fmt::format("the strength of a tanh spacing must lie in (0, 10], got {}", spec.strength));
  if (spec.spacing == Spacing::geometric && !(spec.ratio > 0.0 && std::isfinite(spec.ratio)))
    throw InputError(fmt::format("the ratio of a geometric spacing must be positive, got {}", spec.ratio));
}

}  // namespace

Axis::Axis(const AxisSpec& spec) : cells_(spec.cells), periodic_(spec.periodic) {
  validate(spec);
  nodes_.assign(static_cast<std::size_t>(cells_) + 1 + 2 * ghosts, 0.0);
  double* x = nodes_.data() + ghosts;
  if (spec.spacing == Spacing::nodes) {
    std::copy(spec.nodes.begin(), spec.nodes.end(), x);
  } else {
    for (int i = 0; i <= cells_; ++i)
      x[i] = spec.from + (spec.to - spec.from) * stretched(spec, static_cast<double>(i) / cells_);
    x[0] = spec.from;
    x[cells_] = spec.to;
    // The two halves of a symmetric spacing are made from the same numbers, so that mirror symmetry is exact to the
    // last digit.
    if (spec.spacing == Spacing::tanh)
      for (int i = 0; 2 * i < cells_; ++i) x[cells_ - i] = spec.to - (x[i] - spec.from);
    for (int i = 0; i < cells_; ++i)
      if (!(x[i + 1] > x[i]))
        throw InputError(fmt::format("the spacing is too strong: cell {} of {} has no width", i, cells_));
  }
  finish();
}

Axis Axis::uniform(double from, double to, int cells, bool periodic) {
  AxisSpec spec;
  spec.from = from;
  spec.to = to;
  spec.cells = cells;
  spec.periodic = periodic;
  return Axis(spec);
}

void Axis::finish() {
  const int n = cells_;
  widths_.assign(static_cast<std::size_t>(n) + 2 * ghosts, 0.0);
  double* w = widths_.data() + ghosts;
  double* x = nodes_.data() + ghosts;
  for (int i = 0; i < n; ++i) w[i] = x[i + 1] - x[i];

  const double mean = (x[n] - x[0]) / n;
  uniform_ = mirror_symmetric_ = true;
  for (int i = 0; i < n; ++i) {
    uniform_ = uniform_ && std::abs(w[i] - mean) <= round_off * (std::abs(x[0]) + std::abs(x[n]) + mean);
    mirror_symmetric_ =
        mirror_symmetric_ && std::abs(w[i] - w[n - 1 - i]) <= round_off * (std::abs(x[0]) + std::abs(x[n]) + w[i]);
  }
  if (uniform_)  // differences of rounded nodes would make every row of coefficients a little different
    for (int i = 0; i < n; ++i) w[i] = mean;

  for (int g = 1; g <= ghosts; ++g) {
    const int inside = (g - 1) % n;  // an axis of one cell repeats it
    w[-g] = periodic_ ? w[n - 1 - inside] : w[inside];
    w[n - 1 + g] = periodic_ ? w[inside] : w[n - 1 - inside];
    x[-g] = x[1 - g] - w[-g];
    x[n + g] = x[n + g - 1] + w[n - 1 + g];
  }
  centres_.assign(widths_.size(), 0.0);
  for (int i = -ghosts; i < n + ghosts; ++i) centres_[i + ghosts] = 0.5 * (x[i] + x[i + 1]);
  distances_.assign(static_cast<std::size_t>(n) + 3, 0.0);
  for (int i = -1; i <= n + 1; ++i) distances_[i + 1] = 0.5 * (w[i - 1] + w[i]);
}

double Axis::min_width() const { return *std::min_element(widths_.begin() + ghosts, widths_.end() - ghosts); }
double Axis::max_width() const { return *std::max_element(widths_.begin() + ghosts, widths_.end() - ghosts); }
std::vector<double> Axis::node_list() const { return {nodes_.begin() + ghosts, nodes_.end() - ghosts}; }

}  // namespace kolmo
