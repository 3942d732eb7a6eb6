#!/usr/bin/env bash
# The paper's experiments in small (configs/paper/small) and the questions that it left open (configs/paper/open): runs each
# study into results/paper/NAME and writes its report beside it. Half an hour on two cores; a later call goes on where it
# stopped. Studies whose data is not there are named and left out.
#
#   jobs/paper.sh                    all of them           jobs/paper.sh a_prediction e05_position_sweep     those
#   CIFAR10=DIR                      folder of CIFAR-10's binary files (../shared/data/cifar10-subset)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source jobs/mpi.sh
cifar10=${CIFAR10:-../shared/data/cifar10-subset}
export OMP_NUM_THREADS=1

jobs/setup.sh unroll unroll-worker
left_out=()
for study in configs/paper/small/*.ini configs/paper/open/*.ini; do
  name=$(basename "$study" .ini)
  (($# == 0)) || [[ " $* " == *" $name "* ]] || continue
  options=()
  grep -q '^dataset = cifar10' "$study" && options=(--set "data.path=$cifar10")
  if ! build/unroll plan "$study" "${options[@]}" >/dev/null; then
    left_out+=("$name")
    continue
  fi
  echo "paper: $name"
  begin=$SECONDS
  run_ranks "$(nproc)" build/unroll run "$study" "${options[@]}" --output "results/paper/$name"
  .venv-analysis/bin/python -m analysis report "results/paper/$name" -o "results/paper/$name/report"
  echo "paper: $name took $((SECONDS - begin)) s"
done
((${#left_out[@]} == 0)) || echo "paper: left out, their data is not there: ${left_out[*]}"
