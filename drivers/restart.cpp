#include <fmt/format.h>

#include "commands.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/io/agree.hpp"

namespace kolmo::drivers {

/// run.toml holds every effective key, so it is the case to go on with.
int restart(const CommandLine& line) {
  CommandLine again = line;
  const std::filesystem::path folder = line.folder;
  again.run.case_path = (folder / "run.toml").string();
  io::on_root(Communicator(), [&] {
    if (!std::filesystem::exists(again.run.case_path))
      throw RestartError(fmt::format("{}: there is no run to go on with (no run.toml)", line.folder));
  });
  again.run.output = line.folder;
  again.run.restart = "auto";
  again.run.restart_required = true;
  return run(again);
}

}  // namespace kolmo::drivers
