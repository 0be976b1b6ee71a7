#include "kolmo/flow/helmholtz.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "kolmo/transport/implicit.hpp"
#include "solver_options.hpp"

namespace kolmo::flow {

namespace {

/// nu on the faces of the control volumes of velocity component c: at cell centres along c, at edges the mean of the
/// four cells around.
template <int Dim>
struct StressViscosity {
  const Field<Dim>* cells;
  int component;

  /// At the low face, normal to d, of the unknown with local index i.
  double at(int d, const Index<Dim>& i) const { return read(cells->origin() + cells->layout().offset(i), d); }

  template <bool Along>
  auto row(const transport::FaceRow<Dim, Along>& r) const {
    return [nu = cells->origin() + cells->layout().offset(r.index), d = r.direction, *this](int k) {
      return read(nu + k, d);
    };
  }

 private:
  double read(const double* nu, int d) const {
    const std::ptrdiff_t own = cells->layout().stride(component), across = cells->layout().stride(d);
    return d == component ? nu[-own] : 0.25 * ((nu[0] + nu[-own]) + (nu[-across] + nu[-own - across]));
  }
};

}  // namespace

template <int Dim>
Helmholtz<Dim>::Helmholtz(const Settings& settings, const Domain<Dim>& domain, const VelocityBoundary<Dim>& boundary,
                          const VariableViscosity<Dim>& variable, double nu)
    : domain_(domain),
      boundary_(boundary),
      variable_(variable),
      options_(solver_options(settings.momentum_solver)),
      nu_(nu) {
  for (int d = 0; d < Dim; ++d)
    for (int i = 0; i <= domain.extent()[d]; ++i) {
      width_[d].push_back(domain.grid.axis(d).width(domain.origin()[d] + i));
      distance_[d].push_back(domain.grid.axis(d).distance(domain.origin()[d] + i));
    }
  for (int c = 0; c < Dim; ++c) set_rules(c);
  // A direct solver does not depend on the step; iterative ones are set up for the first.
  const bool direct = options_.method == SolverMethod::automatic || options_.method == SolverMethod::tensor;
  a_ = 1.0;
  for (int c = 0; c < Dim && direct && !variable.active(); ++c) make_solver(c);
}

template <int Dim>
void Helmholtz<Dim>::set_rules(int c) {
  using transport::Rule;
  const transport::EndUnknowns ends{boundary_.normal_unknown(c, Side::low), boundary_.normal_unknown(c, Side::high)};
  auto volumes = std::make_shared<const transport::ControlVolumes<Dim>>(domain_.grid, domain_.decomposition,
                                                                        Location::faces(c), ends);
  transport::Rules<Dim> rules;
  for (int d = 0; d < Dim; ++d)
    for (Side side : both_sides) {
      Rule<Dim>& rule = rules[d][static_cast<int>(side)];
      const Axis& axis = domain_.grid.axis(d);
      switch (boundary_.type(d, side)) {
        case BoundaryType::periodic:
          break;
        case BoundaryType::pressure:
          rule = Rule<Dim>::zero_gradient();
          break;
        case BoundaryType::free_slip:
          rule = d == c ? Rule<Dim>::fixed_value(0.0) : Rule<Dim>::zero_gradient();
          break;
        case BoundaryType::outflow:
          // A ghost that is zero, a full width away: on the face half the value inside.
          rule = d == c ? Rule<Dim>::fixed_value(0.0)
                        : Rule<Dim>::robin(1.0, 0.5 * axis.width(side == Side::low ? 0 : axis.cells() - 1), 0.0);
          break;
        default:
          rule = Rule<Dim>::fixed_value(0.0);
      }
    }
  rules_[c] = std::make_shared<const transport::Boundary<Dim>>(std::move(volumes), std::move(rules));
}

// The sweeps of Momentum give an unknown face on a pressure boundary the control volume that continues beyond it,
// twice the half that lies inside; both halves of Crank-Nicolson have to be one operator.
template <int Dim>
SeparableOperator<Dim> Helmholtz<Dim>::separable(int c) const {
  SeparableOperator<Dim> op = transport::separable_operator<Dim>(*rules_[c], 1.0, a_ * nu_);
  if (boundary_.normal_unknown(c, Side::low)) op.line[c].weight.front() *= 2.0;
  if (boundary_.normal_unknown(c, Side::high)) op.line[c].weight.back() *= 2.0;
  return op;
}

template <int Dim>
FaceConductances<Dim> Helmholtz<Dim>::conductances(int c) const {
  using Law = transport::Diffusion<StressViscosity<Dim>>;
  const transport::Flux<Dim, Law> flux(Law{{&variable_.at_cells(), c}}, rules_[c]);
  FaceConductances<Dim> op = transport::face_conductances(flux, 1.0, a_);
  for (Side side : both_sides) {  // as in `separable`
    if (!boundary_.normal_unknown(c, side) || !domain_.at_boundary(c, side)) continue;
    const Box<Dim>& box = flux.volumes().box();
    const int plane = side == Side::low ? box.begin[c] : box.end[c] - 1;
    const auto twice = [&](std::vector<double>& values, const Box<Dim>& shape) {
      std::size_t at = 0;
      for_each<Dim>(shape, [&](const Index<Dim>& i) {
        if (i[c] == plane) values[at] *= 2.0;
        ++at;
      });
    };
    twice(op.shift, box);
    for (int d = 0; d < Dim; ++d) {
      if (d == c) continue;
      Box<Dim> faces = box;
      ++faces.end[d];
      twice(op.conductance[d], faces);
    }
  }
  return op;
}

template <int Dim>
void Helmholtz<Dim>::make_solver(int c) {
  const Decomposition<Dim>& unknowns = rules_[c]->volumes().unknowns();
  if (!variable_.active()) {
    solver_[c].emplace("momentum_", unknowns, separable(c), options_);
    return;
  }
  SolverOptions options = options_;
  FaceConductances<Dim> op = conductances(c);
  if (options.method == SolverMethod::automatic) {
    // Diagonal dominance decides: below nu theta dt / h^2 of about 3 Jacobi does, beyond it multigrid is cheaper.
    double largest = 0.0;
    const Box<Dim>& box = rules_[c]->volumes().box();
    std::size_t at = 0;
    for_each<Dim>(box, [&](const Index<Dim>& i) {
      double sum = 0.0;
      for (int d = 0; d < Dim; ++d) {
        std::ptrdiff_t low = 0, stride = 1, step = 0;
        for (int e = 0; e < Dim; ++e) {
          if (e == d) step = stride;
          low += (i[e] - box.begin[e]) * stride;
          stride *= box.extent(e) + (e == d ? 1 : 0);
        }
        sum += op.conductance[d][low] + op.conductance[d][low + step];
      }
      largest = std::max(largest, sum / op.shift[at++]);
    });
    options.method = domain_.comm().max(largest) <= 3.0 * (2 * Dim) ? SolverMethod::cg : SolverMethod::boxmg;
  }
  solver_[c].emplace("momentum_", unknowns, std::move(op), options);
}

template <int Dim>
void Helmholtz<Dim>::set(double a, bool viscosity_changed) {
  const bool changed = a != a_ || (variable_.active() && viscosity_changed);
  a_ = a;
  for (int c = 0; c < Dim; ++c) {
    if (!solver_[c])
      make_solver(c);
    else if (changed && variable_.active())
      solver_[c]->set_conductances(conductances(c));
    else if (changed)
      solver_[c]->set_shift(1.0, a_ * nu_);
  }
}

template <int Dim>
void Helmholtz<Dim>::add_given(int c, int d, Side side, const Velocity<Dim>& u, double k, Velocity<Dim>& out) const {
  const Layout<Dim>& layout = domain_.layout;
  const int n = domain_.extent()[d];
  const bool low = side == Side::low, normal = c == d;
  Box<Dim> box = boundary_.unknowns(c);
  const int inside = low ? (normal ? 1 : 0) : n - 1;  // the unknown next to the given value
  if (inside < box.begin[d] || inside >= box.end[d]) return;
  box.begin[d] = inside;
  box.end[d] = inside + 1;
  const int face = low ? (normal ? 1 : 0) : n;  // the low face of which unknown's control volume lies between the two
  // Along c control volumes are bounded by cell centres, a cell's width apart; across by edges.
  const double metric = normal ? 1.0 / (width_[d][low ? 0 : n - 1] * distance_[d][inside])
                               : 1.0 / (distance_[d][low ? 0 : n] * width_[d][inside]);
  const std::ptrdiff_t outwards = low ? -layout.stride(d) : layout.stride(d);
  const StressViscosity<Dim> stress{variable_.active() ? &variable_.at_cells() : nullptr, c};
  for_each<Dim>(box, [&](Index<Dim> i) {
    const std::ptrdiff_t o = layout.offset(i);
    i[d] = face;
    const double nu = stress.cells ? stress.at(d, i) : nu_;
    out[c].origin()[o] += k * nu * metric * u[c].origin()[o + outwards];
  });
}

template <int Dim>
void Helmholtz<Dim>::add_boundary_values(const Velocity<Dim>& u, double k, Velocity<Dim>& out) const {
  for (int d = 0; d < Dim; ++d)
    for (Side side : both_sides) {
      if (!domain_.at_boundary(d, side)) continue;
      const BoundaryType type = boundary_.type(d, side);
      if (type == BoundaryType::pressure) continue;
      for (int c = 0; c < Dim; ++c)
        if (c == d || type != BoundaryType::free_slip) add_given(c, d, side, u, k, out);
    }
}

// Volume of the control volume of component c at i, direction x left out, and the widths along x from i on.
template <int Dim>
double Helmholtz<Dim>::row_weight(int c, const Index<Dim>& i) const {
  double weight = 1.0;
  for (int d = 1; d < Dim; ++d) weight *= (d == c ? distance_ : width_)[d][i[d]];
  return weight;
}

template <int Dim>
const double* Helmholtz<Dim>::x_weights(int c, const Index<Dim>& i) const {
  return (c == 0 ? distance_ : width_)[0].data() + i[0];
}

template <int Dim>
void Helmholtz<Dim>::solve(const Velocity<Dim>& r, Velocity<Dim>& u, Field<Dim>& buffer) {
  for (int c = 0; c < Dim; ++c) {
    const Box<Dim> box = boundary_.unknowns(c);
    const int n = box.extent(0);
    double* b = buffer.data();
    for_each_row<Dim>(box, [&](const Index<Dim>& i) {
      const double weight = row_weight(c, i);
      const double* w = x_weights(c, i);
      const double* from = r[c].origin() + domain_.layout.offset(i);
#pragma GCC ivdep
      for (int x = 0; x < n; ++x) b[x] = weight * w[x] * from[x];
      b += n;
    });
    double* q = buffer.data();
    solver_[c]->solve(q, q);
    for_each_row<Dim>(box, [&](const Index<Dim>& i) {
      double* to = u[c].origin() + domain_.layout.offset(i);
#pragma GCC ivdep
      for (int x = 0; x < n; ++x) to[x] += q[x];
      q += n;
    });
  }
}

template <int Dim>
void Helmholtz<Dim>::solve_unit(int c, Field<Dim>& response, Field<Dim>& buffer) {
  const Box<Dim> box = boundary_.unknowns(c);
  std::size_t at = 0;
  for_each<Dim>(box, [&](const Index<Dim>& i) { buffer.data()[at++] = row_weight(c, i) * *x_weights(c, i); });
  solver_[c]->solve(buffer.data(), buffer.data());
  response.fill(0.0);
  unpack<Dim>(buffer.data(), box, response);
}

template <int Dim>
SolveStatistics Helmholtz<Dim>::statistics() const {
  SolveStatistics all;
  for (const auto& solver : solver_) {
    if (!solver) continue;
    const SolveStatistics& one = solver->statistics();
    all.count += one.count;
    all.iterations += one.iterations;
    all.max_iterations = std::max(all.max_iterations, one.max_iterations);
    all.last_iterations = std::max(all.last_iterations, one.last_iterations);
    all.last_residual = std::max(all.last_residual, one.last_residual);
  }
  return all;
}

template <int Dim>
std::string Helmholtz<Dim>::description() const {
  if (!solver_[0]) return "set up at the first step";
  return solver_[0]->description();
}

template class Helmholtz<2>;
template class Helmholtz<3>;

}  // namespace kolmo::flow
