/// One implicit stage, shared by the schemes with implicit viscosity.
#pragma once

#include "kolmo/flow/helmholtz.hpp"
#include "kolmo/flow/scheme.hpp"

namespace kolmo::flow {

/// Crank-Nicolson for viscosity, given combinations of explicit rates, incremental pressure (F14):
///   u* = u + g N + z N' + k [ nu L (u + u*)/2 - G p ],      u* = boundary values of t_out
///   L phi = div u* / k,   u' = u* - k G phi,   p' = p + phi - nu/2 div u*
/// The last term is what makes p' the pressure u' obeys (van Kan 1986; Timmermans, Minev & van de Vosse 1996; Brown,
/// Cortez & Minion 2001): put u* = u' + k G phi into the first line, L and G commuting inside. What the splitting
/// leaves is a slip k dphi/ds of u' along walls, O(k^2) since phi is an increment. N: convection, forces, buoyancy, and
/// where nu varies div(nu grad u^T).
template <int Dim>
class ImplicitStage {
 public:
  explicit ImplicitStage(const Parts<Dim>& parts);

  /// N of u at time t into `rate`; outflow faces and ghosts get -U du/dn. Ghosts of u fresh.
  void rate(const Velocity<Dim>& u, double t, Register scalars, Velocity<Dim>& rate);

  struct Step {
    double now = 0.0, other = 0.0;  ///< g and z: weights (times dt) of `rate` and of `work`
    double k = 0.0;                 ///< length of the stage
    double t_out = 0.0;
  };
  /// Advances u from t_out - k to t_out and p with it. `work` holds N' where step.other is not 0, and is overwritten.
  /// Returns the impulse, acceleration times k, that a held bulk velocity took.
  double advance(const Step& step, Velocity<Dim>& u, Field<Dim>& p, const Velocity<Dim>& rate, Velocity<Dim>& work);

  const Helmholtz<Dim>& helmholtz() const { return helmholtz_; }

 private:
  void sweep(const Sweep<Dim>& s);
  void explicit_part(const Step& step, const Velocity<Dim>& u, Field<Dim>& p, const Velocity<Dim>& rate,
                     Velocity<Dim>& work);
  void move_boundary(const Step& step, Velocity<Dim>& u, Velocity<Dim>& work);
  double hold_bulk(Velocity<Dim>& u, Velocity<Dim>& work);
  void project(const Step& step, Velocity<Dim>& u, Field<Dim>& p, Velocity<Dim>& work);

  Parts<Dim> p_;
  double nu_;
  Helmholtz<Dim> helmholtz_;
  Field<Dim> phi_, divergence_;
};

}  // namespace kolmo::flow
