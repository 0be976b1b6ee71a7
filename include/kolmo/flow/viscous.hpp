/// The viscous term where the viscosity varies.
#pragma once

#include <array>
#include <vector>

#include "kolmo/flow/boundary.hpp"
#include "kolmo/flow/coefficient_check.hpp"

namespace kolmo::flow {

/// div( nu(x, t) (grad u + grad u^T) ) on the staggered grid, full strain form (F3b): normal stresses 2 nu du_c/dx_c at
/// cell centres, shear stresses nu (du_c/dx_d + du_d/dx_c) at edges with nu the mean of the four cells around (on the
/// boundary: nu there), so that a rigid rotation feels none and momentum is conserved. On the faces between, the sum of
/// volume * u * force is minus the sum of volume * 2 nu S:S, never positive, up to what the boundaries do. For a
/// viscosity that is one number it does nothing (`active` is false) and Momentum carries the term.
template <int Dim>
class VariableViscosity {
 public:
  VariableViscosity(const Settings& settings, const Domain<Dim>& domain);
  bool active() const { return active_; }
  /// Evaluates nu at time t (once where it does not depend on it) and refreshes its ghosts. Collective. Throws
  /// NumericsError on all ranks where nu is negative or not finite.
  void set_time(double t);
  /// out += k * div(2 nu S(in)) on the unknown faces of the boundary; ghosts of in fresh.
  void add(const VelocityBoundary<Dim>& boundary, const Velocity<Dim>& in, Velocity<Dim>& out, double k) const;
  /// VelocityBoundary::add_inlet_bending with nu at the boundary; for explicit stages.
  void add_inlet_bending(const VelocityBoundary<Dim>& boundary, const Velocity<Dim>& in, Velocity<Dim>& out,
                         double k) const;
  /// The part that an implicit treatment of div(nu grad u) leaves over: out += k * div(nu (grad u)^T).
  void add_transposed(const VelocityBoundary<Dim>& boundary, const Velocity<Dim>& in, Velocity<Dim>& out,
                      double k) const;
  /// nu at the cells, ghosts fresh.
  const Field<Dim>& at_cells() const { return nu_; }
  /// Largest nu over the cells at time t, which becomes the present one. Collective where nu varies.
  double max(double t);
  /// Largest sum |dnu/dx_d| / h_d over the cells at time t, by the steeper of the two differences of each direction:
  /// grad nu is the velocity at which div(nu (grad u)^T) moves what it acts on. Collective where nu varies, else 0.
  double max_gradient_rate(double t);

 private:
  template <bool Full>
  void accumulate(const VelocityBoundary<Dim>& boundary, const Velocity<Dim>& in, Velocity<Dim>& out, double k) const;
  template <bool Full, int C, int D>
  void row(const Index<Dim>& i, int n, const Velocity<Dim>& in, double* out, double k) const;
  double sample(const Index<Dim>& i);
  void fill_ghosts();
  const Domain<Dim>& domain_;
  FluidSettings fluid_;
  CoefficientCheck check_;
  bool active_ = false, evaluated_ = false;
  double time_ = 0.0, gradient_rate_ = -1.0;  // the latter negative: not known for this nu
  Field<Dim> nu_;
  std::array<std::vector<double>, Dim> inverse_width_, inverse_distance_;  // by local index + 1, from -1 to n + 1
};

}  // namespace kolmo::flow
