/// The linear systems of implicit viscosity.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kolmo/flow/boundary.hpp"
#include "kolmo/flow/viscous.hpp"
#include "kolmo/linear/solver.hpp"
#include "kolmo/transport/boundary.hpp"

namespace kolmo::flow {

/// (I - a div nu grad) q_c = r_c for every velocity component c, one KSP `-momentum_` each, in increments q: their
/// boundary values are zero, because what the boundary values of the velocity change is added to r beforehand (F14).
/// Ends of component c: walls, inlets, and outflow faces give the value at the face (normal component), by the ghosts
/// of VelocityBoundary (tangential at walls and inlets), or at the ghost itself (tangential at outflow faces, whose
/// ghosts are state); free-slip and pressure faces give zero gradient, and normal faces of pressure boundaries are
/// unknowns. A component without unknowns has no solver.
template <int Dim>
class Helmholtz {
 public:
  /// nu: the constant viscosity; not used where `variable` is active.
  Helmholtz(const Settings& settings, const Domain<Dim>& domain, const VelocityBoundary<Dim>& boundary,
            const VariableViscosity<Dim>& variable, double nu);
  ~Helmholtz();

  /// a: the implicit share of the step, theta dt. Constant viscosity: only a changed value costs anything. Variable
  /// viscosity: takes nu as it is now, unless told that neither it nor a changed. The first call makes the solvers.
  /// Collective.
  void set(double a, bool viscosity_changed = true);
  /// out += k * (what the given boundary values and ghosts of u add to div(nu grad u)). Called with -a for the old and
  /// +a for the new values, it gives r what their change feeds into the implicit half.
  void add_boundary_values(const Velocity<Dim>& u, double k, Velocity<Dim>& out) const;
  /// The same for what the ghosts of u* = u' + G phi hold beyond those of u' at walls, inlets and outflow faces, phi
  /// going on unchanged across them (F14). Ghosts of phi fresh across cuts.
  void add_slip(const Field<Dim>& phi, double k, Velocity<Dim>& out) const;
  /// u += q on the unknown faces; ghosts are not touched. `buffer`: at least one field's memory.
  void solve(const Velocity<Dim>& r, Velocity<Dim>& u, Field<Dim>& buffer);
  /// response := the q of r = 1 on the unknown faces of component c.
  void solve_unit(int c, Field<Dim>& response, Field<Dim>& buffer);

  /// Of all components together.
  SolveStatistics statistics() const;
  std::string description() const;

 private:
  struct Stresses;
  void set_rules(int c);
  double stretch(int c, int d, Side side) const;
  SeparableOperator<Dim> separable(int c) const;
  void update_conductances(int c);
  double dominance(int c) const;
  bool has_unknowns(int c) const;
  void make_solver(int c);
  double row_weight(int c, const Index<Dim>& i) const;
  const double* x_weights(int c, const Index<Dim>& i) const;
  template <class Value>
  void add_ghosts(int c, int d, Side side, double k, Velocity<Dim>& out, Value&& value) const;

  const Domain<Dim>& domain_;
  const VelocityBoundary<Dim>& boundary_;
  const VariableViscosity<Dim>& variable_;
  SolverOptions options_;
  double nu_, a_ = 1.0;
  std::array<std::shared_ptr<const transport::Boundary<Dim>>, Dim> rules_;
  std::array<std::optional<Solver<Dim>>, Dim> solver_;
  std::unique_ptr<Stresses> stresses_;                           // where nu varies
  std::array<FaceConductances<Dim>, Dim> faces_;                 // the same as numbers
  std::array<std::array<std::vector<double>, Dim>, Dim> width_;  // of the control volumes of c along d, this rank's
};

}  // namespace kolmo::flow
