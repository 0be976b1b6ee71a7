// Ghost exchange and gathering of floats.
#include <cstring>
#include <utility>

#include "kolmo/base/parallel.hpp"
#include "multigrid_parts.hpp"

namespace kolmo::multigrid {

Halo::Halo(const Boxes& boxes, const std::array<bool, 3>& active, const Tile& shape)
    : n_(boxes.extent()), sy_(shape.sy), sz_(shape.sz), half_(shape.half) {
  if (boxes.empty()) return;
  for (int d = 0; d < 3; ++d) {
    self_[d] = active[d] && boxes.periodic[d] && boxes.processes[d] == 1;
    cut_[d] = active[d] && boxes.processes[d] > 1;
    if (!cut_[d]) continue;
    const std::size_t count = static_cast<std::size_t>(n_[0]) * n_[1] * n_[2] / n_[d];
    for (int side = 0; side < 2; ++side) {
      const int rank = boxes.neighbour(d, side);
      if (rank == MPI_PROC_NULL) continue;
      faces_.push_back(std::make_unique<Face>(Face{d, side, rank, {}, {}}));
      faces_.back()->send.resize(count);
      faces_.back()->receive.resize(count);
    }
  }
  for (const auto& face : faces_) {
    const int count = static_cast<int>(face->send.size());
    // A message is tagged by the side it leaves; it arrives at the opposite one.
    const int tag = 2 * face->direction + face->side, from_tag = 2 * face->direction + 1 - face->side;
    MPI_Request request;
    check_mpi(MPI_Recv_init(face->receive.data(), count, MPI_FLOAT, face->rank, from_tag, boxes.comm, &request),
              "MPI_Recv_init");
    requests_.push_back(request);
    check_mpi(MPI_Send_init(face->send.data(), count, MPI_FLOAT, face->rank, tag, boxes.comm, &request),
              "MPI_Send_init");
    requests_.push_back(request);
  }
}

Halo::~Halo() {
  int finalized = 0;
  if (requests_.empty() || MPI_Finalized(&finalized) != MPI_SUCCESS || finalized) return;
  for (MPI_Request& request : requests_) (void)MPI_Request_free(&request);
}

Halo::Halo(Halo&& other) noexcept
    : n_(other.n_),
      sy_(other.sy_),
      sz_(other.sz_),
      half_(other.half_),
      self_(other.self_),
      cut_(other.cut_),
      faces_(std::move(other.faces_)),
      requests_(std::exchange(other.requests_, {})) {}

Halo& Halo::operator=(Halo&& other) noexcept {
  n_ = other.n_;
  sy_ = other.sy_;
  sz_ = other.sz_;
  half_ = other.half_;
  self_ = other.self_;
  cut_ = other.cut_;
  faces_.swap(other.faces_);
  requests_.swap(other.requests_);
  return *this;
}

template <class Move>
void Halo::for_face(int direction, int at, Move&& move) const {
  const int even = (n_[0] + 1) / 2, odd = n_[0] / 2;
  const auto row = [&](std::ptrdiff_t start) {
    move(start, even);
    move(start + half_, odd);
  };
  if (direction == 0) {
    const std::ptrdiff_t i = place(at, half_);
    for (int k = 0; k < n_[2]; ++k)
      for (int j = 0; j < n_[1]; ++j) move(i + j * sy_ + k * sz_, 1);
  } else if (direction == 1) {
    for (int k = 0; k < n_[2]; ++k) row(at * sy_ + k * sz_);
  } else {
    for (int j = 0; j < n_[1]; ++j) row(j * sy_ + at * sz_);
  }
}

void Halo::copy_self(float* origin, int d) const {
  if (d == 0) {
    const std::array<std::ptrdiff_t, 4> at{place(-1, half_), place(n_[0] - 1, half_), place(n_[0], half_), 0};
    for (int k = 0; k < n_[2]; ++k)
      for (int j = 0; j < n_[1]; ++j) {
        float* row = origin + j * sy_ + k * sz_;
        row[at[0]] = row[at[1]];
        row[at[2]] = row[at[3]];
      }
    return;
  }
  const std::ptrdiff_t period = d == 1 ? n_[1] * sy_ : n_[2] * sz_;
  for (int side = 0; side < 2; ++side)
    for_face(d, side == 0 ? -1 : n_[d], [&](std::ptrdiff_t to, int count) {
      std::memcpy(origin + to, origin + to + (side == 0 ? period : -period),
                  sizeof(float) * static_cast<std::size_t>(count));
    });
}

void Halo::refresh_plane(float* origin, int k) const {
  float* plane = origin + k * sz_;
  if (self_[0]) {
    const std::array<std::ptrdiff_t, 4> at{place(-1, half_), place(n_[0] - 1, half_), place(n_[0], half_), 0};
    for (int j = 0; j < n_[1]; ++j) {
      float* row = plane + j * sy_;
      row[at[0]] = row[at[1]];
      row[at[2]] = row[at[3]];
    }
  }
  if (self_[1]) {
    const std::size_t bytes = sizeof(float) * static_cast<std::size_t>(sy_);
    std::memcpy(plane - sy_, plane + (n_[1] - 1) * sy_, bytes);
    std::memcpy(plane + n_[1] * sy_, plane, bytes);
  }
}

void Halo::exchange(float* origin) {
  for (const auto& face : faces_) {
    float* to = face->send.data();
    for_face(face->direction, face->side == 0 ? 0 : n_[face->direction] - 1, [&](std::ptrdiff_t from, int count) {
      std::memcpy(to, origin + from, sizeof(float) * static_cast<std::size_t>(count));
      to += count;
    });
  }
  const int count = static_cast<int>(requests_.size());
  if (count > 0) check_mpi(MPI_Startall(count, requests_.data()), "MPI_Startall");
  for (int d = 0; d < 3; ++d)
    if (self_[d]) copy_self(origin, d);
  if (count == 0) return;
  check_mpi(MPI_Waitall(count, requests_.data(), MPI_STATUSES_IGNORE), "MPI_Waitall");
  for (const auto& face : faces_) {
    const float* from = face->receive.data();
    for_face(face->direction, face->side == 0 ? -1 : n_[face->direction], [&](std::ptrdiff_t to, int size) {
      std::memcpy(origin + to, from, sizeof(float) * static_cast<std::size_t>(size));
      from += size;
    });
  }
}

Gather::Gather(const Boxes& from, const Extent& grow) : comm_(from.comm), rank_(from.rank) {
  int offset = 0;
  for (int r = 0; r < from.ranks; ++r) {
    const Extent at = from.coordinates_of(r);
    Piece piece;
    bool empty = false;
    for (int d = 0; d < 3; ++d) {
      piece.begin[d] = from.starts[d][at[d]];
      piece.extent[d] = from.starts[d][at[d] + 1] - piece.begin[d];
      empty = empty || piece.extent[d] == 0;
      piece.extent[d] += grow[d];
    }
    if (empty) piece.extent = {0, 0, 0};
    const int count = piece.extent[0] * piece.extent[1] * piece.extent[2];
    pieces_.push_back(piece);
    counts_.push_back(count);
    offsets_.push_back(offset);
    offset += count;
  }
  part_.resize(static_cast<std::size_t>(counts_[rank_]));
  all_.resize(static_cast<std::size_t>(offset));
}

Tile Gather::part() {
  const Extent& n = pieces_[rank_].extent;
  return {part_.data(), n[0], static_cast<std::ptrdiff_t>(n[0]) * n[1], 0, 0};
}

template <class Value>
void Gather::run(const TileOf<Value>& whole) {
  check_mpi(MPI_Allgatherv(part_.data(), counts_[rank_], MPI_FLOAT, all_.data(), counts_.data(), offsets_.data(),
                           MPI_FLOAT, comm_),
            "MPI_Allgatherv");
  for (std::size_t r = 0; r < pieces_.size(); ++r) {
    const Piece& piece = pieces_[r];
    const float* from = all_.data() + offsets_[r];
    for (int k = 0; k < piece.extent[2]; ++k)
      for (int j = 0; j < piece.extent[1]; ++j, from += piece.extent[0])
        for (int i = 0; i < piece.extent[0]; ++i)
          whole(piece.begin[0] + i, piece.begin[1] + j, piece.begin[2] + k) = from[i];
  }
}

template void Gather::run(const Tile&);
template void Gather::run(const CoefficientTile&);

}  // namespace kolmo::multigrid
