// Between the caller's double precision and the cycle's single precision.
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

/// Sum of the values and of their sizes.
std::array<double, 2> sums(const double* b, std::size_t count) {
  // Eight partial sums: the compiler may not reorder a sum of doubles.
  std::array<double, 8> s{}, a{};
  const std::size_t whole = count / 8 * 8;
  for (std::size_t i = 0; i < whole; i += 8)
    for (std::size_t lane = 0; lane < 8; ++lane) {
      s[lane] += b[i + lane];
      a[lane] += std::abs(b[i + lane]);
    }
  for (std::size_t i = whole; i < count; ++i) {
    s[i - whole] += b[i];
    a[i - whole] += std::abs(b[i]);
  }
  std::array<double, 2> total{};
  for (std::size_t lane = 0; lane < 8; ++lane) {
    total[0] += s[lane];
    total[1] += a[lane];
  }
  return total;
}

}  // namespace

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

std::array<double, 2> Hierarchy::live_sums(const double* b) const {
  const Level& level = *levels_.front();
  std::array<double, 2> total{};
  for_rows([&](std::ptrdiff_t packed, std::ptrdiff_t at) {
    for (int i = 0; i < level.n[0]; ++i) {
      const double v = level.inverse()[at + place(i, level.half)] > 0.0f ? b[packed + i * packed_[0]] : 0.0;
      total[0] += v;
      total[1] += std::abs(v);
    }
  });
  return total;
}

template <class Real>
void Hierarchy::take(const Real* b, double scale, double offset) {
  const Level& level = *levels_.front();
  const int n = level.n[0];
  const std::ptrdiff_t step = packed_[0], half = level.half;
  if (step == 1 && !dead_cells_) {
    for_rows([&](std::ptrdiff_t packed, std::ptrdiff_t at) {
      const Real* from = b + packed;
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

double Hierarchy::sum_of_answer() const {
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
  return total;
}

template <class Real>
void Hierarchy::give(Real* q, double scale, double offset) {
  const Level& level = *levels_.front();
  const int n = level.n[0];
  const std::ptrdiff_t step = packed_[0], half = level.half;
  if (step == 1 && !dead_cells_) {
    for_rows([&](std::ptrdiff_t packed, std::ptrdiff_t at) {
      Real* to = q + packed;
      const float *even = level.x() + at, *odd = even + half;
#pragma GCC ivdep
      for (int i = 0; i < n / 2; ++i) {
        to[2 * i] = static_cast<Real>(even[i] * scale - offset);
        to[2 * i + 1] = static_cast<Real>(odd[i] * scale - offset);
      }
      if (n & 1) to[n - 1] = static_cast<Real>(even[n / 2] * scale - offset);
    });
    return;
  }
  for_tiles([&](int i, int j, int k) {
    const std::ptrdiff_t at = place(i, half) + j * level.sy + k * level.sz;
    const bool live = !dead_cells_ || level.inverse()[at] > 0.0f;
    q[i * step + j * packed_[1] + k * packed_[2]] = live ? static_cast<Real>(level.x()[at] * scale - offset) : Real{0};
  });
}

void Hierarchy::apply(const double* b, double* q) {
  const Level& level = *levels_.front();
  const std::size_t cells =
      pencil_ ? pencil_->here().size() : static_cast<std::size_t>(level.n[0]) * level.n[1] * level.n[2];
  // Sum (for the mean) and size (for the scale) of b, in one reduction.
  std::array<double, 2> total = dead_cells_ && !pencil_ ? live_sums(b) : sums(b, cells);
  const Communicator comm(level.boxes.comm);
  comm.sum(total.data(), 2);
  if (total[1] == 0.0) {
    std::fill_n(q, cells, 0.0);
    return;
  }
  const double scale = live_cells_ / total[1], back = 1.0 / (scale * operator_scale_);
  const double offset = singular_ ? scale * total[0] / live_cells_ : 0.0;
  if (pencil_) {
    std::vector<float>& here = pencil_->here();
    for (std::size_t i = 0; i < cells; ++i) here[i] = static_cast<float>(b[i] * scale - offset);
    pencil_->send();
    take(pencil_->there().data(), 1.0, 0.0);
  } else {
    take(b, scale, offset);
  }
  {
    const FlushDenormals flush;
    cycle(0, true);
  }
  const double mean = singular_ ? comm.sum(sum_of_answer()) / live_cells_ : 0.0;
  if (pencil_) {
    const std::vector<float>& here = pencil_->here();
    give(pencil_->there().data(), 1.0, mean);
    pencil_->bring_back();
    for (std::size_t i = 0; i < cells; ++i) q[i] = here[i] * back;
  } else {
    give(q, back, back * mean);
  }
}

}  // namespace kolmo::multigrid
