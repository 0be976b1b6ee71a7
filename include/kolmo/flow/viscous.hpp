/// The viscous term where the viscosity varies.
#pragma once

#include "kolmo/flow/boundary.hpp"

namespace kolmo::flow {

/// div( nu(x, t) (grad u + grad u^T) ) on the staggered grid, full strain form (F3b): normal stresses at cell centres,
/// shear stresses at edges with the viscosity averaged there, so that a rigid rotation feels none. For a viscosity that
/// is one number it does nothing (`active` is false) and Momentum carries the term.
template <int Dim>
class VariableViscosity {
 public:
  VariableViscosity(const Settings& settings, const Domain<Dim>& domain);
  bool active() const { return active_; }
  /// Evaluates nu at time t (once where it does not depend on it) and refreshes its ghosts.
  void set_time(double t);
  /// out += k * div(2 nu S(in)) on the unknown faces of the boundary; ghosts of in fresh.
  void add(const VelocityBoundary<Dim>& boundary, const Velocity<Dim>& in, Velocity<Dim>& out, double k) const;
  /// The part that an implicit treatment of div(nu grad u) leaves over: out += k * div(nu (grad u)^T).
  void add_transposed(const VelocityBoundary<Dim>& boundary, const Velocity<Dim>& in, Velocity<Dim>& out,
                      double k) const;
  /// nu at the cells, ghosts fresh.
  const Field<Dim>& at_cells() const { return nu_; }
  /// Largest nu. Collective.
  double max(double t);

 private:
  template <bool Full>
  void accumulate(const VelocityBoundary<Dim>& boundary, const Velocity<Dim>& in, Velocity<Dim>& out, double k) const;
  const Domain<Dim>& domain_;
  FluidSettings fluid_;
  bool active_ = false, evaluated_ = false;
  Field<Dim> nu_;
};

}  // namespace kolmo::flow
