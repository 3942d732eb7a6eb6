# shellcheck shell=bash
# Sourced: how this machine starts ranks. mpirun as root (containers) needs both variables; ranks beyond the cores,
# --oversubscribe; and a rank is not bound to one core, so that its service thread can run beside it.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
run_ranks() { # RANKS COMMAND...
  local ranks=$1 options=(--bind-to none)
  shift
  (($(nproc) >= ranks)) || options+=(--oversubscribe)
  mpirun -n "$ranks" "${options[@]}" "$@"
}
