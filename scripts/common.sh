# Sourced by the scripts beside it: where the repository is, how to build it, and an environment in which MPI starts
# anywhere (as root in a container, with fewer cores than ranks, where processes may not read each other's memory).
# shellcheck shell=bash
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1
export OMPI_MCA_hwloc_base_binding_policy=${OMPI_MCA_hwloc_base_binding_policy:-none}
export OMPI_MCA_btl_vader_single_copy_mechanism=${OMPI_MCA_btl_vader_single_copy_mechanism:-none}
export OPENBLAS_NUM_THREADS=${OPENBLAS_NUM_THREADS:-1}

cores=$(nproc)

# ccache stops the build where it cannot write.
ccache_folder=${CCACHE_DIR:-${HOME:-/nonexistent}/.cache/ccache}
if ! mkdir -p "$ccache_folder" 2>/dev/null || [ ! -w "$ccache_folder" ]; then export CCACHE_DISABLE=1; fi

# As many compilers as cores, but no more than the memory can hold.
build_jobs() {
  local by_memory
  by_memory=$(awk '/^MemAvailable:/ { print int($2 / 1500000) }' /proc/meminfo)
  if [ "$by_memory" -lt 1 ]; then by_memory=1; fi
  if [ "$by_memory" -lt "$cores" ]; then echo "$by_memory"; else echo "$cores"; fi
}

# build PRESET [TARGET...]: configures and builds, from the repository's folder (presets are found there).
build() {
  local preset=$1
  shift
  (cd "$root" && cmake --preset "$preset" &&
    cmake --build --preset "$preset" --parallel "$(build_jobs)" ${1:+--target "$@"}) </dev/null
}
