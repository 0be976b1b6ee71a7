#include "kolmo/transport/control_volumes.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "kolmo/base/error.hpp"

namespace kolmo::transport {

ControlLine::ControlLine(const Axis& axis, bool staggered, EndUnknowns ends, int begin, int end)
    : origin_(begin), first_(0), last_(axis.cells()), periodic_(axis.periodic()) {
  if (staggered && !periodic_) {
    first_ = ends.low ? 0 : 1;
    last_ = axis.cells() + (ends.high ? 1 : 0);
  }
  // The last rank also holds the face at the high end of the domain.
  const int held = end == axis.cells() ? std::max(end, last_) : end;
  begin_ = std::max(begin, first_) - origin_;
  end_ = std::min(held, last_) - origin_;
  const int owned = end - begin;
  for (std::vector<double>* v : {&position_, &width_, &inverse_width_, &face_, &inverse_distance_, &below_, &above_})
    v->assign(owned + 2 * ghosts, 0.0);
  for (int i = -ghosts; i < owned + ghosts; ++i) {
    const int g = origin_ + i, at = i + ghosts;
    position_[at] = staggered ? axis.node(g) : axis.centre(g);
    // The outermost width of a dual cell and the outermost face lie beyond what the axis knows, and beyond what is
    // read.
    const int h = std::max(g, -1);
    width_[at] = staggered ? axis.distance(h) : axis.width(g);
    const int f = periodic_ && h == axis.cells() ? 0 : h;
    face_[at] = staggered ? axis.centre(f - 1) : axis.node(f);
    below_[at] = staggered ? axis.node(f - 1) : axis.centre(f - 1);
    above_[at] = staggered ? axis.node(f) : axis.centre(f);
    inverse_distance_[at] = 1.0 / (staggered ? axis.width(h - 1) : axis.distance(h));
  }
  place_boundary(axis, staggered, ends, end);
  for (std::size_t i = 0; i < width_.size(); ++i) inverse_width_[i] = 1.0 / width_[i];
}

void ControlLine::place_boundary(const Axis& axis, bool staggered, EndUnknowns ends, int cells_end) {
  outside_ = {Outside::none, Outside::none};
  if (periodic_) return;
  at_boundary_ = {origin_ + begin_ == first_, origin_ + end_ == last_};
  const int n = axis.cells();
  for (const Side side : both_sides) {
    const bool low = side == Side::low;
    const bool unknown = low ? ends.low : ends.high;
    const double cell = axis.width(low ? 0 : n - 1);
    const int s = static_cast<int>(side);
    outside_[s] = !staggered ? Outside::on_face : unknown ? Outside::on_unknown : Outside::at_node;
    outside_distance_[s] = outside_[s] == Outside::at_node ? cell : 0.5 * cell;
    if (outside_[s] != Outside::on_unknown) continue;
    // Half a control volume, which ends at the unknown itself.
    const int i = low ? 0 - origin_ : n - origin_;
    if (low ? origin_ == 0 : cells_end == n) {
      width_[i + ghosts] = 0.5 * cell;
      face_[(low ? i : i + 1) + ghosts] = axis.node(low ? 0 : n);
    }
  }
}

template <int Dim>
ControlVolumes<Dim>::ControlVolumes(const Grid<Dim>& grid, const Decomposition<Dim>& cells, Location location,
                                    EndUnknowns ends)
    : location_(location), unknowns_(cells) {
  for (int d = 0; d < Dim; ++d) {
    const bool staggered = d == location.direction;
    lines_[d] = ControlLine(grid.axis(d), staggered, ends, cells.owned().begin[d], cells.owned().end[d]);
    global_lines_[d] = ControlLine(grid.axis(d), staggered, ends, 0, grid.axis(d).cells());
    box_.begin[d] = lines_[d].begin();
    box_.end[d] = std::max(lines_[d].begin(), lines_[d].end());
    const ControlLine& line = global_lines_[d];
    const int n = grid.axis(d).cells();
    if (line.first() != 0 || line.last() != n) unknowns_ = unknowns_.trimmed(d, line.first(), n - line.last());
  }
}

template <int Dim>
double ControlVolumes<Dim>::integral(const Field<Dim>& q) const {
  double sum = 0.0;
  const double* width = lines_[0].width();
  for_each_row<Dim>(box_, [&](const Index<Dim>& row) {
    const double* values = q.origin() + q.layout().offset(row) - row[0];
    double part = 0.0;
    for (int k = box_.begin[0]; k < box_.end[0]; ++k) part += width[k] * values[k];
    sum += part * area(0, row);
  });
  return comm().sum(sum);
}

template <int Dim>
void ControlVolumes<Dim>::require_ghosts(const Layout<Dim>& layout, int reach) const {
  for (int d = 0; d < Dim; ++d) {
    const bool short_low = !lines_[d].at_boundary(Side::low) && layout.ghosts().low[d] < reach;
    const bool short_high = !lines_[d].at_boundary(Side::high) && layout.ghosts().high[d] < reach;
    if (!box_.empty() && (short_low || short_high))
      throw InternalError(fmt::format("a field needs {} ghost layers on both sides of direction {}", reach, d));
  }
}

template class ControlVolumes<1>;
template class ControlVolumes<2>;
template class ControlVolumes<3>;
template class ControlVolumes<4>;
template class ControlVolumes<5>;
template class ControlVolumes<6>;

}  // namespace kolmo::transport
