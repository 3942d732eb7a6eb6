#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test that is not labelled slow. The arguments
# go to ctest instead: jobs/test.sh -L unit, jobs/test.sh -L slow
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

jobs/setup.sh
(($# > 0)) || set -- -LE slow
ctest --test-dir build --output-on-failure "$@"
