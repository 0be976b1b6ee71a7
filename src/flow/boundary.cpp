#include "kolmo/flow/boundary.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace kolmo::flow {

namespace {

bool gives_velocity(BoundaryType type) { return type == BoundaryType::no_slip || type == BoundaryType::inlet; }

// Local index of the face, the ghost cell and the cell inside, in direction d.
int face_index(int n, Side side) { return side == Side::low ? 0 : n; }
int ghost_index(int n, Side side) { return side == Side::low ? -1 : n; }
int inside_index(int n, Side side) { return side == Side::low ? 0 : n - 1; }

double outwards(Side side) { return side == Side::low ? -1.0 : 1.0; }

}  // namespace

template <int Dim>
VelocityBoundary<Dim>::VelocityBoundary(const Settings& settings, const Domain<Dim>& domain)
    : domain_(domain), density_(settings.fluid.density) {
  std::copy_n(settings.boundary.begin(), 2 * Dim, settings_.begin());
  double areas[2] = {0.0, 0.0};
  for (int d = 0; d < Dim; ++d)
    for (Side side : both_sides) {
      const BoundarySettings& face = settings_[2 * d + static_cast<int>(side)];
      if (!domain.at_boundary(d, side)) continue;
      for_each<Dim>(normal_box(d, side), [&](const Index<Dim>& i) {
        if (face.type == BoundaryType::inlet) areas[0] += area_weight(d, i);
        if (face.type == BoundaryType::outflow) areas[1] += area_weight(d, i);
      });
      for (int c = 0; c < Dim; ++c) {
        const Box<Dim> box = c == d ? normal_box(d, side) : ghost_box(c, d, side);
        Slab slab{d, side, c, box, std::vector<double>(static_cast<std::size_t>(box.size()), 0.0), {}, false};
        if (gives_velocity(face.type) || (face.type == BoundaryType::free_slip && c == d)) {
          slab.varies = gives_velocity(face.type) && face.velocity[c].depends_on_time();
          given_.push_back(slab);
        } else if (face.type == BoundaryType::outflow) {
          outflow_.push_back(slab);
        } else if (face.type == BoundaryType::pressure && c == d) {
          slab.varies = face.pressure.depends_on_time();
          pressure_.push_back(slab);
        }
      }
    }
  for (const BoundarySettings& face : settings_)
    for (int c = 0; c < Dim; ++c) velocity_varies_ = velocity_varies_ || face.velocity[c].depends_on_time();
  domain.comm().sum(areas, 2);
  inlet_area_ = areas[0];
  outflow_area_ = areas[1];
}

template <int Dim>
bool VelocityBoundary<Dim>::has(BoundaryType type) const {
  return std::any_of(settings_.begin(), settings_.end(),
                     [&](const BoundarySettings& face) { return face.type == type; });
}

// Area of the domain face at index i, direction d left out.
template <int Dim>
double VelocityBoundary<Dim>::area_weight(int d, const Index<Dim>& i) const {
  double area = 1.0;
  for (int e = 0; e < Dim; ++e)
    if (e != d) area *= domain_.grid.axis(e).width(i[e] + domain_.origin()[e]);
  return area;
}

template <int Dim>
Box<Dim> VelocityBoundary<Dim>::normal_box(int d, Side side) const {
  Box<Dim> box = domain_.layout.interior();
  box.begin[d] = face_index(domain_.extent()[d], side);
  box.end[d] = box.begin[d] + 1;
  return box;
}

// Ghosts of a tangential component. Directions treated before (e < d) bring their ghosts along, so that corners are
// filled; the faces on the boundary of the component's own direction belong to it too.
template <int Dim>
Box<Dim> VelocityBoundary<Dim>::ghost_box(int c, int d, Side side) const {
  Box<Dim> box = domain_.layout.interior();
  for (int e = 0; e < Dim; ++e) {
    if (e < d && domain_.at_boundary(e, Side::low)) box.begin[e] -= 1;
    if ((e < d || e == c) && domain_.at_boundary(e, Side::high)) box.end[e] += 1;
  }
  box.begin[d] = ghost_index(domain_.extent()[d], side);
  box.end[d] = box.begin[d] + 1;
  return box;
}

template <int Dim>
void VelocityBoundary<Dim>::evaluate(Slab& slab, double t) const {
  const BoundarySettings& face = settings_[2 * slab.d + static_cast<int>(slab.side)];
  const Expression& value = face.velocity[slab.component];
  std::size_t at = 0;
  if (value.constant() || face.type == BoundaryType::free_slip) {
    std::fill(slab.values.begin(), slab.values.end(), face.type == BoundaryType::free_slip ? 0.0 : value.value());
    return;
  }
  const double wall = slab.side == Side::low ? domain_.grid.axis(slab.d).from() : domain_.grid.axis(slab.d).to();
  for_each<Dim>(slab.box, [&](const Index<Dim>& i) {
    auto x = coordinates<Dim>(domain_.point(i, Location::faces(slab.component)));
    x[slab.d] = wall;
    slab.values[at++] = value(x[0], x[1], x[2], t);
  });
}

template <int Dim>
void VelocityBoundary<Dim>::set_time(double t) {
  for (Slab& slab : given_)
    if (!evaluated_ || slab.varies) evaluate(slab, t);
  if (!evaluated_ || velocity_varies_) balance_inlets();
  evaluated_ = true;
}

template <int Dim>
void VelocityBoundary<Dim>::set_rate(double t, double h, double start) {
  using Weights = std::array<std::pair<double, double>, 5>;
  const bool central = t - 2.0 * h >= start;
  const Weights weights = central ? Weights{{{-2.0, 1.0}, {-1.0, -8.0}, {0.0, 0.0}, {1.0, 8.0}, {2.0, -1.0}}}
                                  : Weights{{{0.0, -25.0}, {1.0, 48.0}, {2.0, -36.0}, {3.0, 16.0}, {4.0, -3.0}}};
  for (Slab& slab : given_) {
    if (!slab.varies) {
      std::fill(slab.values.begin(), slab.values.end(), 0.0);
      continue;
    }
    std::vector<double> sum(slab.values.size(), 0.0);
    for (const auto& [at, weight] : weights) {
      if (weight == 0.0) continue;
      evaluate(slab, t + at * h);
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += weight * slab.values[i];
    }
    for (std::size_t i = 0; i < sum.size(); ++i) slab.values[i] = sum[i] / (12.0 * h);
  }
  evaluated_ = false;  // every value is to be made again by set_time
  balance_inlets();
}

template <int Dim>
void VelocityBoundary<Dim>::balance_inlets() {
  if (inlet_area_ == 0.0 || outflow_area_ > 0.0 || has_pressure_faces()) return;
  double net = 0.0;
  for (Slab& slab : given_) {
    if (slab.component != slab.d || type(slab.d, slab.side) != BoundaryType::inlet) continue;
    if (slab.raw.empty() || slab.varies || !evaluated_) slab.raw = slab.values;
    std::size_t at = 0;
    for_each<Dim>(slab.box,
                  [&](const Index<Dim>& i) { net += outwards(slab.side) * slab.raw[at++] * area_weight(slab.d, i); });
  }
  const double correction = -domain_.comm().sum(net) / inlet_area_;
  for (Slab& slab : given_)
    for (std::size_t i = 0; i < slab.raw.size(); ++i) slab.values[i] = slab.raw[i] + correction * outwards(slab.side);
}

template <int Dim>
void VelocityBoundary<Dim>::apply(Velocity<Dim>& velocity) const {
  for (const Slab& slab : given_)
    if (slab.component == slab.d) unpack<Dim>(slab.values.data(), slab.box, velocity[slab.component]);
  balance_outflow(velocity);
  refresh(velocity);
}

template <int Dim>
void VelocityBoundary<Dim>::refresh(Velocity<Dim>& velocity) const {
  for (int d = 0; d < Dim; ++d)
    for (Side side : both_sides)
      if (domain_.at_boundary(d, side)) {
        fill_ghosts(velocity, d, side, -1, domain_.extent()[Dim - 1] + 1);
        if (normal_unknown(d, side)) continue_normal(velocity[d], d, side);
      }
  domain_.exchange(velocity);
}

// The derivative at the face from the value there (v, at 0), the first unknown (q0, at a) and the second (q1, at b):
// q0 - ghost over 2a for the straight line, and what the parabola through all three adds to it.
template <int Dim>
void VelocityBoundary<Dim>::add_inlet_bending(const Velocity<Dim>& in, Velocity<Dim>& out, double k,
                                              const Field<Dim>* viscosity) const {
  for (const Slab& slab : given_) {
    const int d = slab.d, c = slab.component;
    const Axis& axis = domain_.grid.axis(d);
    const int n = axis.cells();
    if (c == d || n < 2 || type(d, slab.side) != BoundaryType::inlet) continue;
    const double first = slab.side == Side::low ? axis.width(0) : axis.width(n - 1);
    const double second = slab.side == Side::low ? axis.width(1) : axis.width(n - 2);
    const double a = 0.5 * first, b = first + 0.5 * second;
    const std::ptrdiff_t inside = (slab.side == Side::low ? 1 : -1) * domain_.layout.stride(d);
    const std::ptrdiff_t back = domain_.layout.stride(c);
    for_each<Dim>(slab.box, [&](const Index<Dim>& i) {
      const std::ptrdiff_t o = domain_.layout.offset(i) + inside;
      const double* q = in[c].origin() + o;
      const double value = 0.5 * (q[0] + q[-inside]);
      const double curvature = 2.0 * ((q[inside] - value) / b - (q[0] - value) / a) / (b - a);
      double factor = k;
      if (viscosity) {  // at the edge on the boundary: the mean of the four cells around it
        const double* nu = viscosity->origin() + o;
        factor *= 0.25 * (nu[0] + nu[-back] + nu[-inside] + nu[-inside - back]);
      }
      out[c].origin()[o] += 0.5 * factor * curvature * a / first;
    });
  }
}

// Beyond an unknown face the normal component continues.
template <int Dim>
void VelocityBoundary<Dim>::continue_normal(Field<Dim>& component, int d, Side side) const {
  const std::ptrdiff_t inside = (side == Side::low ? 1 : -1) * domain_.layout.stride(d);
  Box<Dim> box = normal_box(d, side);
  box.begin[d] += side == Side::low ? -1 : 1;
  box.end[d] = box.begin[d] + 1;
  for_each<Dim>(box, [&](const Index<Dim>& i) {
    double* at = component.origin() + domain_.layout.offset(i);
    *at = at[inside];
  });
}

template <int Dim>
Box<Dim> VelocityBoundary<Dim>::unknowns(int c) const {
  Box<Dim> box = domain_.layout.interior();
  if (domain_.at_boundary(c, Side::low) && !normal_unknown(c, Side::low)) box.begin[c] = 1;
  if (domain_.at_boundary(c, Side::high) && normal_unknown(c, Side::high)) box.end[c] += 1;
  return box;
}

template <int Dim>
void VelocityBoundary<Dim>::start_outflow(Velocity<Dim>& velocity) const {
  for (const Slab& slab : outflow_) {
    if (slab.component == slab.d) continue;
    const std::ptrdiff_t inside = (slab.side == Side::low ? 1 : -1) * domain_.layout.stride(slab.d);
    for_each<Dim>(slab.box, [&](const Index<Dim>& i) {
      double* q = velocity[slab.component].origin() + domain_.layout.offset(i);
      q[0] = q[inside];
    });
  }
}

template <int Dim>
std::array<double, 2 * Dim> VelocityBoundary<Dim>::outflow_speeds(const Velocity<Dim>& velocity) const {
  std::array<double, 4 * Dim> sums{};  // flux and area of every outflow face
  for (const Slab& slab : outflow_) {
    if (slab.component != slab.d) continue;
    const int face = 2 * slab.d + static_cast<int>(slab.side);
    for_each<Dim>(slab.box, [&](const Index<Dim>& i) {
      sums[face] += outwards(slab.side) * velocity[slab.d](i) * area_weight(slab.d, i);
      sums[2 * Dim + face] += area_weight(slab.d, i);
    });
  }
  domain_.comm().sum(sums.data(), 4 * Dim);
  std::array<double, 2 * Dim> speed{};
  for (int face = 0; face < 2 * Dim; ++face)
    if (sums[2 * Dim + face] > 0.0) speed[face] = std::max(0.0, sums[face] / sums[2 * Dim + face]);
  return speed;
}

template <int Dim>
void VelocityBoundary<Dim>::advance_outflow(double w0, const Velocity<Dim>& base0, double w1,
                                            const Velocity<Dim>* base1, double k, const Velocity<Dim>& in) {
  if (outflow_area_ == 0.0) return;
  const auto speed = outflow_speeds(in);
  for (Slab& slab : outflow_) {
    const int c = slab.component, d = slab.d;
    const Axis& axis = domain_.grid.axis(d);
    const int edge = slab.side == Side::low ? 0 : axis.cells();
    const double distance = c == d ? axis.width(slab.side == Side::low ? 0 : edge - 1) : axis.distance(edge);
    const double rate = k * speed[2 * d + static_cast<int>(slab.side)] / distance;
    const std::ptrdiff_t inside = (slab.side == Side::low ? 1 : -1) * domain_.layout.stride(d);
    std::size_t at = 0;
    for_each<Dim>(slab.box, [&](const Index<Dim>& i) {
      const std::ptrdiff_t o = domain_.layout.offset(i);
      const double* q = in[c].origin() + o;
      double value = w0 * base0[c].origin()[o] - rate * (q[0] - q[inside]);
      if (base1) value += w1 * (*base1)[c].origin()[o];
      slab.values[at++] = value;
    });
  }
}

template <int Dim>
void VelocityBoundary<Dim>::store_outflow(Velocity<Dim>& out) const {
  for (const Slab& slab : outflow_) unpack<Dim>(slab.values.data(), slab.box, out[slab.component]);
}

template <int Dim>
void VelocityBoundary<Dim>::balance_outflow(Velocity<Dim>& velocity) const {
  if (outflow_area_ == 0.0 || has_pressure_faces()) return;
  const auto flux = fluxes(velocity);
  double net = 0.0;
  for (double f : flux) net += f;
  for (const Slab& slab : outflow_) {
    if (slab.component != slab.d) continue;
    const double change = -outwards(slab.side) * net / outflow_area_;
    for_each<Dim>(slab.box, [&](const Index<Dim>& i) { velocity[slab.d](i) += change; });
  }
}

template <int Dim>
double VelocityBoundary<Dim>::max_given_rate() const {
  double largest = 0.0;
  for (const Slab& slab : given_) {
    const Axis& axis = domain_.grid.axis(slab.component);
    std::size_t at = 0;
    for_each<Dim>(slab.box, [&](const Index<Dim>& i) {
      largest = std::max(
          largest, std::abs(slab.values[at++]) / axis.width(i[slab.component] + domain_.origin()[slab.component]));
    });
  }
  return largest;
}

template <int Dim>
std::array<double, 2 * Dim> VelocityBoundary<Dim>::fluxes(const Velocity<Dim>& velocity) const {
  std::array<double, 2 * Dim> flux{};
  for (int d = 0; d < Dim; ++d)
    for (Side side : both_sides)
      if (domain_.at_boundary(d, side))
        for_each<Dim>(normal_box(d, side), [&](const Index<Dim>& i) {
          flux[2 * d + static_cast<int>(side)] += outwards(side) * velocity[d](i) * area_weight(d, i);
        });
  domain_.comm().sum(flux.data(), 2 * Dim);
  return flux;
}

template <int Dim>
void VelocityBoundary<Dim>::set_pressure(std::initializer_list<std::pair<double, double>> weights_and_times) {
  for (Slab& slab : pressure_) {
    const Expression& value = settings_[2 * slab.d + static_cast<int>(slab.side)].pressure;
    const double wall = slab.side == Side::low ? domain_.grid.axis(slab.d).from() : domain_.grid.axis(slab.d).to();
    std::fill(slab.values.begin(), slab.values.end(), 0.0);
    for (const auto& [weight, t] : weights_and_times) {
      std::size_t at = 0;
      for_each<Dim>(slab.box, [&](const Index<Dim>& i) {
        auto x = coordinates<Dim>(domain_.point(i, Location::cells()));
        x[slab.d] = wall;
        slab.values[at++] += weight * value(x[0], x[1], x[2], t) / density_;
      });
    }
  }
}

template <int Dim>
void VelocityBoundary<Dim>::apply_pressure(Field<Dim>& pressure) const {
  for (int d = 0; d < Dim; ++d)
    for (Side side : both_sides) {
      if (!domain_.at_boundary(d, side)) continue;
      const std::ptrdiff_t inside = (side == Side::low ? 1 : -1) * domain_.layout.stride(d);
      Box<Dim> box = domain_.layout.interior();
      for (int e = 0; e < d; ++e) {  // corners too
        if (domain_.at_boundary(e, Side::low)) box.begin[e] -= 1;
        if (domain_.at_boundary(e, Side::high)) box.end[e] += 1;
      }
      box.begin[d] = ghost_index(domain_.extent()[d], side);
      box.end[d] = box.begin[d] + 1;
      for_each<Dim>(box, [&](const Index<Dim>& i) {
        double* at = pressure.origin() + domain_.layout.offset(i);
        *at = at[inside];
      });
    }
  set_pressure_ghosts(pressure);
  domain_.exchange(pressure);
}

template <int Dim>
void VelocityBoundary<Dim>::set_pressure_ghosts(Field<Dim>& pressure) const {
  for (const Slab& slab : pressure_) {
    const int shift = slab.side == Side::low ? -1 : 0;  // from the face to the ghost cell
    const std::ptrdiff_t inside = (slab.side == Side::low ? 1 : -1) * domain_.layout.stride(slab.d);
    std::size_t value = 0;
    for_each<Dim>(slab.box, [&](Index<Dim> i) {
      i[slab.d] += shift;
      double* at = pressure.origin() + domain_.layout.offset(i);
      *at = 2.0 * slab.values[value++] - at[inside];
    });
  }
}

template <int Dim>
void VelocityBoundary<Dim>::add_pressure_source(double* b) const {
  const Index<Dim>& n = domain_.extent();
  for (const Slab& slab : pressure_) {
    const Axis& axis = domain_.grid.axis(slab.d);
    const double conductance = 2.0 / axis.width(slab.side == Side::low ? 0 : axis.cells() - 1);
    std::size_t value = 0;
    for_each<Dim>(slab.box, [&](Index<Dim> i) {
      i[slab.d] = inside_index(n[slab.d], slab.side);
      std::ptrdiff_t at = 0;
      for (int d = Dim - 1; d >= 0; --d) at = at * n[d] + i[d];
      b[at] += conductance * area_weight(slab.d, i) * slab.values[value++];
    });
  }
}

template class VelocityBoundary<2>;
template class VelocityBoundary<3>;

}  // namespace kolmo::flow
