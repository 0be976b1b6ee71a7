#include "separator_system.hpp"

#include <algorithm>

namespace kolmo {

SeparatorSystem::SeparatorSystem(const LineCut& cut, bool periodic, std::ptrdiff_t modes)
    : comm_(cut.comm), periodic_(periodic), modes_(modes) {
  const int ranks = comm_.size();
  std::vector<int> parts;  // ranks that hold levels
  for (int p = 0; p < ranks; ++p)
    if (cut.starts[p] < cut.starts[p + 1]) parts.push_back(p);
  const int count = static_cast<int>(parts.size());
  size_ = std::max(0, periodic ? count : count - 1);
  own_index_.assign(ranks, -1);
  below_index_.assign(ranks, -1);
  for (int k = 0; k < count; ++k) {
    if (k < size_) own_index_[parts[k]] = k;
    if (k > 0 || periodic) below_index_[parts[k]] = k > 0 ? k - 1 : size_ - 1;
  }
  share_ = (modes + ranks - 1) / ranks;
  if (modes == 0) size_ = 0;
  if (size_ == 0) return;
  sent_.resize(3 * share_ * ranks);
  received_.resize(sent_.size());
  for (std::vector<double>* v : {&pivot_, &link_, &spike_, &value_}) v->resize(size_ * share_);
}

// Every rank's numbers of the modes that are this rank's share, into `received_`.
void SeparatorSystem::distribute(std::initializer_list<const double*> numbers) {
  double* to = sent_.data();
  for (int p = 0; p < comm_.size(); ++p)
    for (const double* from : numbers) {
      const std::ptrdiff_t first = std::min(p * share_, modes_), last = std::min(first + share_, modes_);
      std::copy(from + first, from + last, to);
      to += share_;
    }
  const int count = static_cast<int>(share_ * static_cast<std::ptrdiff_t>(numbers.size()));
  if (comm_.size() == 1)
    sent_.swap(received_);
  else
    check_mpi(MPI_Alltoall(sent_.data(), count, MPI_DOUBLE, received_.data(), count, MPI_DOUBLE, comm_.handle()),
              "MPI_Alltoall");
}

void SeparatorSystem::factorise(const double* own, const double* below, const double* cross, bool singular) {
  if (size_ == 0) return;
  distribute({own, below, cross});
  std::fill(pivot_.begin(), pivot_.end(), 0.0);
  std::fill(link_.begin(), link_.end(), 0.0);
  for (int p = 0; p < comm_.size(); ++p) {
    const double* from = received_.data() + 3 * p * share_;
    const int mine = own_index_[p], other = below_index_[p];
    for (std::ptrdiff_t m = 0; m < share_; ++m) {
      if (mine >= 0) pivot_[mine * share_ + m] += from[m];
      if (other >= 0) pivot_[other * share_ + m] += from[share_ + m];
      if (mine >= 0 && other >= 0) link_[mine * share_ + m] += from[2 * share_ + m];
    }
  }
  factorise_share(singular && comm_.rank() == 0);
}

// L D L^T with the last separator as border: towards it, the first has the entry link_[0] of a periodic line, the last
// but one that of its neighbour, the others fill in.
void SeparatorSystem::factorise_share(bool singular) {
  const int last = size_ - 1;
  for (std::ptrdiff_t m = 0; m < share_; ++m) {
    const auto at = [&](int k) { return k * share_ + m; };
    double border = pivot_[at(last)], entry = 0.0;
    if (last == 0 && periodic_) border += 2.0 * link_[at(0)];
    for (int k = 0; k < last; ++k) {
      const double over = k > 0 ? link_[at(k)] * pivot_[at(k - 1)] : 0.0;
      const double diagonal = pivot_[at(k)] - (k > 0 ? over * link_[at(k)] : 0.0);
      entry = (k == 0 ? link_[at(0)] : 0.0) + (k == last - 1 ? link_[at(last)] : 0.0) - over * entry;
      pivot_[at(k)] = 1.0 / diagonal;
      spike_[at(k)] = entry * pivot_[at(k)];
      border -= entry * spike_[at(k)];
    }
    pivot_[at(last)] = 1.0 / border;
    if (!singular || m > 0) continue;
    for (int k = 0; k < size_; ++k) pivot_[at(k)] = spike_[at(k)] = 0.0;
  }
}

void SeparatorSystem::solve(double* own, double* below) {
  if (size_ == 0) return;
  distribute({own, below});
  std::fill(value_.begin(), value_.end(), 0.0);
  for (int p = 0; p < comm_.size(); ++p) {
    const double* from = received_.data() + 2 * p * share_;
    double* mine = own_index_[p] >= 0 ? &value_[own_index_[p] * share_] : nullptr;
    double* other = below_index_[p] >= 0 ? &value_[below_index_[p] * share_] : nullptr;
    for (std::ptrdiff_t m = 0; mine && m < share_; ++m) mine[m] += from[m];
    for (std::ptrdiff_t m = 0; other && m < share_; ++m) other[m] -= from[share_ + m];
  }
  const int last = size_ - 1;
  double* border = &value_[last * share_];
  for (int k = 0; k < last; ++k) {
    double* q = &value_[k * share_];
    const double *pivot = &pivot_[k * share_], *spike = &spike_[k * share_], *link = &link_[k * share_];
    for (std::ptrdiff_t m = 0; m < share_; ++m) {
      const double z = k > 0 ? q[m] - link[m] * q[m - share_] : q[m];
      border[m] -= spike[m] * z;
      q[m] = z * pivot[m];
    }
  }
  for (std::ptrdiff_t m = 0; m < share_; ++m) border[m] *= pivot_[last * share_ + m];
  for (int k = last - 1; k >= 0; --k) {
    double* q = &value_[k * share_];
    const double *pivot = &pivot_[k * share_], *spike = &spike_[k * share_], *link = &link_[(k + 1) * share_];
    for (std::ptrdiff_t m = 0; m < share_; ++m)
      q[m] -= spike[m] * border[m] + (k < last - 1 ? link[m] * pivot[m] * q[m + share_] : 0.0);
  }
  // Back to whoever holds the parts: the value of its own separator and of the one below.
  const std::ptrdiff_t numbers = 2 * share_;
  for (int p = 0; p < comm_.size(); ++p) {
    double* to = sent_.data() + p * numbers;
    if (own_index_[p] >= 0) std::copy_n(&value_[own_index_[p] * share_], share_, to);
    if (below_index_[p] >= 0) std::copy_n(&value_[below_index_[p] * share_], share_, to + share_);
  }
  if (comm_.size() == 1)
    sent_.swap(received_);
  else
    check_mpi(MPI_Alltoall(sent_.data(), static_cast<int>(numbers), MPI_DOUBLE, received_.data(),
                           static_cast<int>(numbers), MPI_DOUBLE, comm_.handle()),
              "MPI_Alltoall");
  for (int p = 0; p < comm_.size(); ++p) {
    const double* from = received_.data() + p * numbers;
    const std::ptrdiff_t first = std::min(p * share_, modes_), count = std::min(share_, modes_ - first);
    std::copy_n(from, count, own + first);
    std::copy_n(from + share_, count, below + first);
  }
}

}  // namespace kolmo
