#include "line_blocks.hpp"

#include "line_vectors.hpp"

namespace kolmo::density {

namespace {

constexpr int side = vector_lanes;

/// 8 x 8 numbers; rows from_step and to_step apart.
inline void transpose_square(const double* from, std::ptrdiff_t from_step, double* to, std::ptrdiff_t to_step) {
  Vector a[side], b[side];
  for (int r = 0; r < side; ++r) a[r] = load(from + r * from_step);
  for (int r = 0; r < side; r += 2) {
    b[r] = __builtin_shufflevector(a[r], a[r + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    b[r + 1] = __builtin_shufflevector(a[r], a[r + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
  for (int q = 0; q < side; q += 4)
    for (int r = q; r < q + 2; ++r) {
      a[r] = __builtin_shufflevector(b[r], b[r + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      a[r + 2] = __builtin_shufflevector(b[r], b[r + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  for (int r = 0; r < 4; ++r) {
    store(to + r * to_step, __builtin_shufflevector(a[r], a[r + 4], 0, 1, 2, 3, 8, 9, 10, 11));
    store(to + (r + 4) * to_step, __builtin_shufflevector(a[r], a[r + 4], 4, 5, 6, 7, 12, 13, 14, 15));
  }
}

}  // namespace

void transpose_in(const double* lines, std::ptrdiff_t step, int rows, int n, double* panel, int lanes) {
  int row = 0;
  for (; row + side <= rows; row += side) {
    int i = 0;
    for (; i + side <= n; i += side)
      transpose_square(lines + row * step + i, step, panel + static_cast<std::ptrdiff_t>(i) * lanes + row, lanes);
    for (; i < n; ++i)
      for (int r = row; r < row + side; ++r) panel[static_cast<std::ptrdiff_t>(i) * lanes + r] = lines[r * step + i];
  }
  for (; row < rows; ++row)
    for (int i = 0; i < n; ++i) panel[static_cast<std::ptrdiff_t>(i) * lanes + row] = lines[row * step + i];
}

void transpose_out(const double* panel, int lanes, int rows, int n, double* lines, std::ptrdiff_t step) {
  int row = 0;
  for (; row + side <= rows; row += side) {
    int i = 0;
    for (; i + side <= n; i += side)
      transpose_square(panel + static_cast<std::ptrdiff_t>(i) * lanes + row, lanes, lines + row * step + i, step);
    for (; i < n; ++i)
      for (int r = row; r < row + side; ++r) lines[r * step + i] = panel[static_cast<std::ptrdiff_t>(i) * lanes + r];
  }
  for (; row < rows; ++row)
    for (int i = 0; i < n; ++i) lines[row * step + i] = panel[static_cast<std::ptrdiff_t>(i) * lanes + row];
}

}  // namespace kolmo::density
