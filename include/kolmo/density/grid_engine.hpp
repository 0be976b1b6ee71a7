/// The density on a grid: generator, time scheme and state of a run in 1 to 6 dimensions.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kolmo/density/settings.hpp"
#include "kolmo/grid/decomposition.hpp"
#include "kolmo/grid/field.hpp"
#include "kolmo/linear/solver.hpp"

namespace kolmo::density {

/// Line solves, those that fell back to backward Euler, and those whose negative values (less than 1e-3 of the line's
/// mass) were dropped.
struct LineCounts {
  std::int64_t solves = 0, fallbacks = 0, repairs = 0;
};

/// dp/dt = -div J on finite volumes: cell averages p, mass = sum of volume * p.
template <int Dim>
class GridEngine {
 public:
  /// Makes grid, operators and solvers; no density is set yet. Throws InputError for what cannot run.
  GridEngine(const Settings& settings, const Communicator& comm);
  ~GridEngine();
  GridEngine(const GridEngine&) = delete;
  GridEngine& operator=(const GridEngine&) = delete;

  /// Cell averages of the initial density, divided by their integral where it is an expression.
  void initialise();
  /// Goes on from p, t and step that the caller has filled in.
  void resume();
  /// time.step; or what time.tolerance allows, going by the error of the last step; or time.cfl of the explicit limit.
  /// Implicit schemes without a step take a tolerance of 1e-4.
  double choose_step();
  /// Advances by dt; where the local error is controlled, by less if it would be too large: last_step() and time() say
  /// how far. more: another step follows before anything is asked of this engine but time() and choose_step(); a
  /// splitting then takes neighbouring sweeps together. Throws NumericsError or NotConverged.
  void step(double dt, bool more = false);
  /// p := the stationary density: the null vector of the generator, mass 1.
  void solve_stationary();

  const Grid<Dim>& grid() const;
  const Decomposition<Dim>& decomposition() const;
  const Settings& settings() const;
  const Problem& problem() const;
  Field<Dim>& density();
  const Field<Dim>& density() const;
  double time() const;
  std::int64_t step_count() const;
  double last_step() const;
  void set_clock(double time, std::int64_t steps, double last_step);
  /// The step that error control means to take next; 0: not known yet. Part of the state of a run; set after set_clock.
  double proposed_step() const;
  void set_proposed_step(double step);

  /// rate := dp/dt of the present density, made like density() if it is empty. Ghosts are refreshed inside. Collective.
  void rate(Field<Dim>& rate);
  /// The probability flux J at the faces of every direction (faces of direction d: components[d], the high boundary
  /// face in the ghosts; made here where they are empty): the numbers that rate() differences. Collective.
  void flux(std::array<Field<Dim>, Dim>& components);
  /// What the boundaries took since the start, by face 2 * axis + side (out of the domain positive): the time integral
  /// of the outward flux as the scheme used it, so that mass + sum = initial mass to round-off.
  const std::vector<double>& escaped() const;
  void set_escaped(std::vector<double> escaped);
  /// What the splitting did to stay positive, so far in this run of the program. Collective.
  LineCounts line_counts() const;
  /// Mass below zero that was set to zero, the rest scaled: by repairs of lines, and by backward Euler where the
  /// tolerance of the solver left some; summed over the steps since the start. With a stationary density: of that.
  double dropped_mass() const;
  /// The largest |factor - 1| by which an implicit step was scaled to the mass it must have, since the start.
  double mass_correction() const;
  /// What the last round for limited fluxes of a stationary solve changed of the density, in L1; 0 without such rounds.
  double stationary_change() const;
  void set_repairs(double dropped_mass, double mass_correction);
  /// max |dp/dt| / max p of the last step; only kept where settings ask for a steady end. Infinite before the first.
  double rate_of_change() const;
  void set_rate_of_change(double rate);

  std::vector<std::pair<std::string, SolveStatistics>> solve_statistics() const;
  /// Scheme, flux and solver with the reason for each choice; for the log and run.toml.
  std::string description() const;
  /// Bytes this engine will hold at most, solvers included, summed over this number of ranks.
  static double memory_estimate(const Settings& settings, int ranks);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace kolmo::density
