# Compiler flags, carried by one interface library.
add_library(kolmo_flags INTERFACE)
target_include_directories(kolmo_flags INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                                 $<INSTALL_INTERFACE:include>)
target_compile_features(kolmo_flags INTERFACE cxx_std_20)
target_compile_definitions(kolmo_flags INTERFACE OMPI_SKIP_MPICXX MPICH_SKIP_MPICXX)
target_compile_options(kolmo_flags INTERFACE
  $<BUILD_INTERFACE:-Wall> $<BUILD_INTERFACE:-Wextra> $<BUILD_INTERFACE:-Wpedantic> $<BUILD_INTERFACE:-Wshadow>
  $<BUILD_INTERFACE:-Wno-unused-parameter>
  # Neither changes a computed value; both let loops with sqrt or conditionals vectorise.
  -fno-math-errno -fno-trapping-math)

if(KOLMO_ARCH)
  target_compile_options(kolmo_flags INTERFACE -march=${KOLMO_ARCH})
  include(CheckCXXSourceCompiles)
  set(CMAKE_REQUIRED_FLAGS "-march=${KOLMO_ARCH}")
  check_cxx_source_compiles("#ifndef __AVX512F__\n#error no\n#endif\nint main() {}" KOLMO_HAS_AVX512)
  unset(CMAKE_REQUIRED_FLAGS)
  if(KOLMO_HAS_AVX512)
    # GCC prefers 256-bit vectors otherwise, which halves the width of the sweeps.
    target_compile_options(kolmo_flags INTERFACE -mprefer-vector-width=512)
  endif()
endif()
if(KOLMO_SANITIZE)
  target_compile_options(kolmo_flags INTERFACE -fsanitize=${KOLMO_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  target_link_options(kolmo_flags INTERFACE -fsanitize=${KOLMO_SANITIZE})
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -DNDEBUG")

# What `kolmo --version` and run.toml say of the build.
execute_process(COMMAND git -C ${PROJECT_SOURCE_DIR} rev-parse --short HEAD
                OUTPUT_VARIABLE KOLMO_GIT_HASH OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT KOLMO_GIT_HASH)
  set(KOLMO_GIT_HASH "unknown")
endif()
