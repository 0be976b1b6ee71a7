// What the fluxes, schemes and solvers cannot do, refused with the place of the key that asks for it.
#include <fmt/format.h>

#include <algorithm>

#include "kolmo/density/line_step.hpp"
#include "settings_reader.hpp"
#include "time_scheme.hpp"

namespace kolmo::density {

Scheme chosen_scheme(const Settings& settings) {
  if (settings.time.scheme != Scheme::automatic) return settings.time.scheme;
  if (settings.flux == FluxKind::limited) return Scheme::ssp_rk3;
  return settings.problem.dimension() <= 2 ? Scheme::tr_bdf2 : Scheme::splitting;
}

GeneratorOptions generator_options(const Settings& settings) {
  if (settings.time.stationary) return {.linear = true, .frozen = true};
  const Scheme scheme = chosen_scheme(settings);
  return {.linear = scheme == Scheme::backward_euler, .split = scheme == Scheme::splitting};
}

}  // namespace kolmo::density

namespace kolmo::density::detail {

void Reader::scheme_limits() const {
  if (s_.solver.method == LinearMethod::boxmg)
    refuse("solver.method", "boxmg is for symmetric operators, and that of a density is not: take gmres or aij");
  if (s_.flux == FluxKind::fitted4) fourth_order_limits();
  if (!s_.time.stationary && chosen_scheme(s_) == Scheme::crank_nicolson) crank_nicolson_limits();
}

void Reader::fourth_order_limits() const {
  const std::string path = "engine.flux";
  const Problem& problem = s_.problem;
  if (s_.time.stationary) refuse(path, "fitted4 is for steps in time: a stationary solve takes fitted");
  if (!problem.separable())
    refuse(path, "fitted4 needs a drift and a diffusion of each direction that depend on its own variable");
  if (problem.has_potential())
    refuse(path,
           "fitted4 keeps the equilibrium of the drift and would not look at problem.potential: take fitted, or "
           "give the density to compare with as problem.exact");
  constexpr int least = 5;  // the divergence of a cell
  for (int d = 0; d < dimension(); ++d) {
    const std::string& name = definition_.variables[d];
    if (problem.diffusion_zero(d, d)) refuse(path, fmt::format("fitted4 needs noise in {}", name));
    if (s_.axes[d].cells < least)
      refuse(fmt::format("grid.{}.cells", name),
             fmt::format("fitted4 needs at least {} cells (given {})", least, s_.axes[d].cells));
  }
  if (chosen_scheme(s_) == Scheme::splitting) fourth_order_splitting();
}

/// The splitting takes four-point fluxes by the exponential only: LineStep says where it does.
void Reader::fourth_order_splitting() const {
  bool varying = !s_.problem.autonomous();
  for (const BoundarySettings& face : s_.boundary)
    varying = varying || (face.type == BoundaryType::inflow && face.density.depends_on_time());
  const LineOptions options{.varying = varying};
  for (int d = 0; d < dimension(); ++d) {
    const int n = s_.axes[d].cells;
    std::int64_t lines = 1;
    for (int e = 0; e < dimension(); ++e)
      lines = e == d ? lines : std::min<std::int64_t>(lines * s_.axes[e].cells, 1LL << 31);
    if (options.exponential(n, lines)) continue;
    const std::string& name = definition_.variables[d];
    if (n > options.max_exponential)
      refuse("engine.flux",
             fmt::format("with splitting, fitted4 takes lines of up to {} cells ({} has {}): use tr-bdf2, "
                         "or fitted",
                         options.max_exponential, name, n));
    refuse("engine.flux",
           fmt::format("with splitting and coefficients that depend on t, fitted4 needs at least {} lines along {} "
                       "(there are {}): use tr-bdf2, or fitted",
                       options.products * n, name, lines));
  }
}

void Reader::crank_nicolson_limits() const {
  if (!s_.time.step)
    refuse("time.scheme", "crank-nicolson does not estimate its error: give time.step, or take tr-bdf2");
  for (int d = 0; d < dimension(); ++d)
    if (s_.problem.diffusion_zero(d, d) && s_.flux != FluxKind::central)
      refuse("time.scheme", fmt::format("crank-nicolson cannot carry the limited transport of {}, which has no noise: "
                                        "take tr-bdf2, splitting or ssp-rk3",
                                        definition_.variables[d]));
}

}  // namespace kolmo::density::detail
