/// The kind "flow" as the run loop sees it.
#pragma once

#include <memory>

#include "simulation.hpp"

namespace kolmo::drivers {

/// See Kind.
std::unique_ptr<Simulation> make_flow(const CaseFile& file, const Communicator& comm);
void check_flow(const CaseFile& file, const RunOptions& options, const Communicator& comm, const Log& log);

}  // namespace kolmo::drivers
