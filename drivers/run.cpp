#include <fmt/format.h>
#include <petscsys.h>

#include "commands.hpp"
#include "kinds.hpp"
#include "kolmo/base/log.hpp"
#include "kolmo/base/petsc.hpp"
#include "run_loop.hpp"

namespace kolmo::drivers {

std::filesystem::path output_directory(const RunOptions& options, const CaseFile& file) {
  if (!options.output.empty()) return options.output;
  if (file.has("output.directory")) return file.text("output.directory");
  const std::filesystem::path path = std::filesystem::absolute(file.name());
  const bool plain = path.filename() == "case.toml" && path.parent_path() != path.root_path();
  const std::filesystem::path name = plain ? path.parent_path().filename() : path.stem();
  // Not into the folder that the case itself lies in.
  return std::filesystem::absolute(name) == path.parent_path() ? name.string() + "_run" : name.string();
}

namespace {

/// A misspelt PETSc option would otherwise pass in silence.
void warn_of_unused_options(const Log& log) {
  PetscInt count = 0;
  char **names = nullptr, **values = nullptr;
  petsc::check(PetscOptionsLeftGet(nullptr, &count, &names, &values));
  for (PetscInt i = 0; i < count; ++i) log.warning(fmt::format("the PETSc option -{} was not used", names[i]));
  petsc::check(PetscOptionsLeftRestore(nullptr, &count, &names, &values));
}

}  // namespace

int run(const CommandLine& line) {
  const Communicator comm;
  const CaseFile file = CaseFile::read(comm, line.run.case_path, line.run.overrides, all_schemas());
  const auto simulation = kind_of(file).make(file, comm);
  const int code = RunLoop(line.run, file, comm, *simulation).run();
  warn_of_unused_options(Log(comm.root()));
  return code;
}

}  // namespace kolmo::drivers
