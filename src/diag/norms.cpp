#include "kolmo/diag/norms.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kolmo/base/error.hpp"

namespace kolmo::diag {

template <int Dim>
double weight(const Grid<Dim>& grid, Location location, int d, int i) {
  const Axis& axis = grid.axis(d);
  if (location.direction != d) return axis.width(i);
  if (axis.periodic()) return 0.5 * (axis.width(i - 1) + axis.width(i));
  return 0.5 * ((i > 0 ? axis.width(i - 1) : 0.0) + (i < axis.cells() ? axis.width(i) : 0.0));
}

template <int Dim>
Box<Dim> answered_box(const Decomposition<Dim>& decomposition, Location location) {
  Box<Dim> box;
  box.end = decomposition.extent();
  const int d = location.direction;
  if (d >= 0 && decomposition.at_boundary(d, Side::high)) ++box.end[d];
  return box;
}

namespace {

template <int Dim, class Error>
Norms norms_of(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition, Location location, Gauge gauge,
               Error&& error) {
  const Communicator& comm = decomposition.comm();
  const Box<Dim> box = answered_box<Dim>(decomposition, location);
  std::vector<double> errors, volumes;
  errors.reserve(static_cast<std::size_t>(box.size()));
  volumes.reserve(errors.capacity());
  double sums[2] = {0.0, 0.0};
  for_each<Dim>(box, [&](const Index<Dim>& local) {
    Index<Dim> global = local;
    double volume = 1.0;
    for (int d = 0; d < Dim; ++d) {
      global[d] += decomposition.owned().begin[d];
      volume *= weight<Dim>(grid, location, d, global[d]);
    }
    errors.push_back(error(local, global));
    volumes.push_back(volume);
    sums[0] += volume;
    sums[1] += volume * errors.back();
  });
  comm.sum(sums, 2);
  Norms norms;
  norms.mean = sums[1] / sums[0];
  const double shift = gauge == Gauge::mean_free ? norms.mean : 0.0;
  double powers[2] = {0.0, 0.0}, largest = 0.0;
  for (std::size_t k = 0; k < errors.size(); ++k) {
    const double e = errors[k] - shift;
    powers[0] += volumes[k] * std::abs(e);
    powers[1] += volumes[k] * e * e;
    // Written so that a NaN is kept.
    if (!(std::abs(e) <= largest)) largest = std::abs(e);
  }
  comm.sum(powers, 2);
  norms.l1 = powers[0] / sums[0];
  norms.l2 = std::sqrt(powers[1] / sums[0]);
  // MPI_MAX may drop a NaN; the sums do not.
  norms.linf = std::isnan(norms.l1) ? norms.l1 : comm.max(largest);
  return norms;
}

template <int Dim>
void require_room(const Decomposition<Dim>& decomposition, const Field<Dim>& field) {
  const Box<Dim> box = answered_box<Dim>(decomposition, field.location()), room = field.layout().padded();
  for (int d = 0; d < Dim; ++d)
    if (box.end[d] > room.end[d]) throw InternalError("a field on faces needs a ghost at its high end");
}

}  // namespace

template <int Dim>
Norms error_norms(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition, const Field<Dim>& field,
                  const std::function<double(const Point<Dim>&)>& exact, Gauge gauge) {
  require_room(decomposition, field);
  const Location location = field.location();
  return norms_of<Dim>(grid, decomposition, location, gauge, [&](const Index<Dim>& local, const Index<Dim>& global) {
    return field(local) - exact(grid.point(global, location));
  });
}

template <int Dim>
Norms field_norms(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition, const Field<Dim>& field,
                  Gauge gauge) {
  require_room(decomposition, field);
  return norms_of<Dim>(grid, decomposition, field.location(), gauge,
                       [&](const Index<Dim>& local, const Index<Dim>&) { return field(local); });
}

#define KOLMO_INSTANTIATE(Dim)                                                                    \
  template double weight<Dim>(const Grid<Dim>&, Location, int, int);                              \
  template Box<Dim> answered_box<Dim>(const Decomposition<Dim>&, Location);                       \
  template Norms error_norms<Dim>(const Grid<Dim>&, const Decomposition<Dim>&, const Field<Dim>&, \
                                  const std::function<double(const Point<Dim>&)>&, Gauge);        \
  template Norms field_norms<Dim>(const Grid<Dim>&, const Decomposition<Dim>&, const Field<Dim>&, Gauge);
KOLMO_INSTANTIATE(1)
KOLMO_INSTANTIATE(2)
KOLMO_INSTANTIATE(3)
#undef KOLMO_INSTANTIATE

}  // namespace kolmo::diag
