/// One implicit stage, shared by the schemes with implicit viscosity.
#pragma once

#include "kolmo/flow/helmholtz.hpp"
#include "kolmo/flow/scheme.hpp"

namespace kolmo::flow {

/// Crank-Nicolson for viscosity, given combinations of explicit rates, incremental pressure (F14):
///
///     u* = u + g N + z N' + k [ nu L (u + u*)/2 - G p ],      u* = values of t_out plus k d(phi~)/ds on the boundary
///     L phi = div u* / k,   u' = u* - k G phi,   p' = p + phi - nu/2 div u*
///
/// N: convection, forces, buoyancy, and where nu varies div(nu grad u^T). The last term is what makes p' the pressure
/// u' obeys (Timmermans, Minev & van de Vosse 1996; Brown, Cortez & Minion 2001): put u* = u' + k G phi into the first
/// line, L and G commuting inside. What the splitting leaves is the slip k d(phi - phi~)/ds of u' along walls, phi~
/// being an estimate of phi (Kim & Moin 1985, for increments): the phi of the same stage one step ago makes it O(k^3).
/// Without it the pressure falls to order 3/2 in corners once sqrt(nu k) is many cells.
///
/// Pressure faces: no estimate is used there (it would have to act on the normal component, which is unstable), and
/// the last term counts half wherever there is such a face, since whole it is unstable beyond nu k / h^2 of about 100;
/// less than 2 / dimension of it is stable (Guermond, Minev & Shen 2005). Near the face the order falls to about 3/2
/// once sqrt(nu k) is many cells.
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
    const Field<Dim>* expected = nullptr;   ///< phi of the same stage one step ago, ghosts fresh; null: none known
    double scale = 0.0;                     ///< what it is to be multiplied with
    StepObserver<Dim>* observer = nullptr;  ///< told of diffusion and pressure
  };
  /// Advances u from t_out - k to t_out and p with it. `work` holds N' where step.other is not 0, and is overwritten.
  /// Returns the impulse, acceleration times k, that a held bulk velocity took.
  double advance(const Step& step, Velocity<Dim>& u, Field<Dim>& p, const Velocity<Dim>& rate, Velocity<Dim>& work);

  const Helmholtz<Dim>& helmholtz() const { return helmholtz_; }
  /// phi of the last stage; the scheme may swap it for a field of its own.
  Field<Dim>& increment() { return phi_; }

 private:
  void sweep(const Sweep<Dim>& s);
  void explicit_part(const Step& step, const Velocity<Dim>& u, Field<Dim>& p, const Velocity<Dim>& rate,
                     Velocity<Dim>& work);
  void move_boundary(const Step& step, Velocity<Dim>& u, Velocity<Dim>& work);
  double hold_bulk(Velocity<Dim>& u, Velocity<Dim>& work);
  void guess(const Step& step);
  void project(const Step& step, Velocity<Dim>& u, Field<Dim>& p, Velocity<Dim>& work);

  Parts<Dim> p_;
  double nu_, rotation_;
  Helmholtz<Dim> helmholtz_;
  Field<Dim> phi_, divergence_;
};

}  // namespace kolmo::flow
