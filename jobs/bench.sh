#!/usr/bin/env bash
# Builds what the benchmarks need, runs them and writes one JSON file into results/bench: ours against plain PyTorch
# doing the same work, alternating, on this machine (tests/benchmarks/README.md). Let nothing else run meanwhile.
#
#   jobs/bench.sh                    every short benchmark          jobs/bench.sh --long     ResNet-18 studies
#   jobs/bench.sh steps.mlp study    those whose names start so     jobs/bench.sh --smoke    do they all run? (tiny)
#   jobs/bench.sh --build DIR        with the programs that are there instead of building into build/
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

builds=yes
for word in "$@"; do
  case $word in --build* | --list | --figures | --help | -h) builds=no ;; esac
done
[[ $builds == no ]] || jobs/setup.sh unroll unroll-worker bench_steps bench_distances bench_gather bench_noop_trees \
  fill_folder unroll_faults
exec .venv/bin/python tests/benchmarks/bench.py "$@"
