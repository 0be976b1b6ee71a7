/// Who holds which box of a grid.
#pragma once

#include <vector>

#include "kolmo/base/parallel.hpp"
#include "kolmo/grid/grid.hpp"

namespace kolmo {

/// A grid of indices cut into boxes, one per rank, by cuts that run straight through each direction. Ranks are numbered
/// x fastest, like cells and like PETSc's DMDA (MPI_Cart is the other way round). A box may be empty only in
/// decompositions derived by `trimmed` or `pencil`.
template <int Dim>
class Decomposition {
 public:
  Decomposition() = default;
  /// cells: global extent; processes: ranks per direction, product = comm.size(). Uneven splits give the first ranks
  /// one more. Throws InputError if the product does not match or a direction has fewer cells than ranks.
  Decomposition(Communicator comm, Index<Dim> cells, std::array<bool, Dim> periodic, Index<Dim> processes);
  /// Chooses the process grid: keeps x whole where it can (rows stay long and contiguous), then cuts the highest
  /// directions first with the least halo surface. Throws InputError if the ranks cannot each get a cell.
  static Index<Dim> choose(int ranks, const Index<Dim>& cells);

  const Communicator& comm() const { return comm_; }
  const Index<Dim>& cells() const { return cells_; }
  const std::array<bool, Dim>& periodic() const { return periodic_; }
  const Index<Dim>& processes() const { return processes_; }
  const Index<Dim>& coordinates() const { return coordinates_; }
  bool cut(int d) const { return processes_[d] > 1; }

  /// Global indices held by this rank, or by another.
  const Box<Dim>& owned() const { return owned_; }
  Box<Dim> owned_by(int rank) const;
  /// First global index of each rank along direction d, and the extent as last entry (processes()[d] + 1 numbers).
  const std::vector<int>& starts(int d) const { return starts_[d]; }
  /// Local extent.
  Index<Dim> extent() const;
  std::int64_t local_size() const { return owned_.size(); }
  std::int64_t global_size() const;

  /// Rank at process coordinates, which wrap in periodic directions; MPI_PROC_NULL beyond an end that is not periodic.
  int rank_at(Index<Dim> coordinates) const;
  int neighbour(int d, Side side) const;
  /// True if this rank's box touches the end of direction d and that end is a boundary of the domain (not periodic).
  bool at_boundary(int d, Side side) const;

  /// The same cuts over fewer or more indices: `low` taken from the first rank's and `high` from the last rank's part
  /// of direction d (negative: added). The unknown faces between two walls are trimmed(d, 1, 0) of the cells with face
  /// i at index i - 1.
  Decomposition trimmed(int d, int low, int high) const;
  /// A decomposition of the same indices in which direction `whole` is not cut; another direction takes over its ranks,
  /// but not `keep` where a different one has lines enough. Boxes may be empty where there are more ranks than lines.
  Decomposition pencil(int whole, int keep = -1) const;

 private:
  void place();
  Communicator comm_{MPI_COMM_SELF};
  Index<Dim> cells_{}, processes_{}, coordinates_{};
  std::array<bool, Dim> periodic_{};
  std::array<std::vector<int>, Dim> starts_;
  Box<Dim> owned_{};
};

}  // namespace kolmo
