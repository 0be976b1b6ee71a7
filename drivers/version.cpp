// What `kolmo --version` and run.toml say of the program and of the libraries it found.
#include <dlfcn.h>
#include <fmt/format.h>
#include <hdf5.h>
#include <mpi.h>
#include <petscsys.h>

#include <array>

#include "run_options.hpp"

namespace kolmo::drivers {

namespace {

/// PETSc loads libblas.so.3; only OpenBLAS has this symbol.
std::string blas() {
  using CoreName = char* (*)();
  const auto core_name = reinterpret_cast<CoreName>(dlsym(RTLD_DEFAULT, "openblas_get_corename"));
  if (!core_name) return "not OpenBLAS (slow direct solves on stretched grids; install libopenblas0-serial)";
  return fmt::format("OpenBLAS, core {}", core_name());
}

std::string mpi() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  (void)MPI_Get_library_version(text.data(), &length);
  const std::string version(text.data(), static_cast<std::size_t>(length));
  return version.substr(0, version.find(','));
}

}  // namespace

std::vector<std::pair<std::string, std::string>> version_facts() {
  unsigned major = 0, minor = 0, release = 0;
  (void)H5get_libversion(&major, &minor, &release);
  return {{"kolmo", KOLMO_VERSION},
          {"git", KOLMO_GIT_HASH},
          {"compiler", fmt::format("{} ({})", __VERSION__, KOLMO_BUILD_TYPE)},
          {"petsc", fmt::format("{}.{}.{}, {}-bit indices", PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR,
                                PETSC_VERSION_SUBMINOR, 8 * sizeof(PetscInt))},
          {"mpi", mpi()},
          {"hdf5", fmt::format("{}.{}.{}", major, minor, release)},
          {"blas", blas()}};
}

}  // namespace kolmo::drivers
