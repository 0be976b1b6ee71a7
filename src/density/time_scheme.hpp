// Advancing the density by one step.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "generator.hpp"
#include "implicit_solver.hpp"
#include "kolmo/density/grid_engine.hpp"

namespace kolmo::density {

/// A state that every scheme advances: p, what the boundaries took (2 * axis + side, whole domain), the mass below zero
/// that was dropped, and the largest |factor - 1| by which a step was scaled to its mass.
template <int Dim>
struct State {
  Field<Dim> p;
  double time = 0.0;
  std::vector<double> escaped;
  double dropped = 0.0, correction = 0.0;
};

template <int Dim>
class TimeScheme {
 public:
  virtual ~TimeScheme() = default;
  /// Advances from state.time by dt; returns the estimated local error in L1 relative to the mass, 0 where none is
  /// wanted. With an error above `limit` the state stays as it was. more: another step follows before the state is
  /// looked at. Throws NotConverged.
  virtual double advance(State<Dim>& state, double dt, double limit, bool more) = 0;
  /// The error is of this order in dt.
  virtual int error_order() const = 0;
  /// Largest step for stability and positivity, infinite where there is none.
  virtual double step_limit() { return HUGE_VAL; }
  virtual std::vector<std::pair<std::string, SolveStatistics>> statistics() const { return {}; }
  virtual LineCounts line_counts() const { return {}; }
  virtual std::string description() const = 0;
};

/// What the engine makes of its settings.
template <int Dim>
Grid<Dim> make_grid(const Settings& settings);
Scheme chosen_scheme(const Settings& settings);
GeneratorOptions generator_options(const Settings& settings);

/// Forward Euler steps combined (Shu & Osher 1988): order 2 or 3, positive up to the limit of forward Euler.
template <int Dim>
std::unique_ptr<TimeScheme<Dim>> make_explicit_scheme(Generator<Dim>& generator, int stages, bool control);
/// Backward Euler (theta = 1), first order: solutions of an M-matrix are nonnegative, transport is upwind. Or
/// Crank-Nicolson (theta = 1/2).
template <int Dim>
std::unique_ptr<TimeScheme<Dim>> make_theta_scheme(Generator<Dim>& generator, const SolverSettings& solver,
                                                   double theta, bool control);
/// Bank et al. 1985 as a Runge-Kutta scheme of two implicit stages, with the explicit companion of Giraldo, Kelly &
/// Constantinescu 2013 (ARK2) for limited fluxes.
template <int Dim>
std::unique_ptr<TimeScheme<Dim>> make_tr_bdf2(Generator<Dim>& generator, const SolverSettings& solver, bool control);

/// Strang splitting with line solves; the error, where wanted, by halving the step.
template <int Dim>
std::unique_ptr<TimeScheme<Dim>> make_splitting(Generator<Dim>& generator, bool control);
/// The product over directions of (1 - a L_d)^-1, line by line, for the matrix-free form beyond three dimensions.
/// Empty (Jacobi) where fluxes are given on a boundary. Directions of pure transport are left out.
template <int Dim>
Preconditioner line_preconditioner(Generator<Dim>& generator);

// Small helpers on the unknowns of a field; all fields have the same layout.

/// to := sum of factor_k * from_k.
template <int Dim>
void combine(const Box<Dim>& box, std::initializer_list<std::pair<double, const Field<Dim>*>> terms, Field<Dim>& to);
/// Sum of volume * |field|. Collective.
template <int Dim>
double norm1(const transport::ControlVolumes<Dim>& volumes, const Field<Dim>& field);
/// Adds the shares of all ranks.
void add_escaped(const Communicator& comm, std::vector<double>& share, std::vector<double>& escaped);

}  // namespace kolmo::density
