/// Turning one rank's failure into the same error on every rank, so that nobody waits in a collective for a rank that
/// has left.
#pragma once

#include <functional>
#include <string>

#include "kolmo/base/parallel.hpp"

namespace kolmo::io {

/// Collective. `failure` is empty where this rank succeeded. If any rank failed, throws FileError with the text of the
/// lowest such rank on all of them.
void agree(const Communicator& comm, const std::string& failure);

/// Collective. Runs body on rank 0; an Error it throws is thrown on every rank, with its type (InputError, FileError,
/// RestartError) kept.
void on_root(const Communicator& comm, const std::function<void()>& body);

}  // namespace kolmo::io
