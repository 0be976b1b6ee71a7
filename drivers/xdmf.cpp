#include "kolmo/io/xdmf.hpp"

#include <fmt/format.h>

#include "commands.hpp"
#include "kolmo/base/log.hpp"
#include "kolmo/io/agree.hpp"

namespace kolmo::drivers {

int xdmf(const CommandLine& line) {
  const Communicator comm;
  const Log log(comm.root());
  io::on_root(comm, [&] {
    const io::XdmfRebuild rebuilt = io::rebuild_xdmf(line.folder);
    for (const std::string& skipped : rebuilt.skipped) log.warning("left out: " + skipped);
    log.info(fmt::format("{}/fields.xdmf: {} steps", line.folder, rebuilt.steps));
  });
  return 0;
}

}  // namespace kolmo::drivers
