/// Strang splitting of the density equation over directions.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "kolmo/density/line_step.hpp"

namespace kolmo::density {

/// A conservative part of dp/dt that belongs to no single direction (the cross terms of a full diffusion tensor).
template <int Dim>
struct ExplicitPart {
  /// rate := that part of dp/dt; refreshes the ghosts of p as it needs. Collective.
  std::function<void(Field<Dim>& p, Field<Dim>& rate)> rate;
  /// Largest step of the whole splitting with which the part may be taken explicitly: its growth over such a step has
  /// to stay below what the lines damp (about 1 / the fastest rate). Longer steps are divided.
  double max_step = 0.0;
};

/// (D11) dp/dt = sum_d L_d p + C p by Strang's (1968) symmetric splitting,
///     p(t + dt) = e^{C dt/2} e^{L_1 dt/2} ... e^{L_n dt} ... e^{L_1 dt/2} e^{C dt/2} p(t),    second order in dt,
/// with LineStep for e^{L dt} and SSP-RK2 for C. Directions whose weights are the same on every line commute and form
/// one group: if all are, and nothing flows in, there is no splitting error at all. Nothing here couples lines but C,
/// so that mass, positivity and common stationary densities are kept as LineStep keeps them. Coefficients that depend
/// on time: set weights of the middle of the step before each step.
///
/// One step takes every group twice but the middle one; with `more` to come, the first and last group of neighbouring
/// steps are taken together.
template <int Dim>
class Splitting {
 public:
  Splitting(const Grid<Dim>& grid, const Decomposition<Dim>& cells, const Layout<Dim>& layout,
            const LineOptions& options = {});

  /// Weights of weights.direction; all directions must be given before the first step. They are read in place and must
  /// outlive this object or the next `set`. Only between complete steps (`finish`). Collective.
  void set(const DirectionWeights<Dim>& weights);
  /// No part: an empty function.
  void set_explicit_part(ExplicitPart<Dim> part);

  /// Puts the directions in order; all must have weights. The first step does it too.
  void arrange();
  /// Advances p by dt. more: leaves the last group to the next step; `finish` must be called before p is looked at.
  void step(Field<Dim>& p, double dt, bool more = false);
  /// Completes a step that was left open; else does nothing.
  void finish(Field<Dim>& p);

  /// Mass that left through the boundaries since the start, by face 2 * axis + side, all ranks. Collective.
  std::vector<double> escaped() const;
  /// The same, added to `to`. Collective.
  void add_escaped(std::vector<double>& to) const;
  /// Mass below zero that repairs dropped, all ranks. Collective.
  double dropped() const;
  /// escaped() and dropped() count from 0 again: who adds up step by step gets the same bits whenever the sum was
  /// begun.
  void reset_sums();
  /// Line solves that took backward Euler to stay positive, and lines solved, on all ranks. Collective.
  std::pair<std::int64_t, std::int64_t> fallbacks() const;
  /// Line solves whose negative values, less than 1e-3 of the line's mass, were dropped. Collective.
  std::int64_t repairs() const;
  /// "exponential x y, sdirk2 z", by the given names of the variables: groups from the outermost to the middle.
  std::string description(const std::vector<std::string>& names) const;

 private:
  void run_group(Field<Dim>& p, std::size_t group, double dt);
  void run_outer(Field<Dim>& p, double dt);
  void run_explicit(Field<Dim>& p, double dt);
  void strang(Field<Dim>& p, double dt, bool more);

  Communicator comm_;
  Layout<Dim> layout_;
  std::vector<LineStep<Dim>> lines_;
  std::array<bool, Dim> given_{}, commute_{};
  std::vector<std::vector<int>> groups_;  // from the outermost to the middle one
  ExplicitPart<Dim> explicit_;
  Field<Dim> rate_, stage_;
  double pending_ = 0.0;
  bool arranged_ = false;
};

}  // namespace kolmo::density
