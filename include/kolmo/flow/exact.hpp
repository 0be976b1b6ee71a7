/// Closed-form and named flow fields: initial states and exact solutions.
#pragma once

#include <array>
#include <vector>

#include "kolmo/flow/domain.hpp"

namespace kolmo::flow {

/// A named field of FieldSettings bound to a case: its viscosity, its box, its parameters. Values depend on the place,
/// the time and the settings alone, never on how the grid is cut.
///
/// Taylor & Green (1937), Kovasznay (1948), Womersley (1955), Arnold (1965, abc), Ethier & Steinman (1994), Bell,
/// Colella & Glaz (1989, shear layer); the duct is the series in White, Viscous Fluid Flow. The perturbation of
/// `channel` is the curl of vector potentials (1 - eta^2)^2 cos(alpha x + beta z + phase) along x and z, so it is
/// solenoidal and vanishes on the walls. In 3-D half of its energy is in streamwise vortices (alpha = 0), whose lift-up
/// makes the streaks that break down, the rest in oblique waves. `perturbation` is the rms over the volume of its
/// magnitude as a fraction of U.
class NamedField {
 public:
  /// Throws InputError where the name does not fit the case (dimension, periodicity, varying viscosity).
  NamedField(const FieldSettings& field, const Settings& settings);

  /// Velocity component c and pressure / rho at a point.
  double velocity(int c, const std::array<double, 3>& x, double t) const;
  /// Where the flow along x is driven by a mean gradient along a periodic axis, that gradient is no part of it. The
  /// closed forms include the hydrostatic part g . x of a gravity along axes that are not periodic.
  double pressure(const std::array<double, 3>& x, double t) const;
  /// A pressure is known (otherwise errors of p are not reported).
  bool has_pressure() const;

 private:
  struct Mode {  // of the channel's perturbation: potential along x and z, wavenumbers, phases
    double along_x, along_z, alpha, beta, phase_x, phase_z;
  };
  void check(const Settings& settings) const;
  void add_modes();
  void scale_modes();
  double middle(int d) const { return 0.5 * (from_[d] + to_[d]); }
  double half_height(int d) const { return 0.5 * (to_[d] - from_[d]); }
  double taylor_green(int c, const std::array<double, 3>& x, double t) const;
  double ethier_steinman(int c, const std::array<double, 3>& x, double t) const;
  double abc(int c, const std::array<double, 3>& x, double t) const;
  double kovasznay(int c, const std::array<double, 3>& x) const;
  double channel(int c, const std::array<double, 3>& x) const;
  double shear_layer(int c, const std::array<double, 3>& x) const;
  double womersley(double y, double t) const;
  double duct(double y, double z) const;
  double closed_pressure(const std::array<double, 3>& x, double t) const;
  double ethier_steinman_pressure(const std::array<double, 3>& x, double t) const;

  FieldSettings field_;
  double nu_ = 0.0;
  std::array<double, 3> from_{}, to_{};
  int dimension_ = 0;
  double density_ = 1.0;
  std::array<double, 3> gravity_{};  // along axes that are not periodic
  double gradient_along_x_ = 0.0;    // 1 where the pressure itself drives the flow along x
  std::vector<Mode> modes_;
};

/// Sets every component at its face centres, boundary faces included; no ghosts.
template <int Dim>
void set_velocity(const NamedField& field, const Domain<Dim>& domain, double t, Velocity<Dim>& velocity);

}  // namespace kolmo::flow
