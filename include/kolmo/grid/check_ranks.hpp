/// Whether the ranks can share out the grid of a case.
#pragma once

#include <span>

#include "kolmo/base/case_file.hpp"
#include "kolmo/grid/axis.hpp"

namespace kolmo {

/// processes: ranks along each axis as given in grid.processes; 0: chosen. Throws InputError, with the place, where
/// their product is not the number of ranks or a rank would get no cell.
template <int Dim>
void check_ranks(const CaseFile& file, std::span<const AxisSpec> axes, std::span<const int> processes,
                 const Communicator& comm);

}  // namespace kolmo
