/// The errors a run can end with, each with the exit code of the outside contract.
#pragma once

#include <stdexcept>
#include <string>

namespace kolmo {

/// What the program returns to the shell; documented in README.md and relied on by batch scripts.
enum class ExitCode : int { done = 0, input = 2, numerics = 3, files = 4, restart = 5, stopped = 85 };

/// Base of all errors: a message for the user and the exit code of the run.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

/// The user's input is wrong. The message is one line: `file:line:column: key: reason (nearest valid name or range)`.
class InputError : public Error {
 public:
  explicit InputError(const std::string& message) : Error(ExitCode::input, message) {}
};

/// The numbers went wrong: NaN, CFL limit passed, a solve that failed.
class NumericsError : public Error {
 public:
  explicit NumericsError(const std::string& message) : Error(ExitCode::numerics, message) {}
};

/// A linear solve ended without reaching its tolerance.
class NotConverged : public NumericsError {
 public:
  NotConverged(std::string prefix, std::string reason, int iterations, double residual);
  const std::string& prefix() const { return prefix_; }
  const std::string& reason() const { return reason_; }
  int iterations() const { return iterations_; }
  double residual() const { return residual_; }

 private:
  std::string prefix_, reason_;
  int iterations_;
  double residual_;
};

/// A file could not be read or written; the message names the path.
class FileError : public Error {
 public:
  explicit FileError(const std::string& message) : Error(ExitCode::files, message) {}
};

/// No valid checkpoint, or one that does not belong to this case.
class RestartError : public Error {
 public:
  explicit RestartError(const std::string& message) : Error(ExitCode::restart, message) {}
};

/// A bug of ours or of a library: PETSc, MPI or HDF5 returned an error code where none is expected.
class InternalError : public Error {
 public:
  explicit InternalError(const std::string& message) : Error(ExitCode::numerics, message) {}
};

}  // namespace kolmo
