#include "kolmo/grid/halo.hpp"

#include <algorithm>
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

/// Part of one direction of a rank's array, and who owns it: local indices [begin, end) there are [source, ...) on the
/// rank at process coordinate `owner`. `own` is the rank's own extent, with ghosts beyond boundaries, which every rank
/// along a cut holds alike.
struct Segment {
  int owner, begin, end, source;
  bool own;
};

/// The segments of the rank at coordinate c: its own extent first, then its low and its high ghosts from the inside
/// outwards.
template <int Dim>
std::vector<Segment> segments(const Decomposition<Dim>& decomposition, int d, int c, const Layout<Dim>& layout,
                              const Ghosts<Dim>& width) {
  const std::vector<int>& starts = decomposition.starts(d);
  const int cells = decomposition.cells()[d], n = starts[c + 1] - starts[c];
  const bool periodic = decomposition.periodic()[d];
  const int below = !periodic && starts[c] == 0 ? layout.ghosts().low[d] : 0;
  const int above = !periodic && starts[c + 1] == cells ? layout.ghosts().high[d] : 0;
  std::vector<Segment> result{{c, -below, n + above, -below, true}};
  const auto add = [&](int local) {
    int global = starts[c] + local;
    int owner = 0;  // of ghosts beyond the low end, which the first rank holds
    if (periodic) global = ((global % cells) + cells) % cells;
    if (global < -layout.ghosts().low[d] || global >= cells + layout.ghosts().high[d]) return;
    if (global >= 0)
      owner = static_cast<int>(std::upper_bound(starts.begin(), starts.end() - 1, global) - starts.begin()) - 1;
    const int source = global - starts[owner];
    if (owner == c && source == local) return;  // a boundary's ghost, which nobody sends
    Segment& last = result.back();
    if (!last.own && last.owner == owner && last.end == local && last.source + last.end - last.begin == source)
      ++last.end;
    else if (!last.own && last.owner == owner && last.begin == local + 1 && last.source == source + 1)
      --last.begin, --last.source;
    else
      result.push_back({owner, local, local + 1, source, false});
  };
  for (int layer = 1; layer <= width.low[d]; ++layer) add(-layer);
  for (int layer = 0; layer < width.high[d]; ++layer) add(n + layer);
  return result;
}

/// A segment that this rank sends: to the rank at coordinate `to`, whose segment it is.
struct Destination {
  int to;
  Segment segment;
};

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
  // Ghost boxes are products of segments, at least one of them a ghost segment (exactly one for a star). Both sides of
  // a message list the boxes in the order of the receiver's segments, so that messages match by their order and need no
  // tags of their own.
  std::array<std::vector<Destination>, Dim> wanted, offered;
  for (int d = 0; d < Dim; ++d)
    for (int c = 0; c < decomposition.processes()[d]; ++c)
      for (const Segment& s : segments(decomposition, d, c, layout, width)) {
        if (c == decomposition.coordinates()[d]) wanted[d].push_back({s.owner, s});
        if (s.owner == decomposition.coordinates()[d]) offered[d].push_back({c, s});
      }
  for (const bool sending : {false, true}) {
    const auto& lists = sending ? offered : wanted;
    Box<Dim> choices;
    for (int d = 0; d < Dim; ++d) choices.end[d] = static_cast<int>(lists[d].size());
    for_each<Dim>(choices, [&](const Index<Dim>& choice) {
      Box<Dim> here, there;
      Index<Dim> coordinates;
      int ghosts = 0;
      for (int d = 0; d < Dim; ++d) {
        const auto& [other, segment] = lists[d][choice[d]];
        coordinates[d] = other;
        ghosts += !segment.own;
        here.begin[d] = segment.begin;
        here.end[d] = segment.end;
        there.begin[d] = segment.source;
        there.end[d] = segment.source + segment.end - segment.begin;
      }
      if (ghosts == 0 || (stencil == Stencil::star && ghosts > 1)) return;
      add(decomposition.rank_at(coordinates), decomposition.comm().rank(), sending, here, there);
    });
  }
  requests_.resize((received_.size() + sent_.size()) * max_fields);
}

// ghost: local indices of the receiver; source: of the sender.
template <int Dim>
void Halo<Dim>::add(int rank, int self, bool sending, const Box<Dim>& ghost, const Box<Dim>& source) {
  if (rank == self) {
    if (!sending) copies_.push_back({source, ghost});
    return;
  }
  const Box<Dim>& mine = sending ? source : ghost;
  (sending ? sent_ : received_).push_back({rank, mine.size(), box_type<Dim>(layout_, mine)});
}

template <int Dim>
void Halo<Dim>::begin(std::span<Field<Dim>* const> fields) {
  if (fields.size() > max_fields || active_)
    throw InternalError("halo exchange: too many fields, or one already under way");
  for (std::size_t f = 0; f < fields.size(); ++f) {
    if (!(fields[f]->layout() == layout_)) throw InternalError("halo exchange of a field with another layout");
    double* origin = fields[f]->origin();
    const int tag = static_cast<int>(f);
    for (const Message& m : received_)
      check_mpi(MPI_Irecv(origin, 1, m.type, m.rank, tag, comm_, &requests_[active_++]), "MPI_Irecv");
    for (const Message& m : sent_)
      check_mpi(MPI_Isend(origin, 1, m.type, m.rank, tag, comm_, &requests_[active_++]), "MPI_Isend");
  }
  for (Field<Dim>* field : fields)
    for (const Copy& c : copies_) copy_box<Dim>(field->origin(), layout_, c.source, c.ghost);
}

template <int Dim>
void Halo<Dim>::end() {
  check_mpi(MPI_Waitall(active_, requests_.data(), MPI_STATUSES_IGNORE), "MPI_Waitall");
  active_ = 0;
}

template <int Dim>
std::int64_t Halo<Dim>::messages() const {
  return static_cast<std::int64_t>(sent_.size());
}

template <int Dim>
std::int64_t Halo<Dim>::bytes() const {
  std::int64_t total = 0;
  for (const Message& m : sent_) total += m.size * static_cast<std::int64_t>(sizeof(double));
  return total;
}

template <int Dim>
void Halo<Dim>::release() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  for (std::vector<Message>* messages : {&received_, &sent_}) {
    if (!finalized)
      for (Message& m : *messages) MPI_Type_free(&m.type);
    messages->clear();
  }
}

template <int Dim>
Halo<Dim>::~Halo() {
  release();
}

template <int Dim>
Halo<Dim>::Halo(Halo&& other) noexcept
    : comm_(other.comm_),
      layout_(other.layout_),
      received_(std::exchange(other.received_, {})),
      sent_(std::exchange(other.sent_, {})),
      copies_(std::move(other.copies_)),
      requests_(std::move(other.requests_)) {}

template <int Dim>
Halo<Dim>& Halo<Dim>::operator=(Halo&& other) noexcept {
  if (this != &other) {
    release();
    comm_ = other.comm_;
    layout_ = other.layout_;
    received_ = std::exchange(other.received_, {});
    sent_ = std::exchange(other.sent_, {});
    copies_ = std::move(other.copies_);
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
