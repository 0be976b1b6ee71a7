/// Distances of a computed density from one known exactly.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "kolmo/density/exact.hpp"
#include "kolmo/density/quantities.hpp"

namespace kolmo::density {

/// Of the cell averages: rel_l1 = sum v |p - q| / sum v q, rel_l2 with squares, v the volumes, q the averages of the
/// exact density; kl = sum v (p log(p/q) - p + q), which is the Kullback-Leibler divergence of p from q where both have
/// the same mass, and never negative.
struct CellDistance {
  double rel_l1 = 0.0, rel_l2 = 0.0, kl = 0.0;
};

/// Of the whole function: rel_l1 = int |R p - q| / int q, rel_l2 = sqrt(int (R p - q)^2 / int q^2) over the box, R p
/// the cubic reconstruction (D20).
struct FunctionDistance {
  double rel_l1 = 0.0, rel_l2 = 0.0;
};

/// Collective throughout. (D25)
template <int Dim>
class Comparison {
 public:
  /// Both must outlive this. An exact density known up to a factor is divided by its integral over the box.
  Comparison(const Quantities<Dim>& quantities, const ExactDensity& exact);

  CellDistance cells(const Field<Dim>& p, double t) const;
  /// By Gauss points, four in each direction of a cell up to 2-D, two above.
  FunctionDistance function(const Field<Dim>& p, double t) const;
  /// sqrt(int p |s - s_exact|^2 / int p |s_exact|^2) at the cell centres, with the score (D21) of the averages.
  double score(const Field<Dim>& p, double t) const;
  /// As Quantities::marginal, of the exact density inside the box.
  std::vector<double> marginal(double t, const std::vector<int>& variables) const;
  /// Integral of the exact density over the box, after normalisation.
  double mass(double t) const;
  /// 1 / (integral over the box) where the exact density is not normalised, else 1.
  double factor(double t) const;
  const ExactDensity& exact() const { return exact_; }

  /// Calls visit(row, averages) for every x row of this rank: cell averages of the exact density to fourth order, from
  /// values at the centres and their second differences.
  void for_each_row(double t, const std::function<void(const Index<Dim>&, const double*)>& visit) const;

 private:
  template <class Visit>
  void visit_rows(double t, Visit&& visit) const;
  double raw_mass(double t) const;
  const Quantities<Dim>& quantities_;
  const ExactDensity& exact_;
  mutable double known_factor_ = 0.0, known_time_ = 0.0;
  mutable std::vector<double> kept_;
};

}  // namespace kolmo::density
