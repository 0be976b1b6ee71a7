// The sweeps over one plane of a level. Rows run along x, even cells before odd ones: the cells of one colour in a row,
// and their neighbours of the other colour in every direction, are contiguous.
#include <algorithm>

#include "multigrid_parts.hpp"

namespace kolmo::multigrid {

namespace {

constexpr int line = 16;
int padded(int count) { return (count + line - 1) / line * line; }

/// Offsets of one half row and of its neighbours in x; those in y and z are one stride away.
struct HalfRow {
  HalfRow(const Level& level, int j, int k, int odd)
      : at(j * level.sy + k * level.sz + (odd ? level.half : 0)),
        left(odd ? at - level.half : at + level.half - 1),
        right(left + 1) {}
  std::ptrdiff_t at, left, right;
};

/// Which half of a row has a colour.
int odd_half(const Level& level, int j, int k, int colour) { return (j + k + level.parity + colour) & 1; }

template <bool X, bool Y, bool Z>
struct Sweep {
  static void smooth_plane(const Level& level, int colour, int k, float weight) {
    float* x = level.x();
    const float *b = level.b(), *inverse = level.inverse();
    const Coefficient* cx = X ? level.face(0) : nullptr;
    const Coefficient* cy = Y ? level.face(1) : nullptr;
    const Coefficient* cz = Z ? level.face(2) : nullptr;
    const std::ptrdiff_t sy = level.sy, sz = level.sz;
    for (int j = 0; j < level.n[1]; ++j) {
      const int odd = odd_half(level, j, k, colour);
      const HalfRow h(level, j, k, odd);
      const int count = padded(level.count(odd));
// Only this half row is written, and it reads no other cell of its colour.
#pragma GCC ivdep
      for (int i = 0; i < count; ++i) {
        float v = b[h.at + i];
        if constexpr (X) v += cx[h.at + i] * x[h.left + i] + cx[h.right + i] * x[h.right + i];
        if constexpr (Y) v += cy[h.at + i] * x[h.at - sy + i] + cy[h.at + sy + i] * x[h.at + sy + i];
        if constexpr (Z) v += cz[h.at + i] * x[h.at - sz + i] + cz[h.at + sz + i] * x[h.at + sz + i];
        x[h.at + i] += weight * (v * inverse[h.at + i] - x[h.at + i]);
      }
    }
  }

  /// sum += b - A x in both halves of one row, by differences.
  template <bool Shift>
  static void add_residual_row(const Level& level, int j, int k, float* sum) {
    const float *x = level.x(), *b = level.b(), *shift = level.shift();
    const Coefficient* cx = X ? level.face(0) : nullptr;
    const Coefficient* cy = Y ? level.face(1) : nullptr;
    const Coefficient* cz = Z ? level.face(2) : nullptr;
    const std::ptrdiff_t sy = level.sy, sz = level.sz;
    for (int odd = 0; odd < 2; ++odd) {
      const HalfRow h(level, j, k, odd);
      const int count = padded(level.count(odd));
      float* to = sum + odd * level.half;
#pragma GCC ivdep
      for (int i = 0; i < count; ++i) {
        const float c = x[h.at + i];
        float v = b[h.at + i];
        if constexpr (X) v += cx[h.at + i] * (x[h.left + i] - c) + cx[h.right + i] * (x[h.right + i] - c);
        if constexpr (Y) v += cy[h.at + i] * (x[h.at - sy + i] - c) + cy[h.at + sy + i] * (x[h.at + sy + i] - c);
        if constexpr (Z) v += cz[h.at + i] * (x[h.at - sz + i] - c) + cz[h.at + sz + i] * (x[h.at + sz + i] - c);
        if constexpr (Shift) v -= shift[h.at + i] * c;
        to[i] += v;
      }
    }
  }

  static void restrict_plane(const Level& fine, const Transfer& transfer, const Tile& coarse, int k) {
    const std::vector<int>&fy = transfer.first[1], &fz = transfer.first[2];
    float* sum = fine.work.data();
    for (int j = 0; j < transfer.coarse[1]; ++j) {
      std::fill_n(sum, fine.sy + 1, 0.0f);
      for (int kf = fz[k]; kf < fz[k + 1]; ++kf)
        for (int jf = fy[j]; jf < fy[j + 1]; ++jf) {
          if (fine.has_shift)
            add_residual_row<true>(fine, jf, kf, sum);
          else
            add_residual_row<false>(fine, jf, kf, sum);
        }
      float* out = coarse.row(j, k);
      const int *low = transfer.low.data(), *high = transfer.high.data();
      const int count = static_cast<int>(transfer.low.size());
#pragma GCC ivdep
      for (int i = 0; i < count; ++i) out[i] = sum[low[i]] + sum[high[i]];
    }
  }

  /// Solves the lines in y of one colour in plane k exactly (more or less than that takes more iterations): y_j = (r_j
  /// + c_j y_{j-1}) / pivot_j, then t_j = y_j + c_{j+1} t_{j+1} / pivot_j, r = b + pull of the neighbours in x and z; x
  /// moves towards t by `weight`. FromZero: x and those neighbours are zero.
  template <bool FromZero>
  static void smooth_lines(const Level& level, int colour, int k, float weight) {
    float *x = level.x(), *solution = level.work.data();
    const float *b = level.b(), *inverse = level.inverse();
    const Coefficient* cx = X ? level.face(0) : nullptr;
    const Coefficient* cy = level.face(1);
    const Coefficient* cz = Z ? level.face(2) : nullptr;
    const std::ptrdiff_t sz = level.sz;
    const int odd = (k + level.parity + colour) & 1, count = padded(level.count(odd)), rows = level.n[1];
    std::fill_n(solution, count, 0.0f);
    for (int j = 0; j < rows; ++j) {
      const HalfRow h(level, j, k, odd);
      const float* before = solution + j * level.half;
      float* y = solution + (j + 1) * level.half;
#pragma GCC ivdep
      for (int i = 0; i < count; ++i) {
        float v = b[h.at + i] + cy[h.at + i] * before[i];
        if constexpr (X && !FromZero) v += cx[h.at + i] * x[h.left + i] + cx[h.right + i] * x[h.right + i];
        if constexpr (Z && !FromZero) v += cz[h.at + i] * x[h.at - sz + i] + cz[h.at + sz + i] * x[h.at + sz + i];
        y[i] = v * inverse[h.at + i];
      }
    }
    std::fill_n(solution + (rows + 1) * level.half, count, 0.0f);
    for (int j = rows - 1; j >= 0; --j) {
      const HalfRow h(level, j, k, odd);
      float* t = solution + (j + 1) * level.half;
      const float* after = t + level.half;
#pragma GCC ivdep
      for (int i = 0; i < count; ++i) {
        t[i] += cy[h.at + level.sy + i] * inverse[h.at + i] * after[i];
        x[h.at + i] = FromZero ? weight * t[i] : x[h.at + i] + weight * (t[i] - x[h.at + i]);
      }
    }
  }
};

/// Calls `call` with the Sweep of the directions the level has.
template <class Call>
void dispatch(const Level& level, Call&& call) {
  switch ((level.active[0] ? 1 : 0) + (level.active[1] ? 2 : 0) + (level.active[2] ? 4 : 0)) {
    case 0:
      return call(Sweep<false, false, false>{});
    case 1:
      return call(Sweep<true, false, false>{});
    case 2:
      return call(Sweep<false, true, false>{});
    case 3:
      return call(Sweep<true, true, false>{});
    case 4:
      return call(Sweep<false, false, true>{});
    case 5:
      return call(Sweep<true, false, true>{});
    case 6:
      return call(Sweep<false, true, true>{});
    default:
      return call(Sweep<true, true, true>{});
  }
}

}  // namespace

Transfer::Transfer(const Level& fine, const Coarsening& to, const Tile& to_coarse, const Tile& from_coarse)
    : coarse(to.boxes.extent()) {
  for (int d = 0; d < 3; ++d)
    for (int c = 0; c <= coarse[d]; ++c)
      first[d].push_back(to.merging[d].first[to.boxes.begin(d) + c] - fine.boxes.begin(d));
  for (int c = 0; c < coarse[2]; ++c) owner_z.insert(owner_z.end(), first[2][c + 1] - first[2][c], c);
  const int nothing = static_cast<int>(fine.sy);
  const auto width = static_cast<std::size_t>(to_coarse.half == 0 ? coarse[0] : to_coarse.sy);
  low.assign(width, nothing);
  high.assign(width, nothing);
  place_in_coarse.assign(static_cast<std::size_t>(fine.sy), 0);
  for (int c = 0; c < coarse[0]; ++c) {
    const auto at = static_cast<std::size_t>(place(to_coarse.first + c, to_coarse.half));
    low[at] = static_cast<int>(place(first[0][c], fine.half));
    if (first[0][c + 1] - first[0][c] > 1) high[at] = static_cast<int>(place(first[0][c] + 1, fine.half));
    for (int f = first[0][c]; f < first[0][c + 1]; ++f)
      place_in_coarse[place(f, fine.half)] = static_cast<int>(place(from_coarse.first + c, from_coarse.half));
  }
  pairs = from_coarse.first == 0 && 2 * coarse[0] == fine.n[0];
}

void smooth_plane_from_zero(const Level& level, int k, float weight) {
  float* x = level.x();
  const float *b = level.b(), *inverse = level.inverse();
  if (level.lines) {
    const int odd = (k + level.parity) & 1;
    for (int j = 0; j < level.n[1]; ++j) std::fill_n(x + HalfRow(level, j, k, 1 - odd).at, level.count(1 - odd), 0.0f);
    Sweep<true, true, true>::smooth_lines<true>(level, 0, k, weight);
    return;
  }
  for (int j = 0; j < level.n[1]; ++j) {
    const int odd = odd_half(level, j, k, 0);
    const HalfRow h(level, j, k, odd), other(level, j, k, 1 - odd);
    const int count = padded(level.count(odd));
#pragma GCC ivdep
    for (int i = 0; i < count; ++i) x[h.at + i] = weight * b[h.at + i] * inverse[h.at + i];
    std::fill_n(x + other.at, level.count(1 - odd), 0.0f);
  }
}

void smooth_plane(const Level& level, int colour, int k, float weight) {
  dispatch(level, [&](auto sweep) {
    if (level.lines)
      sweep.template smooth_lines<false>(level, colour, k, weight);
    else
      sweep.smooth_plane(level, colour, k, weight);
  });
}

void restrict_plane(const Level& fine, const Transfer& transfer, const Tile& coarse, int k) {
  dispatch(fine, [&](auto sweep) { sweep.restrict_plane(fine, transfer, coarse, k); });
}

void prolong_plane(const Level& fine, const Transfer& transfer, const Tile& coarse, int k) {
  const std::vector<int>& fy = transfer.first[1];
  float *spread = fine.work.data(), *spread_odd = spread + fine.half;
  const int kc = transfer.owner_z[k], n = transfer.coarse[0];
  const int* from = transfer.place_in_coarse.data();
  for (int j = 0; j < transfer.coarse[1]; ++j) {
    const float* in = coarse.row(j, kc);
    if (transfer.pairs) {
      const float* in_odd = in + coarse.half;
      for (int i = 0; i < (n + 1) / 2; ++i) {
        spread[2 * i] = in[i];
        spread[2 * i + 1] = in_odd[i];
      }
      spread_odd = spread;
    } else {
      for (int i = 0; i < fine.count(0); ++i) spread[i] = in[from[i]];
      for (int i = 0; i < fine.count(1); ++i) spread_odd[i] = in[from[fine.half + i]];
    }
    for (int jf = fy[j]; jf < fy[j + 1]; ++jf) {
      float *even = fine.x() + jf * fine.sy + k * fine.sz, *odd = even + fine.half;
#pragma GCC ivdep
      for (int i = 0; i < fine.count(0); ++i) even[i] += spread[i];
#pragma GCC ivdep
      for (int i = 0; i < fine.count(1); ++i) odd[i] += spread_odd[i];
    }
  }
}

}  // namespace kolmo::multigrid
