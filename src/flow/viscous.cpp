#include "kolmo/flow/viscous.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace kolmo::flow {

namespace {

template <int Dim, class Body>
void unrolled(Body&& body) {
  [&]<std::size_t... I>(std::index_sequence<I...>) { (body(std::integral_constant<int, static_cast<int>(I)>{}), ...); }
  (std::make_index_sequence<Dim>{});
}

/// A metric along direction D seen from a row along x: varies within the row only where D is x.
template <int D>
double along(const double* metric, int x) {
  return D == 0 ? metric[x] : metric[0];
}

}  // namespace

template <int Dim>
VariableViscosity<Dim>::VariableViscosity(const Settings& settings, const Domain<Dim>& domain)
    : domain_(domain),
      fluid_(settings.fluid),
      check_(fluid_.viscosity_is_dynamic ? "fluid.dynamic_viscosity" : "fluid.kinematic_viscosity", Dim,
             fluid_.viscosity_is_dynamic ? fluid_.density : 1.0),
      active_(!settings.fluid.constant_viscosity()) {
  if (!active_) return;
  nu_ = domain.make_cells();
  for (int d = 0; d < Dim; ++d) {
    const Axis& axis = domain.grid.axis(d);
    for (int i = -1; i <= domain.extent()[d] + 1; ++i) {
      inverse_width_[d].push_back(1.0 / axis.width(domain.origin()[d] + i));
      inverse_distance_[d].push_back(1.0 / axis.distance(domain.origin()[d] + i));
    }
  }
}

/// nu at a cell; for a ghost beyond a boundary at the nearest point of the boundary, since the expression may mean
/// nothing further out.
template <int Dim>
double VariableViscosity<Dim>::sample(const Index<Dim>& i) {
  auto x = coordinates<Dim>(domain_.point(i, Location::cells()));
  for (int d = 0; d < Dim; ++d)
    if (!domain_.grid.axis(d).periodic())
      x[d] = std::clamp(x[d], domain_.grid.axis(d).from(), domain_.grid.axis(d).to());
  return check_(fluid_.kinematic_viscosity(x[0], x[1], x[2], time_), x);
}

template <int Dim>
void VariableViscosity<Dim>::set_time(double t) {
  if (!active_ || (evaluated_ && (t == time_ || !fluid_.viscosity.depends_on_time()))) return;
  time_ = t;
  evaluated_ = true;
  gradient_rate_ = -1.0;
  check_.start();
  for_each<Dim>(domain_.layout.interior(), [&](const Index<Dim>& i) { nu_(i) = sample(i); });
  fill_ghosts();
  check_.finish(domain_.comm(), t);
  domain_.exchange(nu_);
}

/// Ghosts such that the mean of the cells around a face or an edge on the boundary is nu there.
template <int Dim>
void VariableViscosity<Dim>::fill_ghosts() {
  for (const bool corners : {false, true})  // where two boundaries meet: from the ghosts of each
    for (int e = 0; e < Dim; ++e)
      for (const Side side : both_sides) {
        if (!domain_.at_boundary(e, side)) continue;
        Box<Dim> box = domain_.layout.interior();
        for (int d = 0; d < e && corners; ++d) {
          box.begin[d] -= domain_.at_boundary(d, Side::low) ? 1 : 0;
          box.end[d] += domain_.at_boundary(d, Side::high) ? 1 : 0;
        }
        box.begin[e] = side == Side::low ? -1 : domain_.extent()[e];
        box.end[e] = box.begin[e] + 1;
        for_each<Dim>(box, [&](const Index<Dim>& i) {
          Index<Dim> before = i, across = i, inside;
          for (int d = 0; d < e; ++d) before[d] = std::clamp(i[d], 0, domain_.extent()[d] - 1);
          across[e] = std::clamp(i[e], 0, domain_.extent()[e] - 1);
          inside = before;
          inside[e] = across[e];
          if (!corners) nu_(i) = 2.0 * sample(i) - nu_(across);
          if (before != i) nu_(i) = 4.0 * sample(i) - nu_(across) - nu_(before) - nu_(inside);
        });
      }
}

template <int Dim>
double VariableViscosity<Dim>::max(double t) {
  if (!active_) return fluid_.kinematic_viscosity(0.0, 0.0, 0.0, t);
  set_time(t);
  double largest = 0.0;
  for_each<Dim>(domain_.layout.interior(), [&](const Index<Dim>& i) {
    if (!(nu_(i) <= largest)) largest = nu_(i);  // NaN comes through
  });
  return domain_.comm().max(largest);
}

template <int Dim>
double VariableViscosity<Dim>::max_gradient_rate(double t) {
  if (!active_) return 0.0;
  set_time(t);
  if (gradient_rate_ >= 0.0) return gradient_rate_;
  double largest = 0.0;
  for_each<Dim>(domain_.layout.interior(), [&](const Index<Dim>& i) {
    const double* nu = nu_.origin() + domain_.layout.offset(i);
    double sum = 0.0;
    for (int d = 0; d < Dim; ++d) {
      const std::ptrdiff_t s = domain_.layout.stride(d);
      const double low = (nu[0] - nu[-s]) * inverse_distance_[d][i[d] + 1];
      const double high = (nu[s] - nu[0]) * inverse_distance_[d][i[d] + 2];
      sum += std::max(std::abs(low), std::abs(high)) * inverse_width_[d][i[d] + 1];
    }
    largest = std::max(largest, sum);
  });
  return gradient_rate_ = domain_.comm().max(largest);
}

/// One row of component C: the stresses on its faces normal to C (at cells) and to D (at edges).
template <int Dim>
template <bool Full, int C, int D>
void VariableViscosity<Dim>::row(const Index<Dim>& i, int n, const Velocity<Dim>& in, double* out, double k) const {
  const Layout<Dim>& layout = domain_.layout;
  const std::ptrdiff_t o = layout.offset(i), s = layout.stride(D), back = layout.stride(C);
  const double *nu = nu_.origin() + o, *q = in[C].origin() + o, *v = in[D].origin() + o;
  const double* width = inverse_width_[D].data() + 1 + i[D];
  const double* distance = inverse_distance_[D].data() + 1 + i[D];
  const double* own = inverse_distance_[C].data() + 1 + i[C];
  if constexpr (C == D) {
    const double factor = (Full ? 2.0 : 1.0) * k;
#pragma GCC ivdep
    for (int x = 0; x < n; ++x) {
      const double high = nu[x] * (q[x + s] - q[x]) * along<D>(width, x);
      const double low = nu[x - s] * (q[x] - q[x - s]) * along<D>(width - 1, x);
      out[x] += factor * (high - low) * along<D>(distance, x);
    }
  } else {
    const double quarter = 0.25 * k;
    const auto stress = [&](std::ptrdiff_t at, double across, double along_own) __attribute__((always_inline)) {
      double shear = (v[at] - v[at - back]) * along_own;
      if constexpr (Full) shear += (q[at] - q[at - s]) * across;
      return (nu[at] + nu[at - back] + nu[at - s] + nu[at - back - s]) * shear;
    };
#pragma GCC ivdep
    for (int x = 0; x < n; ++x) {
      const double along_own = along<C>(own, x);
      const double high = stress(x + s, along<D>(distance + 1, x), along_own);
      const double low = stress(x, along<D>(distance, x), along_own);
      out[x] += quarter * (high - low) * along<D>(width, x);
    }
  }
}

template <int Dim>
template <bool Full>
void VariableViscosity<Dim>::accumulate(const VelocityBoundary<Dim>& boundary, const Velocity<Dim>& in,
                                        Velocity<Dim>& out, double k) const {
  if (!active_) return;
  unrolled<Dim>([&](auto component) {
    constexpr int C = component;
    const Box<Dim> box = boundary.unknowns(C);
    for_each_row<Dim>(box, [&](const Index<Dim>& i) {
      double* target = out[C].origin() + domain_.layout.offset(i);
      unrolled<Dim>([&](auto direction) {
        constexpr int D = direction;
        row<Full, C, D>(i, box.extent(0), in, target, k);
      });
    });
  });
}

template <int Dim>
void VariableViscosity<Dim>::add(const VelocityBoundary<Dim>& boundary, const Velocity<Dim>& in, Velocity<Dim>& out,
                                 double k) const {
  accumulate<true>(boundary, in, out, k);
}

template <int Dim>
void VariableViscosity<Dim>::add_inlet_bending(const VelocityBoundary<Dim>& boundary, const Velocity<Dim>& in,
                                               Velocity<Dim>& out, double k) const {
  if (active_) boundary.add_inlet_bending(in, out, k, &nu_);
}

template <int Dim>
void VariableViscosity<Dim>::add_transposed(const VelocityBoundary<Dim>& boundary, const Velocity<Dim>& in,
                                            Velocity<Dim>& out, double k) const {
  accumulate<false>(boundary, in, out, k);
}

template class VariableViscosity<2>;
template class VariableViscosity<3>;

}  // namespace kolmo::flow
