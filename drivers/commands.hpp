/// The subcommands of the program, each in a file of its own, and what the command line may say to them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "run_options.hpp"

namespace kolmo::drivers {

/// The command line, understood.
struct CommandLine {
  std::string command;             ///< "run", "check", ...; "help" and "version" where a text is asked for
  RunOptions run;                  ///< of run, check and restart
  std::string name;                ///< of new: the case; of keys: the kind
  std::string folder;              ///< of status, xdmf and restart
  bool markdown = false;           ///< of keys
  std::string help;                ///< of help: the text
  std::vector<std::string> petsc;  ///< single-dash options and their values, as given
};

/// Throws InputError for what it does not understand, with the nearest option.
CommandLine parse_command_line(int argc, char** argv);

/// Each returns the exit code of the program; errors are thrown.
int run(const CommandLine& line);
int check(const CommandLine& line);
int restart(const CommandLine& line);
int new_case(const CommandLine& line);
int keys(const CommandLine& line);
int status(const CommandLine& line);
int xdmf(const CommandLine& line);

/// Runs body, catches what it throws and prints it in one line, once: by rank 0 where all ranks fail, else by a failing
/// rank that then aborts the others. Returns the exit code. With MPI running.
int run_guarded(const std::function<int()>& body);

}  // namespace kolmo::drivers
