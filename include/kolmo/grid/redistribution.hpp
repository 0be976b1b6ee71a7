/// Moving packed arrays between two decompositions of the same indices.
#pragma once

#include <vector>

#include "kolmo/grid/decomposition.hpp"

namespace kolmo {

/// One collective (MPI_Alltoallw of subarrays) moves an array, packed x fastest over this rank's box of `from`, into
/// one packed over its box of `to`, in any dimension. Types are made once; nothing is allocated by a call.
template <int Dim>
class Redistribution {
 public:
  Redistribution(const Decomposition<Dim>& from, const Decomposition<Dim>& to);
  ~Redistribution();
  Redistribution(Redistribution&&) noexcept;
  Redistribution& operator=(Redistribution&&) noexcept;
  void forward(const double* from, double* to) const;
  void backward(const double* to, double* from) const;

 private:
  void release();
  MPI_Comm comm_ = MPI_COMM_NULL;
  std::vector<int> counts_from_, counts_to_, zeros_;
  std::vector<MPI_Datatype> types_from_, types_to_;
};

}  // namespace kolmo
