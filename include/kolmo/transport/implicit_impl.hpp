/// Templates of implicit.hpp.
#pragma once

#include "kolmo/transport/implicit.hpp"

namespace kolmo::transport {

template <int Dim, class Law, class Visitor>
void for_each_row_of(const Flux<Dim, Law>& flux, Visitor&& visit) {
  const ControlVolumes<Dim>& v = flux.volumes();
  for_each<Dim>(v.box(), [&](const Index<Dim>& i) {
    Row<Dim> row{.index = i};
    for (int d = 0; d < Dim; ++d) {
      const double inverse = v.line(d).inverse_width()[i[d]];
      const LinearFlux below = flux.face(d, i), above = flux.face(d, detail::shifted<Dim>(i, d, 1));
      row.diagonal += (below.high - above.low) * inverse;
      row.low[d] = below.low * inverse;
      row.high[d] = -above.high * inverse;
      row.constant += (below.constant - above.constant) * inverse;
    }
    visit(row);
  });
}

namespace detail {

/// The neighbour of an unknown, counted from 0 in its decomposition; wraps around.
template <int Dim>
Index<Dim> neighbour(const ControlVolumes<Dim>& v, const Index<Dim>& local, int d, int by) {
  Index<Dim> g = v.global(local);
  g[d] += by;
  for (int e = 0; e < Dim; ++e) g[e] -= v.line(e).first();
  const int n = v.line(d).last() - v.line(d).first();
  g[d] = (g[d] + n) % n;
  return g;
}

void add_values(Mat matrix, PetscInt row, int count, const PetscInt* columns, const double* values);
petsc::Handle<Mat> start_matrix(const Communicator& comm, std::int64_t local_rows, int row_length);
void finish_matrix(Mat matrix);

}  // namespace detail

template <int Dim, class Law>
petsc::Handle<Mat> assemble(const Flux<Dim, Law>& flux, double shift, double scale) {
  static_assert(!Law::limited, "a limited law is not linear; assemble its upwind part instead");
  const ControlVolumes<Dim>& v = flux.volumes();
  const Numbering<Dim> number(v.unknowns());
  petsc::Handle<Mat> matrix = detail::start_matrix(v.comm(), v.box().size(), 2 * Dim + 1);
  for_each_row_of(flux, [&](const Row<Dim>& row) {
    std::array<PetscInt, 2 * Dim + 1> columns{number(detail::neighbour<Dim>(v, row.index, 0, 0))};
    std::array<double, 2 * Dim + 1> values{shift - scale * row.diagonal};
    int n = 1;
    for (int d = 0; d < Dim; ++d)
      for (const int by : {-1, 1}) {
        const double value = by < 0 ? row.low[d] : row.high[d];
        if (value == 0.0) continue;
        columns[n] = number(detail::neighbour<Dim>(v, row.index, d, by));
        values[n++] = -scale * value;
      }
    detail::add_values(matrix, columns[0], n, columns.data(), values.data());
  });
  detail::finish_matrix(matrix);
  return matrix;
}

template <int Dim, class Law>
void face_conductances(const Flux<Dim, Law>& flux, double shift, double scale, FaceConductances<Dim>& op) {
  static_assert(Law::symmetric, "conductances stand for a symmetric law");
  const ControlVolumes<Dim>& v = flux.volumes();
  for (int d = 0; d < Dim; ++d) {
    Box<Dim> faces = v.box();
    faces.end[d] += 1;
    op.conductance[d].clear();
    if (v.box().empty()) {  // a rank without unknowns may have a layer of faces all the same, which join nothing
      op.conductance[d].assign(faces.empty() ? 0 : faces.size(), 0.0);
      continue;
    }
    op.conductance[d].reserve(faces.size());
    for_each<Dim>(faces, [&](const Index<Dim>& i) {
      const LinearFlux f = flux.face(d, i);
      // Inside, low = -high; on a boundary only the weight of the point inside is left, and the other is zero.
      op.conductance[d].push_back(scale * v.area(d, i) * (f.low != 0.0 ? f.low : -f.high));
    });
  }
  op.shift.clear();
  if (shift == 0.0) return;
  op.shift.reserve(v.box().size());
  for_each<Dim>(v.box(), [&](const Index<Dim>& i) { op.shift.push_back(shift * v.volume(i)); });
}

template <int Dim, class Law>
FaceConductances<Dim> face_conductances(const Flux<Dim, Law>& flux, double shift, double scale) {
  FaceConductances<Dim> op;
  face_conductances(flux, shift, scale, op);
  return op;
}

}  // namespace kolmo::transport
