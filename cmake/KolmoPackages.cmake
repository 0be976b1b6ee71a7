# What the libraries need; an installed Kolmo looks for the same.
find_package(PkgConfig REQUIRED)
find_package(MPI REQUIRED COMPONENTS C)
pkg_check_modules(PETSC REQUIRED IMPORTED_TARGET PETSc)
pkg_check_modules(FFTW REQUIRED IMPORTED_TARGET fftw3)

set(HDF5_PREFER_PARALLEL ON)
find_package(HDF5 COMPONENTS C)
if(NOT HDF5_FOUND)
  # That search runs h5pcc in the build folder and fails where its path holds a space.
  pkg_check_modules(HDF5_OPENMPI REQUIRED IMPORTED_TARGET hdf5-openmpi)
  add_library(hdf5::hdf5 ALIAS PkgConfig::HDF5_OPENMPI)
elseif(NOT HDF5_IS_PARALLEL)
  message(FATAL_ERROR "A parallel HDF5 is needed (package libhdf5-openmpi-dev); found a serial one.")
endif()

find_package(tomlplusplus REQUIRED)
find_package(fmt REQUIRED)
find_package(muparser REQUIRED)
find_package(nlohmann_json REQUIRED)
