#include "kolmo/flow/scalars.hpp"

#include <algorithm>
#include <cmath>
#include <variant>

#include "kolmo/base/error.hpp"
#include "kolmo/flow/coefficient_check.hpp"
#include "kolmo/transport/flux.hpp"
#include "kolmo/transport/laws.hpp"

namespace kolmo::flow {

namespace {

using transport::BoundaryValue;
using transport::CentralScalar;
using transport::ControlVolumes;
using transport::Flux;
using transport::LimitedScalar;
using transport::OnFaces;
using transport::Rule;
using transport::Rules;

template <int Dim>
using AnyFlux = std::variant<Flux<Dim, CentralScalar<Dim>>, Flux<Dim, CentralScalar<Dim, OnFaces<Dim>>>,
                             Flux<Dim, LimitedScalar<Dim>>, Flux<Dim, LimitedScalar<Dim, OnFaces<Dim>>>>;

template <int Dim>
BoundaryValue<Dim> boundary_value(const Expression& e) {
  if (e.constant()) return e.value();
  return BoundaryValue<Dim>(
      [e](const Point<Dim>& x, double t) {
        const auto full = coordinates<Dim>(x);
        return e(full[0], full[1], full[2], t);
      },
      e.depends_on_time());
}

template <int Dim>
Rule<Dim> rule_of(const ScalarBoundarySettings& face, const Expression& diffusivity) {
  switch (face.type) {
    case ScalarBoundaryType::fixed_value:
      return Rule<Dim>::fixed_value(boundary_value<Dim>(face.value));
    case ScalarBoundaryType::fixed_flux:
      return Rule<Dim>::diffusive_flux(boundary_value<Dim>(face.value), boundary_value<Dim>(diffusivity));
    case ScalarBoundaryType::outflow:
      return Rule<Dim>::outflow();
    default:
      return Rule<Dim>::diffusive_flux(0.0);
  }
}

template <int Dim>
Rules<Dim> rules_of(const ScalarSettings& scalar, const Grid<Dim>& grid) {
  Rules<Dim> rules;
  for (int d = 0; d < Dim; ++d)
    for (const Side side : both_sides)
      if (!grid.axis(d).periodic())
        rules[d][static_cast<int>(side)] =
            rule_of<Dim>(scalar.boundary[2 * d + static_cast<int>(side)], scalar.diffusivity);
  return rules;
}

template <int Dim>
Ghosts<Dim> ghosts_of(const Settings& settings) {
  const bool limited = std::any_of(settings.scalars.begin(), settings.scalars.end(),
                                   [](const ScalarSettings& s) { return s.advection == Advection::limited; });
  return Ghosts<Dim>::uniform(limited ? 2 : 1, limited ? 2 : 1);
}

/// One scalar: its registers, its rules, its flux, and the coefficients that are kept as fields.
template <int Dim>
struct Scalar {
  ScalarSettings settings;
  std::array<Field<Dim>, 3> registers;
  std::shared_ptr<transport::Boundary<Dim>> boundary;
  std::array<Field<Dim>, Dim> diffusivity;  // on the faces, only where it varies in space
  Field<Dim> source;                        // only where it varies in space
  std::unique_ptr<AnyFlux<Dim>> flux;
  CoefficientCheck check;
  bool evaluated = false;

  Scalar(const ScalarSettings& s, const Domain<Dim>& domain, const Layout<Dim>& layout,
         const std::shared_ptr<const ControlVolumes<Dim>>& cells)
      : settings(s), check("scalars." + s.name + ".diffusivity", Dim) {
    for (Field<Dim>& field : registers) field = Field<Dim>(layout);
    boundary = std::make_shared<transport::Boundary<Dim>>(cells, rules_of<Dim>(s, domain.grid));
    if (s.source.depends_on_space()) source = Field<Dim>(layout);
    if (s.diffusivity.depends_on_space())
      for (int d = 0; d < Dim; ++d) diffusivity[d] = Field<Dim>(domain.layout, Location::faces(d));
    const bool varies = s.diffusivity.depends_on_space(), limited = s.advection == Advection::limited;
    if (limited && varies)
      make<LimitedScalar<Dim, OnFaces<Dim>>>();
    else if (limited)
      make<LimitedScalar<Dim>>();
    else if (varies)
      make<CentralScalar<Dim, OnFaces<Dim>>>();
    else
      make<CentralScalar<Dim>>();
  }

  Field<Dim>& at(Register r) { return registers[static_cast<int>(r)]; }

  template <class Law>
  void make() {
    Law law{};
    if constexpr (!requires { law.second.coefficient.value; })
      for (int d = 0; d < Dim; ++d) law.second.coefficient.component[d] = &diffusivity[d];
    flux = std::make_unique<AnyFlux<Dim>>(Flux<Dim, Law>(law, boundary));
  }

  /// Boundary values, diffusivity and source of a time.
  void set_time(const Domain<Dim>& domain, double t) {
    if (!settings.diffusivity.depends_on_space())
      std::visit([&](auto& f) { set_uniform(f.law().second.coefficient, uniform_diffusivity(domain, t)); }, *flux);
    else if (!evaluated || settings.diffusivity.depends_on_time())
      fill_diffusivity(domain, t);
    boundary->update(t);
    if (source && (!evaluated || settings.source.depends_on_time()))
      evaluate(settings.source, domain, t, source, Location::cells());
    evaluated = true;
  }
  double uniform_diffusivity(const Domain<Dim>& domain, double t) {
    check.start();
    const double value = check(settings.diffusivity(0, 0, 0, t), {});
    if (check.failed()) check.finish(domain.comm(), t);  // the same on every rank
    return value;
  }
  void fill_diffusivity(const Domain<Dim>& domain, double t) {
    check.start();
    for (int d = 0; d < Dim; ++d) evaluate(settings.diffusivity, domain, t, diffusivity[d], Location::faces(d), &check);
    check.finish(domain.comm(), t);
  }
  template <class Coefficient>
  static void set_uniform(Coefficient& coefficient, double value) {
    if constexpr (requires { coefficient.value; }) coefficient.value = value;
  }
  static void evaluate(const Expression& e, const Domain<Dim>& domain, double t, Field<Dim>& field, Location location,
                       CoefficientCheck* check = nullptr) {
    Box<Dim> box = domain.layout.interior();
    if (!location.at_cells()) ++box.end[location.direction];  // the high face of the last cell is read too
    for_each<Dim>(box, [&](const Index<Dim>& i) {
      const auto x = coordinates<Dim>(domain.point(i, location));
      field(i) = e(x[0], x[1], x[2], t);
      if (check) (*check)(field(i), x);
    });
  }

  void set_velocity(const Velocity<Dim>& velocity) {
    std::visit(
        [&](auto& f) {
          for (int d = 0; d < Dim; ++d) f.law().first.velocity.component[d] = &velocity[d];
        },
        *flux);
  }
};

/// out = w0 a + w1 b over owned cells; b may be null.
template <int Dim>
void combine(Field<Dim>& out, double w0, const Field<Dim>& a, double w1, const Field<Dim>* b) {
  const Box<Dim> box = out.layout().interior();
  const int n = box.extent(0);
  for_each_row<Dim>(box, [&](const Index<Dim>& i) {
    const std::ptrdiff_t o = out.layout().offset(i);
    double* q = out.origin() + o;
    const double *x = a.origin() + o, *y = b ? b->origin() + o : x;
    const double wb = b ? w1 : 0.0;
#pragma GCC ivdep
    for (int k = 0; k < n; ++k) q[k] = w0 * x[k] + wb * y[k];
  });
}

/// out += k in div u.
template <int Dim>
void add_divergence(const ControlVolumes<Dim>& cells, const Velocity<Dim>& u, const Field<Dim>& in, Field<Dim>& out,
                    double k) {
  const int n = cells.box().extent(0);
  for_each_row<Dim>(cells.box(), [&](const Index<Dim>& i) {
    const std::ptrdiff_t o = u[0].layout().offset(i);
    const double* q = in.origin() + in.layout().offset(i);
    double* r = out.origin() + out.layout().offset(i);
    for (int d = 0; d < Dim; ++d) {
      const double* v = u[d].origin() + o;
      const std::ptrdiff_t s = u[d].layout().stride(d);
      const double* inverse = cells.line(d).inverse_width() + i[d];
#pragma GCC ivdep
      for (int x = 0; x < n; ++x) r[x] += k * q[x] * (v[x + s] - v[x]) * inverse[d == 0 ? x : 0];
    }
  });
}

/// The ghosts where two or three boundaries meet: the sum of the neighbours towards one boundary and towards the others
/// less the value inside, which is what both conditions say where they agree. Interpolation to the edges reads them.
template <int Dim>
void fill_corners(const Domain<Dim>& domain, Field<Dim>& q) {
  for (int e = 1; e < Dim; ++e)
    for (const Side side : both_sides) {
      if (!domain.at_boundary(e, side)) continue;
      Box<Dim> box = q.layout().interior();
      for (int d = 0; d < e; ++d) {
        box.begin[d] -= domain.at_boundary(d, Side::low) ? 1 : 0;
        box.end[d] += domain.at_boundary(d, Side::high) ? 1 : 0;
      }
      box.begin[e] = side == Side::low ? -1 : domain.extent()[e];
      box.end[e] = box.begin[e] + 1;
      for_each<Dim>(box, [&](const Index<Dim>& i) {
        Index<Dim> low = i, inside = i;  // moved inside in the directions before e; in e too
        for (int d = 0; d < e; ++d) low[d] = std::clamp(i[d], 0, domain.extent()[d] - 1);
        if (low == i) return;
        inside = low;
        inside[e] = std::clamp(i[e], 0, domain.extent()[e] - 1);
        Index<Dim> across = i;
        across[e] = inside[e];
        q(i) = q(across) + q(low) - q(inside);
      });
    }
}

}  // namespace

template <int Dim>
struct Scalars<Dim>::Parts {
  Parts(const Settings& settings, const Domain<Dim>& d)
      : domain(d),
        layout(d.decomposition.extent(), ghosts_of<Dim>(settings)),
        halo(d.decomposition, layout, ghosts_of<Dim>(settings), Stencil::star),
        cells(std::make_shared<const ControlVolumes<Dim>>(d.grid, d.decomposition)) {
    for (int c = 0; c < Dim; ++c) gravity[c] = settings.force.gravity[c];
    for (const ScalarSettings& s : settings.scalars)
      scalars.push_back(std::make_unique<Scalar<Dim>>(s, domain, layout, cells));
  }

  void refresh(Register r) {
    std::array<Field<Dim>*, Halo<Dim>::max_fields> fields;
    std::size_t n = 0;
    for (const auto& s : scalars) {
      s->boundary->fill_ghosts(s->at(r));
      fill_corners(domain, s->at(r));
      fields[n++] = &s->at(r);
      if (n == fields.size() || s == scalars.back()) {
        halo.exchange(std::span<Field<Dim>* const>(fields.data(), n));
        n = 0;
      }
    }
  }
  void advance(Scalar<Dim>& scalar, const Stage& stage, const Velocity<Dim>& velocity);

  const Domain<Dim>& domain;
  Layout<Dim> layout;
  Halo<Dim> halo;
  std::shared_ptr<const ControlVolumes<Dim>> cells;
  std::array<double, Dim> gravity{};
  std::vector<std::unique_ptr<Scalar<Dim>>> scalars;
};

template <int Dim>
Scalars<Dim>::Scalars(const Settings& settings, const Domain<Dim>& domain)
    : parts_(std::make_unique<Parts>(settings, domain)) {}

template <int Dim>
Scalars<Dim>::~Scalars() = default;

template <int Dim>
int Scalars<Dim>::count() const {
  return static_cast<int>(parts_->scalars.size());
}

template <int Dim>
bool Scalars<Dim>::buoyant() const {
  return std::any_of(parts_->scalars.begin(), parts_->scalars.end(),
                     [](const auto& s) { return s->settings.expansion != 0.0; });
}

template <int Dim>
const std::string& Scalars<Dim>::name(int s) const {
  return parts_->scalars.at(s)->settings.name;
}

template <int Dim>
Field<Dim>& Scalars<Dim>::field(int s, Register r) {
  return parts_->scalars.at(s)->at(r);
}

template <int Dim>
const Field<Dim>& Scalars<Dim>::field(int s, Register r) const {
  return parts_->scalars.at(s)->at(r);
}

template <int Dim>
void Scalars<Dim>::initialise(double t) {
  for (const auto& s : parts_->scalars)
    Scalar<Dim>::evaluate(s->settings.initial, parts_->domain, t, s->at(Register::u), Location::cells());
  apply_boundary(Register::u, t);
}

template <int Dim>
void Scalars<Dim>::apply_boundary(Register r, double t) {
  for (const auto& s : parts_->scalars) s->set_time(parts_->domain, t);
  parts_->refresh(r);
}

template <int Dim>
void Scalars<Dim>::advance(const Stage& stage, const Velocity<Dim>& velocity) {
  for (const auto& s : parts_->scalars) {
    parts_->advance(*s, stage, velocity);
    s->boundary->update(stage.t_out);
  }
  parts_->refresh(stage.out);
}

template <int Dim>
void Scalars<Dim>::Parts::advance(Scalar<Dim>& scalar, const Stage& stage, const Velocity<Dim>& velocity) {
  if (stage.in == stage.out) throw InternalError("a scalar's stage cannot write where it reads neighbours");
  const Field<Dim>& in = scalar.at(stage.in);
  Field<Dim>& out = scalar.at(stage.out);
  scalar.set_time(domain, stage.t);
  scalar.set_velocity(velocity);
  double keep = stage.w0;  // what the flux sweep multiplies `out` by
  if (stage.out != stage.base0 || stage.w1 != 0.0) {
    combine(out, stage.w0, scalar.at(stage.base0), stage.w1, stage.w1 != 0.0 ? &scalar.at(stage.base1) : nullptr);
    keep = 1.0;
  }
  std::visit([&](auto& f) { f.apply(in, out, stage.k, keep); }, *scalar.flux);
  if (!stage.solenoidal) add_divergence<Dim>(*cells, velocity, in, out, stage.k);
  if (scalar.source) {
    combine(out, 1.0, out, stage.k, &scalar.source);
  } else if (!scalar.settings.source.zero()) {
    const double amount = stage.k * scalar.settings.source(0.0, 0.0, 0.0, stage.t);
    for_each_row<Dim>(layout.interior(), [&](const Index<Dim>& i) {
      double* q = out.origin() + layout.offset(i);
      for (int x = 0; x < domain.extent()[0]; ++x) q[x] += amount;
    });
  }
}

template <int Dim>
void Scalars<Dim>::add_buoyancy(Velocity<Dim>& out, double k, Register r) const {
  const Domain<Dim>& domain = parts_->domain;
  for (const auto& s : parts_->scalars)
    for (int c = 0; c < Dim; ++c) {
      const double factor = -k * s->settings.expansion * parts_->gravity[c];
      if (factor == 0.0) continue;
      Box<Dim> box = domain.layout.interior();
      if (domain.at_boundary(c, Side::high)) ++box.end[c];
      const int n = box.extent(0);
      const Field<Dim>& scalar = s->at(r);
      const std::ptrdiff_t back = scalar.layout().stride(c);
      const double reference = s->settings.reference;
      for_each_row<Dim>(box, [&](const Index<Dim>& i) {
        double* q = out[c].origin() + out[c].layout().offset(i);
        const double* value = scalar.origin() + scalar.layout().offset(i);
#pragma GCC ivdep
        for (int x = 0; x < n; ++x) q[x] += factor * (0.5 * (value[x] + value[x - back]) - reference);
      });
    }
}

template <int Dim>
void Scalars<Dim>::swap(Register a, Register b) {
  if (a == b) return;
  for (const auto& s : parts_->scalars) kolmo::swap(s->at(a), s->at(b));
}

template <int Dim>
double Scalars<Dim>::max_diffusivity(double t) const {
  const Domain<Dim>& domain = parts_->domain;
  double largest = 0.0, failed = 0.0;
  bool local = false;
  for (const auto& s : parts_->scalars) {
    const Expression& d = s->settings.diffusivity;
    if (!d.depends_on_space()) {
      largest = std::max(largest, s->uniform_diffusivity(domain, t));
      continue;
    }
    local = true;
    s->check.start();
    for_each<Dim>(domain.layout.interior(), [&](const Index<Dim>& i) {
      const auto x = coordinates<Dim>(domain.point(i, Location::cells()));
      largest = std::max(largest, s->check(d(x[0], x[1], x[2], t), x));
    });
    if (s->check.failed()) failed = 1.0;
  }
  if (!local) return largest;
  std::array<double, 2> all{largest, failed};
  domain.comm().max(all.data(), 2);
  if (all[1] > 0.0)
    for (const auto& s : parts_->scalars)
      if (s->settings.diffusivity.depends_on_space()) s->check.finish(domain.comm(), t);
  return all[0];
}

template <int Dim>
double Scalars<Dim>::boundary_flux(int s, int d, Side side, const Velocity<Dim>& velocity) {
  Scalar<Dim>& scalar = *parts_->scalars.at(s);
  scalar.set_velocity(velocity);
  return std::visit([&](auto& f) { return f.boundary_flux(scalar.at(Register::u), d, side); }, *scalar.flux);
}

template class Scalars<2>;
template class Scalars<3>;

}  // namespace kolmo::flow
