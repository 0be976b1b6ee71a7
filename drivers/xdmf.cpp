#include "kolmo/io/xdmf.hpp"

#include <fmt/format.h>

#include "commands.hpp"

namespace kolmo::drivers {

int xdmf(const CommandLine& line) {
  const io::XdmfRebuild rebuilt = io::rebuild_xdmf(line.folder);
  for (const std::string& skipped : rebuilt.skipped) fmt::print(stderr, "warning: left out: {}\n", skipped);
  fmt::print("{}/fields.xdmf: {} steps\n", line.folder, rebuilt.steps);
  return 0;
}

}  // namespace kolmo::drivers
