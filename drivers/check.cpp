#include <fmt/format.h>

#include "commands.hpp"
#include "kinds.hpp"

namespace kolmo::drivers {

int check(const CommandLine& line) {
  const Communicator comm;
  const CaseFile file = CaseFile::read(comm, line.run.case_path, line.run.overrides, all_schemas());
  const Log log(comm.root());
  kind_of(file).check(file, line.run, comm, log);
  log.info(fmt::format("output: {}", output_directory(line.run, file).string()));
  log.info("the case is valid");
  return 0;
}

}  // namespace kolmo::drivers
