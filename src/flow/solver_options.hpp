/// What a case file says of a linear solver, in the words of the room linear.
#pragma once

#include "kolmo/flow/settings.hpp"
#include "kolmo/linear/solver.hpp"

namespace kolmo::flow {

inline SolverOptions solver_options(const SolverSettings& settings) {
  SolverOptions options;
  options.relative_tolerance = settings.tolerance;
  options.max_iterations = settings.max_iterations;
  switch (settings.method) {
    case LinearMethod::automatic:
      options.method = SolverMethod::automatic;
      break;
    case LinearMethod::tensor:
      options.method = SolverMethod::tensor;
      break;
    case LinearMethod::boxmg:
      options.method = SolverMethod::boxmg;
      break;
    case LinearMethod::aij:
      options.method = SolverMethod::aij;
      break;
  }
  return options;
}

}  // namespace kolmo::flow
