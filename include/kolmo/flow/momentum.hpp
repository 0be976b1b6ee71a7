/// The explicit right-hand side of the momentum equation and the stage updates built on it.
#pragma once

#include <array>
#include <vector>

#include "kolmo/flow/domain.hpp"

namespace kolmo::flow {

/// out = w0 base0 + w1 base1 + k ( F(in) - G (c0 p0 + c1 p1) + force ),  one sweep over memory for all components.
/// base1 and the pressures may be null; out may be base0 or base1, never in.
template <int Dim>
struct Sweep {
  const Velocity<Dim>* in = nullptr;
  Velocity<Dim>* out = nullptr;
  const Velocity<Dim>* base0 = nullptr;
  double w0 = 1.0;
  const Velocity<Dim>* base1 = nullptr;
  double w1 = 0.0;
  double k = 0.0;
  const Field<Dim>* p0 = nullptr;
  double c0 = 0.0;
  const Field<Dim>* p1 = nullptr;
  double c1 = 0.0;
  std::array<double, Dim> force{};  ///< uniform acceleration
};

struct RowTables;

/// F(u) = -div(u u) + nu lap u on the staggered grid (F3): fluxes of component c through the faces of its control
/// volume,
///   (mean of the mass fluxes of the two cells) x (unweighted mean of the convected velocity) - nu du_c/dx_d,
/// which conserves momentum, and kinetic energy where the velocity is divergence-free (Morinishi et al. 1998;
/// Verstappen & Veldman 2003), on stretched grids too. Ghosts of `in` must be up to date.
template <int Dim>
class Momentum {
 public:
  explicit Momentum(const Domain<Dim>& domain);

  /// Constant kinematic viscosity of the sweeps; 0 leaves convection alone.
  void set_viscosity(double nu);
  double viscosity() const { return viscosity_; }
  /// Includes or leaves out convection (the split operators of the implicit schemes).
  void set_convection(bool on);
  /// Advances the owned index range [0, n) of every component. Faces with given or convected values are overwritten
  /// with numbers of no meaning: set them afterwards. The unknown faces at a domain's high end (pressure faces) lie
  /// beyond n: `sweep_component`.
  void sweep(const Sweep<Dim>& s) const;
  /// One component over a box of local indices (component < 0: all).
  void sweep_component(const Sweep<Dim>& s, int component, const Box<Dim>& box) const;

  /// The planes [begin, end) of the last direction, so that other work can be done while they are in the cache.
  void sweep_planes(const Sweep<Dim>& s, int begin, int end) const;

 private:
  void sweep_box(const Sweep<Dim>& s, int component, const Box<Dim>& box) const;
  /// Coefficients along one direction, by local cell or face number from -1 to n + 1, and what vectors read beyond.
  struct Line {
    Field<1> inverse_width, inverse_distance, low_share, high_share;
    Field<1> viscous_width_low, viscous_width, viscous_distance, viscous_distance_high;
    RowTables at(int i) const;
  };
  template <bool Pressure, bool TwoBases>
  void component_rows(const Sweep<Dim>& s, int component, const Box<Dim>& box) const;

  const Domain<Dim>& domain_;
  std::array<Line, Dim> line_;
  mutable Velocity<Dim> below_;  // fluxes of a row through its high faces in y, which the next row uses again
  mutable Field<Dim> pressure_;  // of a row, likewise
  double convection_ = 1.0, viscosity_ = 0.0;
};

}  // namespace kolmo::flow
