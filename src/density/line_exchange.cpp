#include "line_exchange.hpp"

#include <type_traits>

#include "kolmo/base/parallel.hpp"

namespace kolmo::density {

namespace {

/// The direction in which lines are shared out: the highest with a line for every rank, so that rows stay long; else
/// the longest.
template <int Dim>
int shared_direction(const Index<Dim>& extent, int cut, int ranks) {
  int best = -1;
  for (int d = Dim - 1; d >= 0; --d) {
    if (d == cut) continue;
    if (extent[d] >= ranks) return d;
    if (best < 0 || extent[d] > extent[best]) best = d;
  }
  return best;
}

}  // namespace

template <int Dim>
LineExchange<Dim>::LineExchange(const Decomposition<Dim>& cells, int direction)
    : direction_(direction),
      self_(cells.coordinates()[direction]),
      ranks_(cells.processes()[direction]),
      closed_(cells.periodic()[direction]),
      extent_(cells.extent()),
      starts_(cells.starts(direction)) {
  Index<Dim> first = cells.coordinates();
  first[direction] = 0;
  check_mpi(MPI_Comm_split(cells.comm().handle(), cells.rank_at(first), self_, &comm_), "MPI_Comm_split");
  const int along = shared_direction<Dim>(extent_, direction, ranks_);
  for (int r = 0; r < ranks_; ++r) {
    Box<Dim> share;
    share.end = extent_;
    share.end[direction] = starts_.back();
    if (along >= 0) {
      share.begin[along] = static_cast<int>(1LL * extent_[along] * r / ranks_);
      share.end[along] = static_cast<int>(1LL * extent_[along] * (r + 1) / ranks_);
    } else if (r > 0) {
      share.end[direction] = 0;  // a single line
    }
    shares_.push_back(share);
  }
  sent_.resize(ranks_);
  for (int r = 0; r < ranks_; ++r)
    if (r != self_) sent_[r].resize(part_of(self_, r, true).size());
  requests_.resize(2 * static_cast<std::size_t>(ranks_), MPI_REQUEST_NULL);
}

template <int Dim>
LineExchange<Dim>::~LineExchange() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (!finalized && comm_ != MPI_COMM_NULL) MPI_Comm_free(&comm_);
}

template <int Dim>
int LineExchange<Dim>::rows(int rank, bool faces) const {
  return starts_[rank + 1] - starts_[rank] + (faces && !closed_ && rank == ranks_ - 1 ? 1 : 0);
}

/// What `rank` holds of the lines of another rank's share, in its local indices.
template <int Dim>
Box<Dim> LineExchange<Dim>::part_of(int rank, int of, bool faces) const {
  Box<Dim> box = shares_[of];
  if (!box.empty()) box.end[direction_] = rows(rank, faces);
  return box;
}

template <int Dim>
typename LineExchange<Dim>::Parts LineExchange<Dim>::make_parts(bool faces) const {
  Parts parts(ranks_);
  for (int r = 0; r < ranks_; ++r)
    if (r != self_) parts[r].resize(part_of(r, self_, faces).size());
  return parts;
}

template <int Dim>
void LineExchange<Dim>::collect(const Field<Dim>& field, Parts& parts) {
  move(parts, false, [&](const Box<Dim>& box, double* packed) { pack<Dim>(field, box, packed); });
}

template <int Dim>
void LineExchange<Dim>::collect(const FaceTable<Dim>& table, Parts& parts) {
  move(parts, true, [&](const Box<Dim>& box, double* packed) {
    const int n = box.extent(0);
    for_each_row<Dim>(
        box, [&](const Index<Dim>& row) { packed = std::copy_n(table.origin() + table.offset(row), n, packed); });
  });
}

template <int Dim>
template <class Pack>
void LineExchange<Dim>::move(Parts& parts, bool faces, Pack&& pack_box) {
  for (int r = 0; r < ranks_; ++r) {
    requests_[r] = requests_[ranks_ + r] = MPI_REQUEST_NULL;
    if (r == self_) continue;
    check_mpi(MPI_Irecv(parts[r].data(), static_cast<int>(parts[r].size()), MPI_DOUBLE, r, 0, comm_, &requests_[r]),
              "MPI_Irecv");
  }
  for (int k = 1; k < ranks_; ++k) {
    const int r = (self_ + k) % ranks_;
    const Box<Dim> box = part_of(self_, r, faces);
    pack_box(box, sent_[r].data());
    check_mpi(MPI_Isend(sent_[r].data(), static_cast<int>(box.size()), MPI_DOUBLE, r, 0, comm_, &requests_[ranks_ + r]),
              "MPI_Isend");
  }
  check_mpi(MPI_Waitall(2 * ranks_, requests_.data(), MPI_STATUSES_IGNORE), "MPI_Waitall");
}

template <int Dim>
void LineExchange<Dim>::give_back(const Parts& parts, Field<Dim>& field) {
  for (int r = 0; r < ranks_; ++r) {
    requests_[r] = requests_[ranks_ + r] = MPI_REQUEST_NULL;
    if (r == self_) continue;
    const int count = static_cast<int>(part_of(self_, r, false).size());
    check_mpi(MPI_Irecv(sent_[r].data(), count, MPI_DOUBLE, r, 1, comm_, &requests_[r]), "MPI_Irecv");
    check_mpi(
        MPI_Isend(parts[r].data(), static_cast<int>(parts[r].size()), MPI_DOUBLE, r, 1, comm_, &requests_[ranks_ + r]),
        "MPI_Isend");
  }
  check_mpi(MPI_Waitall(2 * ranks_, requests_.data(), MPI_STATUSES_IGNORE), "MPI_Waitall");
  for (int r = 0; r < ranks_; ++r)
    if (r != self_) unpack<Dim>(sent_[r].data(), part_of(self_, r, false), field);
}

template <int Dim>
template <class T>
void LineExchange<Dim>::assemble(const ArrayView<Dim, T>& own, const Parts& parts, bool faces,
                                 LineArray<Dim, T>& lines) const {
  lines.direction = direction_;
  lines.pieces.resize(ranks_);
  for (int r = 0; r < ranks_; ++r) {
    LinePiece<Dim, T>& piece = lines.pieces[r];
    piece.begin = starts_[r];
    piece.end = starts_[r] + rows(r, faces);
    if (r == self_) {
      Index<Dim> first = share().begin;
      first[direction_] = 0;
      piece.view = {own.at(first), own.stride};
      continue;
    }
    const Box<Dim> box = part_of(r, self_, faces);
    piece.view.origin = const_cast<T*>(parts[r].data());
    std::ptrdiff_t stride = 1;
    for (int d = 0; d < Dim; stride *= box.extent(d++)) piece.view.stride[d] = stride;
  }
}

template <int Dim>
void LineExchange<Dim>::from_end(const std::vector<double>& values, Side side, std::vector<double>& mine) {
  Box<Dim> section;
  section.end = extent_;
  section.end[direction_] = 1;
  section_.assign(section.size(), 0.0);
  mine.clear();
  if (values.size() == section_.size()) section_ = values;
  check_mpi(MPI_Bcast(section_.data(), static_cast<int>(section_.size()), MPI_DOUBLE,
                      side == Side::low ? 0 : ranks_ - 1, comm_),
            "MPI_Bcast");
  std::size_t at = 0;
  for_each<Dim>(section, [&](const Index<Dim>& i) {
    bool inside = !share().empty();
    for (int d = 0; d < Dim; ++d)
      if (d != direction_) inside = inside && i[d] >= share().begin[d] && i[d] < share().end[d];
    if (inside) mine.push_back(section_[at]);
    ++at;
  });
}

#define KOLMO_INSTANTIATE(DIM)                                                                       \
  template class LineExchange<DIM>;                                                                  \
  template void LineExchange<DIM>::assemble(const ArrayView<DIM, double>&, const Parts&, bool,       \
                                            LineArray<DIM, double>&) const;                          \
  template void LineExchange<DIM>::assemble(const ArrayView<DIM, const double>&, const Parts&, bool, \
                                            LineArray<DIM, const double>&) const;
KOLMO_INSTANTIATE(1)
KOLMO_INSTANTIATE(2)
KOLMO_INSTANTIATE(3)
KOLMO_INSTANTIATE(4)
KOLMO_INSTANTIATE(5)
KOLMO_INSTANTIATE(6)
#undef KOLMO_INSTANTIATE

}  // namespace kolmo::density
