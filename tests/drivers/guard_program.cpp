// Fails on purpose, on all ranks or on one of them, for guard.py to look at.
#include <mpi.h>

#include <stdexcept>
#include <string>

#include "../../drivers/commands.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/base/petsc.hpp"

int main(int argc, char** argv) {
  const std::string how = argc > 1 ? argv[1] : "";
  int count = 1;
  const kolmo::petsc::Session session(count, argv);
  return kolmo::drivers::run_guarded([&]() -> int {
    const kolmo::Communicator comm;
    if (how == "all") throw kolmo::FileError("two\nlines");
    if (how == "unknown") throw std::runtime_error("odd");
    if (how == "one" && comm.rank() == 1) throw kolmo::RestartError("only here");
    comm.barrier();  // where the ranks that did not fail are waiting
    return 85;
  });
}
