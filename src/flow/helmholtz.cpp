#include "kolmo/flow/helmholtz.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "kolmo/base/phase.hpp"
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

/// -nu grad u_c on the faces of every component, made once.
template <int Dim>
struct Helmholtz<Dim>::Stresses {
  using Law = transport::Diffusion<StressViscosity<Dim>>;
  std::array<std::optional<transport::Flux<Dim, Law>>, Dim> flux;
};

template <int Dim>
Helmholtz<Dim>::~Helmholtz() = default;

template <int Dim>
Helmholtz<Dim>::Helmholtz(const Settings& settings, const Domain<Dim>& domain, const VelocityBoundary<Dim>& boundary,
                          const VariableViscosity<Dim>& variable, double nu)
    : domain_(domain),
      boundary_(boundary),
      variable_(variable),
      options_(solver_options(settings.momentum_solver)),
      nu_(nu) {
  if (variable.active()) stresses_ = std::make_unique<Stresses>();
  // A direct solver does not depend on the step; iterative ones are set up for the first.
  const bool direct = options_.method == SolverMethod::automatic || options_.method == SolverMethod::tensor;
  for (int c = 0; c < Dim; ++c) {
    set_rules(c);
    if (!has_unknowns(c)) continue;
    const SeparableOperator<Dim> op = separable(c);
    const transport::ControlVolumes<Dim>& volumes = rules_[c]->volumes();
    for (int d = 0; d < Dim; ++d) {
      const int first = domain.origin()[d] - volumes.global_line(d).first();  // what local index 0 is in the line
      const Box<Dim>& box = volumes.box();
      width_[c][d].assign(static_cast<std::size_t>(box.end[d]), 0.0);
      for (int i = box.begin[d]; i < box.end[d]; ++i) width_[c][d][i] = op.line[d].weight[first + i];
    }
    if (stresses_)
      stresses_->flux[c].emplace(typename Stresses::Law{{&variable.at_cells(), c}}, rules_[c]);
    else if (direct)
      make_solver(c);
  }
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

// Both halves of Crank-Nicolson have to be one operator, and two kinds of rows of the explicit one are those of
// transport times a number, which is a matter of the control volume's width. An unknown face on a pressure boundary has
// the control volume that continues beyond it, twice the half that lies inside. And where an inlet bends the velocity
// (VelocityBoundary::add_inlet_bending), the second derivative of the parabola through the value v at 0 and q1, q2 at
// a, b is (a + b)/b times [(q2 - q1)/(b - a) - (q1 - v)/a] / 2 a.
template <int Dim>
double Helmholtz<Dim>::stretch(int c, int d, Side side) const {
  const BoundaryType type = boundary_.type(d, side);
  if (type == BoundaryType::pressure && c == d) return 2.0;
  const Axis& axis = domain_.grid.axis(d);
  const int n = axis.cells();
  if (type != BoundaryType::inlet || c == d || n < 2 || variable_.active()) return 1.0;
  const double first = axis.width(side == Side::low ? 0 : n - 1), second = axis.width(side == Side::low ? 1 : n - 2);
  const double a = 0.5 * first, b = first + 0.5 * second;
  return b / (a + b);
}

template <int Dim>
SeparableOperator<Dim> Helmholtz<Dim>::separable(int c) const {
  SeparableOperator<Dim> op = transport::separable_operator<Dim>(*rules_[c], 1.0, a_ * nu_);
  for (int d = 0; d < Dim; ++d) {
    if (op.line[d].weight.empty()) continue;
    op.line[d].weight.front() *= stretch(c, d, Side::low);
    op.line[d].weight.back() *= stretch(c, d, Side::high);
  }
  return op;
}

template <int Dim>
void Helmholtz<Dim>::update_conductances(int c) {
  FaceConductances<Dim>& op = faces_[c];
  transport::face_conductances(*stresses_->flux[c], 1.0, a_, op);
  const Box<Dim>& box = rules_[c]->volumes().box();
  for (int d = 0; d < Dim; ++d)
    for (Side side : both_sides) {
      const double factor = stretch(c, d, side);
      if (factor == 1.0 || !domain_.at_boundary(d, side)) continue;
      const int plane = side == Side::low ? box.begin[d] : box.end[d] - 1;
      const auto widen = [&](std::vector<double>& values, const Box<Dim>& shape) {
        std::size_t at = 0;
        for_each<Dim>(shape, [&](const Index<Dim>& i) {
          if (i[d] == plane) values[at] *= factor;
          ++at;
        });
      };
      widen(op.shift, box);
      for (int e = 0; e < Dim; ++e) {
        if (e == d) continue;
        Box<Dim> faces = box;
        ++faces.end[e];
        widen(op.conductance[e], faces);
      }
    }
}

// Largest a nu / h^2, from the rows.
template <int Dim>
double Helmholtz<Dim>::dominance(int c) const {
  const FaceConductances<Dim>& op = faces_[c];
  const Box<Dim>& box = rules_[c]->volumes().box();
  double largest = 0.0;
  std::size_t row = 0;
  for_each<Dim>(box, [&](const Index<Dim>& i) {
    double sum = 0.0;
    for (int d = 0; d < Dim; ++d) {
      std::ptrdiff_t at = 0, stride = 1, next = 0;
      for (int e = 0; e < Dim; ++e) {
        if (e == d) next = stride;
        at += (i[e] - box.begin[e]) * stride;
        stride *= box.extent(e) + (e == d ? 1 : 0);
      }
      sum += op.conductance[d][at] + op.conductance[d][at + next];
    }
    largest = std::max(largest, sum / op.shift[row++]);
  });
  return domain_.comm().max(largest) / (2 * Dim);
}

// One cell between walls leaves the component across no face of its own.
template <int Dim>
bool Helmholtz<Dim>::has_unknowns(int c) const {
  return rules_[c]->volumes().unknowns().global_size() > 0;
}

template <int Dim>
void Helmholtz<Dim>::make_solver(int c) {
  const Decomposition<Dim>& unknowns = rules_[c]->volumes().unknowns();
  if (!variable_.active()) {
    solver_[c].emplace("momentum_", unknowns, separable(c), options_);
    return;
  }
  SolverOptions options = options_;
  // Below a nu / h^2 of about 3 Jacobi does, beyond it multigrid is cheaper.
  if (options.method == SolverMethod::automatic)
    options.method = dominance(c) <= 3.0 ? SolverMethod::cg : SolverMethod::boxmg;
  solver_[c].emplace("momentum_", unknowns, faces_[c], options);
}

template <int Dim>
void Helmholtz<Dim>::set(double a, bool viscosity_changed) {
  const bool changed = a != a_ || viscosity_changed;
  a_ = a;
  for (int c = 0; c < Dim; ++c) {
    if (!has_unknowns(c) || (solver_[c] && !changed)) continue;
    if (variable_.active()) update_conductances(c);
    if (!solver_[c])
      make_solver(c);
    else if (variable_.active())
      solver_[c]->set_conductances(faces_[c]);
    else
      solver_[c]->set_shift(1.0, a_ * nu_);
  }
}

// out += k * (what the given values beyond (d, side) add to div(nu grad u_c)), as a function of the index of the
// unknown inside. Of a normal component the value lies on the boundary.
template <int Dim>
template <class Value>
void Helmholtz<Dim>::add_ghosts(int c, int d, Side side, double k, Velocity<Dim>& out, Value&& value) const {
  const int n = domain_.extent()[d];
  const bool low = side == Side::low, normal = c == d;
  Box<Dim> box = boundary_.unknowns(c);
  const int inside = low ? (normal ? 1 : 0) : n - 1;
  if (inside < box.begin[d] || inside >= box.end[d]) return;
  box.begin[d] = inside;
  box.end[d] = inside + 1;
  const int face = low ? inside : inside + 1;  // the face of the control volume between the two
  const Axis& axis = domain_.grid.axis(d);
  const int at = domain_.origin()[d];
  // Along c control volumes are bounded by cell centres, a cell's width apart; across by edges.
  const double metric = normal ? 1.0 / (axis.width(at + face - 1) * axis.distance(at + inside))
                               : 1.0 / (axis.distance(at + face) * axis.width(at + inside));
  const StressViscosity<Dim> stress{variable_.active() ? &variable_.at_cells() : nullptr, c};
  for_each<Dim>(box, [&](const Index<Dim>& i) {
    Index<Dim> edge = i;
    edge[d] = face;
    const double nu = stress.cells ? stress.at(d, edge) : nu_;
    out[c](i) += k * nu * metric * value(i);
  });
}

template <int Dim>
void Helmholtz<Dim>::add_boundary_values(const Velocity<Dim>& u, double k, Velocity<Dim>& out) const {
  for (int d = 0; d < Dim; ++d)
    for (Side side : both_sides) {
      const BoundaryType type = boundary_.type(d, side);
      if (!domain_.at_boundary(d, side) || type == BoundaryType::pressure) continue;
      const std::ptrdiff_t beyond = (side == Side::low ? -1 : 1) * domain_.layout.stride(d);
      for (int c = 0; c < Dim; ++c) {
        if (c != d && type == BoundaryType::free_slip) continue;
        add_ghosts(c, d, side, k, out,
                   [&](const Index<Dim>& i) { return u[c].origin()[domain_.layout.offset(i) + beyond]; });
      }
    }
}

template <int Dim>
void Helmholtz<Dim>::add_slip(const Field<Dim>& phi, double k, Velocity<Dim>& out) const {
  for (int d = 0; d < Dim; ++d)
    for (Side side : both_sides) {
      const BoundaryType type = boundary_.type(d, side);
      const bool given = type == BoundaryType::no_slip || type == BoundaryType::inlet;
      if (!domain_.at_boundary(d, side) || !(given || type == BoundaryType::outflow)) continue;
      for (int c = 0; c < Dim; ++c) {
        if (c == d) continue;
        const std::ptrdiff_t back = domain_.layout.stride(c);
        const Axis& axis = domain_.grid.axis(c);
        // A value on the face counts twice in the ghost (and in what bends); at an outflow the ghost is the value.
        const double weight = given ? 2.0 / stretch(c, d, side) : 1.0;
        add_ghosts(c, d, side, k, out, [&](const Index<Dim>& i) {
          const double* at = phi.origin() + domain_.layout.offset(i);
          return weight * (at[0] - at[-back]) / axis.distance(domain_.origin()[c] + i[c]);
        });
      }
    }
}

// Volume of the control volume of component c at i, direction x left out, and the widths along x from i on.
template <int Dim>
double Helmholtz<Dim>::row_weight(int c, const Index<Dim>& i) const {
  double weight = 1.0;
  for (int d = 1; d < Dim; ++d) weight *= width_[c][d][i[d]];
  return weight;
}

template <int Dim>
const double* Helmholtz<Dim>::x_weights(int c, const Index<Dim>& i) const {
  return width_[c][0].data() + i[0];
}

template <int Dim>
void Helmholtz<Dim>::solve(const Velocity<Dim>& r, Velocity<Dim>& u, Field<Dim>& buffer) {
  static const Phase phase("momentum solve");
  const Phase::Scope scope(phase);
  for (int c = 0; c < Dim; ++c) {
    if (!has_unknowns(c)) continue;
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
  response.fill(0.0);
  if (!has_unknowns(c)) return;
  const Box<Dim> box = boundary_.unknowns(c);
  std::size_t at = 0;
  for_each<Dim>(box, [&](const Index<Dim>& i) { buffer.data()[at++] = row_weight(c, i) * *x_weights(c, i); });
  solver_[c]->solve(buffer.data(), buffer.data());
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
  int c = 0;
  while (c < Dim && !has_unknowns(c)) ++c;
  if (c == Dim) return "no unknowns";
  return solver_[c] ? solver_[c]->description() : "set up at the first step";
}

template class Helmholtz<2>;
template class Helmholtz<3>;

}  // namespace kolmo::flow
