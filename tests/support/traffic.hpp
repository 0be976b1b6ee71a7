/// What this rank sends by MPI, counted by wrappers around MPI's profiling interface: include in one source file of a
/// program. Calls made by PETSc count too.
#pragma once

#include <mpi.h>

#include <cstdint>

namespace kolmo::test {

struct Traffic {
  std::int64_t messages = 0, message_bytes = 0, largest_message = 0;  ///< point to point
  std::int64_t exchanges = 0, exchange_bytes = 0;                     ///< all-to-all; bytes that leave the rank
  std::int64_t reductions = 0, reduction_bytes = 0;
  std::int64_t gathers = 0, gather_bytes = 0;  ///< to all ranks, by unequal parts; bytes that arrive
  std::int64_t others = 0;                     ///< starts of persistent requests, broadcasts, gathers, barriers
};

inline Traffic& traffic() {
  static Traffic counted;
  return counted;
}

inline std::int64_t bytes_of(std::int64_t count, MPI_Datatype type) {
  int size = 0;
  PMPI_Type_size(type, &size);
  return count * size;
}

inline void count_message(int count, MPI_Datatype type, int to) {
  if (to == MPI_PROC_NULL) return;
  Traffic& t = traffic();
  const std::int64_t bytes = bytes_of(count, type);
  ++t.messages;
  t.message_bytes += bytes;
  if (bytes > t.largest_message) t.largest_message = bytes;
}

inline void count_exchange(const int* counts, const MPI_Datatype* types, MPI_Datatype type, MPI_Comm comm) {
  int size = 0, rank = 0;
  PMPI_Comm_size(comm, &size);
  PMPI_Comm_rank(comm, &rank);
  ++traffic().exchanges;
  for (int r = 0; r < size; ++r)
    if (r != rank) traffic().exchange_bytes += bytes_of(counts[r], types ? types[r] : type);
}

}  // namespace kolmo::test

// Names in parentheses: PETSc has macros of the same names.
extern "C" {

int(MPI_Send)(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm) {
  kolmo::test::count_message(count, type, to);
  return PMPI_Send(data, count, type, to, tag, comm);
}
int(MPI_Isend)(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm, MPI_Request* request) {
  kolmo::test::count_message(count, type, to);
  return PMPI_Isend(data, count, type, to, tag, comm, request);
}
int(MPI_Sendrecv)(const void* data, int count, MPI_Datatype type, int to, int tag, void* received, int most,
                  MPI_Datatype received_type, int from, int received_tag, MPI_Comm comm, MPI_Status* status) {
  kolmo::test::count_message(count, type, to);
  return PMPI_Sendrecv(data, count, type, to, tag, received, most, received_type, from, received_tag, comm, status);
}
// A persistent request does not say what it sends: counted so that nobody overlooks it.
int(MPI_Start)(MPI_Request* request) {
  ++kolmo::test::traffic().others;
  return PMPI_Start(request);
}
int(MPI_Startall)(int count, MPI_Request* requests) {
  kolmo::test::traffic().others += count;
  return PMPI_Startall(count, requests);
}
int(MPI_Alltoallw)(const void* data, const int* counts, const int* places, const MPI_Datatype* types, void* received,
                   const int* received_counts, const int* received_places, const MPI_Datatype* received_types,
                   MPI_Comm comm) {
  kolmo::test::count_exchange(counts, types, MPI_DATATYPE_NULL, comm);
  return PMPI_Alltoallw(data, counts, places, types, received, received_counts, received_places, received_types, comm);
}
int(MPI_Alltoallv)(const void* data, const int* counts, const int* places, MPI_Datatype type, void* received,
                   const int* received_counts, const int* received_places, MPI_Datatype received_type, MPI_Comm comm) {
  kolmo::test::count_exchange(counts, nullptr, type, comm);
  return PMPI_Alltoallv(data, counts, places, type, received, received_counts, received_places, received_type, comm);
}
int(MPI_Alltoall)(const void* data, int count, MPI_Datatype type, void* received, int received_count,
                  MPI_Datatype received_type, MPI_Comm comm) {
  int size = 0;
  PMPI_Comm_size(comm, &size);
  ++kolmo::test::traffic().exchanges;
  kolmo::test::traffic().exchange_bytes += (size - 1) * kolmo::test::bytes_of(count, type);
  return PMPI_Alltoall(data, count, type, received, received_count, received_type, comm);
}
int(MPI_Allreduce)(const void* data, void* received, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
  int size = 0;
  PMPI_Comm_size(comm, &size);
  if (size > 1) {
    ++kolmo::test::traffic().reductions;
    kolmo::test::traffic().reduction_bytes += kolmo::test::bytes_of(count, type);
  }
  return PMPI_Allreduce(data, received, count, type, op, comm);
}
int(MPI_Bcast)(void* data, int count, MPI_Datatype type, int root, MPI_Comm comm) {
  ++kolmo::test::traffic().others;
  return PMPI_Bcast(data, count, type, root, comm);
}
int(MPI_Barrier)(MPI_Comm comm) {
  ++kolmo::test::traffic().others;
  return PMPI_Barrier(comm);
}
int(MPI_Allgather)(const void* data, int count, MPI_Datatype type, void* received, int received_count,
                   MPI_Datatype received_type, MPI_Comm comm) {
  ++kolmo::test::traffic().others;
  return PMPI_Allgather(data, count, type, received, received_count, received_type, comm);
}

int(MPI_Allgatherv)(const void* data, int count, MPI_Datatype type, void* received, const int* received_counts,
                    const int* places, MPI_Datatype received_type, MPI_Comm comm) {
  int size = 0;
  PMPI_Comm_size(comm, &size);
  ++kolmo::test::traffic().gathers;
  for (int r = 0; r < size; ++r)
    kolmo::test::traffic().gather_bytes += kolmo::test::bytes_of(received_counts[r], received_type);
  return PMPI_Allgatherv(data, count, type, received, received_counts, places, received_type, comm);
}

}  // extern "C"
