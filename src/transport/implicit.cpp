#include "kolmo/transport/implicit.hpp"

#include <algorithm>
#include <limits>

#include "kolmo/base/error.hpp"

namespace kolmo::transport {

template <int Dim>
Numbering<Dim>::Numbering(const Decomposition<Dim>& unknowns) : unknowns_(unknowns) {
  if (unknowns.global_size() > std::numeric_limits<PetscInt>::max())
    throw InputError(
        "more unknowns than PETSc's integers can number; build PETSc with 64-bit indices or use fewer cells");
  start_.assign(1, 0);
  for (int rank = 0; rank < unknowns.comm().size(); ++rank)
    start_.push_back(start_.back() + static_cast<PetscInt>(unknowns.owned_by(rank).size()));
}

template <int Dim>
PetscInt Numbering<Dim>::operator()(const Index<Dim>& i) const {
  Index<Dim> coordinates;
  for (int d = 0; d < Dim; ++d) {
    const std::vector<int>& starts = unknowns_.starts(d);
    coordinates[d] = static_cast<int>(std::upper_bound(starts.begin(), starts.end(), i[d]) - starts.begin()) - 1;
  }
  const int rank = unknowns_.rank_at(coordinates);
  const Box<Dim> box = unknowns_.owned_by(rank);
  PetscInt at = 0;
  for (int d = Dim - 1; d >= 0; --d) at = at * box.extent(d) + (i[d] - box.begin[d]);
  return start_[rank] + at;
}

namespace detail {

petsc::Handle<Mat> start_matrix(const Communicator& comm, std::int64_t local_rows, int row_length) {
  petsc::Handle<Mat> matrix;
  const PetscInt n = static_cast<PetscInt>(local_rows);
  petsc::check(MatCreateAIJ(comm.handle(), n, n, PETSC_DETERMINE, PETSC_DETERMINE, row_length, nullptr, row_length,
                            nullptr, matrix.put()));
  return matrix;
}

void add_values(Mat matrix, PetscInt row, int count, const PetscInt* columns, const double* values) {
  petsc::check(MatSetValues(matrix, 1, &row, count, columns, values, ADD_VALUES));
}

void finish_matrix(Mat matrix) {
  petsc::check(MatAssemblyBegin(matrix, MAT_FINAL_ASSEMBLY));
  petsc::check(MatAssemblyEnd(matrix, MAT_FINAL_ASSEMBLY));
}

}  // namespace detail

/// The weight of the value inside, in conductances: L loses c q there.
template <int Dim>
static double boundary_conductance(const Boundary<Dim>& boundary, int d, Side side) {
  FaceRow<Dim, false> row{.direction = d, .index = {}, .volumes = &boundary.volumes()};
  row.inverse_distance = Metric<false>(1.0 / boundary.volumes().global_line(d).outside_distance(side));
  const LinearFlux f = fold(Diffusion<>{}.row(row)(0), side, boundary.slab(d, side), 0.0);
  return side == Side::low ? -f.high : f.low;
}

template <int Dim>
SeparableOperator<Dim> separable_operator(const Boundary<Dim>& boundary, double shift, double scale) {
  SeparableOperator<Dim> op;
  op.shift = shift;
  op.scale = scale;
  for (int d = 0; d < Dim; ++d) {
    const ControlLine& line = boundary.volumes().global_line(d);
    LineOperator& out = op.line[d];
    out.periodic = line.periodic();
    for (int i = line.first(); i < line.last(); ++i) out.weight.push_back(line.width()[i]);
    for (int f = line.first(); f <= line.last(); ++f) {
      FaceRow<Dim, false> row{.direction = d, .index = {}, .volumes = &boundary.volumes()};
      row.inverse_distance = Metric<false>(line.inverse_distance() + f);
      out.conductance.push_back(Diffusion<>{}.row(row)(0).low);
    }
    if (line.periodic()) continue;
    out.conductance.front() = boundary_conductance(boundary, d, Side::low);
    out.conductance.back() = boundary_conductance(boundary, d, Side::high);
  }
  return op;
}

#define KOLMO_INSTANTIATE(Dim)   \
  template class Numbering<Dim>; \
  template SeparableOperator<Dim> separable_operator(const Boundary<Dim>&, double, double);
KOLMO_INSTANTIATE(1)
KOLMO_INSTANTIATE(2)
KOLMO_INSTANTIATE(3)
KOLMO_INSTANTIATE(4)
KOLMO_INSTANTIATE(5)
KOLMO_INSTANTIATE(6)
#undef KOLMO_INSTANTIATE

}  // namespace kolmo::transport
