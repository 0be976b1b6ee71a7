/// PETSc's objects with C++ manners: handles that destroy once, error codes that throw.
#pragma once

#include <petscdm.h>
#include <petscksp.h>

#include <exception>
#include <source_location>
#include <string>
#include <utility>

namespace kolmo::petsc {

/// Starts MPI and PETSc and ends them. One per program. PETSc's own signal handler and its error traceback are off:
/// Kolmo reports errors itself, once, in one line.
class Session {
 public:
  /// argv as PETSc shall see it (Kolmo's own options already taken out).
  Session(int& argc, char**& argv);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
};

/// Stores an exception thrown inside a PETSc callback; the callback returns PETSC_ERR_LIB and `check` rethrows it
/// outside.
void store_exception(std::exception_ptr exception);

/// Throws if code is an error: the exception stored by a callback if there is one, else InternalError with PETSc's text
/// and the place of the call.
void check(PetscErrorCode code, std::source_location where = std::source_location::current());

/// Runs body inside a PETSc callback: an exception becomes an error code that `check` turns back.
template <class Body>
PetscErrorCode guarded(Body&& body) {
  try {
    body();
    return 0;
  } catch (...) {
    store_exception(std::current_exception());
    return PETSC_ERR_LIB;
  }
}

/// True between PetscInitialize and PetscFinalize.
bool alive();

template <class Object>
struct Destroy;
#define KOLMO_PETSC_DESTROY(Object)                                     \
  template <>                                                           \
  struct Destroy<Object> {                                              \
    static void call(Object* object) { (void)Object##Destroy(object); } \
  };
KOLMO_PETSC_DESTROY(Vec)
KOLMO_PETSC_DESTROY(Mat)
KOLMO_PETSC_DESTROY(KSP)
KOLMO_PETSC_DESTROY(DM)
KOLMO_PETSC_DESTROY(MatNullSpace)
#undef KOLMO_PETSC_DESTROY

/// Owns one PETSc object: move-only, destroys once, does nothing after PetscFinalize.
template <class Object>
class Handle {
 public:
  Handle() = default;
  explicit Handle(Object object) : object_(object) {}
  Handle(Handle&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      reset();
      object_ = std::exchange(other.object_, nullptr);
    }
    return *this;
  }
  ~Handle() { reset(); }

  operator Object() const { return object_; }  // NOLINT: PETSc calls take the raw object everywhere
  Object get() const { return object_; }
  /// For PETSc's create functions: `check(VecCreate(comm, vec.put()))`. Destroys what was held.
  Object* put() {
    reset();
    return &object_;
  }
  void reset() {
    if (object_ && alive()) Destroy<Object>::call(&object_);
    object_ = nullptr;
  }

 private:
  Object object_ = nullptr;
};

/// A log event shown by -log_view; stops when it goes out of scope.
class Event {
 public:
  explicit Event(const char* name);
  void begin() const { (void)PetscLogEventBegin(event_, 0, 0, 0, 0); }
  void end() const { (void)PetscLogEventEnd(event_, 0, 0, 0, 0); }

 private:
  PetscLogEvent event_ = 0;
};

}  // namespace kolmo::petsc
