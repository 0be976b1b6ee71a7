/// The hierarchy of levels and its V-cycle, private to src/linear.
#pragma once

#include <optional>
#include <string>

#include "multigrid_parts.hpp"

namespace kolmo::multigrid {

/// The operator as the caller has it: packed local arrays, x fastest; null in directions that do not exist.
struct Operator {
  std::array<const double*, 3> face{};
  const double* shift = nullptr;
};

/// Effective cell widths from the conductances alone: at every cell the ratio of two directions' conductances is the
/// inverse square ratio of the widths, whatever the local density; widths follow from the means of its logarithm over
/// planes.
Widths widths_of(const Boxes& boxes, const Operator& op);

class Hierarchy {
 public:
  /// Chooses the levels from `op`. Collective over boxes.comm.
  Hierarchy(const Boxes& boxes, const Operator& op);
  /// New coefficients on the same levels.
  void set(const Operator& op);
  void apply(const double* b, double* q);
  std::string description() const;

 private:
  struct Step {  ///< between a level and the next coarser one
    Coarsening to;
    bool gathered = false;  ///< the coarse level lives whole on every rank
    Gather vector, shift;
    std::array<Gather, 3> face;
  };
  void build(const Boxes& boxes, Widths widths, bool shifted);
  bool load(const Operator& op);
  void coarsen_operators();
  void cycle(std::size_t l);
  /// Smooths from zero and restricts the residual; adds the correction and smooths.
  void descend(Level& level, const Coarsening& to, const Tile& coarse);
  void ascend(Level& level, const Coarsening& to, const Tile& coarse);
  /// No ghost of another rank and no wrapping in z stands against sweeps that follow each other plane by plane.
  static bool fusible(const Level& level) { return level.halo.local() && !level.halo.self(2); }
  Tile coarse_b(std::size_t l);
  Tile coarse_x(std::size_t l);
  void take(const double* b, double scale, double mean);
  void give(double* q, double scale);

  static constexpr int sweeps_ = 2;
  std::vector<std::unique_ptr<Level>> levels_;
  std::vector<Step> steps_;
  DenseInverse direct_;
  bool singular_ = false;
  double live_cells_ = 0.0;  ///< cells with a coupling, of all ranks
  bool dead_cells_ = false;
  double operator_scale_ = 1.0;  ///< largest conductance: keeps floats in range whatever the units
};

}  // namespace kolmo::multigrid
