/// The operators the solvers know. The room `transport` fills them; nothing here knows physics.
#pragma once

#include <vector>

#include "kolmo/grid/decomposition.hpp"

namespace kolmo {

/// One direction of a separable operator on n unknowns with weights w (lengths of their control volumes) and
/// conductances c between neighbours (1 / distance):
///     (L q)_i = [ c_{i+1} (q_{i+1} - q_i) - c_i (q_i - q_{i-1}) ] / w_i,    i = 0 .. n-1.
/// c_0 and c_n lead to a boundary value that is zero in the homogeneous problem: 0 means Neumann, 1 / (half a width)
/// Dirichlet at a face, 1 / width Dirichlet at the neighbouring node. In a periodic direction c_0 = c_n is the link
/// between the last unknown and the first.
struct LineOperator {
  std::vector<double> conductance;  ///< n + 1
  std::vector<double> weight;       ///< n
  bool periodic = false;
  int size() const { return static_cast<int>(weight.size()); }
  /// No boundary value is felt: the constant lies in the null space.
  bool neumann() const { return !periodic && conductance.front() == 0.0 && conductance.back() == 0.0; }
  /// Equal weights and equal inner conductances, to round-off; then an FFT of the right kind may diagonalise it.
  bool uniform() const;
  /// Unchanged under reversal, to round-off.
  bool mirror_symmetric() const;
};

/// A = W ( shift - scale * sum_d L_d ),  W = product of the weights: symmetric, positive (semi)definite for shift,
/// scale >= 0. The same on every rank (one-dimensional data of the whole grid).
template <int Dim>
struct SeparableOperator {
  std::array<LineOperator, Dim> line;
  double shift = 0.0;
  double scale = 1.0;
  /// True if A has the constant as null space: no shift and no direction feels a boundary value.
  bool singular() const {
    if (shift != 0.0) return false;
    for (const LineOperator& l : line)
      if (!l.periodic && !l.neumann()) return false;
    return true;
  }
};

/// (A q)_i = shift_i q_i + sum over the faces f of cell i of C_f (q_i - q_neighbour), symmetric positive
/// (semi)definite. Local arrays, packed x fastest: conductance[d] has one face more than cells in direction d (face i
/// is the low side of cell i), equal on both sides of a cut; at a boundary of the domain C_f leads to the value zero
/// (C_f = 0: Neumann). shift: one per cell (already times the volume), or empty for none.
template <int Dim>
struct FaceConductances {
  std::array<std::vector<double>, Dim> conductance;
  std::vector<double> shift;
};

/// The same operator as local face conductances of this rank's box (weights multiplied in).
template <int Dim>
FaceConductances<Dim> face_conductances(const Decomposition<Dim>& unknowns, const SeparableOperator<Dim>& op);

/// True if the constant is in the null space: no shift and no face leads to a boundary value. Collective.
template <int Dim>
bool singular(const Decomposition<Dim>& unknowns, const FaceConductances<Dim>& op);

}  // namespace kolmo
