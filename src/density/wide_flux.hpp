// Fluxes of fourth order from four cells, where each direction goes by itself.
#pragma once

#include <array>
#include <vector>

#include "kolmo/density/face_weights.hpp"
#include "kolmo/density/settings.hpp"
#include "kolmo/grid/decomposition.hpp"
#include "kolmo/grid/field.hpp"
#include "kolmo/grid/grid.hpp"

namespace kolmo::density {

/// (D12) F_f = sum of c_j p_j over the two cells on either side of face f, exact for p = G, which carries no flux, and
/// for p = G r with the fluxes J = 1, x - x_f, (x - x_f)^2:
///     J = -1/2 D G dr/dx,    G = exp(int 2 f / D dx) / D,    r = -int 2 J / (D G) dx,
/// p_j the averages of p. (D3) is the same with two cells, values at centres and J = 1. Without drift the weights are
/// the classical (1, -15, 15, -1) D / 24 h; for steady drift they are dissipative whatever f h / D. Next to a boundary
/// the four cells are those at the end. Where log G changes by more than 3 over one of them, two cells, G and J = 1
/// remain, an M-matrix; by more than 12, and on faces of a boundary, (D3).
///
/// Kept is what (D12) adds to (D3): weights.line_wide. Mass is conserved exactly and averages of G are stationary to
/// round-off; p may become negative where it is not resolved.
template <int Dim>
class WideFlux {
 public:
  static constexpr int reach = 2;  ///< ghosts that it reads

  /// Throws InputError where the coefficients of a direction depend on another variable, a direction has no noise, or
  /// there are fewer than five cells, or than four to a rank where a direction is cut.
  WideFlux(const Settings& settings, const Grid<Dim>& grid, const Decomposition<Dim>& cells);

  /// Coefficients of time t, next to the two-point numbers that `weights` of a direction hold.
  void fill(double t, DirectionWeights<Dim>& weights);
  /// rate += factor * (-div of what is added). Ghosts of p fresh.
  void apply(const Field<Dim>& p, Field<Dim>& rate, double factor) const;
  /// components[d] += what is added.
  void add_flux(const Field<Dim>& p, std::array<Field<Dim>, Dim>& components) const;

 private:
  static constexpr int points = 4, window = 5, functions = 4;
  /// G relative to the low node of a cell, and D, at Gauss points; changes of log G over cells; D at nodes.
  struct Line {
    std::vector<std::array<double, points>> shape, diffusion;
    std::vector<double> jump, node_diffusion;
    std::vector<double> cell;  ///< window numbers per cell: the divergence
  };
  void find_shape(int d, double t);
  /// keep(cell, averages of the functions)
  template <class Keep>
  void add_averages(int d, int f, int step, int last, double scale, Keep&& keep) const;
  std::array<double, 4> face_weights(int d, int f) const;
  void find_divergence(int d, const std::vector<double>& wide);
  int first_of_cell(int d, int i) const;

  const Settings* settings_;
  const Grid<Dim>* grid_;
  const Decomposition<Dim>* cells_;
  std::array<std::array<double, points>, points> integral_{};  ///< from -1 to a Gauss point, of values at all of them
  std::array<Line, Dim> lines_;
  std::vector<double> slope_, level_;  ///< of a linear drift
  std::array<const std::vector<double>*, Dim> wide_{};
};

/// The first of the four cells about face f (below zero, or beyond the last, around a period).
inline int first_of_wide_face(int f, int n, bool periodic) {
  return periodic ? f - 2 : f - 2 < 0 ? 0 : f - 2 > n - 4 ? n - 4 : f - 2;
}

}  // namespace kolmo::density
