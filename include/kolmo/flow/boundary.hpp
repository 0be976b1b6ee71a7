/// What the velocity and the pressure do at the faces of the domain.
#pragma once

#include <array>
#include <vector>

#include "kolmo/flow/domain.hpp"

namespace kolmo::flow {

/// Boundary values of the velocity on the staggered grid.
///
/// Given velocity (no_slip, inlet): the normal component is set on the face; a tangential one by its ghost, ghost = 2
/// value - inside. free_slip: normal 0, ghost = inside. outflow: normal faces and tangential ghosts are state, carried
/// out by du/dt + U du/dn = 0 (Orlanski 1976) with U the mean outflow velocity of the face. pressure: the normal face
/// is an unknown of the momentum equation; beyond it the velocity continues unchanged. (F6)
///
/// Where no face can take up an imbalance (no outflow, no pressure face), the discrete net flux of the inlets, an error
/// of quadrature, is spread evenly over them; otherwise outflow faces take it up.
template <int Dim>
class VelocityBoundary {
 public:
  VelocityBoundary(const Settings& settings, const Domain<Dim>& domain);

  BoundaryType type(int d, Side side) const { return settings_[2 * d + static_cast<int>(side)].type; }
  bool has(BoundaryType type) const;
  /// The normal velocity of this face is an unknown of the momentum equation.
  bool normal_unknown(int d, Side side) const { return type(d, side) == BoundaryType::pressure; }

  /// Evaluates the given velocities at time t (once only where they do not depend on it). Collective.
  void set_time(double t);
  /// Evaluates their rates of change at time t instead, by a fourth-order difference over t - 2h .. t + 2h, or over
  /// t .. t + 4h where that would leave the run (expressions need not have values before `start`).
  /// `set_time` goes back.
  void set_rate(double t, double h, double start);
  /// Normal values, the balance of the outflow faces, then ghosts and the exchange. Collective.
  void apply(Velocity<Dim>& velocity) const;
  /// Ghosts and the exchange alone, after a correction that left the boundary faces as they were.
  void refresh(Velocity<Dim>& velocity) const;
  /// Walls and periodic directions only, with velocities that do not depend on time, and no cut but along the last
  /// direction: then `apply` and `refresh` may be done plane by plane.
  bool plain() const;
  /// On the planes [begin, end) of the last direction: normal values, and the high faces of periodic directions, which
  /// is what a divergence reads within them. The last face of the last direction is on plane n.
  void set_normal_planes(Velocity<Dim>& velocity, int begin, int end) const;
  /// All ghosts within the planes [begin, end).
  void fill_planes(Velocity<Dim>& velocity, int begin, int end) const;
  /// The planes beyond both ends of the last direction, after an exchange along it.
  void fill_ends(Velocity<Dim>& velocity) const;
  /// out += k * (what a parabola instead of the straight ghost adds to the Laplacian of the tangential components next
  /// to inlets). A velocity prescribed by a user bends at the face; the straight ghost alone leaves an error of order
  /// h^0 in the viscous force there, and of order h in the pressure at the corners. Convection keeps the straight
  /// ghost: the given value itself is what is carried in. `viscosity` at the cells, ghosts fresh, multiplies k where it
  /// varies.
  void add_inlet_bending(const Velocity<Dim>& in, Velocity<Dim>& out, double k,
                         const Field<Dim>* viscosity = nullptr) const;
  /// Local indices of component c that the momentum equation advances: all owned faces but those with a given or
  /// convected value.
  Box<Dim> unknowns(int c) const;

  /// Gives the tangential ghosts of outflow faces, which are state, their first values: those inside.
  void start_outflow(Velocity<Dim>& velocity) const;
  /// The stage values of the outflow state: w0 base0 + w1 base1 + k (-U d(in)/dn), U from `in` (frozen speeds would
  /// leave order 1), kept until `store_outflow` writes them to the velocity the stage produced. Two calls, because the
  /// sweep in between may overwrite base. Collective if there is an outflow face.
  void advance_outflow(double w0, const Velocity<Dim>& base0, double w1, const Velocity<Dim>* base1, double k,
                       const Velocity<Dim>& in);
  void store_outflow(Velocity<Dim>& out) const;
  /// Largest given |velocity component| / (width of the cell along it) on this rank: a moving wall drives a fluid at
  /// rest.
  double max_given_rate() const;
  /// Flux out of the domain through every face, 2 * d + side. Collective.
  std::array<double, 2 * Dim> fluxes(const Velocity<Dim>& velocity) const;

  /// Sets ghosts of a pressure-like field: 2 value - inside at pressure faces (value = factor(t) given by
  /// `face_pressure`), inside elsewhere; exchanges.
  void apply_pressure(Field<Dim>& pressure) const;
  /// p / rho on the pressure faces at time t for the next apply_pressure and `pressure_source`; `weights` times several
  /// times give the combination sum w_i p(t_i) a stage needs.
  void set_pressure(std::initializer_list<std::pair<double, double>> weights_and_times);
  /// Ghosts at pressure faces only, for the values set by `set_pressure`; no exchange (a gradient at those faces reads
  /// no other).
  void set_pressure_ghosts(Field<Dim>& pressure) const;
  /// Adds V/(w) c p_b, what the Dirichlet values contribute to the right-hand side of A phi = b (packed over owned
  /// cells).
  void add_pressure_source(double* b) const;
  /// The flux of a linear combination of earlier pressures: ghosts are linear in the values, so pe needs no values of
  /// its own.
  bool has_pressure_faces() const { return has(BoundaryType::pressure); }

 private:
  struct Slab {  // values of one component on one face of the domain
    int d;
    Side side;
    int component;
    Box<Dim> box;
    std::vector<double> values;
    std::vector<double> raw;  // of inlets that are balanced: the values before
    bool varies = false;
  };
  /// Adds evenly to the outflow faces what makes the net flux through all faces zero. Pressure faces need no balance.
  void balance_outflow(Velocity<Dim>& velocity) const;
  std::array<double, 2 * Dim> outflow_speeds(const Velocity<Dim>& velocity) const;
  void evaluate(Slab& slab, double t) const;
  void balance_inlets();
  double area_weight(int d, const Index<Dim>& i) const;
  Box<Dim> normal_box(int d, Side side) const;
  Box<Dim> ghost_box(int c, int d, Side side) const;
  void fill_ghosts(Velocity<Dim>& velocity, int d, Side side, int begin, int end) const;
  void continue_normal(Field<Dim>& component, int d, Side side) const;
  void wrap(Field<Dim>& field, int d, const Box<Dim>& box, int shift) const;
  void wrap_planes(Velocity<Dim>& velocity, int begin, int end) const;

  const Domain<Dim>& domain_;
  std::array<BoundarySettings, 2 * Dim> settings_;
  double density_;
  std::vector<Slab> given_;     // velocities
  std::vector<Slab> outflow_;   // stage values of the outflow state
  std::vector<Slab> pressure_;  // p / rho
  double inlet_area_ = 0.0, outflow_area_ = 0.0;
  bool velocity_varies_ = false, evaluated_ = false;
};

}  // namespace kolmo::flow
