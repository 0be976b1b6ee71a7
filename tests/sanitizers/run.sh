#!/usr/bin/env bash
# run.sh SOURCE: builds everything with the address and undefined-behaviour sanitizers (into SOURCE/build-asan) and runs
# the short tests and the program under them, on one and two ranks. What only takes long there is left to other suites.
set -euo pipefail
cd "$1"
cmake --preset asan
cmake --build --preset asan --parallel "$(nproc)"
ctest --preset asan -R '\.np[12]$|^drivers\.' -E 'order|transport\.property|disk_full'
