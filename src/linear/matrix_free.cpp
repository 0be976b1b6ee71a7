#include "kolmo/linear/matrix_free.hpp"

#include "face_positions.hpp"
#include "kolmo/base/error.hpp"
#include "preconditioners.hpp"

namespace kolmo {

namespace {

template <int Dim>
Layout<Dim> with_ghosts(const Decomposition<Dim>& unknowns) {
  return Layout<Dim>(unknowns.extent(), Ghosts<Dim>::uniform(1, 1));
}

}  // namespace

template <int Dim>
MatrixFree<Dim>::MatrixFree(const Decomposition<Dim>& unknowns, SeparableOperator<Dim> op)
    : unknowns_(unknowns), separable_(std::move(op)), layout_(with_ghosts(unknowns)) {
  check_sizes();
  singular_ = separable_->singular();
  prepare();
}

template <int Dim>
MatrixFree<Dim>::MatrixFree(const Decomposition<Dim>& unknowns, FaceConductances<Dim> op)
    : unknowns_(unknowns), faces_(std::move(op)), layout_(with_ghosts(unknowns)) {
  check_sizes();
  singular_ = kolmo::singular(unknowns_, faces_);
  prepare();
}

template <int Dim>
void MatrixFree<Dim>::prepare() {
  bool alone = true;
  for (int d = 0; d < Dim; ++d) alone = alone && !unknowns_.cut(d) && !unknowns_.periodic()[d];
  if (alone) {
    zeros_.assign(unknowns_.extent()[0] + 2, 0.0);
    return;
  }
  halo_.emplace(unknowns_, layout_, Ghosts<Dim>::uniform(1, 1), Stencil::star);
}

template <int Dim>
void MatrixFree<Dim>::check_sizes() const {
  const Index<Dim> n = unknowns_.extent();
  bool fits = true;
  for (int d = 0; d < Dim; ++d) {
    if (separable_) {
      const LineOperator& line = separable_->line[d];
      fits = fits && line.size() == unknowns_.cells()[d] && line.conductance.size() == line.weight.size() + 1;
    } else {
      std::int64_t faces = 1;
      for (int e = 0; e < Dim; ++e) faces *= n[e] + (e == d);
      fits = fits && static_cast<std::int64_t>(faces_.conductance[d].size()) == faces;
    }
  }
  if (!faces_.shift.empty()) fits = fits && static_cast<std::int64_t>(faces_.shift.size()) == unknowns_.local_size();
  if (!fits) throw InternalError("an operator's arrays do not fit the decomposition of its unknowns");
}

template <int Dim>
void MatrixFree<Dim>::set(double shift, double scale) {
  if (!separable_) throw InternalError("set_shift is for separable operators");
  separable_->shift = shift;
  separable_->scale = scale;
  singular_ = separable_->singular();
}

template <int Dim>
void MatrixFree<Dim>::set(const FaceConductances<Dim>& op) {
  if (separable_) throw InternalError("set_conductances is not for separable operators");
  faces_ = op;  // into the memory that is there
  check_sizes();
  singular_ = kolmo::singular(unknowns_, faces_);
}

template <int Dim>
FaceConductances<Dim> MatrixFree<Dim>::faces() const {
  return separable_ ? face_conductances(unknowns_, *separable_) : faces_;
}

template <int Dim>
void MatrixFree<Dim>::diagonal(double* values) const {
  const FaceConductances<Dim> made = separable_ ? faces() : FaceConductances<Dim>{};
  const FaceConductances<Dim>& op = separable_ ? made : faces_;
  const Index<Dim> extent = unknowns_.extent();
  std::ptrdiff_t cell = 0;
  for_each<Dim>(layout_.interior(), [&](const Index<Dim>& i) {
    double sum = op.shift.empty() ? 0.0 : op.shift[cell];
    for (int d = 0; d < Dim; ++d) {
      if (unknowns_.periodic()[d] && unknowns_.cells()[d] == 1) continue;  // linked to itself
      const std::ptrdiff_t low = face_position<Dim>(extent, i, d);
      sum += op.conductance[d][low] + op.conductance[d][low + faces_below<Dim>(extent, d, d)];
    }
    values[cell++] = sum;
  });
}

template <int Dim>
petsc::Handle<Mat> MatrixFree<Dim>::assemble(bool pinned) const {
  const auto local = static_cast<PetscInt>(local_size());
  petsc::Handle<Mat> matrix;
  petsc::check(MatCreateAIJ(comm(), local, local, PETSC_DETERMINE, PETSC_DETERMINE, 2 * Dim + 1, nullptr, 2 * Dim,
                            nullptr, matrix.put()));
  fill(matrix, pinned);
  return matrix;
}

template <int Dim>
void MatrixFree<Dim>::fill(Mat matrix, bool pinned) const {
  const std::int64_t local = local_size();
  std::int64_t begin = 0;
  check_mpi(MPI_Exscan(&local, &begin, 1, MPI_INT64_T, MPI_SUM, comm()), "MPI_Exscan");
  if (unknowns_.comm().rank() == 0) begin = 0;

  // Numbers of the neighbours: exchanged like any field; -1 beyond a boundary, which PETSc skips.
  Field<Dim> numbers(layout_);
  numbers.fill(-1.0);
  std::int64_t next = begin;
  for_each<Dim>(layout_.interior(), [&](const Index<Dim>& i) { numbers(i) = static_cast<double>(next++); });
  Halo<Dim>(unknowns_, numbers.layout(), Ghosts<Dim>::uniform(1, 1), Stencil::star).exchange(numbers);

  petsc::check(MatZeroEntries(matrix));
  add_rows(matrix, numbers, begin, pinned);
  petsc::check(MatAssemblyBegin(matrix, MAT_FINAL_ASSEMBLY));
  petsc::check(MatAssemblyEnd(matrix, MAT_FINAL_ASSEMBLY));
  petsc::check(MatSetOption(matrix, MAT_SYMMETRIC, PETSC_TRUE));
  petsc::check(MatSetOption(matrix, MAT_SPD, singular_ && !pinned ? PETSC_FALSE : PETSC_TRUE));
}

template <int Dim>
void MatrixFree<Dim>::add_rows(Mat matrix, const Field<Dim>& numbers, std::int64_t begin, bool pinned) const {
  const FaceConductances<Dim> op = faces();
  const Index<Dim> extent = unknowns_.extent();
  PetscInt row = static_cast<PetscInt>(begin);
  std::int64_t cell = 0;
  for_each<Dim>(layout_.interior(), [&](const Index<Dim>& i) {
    std::array<PetscInt, 2 * Dim + 1> columns;
    std::array<double, 2 * Dim + 1> values;
    double diagonal = op.shift.empty() ? 0.0 : op.shift[cell];
    for (int d = 0; d < Dim; ++d)
      for (int side = 0; side < 2; ++side) {
        const std::ptrdiff_t face = face_position<Dim>(extent, i, d) + side * faces_below<Dim>(extent, d, d);
        Index<Dim> neighbour = i;
        neighbour[d] += side == 0 ? -1 : 1;
        columns[2 * d + side] = static_cast<PetscInt>(numbers(neighbour));
        values[2 * d + side] = -op.conductance[d][face];
        diagonal += op.conductance[d][face];
      }
    if (pinned && row == 0) diagonal *= 2.0;
    columns[2 * Dim] = row;
    values[2 * Dim] = diagonal;
    petsc::check(MatSetValues(matrix, 1, &row, 2 * Dim + 1, columns.data(), values.data(), ADD_VALUES));
    ++row;
    ++cell;
  });
}

template <int Dim>
std::unique_ptr<Inverse> MatrixFree<Dim>::tensor() const {
  return make_tensor_inverse(*this);
}

template <int Dim>
std::unique_ptr<Inverse> MatrixFree<Dim>::boxmg() const {
  return make_boxmg_inverse(*this);
}

template class MatrixFree<1>;
template class MatrixFree<2>;
template class MatrixFree<3>;
template class MatrixFree<4>;
template class MatrixFree<5>;
template class MatrixFree<6>;

}  // namespace kolmo
