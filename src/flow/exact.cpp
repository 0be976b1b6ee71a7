#include "kolmo/flow/exact.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "kolmo/base/error.hpp"

namespace kolmo::flow {

namespace {

constexpr double pi = std::numbers::pi;
using Triple = std::array<double, 3>;

double squared(double a) { return a * a; }

bool depends_on_viscosity(FieldName name) {
  return name != FieldName::zero && name != FieldName::channel && name != FieldName::shear_layer &&
         name != FieldName::couette && name != FieldName::expression;
}

/// cosh(k y) / cosh(k h) for 0 <= y <= h without overflow.
template <class Number>
Number cosh_ratio(Number k, double y, double h) {
  return std::exp(-k * (h - y)) * (1.0 + std::exp(-2.0 * k * y)) / (1.0 + std::exp(-2.0 * k * h));
}

/// 1/(2 nu) - sqrt(1/(4 nu^2) + 4 pi^2) without cancellation.
double kovasznay_rate(double nu) {
  const double half = 0.5 / nu;
  return -4.0 * pi * pi / (half + std::sqrt(half * half + 4.0 * pi * pi));
}

/// Uniform in [0, 1), a function of its arguments alone: the finaliser of SplitMix64 (Steele, Lea & Flood 2014).
double uniform(std::uint64_t seed, std::uint64_t number) {
  std::uint64_t z = (seed * 0x632be59bd9b4e019ULL) + (number + 1) * 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
}

/// Whole numbers of waves on a length nearest to the given wavenumbers, at least one, without repetition.
std::vector<double> fitting_wavenumbers(double length, std::initializer_list<double> wanted) {
  std::vector<double> found;
  for (double k : wanted) {
    const double fitted = 2.0 * pi / length * std::max(1.0, std::round(k * length / (2.0 * pi)));
    if (found.empty() || fitted > found.back() * (1.0 + 1e-12)) found.push_back(fitted);
  }
  return found;
}

}  // namespace

NamedField::NamedField(const FieldSettings& field, const Settings& settings)
    : field_(field), dimension_(settings.dimension), density_(settings.fluid.density) {
  check(settings);
  if (settings.fluid.constant_viscosity()) nu_ = settings.fluid.kinematic_viscosity(0.0, 0.0, 0.0, 0.0);
  for (int d = 0; d < dimension_; ++d) {
    const Axis axis(settings.axes[d]);
    from_[d] = axis.from();
    to_[d] = axis.to();
    if (settings.boundary[2 * d].type != BoundaryType::periodic) gravity_[d] = settings.force.gravity[d];
  }
  gradient_along_x_ = settings.boundary[0].type == BoundaryType::periodic ? 0.0 : 1.0;
  if (field_.name == FieldName::channel && field_.perturbation != 0.0) add_modes();
}

void NamedField::check(const Settings& settings) const {
  const auto refuse = [&](const std::string& reason) {
    throw InputError(fmt::format("field {}: {}", to_string(field_.name), reason));
  };
  const auto periodic = [&](int d) { return settings.boundary[2 * d].type == BoundaryType::periodic; };
  const FieldName name = field_.name;
  const bool spatial = name == FieldName::ethier_steinman || name == FieldName::abc || name == FieldName::duct;
  if (spatial && dimension_ == 2) refuse("is a flow in three dimensions");
  if (depends_on_viscosity(name) && !settings.fluid.constant_viscosity()) refuse("needs a constant viscosity");
  const bool divides = name == FieldName::womersley || name == FieldName::poiseuille || name == FieldName::duct ||
                       name == FieldName::kovasznay;
  if (divides && settings.fluid.viscosity.zero()) refuse("needs a viscosity above 0");
  const auto fits = [&](int d, double k) {
    const Axis axis(settings.axes[d]);
    const double waves = axis.length() * k / (2.0 * pi);
    if (periodic(d) && std::abs(waves - std::round(waves)) > 1e-6 * std::max(1.0, waves))
      refuse(fmt::format("the periodic {} axis holds {:.6g} wavelengths, not a whole number", "xyz"[d], waves));
  };
  const auto not_periodic = [&](int d) {
    if (periodic(d)) refuse(fmt::format("cannot be periodic along {}", "xyz"[d]));
  };
  if (name == FieldName::taylor_green || name == FieldName::abc)
    for (int d = 0; d < dimension_; ++d) fits(d, field_.wavenumber);
  if (name == FieldName::kovasznay) not_periodic(0), fits(1, 2.0 * pi);
  if (name == FieldName::ethier_steinman)
    for (int d = 0; d < 3; ++d) not_periodic(d);
  if (name == FieldName::womersley || name == FieldName::poiseuille || name == FieldName::couette ||
      name == FieldName::duct || name == FieldName::channel)
    not_periodic(1);
  if (name == FieldName::duct) not_periodic(2);
  if (name == FieldName::shear_layer && !periodic(1)) refuse("needs a periodic y axis");
}

/// Wavenumbers in units of the inverse half height: those of the least stable oblique waves and of the vortices that
/// lift up most (Butler & Farrell 1992: beta about 2), as the box allows.
void NamedField::add_modes() {
  const double h = half_height(1);
  const std::vector<double> alphas = fitting_wavenumbers(to_[0] - from_[0], {1.0 / h, 2.0 / h, 3.5 / h});
  std::vector<double> betas{0.0};
  if (dimension_ == 3)
    for (double beta : fitting_wavenumbers(to_[2] - from_[2], {2.0 / h, 4.0 / h, 6.0 / h})) betas.push_back(beta);
  std::uint64_t draw = 0;
  const auto random = [&] { return uniform(field_.seed, draw++); };
  for (double beta : betas)
    for (double sign : {1.0, -1.0})
      for (std::size_t a = 0; a <= alphas.size(); ++a) {
        const double alpha = a == 0 ? 0.0 : alphas[a - 1];
        if (sign < 0.0 && (alpha == 0.0 || beta == 0.0)) continue;
        if (alpha == 0.0 && beta == 0.0) continue;
        const double size = 1.0 / std::hypot(alpha, beta), first = 0.5 + random(), second = 0.5 + random();
        modes_.push_back({beta > 0.0 ? size * first : 0.0, alpha > 0.0 ? size * second : 0.0, alpha, sign * beta,
                          2.0 * pi * random(), 2.0 * pi * random()});
      }
  scale_modes();
}

/// Streamwise vortices and the other modes each carry half of the energy where there are both.
void NamedField::scale_modes() {
  // Means over -1 < eta < 1 of e^2 and (de/deta)^2 with e = (1 - eta^2)^2.
  const double flat = 128.0 / 315.0, steep = 128.0 / 105.0 / squared(half_height(1));
  double energy[2] = {0.0, 0.0};  // mean of |u|^2
  const auto vortex = [](const Mode& m) { return m.alpha == 0.0; };
  for (const Mode& m : modes_) {
    const double px = m.along_x, pz = m.along_z;
    const double v2 = squared(px * m.beta) + squared(pz * m.alpha) -
                      2.0 * px * pz * m.alpha * m.beta * std::cos(m.phase_x - m.phase_z);
    energy[vortex(m)] += 0.5 * (flat * v2 + steep * (px * px + pz * pz));
  }
  const double wanted = squared(field_.perturbation * field_.amplitude) / (energy[0] > 0.0 && energy[1] > 0.0 ? 2 : 1);
  for (Mode& m : modes_) {
    const double factor = std::sqrt(wanted / energy[vortex(m)]);
    m.along_x *= factor;
    m.along_z *= factor;
  }
}

double NamedField::velocity(int c, const Triple& x, double t) const {
  const double U = field_.amplitude;
  switch (field_.name) {
    case FieldName::zero:
      return 0.0;
    case FieldName::taylor_green:
      return taylor_green(c, x, t);
    case FieldName::kovasznay:
      return kovasznay(c, x);
    case FieldName::ethier_steinman:
      return ethier_steinman(c, x, t);
    case FieldName::abc:
      return abc(c, x, t);
    case FieldName::channel:
      return channel(c, x);
    case FieldName::shear_layer:
      return shear_layer(c, x);
    case FieldName::womersley:
      return c == 0 ? womersley(x[1], t) : 0.0;
    case FieldName::poiseuille:
      return c == 0 ? U / (2.0 * nu_) * (x[1] - from_[1]) * (to_[1] - x[1]) : 0.0;
    case FieldName::couette:
      return c == 0 ? U * (x[1] - from_[1]) / (to_[1] - from_[1]) : 0.0;
    case FieldName::duct:
      return c == 0 ? duct(x[1], x[2]) : 0.0;
    case FieldName::expression:
      return field_.velocity[c](x[0], x[1], x[2], t);
  }
  return 0.0;
}

double NamedField::taylor_green(int c, const Triple& x, double t) const {
  const double k = field_.wavenumber, mean = field_.mean_velocity[c];
  if (c == 2) return mean;
  double factor = field_.amplitude * (c == 0 ? 1.0 : -1.0);
  std::array<double, 2> at{x[0], x[1]};
  if (dimension_ == 2) {
    factor *= std::exp(-2.0 * nu_ * k * k * t);
    for (int d = 0; d < 2; ++d) at[d] -= field_.mean_velocity[d] * t;
  } else {
    factor *= std::cos(k * x[2]);
  }
  return mean + factor * std::sin(k * at[c]) * std::cos(k * at[1 - c]);
}

double NamedField::kovasznay(int c, const Triple& x) const {
  const double lambda = kovasznay_rate(nu_);
  const double e = std::exp(lambda * x[0]);
  if (c == 0) return 1.0 - e * std::cos(2.0 * pi * x[1]);
  return c == 1 ? lambda / (2.0 * pi) * e * std::sin(2.0 * pi * x[1]) : 0.0;
}

double NamedField::ethier_steinman(int c, const Triple& x, double t) const {
  const double a = field_.a, d = field_.d;
  const double x0 = x[c], x1 = x[(c + 1) % 3], x2 = x[(c + 2) % 3];
  const double sum = std::exp(a * x0) * std::sin(a * x1 + d * x2) + std::exp(a * x2) * std::cos(a * x0 + d * x1);
  return -a * sum * std::exp(-nu_ * d * d * t);
}

double NamedField::ethier_steinman_pressure(const Triple& x, double t) const {
  const double a = field_.a, d = field_.d;
  double sum = 0.0;
  for (int c = 0; c < 3; ++c) {
    const double x0 = x[c], x1 = x[(c + 1) % 3], x2 = x[(c + 2) % 3];
    sum +=
        std::exp(2.0 * a * x0) + 2.0 * std::sin(a * x0 + d * x1) * std::cos(a * x2 + d * x0) * std::exp(a * (x1 + x2));
  }
  return -0.5 * a * a * sum * std::exp(-2.0 * nu_ * d * d * t);
}

double NamedField::abc(int c, const Triple& x, double t) const {
  const auto& [A, B, C] = field_.coefficients;
  const Triple sines{A, B, C}, cosines{C, A, B};  // of the coordinates before and after c
  const double k = field_.wavenumber;
  const double sum = sines[c] * std::sin(k * x[(c + 2) % 3]) + cosines[c] * std::cos(k * x[(c + 1) % 3]);
  return field_.amplitude * sum * std::exp(-nu_ * k * k * t);
}

double NamedField::channel(int c, const Triple& x) const {
  const double h = half_height(1), eta = (x[1] - middle(1)) / h, gap = 1.0 - eta * eta;
  double u = c == 0 ? field_.amplitude * gap : 0.0;
  const double envelope = gap * gap, slope = -4.0 * eta * gap / h;
  for (const Mode& m : modes_) {
    const double phase = m.alpha * (x[0] - from_[0]) + m.beta * (x[2] - from_[2]);
    if (c == 0) u += slope * m.along_z * std::cos(phase + m.phase_z);
    if (c == 1)
      u += envelope *
           (m.alpha * m.along_z * std::sin(phase + m.phase_z) - m.beta * m.along_x * std::sin(phase + m.phase_x));
    if (c == 2) u -= slope * m.along_x * std::cos(phase + m.phase_x);
  }
  return u;
}

double NamedField::shear_layer(int c, const Triple& x) const {
  const double Y = (x[1] - from_[1]) / (to_[1] - from_[1]);
  if (c == 0) return field_.amplitude * std::tanh((Y <= 0.5 ? Y - 0.25 : 0.75 - Y) / field_.thickness);
  if (c == 1) return field_.perturbation * std::sin(2.0 * pi * ((x[0] - from_[0]) / (to_[0] - from_[0]) + 0.25));
  return 0.0;
}

double NamedField::womersley(double y, double t) const {
  using Complex = std::complex<double>;
  const double w = field_.frequency;
  const Complex k = std::sqrt(Complex(0.0, w / nu_));
  const Complex profile = 1.0 - cosh_ratio(k, std::abs(y - middle(1)), half_height(1));
  return std::real(field_.amplitude / Complex(0.0, w) * profile * std::exp(Complex(0.0, w * t)));
}

/// The parabola across y less the series that makes it vanish at the z walls too; terms fall exponentially away from
/// these.
double NamedField::duct(double y, double z) const {
  const double a = half_height(1), b = half_height(2);
  const double from_middle = y - middle(1), distance = std::abs(z - middle(2));
  if (distance >= b) return 0.0;
  double series = 0.0, sign = 1.0;
  for (int i = 1; i < 20000; i += 2, sign = -sign) {
    const double k = i * pi / (2.0 * a);
    const double size = cosh_ratio(k, distance, b) / (static_cast<double>(i) * i * i);
    series += sign * size * std::cos(k * from_middle);
    if (size < 1e-18) break;
  }
  const double drive = field_.amplitude / nu_;
  return 0.5 * drive * (a * a - squared(from_middle)) - 16.0 * a * a * drive / (pi * pi * pi) * series;
}

bool NamedField::has_pressure() const {
  if (field_.name == FieldName::expression) return field_.pressure_given;
  if (field_.name == FieldName::taylor_green) return dimension_ == 2;
  return field_.name != FieldName::channel && field_.name != FieldName::shear_layer;
}

double NamedField::pressure(const Triple& x, double t) const {
  if (field_.name == FieldName::expression) return field_.pressure(x[0], x[1], x[2], t) / density_;
  double p = closed_pressure(x, t);
  for (int d = 0; d < dimension_; ++d) p += gravity_[d] * x[d];
  return p;
}

double NamedField::closed_pressure(const Triple& x, double t) const {
  const double k = field_.wavenumber;
  switch (field_.name) {
    case FieldName::taylor_green: {
      if (dimension_ == 3) return 0.0;
      const Triple& mean = field_.mean_velocity;
      const double waves = std::cos(2.0 * k * (x[0] - mean[0] * t)) + std::cos(2.0 * k * (x[1] - mean[1] * t));
      return 0.25 * squared(field_.amplitude * std::exp(-2.0 * nu_ * k * k * t)) * waves;
    }
    case FieldName::kovasznay:
      return 0.5 * (1.0 - std::exp(2.0 * kovasznay_rate(nu_) * x[0]));
    case FieldName::ethier_steinman:
      return ethier_steinman_pressure(x, t);
    case FieldName::abc:
      return -0.5 * (squared(abc(0, x, t)) + squared(abc(1, x, t)) + squared(abc(2, x, t)));
    case FieldName::womersley:
      return -gradient_along_x_ * field_.amplitude * std::cos(field_.frequency * t) * x[0];
    case FieldName::poiseuille:
    case FieldName::duct:
      return -gradient_along_x_ * field_.amplitude * x[0];
    default:
      return 0.0;
  }
}

template <int Dim>
void set_velocity(const NamedField& field, const Domain<Dim>& domain, double t, Velocity<Dim>& velocity) {
  for (int c = 0; c < Dim; ++c) {
    Box<Dim> box = domain.layout.interior();
    if (domain.at_boundary(c, Side::high)) ++box.end[c];
    for_each<Dim>(box, [&](const Index<Dim>& i) {
      velocity[c](i) = field.velocity(c, coordinates<Dim>(domain.point(i, Location::faces(c))), t);
    });
  }
}

template void set_velocity<2>(const NamedField&, const Domain<2>&, double, Velocity<2>&);
template void set_velocity<3>(const NamedField&, const Domain<3>&, double, Velocity<3>&);

}  // namespace kolmo::flow
