// The program: understands its command line, starts PETSc where ranks are to work together, and hands over to a
// subcommand.
#include <fmt/format.h>

#include <cstdlib>
#include <map>

#include "commands.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/base/petsc.hpp"
#include "kolmo/base/signals.hpp"

namespace {

using namespace kolmo;
using namespace kolmo::drivers;

/// The rank that the launcher gave this process, before MPI is started: so that a mistake is reported once.
bool speaks_for_all() {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"})
    if (const char* rank = std::getenv(name)) return std::string(rank) == "0";
  return true;
}

/// Commands of one process: no MPI is started, the other ranks of a launcher stay silent.
int run_alone(const std::function<int()>& body) {
  if (!speaks_for_all()) return 0;
  try {
    return body();
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    fmt::print(stderr, "internal error: {}\n", error.what());
    return static_cast<int>(ExitCode::numerics);
  }
}

int print_help(const CommandLine& line) {
  fmt::print("{}", line.help);
  return 0;
}

int print_version(const CommandLine&) {
  for (const auto& [name, value] : version_facts()) fmt::print("{:<9} {}\n", name, value);
  return 0;
}

using Command = int (*)(const CommandLine&);

int run_together(const CommandLine& line, const char* program, Command command) {
  std::vector<std::string> words{program};
  words.insert(words.end(), line.petsc.begin(), line.petsc.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  int count = static_cast<int>(pointers.size());
  pointers.push_back(nullptr);
  char** arguments = pointers.data();
  const petsc::Session session(count, arguments);
  return run_guarded([&] { return command(line); });
}

}  // namespace

int main(int argc, char** argv) {
  static const std::map<std::string, Command> alone{
      {"help", print_help}, {"version", print_version}, {"new", new_case}, {"keys", keys}, {"status", status}};
  static const std::map<std::string, Command> together{
      {"run", run}, {"check", check}, {"restart", restart}, {"xdmf", xdmf}};
  CommandLine line;
  if (const int code = run_alone([&] {
        line = parse_command_line(argc, argv);
        return 0;
      });
      code != 0)
    return code;
  if (!speaks_for_all()) {
    // The rank that speaks has reported a mistake in the command line already: this one only has to agree with it.
    try {
      line = parse_command_line(argc, argv);
    } catch (const Error& error) {
      return static_cast<int>(error.code());
    }
  }
  if (const auto found = alone.find(line.command); found != alone.end())
    return run_alone([&] { return found->second(line); });
  // Before MPI, whose start may take a while, and to the very end, for which it is never destroyed: a run that gets a
  // signal in between must neither lose the request nor die of it.
  if (line.command == "run" || line.command == "restart") {
    static const auto* const watch = new SignalWatch;
    (void)watch;
  }
  return run_together(line, argv[0], together.at(line.command));
}
