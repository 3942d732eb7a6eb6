#!/usr/bin/env bash
# Installs what is missing and builds; builds what needs no LibTorch once more with AddressSanitizer and UBSan
# (build-debug), and runs its unit tests and some seconds of fuzzing; then runs every test that is not labelled slow.
# Arguments go to ctest instead, and leave the sanitizers out: jobs/test.sh -L unit, jobs/test.sh -L slow
# The modules that need LibTorch, with sanitizers:
#   cmake -S . -B build-sanitize -G Ninja -DCMAKE_BUILD_TYPE=Debug -DUNROLL_SANITIZE=ON
#   cmake --build build-sanitize && ASAN_OPTIONS=detect_leaks=0 ctest --test-dir build-sanitize -L 'unit|mpi'
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

jobs/setup.sh
status=0
if (($# == 0)); then
  cmake --preset debug -Wno-dev >/dev/null
  cmake --build --preset debug
  ctest --preset debug -L 'unit|fuzz' -LE slow -j"$(nproc)" || status=$?
  set -- -LE slow
fi
# Many tests wait for disks, time-outs and other processes: twice as many at a time as there are cores.
ctest --test-dir build --output-on-failure -j"$((2 * $(nproc)))" "$@" || status=$?
exit "$status"
