#include "kolmo/base/parallel.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "kolmo/base/error.hpp"

namespace kolmo {

void check_mpi(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw InternalError(fmt::format("{}: {}", call, std::string(text, length)));
}

Communicator::Communicator(MPI_Comm comm) : comm_(comm) {
  check_mpi(MPI_Comm_rank(comm, &rank_), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(comm, &size_), "MPI_Comm_size");
}

namespace {
template <class T>
void reduce(MPI_Comm comm, T* values, int count, MPI_Datatype type, MPI_Op op) {
  check_mpi(MPI_Allreduce(MPI_IN_PLACE, values, count, type, op, comm), "MPI_Allreduce");
}
template <class T>
T reduced(MPI_Comm comm, T value, MPI_Datatype type, MPI_Op op) {
  reduce(comm, &value, 1, type, op);
  return value;
}
}  // namespace

double Communicator::sum(double value) const { return reduced(comm_, value, MPI_DOUBLE, MPI_SUM); }
double Communicator::max(double value) const { return reduced(comm_, value, MPI_DOUBLE, MPI_MAX); }
double Communicator::min(double value) const { return reduced(comm_, value, MPI_DOUBLE, MPI_MIN); }
std::int64_t Communicator::sum(std::int64_t value) const { return reduced(comm_, value, MPI_INT64_T, MPI_SUM); }
std::int64_t Communicator::max(std::int64_t value) const { return reduced(comm_, value, MPI_INT64_T, MPI_MAX); }
bool Communicator::any(bool value) const { return reduced<int>(comm_, value, MPI_INT, MPI_LOR) != 0; }
bool Communicator::all(bool value) const { return reduced<int>(comm_, value, MPI_INT, MPI_LAND) != 0; }
void Communicator::sum(double* values, int count) const { reduce(comm_, values, count, MPI_DOUBLE, MPI_SUM); }
void Communicator::max(double* values, int count) const { reduce(comm_, values, count, MPI_DOUBLE, MPI_MAX); }

void Communicator::broadcast(std::string& text, int root) const {
  long long length = static_cast<long long>(text.size());
  check_mpi(MPI_Bcast(&length, 1, MPI_LONG_LONG, root, comm_), "MPI_Bcast");
  text.resize(static_cast<std::size_t>(length));
  check_mpi(MPI_Bcast(text.data(), static_cast<int>(length), MPI_CHAR, root, comm_), "MPI_Bcast");
}

void Communicator::broadcast(std::vector<double>& values, int root) const {
  long long length = static_cast<long long>(values.size());
  check_mpi(MPI_Bcast(&length, 1, MPI_LONG_LONG, root, comm_), "MPI_Bcast");
  values.resize(static_cast<std::size_t>(length));
  check_mpi(MPI_Bcast(values.data(), static_cast<int>(length), MPI_DOUBLE, root, comm_), "MPI_Bcast");
}

void Communicator::barrier() const { check_mpi(MPI_Barrier(comm_), "MPI_Barrier"); }

OwnCommunicator::OwnCommunicator(const Communicator& comm) {
  check_mpi(MPI_Comm_dup(comm.handle(), &comm_), "MPI_Comm_dup");
}

OwnCommunicator::OwnCommunicator(const Communicator& comm, int colour, int key) {
  check_mpi(MPI_Comm_split(comm.handle(), colour, key, &comm_), "MPI_Comm_split");
}

OwnCommunicator::~OwnCommunicator() {
  int finalized = 0;
  if (comm_ != MPI_COMM_NULL && MPI_Finalized(&finalized) == MPI_SUCCESS && !finalized) (void)MPI_Comm_free(&comm_);
}

OwnCommunicator::OwnCommunicator(OwnCommunicator&& other) noexcept : comm_(std::exchange(other.comm_, MPI_COMM_NULL)) {}

OwnCommunicator& OwnCommunicator::operator=(OwnCommunicator&& other) noexcept {
  std::swap(comm_, other.comm_);
  return *this;
}

double machine_memory(const Communicator& comm) {
  MPI_Comm node = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split_type(comm.handle(), MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node), "MPI_Comm_split_type");
  const bool first = Communicator(node).root();
  check_mpi(MPI_Comm_free(&node), "MPI_Comm_free");
  const double bytes = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
  return comm.sum(first ? bytes : 0.0);
}

}  // namespace kolmo
