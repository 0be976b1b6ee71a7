// The implicit step along a direction of which two ranks hold a half each.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "half_solver.hpp"
#include "line_data.hpp"

namespace kolmo::density {

/// What the lines of a step add up to.
struct LineSums {
  std::array<double, 2> escaped{};
  double dropped = 0.0;
  std::int64_t fallbacks = 0, repairs = 0, lines = 0;
};

/// How the lines of a rank are taken.
struct HalvedPlan {
  int lanes = 1;
  std::ptrdiff_t blocks = 0, batches = 0;
  int panels = 1;     ///< blocks of a batch
  int under_way = 1;  ///< batches
};

/// Lines stay where they are; HalfSolver does the arithmetic. Lines are taken by batches, several under way at once:
/// while the numbers of one batch travel the next is eliminated. One message each way per batch and two more (none with
/// backward Euler): 48 bytes (24) for every lane of all panels of a batch, be they full or not. Where a line falls
/// back, another of 24 bytes for every lane of its panel.
template <int Dim>
class HalvedStep {
 public:
  /// Whether this is how the implicit step goes along a direction.
  static bool possible(const Decomposition<Dim>& cells, int direction) {
    return cells.processes()[direction] == 2 && !cells.periodic()[direction];
  }
  /// extent: of this rank's cells; axis_cells: of a whole line.
  static HalvedPlan plan(const Index<Dim>& extent, int direction, int axis_cells, bool euler);
  /// data: of this rank's half, made with `halved`.
  HalvedStep(const LineData<Dim>& data, const Decomposition<Dim>& cells, bool euler);
  ~HalvedStep();
  HalvedStep(const HalvedStep&) = delete;
  HalvedStep& operator=(const HalvedStep&) = delete;

  /// After each LineData::set.
  void take_weights();
  /// Collective. Allocates nothing. Of counts, the rank below the cut alone adds to what concerns whole lines.
  void advance(const ArrayView<Dim>& p, double dt, LineSums& sums);

 private:
  enum Section { kept, rate, sum, second, positive, negative, sections };

  std::ptrdiff_t size() const { return static_cast<std::ptrdiff_t>(lanes_) * panels_; }
  double* section(std::vector<double>& message, int which, int panel) const {
    return message.data() + which * size() + static_cast<std::ptrdiff_t>(panel) * lanes_;
  }
  HalfSolver& solver(std::ptrdiff_t batch, int panel) { return solvers_[(batch % plan_.under_way) * panels_ + panel]; }
  template <class Body>
  void for_panels(std::ptrdiff_t batch, Body&& body);

  HalfPanel prepare(const LineBlock<Dim>& block);
  void begin(std::ptrdiff_t batch, double dt, std::vector<double>& send);
  void next(std::ptrdiff_t batch, std::vector<double>& received, std::vector<double>& send);
  void finish(std::ptrdiff_t batch, std::vector<double>& received, std::vector<double>& send);
  void store(std::ptrdiff_t batch, double dt, std::vector<double>& received, LineSums& sums);
  void repair(HalfSolver& one, const LineBlock<Dim>& block, double dt, const double* masses, LineSums& sums);
  void fall_back(const LineBlock<Dim>& block, double dt);
  void put(const HalfSolver& solver, const LineBlock<Dim>& block, LineSums& sums);

  const LineData<Dim>& data_;
  bool euler_, lower_;
  int other_;
  HalvedPlan plan_;
  int lanes_, panels_;
  MPI_Comm comm_ = MPI_COMM_NULL;
  std::vector<HalfSolver> solvers_;
  HalfSolver fallback_;
  LineArray<Dim> p_;
  std::vector<double> p_copy_, low_copy_, high_copy_, border_;
  double ends_[LineProduct::panel] = {}, factor_[LineProduct::panel] = {};
  std::vector<double> verdict_;  // masses above and below zero, of the batches under way
  std::vector<double> sent_[2], received_[2];
  MPI_Request requests_[4];
};

}  // namespace kolmo::density
