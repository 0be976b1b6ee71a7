/// Requests from outside: SIGTERM and SIGINT ask the run to stop after the step, SIGUSR1 asks for a checkpoint.
#pragma once

#include "kolmo/base/parallel.hpp"

namespace kolmo {

/// Installs Kolmo's handlers while it lives and restores the former ones. petsc::Session leaves them alone. The first
/// SIGTERM or SIGINT sets a flag; another one, a second later or more, ends the process at once by the signal's default
/// action. What comes sooner is taken for the same request: schedulers and launchers deliver some signals twice.
class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
};

/// What has been asked for.
struct Requests {
  bool stop = false;        ///< stays set
  bool checkpoint = false;  ///< taken: reading it clears it
};

/// This rank's requests; clears the checkpoint request. Signals reach single ranks or all of them, so callers agree
/// first.
Requests take_requests();
/// The requests of any rank, the same answer on all; one reduction. Collective.
Requests take_requests(const Communicator& comm);

}  // namespace kolmo
