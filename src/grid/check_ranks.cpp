#include "kolmo/grid/check_ranks.hpp"

#include <algorithm>

#include "kolmo/grid/decomposition.hpp"

namespace kolmo {

template <int Dim>
void check_ranks(const CaseFile& file, std::span<const AxisSpec> axes, std::span<const int> processes,
                 const Communicator& comm) {
  Index<Dim> cells{}, given{};
  std::array<bool, Dim> periodic{};
  for (int d = 0; d < Dim; ++d) {
    cells[d] = axes[d].cells;
    given[d] = processes[d];
    periodic[d] = axes[d].periodic;
  }
  const bool all_given = std::all_of(given.begin(), given.end(), [](int count) { return count > 0; });
  try {
    if (all_given)
      (void)Decomposition<Dim>(comm, cells, periodic, given);
    else
      (void)Decomposition<Dim>::choose(comm.size(), cells);
  } catch (const InputError& error) {
    throw file.error_at(all_given ? "grid.processes" : "grid", error.what());
  }
}

#define KOLMO_INSTANTIATE(Dim) \
  template void check_ranks<Dim>(const CaseFile&, std::span<const AxisSpec>, std::span<const int>, const Communicator&);
KOLMO_INSTANTIATE(1)
KOLMO_INSTANTIATE(2)
KOLMO_INSTANTIATE(3)
KOLMO_INSTANTIATE(4)
KOLMO_INSTANTIATE(5)
KOLMO_INSTANTIATE(6)
#undef KOLMO_INSTANTIATE

}  // namespace kolmo
