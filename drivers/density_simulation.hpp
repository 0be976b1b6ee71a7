/// The kind "density" as the run loop sees it.
#pragma once

#include <memory>

#include "kolmo/base/error.hpp"
#include "kolmo/density/settings.hpp"
#include "simulation.hpp"

namespace kolmo::drivers {

/// See Kind.
std::unique_ptr<Simulation> make_density(const CaseFile& file, const Communicator& comm);
void check_density(const CaseFile& file, const RunOptions& options, const Communicator& comm, const Log& log);
/// Gives up stored coefficients where there is no room for them and the case leaves the choice. Throws InputError where
/// the engine would hold more than the machines have all the same. Collective.
void refuse_what_cannot_fit(const CaseFile& file, density::Settings& settings, const Communicator& comm);

/// Does what a key of the case asks for; an InputError names the key and its line.
template <class Action>
void at_key(const CaseFile& file, const std::string& key, const Action& action) {
  try {
    action();
  } catch (const InputError& error) {
    throw file.error_at(key, error.what());
  }
}

}  // namespace kolmo::drivers
