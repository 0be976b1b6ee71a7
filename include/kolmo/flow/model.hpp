/// An incompressible flow in a box: everything a run needs, and one step of it.
#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kolmo/flow/scheme.hpp"

namespace kolmo::flow {

/// Incompressible Navier-Stokes equations (F1)-(F2) on a staggered tensor-product grid in 2-D or 3-D.
template <int Dim>
class Model {
 public:
  /// Makes grid, operators and solvers; no fields are set yet. Throws InputError for what cannot run.
  Model(const Settings& settings, const Communicator& comm);
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  /// Initial velocity made discretely divergence-free, initial scalars, no pressure history.
  void initialise();
  /// Goes on from a state that `state()` (and scalars, scheme history) was filled with: refreshes boundary values and
  /// ghosts.
  void resume();

  /// Largest dt the settings allow now (cfl times the combined limit, or the fixed step; max_step), without regard to
  /// output times. Throws NumericsError if it falls below min_step, if a fixed step lies beyond the stability limit, or
  /// where the velocity is not finite.
  double choose_step();
  /// One step. Throws NumericsError or NotConverged.
  void step(double dt);

  State<Dim>& state() { return state_; }
  const State<Dim>& state() const { return state_; }
  const Velocity<Dim>& velocity() const { return state_.velocity; }
  double time() const { return state_.t; }
  const Domain<Dim>& domain() const { return domain_; }
  const Settings& settings() const { return settings_; }
  VelocityBoundary<Dim>& boundary() { return boundary_; }
  Projection<Dim>& projection() { return projection_; }
  Momentum<Dim>& momentum() { return momentum_; }
  Forces<Dim>& forces() { return forces_; }
  Scalars<Dim>& scalars() { return scalars_; }
  VariableViscosity<Dim>& variable_viscosity() { return variable_viscosity_; }
  TimeScheme<Dim>& scheme() { return *scheme_; }

  /// Largest viscosity at the present time. Collective if it varies.
  double viscosity();
  static constexpr std::size_t variants = TimeScheme<Dim>::max_variants;
  /// Rates of the step limit, at the largest over all cells: sum |u_d| / h_d, and the combined (C/c)^2 + (V/v)^2 per
  /// dt^2 for every variant of the scheme.
  struct StepRates {
    double courant = 0.0;
    std::array<double, variants> combined{};
    /// Largest stable step of a variant.
    double stable(std::size_t variant) const;
  };
  StepRates step_rates();
  /// Courant number of the last step: dt max sum |u_d| / h_d.
  double courant() const { return courant_; }
  /// The largest of max |u^{n+1} - u^n| / dt and of the same of every scalar, each in its own units per second, in the
  /// last step; only kept where settings ask for a steady end. Infinite before the first step.
  double rate_of_change() const { return rate_of_change_; }
  /// Both as a checkpoint kept them.
  void restore_reports(double courant, double rate_of_change);
  double max_divergence() const { return projection_.max_divergence(state_.velocity); }
  /// Pressure (over density) at the present time, ghosts fresh: extrapolated by half a step (order 2), or from one
  /// extra solve where the settings say so or there is no history yet (order 3).
  void pressure_now(Field<Dim>& p);

  /// What the linear solves took so far, by PETSc prefix without its underscore ("pressure", "momentum").
  std::vector<std::pair<std::string, SolveStatistics>> solve_statistics() const;
  std::string description() const;

 private:
  void make_divergence_free();
  void evaluate_rate(Velocity<Dim>& rate);
  double starting_step();
  const StepRates& present_rates();
  template <std::size_t count>
  void fill_rows(const std::array<double, variants>& of_c, const std::array<double, variants>& of_v);
  static constexpr double worthwhile = 1.05;  // a few percent of a step are not worth the larger error
  std::size_t best_variant(const StepRates& rates, double worth) const;
  std::size_t variant_for(double dt, const StepRates& rates) const;
  void check_finite();
  template <class Visit>
  void for_each_unknown(Visit&& visit);
  void measure_change(double dt);
  void solve_pressure(Field<Dim>& p);
  Settings settings_;
  Domain<Dim> domain_;
  VelocityBoundary<Dim> boundary_;
  Momentum<Dim> momentum_;
  VariableViscosity<Dim> variable_viscosity_;
  Projection<Dim> projection_;
  Forces<Dim> forces_;
  Scalars<Dim> scalars_;
  State<Dim> state_;
  std::unique_ptr<TimeScheme<Dim>> scheme_;
  std::vector<Field<Dim>> before_;  // velocity and scalars of the step before, only where a steady end is asked for
  std::vector<double> inverse_x_;   // 1 / widths of the owned cells along x
  std::vector<double> row_;         // of step_rates: numbers by place in a row
  StepRates rates_;
  std::int64_t rates_step_ = -1;  // the step rates_ belongs to
  double courant_ = 0.0, rate_of_change_ = HUGE_VAL;
};

}  // namespace kolmo::flow
