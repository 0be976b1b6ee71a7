/// The hierarchy of levels and its V-cycle, private to src/linear.
#pragma once

#include <string>

#include "multigrid_parts.hpp"

namespace kolmo::multigrid {

/// The operator as the caller has it: local arrays with strides; null in directions that do not exist.
struct Operator {
  Operator() = default;
  /// Strides of arrays packed x fastest over n cells.
  explicit Operator(const Extent& n);
  std::array<const double*, 3> face{};
  const double* shift = nullptr;
  std::array<Strides, 3> face_stride{};  ///< of the array face[d], per direction
  Strides cell_stride{};
  Operator permuted(const Extent& order) const;
};

/// Effective cell widths from the conductances alone: at every cell the ratio of two directions' conductances is the
/// inverse square ratio of the widths, whatever the local density; widths follow from the means of its logarithm over
/// planes.
Widths widths_of(const Boxes& boxes, const Operator& op);

/// How a grid is smoothed and which of the caller's directions is which of ours.
struct Plan {
  Extent order{0, 1, 2};  ///< our direction d is the caller's order[d]
  bool lines = false;     ///< our y lines are solved exactly, and y is not coarsened
};

/// Lines where one direction is clustered so strongly that coarsening it step by step costs more; points elsewhere.
/// From sizes only.
Plan choose_plan(const Boxes& boxes, const Widths& widths);

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
    Transfer transfer;
    bool gathered = false;  ///< the coarse level lives whole on every rank
    Gather vector, shift;
    std::array<Gather, 3> face;
  };
  void build(const Boxes& boxes, Widths widths, bool shifted);
  void set_scale(const Operator& op);
  bool load(const Operator& op);
  bool load_direction(const Operator& op, int d);
  void coarsen_operators();
  void cycle(std::size_t l);
  Tile coarse_b(std::size_t l);
  Tile coarse_x(std::size_t l);
  /// Smooths from zero and restricts the residual; adds the correction and smooths.
  void descend(Level& level, const Transfer& transfer, const Tile& coarse);
  void ascend(Level& level, const Transfer& transfer, const Tile& coarse);
  /// Red-black half sweeps before and after the correction. In one pass over cached planes, sweeps cost little beside
  /// the rest of a conjugate gradient iteration: V(4,4) takes 3 to 5 iterations to 1e-6 where V(2,2) takes 4 to 7;
  /// lines V(3,3) 4, V(1,1) 7.
  static int half_sweeps(const Level& level) { return 2 * (level.lines ? line_sweeps : point_sweeps); }
  static constexpr int point_sweeps = 4, line_sweeps = 3;

  void sums(const double* b, double* sum, double* size) const;
  void take(const double* b, double scale, double mean);
  void give(double* q, double scale);
  double mean_of_answer() const;
  template <class Body>
  void for_rows(Body&& body) const;
  template <class Body>
  void for_tiles(Body&& body) const;

  Plan plan_;
  Strides packed_{};  ///< strides of the caller's cells in our directions
  std::vector<std::unique_ptr<Level>> levels_;
  std::vector<Step> steps_;
  DenseInverse direct_;
  bool singular_ = false;
  double live_cells_ = 0.0;  ///< cells with a coupling, of all ranks
  bool dead_cells_ = false;
  double operator_scale_ = 1.0;  ///< largest conductance: keeps floats in range whatever the units
};

}  // namespace kolmo::multigrid
