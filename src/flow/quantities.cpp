#include "kolmo/flow/quantities.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace kolmo::flow {

namespace {

enum Sum { energy, dissipation, enstrophy, helicity, bulk };  // bulk: the first of Dim

/// A metric along direction D seen from a row along x: varies within the row only where D is x.
template <int D>
double along(const double* metric, int x) {
  return D == 0 ? metric[x] : metric[0];
}

template <int Dim, class Body>
void unrolled(Body&& body) {
  [&]<std::size_t... I>(std::index_sequence<I...>) { (body(std::integral_constant<int, static_cast<int>(I)>{}), ...); }
  (std::make_index_sequence<Dim>{});
}

/// du_b/dx_a - du_a/dx_b at the edge (nodes of a and b) with offset o in fields of one layout.
struct Curl {
  const double *a, *b;            // components along a and b
  std::ptrdiff_t step_a, step_b;  // strides of the directions
  double inverse_a, inverse_b;    // inverse distances at the edge
  double operator()(std::ptrdiff_t o) const {
    return (b[o] - b[o - step_a]) * inverse_a - (a[o] - a[o - step_b]) * inverse_b;
  }
};

}  // namespace

template <int Dim>
Integrator<Dim>::Integrator(const Domain<Dim>& domain) : domain_(domain) {
  for (int d = 0; d < Dim; ++d) {
    const Axis& axis = domain.grid.axis(d);
    for (int i = -1; i <= domain.extent()[d] + 1; ++i) {
      const int g = domain.origin()[d] + i;
      const bool end = !axis.periodic() && (g == 0 || g == axis.cells());
      width_[d].push_back(axis.width(g));
      dual_[d].push_back((end ? 0.5 : 1.0) * axis.distance(g));
      inverse_width_[d].push_back(1.0 / axis.width(g));
      inverse_distance_[d].push_back(1.0 / axis.distance(g));
    }
  }
}

// Edges at the nodes of A and B: shear and vorticity.
template <int Dim>
template <int A, int B>
void Integrator<Dim>::add_plane(const Velocity<Dim>& u, const Viscosity<Dim>& viscosity, double* sums,
                                double& largest) const {
  const Layout<Dim>& layout = domain_.layout;
  Box<Dim> box = layout.interior();
  for (int d : {A, B})
    if (domain_.at_boundary(d, Side::high)) ++box.end[d];
  const std::ptrdiff_t sa = layout.stride(A), sb = layout.stride(B);
  for_each_row<Dim>(box, [&](const Index<Dim>& i) {
    const std::ptrdiff_t o = layout.offset(i);
    const double *a = u[A].origin() + o, *b = u[B].origin() + o;
    const double* n = viscosity.field ? viscosity.field->origin() + o : nullptr;
    std::array<const double*, Dim> weight;
    for (int d = 0; d < Dim; ++d) weight[d] = (d == A || d == B ? dual_ : width_)[d].data() + 1 + i[d];
    const double* inverse_a = inverse_distance_[A].data() + 1 + i[A];
    const double* inverse_b = inverse_distance_[B].data() + 1 + i[B];
    double row_dissipation = 0.0, row_enstrophy = 0.0, row_largest = 0.0;
    for (int x = 0; x < box.extent(0); ++x) {
      double w = weight[0][x];
      for (int d = 1; d < Dim; ++d) w *= weight[d][0];
      const double ba = (b[x] - b[x - sa]) * along<A>(inverse_a, x), ab = (a[x] - a[x - sb]) * along<B>(inverse_b, x);
      const double omega = ba - ab;
      row_enstrophy += 0.5 * w * omega * omega;
      row_dissipation += n ? 0.25 * w * (n[x] + n[x - sa] + n[x - sb] + n[x - sa - sb]) * (ab + ba) * (ab + ba)
                           : w * viscosity.nu * (ab * ab + ba * ba);
      if (!(std::abs(omega) <= row_largest)) row_largest = std::abs(omega);
    }
    sums[dissipation] += row_dissipation;
    sums[enstrophy] += row_enstrophy;
    if (Dim == 2 && !(row_largest <= largest)) largest = row_largest;
  });
}

// Faces: energy and bulk velocity. Cells: normal strain.
template <int Dim>
void Integrator<Dim>::add_cells(const Velocity<Dim>& u, const Viscosity<Dim>& viscosity, double* sums) const {
  const Layout<Dim>& layout = domain_.layout;
  for (int c = 0; c < Dim; ++c) {
    Box<Dim> box = layout.interior();
    if (domain_.at_boundary(c, Side::high)) ++box.end[c];
    for_each_row<Dim>(box, [&](const Index<Dim>& i) {
      const double* q = u[c].origin() + layout.offset(i);
      const double* along_x = (c == 0 ? dual_ : width_)[0].data() + 1 + i[0];
      double across = 1.0, first = 0.0, second = 0.0;
      for (int d = 1; d < Dim; ++d) across *= (c == d ? dual_ : width_)[d][1 + i[d]];
      for (int x = 0; x < box.extent(0); ++x) {
        first += along_x[x] * q[x];
        second += along_x[x] * q[x] * q[x];
      }
      sums[bulk + c] += across * first;
      sums[energy] += 0.5 * across * second;
    });
    const std::ptrdiff_t s = layout.stride(c);
    for_each_row<Dim>(layout.interior(), [&](const Index<Dim>& i) {
      const std::ptrdiff_t o = layout.offset(i);
      const double* q = u[c].origin() + o;
      const double* n = viscosity.field ? viscosity.field->origin() + o : nullptr;
      double across = 1.0, row = 0.0;
      for (int d = 1; d < Dim; ++d) across *= width_[d][1 + i[d]];
      for (int x = 0; x < domain_.extent()[0]; ++x) {
        const double gradient = (q[x + s] - q[x]) * inverse_width_[c][1 + i[c] + (c == 0 ? x : 0)];
        row += width_[0][1 + x] * (n ? 2.0 * n[x] : viscosity.nu) * gradient * gradient;
      }
      sums[dissipation] += across * row;
    });
  }
}

template <int Dim>
void Integrator<Dim>::vorticity(const Velocity<Dim>& u, std::span<Field<Dim>> omega) const {
  const Layout<Dim>& layout = domain_.layout;
  for (int c = 0; c < vorticity_components; ++c) {
    const int a = Dim == 3 ? (c + 1) % 3 : 0, b = Dim == 3 ? (c + 2) % 3 : 1;
    const std::ptrdiff_t sa = layout.stride(a), sb = layout.stride(b);
    for_each<Dim>(layout.interior(), [&](const Index<Dim>& i) {
      const std::ptrdiff_t o = layout.offset(i);
      double sum = 0.0;
      for (int ka = 0; ka < 2; ++ka)
        for (int kb = 0; kb < 2; ++kb)
          sum += Curl{u[a].origin(),
                      u[b].origin(),
                      sa,
                      sb,
                      inverse_distance_[a][1 + i[a] + ka],
                      inverse_distance_[b][1 + i[b] + kb]}(o + ka * sa + kb * sb);
      omega[c](i) = 0.25 * sum;
    });
  }
}

template <int Dim>
void Integrator<Dim>::add_helicity(const Velocity<Dim>& u, double* sums, double& largest) const {
  const Layout<Dim>& layout = domain_.layout;
  const int n = domain_.extent()[0];
  for_each_row<Dim>(layout.interior(), [&](const Index<Dim>& i) {
    const std::ptrdiff_t o = layout.offset(i);
    double across = 1.0, row = 0.0;
    for (int d = 1; d < Dim; ++d) across *= width_[d][1 + i[d]];
    for (int x = 0; x < n; ++x) {
      double product = 0.0, square = 0.0;
      unrolled<Dim>([&](auto component) {
        constexpr int c = component, a = (c + 1) % Dim, b = (c + 2) % Dim;
        const std::ptrdiff_t sa = layout.stride(a), sb = layout.stride(b);
        const double* ia = inverse_distance_[a].data() + 1 + i[a] + (a == 0 ? x : 0);
        const double* ib = inverse_distance_[b].data() + 1 + i[b] + (b == 0 ? x : 0);
        double omega = 0.0;
        for (int ka = 0; ka < 2; ++ka)
          for (int kb = 0; kb < 2; ++kb)
            omega += 0.25 * Curl{u[a].origin(), u[b].origin(), sa, sb, ia[ka], ib[kb]}(o + x + ka * sa + kb * sb);
        const double* q = u[c].origin() + o + x;
        product += 0.5 * (q[0] + q[layout.stride(c)]) * omega;
        square += omega * omega;
      });
      row += width_[0][1 + x] * product;
      if (!(square <= largest * largest)) largest = std::sqrt(square);
    }
    sums[helicity] += across * row;
  });
}

template <int Dim>
Integrals<Dim> Integrator<Dim>::evaluate(const Velocity<Dim>& u, const Viscosity<Dim>& viscosity) const {
  std::array<double, bulk + Dim> sums{};
  double largest = 0.0;
  add_cells(u, viscosity, sums.data());
  add_plane<0, 1>(u, viscosity, sums.data(), largest);
  if constexpr (Dim == 3) {
    add_plane<0, 2>(u, viscosity, sums.data(), largest);
    add_plane<1, 2>(u, viscosity, sums.data(), largest);
    add_helicity(u, sums.data(), largest);
  }
  domain_.comm().sum(sums.data(), static_cast<int>(sums.size()));
  const double volume = domain_.grid.volume();
  Integrals<Dim> result;
  result.energy = sums[Sum::energy] / volume;
  result.dissipation = sums[Sum::dissipation] / volume;
  result.enstrophy = sums[Sum::enstrophy] / volume;
  result.helicity = sums[Sum::helicity] / volume;
  for (int c = 0; c < Dim; ++c) result.bulk_velocity[c] = sums[bulk + c] / volume;
  result.max_vorticity = domain_.comm().max(largest);
  return result;
}

template <int Dim>
double Integrator<Dim>::mean(const Field<Dim>& cells) const {
  double sum = 0.0;
  for_each_row<Dim>(domain_.layout.interior(), [&](const Index<Dim>& i) {
    const double* q = cells.origin() + cells.layout().offset(i);
    double across = 1.0, row = 0.0;
    for (int d = 1; d < Dim; ++d) across *= width_[d][1 + i[d]];
    for (int x = 0; x < domain_.extent()[0]; ++x) row += width_[0][1 + x] * q[x];
    sum += across * row;
  });
  return domain_.comm().sum(sum) / domain_.grid.volume();
}

template <int Dim>
double Integrator<Dim>::face_pressure(const Field<Dim>& p, int d, Side side, const Index<Dim>& inside) const {
  const double first = p(inside);
  if (domain_.grid.axis(d).cells() < 2) return first;
  Index<Dim> next = inside;
  next[d] += side == Side::low ? 1 : -1;
  const int between = side == Side::low ? next[d] : inside[d];  // the face between the two cells
  return first + 0.5 * width_[d][1 + inside[d]] * inverse_distance_[d][1 + between] * (first - p(next));
}

/// nu (du_c/dx_d + du_d/dx_c) at an edge, or 2 nu du_c/dx_c at the cell i: per density.
template <int Dim>
double Integrator<Dim>::stress(const Velocity<Dim>& u, const Viscosity<Dim>& viscosity, int c, int d,
                               const Index<Dim>& i) const {
  const Layout<Dim>& layout = domain_.layout;
  const std::ptrdiff_t o = layout.offset(i), sc = layout.stride(c), sd = layout.stride(d);
  const double *q = u[c].origin() + o, *v = u[d].origin() + o;
  double nu = viscosity.nu;
  if (viscosity.field) {
    const double* n = viscosity.field->origin() + o;
    nu = c == d ? n[0] : 0.25 * (n[0] + n[-sc] + n[-sd] + n[-sc - sd]);
  }
  if (c == d) return 2.0 * nu * (q[sc] - q[0]) * inverse_width_[c][1 + i[c]];
  return nu * ((q[0] - q[-sd]) * inverse_distance_[d][1 + i[d]] + (v[0] - v[-sc]) * inverse_distance_[c][1 + i[c]]);
}

template <int Dim>
typename Integrator<Dim>::Forces Integrator<Dim>::boundary_forces(const VelocityBoundary<Dim>& boundary,
                                                                  const Velocity<Dim>& u, const Field<Dim>& p,
                                                                  const Viscosity<Dim>& viscosity,
                                                                  double density) const {
  Forces forces{};
  for (int d = 0; d < Dim; ++d)
    for (const Side side : both_sides) {
      if (!domain_.at_boundary(d, side)) continue;
      auto& force = forces[2 * d + static_cast<int>(side)];
      const double out = side == Side::low ? -1.0 : 1.0;
      const int face = side == Side::low ? 0 : domain_.extent()[d], inside = side == Side::low ? 0 : face - 1;
      for (int c = 0; c < Dim; ++c) {
        if (c != d && boundary.type(d, side) == BoundaryType::free_slip) continue;
        Box<Dim> box = domain_.layout.interior();
        if (c != d && domain_.at_boundary(c, Side::high)) ++box.end[c];
        box.begin[d] = c == d ? inside : face;
        box.end[d] = box.begin[d] + 1;
        for_each<Dim>(box, [&](const Index<Dim>& i) {
          double area = 1.0;
          for (int e = 0; e < Dim; ++e)
            if (e != d) area *= (e == c ? dual_ : width_)[e][1 + i[e]];
          // On the body outside: minus the traction on the fluid, whose outward normal is `out`.
          const double pressure = c == d ? face_pressure(p, d, side, i) : 0.0;
          force[c] += out * area * (pressure - density * stress(u, viscosity, c, d, i));
        });
      }
    }
  domain_.comm().sum(forces[0].data(), 2 * Dim * Dim);  // one block of numbers
  return forces;
}

template <int Dim>
Quantities<Dim>::Quantities(Model<Dim>& model, std::function<const Field<Dim>&()> pressure)
    : model_(model), pressure_(std::move(pressure)), integrator_(model.domain()) {}

template <int Dim>
Viscosity<Dim> Quantities<Dim>::viscosity() {
  VariableViscosity<Dim>& variable = model_.variable_viscosity();
  if (!variable.active()) return {model_.settings().fluid.kinematic_viscosity(0.0, 0.0, 0.0, 0.0), nullptr};
  variable.set_time(model_.time());
  return {0.0, &variable.at_cells()};
}

template <int Dim>
QuantityGroup Quantities<Dim>::integrals() {
  QuantityGroup group;
  const std::string joule = Dim == 3 ? "J" : "J/m";
  group.columns = {{"kinetic_energy", "m2/s2"}, {"total_kinetic_energy", joule}, {"dissipation", "m2/s3"},
                   {"enstrophy", "1/s2"},       {"max_vorticity", "1/s"},        {"vorticity_integral", ""}};
  for (int c = 0; c < Dim; ++c) group.columns.push_back({std::string("mean_") + "uvw"[c], "m/s"});
  if (Dim == 3) group.columns.push_back({"helicity", "m/s2"});
  group.values = [this](std::span<double> out) {
    const Integrals<Dim> i = integrator_.evaluate(model_.velocity(), viscosity());
    const double t = model_.time();
    if (history_[1] >= 0.0 && t > history_[2]) history_[0] += 0.5 * (t - history_[2]) * (history_[1] + i.max_vorticity);
    history_[1] = i.max_vorticity;
    history_[2] = t;
    const double mass = model_.settings().fluid.density * model_.domain().grid.volume();
    std::size_t n = 0;
    for (double value : {i.energy, mass * i.energy, i.dissipation, i.enstrophy, i.max_vorticity, history_[0]})
      out[n++] = value;
    for (double value : i.bulk_velocity) out[n++] = value;
    if (Dim == 3) out[n++] = i.helicity;
  };
  return group;
}

template <int Dim>
QuantityGroup Quantities<Dim>::flow_rates() {
  QuantityGroup group;
  std::vector<int> faces;
  for (int face = 0; face < 2 * Dim; ++face) {
    const BoundaryType type = model_.settings().boundary[face].type;
    if (type != BoundaryType::inlet && type != BoundaryType::outflow && type != BoundaryType::pressure) continue;
    faces.push_back(face);
    group.columns.push_back({std::string("flow_rate_") + face_name(face), Dim == 3 ? "m3/s" : "m2/s"});
  }
  group.values = [this, faces](std::span<double> out) {
    const auto flux = model_.boundary().fluxes(model_.velocity());
    for (std::size_t n = 0; n < faces.size(); ++n) out[n] = flux[faces[n]];
  };
  return group;
}

template <int Dim>
QuantityGroup Quantities<Dim>::wall_forces() {
  QuantityGroup group;
  std::vector<int> faces;
  for (int face = 0; face < 2 * Dim; ++face) {
    const BoundaryType type = model_.settings().boundary[face].type;
    if (type != BoundaryType::no_slip && type != BoundaryType::free_slip) continue;
    faces.push_back(face);
    for (int c = 0; c < Dim; ++c)
      group.columns.push_back({std::string("force_") + face_name(face) + "_" + "xyz"[c], Dim == 3 ? "N" : "N/m"});
  }
  group.values = [this, faces](std::span<double> out) {
    const auto forces = integrator_.boundary_forces(model_.boundary(), model_.velocity(), pressure_(), viscosity(),
                                                    model_.settings().fluid.density);
    std::size_t n = 0;
    for (int face : faces)
      for (double value : forces[face]) out[n++] = value;
  };
  return group;
}

template <int Dim>
QuantityGroup Quantities<Dim>::scalar(int s) {
  QuantityGroup group;
  const std::string name = model_.scalars().name(s);
  group.columns.push_back({"mean_" + name, ""});
  std::vector<int> faces;
  for (int face = 0; face < 2 * Dim; ++face) {
    if (model_.settings().boundary[face].type == BoundaryType::periodic) continue;
    faces.push_back(face);
    group.columns.push_back({"flux_" + name + "_" + face_name(face), ""});
  }
  group.values = [this, s, faces](std::span<double> out) {
    out[0] = integrator_.mean(model_.scalars().field(s));
    for (std::size_t n = 0; n < faces.size(); ++n)
      out[1 + n] = model_.scalars().boundary_flux(s, faces[n] / 2, static_cast<Side>(faces[n] % 2), model_.velocity());
  };
  return group;
}

template <int Dim>
std::vector<QuantityGroup> Quantities<Dim>::groups() {
  std::vector<QuantityGroup> all{integrals()};
  if (model_.settings().force.bulk_direction >= 0)
    all.push_back({{{"bulk_acceleration", "m/s2"}},
                   [this](std::span<double> out) { out[0] = model_.scheme().bulk_acceleration(); }});
  for (QuantityGroup group : {flow_rates(), wall_forces()})
    if (!group.columns.empty()) all.push_back(std::move(group));
  for (int s = 0; s < model_.scalars().count(); ++s) all.push_back(scalar(s));
  return all;
}

template class Integrator<2>;
template class Integrator<3>;
template class Quantities<2>;
template class Quantities<3>;

}  // namespace kolmo::flow
