// The part of the drift that turns around the stationary density without changing it.
#pragma once

#include <string>

#include "face_site.hpp"
#include "kolmo/density/settings.hpp"

namespace kolmo::density {

/// For a known stationary density rho = exp(-U) the drift splits into the reversible part 1/2 (div D - D grad U) and
/// f_c with div(f_c rho) = 0. (D6) Fluxes of f_c rho through faces that are divergence-free on the grid:
///   curl: f_c = A grad U with a constant antisymmetric A; then f_c rho = -A grad rho is the curl of A rho, and
///     differences of A rho between the edges of a face sum to zero around every cell, exactly. Where the curl would
///     leave the domain through a face without flux, A rho is set to zero on that edge.
///   face means: elsewhere, up to three dimensions, f_c rho is integrated over the face by Gauss quadrature: free of
///     divergence as far as the quadrature is exact, but for what leaves through boundaries without flux.
///   along: each direction by itself (separable problems); f_c,i rho_i is then constant along i.
template <int Dim>
class Circulation {
 public:
  enum class Kind { none, curl, face_means, along, unknown };

  /// Throws InputError where exp(-U) is not stationary.
  Circulation(const Settings& settings, const Grid<Dim>& grid);
  Kind kind() const { return kind_; }
  std::string description() const;
  /// phi exp(reference): the flux per unit area through a face, relative to the density where U = reference.
  double flux(const FaceSite<Dim>& site, double reference) const;
  double entry(int i, int j) const { return curl_[i * Dim + j]; }

 private:
  void gradient(const Point<Dim>& x, double* g) const;
  double circulating(int i, const Point<Dim>& x) const;
  bool fit_curl();
  bool divergence_free() const;
  Point<Dim> sample(int n) const;
  double curl_flux(const FaceSite<Dim>& site, double reference) const;
  double mean_flux(const FaceSite<Dim>& site, double reference) const;
  double weight(const Point<Dim>& x, double reference) const;

  const Problem* problem_;
  const Grid<Dim>* grid_;
  std::array<double, Dim> step_{};
  std::array<std::array<bool, 2>, Dim> closed_{};
  std::array<double, Dim * Dim> curl_{};
  Kind kind_ = Kind::none;
};

}  // namespace kolmo::density
