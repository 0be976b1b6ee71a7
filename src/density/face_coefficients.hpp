// Drift and diffusion on faces, as the weights of a flux.
#pragma once

#include <optional>
#include <string>

#include "circulation.hpp"
#include "diffusion_watch.hpp"
#include "face_site.hpp"
#include "kolmo/density/settings.hpp"
#include "kolmo/transport/face.hpp"

namespace kolmo::density {

/// (D2) J_i = a_i p - 1/2 sum_j D_ij dp/dx_j with a_i = f_i - 1/2 sum_j dD_ij/dx_j, as low p_low + high p_high per unit
/// area. With the mean drift between the two points and, where D_ii varies along i,
///     P = integral of 2 f_i / D_ii from low to high - log(D_high / D_low),    g = D_ii / (2 h),
/// the exponential fit g [B(-P) p_low - B(P) p_high] leaves the density of zero flux of every line unchanged. With a
/// stationary density exp(-U):   P = -(U_high - U_low), and the circulating part phi of the drift (Circulation) carries
/// the ratio p / exp(-U):
///     F = fit of q = p exp(U) with drift phi and conductance g B(U_high - U_low) exp(-U_low),    (D5)
/// so that q = 1 is stationary to round-off and weights keep their signs.
template <int Dim>
class FaceCoefficients {
 public:
  /// split: a potential is not used where a direction is pure transport.
  FaceCoefficients(const Settings& settings, const Grid<Dim>& grid, bool split = false);

  /// D_dd is identically zero.
  bool transport(int d) const { return known_[d].transport; }
  /// The flux has a limited part with `velocity`: transport, or everywhere for FluxKind::limited.
  bool limited(int d) const {
    return settings_->flux != FluxKind::central && (transport(d) || settings_->flux == FluxKind::limited);
  }
  /// Which coordinates the weights of direction d vary with (d itself always counts).
  std::array<bool, Dim> depends(int d) const;
  /// Which coordinates the numbers of an edge vary with.
  std::array<bool, Dim> cross_depends(int i, int j) const;
  bool uniform(int d) const;
  /// Numbers are not kept: as asked for, above 3-D, where they depend on all variables.
  bool recomputed(int d) const;
  bool autonomous(int d) const;
  /// Off-diagonal entries of D are there.
  bool crossed(int i, int j) const { return known_[i].crossed[j]; }
  bool crossed() const;
  /// Fluxes carry p exp(U) instead of p.
  bool ratio() const { return potential_; }
  /// Cross terms are not positive: faces keep their conductance, and the potential is not used.
  void set_mixed() {
    mixed_ = true;
    potential_ = false;
  }
  bool circulates() const { return potential_ && circulation_->kind() != Circulation<Dim>::Kind::none; }
  /// U less its least value at the cells' centres, at most 600; the ratio is p exp(lifted).
  double lifted(const Point<Dim>& x) const;
  void set_reference(double least) { reference_ = least; }

  struct Numbers {
    transport::FaceWeights weights;  ///< on the boundary of the domain: with the value on the face
    double velocity = 0.0;           ///< of the limited part; with ratio(): of the ratio
    double drift = 0.0;              ///< what carries p through the face; on the boundary with the sign of f there
    bool negative = false;           ///< cross terms left a negative conductance: not an M-matrix
  };
  Numbers at(const FaceSite<Dim>& site, double t) const;
  /// Numbers::negative alone.
  bool negative(const FaceSite<Dim>& site, double t) const { return conductance(site, t) < 0.0; }
  /// |D_ij| / 2 on an edge between four cells with its sign, and the difference of U from one point to the other.
  double cross(int i, int j, const Point<Dim>& x, double t) const;
  double potential_difference(const Point<Dim>& from, const Point<Dim>& to) const;
  /// What all evaluations have seen of D.
  DiffusionWatch<Dim>& watch() const { return watch_; }
  std::string description() const;

 private:
  double conductance(const FaceSite<Dim>& site, double t) const;
  double diffusion(int d, const Point<Dim>& x, double t) const;
  double drift(int d, const Point<Dim>& x, double t) const;
  double mean_drift(const FaceSite<Dim>& site, double t) const;
  double peclet(const FaceSite<Dim>& site, double t, double g) const;
  double boundary_drift(const FaceSite<Dim>& site, double t, double mean) const;
  Numbers without_potential(const FaceSite<Dim>& site, double t) const;
  Numbers with_potential(const FaceSite<Dim>& site, double t) const;

  /// What the expressions' texts say about a direction: asked for at every face.
  struct Known {
    bool transport = false, any_crossed = false;
    bool diffusion_varies = false;  ///< with the coordinate of the direction
    bool bent = false;              ///< the drift is not linear in that coordinate: its mean takes more than one value
    std::array<bool, Dim> crossed{}, cross_varies{};  ///< D_dj is there; it varies with x_j
  };
  void ask();
  const Settings* settings_;
  const Problem* problem_;
  std::array<Known, Dim> known_;
  const Grid<Dim>* grid_;
  std::optional<Circulation<Dim>> circulation_;
  mutable DiffusionWatch<Dim> watch_;
  bool potential_ = false, mixed_ = false;
  double reference_ = 0.0;
};

/// g [B(-P) p_low - B(P) p_high] for any P and a conductance of any sign.
transport::FaceWeights fitted(double conductance, double peclet);

}  // namespace kolmo::density
