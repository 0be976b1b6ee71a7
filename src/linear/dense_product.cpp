#include "dense_product.hpp"

#include <array>
#include <utility>

namespace kolmo {

namespace {

#ifdef __AVX512F__
constexpr int lanes = 8, vectors = 4, columns = 6;  // 24 accumulators of 32 registers
#else
constexpr int lanes = 4, vectors = 2, columns = 6;  // 12 of 16
#endif
constexpr int block = lanes * vectors;
static_assert(DenseProduct::panel % block == 0);

typedef double Vector __attribute__((vector_size(lanes * sizeof(double)), aligned(sizeof(double)), may_alias));

/// c(s, j) = sum_i a(s, i) b(i, j) for V vectors of s and N columns j; a: step_a apart, b(i, j) at b[i step_i + j
/// step_j].
template <int V, int N>
void tile(int inner, const double* __restrict a, std::ptrdiff_t step_a, const double* __restrict b,
          std::ptrdiff_t step_i, std::ptrdiff_t step_j, double* __restrict c, std::ptrdiff_t step_c) {
  Vector sum[N][V];
  for (int j = 0; j < N; ++j)
    for (int v = 0; v < V; ++v) sum[j][v] = Vector{};
  for (int i = 0; i < inner; ++i, a += step_a, b += step_i) {
    Vector left[V];
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) left[v] = *reinterpret_cast<const Vector*>(a + v * lanes);
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j) {
      const double right = b[j * step_j];
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) sum[j][v] += left[v] * right;
    }
  }
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j)
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) *reinterpret_cast<Vector*>(c + j * step_c + v * lanes) = sum[j][v];
}

using Tile = void (*)(int, const double*, std::ptrdiff_t, const double*, std::ptrdiff_t, std::ptrdiff_t, double*,
                      std::ptrdiff_t);

template <int V, int... N>
constexpr std::array<Tile, columns> tiles_of(std::integer_sequence<int, N...>) {
  return {tile<V, N + 1>...};
}
template <int... V>
constexpr std::array<std::array<Tile, columns>, vectors> all_tiles(std::integer_sequence<int, V...>) {
  return {tiles_of<V + 1>(std::make_integer_sequence<int, columns>())...};
}
constexpr auto tiles = all_tiles(std::make_integer_sequence<int, vectors>());

/// A tile of `width` <= block values of s; whole vectors are computed, and only `width` values stored.
void product(int width, int n, int inner, const double* a, std::ptrdiff_t step_a, const double* b,
             std::ptrdiff_t step_i, std::ptrdiff_t step_j, double* c, std::ptrdiff_t step_c) {
  const int whole = (width + lanes - 1) / lanes;
  const Tile run = tiles[whole - 1][n - 1];
  if (whole * lanes == width) {
    run(inner, a, step_a, b, step_i, step_j, c, step_c);
    return;
  }
  alignas(64) double buffer[columns * block];
  run(inner, a, step_a, b, step_i, step_j, buffer, block);
  for (int j = 0; j < n; ++j) std::copy_n(buffer + j * block, width, c + j * step_c);
}

}  // namespace

void DenseProduct::pack(const double* matrix, bool along_lines) {
  // Outputs are the vectors of a tile along lines, its columns otherwise; each group of them is stored input by input.
  const int group = along_lines ? block : columns;
  if (!packed_) {
    const auto padded = static_cast<std::size_t>((outputs_ + block - 1) / block * block + columns);
    packed_ = aligned_array(padded * inputs_);
    first_.resize((outputs_ + group - 1) / group);
    last_.resize(first_.size());
  }
  double* to = packed_.get();
  for (int o = 0; o < outputs_; o += group) {
    int first = inputs_, last = 0;
    for (int i = 0; i < inputs_; ++i)
      for (int k = o; k < o + group; ++k) {
        *to = k < outputs_ ? matrix[static_cast<std::size_t>(k) * inputs_ + i] : 0.0;
        if (*to++ == 0.0) continue;
        first = std::min(first, i);
        last = i + 1;
      }
    first_[o / group] = std::min(first, last);
    last_[o / group] = last;
  }
}

void DenseProduct::lines(std::ptrdiff_t count, const double* in, std::ptrdiff_t step_in, double* out,
                         std::ptrdiff_t step_out) const {
  for (std::ptrdiff_t line = 0; line < count; line += columns) {
    const int n = static_cast<int>(std::min<std::ptrdiff_t>(columns, count - line));
    for (int o = 0; o < outputs_; o += block) {
      const int first = first_[o / block], inner = last_[o / block] - first;
      product(std::min(block, outputs_ - o), n, inner,
              packed_.get() + static_cast<std::ptrdiff_t>(o) * inputs_ + static_cast<std::ptrdiff_t>(first) * block,
              block, in + line * step_in + first, 1, step_in, out + line * step_out + o, step_out);
    }
  }
}

void DenseProduct::rows(int width, const double* in, double* out, std::ptrdiff_t step_out) const {
  for (int s = 0; s < width; s += block)
    for (int o = 0; o < outputs_; o += columns) {
      const int first = first_[o / columns], inner = last_[o / columns] - first;
      product(std::min(block, width - s), std::min(columns, outputs_ - o), inner, in + s + first * panel, panel,
              packed_.get() + static_cast<std::ptrdiff_t>(o) * inputs_ + static_cast<std::ptrdiff_t>(first) * columns,
              columns, 1, out + o * step_out + s, step_out);
    }
}

}  // namespace kolmo
