#include "line_data.hpp"

#include "kolmo/base/error.hpp"

namespace kolmo::density {

namespace {

template <int Dim>
ArrayView<Dim, const double> view_of(const FaceTable<Dim>& table) {
  ArrayView<Dim, const double> view{table.origin(), {}};
  for (int d = 0; d < Dim; ++d) view.stride[d] = table.stride(d);
  return view;
}

}  // namespace

template <int Dim>
LineData<Dim>::LineData(const Grid<Dim>& grid, const Decomposition<Dim>& cells, int direction_, bool halved)
    : n(halved ? cells.extent()[direction_] : grid.axis(direction_).cells()),
      axis_cells(grid.axis(direction_).cells()),
      begin(halved ? cells.owned().begin[direction_] : 0),
      direction(direction_),
      along(across<Dim>(direction_)),
      periodic(grid.axis(direction_).periodic()),
      cells_(cells) {
  Box<Dim> box;
  box.end = cells.extent();
  if (cells.cut(direction) && !halved) {
    exchange = std::make_unique<LineExchange<Dim>>(cells, direction);
    box = exchange->share();
  }
  for (int d = 0; d < Dim; ++d) {
    extent[d] = box.empty() ? 0 : box.extent(d);
    const int from = d == direction ? 0 : cells.owned().begin[d];
    for (int i = box.begin[d]; i < box.end[d]; ++i) width[d].push_back(grid.axis(d).width(from + i));
  }
  if (!box.empty())
    for (int d = 0; d < Dim; ++d) first_[d] = d == direction ? 0 : box.begin[d] + cells.owned().begin[d];
  width[direction].clear();
  for (int i = 0; i < n; ++i) {
    width[direction].push_back(grid.axis(direction).width(begin + i));
    inverse_width.push_back(1.0 / width[direction].back());
  }
}

template <int Dim>
std::ptrdiff_t LineData<Dim>::lines() const {
  std::ptrdiff_t count = extent[direction] > 0 ? 1 : 0;
  for (int d = 0; d < Dim; ++d)
    if (d != direction) count *= extent[d];
  return count;
}

template <int Dim>
double LineData<Dim>::area(const LineBlock<Dim>& block, int lane) const {
  double a = 1.0;
  for (int d = 0; d < Dim; ++d)
    if (d != direction) a *= width[d][block.first[d] + (d == along ? lane : 0)];
  return a;
}

template <int Dim>
void LineData<Dim>::check(const DirectionWeights<Dim>& given) const {
  const std::size_t count = axis_cells + 1;
  if (given.direction != direction) throw InternalError("line step: weights of another direction");
  if (given.uniform && (given.line_low.size() != count || given.line_high.size() != count))
    throw InternalError("line step: uniform weights do not have one number per face");
  if (given.uniform || given.on_lines) return;
  for (const FaceTable<Dim>* field : {&given.low, &given.high}) {
    if (!*field || field->layout().extent() != cells_.extent())
      throw InternalError("line step: weights of another grid");
    if (field->layout().ghosts().high[direction] < 1)
      throw InternalError("line step: weights without the last face of a line");
  }
}

template <int Dim>
void LineData<Dim>::set(const DirectionWeights<Dim>& given) {
  check(given);
  uniform = given.uniform;
  evaluated = nullptr;
  if (uniform) {
    line_low = given.line_low;
    line_high = given.line_high;
  } else if (given.on_lines) {
    evaluated = &given;
  } else {
    set_faces(given.low, low_parts_, low);
    set_faces(given.high, high_parts_, high);
  }
  set_ends(given);
}

template <int Dim>
void LineData<Dim>::weights_of_lines(const LineBlock<Dim>& block, int lanes, double* low_to, double* high_to) const {
  Index<Dim> first = first_;
  for (int d = 0; d < Dim; ++d) first[d] += block.first[d];
  first[direction] = begin;
  evaluated->on_lines({first, n + 1, along, block.width, lanes}, low_to, high_to);
}

template <int Dim>
void LineData<Dim>::set_faces(const FaceTable<Dim>& table, typename LineExchange<Dim>::Parts& parts,
                              LineArray<Dim, const double>& lines) {
  const ArrayView<Dim, const double> own = view_of<Dim>(table);
  if (!exchange) {
    lines.direction = direction;
    lines.pieces.assign(1, {0, periodic ? n : n + 1, own});
    return;
  }
  if (parts.empty()) parts = exchange->make_parts(true);
  exchange->collect(table, parts);
  exchange->assemble(own, parts, true, lines);
}

template <int Dim>
void LineData<Dim>::set_ends(const DirectionWeights<Dim>& given) {
  sources = false;
  for (int side = 0; side < 2; ++side) {
    line_constant_[side] = 0.0;
    if (uniform && !linear && !given.line_constant.empty())
      line_constant_[side] = side == 0 ? given.line_constant.front() : given.line_constant.back();
    if (periodic) line_constant_[side] = 0.0;
    const std::vector<double>& by_face = side == 0 ? given.constant_low : given.constant_high;
    if (!linear) to_lines(by_face, side, constant_[side]);
    // A rank may hold no line at all, and must go along all the same.
    const bool any = cells_.comm().any(!constant_[side].empty() || line_constant_[side] != 0.0);
    if (given.transport && given.velocity) to_lines(boundary_velocity(given, side), side, end_velocity_[side]);
    sources = sources || any;
  }
}

/// Numbers at the boundary faces held by this rank, x fastest, to one per line held; empty where no rank has any.
template <int Dim>
void LineData<Dim>::to_lines(const std::vector<double>& by_face, int side, std::vector<double>& by_line) {
  if (periodic || !cells_.comm().any(!by_face.empty())) {
    by_line.clear();
    return;
  }
  if (exchange) {
    exchange->from_end(by_face, side == 0 ? Side::low : Side::high, by_line);
    return;
  }
  by_line = by_face;
  by_line.resize(lines(), 0.0);
}

/// The velocity at the boundary faces held by this rank, x fastest.
template <int Dim>
const std::vector<double>& LineData<Dim>::boundary_velocity(const DirectionWeights<Dim>& given, int side) {
  std::vector<double>& values = at_end_;
  values.clear();
  if (!cells_.at_boundary(direction, side == 0 ? Side::low : Side::high)) return values;
  Box<Dim> box;
  box.end = cells_.extent();
  box.begin[direction] = side == 0 ? 0 : box.end[direction];
  box.end[direction] = box.begin[direction] + 1;
  for_each<Dim>(box, [&](const Index<Dim>& i) { values.push_back(given.velocity(i)); });
  return values;
}

template <int Dim>
bool LineData<Dim>::constants(const LineBlock<Dim>& block, int side, double* to) const {
  if (constant_[side].empty() && line_constant_[side] == 0.0) return false;
  for (int k = 0; k < block.width; ++k)
    to[k] = line_constant_[side] + (constant_[side].empty() ? 0.0 : constant_[side][block.line + k]);
  return true;
}

template <int Dim>
void LineData<Dim>::velocities(const LineBlock<Dim>& block, int lane, double* to) const {
  const int count = periodic ? n : n + 1;
  if (uniform) {
    for (int f = 0; f < count; ++f) to[f] = line_low[f] + line_high[f];
  } else {
    for (std::size_t k = 0; k < low.pieces.size(); ++k) {
      const auto& [from, end, a] = low.pieces[k];
      const ArrayView<Dim, const double>& b = high.pieces[k].view;
      const double* at_low = a.at(block.first) + lane * a.stride[along];
      const double* at_high = b.at(block.first) + lane * b.stride[along];
      for (int f = from; f < std::min(end, count); ++f)
        to[f] = at_low[(f - from) * a.stride[direction]] + at_high[(f - from) * b.stride[direction]];
    }
  }
  if (periodic) {
    to[n] = to[0];
    return;
  }
  // What comes in through an end, be it nothing at all (absorbing), has no weight there that would tell how fast.
  for (int side = 0; side < 2; ++side) {
    double& end = to[side == 0 ? 0 : n];
    if (!end_velocity_[side].empty()) {
      end = end_velocity_[side][block.line + lane];
      continue;
    }
    const double near = to[side == 0 ? std::min(1, n - 1) : std::max(1, n - 1)];
    double given = line_constant_[side];
    if (!constant_[side].empty()) given += constant_[side][block.line + lane];
    if (end == 0.0 && given != 0.0) end = near;
  }
}

template class LineData<1>;
template class LineData<2>;
template class LineData<3>;
template class LineData<4>;
template class LineData<5>;
template class LineData<6>;

}  // namespace kolmo::density
