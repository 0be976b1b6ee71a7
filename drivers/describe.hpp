/// Lines that `kolmo check` prints of any kind of run.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>

#include "kolmo/grid/axis.hpp"
#include "kolmo/grid/decomposition.hpp"

namespace kolmo::drivers {

/// "  x: 128 cells from 0 to 1, uniform, width 0.0078"
std::string describe_axis(const AxisSpec& spec, const std::string& name);

/// "4 as 1 x 2 x 2": the ranks along each axis, given in the settings or chosen.
template <int Dim, class Settings>
std::string describe_ranks(const Settings& settings, int ranks) {
  Index<Dim> cells{}, processes{};
  for (int d = 0; d < Dim; ++d) {
    cells[d] = settings.axes[d].cells;
    processes[d] = settings.processes[d];
  }
  if (processes[0] == 0) processes = Decomposition<Dim>::choose(ranks, cells);
  return fmt::format("{} as {}", ranks, fmt::join(processes, " x "));
}

}  // namespace kolmo::drivers
