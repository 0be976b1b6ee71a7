// The product, row by row straight from the packed array: only the cells beside cuts pass through a field with ghosts.
#include "dot.hpp"
#include "face_positions.hpp"
#include "kolmo/linear/matrix_free.hpp"

namespace kolmo {

/// What one row of the product reads besides itself: the rows below and above in every direction but x (zeros beyond a
/// boundary), and the values before its first and after its last cell.
template <int Dim>
struct MatrixFree<Dim>::Neighbours {
  std::array<const double*, Dim> low{}, high{};
  double before = 0.0, after = 0.0;
};

template <int Dim>
typename MatrixFree<Dim>::Neighbours MatrixFree<Dim>::neighbours(const double* q, const Index<Dim>& row) const {
  const Index<Dim>& n = layout_.extent();
  const double* ghosted = field_ ? field_.origin() + layout_.offset(row) : zeros_.data() + 1;
  Neighbours result;
  result.before = ghosted[-1];
  result.after = ghosted[n[0]];
  std::ptrdiff_t stride = n[0];
  for (int d = 1; d < Dim; ++d) {
    const std::ptrdiff_t step = field_ ? layout_.stride(d) : 0;
    result.low[d] = row[d] > 0 ? q - stride : ghosted - step;
    result.high[d] = row[d] + 1 < n[d] ? q + stride : ghosted + step;
    stride *= n[d];
  }
  return result;
}

/// Copies the cells that others' ghosts show (and this rank's own, around a periodic direction) into the field, and
/// exchanges.
template <int Dim>
void MatrixFree<Dim>::fill_edges(const double* q) {
  if (!halo_) return;
  if (!field_) field_ = Field<Dim>(layout_);
  const Index<Dim>& n = layout_.extent();
  if (unknowns_.local_size() > 0)
    for (int d = 0; d < Dim; ++d) {
      if (!unknowns_.cut(d) && !unknowns_.periodic()[d]) continue;
      for (const int layer : {0, n[d] - 1}) {
        Box<Dim> box = layout_.interior();
        box.begin[d] = layer;
        box.end[d] = layer + 1;
        for_each_row<Dim>(box, [&](const Index<Dim>& i) {
          std::ptrdiff_t from = 0, stride = 1;
          for (int e = 0; e < Dim; stride *= n[e++]) from += i[e] * stride;
          double* to = field_.origin() + layout_.offset(i);
          for (int x = 0; x < box.extent(0); ++x) to[x] = q[from + x];
        });
      }
    }
  halo_->exchange(field_);
}

template <int Dim>
double MatrixFree<Dim>::apply_dot(const double* q, double* aq) {
  fill_edges(q);
  if (unknowns_.local_size() == 0) return 0.0;
  if (separable_) return apply_separable(q, aq);
  return faces_.shift.empty() ? apply_faces<false>(q, aq) : apply_faces<true>(q, aq);
}

template <int Dim>
double MatrixFree<Dim>::apply_separable(const double* q, double* aq) const {
  const SeparableOperator<Dim>& op = *separable_;
  const Index<Dim> first = unknowns_.owned().begin;
  const std::ptrdiff_t n = unknowns_.extent()[0];
  const double* w = op.line[0].weight.data() + first[0];
  const double* c = op.line[0].conductance.data() + first[0];
  double sum = 0.0;
  for_each_row<Dim>(layout_.interior(), [&](const Index<Dim>& row) {
    const Neighbours at = neighbours(q, row);
    double rest = 1.0;  // the weights of the other directions
    for (int d = 1; d < Dim; ++d) rest *= op.line[d].weight[first[d] + row[d]];
    std::array<double, Dim> low{}, high{};
    const double centre = op.shift * rest, along = op.scale * rest;
    for (int d = 1; d < Dim; ++d) {
      const int i = first[d] + row[d];
      const double across = op.scale * rest / op.line[d].weight[i];
      low[d] = across * op.line[d].conductance[i];
      high[d] = across * op.line[d].conductance[i + 1];
    }
    const auto cell = [&](std::ptrdiff_t i, double before, double after) {
      double v = centre * q[i];
      for (int d = 1; d < Dim; ++d) v += low[d] * (q[i] - at.low[d][i]) + high[d] * (q[i] - at.high[d][i]);
      aq[i] = w[i] * v + along * (c[i] * (q[i] - before) + c[i + 1] * (q[i] - after));
    };
    cell(0, at.before, n > 1 ? q[1] : at.after);
#pragma GCC ivdep
    for (std::ptrdiff_t i = 1; i < n - 1; ++i) cell(i, q[i - 1], q[i + 1]);
    if (n > 1) cell(n - 1, q[n - 2], at.after);
    sum += dot(n, q, aq);
    q += n;
    aq += n;
  });
  return sum;
}

template <int Dim>
template <bool Shift>
double MatrixFree<Dim>::apply_faces(const double* q, double* aq) const {
  const Index<Dim> extent = unknowns_.extent();
  const std::ptrdiff_t n = extent[0];
  const double* shift = faces_.shift.data();
  double sum = 0.0;
  for_each_row<Dim>(layout_.interior(), [&](const Index<Dim>& row) {
    const Neighbours at = neighbours(q, row);
    std::array<const double*, Dim> low{}, high{};
    for (int d = 0; d < Dim; ++d) {
      low[d] = faces_.conductance[d].data() + face_position<Dim>(extent, row, d);
      high[d] = low[d] + faces_below<Dim>(extent, d, d);
    }
    const auto cell = [&](std::ptrdiff_t i, double before, double after) {
      double v = low[0][i] * (q[i] - before) + high[0][i] * (q[i] - after);
      for (int d = 1; d < Dim; ++d) v += low[d][i] * (q[i] - at.low[d][i]) + high[d][i] * (q[i] - at.high[d][i]);
      if constexpr (Shift) v += shift[i] * q[i];
      aq[i] = v;
    };
    cell(0, at.before, n > 1 ? q[1] : at.after);
#pragma GCC ivdep
    for (std::ptrdiff_t i = 1; i < n - 1; ++i) cell(i, q[i - 1], q[i + 1]);
    if (n > 1) cell(n - 1, q[n - 2], at.after);
    sum += dot(n, q, aq);
    q += n;
    aq += n;
    if constexpr (Shift) shift += n;
  });
  return sum;
}

#define KOLMO_PRODUCT(Dim) template double MatrixFree<Dim>::apply_dot(const double* q, double* aq);
KOLMO_PRODUCT(1)
KOLMO_PRODUCT(2)
KOLMO_PRODUCT(3)
KOLMO_PRODUCT(4)
KOLMO_PRODUCT(5)
KOLMO_PRODUCT(6)
#undef KOLMO_PRODUCT

}  // namespace kolmo
