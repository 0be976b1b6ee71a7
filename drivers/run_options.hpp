/// What the command line says of a run, and what is the same for every kind of run.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "kolmo/base/case_file.hpp"

namespace kolmo::drivers {

/// What the command line says of a run.
struct RunOptions {
  std::string case_path;
  std::string output;  ///< folder; empty: what the case says
  bool overwrite = false;
  std::vector<std::string> overrides;  ///< the texts of --set
  std::string restart;  ///< empty: a fresh start; "auto": newest valid checkpoint of the folder, if any; else a path
  bool restart_required = false;  ///< no checkpoint is an error (`kolmo restart`)
  double wall_limit = 0.0;        ///< seconds since the program was started; 0: none
  bool ask_scheduler = true;      ///< for the wall limit
  bool elsewhere = false;  ///< of check: the run will be on other machines, whose memory, ranks and disks are not known
  double watchdog = 0.0;   ///< seconds without a step after which a rank is taken to hang; 0: forever
};

/// Names and values for run.toml.
using Facts = std::vector<std::pair<std::string, std::string>>;

/// The folder of a run: --output, else output.directory, else the case file's name without .toml (the name of its
/// folder where it is called case.toml), in the working folder; with "_run" behind it where that is the folder of the
/// case.
std::filesystem::path output_directory(const RunOptions& options, const CaseFile& file);

/// Facts for run.toml and `kolmo --version`: version, git hash, compiler, PETSc, MPI, HDF5, BLAS.
Facts version_facts();

}  // namespace kolmo::drivers
