// The V-cycle and its double-precision ends.
#include <algorithm>
#include <cmath>

#include "kolmo/base/parallel.hpp"
#include "multigrid_hierarchy.hpp"

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace kolmo::multigrid {

namespace {

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

/// Runs stages 0 .. stages-1 over the planes of a level as if each swept all planes before the next began, where stage
/// s of a plane needs stage s-1 of its neighbours: in one pass, each stage a plane behind the one before it, so that
/// planes are still in cache. Next to a cut (or where z wraps around) the stages go first, one by one on ever fewer
/// planes, with an exchange after each but the last. `follow(k)` is told when all stages are done up to plane k.
template <class Stage, class Follow>
void sweep_planes(Level& level, int stages, bool exchange_last, Stage&& stage, Follow&& follow) {
  const int planes = level.n[2];
  float* x = level.x();
  const auto run = [&](int s, int k) {
    stage(s, k);
    level.halo.refresh_plane(x, k);
  };
  const bool wraps = level.halo.cut(2) || level.halo.self(2);
  if (level.halo.cut(0) || level.halo.cut(1) || (wraps && planes < 2 * stages + 2)) {
    for (int s = 0; s < stages; ++s) {
      for (int k = 0; k < planes; ++k) stage(s, k);
      if (s + 1 < stages || exchange_last) level.halo.exchange(x);
    }
    for (int k = 0; k < planes; ++k) follow(k);
    return;
  }
  const int edge = wraps ? stages : 0;
  for (int s = 0; s < stages && wraps; ++s) {
    for (int k = 0; k < edge - s; ++k) {
      run(s, k);
      run(s, planes - 1 - k);
    }
    if (s + 1 < stages || exchange_last) level.halo.exchange(x);
  }
  for (int t = 0; t < planes + stages; ++t) {
    for (int s = 0; s < stages; ++s) {
      const int k = t - s, skip = wraps ? edge - s : 0;
      if (k >= skip && k < planes - skip) run(s, k);
    }
    // The last stage has reached plane t - stages + 1; a residual needs one plane more.
    if (t >= stages) follow(t - stages);
  }
}

}  // namespace

void Hierarchy::descend(Level& level, const Transfer& transfer, const Tile& coarse) {
  const std::vector<int>& first = transfer.first[2];
  int done = 0;
  sweep_planes(
      level, half_sweeps(level), true,
      [&](int s, int k) {
        if (s == 0)
          smooth_plane_from_zero(level, k);
        else
          smooth_plane(level, s & 1, k);
      },
      [&](int k) {
        if (k + 1 == first[done + 1]) restrict_plane(level, transfer, coarse, done++);
      });
}

void Hierarchy::ascend(Level& level, const Transfer& transfer, const Tile& coarse) {
  // The colours in reverse order: the adjoint of the smoothing before, so that the cycle is symmetric.
  sweep_planes(
      level, 1 + half_sweeps(level), false,
      [&](int s, int k) {
        if (s == 0)
          prolong_plane(level, transfer, coarse, k);
        else
          smooth_plane(level, s & 1, k);
      },
      [](int) {});
}

void Hierarchy::cycle(std::size_t l) {
  Level& level = *levels_[l];
  if (l == steps_.size()) {
    direct_.solve(level);
    return;
  }
  descend(level, steps_[l].transfer, coarse_b(l));
  Level& coarse = *levels_[l + 1];
  if (steps_[l].gathered) steps_[l].vector.run(coarse.tile(coarse.b()));
  cycle(l + 1);
  ascend(level, steps_[l].transfer, coarse_x(l));
}

Tile Hierarchy::coarse_b(std::size_t l) {
  Level& coarse = *levels_[l + 1];
  return steps_[l].gathered ? steps_[l].vector.part() : coarse.tile(coarse.b());
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

template <class Body>
void Hierarchy::for_rows(Body&& body) const {
  const Level& level = *levels_.front();
  for (int k = 0; k < level.n[2]; ++k)
    for (int j = 0; j < level.n[1]; ++j) body(j * packed_[1] + k * packed_[2], j * level.sy + k * level.sz);
}

template <class Body>
void Hierarchy::for_tiles(Body&& body) const {
  // Our y may be the caller's contiguous direction: short blocks of it keep both sides in cache.
  constexpr int block = 16;
  const Extent& n = levels_.front()->n;
  for (int k = 0; k < n[2]; ++k)
    for (int j0 = 0; j0 < n[1]; j0 += block)
      for (int i = 0; i < n[0]; ++i)
        for (int j = j0; j < std::min(j0 + block, n[1]); ++j) body(i, j, k);
}

void Hierarchy::sums(const double* b, double* sum, double* size) const {
  const Level& level = *levels_.front();
  const int n = level.n[0];
  const std::ptrdiff_t step = packed_[0], half = level.half;
  const std::ptrdiff_t cells = static_cast<std::ptrdiff_t>(n) * level.n[1] * level.n[2];
  double total = 0.0, absolute = 0.0;
  if (!dead_cells_) {
    // Eight partial sums: the compiler may not reorder a sum of doubles.
    std::array<double, 8> s{}, a{};
    const std::ptrdiff_t whole = cells / 8 * 8;
    for (std::ptrdiff_t i = 0; i < whole; i += 8)
      for (int lane = 0; lane < 8; ++lane) {
        s[lane] += b[i + lane];
        a[lane] += std::abs(b[i + lane]);
      }
    for (std::ptrdiff_t i = whole; i < cells; ++i) {
      s[i - whole] += b[i];
      a[i - whole] += std::abs(b[i]);
    }
    for (int lane = 0; lane < 8; ++lane) {
      total += s[lane];
      absolute += a[lane];
    }
  } else {
    for_rows([&](std::ptrdiff_t packed, std::ptrdiff_t at) {
      for (int i = 0; i < n; ++i) {
        const double v = level.inverse()[at + place(i, half)] > 0.0f ? b[packed + i * step] : 0.0;
        total += v;
        absolute += std::abs(v);
      }
    });
  }
  *sum = total;
  *size = absolute;
}

void Hierarchy::take(const double* b, double scale, double mean) {
  const Level& level = *levels_.front();
  const double offset = scale * mean;
  const int n = level.n[0];
  const std::ptrdiff_t step = packed_[0], half = level.half;
  if (step == 1 && !dead_cells_) {
    for_rows([&](std::ptrdiff_t packed, std::ptrdiff_t at) {
      const double* from = b + packed;
      float *even = level.b() + at, *odd = even + half;
#pragma GCC ivdep
      for (int i = 0; i < n / 2; ++i) {
        even[i] = static_cast<float>(from[2 * i] * scale - offset);
        odd[i] = static_cast<float>(from[2 * i + 1] * scale - offset);
      }
      if (n & 1) even[n / 2] = static_cast<float>(from[n - 1] * scale - offset);
    });
    return;
  }
  for_tiles([&](int i, int j, int k) {
    const std::ptrdiff_t at = place(i, half) + j * level.sy + k * level.sz;
    const bool live = !dead_cells_ || level.inverse()[at] > 0.0f;
    const double v = b[i * step + j * packed_[1] + k * packed_[2]];
    level.b()[at] = live ? static_cast<float>(v * scale - offset) : 0.0f;
  });
}

double Hierarchy::mean_of_answer() const {
  const Level& level = *levels_.front();
  double total = 0.0;
  for_rows([&](std::ptrdiff_t, std::ptrdiff_t at) {
    for (int odd = 0; odd < 2; ++odd) {
      const float* x = level.x() + at + odd * level.half;
      const int count = level.count(odd), whole = count / 16 * 16;
      std::array<double, 16> s{};
      for (int i = 0; i < whole; i += 16)
        for (int lane = 0; lane < 16; ++lane) s[lane] += x[i + lane];
      for (int i = whole; i < count; ++i) s[i - whole] += x[i];
      for (double v : s) total += v;
    }
  });
  return Communicator(level.boxes.comm).sum(total) / live_cells_;
}

void Hierarchy::give(double* q, double scale) {
  const Level& level = *levels_.front();
  const double offset = singular_ ? scale * mean_of_answer() : 0.0;
  const int n = level.n[0];
  const std::ptrdiff_t step = packed_[0], half = level.half;
  if (step == 1 && !dead_cells_) {
    for_rows([&](std::ptrdiff_t packed, std::ptrdiff_t at) {
      double* to = q + packed;
      const float *even = level.x() + at, *odd = even + half;
#pragma GCC ivdep
      for (int i = 0; i < n / 2; ++i) {
        to[2 * i] = even[i] * scale - offset;
        to[2 * i + 1] = odd[i] * scale - offset;
      }
      if (n & 1) to[n - 1] = even[n / 2] * scale - offset;
    });
    return;
  }
  for_tiles([&](int i, int j, int k) {
    const std::ptrdiff_t at = place(i, half) + j * level.sy + k * level.sz;
    const bool live = !dead_cells_ || level.inverse()[at] > 0.0f;
    q[i * step + j * packed_[1] + k * packed_[2]] = live ? level.x()[at] * scale - offset : 0.0;
  });
}

void Hierarchy::apply(const double* b, double* q) {
  const Level& level = *levels_.front();
  // Sum (for the mean) and size (for the scale) of b, in one reduction.
  double both[2];
  sums(b, &both[0], &both[1]);
  Communicator(level.boxes.comm).sum(both, 2);
  if (both[1] == 0.0) {
    std::fill_n(q, static_cast<std::size_t>(level.n[0]) * level.n[1] * level.n[2], 0.0);
    return;
  }
  const double scale = live_cells_ / both[1];
  take(b, scale, singular_ ? both[0] / live_cells_ : 0.0);
  {
    const FlushDenormals flush;
    cycle(0);
  }
  give(q, 1.0 / (scale * operator_scale_));
}

}  // namespace kolmo::multigrid
