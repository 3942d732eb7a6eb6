#!/usr/bin/env bash
# From a fresh clone to the first results: installs what is missing, builds, runs configs/quickstart.ini on two ranks
# and prints the report.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source jobs/mpi.sh

jobs/setup.sh unroll unroll-worker
run_ranks 2 build/unroll run configs/quickstart.ini --output results/quickstart
build/unroll report results/quickstart
echo "results: $PWD/results/quickstart/results.h5"
