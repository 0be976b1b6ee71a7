/// Numbers and fields that describe a flow: integrals, extremes, vorticity, forces and fluxes at the boundaries.
#pragma once

#include <array>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "kolmo/flow/model.hpp"

namespace kolmo::flow {

/// Means over the volume, and what else one pass over the velocity gives. (F15)
template <int Dim>
struct Integrals {
  double energy = 0.0;         ///< mean of |u|^2 / 2, every component at its own faces
  double dissipation = 0.0;    ///< mean of nu |grad u|^2, or of 2 nu S:S where nu varies; S: rate of strain
  double enstrophy = 0.0;      ///< mean of |omega|^2 / 2, every component at its own edges
  double helicity = 0.0;       ///< mean of u . omega, both taken to the cell centres; 0 in 2-D
  double max_vorticity = 0.0;  ///< max |omega|: at the edges in 2-D (walls included), at the cell centres in 3-D
  std::array<double, Dim> bulk_velocity{};  ///< mean of the velocity
};

/// The viscosity of the present time: one number, or, where it varies, a field at cells with its ghosts.
template <int Dim>
struct Viscosity {
  double nu = 0.0;
  const Field<Dim>* field = nullptr;
};

/// Quadrature with the volumes of the staggered grid: dual cells around faces and edges, cut in half at the ends of
/// axes that are not periodic. These are the weights in which convection conserves energy; and the dissipation is minus
/// the mean of u . (nu lap u) to round-off wherever the boundaries do no work (periodic, resting walls, free slip),
/// because the sums are summed by parts; in a periodic box it is 2 nu times the enstrophy, to round-off too.
template <int Dim>
class Integrator {
 public:
  explicit Integrator(const Domain<Dim>& domain);

  /// Ghosts of u fresh. Collective.
  Integrals<Dim> evaluate(const Velocity<Dim>& u, const Viscosity<Dim>& viscosity) const;
  /// Mean of a field at cells. Collective.
  double mean(const Field<Dim>& cells) const;

  /// Vorticity at the cell centres, the mean of the edges around: three components in 3-D, omega_z alone in 2-D.
  static constexpr int vorticity_components = Dim == 3 ? 3 : 1;
  void vorticity(const Velocity<Dim>& u, std::span<Field<Dim>> omega) const;

  /// Force that the fluid exerts on every face of the domain, 2 * d + side: pressure and viscous stress rho nu (grad u
  /// + grad u^T), of which the tangential part is the one the momentum equation uses, so that forces balance. p: the
  /// physical pressure, extrapolated to the face from the two nearest cells (known up to a constant unless a face fixes
  /// it), ghosts across cuts fresh. Collective.
  using Forces = std::array<std::array<double, Dim>, 2 * Dim>;
  Forces boundary_forces(const VelocityBoundary<Dim>& boundary, const Velocity<Dim>& u, const Field<Dim>& p,
                         const Viscosity<Dim>& viscosity, double density) const;

 private:
  template <int A, int B>
  void add_plane(const Velocity<Dim>& u, const Viscosity<Dim>& viscosity, double* sums, double& largest) const;
  void add_cells(const Velocity<Dim>& u, const Viscosity<Dim>& viscosity, double* sums) const;
  void add_helicity(const Velocity<Dim>& u, double* sums, double& largest) const;
  double face_pressure(const Field<Dim>& p, int d, Side side, const Index<Dim>& inside) const;
  double stress(const Velocity<Dim>& u, const Viscosity<Dim>& viscosity, int c, int d, const Index<Dim>& i) const;

  const Domain<Dim>& domain_;
  /// By local index + 1, from -1 to n + 1: widths of cells, of dual cells (half at ends), inverse distances.
  std::array<std::vector<double>, Dim> width_, dual_, inverse_width_, inverse_distance_;
};

/// A few named numbers that are computed together.
struct QuantityGroup {
  struct Column {
    std::string name, unit;  ///< empty unit: a pure number
  };
  std::vector<Column> columns;
  std::function<void(std::span<double>)> values;  ///< collective
};

/// Every series of a flow, for whoever records them. SI units; in 2-D integrals are per metre of depth.
template <int Dim>
class Quantities {
 public:
  /// pressure: the physical pressure at the present time, ghosts across cuts fresh; only called where walls ask for it.
  Quantities(Model<Dim>& model, std::function<const Field<Dim>&()> pressure);

  /// kinetic_energy, total_kinetic_energy, dissipation, enstrophy, (helicity), max_vorticity, vorticity_integral,
  /// velocity_u.. (means); bulk_acceleration where a bulk velocity is held; flow_rate_FACE (out of the domain) of
  /// inlets, outflow and pressure faces; force_FACE_x.. (on the wall) of walls; mean_NAME and flux_NAME_FACE (into the
  /// domain) of scalars.
  std::vector<QuantityGroup> groups();

  /// Integral of max |omega| over time (Beale, Kato & Majda 1984), by the trapezoidal rule over the moments at which
  /// the series was evaluated: {integral, last value, last time}, to be kept in checkpoints.
  std::array<double, 3> vorticity_history() const { return history_; }
  void set_vorticity_history(const std::array<double, 3>& history) { history_ = history; }
  const Integrator<Dim>& integrator() const { return integrator_; }

 private:
  QuantityGroup integrals();
  QuantityGroup flow_rates();
  QuantityGroup wall_forces();
  QuantityGroup scalar(int s);
  Viscosity<Dim> viscosity();

  Model<Dim>& model_;
  std::function<const Field<Dim>&()> pressure_;
  Integrator<Dim> integrator_;
  std::array<double, 3> history_{0.0, -1.0, 0.0};  // no value yet
};

}  // namespace kolmo::flow
