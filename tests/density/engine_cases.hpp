/// Settings made of a few strings, and distances from exact densities, for the tests of the grid engine.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "kolmo/density/grid_engine.hpp"
#include "kolmo/density/initial.hpp"

namespace kolmo::density::testing {

struct Case {
  std::vector<std::string> drift;
  std::vector<std::string> diffusion;  ///< 1, n or n * n entries of D
  std::string potential;               ///< of the stationary density; empty: none
  double half_width = 5.0;
  int cells = 16;
  BoundaryType boundary = BoundaryType::no_flux;
  FluxKind flux = FluxKind::fitted;
  Scheme scheme = Scheme::backward_euler;
  double step = 0.01, tolerance = 0.0;
  LinearMethod method = LinearMethod::automatic;
  std::shared_ptr<const InitialDensity> initial;
};

inline Settings settings_of(const Case& c) {
  Settings s;
  Problem::Definition d;
  const int n = static_cast<int>(c.drift.size());
  static const char* const names[6] = {"x1", "x2", "x3", "x4", "x5", "x6"};
  std::vector<std::string> all;
  for (int i = 0; i < n; ++i) all.emplace_back(names[i]);
  d.variables = all;
  all.emplace_back("t");
  for (const std::string& text : c.drift) d.drift.emplace_back(text, std::map<std::string, double>{}, all);
  for (const std::string& text : c.diffusion) d.diffusion.emplace_back(text, std::map<std::string, double>{}, all);
  const int entries = static_cast<int>(c.diffusion.size());
  d.kind = entries == 1 ? DiffusionKind::scalar : entries == n ? DiffusionKind::diagonal : DiffusionKind::full;
  if (!c.potential.empty()) {
    d.stationary_potential = Expression(c.potential, {}, all);
    d.potential_given = true;
  }
  d.initial = c.initial ? c.initial : gaussian(std::vector<double>(n, 0.5), [&] {
    std::vector<double> v(n * n, 0.0);
    for (int i = 0; i < n; ++i) v[i * n + i] = 0.25;
    return v;
  }());
  s.problem = Problem(std::move(d));
  for (int i = 0; i < n; ++i) {
    AxisSpec axis;
    axis.from = -c.half_width;
    axis.to = c.half_width;
    axis.cells = c.cells;
    s.axes.push_back(axis);
    s.boundary.push_back({c.boundary, {}});
    s.boundary.push_back({c.boundary, {}});
  }
  s.flux = c.flux;
  s.time.scheme = c.scheme;
  if (c.tolerance > 0.0)
    s.time.tolerance = c.tolerance;
  else if (c.step > 0.0)
    s.time.step = c.step;
  s.time.end = 1.0;
  s.solver.method = c.method;
  return s;
}

/// The cells of this rank, local indices.
template <int Dim>
Box<Dim> cells_of(const GridEngine<Dim>& engine) {
  return engine.density().layout().interior();
}

template <int Dim>
double volume_of(const GridEngine<Dim>& engine, Index<Dim> i) {
  double v = 1.0;
  for (int d = 0; d < Dim; ++d) v *= engine.grid().axis(d).width(i[d] + engine.decomposition().owned().begin[d]);
  return v;
}

template <int Dim>
Point<Dim> point_of(const GridEngine<Dim>& engine, Index<Dim> i) {
  for (int d = 0; d < Dim; ++d) i[d] += engine.decomposition().owned().begin[d];
  return engine.grid().point(i, Location::cells());
}

/// p := given density at the cells' centres.
template <int Dim>
void set_density(GridEngine<Dim>& engine, const std::function<double(const Point<Dim>&)>& density) {
  for_each<Dim>(cells_of(engine),
                [&](const Index<Dim>& i) { engine.density()(i) = density(point_of<Dim>(engine, i)); });
}

/// Sum over all ranks of volume * value(i).
template <int Dim, class Value>
double integral(const GridEngine<Dim>& engine, Value&& value) {
  double sum = 0.0;
  for_each<Dim>(cells_of(engine), [&](const Index<Dim>& i) { sum += volume_of<Dim>(engine, i) * value(i); });
  return engine.decomposition().comm().sum(sum);
}

template <int Dim>
double mass(const GridEngine<Dim>& engine) {
  return integral(engine, [&](const Index<Dim>& i) { return engine.density()(i); });
}

template <int Dim>
double least(const GridEngine<Dim>& engine) {
  double m = HUGE_VAL;
  for_each<Dim>(cells_of(engine), [&](const Index<Dim>& i) { m = std::min(m, engine.density()(i)); });
  return engine.decomposition().comm().min(m);
}

template <int Dim>
double largest(const GridEngine<Dim>& engine, const Field<Dim>& f) {
  double m = 0.0;
  for_each<Dim>(cells_of(engine),
                [&](const Index<Dim>& i) { m = std::max(m, std::isnan(f(i)) ? HUGE_VAL : std::abs(f(i))); });
  return engine.decomposition().comm().max(m);
}

/// Mean of a density over a cell by Gauss quadrature with five points a direction.
template <int Dim>
double cell_mean(const GridEngine<Dim>& engine, const Index<Dim>& i, const std::function<double(const double*)>& f) {
  static constexpr double place[5] = {-0.9061798459386640, -0.5384693101056831, 0.0, 0.5384693101056831,
                                      0.9061798459386640};
  static constexpr double weight[5] = {0.2369268850561891, 0.4786286704993665, 0.5688888888888889, 0.4786286704993665,
                                       0.2369268850561891};
  const Point<Dim> centre = point_of<Dim>(engine, i);
  Box<Dim> points;
  points.end.fill(5);
  double sum = 0.0;
  for_each<Dim>(points, [&](const Index<Dim>& k) {
    Point<Dim> x = centre;
    double w = 1.0;
    for (int d = 0; d < Dim; ++d) {
      x[d] += 0.5 * engine.grid().axis(d).width(i[d] + engine.decomposition().owned().begin[d]) * place[k[d]];
      w *= 0.5 * weight[k[d]];
    }
    sum += w * f(x.data());
  });
  return sum;
}

/// Sum of volume * |p - mean of f over the cell|.
template <int Dim>
double l1_error(const GridEngine<Dim>& engine, const std::function<double(const double*)>& f) {
  return integral(engine,
                  [&](const Index<Dim>& i) { return std::abs(engine.density()(i) - cell_mean<Dim>(engine, i, f)); });
}

template <int Dim>
void run(GridEngine<Dim>& engine, double end) {
  while (engine.time() < end - 1e-12) engine.step(std::min(engine.choose_step(), end - engine.time()));
}

}  // namespace kolmo::density::testing
