/// Gaussians on grids, cell averages known to round-off, for the tests of the quantities.
#pragma once

#include <cmath>
#include <numbers>

#include "kolmo/density/exact.hpp"
#include "kolmo/grid/field.hpp"

namespace kolmo::test {

/// A product of normal densities, times a factor that makes it not normalised where asked for.
class ProductNormal final : public density::ExactDensity {
 public:
  ProductNormal(std::vector<double> mean, std::vector<double> deviation, double factor = 1.0)
      : mean_(std::move(mean)), deviation_(std::move(deviation)), factor_(factor) {}
  int dimension() const override { return static_cast<int>(mean_.size()); }
  std::string name() const override { return "product"; }
  bool transient() const override { return false; }
  double density(const double* x, double t) const override { return std::exp(log_density(x, t)); }
  double log_density(const double* x, double) const override {
    double sum = std::log(factor_);
    for (std::size_t d = 0; d < mean_.size(); ++d) {
      const double z = (x[d] - mean_[d]) / deviation_[d];
      sum -= 0.5 * z * z + std::log(deviation_[d] * std::sqrt(2.0 * std::numbers::pi));
    }
    return sum;
  }
  void score(const double* x, double, double* s) const override {
    for (std::size_t d = 0; d < mean_.size(); ++d) s[d] = (mean_[d] - x[d]) / (deviation_[d] * deviation_[d]);
  }
  bool normalised() const override { return factor_ == 1.0; }
  /// Mean of factor d over [from, to].
  double average(int d, double from, double to) const {
    const auto z = [&](double x) { return (x - mean_[d]) / (deviation_[d] * std::numbers::sqrt2); };
    // The tail that is small keeps its digits.
    const double mass = z(from) > 0.0 ? std::erfc(z(from)) - std::erfc(z(to)) : std::erfc(-z(to)) - std::erfc(-z(from));
    return 0.5 * mass / (to - from);
  }

 private:
  std::vector<double> mean_, deviation_;
  double factor_;
};

template <int Dim>
struct NormalBox {
  NormalBox(int cells, double half, Spacing spacing = Spacing::uniform, bool periodic = false)
      : grid(axes(cells, half, spacing, periodic)),
        decomposition(comm, grid.cells(), grid.periodic(), Decomposition<Dim>::choose(comm.size(), grid.cells())),
        layout(decomposition.extent(), Ghosts<Dim>::uniform(1, 1)) {}
  static std::array<Axis, Dim> axes(int cells, double half, Spacing spacing, bool periodic) {
    std::array<Axis, Dim> result;
    for (int d = 0; d < Dim; ++d) {
      AxisSpec spec;
      spec.from = -half;
      spec.to = half + 0.1 * d;
      spec.cells = cells + d % 2;
      spec.spacing = spacing;
      spec.strength = 0.8;
      spec.periodic = periodic;
      result[d] = Axis(spec);
    }
    return result;
  }
  /// f(global index)
  template <class F>
  Field<Dim> field(F&& f) const {
    Field<Dim> p(layout);
    p.fill(std::nan(""));
    for_each<Dim>(layout.interior(), [&](const Index<Dim>& i) {
      Index<Dim> global = i;
      for (int d = 0; d < Dim; ++d) global[d] += decomposition.owned().begin[d];
      p(i) = f(global);
    });
    return p;
  }
  Field<Dim> averages(const ProductNormal& exact) const {
    return field([&](const Index<Dim>& i) {
      double value = 1.0;
      for (int d = 0; d < Dim; ++d) value *= exact.average(d, grid.axis(d).node(i[d]), grid.axis(d).node(i[d] + 1));
      return value;
    });
  }
  Communicator comm;
  Grid<Dim> grid;
  Decomposition<Dim> decomposition;
  Layout<Dim> layout;
};

}  // namespace kolmo::test
