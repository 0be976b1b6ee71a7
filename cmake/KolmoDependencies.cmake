# Everything comes from Debian packages; scripts/setup installs them.
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
find_package(CLI11 REQUIRED)
find_package(fmt REQUIRED)
find_package(muparser REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(Eigen3 REQUIRED NO_MODULE)

# Plain BLAS and LAPACK, never -lopenblas: PETSc loads libblas.so.3, and the alternatives system decides whose it is.
# Linking a second BLAS by name would mix two implementations in one program.
add_library(kolmo_blas INTERFACE)
find_library(KOLMO_BLAS_LIBRARY NAMES blas REQUIRED)
find_library(KOLMO_LAPACK_LIBRARY NAMES lapack REQUIRED)
target_link_libraries(kolmo_blas INTERFACE ${KOLMO_LAPACK_LIBRARY} ${KOLMO_BLAS_LIBRARY})

find_program(KOLMO_CCACHE ccache)
if(KOLMO_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${KOLMO_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${KOLMO_CCACHE})
endif()
