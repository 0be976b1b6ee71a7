/// Scalars carried by the flow, and their buoyancy.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kolmo/flow/boundary.hpp"

namespace kolmo::flow {

/// Registers of the explicit schemes: the same three the velocity has.
enum class Register : int { u = 0, a = 1, b = 2 };

/// dT/dt = -div(u T) + div(D grad T) + source for any number of scalars (F12), advanced by the same stage combinations
/// as the velocity, on the shared transport core; and the Boussinesq acceleration -expansion (T - reference) g on the
/// faces (F13).
template <int Dim>
class Scalars {
 public:
  Scalars(const Settings& settings, const Domain<Dim>& domain);
  ~Scalars();

  int count() const;
  bool buoyant() const;
  const std::string& name(int s) const;
  Field<Dim>& field(int s, Register r = Register::u);
  const Field<Dim>& field(int s, Register r = Register::u) const;

  /// Initial values; ghosts fresh for time t.
  void initialise(double t);
  /// Boundary values of time t; then refreshes the ghosts of register r.
  void apply_boundary(Register r, double t);
  /// out = w0 base0 + w1 base1 + k F(in), F with boundary values and sources of time t (= the time `in` belongs to),
  /// then ghosts of `out` for time t_out. velocity: that of `in`. Where it is not divergence-free (stages without a
  /// solve), in * div u is added, so that a constant stays constant. base1 is ignored where w1 = 0. No allocation.
  struct Stage {
    Register in, out, base0;
    double w0 = 1.0;
    Register base1 = Register::u;
    double w1 = 0.0;
    double k = 0.0, t = 0.0, t_out = 0.0;
    bool solenoidal = true;
  };
  void advance(const Stage& stage, const Velocity<Dim>& velocity);
  /// out += k * buoyancy of register r on all owned faces and the face at the high boundary. The scalar on a face is
  /// the unweighted mean of its two cells, as in its central flux: what buoyancy does to the kinetic energy the flux
  /// then takes from the potential energy exactly, on stretched grids too.
  void add_buoyancy(Velocity<Dim>& out, double k, Register r) const;
  void swap(Register a, Register b);

  /// Largest diffusivity of all scalars at time t, for the viscous part of the step limit. Collective where one varies
  /// in space. Like everything that evaluates diffusivities it throws NumericsError on all ranks where one is negative
  /// or not finite.
  double max_diffusivity(double t) const;
  /// Flux into the domain (diffusive and advective) of scalar s through face (d, side) with the values of register u
  /// and the boundary values last set. Collective.
  double boundary_flux(int s, int d, Side side, const Velocity<Dim>& velocity);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace kolmo::flow
