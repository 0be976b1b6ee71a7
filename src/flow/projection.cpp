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
void Projection<Dim>::right_hand_side(const Velocity<Dim>& u, double factor, double* b) const {
  const Layout<Dim>& layout = domain_.layout;
  const int n = domain_.extent()[0];
  const double* wx = width_[0].data();
  const double* ix = inverse_width_[0].data();
  for_each_row<Dim>(layout.interior(), [&](const Index<Dim>& i) {
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
void Projection<Dim>::solve(double* b, Field<Dim>& phi, double* guess) {
  const Box<Dim> box = domain_.layout.interior();
  static const Phase phase("pressure solve");
  const Phase::Scope scope(phase);
  boundary_.add_pressure_source(b);
  if (warm_start_) {
    pack<Dim>(phi, box, guess);
    solver_->solve(b, guess, true);
    unpack<Dim>(guess, box, phi);
  } else {
    solver_->solve(b, b);
    unpack<Dim>(b, box, phi);
  }
  boundary_.apply_pressure(phi);
}

template <int Dim>
void Projection<Dim>::project(Velocity<Dim>& u, double dt, Field<Dim>& phi, Velocity<Dim>& workspace) {
  static const Phase phase("projection");
  const Phase::Scope scope(phase);
  double* b = workspace[0].data();
  right_hand_side(u, 1.0 / dt, b);
  solve(b, phi, workspace[1].data());
  correct(u, dt, phi);
  boundary_.refresh(u);
}

template <int Dim>
void Projection<Dim>::solve_pressure(const Velocity<Dim>& acceleration, Field<Dim>& phi, Velocity<Dim>& workspace) {
  double* b = workspace[0].data();
  right_hand_side(acceleration, 1.0, b);
  solve(b, phi, workspace[1].data());
}

template <int Dim>
void Projection<Dim>::correct(Velocity<Dim>& u, double dt, const Field<Dim>& phi) const {
  const Layout<Dim>& layout = domain_.layout;
  for (int c = 0; c < Dim; ++c) {
    const Box<Dim> box = boundary_.unknowns(c);
    const int n = box.extent(0);
    const std::ptrdiff_t back = layout.stride(c);
    for_each_row<Dim>(box, [&](const Index<Dim>& i) {
      const std::ptrdiff_t o = layout.offset(i);
      double* q = u[c].origin() + o;
      const double* p = phi.origin() + o;
      if (c == 0) {
        const double* inverse = inverse_distance_[0].data() + i[0];
#pragma GCC ivdep
        for (int x = 0; x < n; ++x) q[x] -= dt * (p[x] - p[x - 1]) * inverse[x];
      } else {
        const double factor = dt * inverse_distance_[c][i[c]];
#pragma GCC ivdep
        for (int x = 0; x < n; ++x) q[x] -= factor * (p[x] - p[x - back]);
      }
    });
  }
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
