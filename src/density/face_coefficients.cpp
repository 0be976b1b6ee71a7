#include "face_coefficients.hpp"

#include <algorithm>
#include <cmath>

#include "gauss.hpp"
#include "kolmo/transport/exponential_fit.hpp"

namespace kolmo::density {

using transport::FaceWeights;

FaceWeights fitted(double conductance, double peclet) {
  const double least = conductance * transport::bernoulli(std::abs(peclet));
  return {least + conductance * std::max(peclet, 0.0), -least + conductance * std::min(peclet, 0.0)};
}

template <int Dim>
FaceCoefficients<Dim>::FaceCoefficients(const Settings& settings, const Grid<Dim>& grid, bool split)
    : settings_(&settings), problem_(&settings.problem), grid_(&grid), watch_(settings.problem) {
  ask();
  if (!problem_->has_potential() || !problem_->autonomous() || settings.flux != FluxKind::fitted) return;
  for (int d = 0; d < Dim; ++d)
    if (split && transport(d)) return;
  circulation_.emplace(settings, grid);
  potential_ = circulation_->kind() != Circulation<Dim>::Kind::unknown;
}

template <int Dim>
void FaceCoefficients<Dim>::ask() {
  for (int d = 0; d < Dim; ++d) {
    Known& k = known_[d];
    k.transport = problem_->diffusion_zero(d, d);
    k.bent = problem_->autonomous() && !problem_->drift_affine_in(d, d);
    k.diffusion_varies = problem_->diffusion_depends_on(d, d, d);
    for (int j = 0; j < Dim; ++j) {
      k.crossed[j] = j != d && !problem_->diffusion_zero(d, j);
      k.cross_varies[j] = problem_->diffusion_depends_on(d, j, j);
      k.any_crossed = k.any_crossed || k.crossed[j];
    }
  }
}

template <int Dim>
bool FaceCoefficients<Dim>::crossed() const {
  return std::any_of(known_.begin(), known_.end(), [](const Known& k) { return k.any_crossed; });
}

template <int Dim>
std::array<bool, Dim> FaceCoefficients<Dim>::depends(int d) const {
  std::array<bool, Dim> on{};
  on[d] = true;
  const bool separable = problem_->separable();
  for (int e = 0; e < Dim; ++e) {
    if (problem_->drift_depends_on(d, e) || (potential_ && (!separable || transport(d)))) on[e] = true;
    for (int j = 0; j < Dim; ++j) {
      if (problem_->diffusion_depends_on(d, j, e)) on[e] = true;
      // Edges lead out of the domain, or metrics vary: cross terms are felt along j.
      if (crossed(d, j)) on[j] = true;
    }
  }
  return on;
}

template <int Dim>
std::array<bool, Dim> FaceCoefficients<Dim>::cross_depends(int i, int j) const {
  std::array<bool, Dim> on{};
  for (int e = 0; e < Dim; ++e) on[e] = potential_ || problem_->diffusion_depends_on(i, j, e);
  return on;
}

template <int Dim>
bool FaceCoefficients<Dim>::uniform(int d) const {
  const std::array<bool, Dim> on = depends(d);
  return std::count(on.begin(), on.end(), true) == 1;
}

template <int Dim>
bool FaceCoefficients<Dim>::recomputed(int d) const {
  std::array<bool, Dim> on = depends(d);
  on[0] = true;  // tables keep every row along x
  return Dim > 3 && settings_->coefficients == Coefficients::recomputed &&
         std::count(on.begin(), on.end(), true) == Dim;
}

template <int Dim>
bool FaceCoefficients<Dim>::autonomous(int) const {
  return problem_->autonomous();
}

template <int Dim>
double FaceCoefficients<Dim>::lifted(const Point<Dim>& x) const {
  return std::min(problem_->potential(x.data()) - reference_, 600.0);
}

template <int Dim>
double FaceCoefficients<Dim>::diffusion(int d, const Point<Dim>& x, double t) const {
  const double value = problem_->diffusion(d, d, x.data(), t);
  watch_.see(d, x, t, value);
  return value;
}

/// 1/2 D_dd / h less what the edges beside the face have taken over.
template <int Dim>
double FaceCoefficients<Dim>::conductance(const FaceSite<Dim>& s, double t) const {
  const int d = s.direction;
  if (transport(d)) return 0.0;
  const double whole = 0.5 * diffusion(d, s.centre, t) * s.inverse_distance;
  double g = whole;
  if (s.boundary >= 0 || mixed_) return g;
  for (int j = 0; j < Dim; ++j) {
    if (!crossed(d, j)) continue;
    const Axis& axis = grid_->axis(j);
    for (int side = 0; side < 2; ++side) {
      const int node = s.cell[j] + side;
      if (!axis.periodic() && (node == 0 || node == axis.cells())) continue;
      Point<Dim> x = s.centre;
      x[j] = axis.node(axis.periodic() && node == axis.cells() ? 0 : node);
      g -= 0.5 * std::abs(cross(d, j, x, t)) / axis.width(s.cell[j]);
    }
  }
  // Noise of rank one on equal widths leaves exactly nothing: round-off must not make that less than nothing.
  return std::abs(g) <= 1e-14 * whole ? 0.0 : g;
}

template <int Dim>
double FaceCoefficients<Dim>::cross(int i, int j, const Point<Dim>& x, double t) const {
  return 0.5 * problem_->diffusion(i, j, x.data(), t);
}

template <int Dim>
double FaceCoefficients<Dim>::potential_difference(const Point<Dim>& from, const Point<Dim>& to) const {
  return problem_->potential(to.data()) - problem_->potential(from.data());
}

/// f_d - 1/2 sum over j != d of dD_dj / dx_j.
template <int Dim>
double FaceCoefficients<Dim>::drift(int d, const Point<Dim>& x, double t) const {
  double a = problem_->drift(d, x.data(), t);
  if (!known_[d].any_crossed) return a;
  for (int j = 0; j < Dim; ++j)
    if (crossed(d, j) && known_[d].cross_varies[j])
      a -= 0.5 * problem_->diffusion_derivative(d, j, j, x.data(), t, grid_->axis(j).min_width());
  return a;
}

template <int Dim>
double FaceCoefficients<Dim>::mean_drift(const FaceSite<Dim>& s, double t) const {
  const int d = s.direction;
  const double middle = 0.5 * (s.low + s.high), half = 0.5 * (s.high - s.low);
  if (transport(d)) return drift(d, s.centre, t);
  if (!known_[d].bent) return drift(d, s.inside(middle), t);
  double sum = 0.0;
  for (int k = 0; k < gauss::few; ++k)
    sum += 0.5 * gauss::few_weight[k] * drift(d, s.inside(middle + half * gauss::few_position[k]), t);
  return sum;
}

/// P of a face with conductance g > 0.
template <int Dim>
double FaceCoefficients<Dim>::peclet(const FaceSite<Dim>& s, double t, double g) const {
  const int d = s.direction;
  if (!known_[d].diffusion_varies) return mean_drift(s, t) / g;
  const double h = s.high - s.low, middle = 0.5 * (s.low + s.high);
  auto along = [&](double x) { return diffusion(d, s.inside(x), t); };
  const double low = along(s.low), high = along(s.high);
  // Steep or vanishing D, or a conductance that cross terms have changed: plain differences.
  if (std::min(low, high) < 0.2 * std::max(low, high) || crossed())
    return (mean_drift(s, t) - 0.5 * (high - low) / h) / g;
  double sum = 0.0;
  for (int k = 0; k < gauss::few; ++k) {
    const double x = middle + 0.5 * h * gauss::few_position[k];
    sum += 0.5 * gauss::few_weight[k] * 2.0 * drift(d, s.inside(x), t) / along(x);
  }
  return sum * h - std::log(high / low);
}

template <int Dim>
typename FaceCoefficients<Dim>::Numbers FaceCoefficients<Dim>::with_potential(const FaceSite<Dim>& s, double t) const {
  const Point<Dim> low = s.point(s.low), high = s.point(s.high);
  const double u_low = problem_->potential(low.data()), u_high = problem_->potential(high.data());
  const double g = conductance(s, t), difference = u_high - u_low;
  Numbers n;
  n.negative = g < 0.0;
  n.drift = problem_->drift(s.direction, s.centre.data(), t);
  n.weights = fitted(g, -difference);
  if (!circulates()) return n;
  const double phi_low = circulation_->flux(s, u_low), phi_high = circulation_->flux(s, u_high);
  n.velocity = circulation_->flux(s, reference_);
  n.weights.low = transport::exponential_fit(phi_low, n.weights.low).low;
  n.weights.high = transport::exponential_fit(phi_high, -n.weights.high).high;
  return n;
}

/// f itself rules at a boundary (D8), be it that a_d of the weights points the other way. The mean over the half cell
/// serves where it is that of f.
template <int Dim>
double FaceCoefficients<Dim>::boundary_drift(const FaceSite<Dim>& s, double t, double mean) const {
  const Known& k = known_[s.direction];
  const double f = problem_->drift(s.direction, s.centre.data(), t);
  bool own = !k.diffusion_varies && f * mean > 0.0;
  for (int j = 0; j < Dim; ++j) own = own && !(k.crossed[j] && k.cross_varies[j]);
  return own ? mean : f;
}

template <int Dim>
typename FaceCoefficients<Dim>::Numbers FaceCoefficients<Dim>::at(const FaceSite<Dim>& s, double t) const {
  if (potential_) return with_potential(s, t);
  Numbers n = without_potential(s, t);
  if (s.boundary >= 0) n.drift = boundary_drift(s, t, n.drift);
  return n;
}

template <int Dim>
typename FaceCoefficients<Dim>::Numbers FaceCoefficients<Dim>::without_potential(const FaceSite<Dim>& s,
                                                                                 double t) const {
  Numbers n;
  const double g = conductance(s, t);
  n.negative = g < 0.0;
  const bool fit = is_fitted(settings_->flux) && g > 0.0;  // else the caller changes to mixed cross terms
  const bool left = known_[s.direction].any_crossed && s.boundary < 0 && !mixed_;
  if (fit) {
    const double p = peclet(s, t, g);
    if (left) watch_.see_peclet(p);
    n.drift = p * g;
    n.weights = fitted(g, p);
    return n;
  }
  n.drift = mean_drift(s, t);
  if (left && is_fitted(settings_->flux) && n.drift != 0.0) watch_.see_peclet(HUGE_VAL);
  if (known_[s.direction].diffusion_varies)
    n.drift -=
        0.5 * problem_->diffusion_derivative(s.direction, s.direction, s.direction, s.centre.data(), t, s.high - s.low);
  if (settings_->flux == FluxKind::central) {
    const double outside = s.boundary < 0 ? 0.5 : s.boundary == 0 ? 1.0 : 0.0;  // share of the low point
    n.weights = {outside * n.drift + g, (1.0 - outside) * n.drift - g};
  } else {
    n.weights = {std::max(n.drift, 0.0) + g, std::min(n.drift, 0.0) - g};
    n.velocity = n.drift;
  }
  return n;
}

template <int Dim>
std::string FaceCoefficients<Dim>::description() const {
  std::string text = settings_->flux == FluxKind::fitted    ? "exponential fit"
                     : settings_->flux == FluxKind::fitted4 ? "exponential fit of fourth order, not positive"
                     : settings_->flux == FluxKind::central ? "central"
                                                            : "limited advection, central diffusion";
  if (circulation_) text += mixed_ ? "" : " (" + circulation_->description() + ")";
  return text;
}

template class FaceCoefficients<1>;
template class FaceCoefficients<2>;
template class FaceCoefficients<3>;
template class FaceCoefficients<4>;
template class FaceCoefficients<5>;
template class FaceCoefficients<6>;

}  // namespace kolmo::density
