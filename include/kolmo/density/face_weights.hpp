/// The linear fluxes of a density along one direction, as numbers on faces: what the splitting solves line by line.
#pragma once

#include <vector>

#include "kolmo/transport/control_volumes.hpp"

namespace kolmo::density {

/// (D4) F_f = low_f p_{f-1} + high_f p_f + constant_f per unit area through face f normal to one direction, boundary
/// rules folded in (the weight of a point outside is zero; no-flux: all three are exactly zero). With w_i the width of
/// cell i,    (L_d p)_i = -(F_{i+1} - F_i) / w_i,    which is an M-matrix if low >= 0 >= high everywhere.
template <int Dim>
struct DirectionWeights {
  int direction = 0;
  /// The same on every line: then `line_*` hold the n + 1 faces of the whole axis (a periodic axis has face n = face 0)
  /// on every rank, and the fields are empty.
  bool uniform = false;
  std::vector<double> line_low, line_high, line_constant;
  /// (D12) What four cells add to F_f, 4 (n + 1) numbers of a uniform direction; empty: nothing.
  std::vector<double> line_wide;
  /// Else fields located at the faces of `direction`, owned cells and one ghost layer on the high side (face n of the
  /// rank's box lies there, and is valid).
  Field<Dim> low, high;
  /// Fluxes given on the boundary (prescribed inflow): add per cell next to the boundary; empty: all zero.
  std::vector<double> constant_low, constant_high;  ///< one per boundary face held by this rank, x fastest
  /// No diffusion in this direction (pure transport): `velocity` at the faces is what remains, and the weights above
  /// are its upwind ones.
  bool transport = false;
  Field<Dim> velocity;
};

}  // namespace kolmo::density
