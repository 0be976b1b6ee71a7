/// A conserved quantity's balance: one law, one set of boundary rules, evaluated explicitly or written into rows from
/// the same numbers.
#pragma once

#include <cmath>
#include <memory>
#include <vector>

#include "kolmo/transport/boundary.hpp"
#include "kolmo/transport/face.hpp"

namespace kolmo::transport {

/// The linear part of the flux through one face with the boundary rule folded in: F = low q_low + high q_high +
/// constant; the weight of a point outside the domain is zero.
struct LinearFlux {
  double low = 0.0, high = 0.0, constant = 0.0;
};

/// The rise of q towards the face where fluid leaves through it at the Peclet number U h / D = peclet > 0: the profile
/// is exponential. Else, rise itself.
inline double fitted_rise(double rise, double peclet) {
  return peclet > 0.0 ? -std::expm1(-peclet) / peclet * rise : rise;
}

/// (T10) Folds w.low q_low + w.high q_high with q_out = b0 q_inside + data, or the fixed flux, into numbers for the
/// inside point alone. rise: of the value on the face above q_inside by an added flux (Rule::diffusive_flux).
template <class Slab>
LinearFlux fold(FaceWeights w, Side side, const Slab& slab, double data, double rise = 0.0) {
  const double inside = side == Side::low ? w.high : w.low;
  const double outside = side == Side::low ? w.low : w.high;
  double weight, constant;
  if (slab.flux) {
    weight = 0.0;
    constant = slab.sign * data;
  } else if (slab.added) {
    weight = inside + outside;  // what crosses the face: diffusion's weights cancel
    constant = slab.sign * data;
    if (rise != 0.0) constant += weight * fitted_rise(rise, -slab.sign * weight * rise / data);
  } else {
    weight = inside + outside * slab.b0;
    constant = outside * data;
  }
  return side == Side::low ? LinearFlux{0.0, weight, constant} : LinearFlux{weight, 0.0, constant};
}

/// (T1) dq/dt = -div F: for the unknown i    rate_i = - sum_d (F_{i+1} - F_i) / w_i,    d = 0 .. Dim-1,
/// with F per unit area from the law and from the boundary rules. What leaves one control volume enters its neighbour:
/// both evaluate the same numbers, and the sum of volume * rate is the flux through the boundary. Ghosts beyond
/// boundaries are never read; ghosts on cut and periodic sides must be fresh (one layer, two for a limited law).
/// Nothing is stored per face, nothing allocated by an evaluation.
/// A limited law looks two points away: where a cut leaves one cell to the first or last rank of a direction, its
/// neighbour needs the ghosts beyond the boundary too, so fields must have them, filled (Boundary::fill_ghosts) before
/// ghosts are exchanged.
template <int Dim, class Law>
class Flux {
 public:
  static constexpr int reach = Law::limited ? 2 : 1;

  Flux(Law law, std::shared_ptr<const Boundary<Dim>> boundary);

  /// rate := rate_factor * rate + factor * (-div F). rate and q share no memory; with rate_factor = 0 the old rate is
  /// not read.
  void apply(const Field<Dim>& q, Field<Dim>& rate, double factor = 1.0, double rate_factor = 0.0);
  /// rate += factor * (what -div F is for q = 0): the part of the right-hand side that given boundary values and fluxes
  /// make.
  void add_constants(Field<Dim>& rate, double factor = 1.0) const;
  /// Flux into the domain through one side of the boundary, integrated over it. Collective.
  double boundary_flux(const Field<Dim>& q, int d, Side side) const;

  /// The low face, normal to d, of the unknown (or of the ghost just above the last unknown) with local index i: the
  /// numbers that `apply` uses, without the limited part.
  LinearFlux face(int d, const Index<Dim>& i) const;

  Law& law() { return law_; }
  const Law& law() const { return law_; }
  const Boundary<Dim>& boundary() const { return *boundary_; }
  const ControlVolumes<Dim>& volumes() const { return boundary_->volumes(); }

 private:
  void require_ghosts(const Layout<Dim>& layout) const;
  bool on_boundary(int d, int f, Side side) const;
  void along(const Field<Dim>& q, const Index<Dim>& row, double* flux);
  const double* pad(const Field<Dim>& q, const Index<Dim>& row);
  void across(const Field<Dim>& q, int d, const Index<Dim>& row, double* flux);
  void across_boundary(const Field<Dim>& q, int d, Side side, const Index<Dim>& row, double* flux) const;
  double boundary_value(const Field<Dim>& q, int d, const Index<Dim>& i) const;
  double ghost(const Field<Dim>& q, int d, Side side, const Index<Dim>& inside) const;
  const double* ghost_row(const Field<Dim>& q, int d, Side side, Index<Dim> inside, double* ghosts) const;

  Law law_;
  std::shared_ptr<const Boundary<Dim>> boundary_;
  std::array<bool, Dim> thin_{};  ///< somewhere a neighbour's ghosts beyond a boundary are read
  int length_ = 0;                ///< unknowns in an x row
  /// Work rows: fluxes along x; through the low and the high faces of direction 1, kept from row to row, and of the
  /// others; their sum; a row with ghosts; ghosts of the rows before and after.
  std::vector<double> along_, low1_, high1_, low_, high_, sum_, padded_, before_, after_;
};

}  // namespace kolmo::transport

#include "kolmo/transport/flux_impl.hpp"
