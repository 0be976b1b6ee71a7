/// The pieces of the geometric multigrid, private to src/linear. Everything here is three-dimensional: a plane or a
/// line is a grid with one cell in the missing directions, so that one source serves Dim 1, 2 and 3. Directions here
/// may be the caller's in another order (see Plan).
#pragma once

#include <mpi.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace kolmo::multigrid {

using Extent = std::array<int, 3>;
using Strides = std::array<std::ptrdiff_t, 3>;

/// Aligned floats that start as zeros; asks for huge pages where it is large.
class FloatArray {
 public:
  FloatArray() = default;
  explicit FloatArray(std::size_t count);
  float* data() const { return data_; }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  struct Release {
    void operator()(void* memory) const;
  };
  std::unique_ptr<void, Release> memory_;
  float* data_ = nullptr;
};

/// Which rank holds which box of a level: cuts run straight through every direction.
struct Boxes {
  MPI_Comm comm = MPI_COMM_SELF;
  int rank = 0, ranks = 1;
  Extent processes{1, 1, 1}, coordinates{0, 0, 0};
  Extent rank_stride{1, 1, 1};  ///< rank = sum of coordinate * stride
  std::array<bool, 3> periodic{false, false, false};
  std::array<std::vector<int>, 3> starts;  ///< first index of every rank and the extent, per direction

  int cells(int d) const { return starts[d].back(); }
  long long count() const { return 1LL * cells(0) * cells(1) * cells(2); }
  int begin(int d) const { return starts[d][coordinates[d]]; }
  int extent(int d) const { return starts[d][coordinates[d] + 1] - begin(d); }
  Extent extent() const { return {extent(0), extent(1), extent(2)}; }
  /// Ranks may hold nothing where unknowns were trimmed from a small grid.
  bool empty() const { return extent(0) == 0 || extent(1) == 0 || extent(2) == 0; }
  Extent coordinates_of(int of_rank) const;
  /// Rank across the low (side 0) or high (side 1) end of direction d; MPI_PROC_NULL beyond a boundary of the domain.
  int neighbour(int d, int side) const;
  /// The same cells all on this rank.
  Boxes gathered() const;
  /// Direction d of the result is direction order[d] of this.
  Boxes permuted(const Extent& order) const;
};

/// Global indices begin <= i < end.
struct Box {
  Extent begin{}, end{};
};

/// Where cell i of a row sits: the even cells first, the odd ones `half` further on, so that the cells of one colour
/// are contiguous. i may be -1. With half = 0 the row is in natural order.
inline std::ptrdiff_t place(int i, std::ptrdiff_t half) { return half == 0 ? i : (i & 1) * half + (i >> 1); }

/// A conductance in 16 bits: the upper half of a float (sign, 8 bits of exponent, 7 of fraction), rounded to nearest.
/// Every face has one value that both cells and all sweeps use, so the cycle is that of a symmetric operator within 0.4
/// % of the given one in energy, with the same null space: good for far more than the factor of 20 to 200 that an
/// iteration gains.
class Coefficient {
 public:
  Coefficient() = default;
  Coefficient(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    bits_ = static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
  }
  operator float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(bits_) << 16); }

 private:
  std::uint16_t bits_ = 0;
};

/// Access to a box of values in an array: cell `first` of the row at `origin` is cell (0,0,0).
template <class Value>
struct TileOf {
  Value* origin = nullptr;
  std::ptrdiff_t sy = 0, sz = 0, half = 0;
  int first = 0;
  Value* row(int j, int k) const { return origin + j * sy + k * sz; }
  Value& operator()(int i, int j, int k) const { return row(j, k)[place(first + i, half)]; }
};
using Tile = TileOf<float>;
using CoefficientTile = TileOf<Coefficient>;

/// How the cells of one direction are merged, as tables over the whole grid (the same on every rank).
struct Merging {
  std::vector<int> first;     ///< first fine index of every coarse cell, and the extent
  std::vector<float> factor;  ///< ratio of coarse to summed fine conductance at every coarse face (coarse cells + 1)
  int coarse() const { return static_cast<int>(first.size()) - 1; }
};

/// Effective cell widths per direction, up to a common factor.
using Widths = std::array<std::vector<double>, 3>;

struct Coarsening {
  std::array<Merging, 3> merging;
  Boxes boxes;    ///< of the coarse level, cut as the fine one
  Widths widths;  ///< of the coarse level
};

/// Merges neighbours whose common width stays below a few times the smallest width of the grid: the strongly coupled
/// directions, and on a clustered axis the strongly coupled part of it, are coarsened first, so that point smoothing
/// suffices. Never merges across a cut. With `lines`, direction 1 is left alone until it is the only one with more than
/// one cell.
Coarsening coarsen(const Boxes& boxes, const Widths& widths, bool lines);

/// Refreshes the one-wide ghosts of a padded array across cuts and around periodic directions, without allocation.
class Halo {
 public:
  Halo() = default;
  Halo(const Boxes& boxes, const std::array<bool, 3>& active, const Tile& shape);
  ~Halo();
  Halo(Halo&&) noexcept;
  Halo& operator=(Halo&&) noexcept;
  void exchange(float* origin);
  /// Ghosts of direction d come from another rank.
  bool cut(int d) const { return cut_[d]; }
  /// Direction d is periodic and whole on this rank.
  bool self(int d) const { return self_[d]; }
  /// Copies the ghosts of plane k in x and y, where `self`.
  void refresh_plane(float* origin, int k) const;

 private:
  struct Face {
    int direction, side, rank;
    std::vector<float> send, receive;
  };
  void copy_self(float* origin, int d) const;
  template <class Move>
  void for_face(int direction, int at, Move&& move) const;
  Extent n_{};
  std::ptrdiff_t sy_ = 0, sz_ = 0, half_ = 0;
  std::array<bool, 3> self_{}, cut_{};
  std::vector<std::unique_ptr<Face>> faces_;
  std::vector<MPI_Request> requests_;
};

/// Brings the boxes of all ranks together on every rank. `grow` is 1 in directions where the array has one face more
/// than cells.
class Gather {
 public:
  Gather() = default;
  Gather(const Boxes& from, const Extent& grow);
  /// This rank's part, packed x fastest.
  Tile part();
  template <class Value>
  void run(const TileOf<Value>& whole);

 private:
  struct Piece {
    Extent begin, extent;
  };
  MPI_Comm comm_ = MPI_COMM_SELF;
  int rank_ = 0;
  std::vector<Piece> pieces_;
  std::vector<int> counts_, offsets_;
  std::vector<float> part_, all_;
};

/// One grid of the hierarchy with its operator. Arrays are padded by one ghost on each side of every direction with
/// more than one cell; ghosts beyond a boundary of the domain stay zero, which is the value a boundary conductance
/// leads to. Padding of a row may be written by the sweeps, with zeros and (until the next exchange) with stale ghosts.
struct Level {
  Level(Boxes boxes_in, bool shifted, bool lines_in);
  Boxes boxes;
  Extent n{};
  std::array<bool, 3> active{};  ///< more than one cell in the whole grid
  std::ptrdiff_t half = 0, sy = 0, sz = 0;
  int parity = 0;  ///< of the global index sum of the first cell; with lines, of x and z only
  bool has_shift = false;
  bool lines = false;              ///< smoothed by lines in y, else by points
  FloatArray memory;               ///< all arrays in one piece, so that the smaller levels have large pages too
  std::array<float*, 4> arrays{};  ///< first cells of x, b, inverse, shift; null: not there
  std::array<Coefficient*, 3> faces{};
  Halo halo;
  mutable std::vector<float> work;  ///< two split rows; with lines, a half row more than two per line cell

  float* x() const { return arrays[0]; }
  float* b() const { return arrays[1]; }
  /// 1 / diagonal (points) or 1 / pivot (lines), 0 for a dead cell and in padding.
  float* inverse() const { return arrays[2]; }
  float* shift() const { return arrays[3]; }
  Coefficient* face(int d) const { return faces[d]; }  ///< conductance of the low face of each cell
  template <class Value>
  TileOf<Value> tile(Value* array) const {
    return {array, sy, sz, half, 0};
  }
  int count(int odd) const { return odd ? n[0] / 2 : (n[0] + 1) / 2; }  ///< cells in a half row
  /// From face conductances and shift.
  void set_inverse();
};

/// Transfer along a row as index tables, and in y and z as ranges; both for the local part.
struct Transfer {
  Transfer() = default;
  /// `to_coarse` receives residuals, `from_coarse` gives corrections.
  Transfer(const Level& fine, const Coarsening& to, const Tile& to_coarse, const Tile& from_coarse);
  Extent coarse{};                        ///< local coarse cells
  std::array<std::vector<int>, 3> first;  ///< local first fine cell of every coarse one, and the extent
  std::vector<int> owner_z;               ///< coarse plane of every fine one
  std::vector<int> low,
      high;  ///< places in a fine row of the cells of coarse place m (high: an empty place if there is one)
  std::vector<int> place_in_coarse;  ///< coarse place of every fine place
  bool pairs = false;                ///< every coarse cell of a row is made of two, and coarse rows are split too
};

/// One update of the cells or lines of one colour in plane k (red-black by the parity of the global indices):
/// Gauss-Seidel, relaxed by `weight` (stable between 0 and 2).
void smooth_plane(const Level& level, int colour, int k, float weight);
/// The same for colour 0 from x = 0, which it sets.
void smooth_plane_from_zero(const Level& level, int k, float weight);
/// Row plane K of coarse := sums of the residuals of the fine cells.
void restrict_plane(const Level& fine, const Transfer& transfer, const Tile& coarse, int k);
/// x += value of the coarse cell, in fine plane k.
void prolong_plane(const Level& fine, const Transfer& transfer, const Tile& coarse, int k);

/// Where the coarse conductances and shift are written: one tile per direction that is active on the coarse level.
struct OperatorTiles {
  std::array<CoefficientTile, 3> face;
  std::array<Tile, 3> part;  ///< instead of `face` where the coarse level is gathered
  Tile shift;
};
/// Coarse conductances: sums of the fine ones times the ratio of the distances. A direction that has shrunk to one cell
/// becomes shift.
void coarsen_operator(const Level& fine, const Coarsening& to, const OperatorTiles& coarse);

/// Dense inverse of the coarsest operator. A null vector (per connected part) is fixed by grounding one unknown.
class DenseInverse {
 public:
  void factor(const Level& level, bool singular);
  void solve(const Level& level);
  static constexpr int max_unknowns = 64;

 private:
  void assemble(const Level& level);
  void eliminate();
  void remove_means();
  int size_ = 0;
  std::vector<double> coupling_, excess_, pivot_, inverse_, right_, left_;
};

}  // namespace kolmo::multigrid
