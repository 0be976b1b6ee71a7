// Building the levels and filling them with coefficients.
#include "multigrid_hierarchy.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "kolmo/base/parallel.hpp"

namespace kolmo::multigrid {

namespace {

/// Below this many cells a level is held whole by every rank: its messages would cost more than its work.
constexpr long long gather_cells = 8192;

/// The second level takes two cycles where it has so many times fewer cells than the first.
constexpr long long twice_below = 6;

/// Local cells, with one more in direction `face` (-1: none); nothing where the box is empty.
Extent with_faces(const Level& level, int face) {
  if (level.boxes.empty()) return {0, 0, 0};
  Extent n = level.n;
  if (face >= 0) ++n[face];
  return n;
}

template <class Body>
void for_cells(const Extent& n, Body&& body) {
  for (int k = 0; k < n[2]; ++k)
    for (int j = 0; j < n[1]; ++j)
      for (int i = 0; i < n[0]; ++i) body(i, j, k);
}

}  // namespace

Operator::Operator(const Extent& n) {
  const auto strides = [&](int normal) -> Strides {
    const std::ptrdiff_t sy = n[0] + (normal == 0);
    return {1, sy, sy * (n[1] + (normal == 1))};
  };
  cell_stride = strides(-1);
  for (int d = 0; d < 3; ++d) face_stride[d] = strides(d);
}

Operator Operator::permuted(const Extent& order) const {
  Operator out = *this;
  for (int d = 0; d < 3; ++d) {
    out.face[d] = face[order[d]];
    out.cell_stride[d] = cell_stride[order[d]];
    for (int e = 0; e < 3; ++e) out.face_stride[d][e] = face_stride[order[d]][order[e]];
  }
  return out;
}

Hierarchy::Hierarchy(const Boxes& boxes, const Operator& op) {
  const Communicator comm(boxes.comm);
  bool shifted = comm.any(op.shift != nullptr);
  for (int d = 0; d < 3; ++d) shifted = shifted || (op.face[d] && boxes.cells(d) == 1 && !boxes.periodic[d]);
  const Widths widths = widths_of(boxes, op);
  plan_ = choose_plan(boxes, widths);
  if (plan_.pencil) pencil_ = std::make_unique<Pencil>(boxes, plan_.order[2]);
  const Boxes& used = pencil_ ? pencil_->boxes() : boxes;
  packed_ = Operator(used.extent()).permuted(plan_.order).cell_stride;
  boxes_ = used.permuted(plan_.order);
  for (int d = 0; d < 3; ++d) widths_[d] = widths[plan_.order[d]];
  build(shifted);
  set(op);
}

void Hierarchy::build(bool shifted) {
  levels_.clear();
  steps_.clear();
  Widths widths = widths_;
  levels_.push_back(std::make_unique<Level>(boxes_, shifted, plan_.lines));
  for (;;) {
    const Boxes& fine = levels_.back()->boxes;
    const bool alone = fine.ranks == 1;
    if (alone && fine.count() <= DenseInverse::max_unknowns) break;
    Step step;
    step.to = coarsen(fine, widths, plan_.lines);
    const bool stalled = step.to.boxes.count() == fine.count();
    step.gathered = !alone && (stalled || step.to.boxes.count() <= gather_cells);
    for (int d = 0; d < 3; ++d)
      shifted = shifted || (fine.cells(d) > 1 && step.to.boxes.cells(d) == 1 && !fine.periodic[d]);
    Boxes coarse = step.gathered ? step.to.boxes.gathered() : step.to.boxes;
    if (step.gathered) {
      step.vector = Gather(step.to.boxes, {0, 0, 0});
      if (shifted) step.shift = Gather(step.to.boxes, {0, 0, 0});
      for (int d = 0; d < 3; ++d) {
        Extent grow{0, 0, 0};
        grow[d] = 1;
        if (coarse.cells(d) > 1) step.face[d] = Gather(step.to.boxes, grow);
      }
    }
    // Where it is cheap: the finest level's errors that its smoothing leaves are the next level's smooth ones.
    step.twice = steps_.empty() && step.to.boxes.count() * twice_below <= fine.count();
    widths = step.to.widths;
    steps_.push_back(std::move(step));
    levels_.push_back(std::make_unique<Level>(std::move(coarse), shifted, plan_.lines));
    const std::size_t l = steps_.size() - 1;
    steps_[l].transfer = Transfer(*levels_[l], steps_[l].to, coarse_b(l), coarse_x(l));
  }
  if (steps_.size() == 1) steps_.front().twice = false;  // solved directly
}

void Hierarchy::set(const Operator& op) {
  const Operator ours = (pencil_ ? pencil_->moved(op) : op).permuted(plan_.order);
  if (Communicator(boxes_.comm).any(ours.shift != nullptr) && !levels_.front()->has_shift) build(true);
  set_scale(ours);
  singular_ = load(ours);
  coarsen_operators();
  direct_.factor(*levels_.back(), singular_);
}

void Hierarchy::set_scale(const Operator& op) {
  const Level& level = *levels_.front();
  double largest = 0.0;
  const auto scan = [&](const double* array, int face) {
    const Extent n = with_faces(level, face);
    const std::ptrdiff_t count = static_cast<std::ptrdiff_t>(n[0]) * n[1] * n[2];
    for (std::ptrdiff_t i = 0; array && i < count; ++i) largest = std::max(largest, array[i]);
  };
  for (int d = 0; d < 3; ++d) scan(op.face[d], d);
  scan(op.shift, -1);
  operator_scale_ = Communicator(level.boxes.comm).max(largest);
  if (!(operator_scale_ > 0.0)) operator_scale_ = 1.0;
}

bool Hierarchy::load(const Operator& op) {
  Level& level = *levels_.front();
  const Communicator comm(level.boxes.comm);
  const double scale = 1.0 / operator_scale_;
  bool felt = false;
  if (level.has_shift) {
    const Tile to = level.tile(level.shift());
    const Strides& s = op.cell_stride;
    for_cells(with_faces(level, -1), [&](int i, int j, int k) {
      const double v = op.shift ? op.shift[i * s[0] + j * s[1] + k * s[2]] : 0.0;
      felt = felt || v > 0.0;
      to(i, j, k) = static_cast<float>(v * scale);
    });
  }
  for (int d = 0; d < 3; ++d)
    if (op.face[d] && load_direction(op, d)) felt = true;
  level.set_inverse();
  double live = 0.0;
  for_cells(with_faces(level, -1),
            [&](int i, int j, int k) { live += level.tile(level.inverse())(i, j, k) > 0.0f ? 1.0 : 0.0; });
  live_cells_ = comm.sum(live);
  dead_cells_ = live_cells_ != static_cast<double>(level.boxes.count());
  return !comm.any(felt);
}

bool Hierarchy::load_direction(const Operator& op, int d) {
  Level& level = *levels_.front();
  const Extent m = with_faces(level, d);
  const Strides& s = op.face_stride[d];
  const double scale = 1.0 / operator_scale_;
  const auto value = [&](int i, int j, int k) { return op.face[d][i * s[0] + j * s[1] + k * s[2]]; };
  bool felt = false;
  // Faces on the boundary of the domain.
  for (int side = 0; side < 2; ++side) {
    if (level.boxes.neighbour(d, side) != MPI_PROC_NULL || level.boxes.empty()) continue;
    Extent face = m;
    face[d] = 1;
    Extent at{0, 0, 0};
    at[d] = side == 0 ? 0 : level.n[d];
    for_cells(face, [&](int i, int j, int k) { felt = felt || value(i + at[0], j + at[1], k + at[2]) > 0.0; });
  }
  if (level.active[d]) {
    const CoefficientTile to = level.tile(level.face(d));
    for_cells(m, [&](int i, int j, int k) { to(i, j, k) = static_cast<float>(value(i, j, k) * scale); });
  } else if (!level.boxes.periodic[d]) {  // one cell thick: both faces lead outside
    const Tile to = level.tile(level.shift());
    for_cells(m, [&](int i, int j, int k) {
      to(d == 0 ? 0 : i, d == 1 ? 0 : j, d == 2 ? 0 : k) += static_cast<float>(value(i, j, k) * scale);
    });
  }
  return felt;
}

void Hierarchy::coarsen_operators() {
  for (std::size_t l = 0; l < steps_.size(); ++l) {
    Step& step = steps_[l];
    Level& coarse = *levels_[l + 1];
    OperatorTiles tiles;
    for (int d = 0; d < 3; ++d)
      if (coarse.active[d] && step.gathered)
        tiles.part[d] = step.face[d].part();
      else if (coarse.active[d])
        tiles.face[d] = coarse.tile(coarse.face(d));
    if (coarse.has_shift) tiles.shift = step.gathered ? step.shift.part() : coarse.tile(coarse.shift());
    coarsen_operator(*levels_[l], step.to, tiles);
    if (step.gathered) {
      for (int d = 0; d < 3; ++d)
        if (coarse.active[d]) step.face[d].run(coarse.tile(coarse.face(d)));
      if (coarse.has_shift) step.shift.run(coarse.tile(coarse.shift()));
    }
    coarse.set_inverse();
  }
}

std::string Hierarchy::description() const {
  const char names[] = "xyz";
  std::string text = "boxmg: ";
  text += fmt::format("V({0},{0}), ", sweep_weights(plan_.lines).size() / 2);
  text += plan_.lines ? fmt::format("lines in {}", names[plan_.order[1]]) : "red-black points";
  if (!steps_.empty() && steps_.front().twice) text += ", twice below the finest";
  if (plan_.pencil) text += " (made whole)";
  text += ", levels";
  Extent where;
  for (int d = 0; d < 3; ++d) where[plan_.order[d]] = d;
  double cells = 0.0;
  for (std::size_t l = 0; l < levels_.size(); ++l) {
    const Boxes& boxes = levels_[l]->boxes;
    text += fmt::format(" {}x{}x{}", boxes.cells(where[0]), boxes.cells(where[1]), boxes.cells(where[2]));
    if (l > 0 && steps_[l - 1].gathered) text += " (gathered)";
    cells += static_cast<double>(boxes.count());
  }
  text += fmt::format("; {:.2f} times the cells of the finest",
                      cells / static_cast<double>(levels_.front()->boxes.count()));
  return text;
}

}  // namespace kolmo::multigrid
