#include "multigrid_hierarchy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kolmo/base/parallel.hpp"

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace kolmo::multigrid {

namespace {

/// Below this many cells a level is held whole by every rank: its messages would cost more than its work.
constexpr long long gather_cells = 8192;

/// Treats denormal floats as zero while it lives: far from a source the corrections decay below the normal range, where
/// arithmetic is many times slower.
class FlushDenormals {
 public:
#if defined(__SSE__)
  FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | 0x8040); }
  ~FlushDenormals() { _mm_setcsr(saved_); }

 private:
  unsigned saved_;
#endif
};

/// Calls body(packed index of the half row's first cell, its offset in a level's arrays, cells) for every half row; a
/// step of one cell in the half row is a step of two in the packed array.
template <class Body>
void for_half_rows(const Level& level, Body&& body) {
  std::size_t packed = 0;
  for (int k = 0; k < level.n[2]; ++k)
    for (int j = 0; j < level.n[1]; ++j, packed += level.n[0])
      for (int odd = 0; odd < 2; ++odd)
        body(packed + odd, j * level.sy + k * level.sz + odd * level.half, level.count(odd));
}

}  // namespace

Hierarchy::Hierarchy(const Boxes& boxes, const Operator& op) {
  const Communicator comm(boxes.comm);
  bool shifted = comm.any(op.shift != nullptr);
  for (int d = 0; d < 3; ++d) shifted = shifted || (op.face[d] && boxes.cells(d) == 1 && !boxes.periodic[d]);
  build(boxes, widths_of(boxes, op), shifted);
  set(op);
}

void Hierarchy::build(const Boxes& boxes, Widths widths, bool shifted) {
  levels_.push_back(std::make_unique<Level>(boxes, shifted));
  for (;;) {
    const Boxes& fine = levels_.back()->boxes;
    const bool alone = fine.ranks == 1;
    if (alone && fine.count() <= DenseInverse::max_unknowns) break;
    Step step;
    step.to = coarsen(fine, widths);
    const bool stalled = step.to.boxes.count() == fine.count();
    if (alone && stalled) break;
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
    widths = step.to.widths;
    steps_.push_back(std::move(step));
    levels_.push_back(std::make_unique<Level>(std::move(coarse), shifted));
  }
}

void Hierarchy::set(const Operator& op) {
  singular_ = load(op);
  coarsen_operators();
  direct_.factor(*levels_.back(), singular_);
}

bool Hierarchy::load(const Operator& op) {
  Level& level = *levels_.front();
  const Extent& n = level.n;
  const Communicator comm(level.boxes.comm);
  double largest = 0.0, outside = 0.0;
  for (int d = 0; d < 3; ++d) {
    if (!op.face[d] || level.boxes.empty()) continue;
    Extent m = n;
    ++m[d];
    for (std::size_t i = 0; i < static_cast<std::size_t>(m[0]) * m[1] * m[2]; ++i)
      largest = std::max(largest, op.face[d][i]);
  }
  const std::size_t cells = static_cast<std::size_t>(n[0]) * n[1] * n[2];
  for (std::size_t i = 0; op.shift && i < cells; ++i) outside = std::max(outside, op.shift[i]);
  double range[2] = {largest, outside};
  comm.max(range, 2);
  operator_scale_ = std::max(range[0], range[1]);
  if (!(operator_scale_ > 0.0)) operator_scale_ = 1.0;
  const double scale = 1.0 / operator_scale_;

  if (level.has_shift)
    for_half_rows(level, [&](std::size_t packed, std::ptrdiff_t at, int count) {
      for (int i = 0; i < count; ++i)
        level.shift()[at + i] = op.shift ? static_cast<float>(op.shift[packed + 2 * i] * scale) : 0.0f;
    });
  bool felt = range[1] > 0.0;
  for (int d = 0; d < 3; ++d) {
    if (!op.face[d] || level.boxes.empty()) continue;
    Extent m = n;
    ++m[d];
    const double* from = op.face[d];
    for (int k = 0; k < m[2]; ++k)
      for (int j = 0; j < m[1]; ++j, from += m[0])
        for (int i = 0; i < m[0]; ++i) {
          const Extent at{i, j, k};
          const bool low = at[d] == 0 && level.boxes.neighbour(d, 0) == MPI_PROC_NULL;
          const bool high = at[d] == n[d] && level.boxes.neighbour(d, 1) == MPI_PROC_NULL;
          felt = felt || ((low || high) && from[i] > 0.0);
          if (level.active[d])
            level.tile(level.face(d))(i, j, k) = static_cast<float>(from[i] * scale);
          else if (!level.boxes.periodic[d])  // one cell thick: both faces lead outside
            level.tile(level.shift())(d == 0 ? 0 : i, d == 1 ? 0 : j, d == 2 ? 0 : k) +=
                static_cast<float>(from[i] * scale);
        }
  }
  level.set_inverse_diagonal();
  double live = 0.0;
  for_half_rows(level, [&](std::size_t, std::ptrdiff_t at, int count) {
    for (int i = 0; i < count; ++i) live += level.inverse()[at + i] > 0.0f ? 1.0 : 0.0;
  });
  live_cells_ = comm.sum(live);
  dead_cells_ = live_cells_ != static_cast<double>(level.boxes.count());
  return !comm.any(felt);
}

void Hierarchy::coarsen_operators() {
  for (std::size_t l = 0; l < steps_.size(); ++l) {
    Step& step = steps_[l];
    Level& coarse = *levels_[l + 1];
    OperatorTiles tiles;
    for (int d = 0; d < 3; ++d)
      if (coarse.active[d]) tiles.face[d] = step.gathered ? step.face[d].part_tile() : coarse.tile(coarse.face(d));
    if (coarse.has_shift) tiles.shift = step.gathered ? step.shift.part_tile() : coarse.tile(coarse.shift());
    coarsen_operator(*levels_[l], step.to, tiles);
    if (step.gathered) {
      for (int d = 0; d < 3; ++d)
        if (coarse.active[d]) step.face[d].run(coarse.tile(coarse.face(d)));
      if (coarse.has_shift) step.shift.run(coarse.tile(coarse.shift()));
    }
    coarse.set_inverse_diagonal();
  }
}

Tile Hierarchy::coarse_b(std::size_t l) {
  Level& coarse = *levels_[l + 1];
  return steps_[l].gathered ? steps_[l].vector.part_tile() : coarse.tile(coarse.b());
}

Tile Hierarchy::coarse_x(std::size_t l) {
  Level& coarse = *levels_[l + 1];
  Tile tile = coarse.tile(coarse.x());
  const Boxes& boxes = steps_[l].to.boxes;
  if (steps_[l].gathered) {
    tile.origin = tile.row(boxes.begin(1), boxes.begin(2));
    tile.first = boxes.begin(0);
  }
  return tile;
}

void Hierarchy::descend(Level& level, const Coarsening& to, const Tile& coarse) {
  const int planes = level.n[2], half_sweeps = 2 * sweeps_, coarse_planes = to.boxes.extent(2);
  float* x = level.x();
  const auto smooth = [&](int s, int k) {
    if (s == 0)
      smooth_plane_from_zero(level, k);
    else
      smooth_plane(level, s & 1, k);
  };
  if (!fusible(level)) {
    for (int s = 0; s < half_sweeps; ++s) {
      for (int k = 0; k < planes; ++k) smooth(s, k);
      level.halo.exchange(x);
    }
    for (int k = 0; k < coarse_planes; ++k) restrict_plane(level, to, coarse, k);
    return;
  }
  // All half sweeps in one pass, each a plane behind the one before it, and the residual behind them: planes are still
  // in cache.
  int done = 0;
  for (int t = 0; t < planes + half_sweeps; ++t) {
    for (int s = 0; s < half_sweeps; ++s) {
      const int k = t - s;
      if (k < 0 || k >= planes) continue;
      smooth(s, k);
      level.halo.refresh_plane(x, k);
    }
    if (done < coarse_planes &&
        to.merging[2].first[to.boxes.begin(2) + done + 1] - level.boxes.begin(2) == t - half_sweeps + 1)
      restrict_plane(level, to, coarse, done++);
  }
}

void Hierarchy::ascend(Level& level, const Coarsening& to, const Tile& coarse) {
  const int planes = level.n[2], half_sweeps = 2 * sweeps_;
  float* x = level.x();
  // The colours in reverse order: the adjoint of the smoothing before, so that the cycle is symmetric.
  if (!fusible(level)) {
    for (int k = 0; k < planes; ++k) prolong_plane(level, to, coarse, k);
    for (int s = 0; s < half_sweeps; ++s) {
      level.halo.exchange(x);
      for (int k = 0; k < planes; ++k) smooth_plane(level, 1 - (s & 1), k);
    }
    return;
  }
  for (int t = 0; t < planes + half_sweeps; ++t)
    for (int s = 0; s <= half_sweeps; ++s) {
      const int k = t - s;
      if (k < 0 || k >= planes) continue;
      if (s == 0)
        prolong_plane(level, to, coarse, k);
      else
        smooth_plane(level, s & 1, k);
      level.halo.refresh_plane(x, k);
    }
}

void Hierarchy::cycle(std::size_t l) {
  Level& level = *levels_[l];
  if (l == steps_.size()) {
    direct_.solve(level);
    return;
  }
  descend(level, steps_[l].to, coarse_b(l));
  Level& coarse = *levels_[l + 1];
  if (steps_[l].gathered) steps_[l].vector.run(coarse.tile(coarse.b()));
  cycle(l + 1);
  ascend(level, steps_[l].to, coarse_x(l));
}

void Hierarchy::take(const double* b, double scale, double mean) {
  const Level& level = *levels_.front();
  const double offset = scale * mean;
  for_half_rows(level, [&](std::size_t packed, std::ptrdiff_t at, int count) {
    float* to = level.b() + at;
    const float* inverse = level.inverse() + at;
    const double* from = b + packed;
    if (dead_cells_)
      for (int i = 0; i < count; ++i)
        to[i] = inverse[i] > 0.0f ? static_cast<float>(from[2 * i] * scale - offset) : 0.0f;
    else
      for (int i = 0; i < count; ++i) to[i] = static_cast<float>(from[2 * i] * scale - offset);
  });
}

void Hierarchy::give(double* q, double scale) {
  const Level& level = *levels_.front();
  double mean = 0.0;
  if (singular_) {
    double sum = 0.0;
    for_half_rows(level, [&](std::size_t, std::ptrdiff_t at, int count) {
      const float* x = level.x() + at;
      double row = 0.0;
      for (int i = 0; i < count; ++i) row += x[i];
      sum += row;
    });
    mean = Communicator(level.boxes.comm).sum(sum) / live_cells_;
  }
  for_half_rows(level, [&](std::size_t packed, std::ptrdiff_t at, int count) {
    const float* x = level.x() + at;
    const float* inverse = level.inverse() + at;
    double* to = q + packed;
    if (dead_cells_)
      for (int i = 0; i < count; ++i) to[2 * i] = inverse[i] > 0.0f ? (x[i] - mean) * scale : 0.0;
    else
      for (int i = 0; i < count; ++i) to[2 * i] = (x[i] - mean) * scale;
  });
}

void Hierarchy::apply(const double* b, double* q) {
  const Level& level = *levels_.front();
  // Sum (for the mean) and size (for the scale) of b, in one reduction.
  double sums[2] = {0.0, 0.0};
  for_half_rows(level, [&](std::size_t packed, std::ptrdiff_t at, int count) {
    const float* inverse = level.inverse() + at;
    const double* from = b + packed;
    double sum = 0.0, size = 0.0;
    for (int i = 0; i < count; ++i) {
      const double v = inverse[i] > 0.0f ? from[2 * i] : 0.0;
      sum += v;
      size += std::abs(v);
    }
    sums[0] += sum;
    sums[1] += size;
  });
  Communicator(level.boxes.comm).sum(sums, 2);
  const std::size_t cells = static_cast<std::size_t>(level.n[0]) * level.n[1] * level.n[2];
  if (sums[1] == 0.0) {
    std::fill_n(q, cells, 0.0);
    return;
  }
  const double scale = live_cells_ / sums[1];
  take(b, scale, singular_ ? sums[0] / live_cells_ : 0.0);
  {
    const FlushDenormals flush;
    cycle(0);
  }
  give(q, 1.0 / (scale * operator_scale_));
}

std::string Hierarchy::description() const {
  std::string text = fmt::format("boxmg: V({0},{0}), red-black points, levels", sweeps_);
  for (std::size_t l = 0; l < levels_.size(); ++l) {
    const Boxes& boxes = levels_[l]->boxes;
    text += fmt::format(" {}x{}x{}", boxes.cells(0), boxes.cells(1), boxes.cells(2));
    if (l < steps_.size() && steps_[l].gathered) text += " (gathered)";
  }
  double cells = 0.0;
  for (const auto& level : levels_) cells += static_cast<double>(level->boxes.count());
  text += fmt::format("; {:.2f} times the cells of the finest",
                      cells / static_cast<double>(levels_.front()->boxes.count()));
  return text;
}

}  // namespace kolmo::multigrid
