#include "kolmo/flow/projection.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include "kolmo/base/phase.hpp"
#include "kolmo/transport/implicit.hpp"
#include "solver_options.hpp"

namespace kolmo::flow {

namespace {

template <int Dim>
SeparableOperator<Dim> laplacian(const Domain<Dim>& domain, const VelocityBoundary<Dim>& boundary) {
  using transport::Rule;
  auto cells = std::make_shared<const transport::ControlVolumes<Dim>>(domain.grid, domain.decomposition);
  transport::Rules<Dim> rules;
  for (int d = 0; d < Dim; ++d)
    for (Side side : both_sides)
      if (!domain.grid.axis(d).periodic())
        rules[d][static_cast<int>(side)] =
            boundary.normal_unknown(d, side) ? Rule<Dim>::fixed_value(0.0) : Rule<Dim>::zero_gradient();
  return transport::separable_operator<Dim>(transport::Boundary<Dim>(cells, std::move(rules)), 0.0, 1.0);
}

}  // namespace

template <int Dim>
Projection<Dim>::Projection(const Settings& settings, const Domain<Dim>& domain, VelocityBoundary<Dim>& boundary)
    : domain_(domain), boundary_(boundary) {
  solver_.emplace("pressure_", domain.decomposition, laplacian(domain, boundary),
                  solver_options(settings.pressure_solver));
  PetscBool direct = PETSC_FALSE;
  petsc::check(PetscObjectTypeCompare(reinterpret_cast<PetscObject>(solver_->ksp()), KSPPREONLY, &direct));
  warm_start_ = !direct;
  for (int d = 0; d < Dim; ++d) {
    const Axis& axis = domain.grid.axis(d);
    const int n = domain.extent()[d], first = domain.origin()[d];
    for (int i = 0; i <= n; ++i) {
      inverse_width_[d].push_back(1.0 / axis.width(first + i));
      width_[d].push_back(axis.width(first + i));
      inverse_distance_[d].push_back(1.0 / axis.distance(first + i));
    }
  }
}

// b = -V factor div u, packed: the sign that makes A = -V L positive.
template <int Dim>
void Projection<Dim>::right_hand_side(const Velocity<Dim>& u, double factor, Velocity<Dim>& workspace, int begin,
                                      int end) const {
  const Layout<Dim>& layout = domain_.layout;
  const int n = domain_.extent()[0];
  Box<Dim> box = layout.interior();
  const std::ptrdiff_t plane = box.size() / box.extent(Dim - 1);
  box.begin[Dim - 1] = begin;
  box.end[Dim - 1] = end;
  double* b = workspace[0].data() + begin * plane;
  const double* wx = width_[0].data();
  const double* ix = inverse_width_[0].data();
  for_each_row<Dim>(box, [&](const Index<Dim>& i) {
    const std::ptrdiff_t o = layout.offset(i);
    double area = -factor;
    std::array<double, Dim> inverse{};
    for (int d = 1; d < Dim; ++d) {
      area *= width_[d][i[d]];
      inverse[d] = inverse_width_[d][i[d]];
    }
    std::array<const double*, Dim> q;
    for (int d = 0; d < Dim; ++d) q[d] = u[d].origin() + o;
    std::array<std::ptrdiff_t, Dim> s;
    for (int d = 0; d < Dim; ++d) s[d] = layout.stride(d);
#pragma GCC ivdep
    for (int x = 0; x < n; ++x) {
      double divergence = (q[0][x + 1] - q[0][x]) * ix[x];
      for (int d = 1; d < Dim; ++d) divergence += (q[d][x + s[d]] - q[d][x]) * inverse[d];
      b[x] = area * wx[x] * divergence;
    }
    b += n;
  });
}

template <int Dim>
void Projection<Dim>::solve(Field<Dim>& phi, Velocity<Dim>& workspace) {
  const Box<Dim> box = domain_.layout.interior();
  double *b = workspace[0].data(), *q = workspace[1].data();
  static const Phase phase("pressure solve");
  const Phase::Scope scope(phase);
  boundary_.add_pressure_source(b);
  if (warm_start_) pack<Dim>(phi, box, q);
  solver_->solve(b, q, warm_start_);
  unpack<Dim>(q, box, phi);
  boundary_.apply_pressure(phi);
}

template <int Dim>
void Projection<Dim>::project(Velocity<Dim>& u, double dt, Field<Dim>& phi, Velocity<Dim>& workspace) {
  static const Phase phase("projection");
  const Phase::Scope scope(phase);
  const int planes = domain_.extent()[Dim - 1];
  right_hand_side(u, 1.0 / dt, workspace, 0, planes);
  solve(phi, workspace);
  correct(u, dt, phi, 0, planes + 1);
  boundary_.refresh(u);
}

template <int Dim>
void Projection<Dim>::solve_pressure(const Velocity<Dim>& acceleration, Field<Dim>& phi, Velocity<Dim>& workspace) {
  right_hand_side(acceleration, 1.0, workspace, 0, domain_.extent()[Dim - 1]);
  solve(phi, workspace);
}

// One sweep for all components: reads phi, reads and writes u, 8 (2 Dim + 1) bytes a cell.
template <int Dim>
void Projection<Dim>::correct(Velocity<Dim>& u, double dt, const Field<Dim>& phi, int begin, int end) const {
  const Layout<Dim>& layout = domain_.layout;
  std::array<Box<Dim>, Dim> unknowns;
  Box<Dim> all = layout.interior();
  for (int c = 0; c < Dim; ++c) {
    unknowns[c] = boundary_.unknowns(c);
    for (int d = 0; d < Dim; ++d) all.end[d] = std::max(all.end[d], unknowns[c].end[d]);
  }
  all.begin[Dim - 1] = std::max(all.begin[Dim - 1], begin);
  all.end[Dim - 1] = std::min(all.end[Dim - 1], end);
  for_each_row<Dim>(all, [&](const Index<Dim>& i) {
    const std::ptrdiff_t o = layout.offset(i);
    const double* p = phi.origin() + o;
    for (int c = 0; c < Dim; ++c) {
      bool inside = true;
      for (int d = 1; d < Dim; ++d) inside = inside && i[d] >= unknowns[c].begin[d] && i[d] < unknowns[c].end[d];
      if (!inside) continue;
      double* q = u[c].origin() + o;
      const double* low = p - layout.stride(c);
      const int first = unknowns[c].begin[0], last = unknowns[c].end[0];
      if (c == 0) {
        const double* inverse = inverse_distance_[0].data();
#pragma GCC ivdep
        for (int x = first; x < last; ++x) q[x] -= dt * (p[x] - low[x]) * inverse[x];
      } else {
        const double factor = dt * inverse_distance_[c][i[c]];
#pragma GCC ivdep
        for (int x = first; x < last; ++x) q[x] -= factor * (p[x] - low[x]);
      }
    }
  });
}

template <int Dim>
void Projection<Dim>::divergence(const Velocity<Dim>& u, Field<Dim>& result) const {
  const Layout<Dim>& layout = domain_.layout;
  for_each<Dim>(layout.interior(), [&](const Index<Dim>& i) {
    const std::ptrdiff_t o = layout.offset(i);
    double sum = 0.0;
    for (int d = 0; d < Dim; ++d)
      sum += (u[d].origin()[o + layout.stride(d)] - u[d].origin()[o]) * inverse_width_[d][i[d]];
    result.origin()[o] = sum;
  });
}

template <int Dim>
double Projection<Dim>::max_divergence(const Velocity<Dim>& u) const {
  const Layout<Dim>& layout = domain_.layout;
  double largest = 0.0;
  for_each_row<Dim>(layout.interior(), [&](const Index<Dim>& i) {
    const std::ptrdiff_t o = layout.offset(i);
    for (int x = 0; x < domain_.extent()[0]; ++x) {
      double sum = (u[0].origin()[o + x + 1] - u[0].origin()[o + x]) * inverse_width_[0][x];
      for (int d = 1; d < Dim; ++d)
        sum += (u[d].origin()[o + x + layout.stride(d)] - u[d].origin()[o + x]) * inverse_width_[d][i[d]];
      largest = std::max(largest, std::isfinite(sum) ? std::abs(sum) : HUGE_VAL);
    }
  });
  return domain_.comm().max(largest);
}

template class Projection<2>;
template class Projection<3>;

}  // namespace kolmo::flow
