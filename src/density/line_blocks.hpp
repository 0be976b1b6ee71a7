// Walking over the lines of an array in blocks of neighbours.
#pragma once

#include <algorithm>
#include <cstddef>

#include "kolmo/grid/grid.hpp"

namespace kolmo::density {

/// Where the numbers of an array with Dim directions lie: index i at origin[sum of i_d stride_d].
template <int Dim, class T = double>
struct ArrayView {
  T* origin = nullptr;
  std::array<std::ptrdiff_t, Dim> stride{};
  T* at(const Index<Dim>& i) const {
    std::ptrdiff_t offset = 0;
    for (int d = 0; d < Dim; ++d) offset += i[d] * stride[d];
    return origin + offset;
  }
};

/// Lines of one direction, `width` of them side by side along another, from `first` (where `first` is 0 in the line's
/// own direction). `line`: number of the first of them among all lines, lowest direction fastest.
template <int Dim>
struct LineBlock {
  Index<Dim> first{};
  int width = 0;
  std::ptrdiff_t line = 0;
};

/// The direction along which neighbouring lines are taken together: x, or y for lines along x (there is none in 1-D).
template <int Dim>
constexpr int across(int direction) {
  return direction == 0 && Dim > 1 ? 1 : 0;
}

/// Calls body(block) for all lines along `direction` of a box of this extent, at most `lanes` at a time.
template <int Dim, class Body>
void for_each_block(Index<Dim> extent, int direction, int lanes, Body&& body) {
  const int along = across<Dim>(direction);
  extent[direction] = std::min(extent[direction], 1);
  const int count = extent[along];
  Box<Dim> rows;
  rows.end = extent;
  rows.end[along] = std::min(count, 1);
  LineBlock<Dim> block;
  for_each<Dim>(rows, [&](const Index<Dim>& row) {
    block.first = row;
    for (int at = 0; at < count; at += lanes) {
      block.first[along] = at;
      block.width = std::min(lanes, count - at);
      body(static_cast<const LineBlock<Dim>&>(block));
      block.line += block.width;
    }
  });
}

/// Transposes an array of `rows` lines that lie `step` apart, n contiguous numbers each, into panel[i * lanes + row];
/// `rows` <= lanes.
void transpose_in(const double* lines, std::ptrdiff_t step, int rows, int n, double* panel, int lanes);
/// And back.
void transpose_out(const double* panel, int lanes, int rows, int n, double* lines, std::ptrdiff_t step);

}  // namespace kolmo::density
