#include "kolmo/grid/halo.hpp"

#include <cstring>
#include <utility>

#include "kolmo/base/error.hpp"

namespace kolmo {

namespace {

template <int Dim>
MPI_Datatype box_type(const Layout<Dim>& layout, const Box<Dim>& box) {
  // Nested vectors from the fastest direction outwards, relative to local index 0.
  MPI_Datatype type = MPI_DATATYPE_NULL;
  check_mpi(MPI_Type_contiguous(box.extent(0), MPI_DOUBLE, &type), "MPI_Type_contiguous");
  for (int d = 1; d < Dim; ++d) {
    MPI_Datatype outer;
    check_mpi(MPI_Type_create_hvector(box.extent(d), 1, layout.stride(d) * static_cast<MPI_Aint>(sizeof(double)), type,
                                      &outer),
              "MPI_Type_create_hvector");
    check_mpi(MPI_Type_free(&type), "MPI_Type_free");
    type = outer;
  }
  MPI_Datatype placed;
  const int one = 1;
  const MPI_Aint displacement = layout.offset(box.begin) * static_cast<MPI_Aint>(sizeof(double));
  check_mpi(MPI_Type_create_hindexed(1, &one, &displacement, type, &placed), "MPI_Type_create_hindexed");
  check_mpi(MPI_Type_free(&type), "MPI_Type_free");
  check_mpi(MPI_Type_commit(&placed), "MPI_Type_commit");
  return placed;
}

template <int Dim>
int tag_of(const Index<Dim>& offset) {
  int tag = 0;
  for (int d = Dim - 1; d >= 0; --d) tag = 3 * tag + offset[d] + 1;
  return tag;
}

template <int Dim>
void copy_box(double* origin, const Layout<Dim>& layout, const Box<Dim>& from, const Box<Dim>& to) {
  const std::size_t bytes = static_cast<std::size_t>(to.extent(0)) * sizeof(double);
  for_each_row<Dim>(to, [&](const Index<Dim>& i) {
    Index<Dim> source;
    for (int d = 0; d < Dim; ++d) source[d] = from.begin[d] + i[d] - to.begin[d];
    std::memmove(origin + layout.offset(i), origin + layout.offset(source), bytes);
  });
}

}  // namespace

template <int Dim>
Halo<Dim>::Halo(const Decomposition<Dim>& decomposition, const Layout<Dim>& layout, const Ghosts<Dim>& width,
                Stencil stencil)
    : comm_(decomposition.comm().handle()), layout_(layout) {
  for (int d = 0; d < Dim; ++d)
    if (width.low[d] > layout.ghosts().low[d] || width.high[d] > layout.ghosts().high[d])
      throw InternalError("a halo is wider than the ghosts of its layout");
  Box<Dim> offsets;
  offsets.begin.fill(-1);
  offsets.end.fill(2);
  for_each<Dim>(offsets, [&](const Index<Dim>& offset) {
    int moved = 0;
    for (int o : offset) moved += o != 0;
    if (moved == 0 || (stencil == Stencil::star && moved > 1)) return;
    add_link(decomposition, offset, width);
  });
  int remote = 0;
  for (const Link& link : links_) remote += !link.self;
  requests_.resize(static_cast<std::size_t>(remote) * 2 * max_fields);
}

// The neighbour at `offset` fills our ghosts on that side; we fill its ghosts on the opposite side with our cells next
// to it.
template <int Dim>
void Halo<Dim>::add_link(const Decomposition<Dim>& decomposition, const Index<Dim>& offset, const Ghosts<Dim>& width) {
  Index<Dim> there = decomposition.coordinates();
  for (int d = 0; d < Dim; ++d) there[d] += offset[d];
  const int rank = decomposition.rank_at(there);
  if (rank == MPI_PROC_NULL) return;

  Link link{};
  link.rank = rank;
  link.self = rank == decomposition.comm().rank();
  const Index<Dim>& n = layout_.extent();
  for (int d = 0; d < Dim; ++d) {
    const int low = width.low[d], high = width.high[d];
    if (offset[d] == 0) {
      // Along the cut the slab takes the boundary's ghosts with it: both ranks hold the same indices there.
      const int below = decomposition.at_boundary(d, Side::low) ? layout_.ghosts().low[d] : 0;
      const int above = decomposition.at_boundary(d, Side::high) ? layout_.ghosts().high[d] : 0;
      link.ghost.begin[d] = link.owned.begin[d] = link.source.begin[d] = -below;
      link.ghost.end[d] = link.owned.end[d] = link.source.end[d] = n[d] + above;
    } else if (offset[d] > 0) {
      link.ghost.begin[d] = n[d];
      link.ghost.end[d] = n[d] + high;
      link.owned.begin[d] = n[d] - low;  // becomes the neighbour's low ghosts
      link.owned.end[d] = n[d];
      link.source.begin[d] = 0;
      link.source.end[d] = high;
    } else {
      link.ghost.begin[d] = -low;
      link.ghost.end[d] = 0;
      link.owned.begin[d] = 0;  // becomes the neighbour's high ghosts
      link.owned.end[d] = high;
      link.source.begin[d] = n[d] - low;
      link.source.end[d] = n[d];
    }
  }
  Index<Dim> back;
  for (int d = 0; d < Dim; ++d) back[d] = -offset[d];
  link.send_tag = tag_of<Dim>(offset);
  link.receive_tag = tag_of<Dim>(back);
  if (!link.self) {
    if (link.ghost.empty() && link.owned.empty()) return;
    link.receive_type = box_type<Dim>(layout_, link.ghost);
    link.send_type = box_type<Dim>(layout_, link.owned);
  } else if (link.ghost.empty()) {
    return;
  }
  links_.push_back(link);
}

template <int Dim>
void Halo<Dim>::begin(std::span<Field<Dim>* const> fields) {
  if (fields.size() > max_fields || active_)
    throw InternalError("halo exchange: too many fields, or one already under way");
  for (std::size_t f = 0; f < fields.size(); ++f) {
    if (!(fields[f]->layout() == layout_)) throw InternalError("halo exchange of a field with another layout");
    double* origin = fields[f]->origin();
    const int tag = static_cast<int>(f) * 729;  // 3^6 neighbours at most
    for (const Link& link : links_)
      if (!link.self)
        check_mpi(
            MPI_Irecv(origin, 1, link.receive_type, link.rank, tag + link.receive_tag, comm_, &requests_[active_++]),
            "MPI_Irecv");
    for (const Link& link : links_)
      if (!link.self)
        check_mpi(MPI_Isend(origin, 1, link.send_type, link.rank, tag + link.send_tag, comm_, &requests_[active_++]),
                  "MPI_Isend");
  }
  for (Field<Dim>* field : fields)
    for (const Link& link : links_)
      if (link.self) copy_box<Dim>(field->origin(), layout_, link.source, link.ghost);
}

template <int Dim>
void Halo<Dim>::end() {
  check_mpi(MPI_Waitall(active_, requests_.data(), MPI_STATUSES_IGNORE), "MPI_Waitall");
  active_ = 0;
}

template <int Dim>
std::int64_t Halo<Dim>::messages() const {
  std::int64_t count = 0;
  for (const Link& link : links_) count += !link.self;
  return count;
}

template <int Dim>
std::int64_t Halo<Dim>::bytes() const {
  std::int64_t total = 0;
  for (const Link& link : links_)
    if (!link.self) total += link.owned.size() * static_cast<std::int64_t>(sizeof(double));
  return total;
}

template <int Dim>
void Halo<Dim>::release() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (!finalized)
    for (Link& link : links_)
      if (!link.self) {
        MPI_Type_free(&link.send_type);
        MPI_Type_free(&link.receive_type);
      }
  links_.clear();
}

template <int Dim>
Halo<Dim>::~Halo() {
  release();
}

template <int Dim>
Halo<Dim>::Halo(Halo&& other) noexcept
    : comm_(other.comm_),
      layout_(other.layout_),
      links_(std::exchange(other.links_, {})),
      requests_(std::move(other.requests_)) {}

template <int Dim>
Halo<Dim>& Halo<Dim>::operator=(Halo&& other) noexcept {
  if (this != &other) {
    release();
    comm_ = other.comm_;
    layout_ = other.layout_;
    links_ = std::exchange(other.links_, {});
    requests_ = std::move(other.requests_);
  }
  return *this;
}

template class Halo<1>;
template class Halo<2>;
template class Halo<3>;
template class Halo<4>;
template class Halo<5>;
template class Halo<6>;

}  // namespace kolmo
