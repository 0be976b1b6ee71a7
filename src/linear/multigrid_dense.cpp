// Direct solution of the coarsest level.
#include <cmath>

#include "multigrid_parts.hpp"

namespace kolmo::multigrid {

namespace {

/// The operator of a level held by one rank as a dense symmetric matrix.
void assemble(const Level& level, std::vector<double>& a) {
  const Extent& n = level.n;
  const std::array<int, 3> step{1, n[0], n[0] * n[1]};
  const std::array<std::ptrdiff_t, 3> stride{1, level.sy, level.sz};
  const int size = n[0] * n[1] * n[2];
  a.assign(static_cast<std::size_t>(size) * size, 0.0);
  int row = 0;
  for (int k = 0; k < n[2]; ++k)
    for (int j = 0; j < n[1]; ++j)
      for (int i = 0; i < n[0]; ++i, ++row) {
        const Extent at{i, j, k};
        const std::ptrdiff_t cell = i + j * level.sy + k * level.sz;
        double* out = a.data() + static_cast<std::size_t>(row) * size;
        if (level.has_shift) out[row] += level.shift()[cell];
        for (int d = 0; d < 3; ++d)
          for (int side = 0; level.active[d] && side < 2; ++side) {
            const double c = level.face(d)[cell + side * stride[d]];
            out[row] += c;
            const int to = at[d] + 2 * side - 1;
            const bool inside = to >= 0 && to < n[d];
            if (!inside && !level.boxes.periodic[d]) continue;
            out[row + ((to + n[d]) % n[d] - at[d]) * step[d]] -= c;
          }
      }
}

}  // namespace

void DenseInverse::factor(const Level& level) {
  assemble(level, matrix_);
  const int n = level.n[0] * level.n[1] * level.n[2];
  // Cholesky A = L L^T in the lower triangle; a pivot lost in round-off belongs to a null vector and is grounded (its
  // row and column of the inverse are zero).
  auto a = [&](int i, int j) -> double& { return matrix_[static_cast<std::size_t>(i) * n + j]; };
  std::vector<char> grounded(n, 0);
  for (int j = 0; j < n; ++j) {
    const double diagonal = a(j, j);
    double pivot = diagonal;
    for (int k = 0; k < j; ++k) pivot -= a(j, k) * a(j, k);
    grounded[j] = !(pivot > 1e-12 * diagonal);
    a(j, j) = grounded[j] ? 1.0 : std::sqrt(pivot);
    for (int i = j + 1; i < n; ++i) {
      double v = a(i, j);
      for (int k = 0; k < j; ++k) v -= a(i, k) * a(j, k);
      a(i, j) = grounded[j] ? 0.0 : v / a(j, j);
    }
    if (grounded[j])
      for (int k = 0; k < j; ++k) a(j, k) = 0.0;
  }
  // Columns of the inverse.
  inverse_.assign(static_cast<std::size_t>(n) * n, 0.0);
  right_.assign(n, 0.0);
  left_.assign(n, 0.0);
  for (int c = 0; c < n; ++c) {
    if (grounded[c]) continue;
    for (int i = 0; i < n; ++i) {
      double v = i == c ? 1.0 : 0.0;
      for (int k = 0; k < i; ++k) v -= a(i, k) * right_[k];
      right_[i] = grounded[i] ? 0.0 : v / a(i, i);
    }
    for (int i = n - 1; i >= 0; --i) {
      double v = right_[i];
      for (int k = i + 1; k < n; ++k) v -= a(k, i) * right_[k];
      right_[i] = grounded[i] ? 0.0 : v / a(i, i);
    }
    for (int i = 0; i < n; ++i) inverse_[static_cast<std::size_t>(i) * n + c] = right_[i];
  }
}

void DenseInverse::solve(const Level& level) {
  const Extent& n = level.n;
  const std::size_t size = left_.size();
  const Tile b = level.tile(level.b()), x = level.tile(level.x());
  std::size_t at = 0;
  for (int k = 0; k < n[2]; ++k)
    for (int j = 0; j < n[1]; ++j)
      for (int i = 0; i < n[0]; ++i) right_[at++] = b.row(j, k)[i];
  for (std::size_t c = 0; c < size; ++c) left_[c] = 0.0;
  // The inverse is symmetric: by columns, so that the loop vectorises without reordering a sum.
  for (std::size_t c = 0; c < size; ++c)
    for (std::size_t r = 0; r < size; ++r) left_[r] += inverse_[c * size + r] * right_[c];
  at = 0;
  for (int k = 0; k < n[2]; ++k)
    for (int j = 0; j < n[1]; ++j)
      for (int i = 0; i < n[0]; ++i) x.row(j, k)[i] = static_cast<float>(left_[at++]);
}

}  // namespace kolmo::multigrid
