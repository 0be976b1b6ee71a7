// The one place where errors end: printed once, turned into the exit code, and no rank left waiting.
#include <fmt/format.h>
#include <time.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <new>

#include "commands.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/base/parallel.hpp"

namespace kolmo::drivers {

namespace {

struct Failure {
  int code = 0;
  std::string message;
};

Failure failure_of(const std::exception_ptr& exception) {
  constexpr int numerics = static_cast<int>(ExitCode::numerics);
  try {
    std::rethrow_exception(exception);
  } catch (const Error& error) {
    return {static_cast<int>(error.code()), error.what()};
  } catch (const std::bad_alloc&) {
    return {numerics, "out of memory"};
  } catch (const std::exception& error) {
    return {numerics, fmt::format("internal error: {}", error.what())};
  } catch (...) {
    return {numerics, "internal error of unknown type"};
  }
}

void print(const std::string& message) {
  std::string line = message;
  for (char& c : line)
    if (c == '\n' || c == '\r') c = ' ';
  (void)std::fflush(stdout);
  (void)std::fprintf(stderr, "%s\n", line.c_str());
}

void wait_milliseconds(long count) {
  const timespec pause{count / 1000, count % 1000 * 1000000};
  (void)nanosleep(&pause, nullptr);
}

/// Whether every rank comes here within some seconds: those that did not fail are somewhere in a collective call of
/// their own, so this uses a communicator that nothing else uses, and does not block.
bool all_ranks_fail(MPI_Comm comm) {
  constexpr int patience_milliseconds = 5000, interval = 2;
  MPI_Request request = MPI_REQUEST_NULL;
  if (MPI_Ibarrier(comm, &request) != MPI_SUCCESS) return false;
  for (int waited = 0; waited < patience_milliseconds; waited += interval) {
    int done = 0;
    if (MPI_Test(&request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS) return false;
    if (done) return true;
    wait_milliseconds(interval);
  }
  return false;
}

}  // namespace

int run_guarded(const std::function<int()>& body) {
  MPI_Comm comm = MPI_COMM_NULL;
  check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &comm), "MPI_Comm_dup");
  const int rank = Communicator(comm).rank();
  int code = 0;
  try {
    code = body();
  } catch (...) {
    const Failure failure = failure_of(std::current_exception());
    if (!all_ranks_fail(comm)) {
      wait_milliseconds(20L * (rank % 100));  // the first one to speak ends the others
      print(Communicator(comm).size() > 1 ? fmt::format("rank {}: {}", rank, failure.message) : failure.message);
      (void)MPI_Abort(MPI_COMM_WORLD, failure.code);
    }
    if (rank == 0) print(failure.message);
    code = failure.code;
  }
  (void)MPI_Comm_free(&comm);
  return code;
}

}  // namespace kolmo::drivers
