#include "kolmo/io/agree.hpp"

#include <filesystem>

#include "kolmo/base/error.hpp"

namespace kolmo::io {

void agree(const Communicator& comm, const std::string& failure) {
  const double mine = failure.empty() ? comm.size() : comm.rank();
  const int first = static_cast<int>(comm.min(mine));
  if (first == comm.size()) return;
  std::string text = failure;
  comm.broadcast(text, first);
  throw FileError(text);
}

namespace {
[[noreturn]] void throw_as(ExitCode code, const std::string& message) {
  switch (code) {
    case ExitCode::input:
      throw InputError(message);
    case ExitCode::files:
      throw FileError(message);
    case ExitCode::restart:
      throw RestartError(message);
    default:
      throw InternalError(message);
  }
}
}  // namespace

void on_root(const Communicator& comm, const std::function<void()>& body) {
  std::string outcome;  // the exit code and a space before the message
  if (comm.root()) {
    try {
      body();
    } catch (const Error& error) {
      outcome = std::to_string(static_cast<int>(error.code())) + " " + error.what();
    } catch (const std::filesystem::filesystem_error& error) {
      outcome = std::to_string(static_cast<int>(ExitCode::files)) + " '" + error.path1().string() +
                "': " + error.code().message();
    } catch (const std::exception& error) {
      outcome = std::to_string(static_cast<int>(ExitCode::numerics)) + " " + error.what();
    }
  }
  comm.broadcast(outcome);
  if (outcome.empty()) return;
  const std::size_t space = outcome.find(' ');
  throw_as(static_cast<ExitCode>(std::stoi(outcome.substr(0, space))), outcome.substr(space + 1));
}

}  // namespace kolmo::io
