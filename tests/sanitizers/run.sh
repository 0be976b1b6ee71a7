#!/usr/bin/env bash
# run.sh SOURCE: builds the program and the tests of its lower rooms with the address and undefined-behaviour sanitizers
# (into SOURCE/build-asan) and runs under them: every shipped case, small, on two ranks, with a restart; damaged and
# mutated input; bad input; the short tests of one and two ranks. Leaks of the libraries are suppressed
# (cmake/leaks.supp). `run.sh SOURCE all` builds and runs the tests of every room.
set -euo pipefail
cd "$1"
cores=$(nproc)
export ASAN_OPTIONS=fast_unwind_on_malloc=0:malloc_context_size=20:detect_stack_use_after_return=1
export LSAN_OPTIONS=suppressions=$PWD/cmake/leaks.supp:print_suppressions=0
export UBSAN_OPTIONS=print_stacktrace=1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
export OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_mpi_yield_when_idle=1 OPENBLAS_NUM_THREADS=1
cmake --preset asan
tests='^(base|io|grid)\..*np[12]$|^drivers\.(guard|wall)|^fuzz|^faults\.(restart.damage|numerics)'
if [ "${2:-}" = all ]; then
  cmake --build --preset asan --parallel "$cores"
  tests='\.np[12]$|^drivers\.|^fuzz|^faults\.(restart|numerics)'
else
  mapfile -t lower < <(ninja -C build-asan -t targets all | grep -oE '^test_(base|io|grid|drivers|faults|fuzz)_[a-z0-9_]+' | sort -u)
  cmake --build --preset asan --parallel "$cores" --target kolmo guard_program "${lower[@]}"
fi
python3 tests/sanitizers/cases.py build-asan/bin/kolmo mpirun -n cases
ctest --preset asan -R "$tests" -E 'order|transport\.property|disk_full'
