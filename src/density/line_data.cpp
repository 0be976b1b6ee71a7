#include "line_data.hpp"

#include "kolmo/base/error.hpp"

namespace kolmo::density {

namespace {

template <int Dim>
ArrayView<Dim, const double> view_of(const Field<Dim>& field) {
  ArrayView<Dim, const double> view{field.origin(), {}};
  for (int d = 0; d < Dim; ++d) view.stride[d] = field.layout().stride(d);
  return view;
}

template <int Dim>
ArrayView<Dim, const double> packed_view(const std::vector<double>& values, const Index<Dim>& extent) {
  ArrayView<Dim, const double> view{values.data(), {}};
  std::ptrdiff_t stride = 1;
  for (int d = 0; d < Dim; stride *= extent[d++]) view.stride[d] = stride;
  return view;
}

}  // namespace

template <int Dim>
Pencils<Dim>::Pencils(const Decomposition<Dim>& cells, int direction)
    : lines(cells.pencil(direction)),
      faces(cells.periodic()[direction] ? cells : cells.trimmed(direction, 0, -1)),
      face_lines(faces.pencil(direction)),
      cell_moves(cells, lines),
      face_moves(faces, face_lines),
      packed(std::max(cells.local_size(), faces.local_size())),
      cell_values(lines.local_size()) {}

template <int Dim>
LineData<Dim>::LineData(const Grid<Dim>& grid, const Decomposition<Dim>& cells, int direction_)
    : n(grid.axis(direction_).cells()),
      direction(direction_),
      along(across<Dim>(direction_)),
      periodic(grid.axis(direction_).periodic()),
      cells_(cells) {
  if (cells.cut(direction)) pencils = std::make_unique<Pencils<Dim>>(cells, direction);
  const Box<Dim> box = pencils ? pencils->lines.owned() : cells.owned();
  for (int d = 0; d < Dim; ++d) {
    extent[d] = box.empty() ? 0 : box.extent(d);
    for (int i = box.begin[d]; i < box.end[d]; ++i) width[d].push_back(grid.axis(d).width(i));
  }
  width[direction].clear();
  for (int i = 0; i < n; ++i) {
    width[direction].push_back(grid.axis(direction).width(i));
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
  const std::size_t count = n + 1;
  if (given.direction != direction) throw InternalError("line step: weights of another direction");
  if (given.uniform && (given.line_low.size() != count || given.line_high.size() != count))
    throw InternalError("line step: uniform weights do not have one number per face");
  if (given.uniform) return;
  for (const Field<Dim>* field : {&given.low, &given.high}) {
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
  if (uniform) {
    line_low = given.line_low;
    line_high = given.line_high;
  } else if (pencils) {
    move_weights(given);
  } else {
    low = view_of<Dim>(given.low);
    high = view_of<Dim>(given.high);
  }
  set_ends(given);
}

/// The faces of a rank are those below its cells; the last rank has the last face too, unless the line is closed.
template <int Dim>
void LineData<Dim>::move_weights(const DirectionWeights<Dim>& given) {
  Box<Dim> box;
  box.end = pencils->faces.extent();
  Index<Dim> whole = pencils->face_lines.extent();
  moved_low_.resize(pencils->face_lines.local_size());
  moved_high_.resize(moved_low_.size());
  pack<Dim>(given.low, box, pencils->packed.data());
  pencils->face_moves.forward(pencils->packed.data(), moved_low_.data());
  pack<Dim>(given.high, box, pencils->packed.data());
  pencils->face_moves.forward(pencils->packed.data(), moved_high_.data());
  low = packed_view<Dim>(moved_low_, whole);
  high = packed_view<Dim>(moved_high_, whole);
}

template <int Dim>
void LineData<Dim>::set_ends(const DirectionWeights<Dim>& given) {
  sources = false;
  for (int side = 0; side < 2; ++side) {
    line_constant_[side] = 0.0;
    if (uniform && !given.line_constant.empty())
      line_constant_[side] = side == 0 ? given.line_constant.front() : given.line_constant.back();
    if (periodic) line_constant_[side] = 0.0;
    const std::vector<double>& by_face = side == 0 ? given.constant_low : given.constant_high;
    to_lines(by_face, side, constant_[side]);
    const bool any = !constant_[side].empty() || line_constant_[side] != 0.0;
    if (any && given.transport && !uniform) to_lines(boundary_velocity(given, side), side, end_velocity_[side]);
    sources = sources || cells_.comm().any(any);
  }
}

/// Numbers at the boundary faces held by this rank, x fastest, to one per line held; empty where no rank has any.
template <int Dim>
void LineData<Dim>::to_lines(const std::vector<double>& by_face, int side, std::vector<double>& by_line) {
  if (periodic || !cells_.comm().any(!by_face.empty())) {
    by_line.clear();
    return;
  }
  if (!pencils) {
    by_line = by_face;
    by_line.resize(lines(), 0.0);
    return;
  }
  const bool mine = cells_.at_boundary(direction, side == 0 ? Side::low : Side::high) && !by_face.empty();
  Box<Dim> box;
  box.end = pencils->faces.extent();
  std::size_t at = 0, face = 0;
  const int end = side == 0 ? 0 : box.end[direction] - 1;
  for_each<Dim>(box, [&](const Index<Dim>& i) {
    pencils->packed[at++] = mine && i[direction] == end ? by_face.at(face++) : 0.0;
  });
  std::vector<double> whole(pencils->face_lines.local_size());
  pencils->face_moves.forward(pencils->packed.data(), whole.data());
  by_line.clear();
  box.end = pencils->face_lines.extent();
  at = 0;
  for_each<Dim>(box, [&](const Index<Dim>& i) {
    if (i[direction] == (side == 0 ? 0 : n)) by_line.push_back(whole[at]);
    ++at;
  });
}

/// The velocity at the boundary faces held by this rank, x fastest.
template <int Dim>
std::vector<double> LineData<Dim>::boundary_velocity(const DirectionWeights<Dim>& given, int side) const {
  std::vector<double> values;
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
    const double* a = low.at(block.first) + lane * low.stride[along];
    const double* b = high.at(block.first) + lane * high.stride[along];
    for (int f = 0; f < count; ++f) to[f] = a[f * low.stride[direction]] + b[f * high.stride[direction]];
  }
  if (periodic) {
    to[n] = to[0];
    return;
  }
  for (int side = 0; side < 2; ++side) {  // where something flows in, the weights do not tell how fast
    double& end = to[side == 0 ? 0 : n];
    const double near = to[side == 0 ? std::min(1, n - 1) : std::max(1, n - 1)];
    double given = line_constant_[side];
    if (!constant_[side].empty()) given += constant_[side][block.line + lane];
    if (end != 0.0 || given == 0.0) continue;
    end = end_velocity_[side].empty() ? near : end_velocity_[side][block.line + lane];
  }
}

template class LineData<1>;
template class LineData<2>;
template class LineData<3>;
template class LineData<4>;
template class LineData<5>;
template class LineData<6>;

}  // namespace kolmo::density
