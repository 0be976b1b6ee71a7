// Walking over the lines of an array in blocks of neighbours.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

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

/// The number of blocks of for_each_block, and the one with this number.
template <int Dim>
std::ptrdiff_t block_count(const Index<Dim>& extent, int direction, int lanes) {
  const int along = across<Dim>(direction);
  std::ptrdiff_t count = Dim == 1 || direction == along ? 1 : (extent[along] + lanes - 1) / lanes;
  for (int d = 0; d < Dim; ++d)
    if (d != direction && d != along) count *= extent[d];
  return count;
}
template <int Dim>
LineBlock<Dim> block_at(const Index<Dim>& extent, int direction, int lanes, std::ptrdiff_t number) {
  LineBlock<Dim> block;
  const int along = across<Dim>(direction), count = Dim == 1 ? 1 : extent[along], per_row = (count + lanes - 1) / lanes;
  std::ptrdiff_t row = number / per_row;
  const int at = static_cast<int>(number % per_row) * lanes;
  block.line = row * count + at;
  block.width = std::min(lanes, count - at);
  for (int d = 0; d < Dim; ++d) {
    if (d == direction || d == along) continue;
    block.first[d] = static_cast<int>(row % extent[d]);
    row /= extent[d];
  }
  if (Dim > 1) block.first[along] = at;
  return block;
}

/// Transposes an array of `rows` lines that lie `step` apart, n contiguous numbers each, into panel[i * lanes + row];
/// `rows` <= lanes.
void transpose_in(const double* lines, std::ptrdiff_t step, int rows, int n, double* panel, int lanes);
/// And back.
void transpose_out(const double* panel, int lanes, int rows, int n, double* lines, std::ptrdiff_t step);

/// Rows begin <= i < end of lines: row i at `view` with index i - begin in the line's own direction.
template <int Dim, class T = double>
struct LinePiece {
  int begin = 0, end = 0;
  ArrayView<Dim, T> view;
};

/// Lines that lie in one or, where their direction is cut, several pieces, from low to high.
template <int Dim, class T = double>
struct LineArray {
  int direction = 0;
  std::vector<LinePiece<Dim, T>> pieces;

  bool whole() const { return pieces.size() == 1; }
  /// The first `rows` rows of a block, side by side: panel[i * lanes + k].
  void gather_rows(const LineBlock<Dim>& block, int rows, int lanes, double* panel) const {
    for (const LinePiece<Dim, T>& piece : pieces) {
      const int count = std::min(piece.end, rows) - piece.begin;
      const T* from = piece.view.at(block.first);
      double* to = panel + static_cast<std::ptrdiff_t>(piece.begin) * lanes;
      const std::ptrdiff_t step = piece.view.stride[direction];
      if (direction == 0)
        transpose_in(from, Dim > 1 ? piece.view.stride[across<Dim>(0)] : 0, block.width, count, to, lanes);
      else
        for (int i = 0; i < count; ++i)
          std::copy_n(from + i * step, block.width, to + static_cast<std::ptrdiff_t>(i) * lanes);
    }
  }
  /// The same in place, if the block fills the lanes and its lines lie side by side, or alone, in one piece, else in
  /// `copy`. step:
  /// between rows.
  const double* rows(const LineBlock<Dim>& block, int count, int lanes, double* copy, std::ptrdiff_t& step) const {
    if (whole() && (direction != 0 || lanes == 1) && block.width == lanes) {
      step = pieces.front().view.stride[direction];
      return pieces.front().view.at(block.first);
    }
    gather_rows(block, count, lanes, copy);
    step = lanes;
    return copy;
  }
  void scatter_rows(const LineBlock<Dim>& block, const double* panel, int lanes) const {
    for (const LinePiece<Dim, T>& piece : pieces) {
      const int count = piece.end - piece.begin;
      T* to = piece.view.at(block.first);
      const double* from = panel + static_cast<std::ptrdiff_t>(piece.begin) * lanes;
      const std::ptrdiff_t step = piece.view.stride[direction];
      if (direction == 0)
        transpose_out(from, lanes, block.width, count, to, Dim > 1 ? piece.view.stride[across<Dim>(0)] : 0);
      else
        for (int i = 0; i < count; ++i)
          std::copy_n(from + static_cast<std::ptrdiff_t>(i) * lanes, block.width, to + i * step);
    }
  }
  /// One after the other: lines[k * n + i], n rows.
  void gather_lines(const LineBlock<Dim>& block, int n, double* lines) const {
    for (const LinePiece<Dim, T>& piece : pieces) {
      const T* from = piece.view.at(block.first);
      const std::ptrdiff_t step = piece.view.stride[direction], next = piece.view.stride[across<Dim>(direction)];
      const int count = std::min(piece.end, n) - piece.begin;
      double* to = lines + piece.begin;
      if (step == 1)
        for (std::ptrdiff_t k = 0; k < block.width; ++k) std::copy_n(from + k * next, count, to + k * n);
      else
        for (int i = 0; i < count; ++i)
          for (std::ptrdiff_t k = 0; k < block.width; ++k) to[k * n + i] = from[i * step + k * next];
    }
  }
  void scatter_lines(const LineBlock<Dim>& block, int n, const double* lines) const {
    for (const LinePiece<Dim, T>& piece : pieces) {
      T* to = piece.view.at(block.first);
      const std::ptrdiff_t step = piece.view.stride[direction], next = piece.view.stride[across<Dim>(direction)];
      const int count = piece.end - piece.begin;
      const double* from = lines + piece.begin;
      if (step == 1)
        for (std::ptrdiff_t k = 0; k < block.width; ++k) std::copy_n(from + k * n, count, to + k * next);
      else
        for (int i = 0; i < count; ++i)
          for (std::ptrdiff_t k = 0; k < block.width; ++k) to[i * step + k * next] = from[k * n + i];
    }
  }
};

}  // namespace kolmo::density
