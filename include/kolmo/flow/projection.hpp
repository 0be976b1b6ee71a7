/// The pressure Poisson equation and the correction that makes the velocity divergence-free.
#pragma once

#include <optional>
#include <vector>

#include "kolmo/flow/boundary.hpp"
#include "kolmo/linear/solver.hpp"

namespace kolmo::flow {

/// Projection of Chorin (1968) and Temam (1969) on the staggered grid: L phi = div u* / dt, u = u* - dt G phi, L = div
/// G exactly (F4)-(F5). phi is p / rho. Faces with a given velocity are Neumann ends, pressure faces Dirichlet ends.
/// Where the constant is in the null space phi has zero volume-weighted mean.
template <int Dim>
class Projection {
 public:
  Projection(const Settings& settings, const Domain<Dim>& domain, VelocityBoundary<Dim>& boundary);

  /// How many arrays of the workspace a solve takes, from the first on.
  static constexpr int arrays = 2;

  /// Makes u (boundary values of its time set, ghosts fresh) divergence-free with the step dt: phi := the pressure that
  /// did it, ghosts fresh. phi's values on entry are the first guess of iterative solvers. Boundary values of phi:
  /// VelocityBoundary::set_pressure before. Ghosts of u are fresh afterwards. `workspace` lends its memory to the
  /// solver (a register the scheme does not need now) and loses its values.
  void project(Velocity<Dim>& u, double dt, Field<Dim>& phi, Velocity<Dim>& workspace);
  /// The parts of `project`, for stages that go plane by plane. The right-hand side -V factor div u of the planes
  /// [begin, end) of the last direction, packed in the workspace's first array; factor = 1 / dt.
  void right_hand_side(const Velocity<Dim>& u, double factor, Velocity<Dim>& workspace, int begin, int end) const;
  /// phi := the solution for the right-hand side in the workspace, ghosts fresh. phi may be the workspace's last array.
  void solve(Field<Dim>& phi, Velocity<Dim>& workspace);
  /// u -= dt G phi on the unknown faces of the planes [begin, end); end = n + 1 takes pressure faces along.
  void correct(Velocity<Dim>& u, double dt, const Field<Dim>& phi, int begin, int end) const;
  /// Solves L phi = div a, no correction: the pressure of an acceleration field.
  void solve_pressure(const Velocity<Dim>& acceleration, Field<Dim>& phi, Velocity<Dim>& workspace);

  /// max |div u| over all cells. Collective.
  double max_divergence(const Velocity<Dim>& u) const;
  /// div u at the cells, into the interior of a field.
  void divergence(const Velocity<Dim>& u, Field<Dim>& result) const;

  /// The solver makes use of a first guess.
  bool iterative() const { return warm_start_; }
  const SolveStatistics& statistics() const { return solver_->statistics(); }
  std::string description() const { return solver_->description(); }

 private:
  const Domain<Dim>& domain_;
  VelocityBoundary<Dim>& boundary_;
  std::optional<Solver<Dim>> solver_;
  bool warm_start_ = false;
  std::array<std::vector<double>, Dim> inverse_width_, inverse_distance_, width_;  // by local index
};

}  // namespace kolmo::flow
