#!/usr/bin/env bash
# Installs what is missing, builds with warnings as errors, and runs every test. The arguments go to ctest:
# jobs/test.sh -L unit
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

UNROLL_WERROR=ON jobs/setup.sh
ctest --test-dir build --output-on-failure "$@"
