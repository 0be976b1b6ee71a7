/// The hierarchy of levels and its V-cycle, private to src/linear.
#pragma once

#include <span>
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

/// One collective that moves packed arrays from one set of boxes to another; of the faces of a direction (-1: of
/// cells), where faces at a cut are held on both sides.
class BoxExchange {
 public:
  BoxExchange(const Boxes& from, const Boxes& to, int face, MPI_Datatype type);
  ~BoxExchange();
  BoxExchange(const BoxExchange&) = delete;
  BoxExchange& operator=(const BoxExchange&) = delete;
  void run(const void* from, void* to) const;

 private:
  MPI_Comm comm_;
  std::vector<int> send_, receive_, zeros_;
  std::vector<MPI_Datatype> send_types_, receive_types_;
};

/// The unknowns in boxes that are cut in one direction only.
class Pencil {
 public:
  Pencil(const Boxes& from, int cut);
  const Boxes& boxes() const { return boxes_; }
  /// Views of arrays held here, valid until the next call.
  Operator moved(const Operator& op);
  std::vector<float>& here() { return here_values_; }
  std::vector<float>& there() { return there_values_; }
  void send() { there_.run(here_values_.data(), there_values_.data()); }
  void bring_back() { back_.run(there_values_.data(), here_values_.data()); }

 private:
  Boxes boxes_;
  BoxExchange there_, back_, shift_;
  std::array<BoxExchange, 3> faces_;
  std::vector<float> here_values_, there_values_;
  std::array<std::vector<double>, 3> face_values_;
  std::vector<double> shift_values_;
};

/// How a grid is smoothed and which of the caller's directions is which of ours.
struct Plan {
  Extent order{0, 1, 2};  ///< our direction d is the caller's order[d]
  bool lines = false;     ///< our y lines are solved exactly, and y is not coarsened
  bool pencil = false;    ///< lines are cut: unknowns move to boxes cut in our z only
};

/// Lines where one direction is clustered so strongly that coarsening it step by step costs more; points elsewhere.
/// From sizes only.
Plan choose_plan(const Boxes& boxes, const Widths& widths);

/// Weights of the half sweeps before the correction; after it they come in reverse order. An even number.
std::span<const float> sweep_weights(bool lines);

class Hierarchy {
 public:
  /// Chooses the levels from `op`. Collective over boxes.comm.
  Hierarchy(const Boxes& boxes, const Operator& op);
  /// New coefficients on the same levels; begins anew only where a shift appears that was not there before.
  void set(const Operator& op);
  void apply(const double* b, double* q);
  std::string description() const;

 private:
  struct Step {  ///< between a level and the next coarser one
    Coarsening to;
    Transfer transfer;
    bool twice = false;     ///< the coarse level takes two cycles
    bool gathered = false;  ///< the coarse level lives whole on every rank
    Gather vector, shift;
    std::array<Gather, 3> face;
  };
  void build(bool shifted);
  void set_scale(const Operator& op);
  bool load(const Operator& op);
  bool load_direction(const Operator& op, int d);
  void coarsen_operators();
  void cycle(std::size_t l, bool from_zero);
  Tile coarse_b(std::size_t l);
  Tile coarse_x(std::size_t l);
  /// Smooths (from zero or from what is there) and restricts the residual; adds the correction and smooths.
  void descend(Level& level, const Transfer& transfer, const Tile& coarse, bool from_zero);
  void ascend(Level& level, const Transfer& transfer, const Tile& coarse);
  /// Sum of b and of its sizes over cells that are coupled to others.
  std::array<double, 2> live_sums(const double* b) const;
  /// Level 0's right-hand side from packed values (scale * b - offset), and packed values (scale * x - offset) from its
  /// x.
  template <class Real>
  void take(const Real* b, double scale, double offset);
  template <class Real>
  void give(Real* q, double scale, double offset);
  double sum_of_answer() const;
  template <class Body>
  void for_rows(Body&& body) const;
  template <class Body>
  void for_tiles(Body&& body) const;

  Plan plan_;
  std::unique_ptr<Pencil> pencil_;
  Boxes boxes_;       ///< of the finest level, in our order of directions
  Widths widths_;     ///< likewise
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
