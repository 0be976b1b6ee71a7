// Which smoother, and in which order of the directions.
#include <algorithm>

#include "multigrid_hierarchy.hpp"

namespace kolmo::multigrid {

namespace {

/// Cells of all levels over cells of the finest.
double all_levels(Boxes boxes, Widths widths, bool lines) {
  const auto finest = static_cast<double>(boxes.count());
  double cells = finest;
  while (boxes.count() > DenseInverse::max_unknowns) {
    Coarsening to = coarsen(boxes, widths, lines);
    if (to.boxes.count() == boxes.count()) break;
    boxes = std::move(to.boxes);
    widths = std::move(to.widths);
    cells += static_cast<double>(boxes.count());
  }
  return cells / finest;
}

Widths permuted(const Widths& widths, const Extent& order) {
  return {widths[order[0]], widths[order[1]], widths[order[2]]};
}

}  // namespace

Plan choose_plan(const Boxes& boxes, const Widths& widths) {
  // Time of an iteration (both need about four to 1e-6), a cycle of points on one level being 1: measured, only the
  // ratios matter.
  constexpr double line_cycle = 1.1, gradient = 0.9, transposed = 0.3, moved = 0.5;
  Plan best;
  // A plane is stored as x and z, so that its sweeps can follow each other row by row.
  if (boxes.cells(2) == 1) best.order = {0, 2, 1};
  double cost = all_levels(boxes, widths, false) + gradient;
  for (int d = 0; d < 3; ++d) {
    if (boxes.cells(d) == 1 || boxes.periodic[d]) continue;
    Extent order{0, 1, 2};
    std::swap(order[d], order[1]);
    const bool cut = boxes.processes[d] > 1;
    if (cut && boxes.cells(order[2]) < 2 * boxes.ranks) continue;
    const double levels = all_levels(boxes.permuted(order), permuted(widths, order), true);
    const double lines = line_cycle * levels + gradient + (d == 0 ? transposed : 0.0) + (cut ? moved : 0.0);
    if (lines < 0.9 * cost) {
      cost = lines;
      best = {order, true, cut};
    }
  }
  return best;
}

}  // namespace kolmo::multigrid
