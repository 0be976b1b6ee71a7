// Boundary values and ghosts of the velocity plane by plane along the last direction, for sweeps that leave them fresh
// as they go: the planes are still in the cache. Only where the other directions are whole on every rank.
#include <algorithm>
#include <cstring>

#include "kolmo/flow/boundary.hpp"

namespace kolmo::flow {

namespace {

/// The part of a box on the planes [begin, end) of the last direction.
template <int Dim>
Box<Dim> on_planes(Box<Dim> box, int begin, int end) {
  box.begin[Dim - 1] = std::max(box.begin[Dim - 1], begin);
  box.end[Dim - 1] = std::min(box.end[Dim - 1], end);
  return box;
}

/// The values, packed over `whole`, from the first plane of `part` on.
template <int Dim>
const double* values_from(const std::vector<double>& values, const Box<Dim>& whole, const Box<Dim>& part) {
  const std::int64_t plane = whole.size() / whole.extent(Dim - 1);
  return values.data() + plane * (part.begin[Dim - 1] - whole.begin[Dim - 1]);
}

}  // namespace

template <int Dim>
bool VelocityBoundary<Dim>::plain() const {
  for (int d = 0; d + 1 < Dim; ++d)
    if (domain_.decomposition.cut(d)) return false;
  return !velocity_varies_ && !has(BoundaryType::inlet) && !has(BoundaryType::outflow) && !has_pressure_faces();
}

template <int Dim>
void VelocityBoundary<Dim>::set_normal_planes(Velocity<Dim>& velocity, int begin, int end) const {
  for (const Slab& slab : given_) {
    if (slab.component != slab.d) continue;
    const Box<Dim> part = on_planes<Dim>(slab.box, begin, end);
    if (!part.empty()) unpack<Dim>(values_from<Dim>(slab.values, slab.box, part), part, velocity[slab.d]);
  }
  for (int d = 0; d + 1 < Dim; ++d) {
    if (!domain_.grid.axis(d).periodic()) continue;
    Box<Dim> box = on_planes<Dim>(domain_.layout.interior(), begin, end);
    box.end[d] = 1;
    wrap(velocity[d], d, box, domain_.extent()[d]);
  }
}

// Copies a box to where it lies `shift` further along direction d.
template <int Dim>
void VelocityBoundary<Dim>::wrap(Field<Dim>& field, int d, const Box<Dim>& box, int shift) const {
  const std::ptrdiff_t to = shift * domain_.layout.stride(d);
  const int n = box.extent(0);
  for_each_row<Dim>(box, [&](const Index<Dim>& i) {
    double* row = field.origin() + domain_.layout.offset(i);
    if (n == 1)
      row[to] = row[0];
    else
      std::memcpy(row + to, row, n * sizeof(double));
  });
}

template <int Dim>
void VelocityBoundary<Dim>::wrap_planes(Velocity<Dim>& velocity, int begin, int end) const {
  Box<Dim> box;  // with the ghosts of walls, and of the periodic directions treated before
  for (int d = 0; d < Dim; ++d) {
    const bool wall = !domain_.grid.axis(d).periodic();
    box.begin[d] = wall ? -1 : 0;
    box.end[d] = domain_.extent()[d] + (wall ? 1 : 0);
  }
  box.begin[Dim - 1] = begin;
  box.end[Dim - 1] = end;
  for (int d = 0; d + 1 < Dim; ++d) {
    if (!domain_.grid.axis(d).periodic()) continue;
    const int n = domain_.extent()[d];
    Box<Dim> low = box, high = box;
    low.end[d] = 1;
    high.begin[d] = n - 1;
    for (Field<Dim>& field : velocity) {
      wrap(field, d, low, n);
      wrap(field, d, high, -n);
    }
    box.begin[d] = -1;
    box.end[d] = n + 1;
  }
}

template <int Dim>
void VelocityBoundary<Dim>::fill_planes(Velocity<Dim>& velocity, int begin, int end) const {
  for (int d = 0; d + 1 < Dim; ++d)
    for (Side side : both_sides)
      if (domain_.at_boundary(d, side)) fill_ghosts(velocity, d, side, begin, end);
  wrap_planes(velocity, begin, end);
}

template <int Dim>
void VelocityBoundary<Dim>::fill_ends(Velocity<Dim>& velocity) const {
  const int n = domain_.extent()[Dim - 1];
  for (int d = 0; d + 1 < Dim; ++d)  // of the normal component on the last face
    for (Side side : both_sides)
      if (domain_.at_boundary(d, side)) fill_ghosts(velocity, d, side, n, n + 1);
  for (Side side : both_sides)
    if (domain_.at_boundary(Dim - 1, side)) fill_ghosts(velocity, Dim - 1, side, -1, n + 1);
  wrap_planes(velocity, -1, 0);
  wrap_planes(velocity, n, n + 1);
}

// Ghosts of the tangential components at one face of the domain, on the planes [begin, end) of the last direction.
template <int Dim>
void VelocityBoundary<Dim>::fill_ghosts(Velocity<Dim>& velocity, int d, Side side, int begin, int end) const {
  const std::ptrdiff_t inside = (side == Side::low ? 1 : -1) * domain_.layout.stride(d);
  const BoundaryType kind = type(d, side);
  if (kind == BoundaryType::no_slip || kind == BoundaryType::inlet) {
    for (const Slab& slab : given_) {
      if (slab.d != d || slab.side != side || slab.component == d) continue;
      const Box<Dim> part = on_planes<Dim>(slab.box, begin, end);
      if (part.empty()) continue;
      double* q = velocity[slab.component].origin();
      const double* value = values_from<Dim>(slab.values, slab.box, part);
      for_each_row<Dim>(part, [&](const Index<Dim>& i) {
        double* row = q + domain_.layout.offset(i);
        for (int x = 0; x < part.extent(0); ++x) row[x] = 2.0 * *value++ - row[x + inside];
      });
    }
  } else if (kind == BoundaryType::free_slip || kind == BoundaryType::pressure) {
    for (int c = 0; c < Dim; ++c) {
      if (c == d) continue;
      const Box<Dim> part = on_planes<Dim>(ghost_box(c, d, side), begin, end);
      for_each_row<Dim>(part, [&](const Index<Dim>& i) {
        double* row = velocity[c].origin() + domain_.layout.offset(i);
        for (int x = 0; x < part.extent(0); ++x) row[x] = row[x + inside];
      });
    }
  }
}

#define KOLMO_INSTANTIATE(Dim)                                                            \
  template bool VelocityBoundary<Dim>::plain() const;                                     \
  template void VelocityBoundary<Dim>::set_normal_planes(Velocity<Dim>&, int, int) const; \
  template void VelocityBoundary<Dim>::fill_planes(Velocity<Dim>&, int, int) const;       \
  template void VelocityBoundary<Dim>::fill_ends(Velocity<Dim>&) const;                   \
  template void VelocityBoundary<Dim>::fill_ghosts(Velocity<Dim>&, int, Side, int, int) const;
KOLMO_INSTANTIATE(2)
KOLMO_INSTANTIATE(3)
#undef KOLMO_INSTANTIATE

}  // namespace kolmo::flow
