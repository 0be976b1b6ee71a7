#include "kolmo/base/phase.hpp"

#include <mpi.h>

namespace kolmo {

namespace {
std::vector<std::pair<std::string, double>>& sums() {
  static std::vector<std::pair<std::string, double>> all;
  return all;
}
}  // namespace

Phase::Phase(const std::string& name) : index_(0), event_(name.c_str()) {
  auto& all = sums();
  while (index_ < all.size() && all[index_].first != name) ++index_;
  if (index_ == all.size()) all.emplace_back(name, 0.0);
}

Phase::Scope::Scope(const Phase& phase) : phase_(phase), begin_(MPI_Wtime()) { phase.event_.begin(); }

Phase::Scope::~Scope() {
  phase_.event_.end();
  sums()[phase_.index_].second += MPI_Wtime() - begin_;
}

std::vector<std::pair<std::string, double>> Phase::seconds() { return sums(); }

}  // namespace kolmo
