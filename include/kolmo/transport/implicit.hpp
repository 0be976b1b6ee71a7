/// The same numbers as matrix rows and as the operators that linear can solve.
#pragma once

#include <vector>

#include "kolmo/base/petsc.hpp"
#include "kolmo/linear/operators.hpp"
#include "kolmo/transport/flux.hpp"
#include "kolmo/transport/laws.hpp"

namespace kolmo::transport {

/// One row of the linear operator L in dq/dt = L q + constant: neighbours below and above along each direction (0 where
/// there is none).
template <int Dim>
struct Row {
  Index<Dim> index{};  ///< local index of the unknown
  double diagonal = 0.0;
  std::array<double, Dim> low{}, high{};
  double constant = 0.0;
};

/// Calls visit(Row) for every unknown of this rank, x fastest.
template <int Dim, class Law, class Visitor>
void for_each_row_of(const Flux<Dim, Law>& flux, Visitor&& visit);

/// PETSc's numbers of the unknowns of a decomposition: rank after rank, x fastest in each box (the order of packed
/// arrays).
template <int Dim>
class Numbering {
 public:
  explicit Numbering(const Decomposition<Dim>& unknowns);
  /// i: global index counted from 0 in the decomposition, in range.
  PetscInt operator()(const Index<Dim>& i) const;

 private:
  Decomposition<Dim> unknowns_;
  std::vector<PetscInt> start_;  ///< of each rank
};

/// The matrix shift I - scale L on the unknowns, MPIAIJ in packed order. Throws InternalError for a law with a limited
/// part.
template <int Dim, class Law>
petsc::Handle<Mat> assemble(const Flux<Dim, Law>& flux, double shift, double scale);

/// W (shift - scale sum_d L_d) of constant diffusion (T3) with coefficient 1 under these rules (W = volume), for
/// Solver: the pressure Laplacian with shift 0, implicit viscosity with shift 1 and scale = viscosity * theta * dt.
/// Rules must be of the same kind all over a side, which they are. Values and fluxes given on boundaries stand in
/// Flux::add_constants.
template <int Dim>
SeparableOperator<Dim> separable_operator(const Boundary<Dim>& boundary, double shift, double scale);

/// W (shift - scale L) of a symmetric law as conductances; shift as a number.
template <int Dim, class Law>
FaceConductances<Dim> face_conductances(const Flux<Dim, Law>& flux, double shift, double scale);
/// The same into the memory of an earlier one.
template <int Dim, class Law>
void face_conductances(const Flux<Dim, Law>& flux, double shift, double scale, FaceConductances<Dim>& op);

}  // namespace kolmo::transport

#include "kolmo/transport/implicit_impl.hpp"
