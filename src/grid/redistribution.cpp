#include "kolmo/grid/redistribution.hpp"

#include <algorithm>
#include <utility>

namespace kolmo {

namespace {

template <int Dim>
Box<Dim> intersection(const Box<Dim>& a, const Box<Dim>& b) {
  Box<Dim> box;
  for (int d = 0; d < Dim; ++d) {
    box.begin[d] = std::max(a.begin[d], b.begin[d]);
    box.end[d] = std::max(box.begin[d], std::min(a.end[d], b.end[d]));
  }
  return box;
}

// The part of an array packed over `whole`; a type of MPI_BYTE with count zero where there is none.
template <int Dim>
MPI_Datatype part_type(const Box<Dim>& whole, const Box<Dim>& part) {
  std::array<int, Dim> sizes, subsizes, starts;
  for (int d = 0; d < Dim; ++d) {
    sizes[d] = whole.extent(d);
    subsizes[d] = part.extent(d);
    starts[d] = part.begin[d] - whole.begin[d];
  }
  MPI_Datatype type;
  check_mpi(
      MPI_Type_create_subarray(Dim, sizes.data(), subsizes.data(), starts.data(), MPI_ORDER_FORTRAN, MPI_DOUBLE, &type),
      "MPI_Type_create_subarray");
  check_mpi(MPI_Type_commit(&type), "MPI_Type_commit");
  return type;
}

}  // namespace

template <int Dim>
Redistribution<Dim>::Redistribution(const Decomposition<Dim>& from, const Decomposition<Dim>& to)
    : comm_(from.comm().handle()) {
  const int ranks = from.comm().size();
  counts_from_.assign(ranks, 0);
  counts_to_.assign(ranks, 0);
  zeros_.assign(ranks, 0);
  types_from_.assign(ranks, MPI_DOUBLE);
  types_to_.assign(ranks, MPI_DOUBLE);
  for (int r = 0; r < ranks; ++r) {
    const Box<Dim> out = intersection<Dim>(from.owned(), to.owned_by(r));
    if (!out.empty()) {
      counts_from_[r] = 1;
      types_from_[r] = part_type<Dim>(from.owned(), out);
    }
    const Box<Dim> in = intersection<Dim>(to.owned(), from.owned_by(r));
    if (!in.empty()) {
      counts_to_[r] = 1;
      types_to_[r] = part_type<Dim>(to.owned(), in);
    }
  }
}

template <int Dim>
void Redistribution<Dim>::forward(const double* from, double* to) const {
  check_mpi(MPI_Alltoallw(from, counts_from_.data(), zeros_.data(), types_from_.data(), to, counts_to_.data(),
                          zeros_.data(), types_to_.data(), comm_),
            "MPI_Alltoallw");
}

template <int Dim>
void Redistribution<Dim>::backward(const double* to, double* from) const {
  check_mpi(MPI_Alltoallw(to, counts_to_.data(), zeros_.data(), types_to_.data(), from, counts_from_.data(),
                          zeros_.data(), types_from_.data(), comm_),
            "MPI_Alltoallw");
}

template <int Dim>
void Redistribution<Dim>::release() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  for (std::size_t r = 0; r < counts_from_.size() && !finalized; ++r) {
    if (counts_from_[r]) MPI_Type_free(&types_from_[r]);
    if (counts_to_[r]) MPI_Type_free(&types_to_[r]);
  }
  counts_from_.clear();
  counts_to_.clear();
}

template <int Dim>
Redistribution<Dim>::~Redistribution() {
  release();
}

template <int Dim>
Redistribution<Dim>::Redistribution(Redistribution&& other) noexcept
    : comm_(other.comm_),
      counts_from_(std::exchange(other.counts_from_, {})),
      counts_to_(std::exchange(other.counts_to_, {})),
      zeros_(std::move(other.zeros_)),
      types_from_(std::move(other.types_from_)),
      types_to_(std::move(other.types_to_)) {}

template <int Dim>
Redistribution<Dim>& Redistribution<Dim>::operator=(Redistribution&& other) noexcept {
  if (this != &other) {
    release();
    comm_ = other.comm_;
    counts_from_ = std::exchange(other.counts_from_, {});
    counts_to_ = std::exchange(other.counts_to_, {});
    zeros_ = std::move(other.zeros_);
    types_from_ = std::move(other.types_from_);
    types_to_ = std::move(other.types_to_);
  }
  return *this;
}

template class Redistribution<1>;
template class Redistribution<2>;
template class Redistribution<3>;
template class Redistribution<4>;
template class Redistribution<5>;
template class Redistribution<6>;

}  // namespace kolmo
