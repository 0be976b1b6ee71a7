// Bringing together the lines of a direction that is cut.
#pragma once

#include <vector>

#include "kolmo/density/face_weights.hpp"
#include "kolmo/grid/field.hpp"
#include "line_blocks.hpp"

namespace kolmo::density {

/// The ranks that hold parts of the same lines share them out: each takes some of the lines, in a slab of another
/// direction, gets the other ranks' parts of those and sends its parts of theirs. Its own part stays where it is. One
/// message per pair of ranks, there and back; a rank moves (1 - 1/P) of its cells each way, P ranks to a line.
template <int Dim>
class LineExchange {
 public:
  LineExchange(const Decomposition<Dim>& cells, int direction);
  ~LineExchange();
  LineExchange(const LineExchange&) = delete;
  LineExchange& operator=(const LineExchange&) = delete;

  /// The lines this rank takes: a box of its own cells (local indices), the cut direction whole.
  const Box<Dim>& share() const { return shares_[self_]; }

  /// The parts of other ranks, by rank: x fastest over their part of this rank's share.
  using Parts = std::vector<std::vector<double>>;
  /// Makes room for cells, or for faces (the last rank has one more in a line that is not closed).
  Parts make_parts(bool faces) const;
  /// Cells of a field. Collective.
  void collect(const Field<Dim>& field, Parts& parts);
  /// Faces. Collective.
  void collect(const FaceTable<Dim>& table, Parts& parts);
  /// Collective; cells.
  void give_back(const Parts& parts, Field<Dim>& field);
  /// Whole lines: pieces in parts and, for this rank's own, in an array of the field's shape.
  template <class T>
  void assemble(const ArrayView<Dim, T>& own, const Parts& parts, bool faces, LineArray<Dim, T>& lines) const;
  /// Numbers of this rank's cross-section (x fastest over its extent without the cut direction), known to the rank at
  /// one end of the lines, for the lines of the share. Collective.
  void from_end(const std::vector<double>& values, Side side, std::vector<double>& mine);

 private:
  template <class Pack>
  void move(Parts& parts, bool faces, Pack&& pack_box);
  int rows(int rank, bool faces) const;
  Box<Dim> part_of(int rank, int of, bool faces) const;

  int direction_, self_ = 0, ranks_ = 1;
  bool closed_;
  Index<Dim> extent_{};
  MPI_Comm comm_ = MPI_COMM_NULL;  // of the ranks along the lines, in their order
  std::vector<int> starts_;
  std::vector<Box<Dim>> shares_;
  Parts sent_;
  std::vector<double> section_;
  std::vector<MPI_Request> requests_;
};

}  // namespace kolmo::density
