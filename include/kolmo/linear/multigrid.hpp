/// Matrix-free geometric multigrid on boxes, PETSc type `boxmg`.
#pragma once

#include <memory>
#include <string>

#include "kolmo/base/petsc.hpp"
#include "kolmo/linear/operators.hpp"

namespace kolmo {

/// Approximates the inverse of a FaceConductances operator by one V-cycle: single precision, red-black point or line
/// smoothing with (semi)coarsening chosen per level from the ratios of the conductances, piecewise-constant transfers,
/// coarse conductances by summation (never by point sampling: density ratio 1000 converges), symmetric so that CG may
/// use it. Coarse levels gather on fewer ranks; the coarsest is solved directly. Singular operators: the mean is
/// removed.
template <int Dim>
class Multigrid {
 public:
  Multigrid(const Decomposition<Dim>& unknowns, const FaceConductances<Dim>& op);
  ~Multigrid();
  Multigrid(Multigrid&&) noexcept;
  Multigrid& operator=(Multigrid&&) noexcept;
  void set_conductances(const FaceConductances<Dim>& op);
  /// q := M^-1 b, packed over the owned box, x fastest.
  void apply(const double* b, double* q);
  std::string description() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace kolmo
