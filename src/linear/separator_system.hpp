/// What is left of cut lines once everything between their separators is eliminated.
#pragma once

#include "kolmo/linear/line_sweep.hpp"

namespace kolmo {

/// One symmetric, tridiagonal (cyclic if periodic) system per mode, its unknowns the separators: the last level of
/// every part that holds any, but that of the last part where the line is not periodic. Every rank solves a share of
/// the modes. All calls are collective over the cut; arrays hold one number per mode.
class SeparatorSystem {
 public:
  SeparatorSystem(const LineCut& cut, bool periodic, std::ptrdiff_t modes);
  /// Separators in all; nothing to do where there are none.
  int size() const { return size_; }
  bool has_own() const { return own_index_[comm_.rank()] >= 0; }
  bool has_below() const { return below_index_[comm_.rank()] >= 0; }
  /// This rank's additions to the diagonal of its own separator and of the one below, and the entry between the two.
  /// singular: the first mode has no solution of its own and gets zero.
  void factorise(const double* own, const double* below, const double* cross, bool singular);
  /// In: right-hand side of the own separator, and what is to be subtracted from that of the one below. Out: their
  /// solutions.
  void solve(double* own, double* below);

 private:
  void distribute(std::initializer_list<const double*> numbers);
  void factorise_share(bool singular);

  Communicator comm_;
  bool periodic_;
  std::ptrdiff_t modes_, share_;  // of all ranks, of one
  int size_ = 0;
  std::vector<int> own_index_, below_index_;  // separators of every rank, -1 where it has none
  std::vector<double> sent_, received_;       // [rank][number][share]
  std::vector<double> pivot_, link_, spike_;  // [separator][share]: inverse pivot, entry towards the one before, entry
                                              // towards the last over the pivot
  std::vector<double> value_;
};

}  // namespace kolmo
