# Everything comes from Debian packages; scripts/setup installs them.
include(KolmoPackages)
find_package(CLI11 REQUIRED)
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
