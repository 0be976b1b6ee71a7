/// Settings of small flows for the tests of the room flow.
#pragma once

#include <numbers>

#include "kolmo/flow/settings.hpp"

namespace kolmo::flow::testing {

inline AxisSpec axis(double from, double to, int cells, double strength = 0.0) {
  AxisSpec spec;
  spec.from = from;
  spec.to = to;
  spec.cells = cells;
  if (strength > 0.0) spec.spacing = Spacing::tanh, spec.strength = strength;
  return spec;
}

/// A box with one boundary type on the two faces of each axis.
inline Settings box(std::vector<AxisSpec> axes, std::vector<BoundaryType> types, double nu) {
  Settings settings;
  settings.dimension = static_cast<int>(axes.size());
  settings.axes = std::move(axes);
  for (int d = 0; d < settings.dimension; ++d) {
    settings.axes[d].periodic = types[d] == BoundaryType::periodic;
    settings.boundary[2 * d].type = settings.boundary[2 * d + 1].type = types[d];
  }
  settings.fluid.viscosity = nu;
  return settings;
}

inline FieldSettings named(FieldName name, double amplitude = 1.0) {
  FieldSettings field;
  field.name = name;
  field.amplitude = amplitude;
  return field;
}

inline Expression expression(const std::string& text) { return Expression(text, {}); }

constexpr double two_pi = 2.0 * std::numbers::pi;

}  // namespace kolmo::flow::testing
