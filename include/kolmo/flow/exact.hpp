/// Closed-form and named flow fields: initial states and exact solutions.
#pragma once

#include <array>

#include "kolmo/flow/domain.hpp"

namespace kolmo::flow {

/// A named field of FieldSettings bound to a case: its viscosity, its box, its parameters.
class NamedField {
 public:
  /// Throws InputError where the name does not fit the case (dimension, periodicity, varying viscosity).
  NamedField(const FieldSettings& field, const Settings& settings);

  /// Velocity component c and pressure / rho at a point.
  double velocity(int c, const std::array<double, 3>& x, double t) const;
  double pressure(const std::array<double, 3>& x, double t) const;
  /// A pressure is known (otherwise errors of p are not reported).
  bool has_pressure() const;

 private:
  FieldSettings field_;
  double nu_ = 0.0;
  std::array<double, 3> from_{}, to_{};
  int dimension_ = 0;
  double density_ = 1.0;
};

/// Sets every component at its face centres, boundary faces included; no ghosts.
template <int Dim>
void set_velocity(const NamedField& field, const Domain<Dim>& domain, double t, Velocity<Dim>& velocity);

}  // namespace kolmo::flow
