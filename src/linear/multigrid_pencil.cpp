// Moving the unknowns to a decomposition in which lines are whole.
#include <algorithm>

#include "kolmo/base/parallel.hpp"
#include "multigrid_hierarchy.hpp"

namespace kolmo::multigrid {

namespace {

/// What a rank holds, with the faces of direction `face` (-1: cells). Every face belongs to the cell above it, the last
/// one to the last rank; with `shared`, both ranks at a cut have its face.
Box box_of(const Boxes& boxes, int rank, int face, bool shared) {
  Box box;
  const Extent at = boxes.coordinates_of(rank);
  for (int d = 0; d < 3; ++d) {
    box.begin[d] = boxes.starts[d][at[d]];
    box.end[d] = boxes.starts[d][at[d] + 1];
    if (box.begin[d] == box.end[d]) return {{0, 0, 0}, {0, 0, 0}};
    if (d == face && (shared || box.end[d] == boxes.cells(d))) ++box.end[d];
  }
  return box;
}

std::vector<Box> boxes_of(const Boxes& boxes, int face, bool shared) {
  std::vector<Box> all;
  for (int r = 0; r < boxes.ranks; ++r) all.push_back(box_of(boxes, r, face, shared));
  return all;
}

std::size_t size_of(const Box& box) {
  std::size_t n = 1;
  for (int d = 0; d < 3; ++d) n *= static_cast<std::size_t>(box.end[d] - box.begin[d]);
  return n;
}

/// All ranks side by side in one direction.
Boxes cut_only(const Boxes& boxes, int direction) {
  Boxes out = boxes;
  for (int d = 0; d < 3; ++d) {
    out.processes[d] = d == direction ? boxes.ranks : 1;
    out.coordinates[d] = d == direction ? boxes.rank : 0;
    out.rank_stride[d] = 1;
    out.starts[d] = {0, boxes.cells(d)};
  }
  out.starts[direction].clear();
  for (int r = 0; r <= boxes.ranks; ++r)
    out.starts[direction].push_back(static_cast<int>(1LL * boxes.cells(direction) * r / boxes.ranks));
  return out;
}

}  // namespace

BoxExchange::BoxExchange(const Boxes& from, const Boxes& to, int face, MPI_Datatype type) : comm_(from.comm) {
  const Box held = box_of(from, from.rank, face, true), held_there = box_of(to, to.rank, face, true);
  const std::vector<Box> own = boxes_of(from, face, false), wanted = boxes_of(to, face, true);
  const auto add = [&](const Box& array, const Box& a, const Box& b, std::vector<MPI_Datatype>& types,
                       std::vector<int>& counts) {
    Extent size, part, start;
    bool empty = false;
    for (int d = 0; d < 3; ++d) {
      const int begin = std::max(a.begin[d], b.begin[d]), end = std::min(a.end[d], b.end[d]);
      empty = empty || begin >= end;
      size[d] = array.end[d] - array.begin[d];
      part[d] = end - begin;
      start[d] = begin - array.begin[d];
    }
    counts.push_back(empty ? 0 : 1);
    types.push_back(type);
    if (empty) return;
    check_mpi(
        MPI_Type_create_subarray(3, size.data(), part.data(), start.data(), MPI_ORDER_FORTRAN, type, &types.back()),
        "MPI_Type_create_subarray");
    check_mpi(MPI_Type_commit(&types.back()), "MPI_Type_commit");
  };
  for (int r = 0; r < from.ranks; ++r) {
    add(held, own[from.rank], wanted[r], send_types_, send_);
    add(held_there, wanted[from.rank], own[r], receive_types_, receive_);
  }
  zeros_.assign(static_cast<std::size_t>(from.ranks), 0);
}

BoxExchange::~BoxExchange() {
  int finalized = 0;
  if (MPI_Finalized(&finalized) != MPI_SUCCESS || finalized) return;
  for (std::size_t r = 0; r < send_.size(); ++r) {
    if (send_[r] > 0) (void)MPI_Type_free(&send_types_[r]);
    if (receive_[r] > 0) (void)MPI_Type_free(&receive_types_[r]);
  }
}

void BoxExchange::run(const void* from, void* to) const {
  check_mpi(MPI_Alltoallw(from, send_.data(), zeros_.data(), send_types_.data(), to, receive_.data(), zeros_.data(),
                          receive_types_.data(), comm_),
            "MPI_Alltoallw");
}

Pencil::Pencil(const Boxes& from, int cut)
    : boxes_(cut_only(from, cut)),
      there_(from, boxes_, -1, MPI_FLOAT),
      back_(boxes_, from, -1, MPI_FLOAT),
      shift_(from, boxes_, -1, MPI_DOUBLE),
      faces_{BoxExchange(from, boxes_, 0, MPI_DOUBLE), BoxExchange(from, boxes_, 1, MPI_DOUBLE),
             BoxExchange(from, boxes_, 2, MPI_DOUBLE)},
      here_values_(size_of(box_of(from, from.rank, -1, true))),
      there_values_(size_of(box_of(boxes_, boxes_.rank, -1, true))) {
  for (int d = 0; d < 3; ++d) face_values_[d].resize(size_of(box_of(boxes_, boxes_.rank, d, true)));
}

Operator Pencil::moved(const Operator& op) {
  Operator out(boxes_.extent());
  for (int d = 0; d < 3; ++d) {
    if (!op.face[d]) continue;
    faces_[d].run(op.face[d], face_values_[d].data());
    out.face[d] = face_values_[d].data();
  }
  if (Communicator(boxes_.comm).any(op.shift != nullptr)) {
    // A rank without cells may have no array.
    shift_values_.resize(there_values_.size());
    shift_.run(op.shift, shift_values_.data());
    out.shift = shift_values_.data();
  }
  return out;
}

}  // namespace kolmo::multigrid
