/// A communicator and the few collectives the program needs. Every call is collective over the communicator.
#pragma once

#include <mpi.h>

#include <cstdint>
#include <string>
#include <vector>

namespace kolmo {

/// Non-owning handle of an MPI communicator; cheap to copy.
class Communicator {
 public:
  explicit Communicator(MPI_Comm comm = MPI_COMM_WORLD);
  MPI_Comm handle() const { return comm_; }
  int rank() const { return rank_; }
  int size() const { return size_; }
  bool root() const { return rank_ == 0; }

  double sum(double value) const;
  double max(double value) const;
  double min(double value) const;
  std::int64_t sum(std::int64_t value) const;
  std::int64_t max(std::int64_t value) const;
  bool any(bool value) const;
  bool all(bool value) const;
  /// In place, element by element; one message for the whole array.
  void sum(double* values, int count) const;
  void max(double* values, int count) const;
  void broadcast(std::string& text, int root = 0) const;
  void broadcast(std::vector<double>& values, int root = 0) const;
  void barrier() const;

 private:
  MPI_Comm comm_;
  int rank_ = 0, size_ = 1;
};

/// A communicator of one's own, freed with the object (unless MPI has ended).
class OwnCommunicator {
 public:
  /// A copy, whose messages do not meet those of the original. Collective.
  explicit OwnCommunicator(const Communicator& comm);
  /// The ranks of the same colour, in the order of their keys. Collective.
  OwnCommunicator(const Communicator& comm, int colour, int key);
  ~OwnCommunicator();
  OwnCommunicator(OwnCommunicator&& other) noexcept;
  OwnCommunicator& operator=(OwnCommunicator&& other) noexcept;
  Communicator get() const { return Communicator(comm_); }

 private:
  MPI_Comm comm_ = MPI_COMM_NULL;
};

/// Bytes of memory of all machines that the communicator's ranks run on. Collective.
double machine_memory(const Communicator& comm);

/// Throws InternalError with MPI's text unless code is MPI_SUCCESS.
void check_mpi(int code, const char* call);

}  // namespace kolmo
