#include "kolmo/base/petsc.hpp"

#include <fmt/format.h>

#include <array>
#include <string>
#include <vector>

#include "kolmo/base/error.hpp"

namespace kolmo::petsc {

namespace {

std::exception_ptr stored;  // one rank runs one PETSc callback at a time
std::string last_message;   // PETSc's own text of the error being reported

PetscErrorCode remember_error(MPI_Comm, int, const char* function, const char*, PetscErrorCode code,
                              PetscErrorType type, const char* message, void*) {
  if (type == PETSC_ERROR_INITIAL)
    last_message = fmt::format("{}: {}", function ? function : "?", message ? message : "");
  return code;
}

}  // namespace

bool alive() {
  PetscBool started = PETSC_FALSE, ended = PETSC_FALSE;
  (void)PetscInitialized(&started);
  (void)PetscFinalized(&ended);
  return started && !ended;
}

Session::Session(int& argc, char**& argv) {
  // A stray .petscrc must not change a run that run.toml claims to describe; PETSc's signal handlers would take the
  // place of ours, and end the program with a dump. Both are said as arguments: where -skip_petscrc stands in the
  // database before it starts, PETSc 3.18 sets it anew from the text it has just freed.
  static std::array<std::string, 2> own{"-skip_petscrc", "-no_signal_handler"};
  static std::vector<char*> arguments;  // PETSc keeps the array
  arguments.assign(argv, argv + argc);
  for (std::string& option : own) arguments.push_back(option.data());
  int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  char** all = arguments.data();
  PetscErrorCode code = PetscInitialize(&count, &all, nullptr, nullptr);
  if (code) throw InternalError(fmt::format("PetscInitialize failed with code {}", static_cast<int>(code)));
  for (const std::string& option : own) check(PetscOptionsClearValue(nullptr, option.c_str()));
  check(PetscPushErrorHandler(remember_error, nullptr));
}

Session::~Session() {
  if (alive()) {
    (void)PetscPopErrorHandler();
    (void)PetscFinalize();
  }
}

void store_exception(std::exception_ptr exception) { stored = std::move(exception); }

void check(PetscErrorCode code, std::source_location where) {
  if (code == 0) return;
  if (stored) std::rethrow_exception(std::exchange(stored, nullptr));
  const char* text = nullptr;
  (void)PetscErrorMessage(code, &text, nullptr);
  std::string detail = std::exchange(last_message, {});
  throw InternalError(fmt::format("PETSc: {} ({}) at {}:{}", text ? text : "unknown error",
                                  detail.empty() ? "no detail" : detail, where.file_name(), where.line()));
}

Event::Event(const char* name) {
  static PetscClassId kolmo_class = 0;
  if (!kolmo_class) check(PetscClassIdRegister("Kolmo", &kolmo_class));
  check(PetscLogEventRegister(name, kolmo_class, &event_));
}

}  // namespace kolmo::petsc
