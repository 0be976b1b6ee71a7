// Off-diagonal diffusion as exchanges between cells that share an edge.
#pragma once

#include <vector>

#include "face_coefficients.hpp"
#include "kolmo/transport/control_volumes.hpp"

namespace kolmo::density {

/// (D7) For i < j, between the cells a and b that meet at an edge normal to i and j, a = (.., i, .., j, ..) and
/// b = (.., i+1, .., j+-1, ..) with the sign of D_ij: mass goes from a to b at the rate
///     V_a / (w_i w_j) |D_ij| / 2 [ B(U_b - U_a) p_a - B(U_a - U_b) p_b ]          (U = 0 where no potential is known)
/// where V_a / (w_i w_j) is the volume over the remaining directions. The faces beside the edge give up as much of
/// their conductance (FaceCoefficients). On any tensor grid the sum is the operator 1/2 sum_ij d_i (D_ij d_j p) to
/// second order, conserves mass exactly, and is an M-matrix where D_ii / h_i >= sum over j of |D_ij| / h_j. Edges on a
/// boundary of the domain carry nothing.
template <int Dim>
class CrossTerms {
 public:
  void set_up(const FaceCoefficients<Dim>& coefficients, const Grid<Dim>& grid, const Decomposition<Dim>& cells,
              const transport::ControlVolumes<Dim>& volumes);
  bool active() const { return !pairs_.empty(); }
  void fill(double t);

  /// rate += factor * (cross part of L p); ghosts of p fresh, corners too.
  void apply(const Field<Dim>& p, Field<Dim>& rate, double factor) const;
  /// components[i], [j] += the exchanges, as fluxes per unit area along both ways around the edge.
  void add_flux(const Field<Dim>& p, std::array<Field<Dim>, Dim>& components) const;
  /// Rate at which mass leaves a cell through edges: what goes on the diagonal.
  double diagonal(const Index<Dim>& local) const;
  /// visit(global neighbour, entry of L) for the off-diagonal entries of a row.
  template <class Visitor>
  void for_each_entry(const Index<Dim>& local, Visitor&& visit) const;

 private:
  /// Numbers of the edge at the low corner (in i and j) of each cell, one more on the high sides: forward with the sign
  /// of D_ij, backward without.
  struct Pair {
    int i = 0, j = 0;
    Field<Dim> forward, backward;
  };
  struct Link {  ///< from the cell `a`, one step up in i and `step` in j, to b
    Index<Dim> a, b;
    double forward, backward;
  };
  template <class Visitor>
  void for_each_link(const Pair& pair, Visitor&& visit) const;
  Link link(const Pair& pair, const Index<Dim>& edge) const;
  bool inside(const Pair& pair, const Index<Dim>& edge) const;

  const FaceCoefficients<Dim>* coefficients_ = nullptr;
  const Grid<Dim>* grid_ = nullptr;
  const Decomposition<Dim>* cells_ = nullptr;
  const transport::ControlVolumes<Dim>* volumes_ = nullptr;
  std::vector<Pair> pairs_;
};

template <int Dim>
template <class Visitor>
void CrossTerms<Dim>::for_each_entry(const Index<Dim>& local, Visitor&& visit) const {
  for (const Pair& pair : pairs_)
    for (int corner = 0; corner < 4; ++corner) {
      Index<Dim> edge = local;
      edge[pair.i] += corner & 1;
      edge[pair.j] += corner >> 1;
      if (!inside(pair, edge)) continue;
      const Link l = link(pair, edge);
      const double scale =
          1.0 / (volumes_->line(pair.i).width()[local[pair.i]] * volumes_->line(pair.j).width()[local[pair.j]]);
      if (l.a == local) visit(l.b, scale * l.backward);
      if (l.b == local) visit(l.a, scale * l.forward);
    }
}

}  // namespace kolmo::density
