#include "kolmo/flow/budget.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kolmo::flow {

namespace {

enum Term { local, convective, pressing, viscosity, force, terms };

template <int Dim>
void add(double weight, const Velocity<Dim>& from, Velocity<Dim>& to) {
  for (int c = 0; c < Dim; ++c) {
    const double* x = from[c].data();
    double* y = to[c].data();
    const std::ptrdiff_t n = static_cast<std::ptrdiff_t>(from[c].size());
#pragma GCC ivdep
    for (std::ptrdiff_t i = 0; i < n; ++i) y[i] += weight * x[i];
  }
}

BudgetTerms terms_of(const double* sums, double factor) {
  return {sums[local] * factor, sums[convective] * factor, sums[pressing] * factor, sums[viscosity] * factor,
          sums[force] * factor};
}

}  // namespace

double BudgetTerms::largest() const {
  return std::max({std::abs(local), std::abs(convective), std::abs(pressure), std::abs(viscous), std::abs(force)});
}

double BudgetTerms::remainder() const { return local - (convective + pressure + viscous + force); }

template <int Dim>
BudgetRecorder<Dim>::BudgetRecorder(Model<Dim>& model)
    : p_{model.settings(),           model.domain(),     model.boundary(), model.momentum(),
         model.variable_viscosity(), model.projection(), model.forces(),   model.scalars()},
      state_(model.state()),
      nu_(p_.variable_viscosity.active() ? 0.0 : p_.settings.fluid.kinematic_viscosity(0.0, 0.0, 0.0, 0.0)),
      keeps_rates_(p_.settings.time.scheme == Scheme::cn_ab2),
      before_(p_.domain.make_velocity()),
      terms_(make_terms()),
      pressure_(p_.domain.make_cells()) {
  if (keeps_rates_) last_ = make_terms();
}

template <int Dim>
typename BudgetRecorder<Dim>::Terms BudgetRecorder<Dim>::make_terms() const {
  return {p_.domain.make_velocity(), p_.domain.make_velocity(), p_.domain.make_velocity()};
}

template <int Dim>
void BudgetRecorder<Dim>::begin(const Velocity<Dim>& u, double t) {
  known_ = known_ && t == t_;  // not detached in between
  t_ = t;
  for (int c = 0; c < Dim; ++c) {
    before_[c].copy_from(u[c]);
    for (Velocity<Dim>* velocity : {&terms_.convective, &terms_.viscous, &terms_.force}) (*velocity)[c].fill(0.0);
  }
  pressure_.fill(0.0);
  complete_ = true;
}

/// out += weight (what Momentum is set to).
template <int Dim>
void BudgetRecorder<Dim>::sweep(const Velocity<Dim>& in, Velocity<Dim>& out, double weight) {
  const Sweep<Dim> s{.in = &in, .out = &out, .base0 = &out, .w0 = 1.0, .k = weight};
  p_.momentum.sweep(s);
  for (int c = 0; c < Dim; ++c) {
    Box<Dim> box = p_.boundary.unknowns(c);
    if (box.end[c] <= p_.domain.extent()[c]) continue;
    box.begin[c] = box.end[c] - 1;
    p_.momentum.sweep_component(s, c, box);
  }
}

template <int Dim>
void BudgetRecorder<Dim>::add_laplacian(const Velocity<Dim>& in, Velocity<Dim>& out, double weight) {
  p_.momentum.set_convection(false);
  sweep(in, out, weight);
  p_.momentum.set_convection(true);
  p_.boundary.add_inlet_bending(in, out, weight * nu_);
}

template <int Dim>
void BudgetRecorder<Dim>::add_rates(Terms& to, double weight, const Velocity<Dim>& in, double t, Register s,
                                    ViscousPart part) {
  p_.momentum.set_viscosity(0.0);
  sweep(in, to.convective, weight);
  p_.momentum.set_viscosity(nu_);
  if (part == ViscousPart::whole && nu_ != 0.0) {
    add_laplacian(in, to.viscous, weight);
  }
  if (p_.variable_viscosity.active()) {
    p_.variable_viscosity.set_time(t);
    if (part == ViscousPart::whole) {
      p_.variable_viscosity.add(p_.boundary, in, to.viscous, weight);
      p_.variable_viscosity.add_inlet_bending(p_.boundary, in, to.viscous, weight);
    } else {
      p_.variable_viscosity.add_transposed(p_.boundary, in, to.viscous, weight);
    }
  }
  p_.forces.set_time(t);
  p_.forces.add(to.force, weight);
  if (p_.scalars.buoyant()) p_.scalars.add_buoyancy(to.force, weight, s);
  for (int c = 0; c < Dim; ++c) {
    const double change = weight * p_.forces.uniform()[c];
    if (change != 0.0) for_each<Dim>(p_.boundary.unknowns(c), [&](const Index<Dim>& i) { to.force[c](i) += change; });
  }
}

template <int Dim>
void BudgetRecorder<Dim>::rates(double weight, const Velocity<Dim>& in, double t, Register s, ViscousPart part) {
  if (!keeps_rates_) return add_rates(terms_, weight, in, t, s, part);
  for (int c = 0; c < Dim; ++c)
    for (Velocity<Dim>* velocity : {&last_.convective, &last_.viscous, &last_.force}) (*velocity)[c].fill(0.0);
  add_rates(last_, 1.0, in, t, s, part);
  known_ = true;
  earlier_rates(weight);
}

template <int Dim>
void BudgetRecorder<Dim>::earlier_rates(double weight) {
  if (!known_) {
    complete_ = false;
    return;
  }
  add<Dim>(weight, last_.convective, terms_.convective);
  add<Dim>(weight, last_.viscous, terms_.viscous);
  add<Dim>(weight, last_.force, terms_.force);
}

template <int Dim>
void BudgetRecorder<Dim>::diffusion(double weight, const Velocity<Dim>& in, double t) {
  if (p_.variable_viscosity.active()) {
    p_.variable_viscosity.set_time(t);
    p_.variable_viscosity.add(p_.boundary, in, terms_.viscous, weight);
    p_.variable_viscosity.add_transposed(p_.boundary, in, terms_.viscous, -weight);
  } else if (nu_ != 0.0) {
    add_laplacian(in, terms_.viscous, weight);
  }
}

template <int Dim>
void BudgetRecorder<Dim>::pressure(double weight, const Field<Dim>& p) {
  const double* x = p.data();
  double* y = pressure_.data();
  const std::ptrdiff_t n = static_cast<std::ptrdiff_t>(pressure_.size());
#pragma GCC ivdep
  for (std::ptrdiff_t i = 0; i < n; ++i) y[i] += weight * x[i];
}

template <int Dim>
void BudgetRecorder<Dim>::end(const Velocity<Dim>& u, double dt, double impulse) {
  t_ += dt;
  const double factor = 1.0 / (dt * p_.domain.grid.volume());
  for (int c = 0; c < Dim; ++c) {
    contract(u, c, c == p_.settings.force.bulk_direction ? impulse : 0.0);
    for (double& sum : sums_[c]) sum *= factor;
  }
}

/// Sums of volume * term and of volume * (u + u')/2 * term for component c.
template <int Dim>
void BudgetRecorder<Dim>::contract(const Velocity<Dim>& u, int c, double impulse) {
  const Domain<Dim>& domain = p_.domain;
  std::array<double, 10> sums{};
  for_each<Dim>(p_.boundary.unknowns(c), [&](const Index<Dim>& i) {
    double volume = 1.0, inverse = 0.0;
    for (int d = 0; d < Dim; ++d) {
      const Axis& axis = domain.grid.axis(d);
      const int g = i[d] + domain.origin()[d];
      const bool end = !axis.periodic() && (g == 0 || g == axis.cells());
      volume *= d != c ? axis.width(g) : end ? 0.5 * axis.distance(g) : axis.distance(g);
      if (d == c) inverse = 1.0 / axis.distance(g);
    }
    Index<Dim> low = i;
    --low[c];
    const double old = before_[c](i), now = u[c](i), middle = 0.5 * (old + now);
    const double values[terms] = {now - old, terms_.convective[c](i), -(pressure_(i) - pressure_(low)) * inverse,
                                  terms_.viscous[c](i), terms_.force[c](i) + impulse};
    for (int n = 0; n < terms; ++n) {
      sums[n] += volume * values[n];
      sums[terms + n] += volume * middle * values[n];
    }
  });
  sums_[c] = sums;
}

template <int Dim>
Budget<Dim> BudgetRecorder<Dim>::evaluate() const {
  auto sums = sums_;
  p_.domain.comm().sum(sums[0].data(), 10 * Dim);
  const double unknown = complete_ && state_.t == t_ ? 1.0 : std::numeric_limits<double>::quiet_NaN();
  std::array<double, terms> energy{};
  Budget<Dim> budget;
  for (int c = 0; c < Dim; ++c) {
    budget.momentum[c] = terms_of(sums[c].data(), unknown);
    for (int n = 0; n < terms; ++n) energy[n] += sums[c][terms + n];
  }
  budget.energy = terms_of(energy.data(), unknown);
  return budget;
}

template <int Dim>
QuantityGroup BudgetRecorder<Dim>::group() {
  QuantityGroup group;
  const auto add_columns = [&](const std::string& prefix, const std::string& unit) {
    for (const char* term : {"local", "convective", "pressure", "viscous", "force"})
      group.columns.push_back({prefix + "_" + term, unit});
  };
  add_columns("energy", "m2/s3");
  for (int c = 0; c < Dim; ++c) add_columns(std::string("momentum_") + "xyz"[c], "m/s2");
  group.values = [this](std::span<double> out) {
    const Budget<Dim> budget = evaluate();
    std::size_t n = 0;
    const auto put = [&](const BudgetTerms& t) {
      for (double value : {t.local, t.convective, t.pressure, t.viscous, t.force}) out[n++] = value;
    };
    put(budget.energy);
    for (const BudgetTerms& t : budget.momentum) put(t);
  };
  return group;
}

template class BudgetRecorder<2>;
template class BudgetRecorder<3>;

}  // namespace kolmo::flow
