// Direct solution of the coarsest level.
#include <cmath>

#include "multigrid_parts.hpp"

namespace kolmo::multigrid {

void DenseInverse::assemble(const Level& level) {
  const Extent& n = level.n;
  const std::array<int, 3> step{1, n[0], n[0] * n[1]};
  size_ = n[0] * n[1] * n[2];
  const auto size = static_cast<std::size_t>(size_);
  coupling_.assign(size * size, 0.0);
  excess_.assign(size, 0.0);
  int row = 0;
  for (int k = 0; k < n[2]; ++k)
    for (int j = 0; j < n[1]; ++j)
      for (int i = 0; i < n[0]; ++i, ++row) {
        const Extent at{i, j, k};
        if (level.has_shift) excess_[row] += level.tile(level.shift())(i, j, k);
        for (int d = 0; d < 3; ++d)
          for (int side = 0; level.active[d] && side < 2; ++side) {
            Extent face = at;
            face[d] += side;
            const double c = level.tile(level.face(d))(face[0], face[1], face[2]);
            const int to = at[d] + 2 * side - 1;
            if (level.boxes.periodic[d] || (to >= 0 && to < n[d]))
              coupling_[static_cast<std::size_t>(row) * size + row + ((to + n[d]) % n[d] - at[d]) * step[d]] += c;
            else
              excess_[row] += c;
          }
      }
}

void DenseInverse::eliminate() {
  // A = L D L^T. Every row is kept as couplings and the excess of its diagonal over them, which elimination only ever
  // adds to: no cancellation, and the pivot of a null vector is exactly zero (Grassmann, Taksar & Heyman 1985; Alfa,
  // Xue & Ye 2002).
  const std::size_t n = excess_.size();
  pivot_.assign(n, 0.0);
  for (std::size_t j = 0; j < n; ++j) {
    double* row = coupling_.data() + j * n;
    double pivot = excess_[j];
    for (std::size_t k = j + 1; k < n; ++k) pivot += row[k];
    pivot_[j] = pivot;
    for (std::size_t i = j + 1; i < n; ++i) {
      double* other = coupling_.data() + i * n;
      const double ratio = row[i] > 0.0 ? row[i] / pivot : 0.0;
      other[j] = ratio;  // L_ij = -ratio
      if (ratio == 0.0) continue;
      excess_[i] += ratio * excess_[j];
      for (std::size_t k = j + 1; k < n; ++k)
        if (k != i) other[k] += ratio * row[k];
    }
  }
}

void DenseInverse::factor(const Level& level, bool singular) {
  assemble(level);
  eliminate();
  const std::size_t n = excess_.size();
  inverse_.assign(n * n, 0.0);
  right_.assign(n, 0.0);
  left_.assign(n, 0.0);
  for (std::size_t c = 0; c < n; ++c) {
    double* x = inverse_.data() + c * n;
    x[c] = 1.0;
    for (std::size_t i = c + 1; i < n; ++i)
      for (std::size_t k = c; k < i; ++k) x[i] += coupling_[i * n + k] * x[k];
    for (std::size_t i = 0; i < n; ++i) x[i] = pivot_[i] > 0.0 ? x[i] / pivot_[i] : 0.0;
    for (std::size_t i = n; i-- > 0;)
      for (std::size_t k = i + 1; k < n; ++k) x[i] += coupling_[k * n + i] * x[k];
  }
  if (singular) remove_means();
}

void DenseInverse::remove_means() {
  // Both sides, so that it stays symmetric: a constant in its answers would cost the float sweeps their digits.
  const std::size_t n = excess_.size();
  for (int side = 0; side < 2; ++side) {
    const std::size_t across = side == 0 ? 1 : n, along = side == 0 ? n : 1;
    for (std::size_t c = 0; c < n; ++c) {
      double mean = 0.0;
      for (std::size_t i = 0; i < n; ++i) mean += inverse_[c * across + i * along];
      mean /= static_cast<double>(n);
      for (std::size_t i = 0; i < n; ++i) inverse_[c * across + i * along] -= mean;
    }
  }
}

void DenseInverse::solve(const Level& level) {
  const Extent& n = level.n;
  const auto size = static_cast<std::size_t>(size_);
  const Tile b = level.tile(level.b()), x = level.tile(level.x());
  std::size_t at = 0;
  for (int k = 0; k < n[2]; ++k)
    for (int j = 0; j < n[1]; ++j)
      for (int i = 0; i < n[0]; ++i) right_[at++] = b(i, j, k);
  for (std::size_t c = 0; c < size; ++c) left_[c] = 0.0;
  // The inverse is symmetric: by columns, so that the loop vectorises without reordering a sum.
  for (std::size_t c = 0; c < size; ++c)
    for (std::size_t r = 0; r < size; ++r) left_[r] += inverse_[c * size + r] * right_[c];
  at = 0;
  for (int k = 0; k < n[2]; ++k)
    for (int j = 0; j < n[1]; ++j)
      for (int i = 0; i < n[0]; ++i) x(i, j, k) = static_cast<float>(left_[at++]);
}

}  // namespace kolmo::multigrid
