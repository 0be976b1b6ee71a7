/// The kinds of run the program knows: one line each in kinds.cpp.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "simulation.hpp"

namespace kolmo::drivers {

/// A kind of run: its keys, and how its cases are checked and made.
struct Kind {
  const Schema& (*schema)();
  /// Reads and checks the case to the last key, then makes it. Throws InputError. Collective.
  std::unique_ptr<Simulation> (*make)(const CaseFile& file, const Communicator& comm);
  /// The same checks for `kolmo check`, with what there is to say of the case. Makes nothing. Collective.
  void (*check)(const CaseFile& file, const RunOptions& options, const Communicator& comm, const Log& log);
};

const std::vector<Kind>& kinds();
/// The kind of a case file, which was read with `all_schemas()`.
const Kind& kind_of(const CaseFile& file);
std::vector<const Schema*> all_schemas();

}  // namespace kolmo::drivers
