#include "kolmo/linear/matrix_free.hpp"

#include "kolmo/base/error.hpp"
#include "preconditioners.hpp"

namespace kolmo {

namespace {

template <int Dim>
std::ptrdiff_t faces_below(const Index<Dim>& extent, int d, int direction) {
  std::ptrdiff_t stride = 1;
  for (int e = 0; e < d; ++e) stride *= extent[e] + (e == direction);
  return stride;
}

/// Position of the low face of local cell i in the packed faces of a direction.
template <int Dim>
std::ptrdiff_t face_position(const Index<Dim>& extent, const Index<Dim>& i, int direction) {
  std::ptrdiff_t at = 0;
  for (int d = 0; d < Dim; ++d) at += i[d] * faces_below<Dim>(extent, d, direction);
  return at;
}

template <int Dim>
Layout<Dim> with_ghosts(const Decomposition<Dim>& unknowns) {
  return Layout<Dim>(unknowns.extent(), Ghosts<Dim>::uniform(1, 1));
}

}  // namespace

template <int Dim>
MatrixFree<Dim>::MatrixFree(const Decomposition<Dim>& unknowns, SeparableOperator<Dim> op)
    : unknowns_(unknowns), separable_(std::move(op)), field_(with_ghosts(unknowns)) {
  check_sizes();
  singular_ = separable_->singular();
  halo_.emplace(unknowns_, field_.layout(), Ghosts<Dim>::uniform(1, 1), Stencil::star);
}

template <int Dim>
MatrixFree<Dim>::MatrixFree(const Decomposition<Dim>& unknowns, FaceConductances<Dim> op)
    : unknowns_(unknowns), faces_(std::move(op)), field_(with_ghosts(unknowns)) {
  check_sizes();
  singular_ = kolmo::singular(unknowns_, faces_);
  halo_.emplace(unknowns_, field_.layout(), Ghosts<Dim>::uniform(1, 1), Stencil::star);
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
void MatrixFree<Dim>::apply(const double* q, double* aq) {
  unpack(q, field_.layout().interior(), field_);
  halo_->exchange(field_);
  if (separable_)
    apply_separable(aq);
  else
    apply_faces(aq);
}

template <int Dim>
void MatrixFree<Dim>::apply_separable(double* aq) const {
  const SeparableOperator<Dim>& op = *separable_;
  const Layout<Dim>& layout = field_.layout();
  const Index<Dim> first = unknowns_.owned().begin;
  const std::ptrdiff_t n = layout.extent()[0];
  const double* __restrict w = op.line[0].weight.data() + first[0];
  const double* __restrict c = op.line[0].conductance.data() + first[0];
  for_each_row<Dim>(layout.interior(), [&](const Index<Dim>& row) {
    const double* __restrict q = field_.origin() + layout.offset(row);
    double rest = 1.0;  // the weights of the other directions
    for (int d = 1; d < Dim; ++d) rest *= op.line[d].weight[first[d] + row[d]];
    std::array<double, Dim> low{}, high{};
    double centre = op.shift * rest;
    for (int d = 1; d < Dim; ++d) {
      const int at = first[d] + row[d];
      const double across = op.scale * rest / op.line[d].weight[at];
      low[d] = across * op.line[d].conductance[at];
      high[d] = across * op.line[d].conductance[at + 1];
    }
    const double along = op.scale * rest;
    double* __restrict out = aq;
    for (std::ptrdiff_t i = 0; i < n; ++i) {
      double sum = centre * q[i];
      for (int d = 1; d < Dim; ++d)
        sum += low[d] * (q[i] - q[i - layout.stride(d)]) + high[d] * (q[i] - q[i + layout.stride(d)]);
      out[i] = w[i] * sum + along * (c[i] * (q[i] - q[i - 1]) + c[i + 1] * (q[i] - q[i + 1]));
    }
    aq += n;
  });
}

template <int Dim>
void MatrixFree<Dim>::apply_faces(double* aq) const {
  const Layout<Dim>& layout = field_.layout();
  const Index<Dim> extent = layout.extent();
  const std::ptrdiff_t n = extent[0];
  const double* shift = faces_.shift.empty() ? nullptr : faces_.shift.data();
  std::ptrdiff_t cell = 0;
  for_each_row<Dim>(layout.interior(), [&](const Index<Dim>& row) {
    const double* __restrict q = field_.origin() + layout.offset(row);
    double* __restrict out = aq + cell;
    for (std::ptrdiff_t i = 0; i < n; ++i) out[i] = shift ? shift[cell + i] * q[i] : 0.0;
    for (int d = 0; d < Dim; ++d) {
      const double* __restrict low = faces_.conductance[d].data() + face_position<Dim>(extent, row, d);
      const double* __restrict high = low + faces_below<Dim>(extent, d, d);
      const std::ptrdiff_t step = layout.stride(d);
      for (std::ptrdiff_t i = 0; i < n; ++i) out[i] += low[i] * (q[i] - q[i - step]) + high[i] * (q[i] - q[i + step]);
    }
    cell += n;
  });
}

template <int Dim>
void MatrixFree<Dim>::diagonal(double* values) const {
  const FaceConductances<Dim> made = separable_ ? faces() : FaceConductances<Dim>{};
  const FaceConductances<Dim>& op = separable_ ? made : faces_;
  const Index<Dim> extent = unknowns_.extent();
  std::ptrdiff_t cell = 0;
  for_each<Dim>(field_.layout().interior(), [&](const Index<Dim>& i) {
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
  Field<Dim> numbers(field_.layout());
  numbers.fill(-1.0);
  std::int64_t next = begin;
  for_each<Dim>(field_.layout().interior(), [&](const Index<Dim>& i) { numbers(i) = static_cast<double>(next++); });
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
  for_each<Dim>(field_.layout().interior(), [&](const Index<Dim>& i) {
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
