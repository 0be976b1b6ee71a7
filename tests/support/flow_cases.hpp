/// Flow settings made in code, for tests.
#pragma once

#include <cmath>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

#include "kolmo/flow/model.hpp"

namespace kolmo::test {

using flow::BoundaryType;
using flow::Settings;

inline Expression expression(const std::string& text, const std::map<std::string, double>& parameters = {}) {
  return Expression(text, parameters);
}

/// A box of dim directions with n cells each, every face of one type, at rest.
inline Settings box(int dim, int n, double from, double to, BoundaryType type, double nu) {
  Settings s;
  s.dimension = dim;
  s.axes.resize(dim);
  for (AxisSpec& axis : s.axes) {
    axis.from = from;
    axis.to = to;
    axis.cells = n;
  }
  for (auto& face : s.boundary) face.type = type;
  s.fluid.viscosity = Expression(nu);
  s.time.end = 1.0;
  s.time.cfl = 0.5;
  return s;
}

/// Taylor-Green vortices carried by a mean flow (1, 1), decaying: an exact solution in every box.
struct CarriedVortices {
  double nu;
  std::string decay() const { return "exp(-2*" + std::to_string(nu) + "*t)"; }
  std::string u() const { return "1+sin(x-t)*cos(y-t)*" + decay(); }
  std::string v() const { return "1-cos(x-t)*sin(y-t)*" + decay(); }
  std::string p() const { return "0.25*(cos(2*(x-t))+cos(2*(y-t)))*" + decay() + "^2"; }
};

/// Sets initial and exact fields to expressions.
inline void set_exact(Settings& s, const std::vector<std::string>& velocity, const std::string& pressure) {
  s.initial.name = flow::FieldName::expression;
  for (std::size_t c = 0; c < velocity.size(); ++c) s.initial.velocity[c] = expression(velocity[c]);
  s.initial.pressure = expression(pressure);
  s.initial.pressure_given = true;
  s.exact = s.initial;
}

/// Runs to t_end with `steps` steps whose lengths alternate by `unevenness` about their mean.
template <int Dim>
void run_steps(flow::Model<Dim>& model, double t_end, int steps, double unevenness = 0.0) {
  const double mean = (t_end - model.time()) / steps;
  for (int k = 0; k < steps; ++k) model.step(mean * (1.0 + (k % 2 ? -unevenness : unevenness)));
}

/// Largest difference of two velocities of the same domain over the unknown faces. Collective.
template <int Dim>
double max_difference(flow::Model<Dim>& model, const std::type_identity_t<flow::Velocity<Dim>>& a,
                      const std::type_identity_t<flow::Velocity<Dim>>& b) {
  double largest = 0.0;
  for (int c = 0; c < Dim; ++c)
    for_each<Dim>(model.boundary().unknowns(c),
                  [&](const Index<Dim>& i) { largest = std::max(largest, std::abs(a[c](i) - b[c](i))); });
  return model.domain().comm().max(largest);
}

/// Root mean square and largest error of velocity component c against f(x, t).
struct Errors {
  double l2 = 0.0, linf = 0.0;
};
template <int Dim, class Exact>
Errors velocity_error(flow::Model<Dim>& model, int c, Exact&& exact) {
  double sums[2] = {0.0, 0.0}, largest = 0.0;
  const auto& domain = model.domain();
  for_each<Dim>(model.boundary().unknowns(c), [&](const Index<Dim>& i) {
    double w = 1.0;
    for (int d = 0; d < Dim; ++d) {
      const Axis& axis = domain.grid.axis(d);
      w *= d == c ? axis.distance(i[d] + domain.origin()[d]) : axis.width(i[d] + domain.origin()[d]);
    }
    const auto x = flow::coordinates<Dim>(domain.point(i, Location::faces(c)));
    const double e = model.velocity()[c](i) - exact(x, model.time());
    sums[0] += w * e * e;
    sums[1] += w;
    largest = std::max(largest, std::abs(e));
  });
  domain.comm().sum(sums, 2);
  return {std::sqrt(sums[0] / sums[1]), domain.comm().max(largest)};
}

/// Error of the pressure now, the mean of the error taken out unless pressure faces fix it.
template <int Dim, class Exact>
Errors pressure_error(flow::Model<Dim>& model, Exact&& exact) {
  const auto& domain = model.domain();
  Field<Dim> p = domain.make_cells();
  model.pressure_now(p);
  double sums[3] = {0.0, 0.0, 0.0}, mean = 0.0, largest = 0.0;
  for (int pass = 0; pass < 2; ++pass) {
    sums[0] = sums[1] = sums[2] = 0.0;
    for_each<Dim>(domain.layout.interior(), [&](const Index<Dim>& i) {
      double w = 1.0;
      for (int d = 0; d < Dim; ++d) w *= domain.grid.axis(d).width(i[d] + domain.origin()[d]);
      const double e = p(i) - exact(flow::coordinates<Dim>(domain.point(i, Location::cells())), model.time()) - mean;
      sums[0] += w * e;
      sums[1] += w * e * e;
      sums[2] += w;
      if (pass == 1) largest = std::max(largest, std::abs(e));
    });
    domain.comm().sum(sums, 3);
    if (pass == 0 && !model.boundary().has_pressure_faces()) mean = sums[0] / sums[2];
  }
  return {std::sqrt(sums[1] / sums[2]), domain.comm().max(largest)};
}

inline double order(double coarse, double fine, double ratio = 2.0) {
  return std::log(coarse / fine) / std::log(ratio);
}

}  // namespace kolmo::test
