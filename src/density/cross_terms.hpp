// Off-diagonal diffusion as exchanges between cells that share an edge.
#pragma once

#include <vector>

#include "face_coefficients.hpp"
#include "kolmo/density/face_weights.hpp"
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
  bool mixed() const { return mixed_; }
  void set_mixed() { mixed_ = true; }
  void fill(double t);
  /// Shows D_ii D_jj - D_ij^2 of all edges to FaceCoefficients::watch.
  void see_minors(double t) const;

  /// rate += factor * (cross part of L p); ghosts of p fresh, corners too.
  void apply(const Field<Dim>& p, Field<Dim>& rate, double factor) const;
  /// components[i], [j] += the exchanges, as fluxes per unit area along both ways around the edge.
  void add_flux(const Field<Dim>& p, std::array<Field<Dim>, Dim>& components) const;
  /// Rate at which mass leaves a cell through edges: what goes on the diagonal.
  double diagonal(const Index<Dim>& local) const;
  /// The largest rate of exchange of a cell of this rank, all its edges together.
  double fastest() const;
  /// visit(neighbour, entry of L) for the off-diagonal entries of a row.
  template <class Visitor>
  void for_each_entry(const Index<Dim>& local, Visitor&& visit) const;

 private:
  /// Numbers of the edge at the low corner (in i and j) of each cell, one more on the high sides: forward with the sign
  /// of D_ij, backward without.
  struct Pair {
    int i = 0, j = 0;
    FaceTable<Dim> forward, backward;
  };
  /// An exchange between two cells, of which b is one step up in i, or in j, or in both ways.
  struct Link {
    Index<Dim> a, b;
    double forward, backward;
  };
  struct Links {
    std::array<Link, 5> link;
    int count = 0;
  };
  /// visit(links, edge) for every edge that touches a cell of this rank.
  template <class Visitor>
  void for_each_edge(const Pair& pair, Visitor&& visit) const;
  Links links(const Pair& pair, const Index<Dim>& edge) const;
  bool inside(const Pair& pair, const Index<Dim>& edge) const;
  /// Points between which an edge exchanges, and the edge itself, at the edge's own index.
  struct Points {
    Point<Dim> edge, low, high;
  };
  Points points_of(const Pair& pair, const Index<Dim>& edge) const;
  /// visit(link, 1 / (w_i w_j) of the cell) for every link of a cell.
  template <class Visitor>
  void for_each_link_of(const Index<Dim>& local, Visitor&& visit) const;

  const FaceCoefficients<Dim>* coefficients_ = nullptr;
  const Grid<Dim>* grid_ = nullptr;
  const Decomposition<Dim>* cells_ = nullptr;
  const transport::ControlVolumes<Dim>* volumes_ = nullptr;
  std::vector<Pair> pairs_;
  bool mixed_ = false;
};

template <int Dim>
template <class Visitor>
void CrossTerms<Dim>::for_each_link_of(const Index<Dim>& local, Visitor&& visit) const {
  for (const Pair& pair : pairs_) {
    const double scale =
        volumes_->line(pair.i).inverse_width()[local[pair.i]] * volumes_->line(pair.j).inverse_width()[local[pair.j]];
    for (int corner = 0; corner < 4; ++corner) {
      Index<Dim> edge = local;
      edge[pair.i] += corner & 1;
      edge[pair.j] += corner >> 1;
      if (!inside(pair, edge)) continue;
      const Links all = links(pair, edge);
      for (int k = 0; k < all.count; ++k)
        if (all.link[k].a == local || all.link[k].b == local) visit(all.link[k], scale);
    }
  }
}

template <int Dim>
template <class Visitor>
void CrossTerms<Dim>::for_each_entry(const Index<Dim>& local, Visitor&& visit) const {
  for_each_link_of(local, [&](const Link& l, double scale) {
    if (l.a == local)
      visit(l.b, scale * l.backward);
    else
      visit(l.a, scale * l.forward);
  });
}

}  // namespace kolmo::density
