// Memory of the levels and who holds which box.
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "multigrid_parts.hpp"

namespace kolmo::multigrid {

void FloatArray::Release::operator()(void* memory) const { std::free(memory); }

FloatArray::FloatArray(std::size_t count) {
  constexpr std::size_t huge = std::size_t{1} << 21, line = 64;
  const std::size_t bytes = (count * sizeof(float) + line - 1) / line * line;
  void* memory = nullptr;
  if (posix_memalign(&memory, bytes >= huge ? huge : line, bytes) != 0) throw std::bad_alloc();
  memory_.reset(memory);
  if (bytes >= huge) (void)madvise(memory, bytes / huge * huge, MADV_HUGEPAGE);  // only advice: failure costs speed
  std::memset(memory, 0, bytes);
  data_ = static_cast<float*>(memory);
}

Extent Boxes::coordinates_of(int of_rank) const {
  Extent at;
  for (int d = 0; d < 3; ++d) at[d] = of_rank / rank_stride[d] % processes[d];
  return at;
}

int Boxes::neighbour(int d, int side) const {
  if (empty()) return MPI_PROC_NULL;
  Extent at = coordinates;
  do {  // past ranks that hold nothing
    at[d] += side == 0 ? -1 : 1;
    if (at[d] < 0 || at[d] >= processes[d]) {
      if (!periodic[d]) return MPI_PROC_NULL;
      at[d] = (at[d] + processes[d]) % processes[d];
    }
  } while (starts[d][at[d]] == starts[d][at[d] + 1]);
  return at[0] * rank_stride[0] + at[1] * rank_stride[1] + at[2] * rank_stride[2];
}

Boxes Boxes::gathered() const {
  Boxes all;
  all.periodic = periodic;
  for (int d = 0; d < 3; ++d) all.starts[d] = {0, cells(d)};
  return all;
}

Boxes Boxes::permuted(const Extent& order) const {
  Boxes out = *this;
  for (int d = 0; d < 3; ++d) {
    out.processes[d] = processes[order[d]];
    out.coordinates[d] = coordinates[order[d]];
    out.rank_stride[d] = rank_stride[order[d]];
    out.periodic[d] = periodic[order[d]];
    out.starts[d] = starts[order[d]];
  }
  return out;
}

Level::Level(Boxes boxes_in, bool shifted, bool lines_in)
    : boxes(std::move(boxes_in)), n(boxes.extent()), has_shift(shifted) {
  for (int d = 0; d < 3; ++d) active[d] = boxes.cells(d) > 1;
  lines = lines_in && active[1] && (active[0] || active[2]);
  parity = (boxes.begin(0) + (lines ? 0 : boxes.begin(1)) + boxes.begin(2)) & 1;
  constexpr std::ptrdiff_t line = 16;  // floats: half rows start at cache lines, and sweeps run over whole ones
  half = (n[0] / 2 + 2 + line - 1) / line * line;
  sy = 2 * half;
  sz = sy * (n[1] + (active[1] ? 2 : 0));
  const std::ptrdiff_t origin = line + (active[1] ? sy : 0) + (active[2] ? sz : 0);
  // One row more than ghosts need: loads of a last row may run over its end. A few lines more, other ones for every
  // array: arrays that start at the same offset of a page fight for the same cache sets.
  const std::ptrdiff_t count = line + sz * (n[2] + (active[2] ? 2 : 0)) + sy + 5 * line;
  const std::array<bool, 4> used{true, true, true, has_shift};
  const auto arrays_used = std::count(used.begin(), used.end(), true);
  const auto faces_used = std::count(active.begin(), active.end(), true);
  memory = FloatArray(static_cast<std::size_t>(arrays_used * count + faces_used * count / 2));
  float* next = memory.data() + origin;
  for (std::size_t i = 0; i < used.size(); ++i)
    if (used[i]) arrays[i] = std::exchange(next, next + count);
  auto* next_face = reinterpret_cast<Coefficient*>(next - origin) + origin;
  for (std::size_t d = 0; d < 3; ++d)
    if (active[d]) faces[d] = std::exchange(next_face, next_face + count);
  halo = Halo(boxes, active, tile<float>(nullptr));
  work.resize(static_cast<std::size_t>(std::max(2 * sy, (lines ? n[1] + 2 : 0) * half) + line));
}

void Level::set_inverse() {
  for (int k = 0; k < n[2]; ++k)
    for (int odd = 0; odd < 2; ++odd)
      for (int j = 0; j < n[1]; ++j) {
        const std::ptrdiff_t at = j * sy + k * sz + odd * half;
        const std::ptrdiff_t right = odd ? at - half + 1 : at + half;
        float* out = inverse() + at;
        const int m = count(odd);
        for (int i = 0; i < m; ++i) out[i] = has_shift ? shift()[at + i] : 0.0f;
        if (active[0])
          for (int i = 0; i < m; ++i) out[i] += face(0)[at + i] + face(0)[right + i];
        if (active[2])
          for (int i = 0; i < m; ++i) out[i] += face(2)[at + i] + face(2)[at + i + sz];
        const Coefficient* low = active[1] ? face(1) + at : nullptr;
        if (lines) {
          // What a row's diagonal exceeds its couplings along the line by only grows in the elimination: no
          // cancellation, however weak the couplings across. excess_j += c_j excess_{j-1} / pivot_{j-1}; pivot_j =
          // excess_j + c_{j+1}.
          float* excess = work.data() + odd * half;
          for (int i = 0; i < m; ++i) {
            excess[i] = out[i] + low[i] * (j == 0 ? 1.0f : excess[i] * out[i - sy]);
            out[i] = excess[i] + low[i + sy];
          }
        } else if (active[1]) {
          for (int i = 0; i < m; ++i) out[i] += low[i] + low[i + sy];
        }
        for (int i = 0; i < m; ++i) out[i] = out[i] > 0.0f ? 1.0f / out[i] : 0.0f;
      }
}

}  // namespace kolmo::multigrid
