# shellcheck shell=bash
# Sourced by the *.sbatch files beside it: the environment of a Slurm job, and how it ends.
#
# `launch` holds the launcher's words; run_study LAUNCHER... unroll run ... starts it and waits. SIGUSR2 (before the time
# limit, before a preemption, from scancel --batch --signal=USR2) goes to the ranks, which stop between two steps and
# keep what is done; then the job puts itself back into the queue if `unroll status` says that work is left (75), at most
# UNROLL_MAX_REQUEUES (50) times. SIGTERM is a scancel, or the limit itself: the job ends and does not come back.
#
# Settings: a file of `key = value` lines (site.example), the first of $UNROLL_SITE, site beside this file, and
# ~/.config/unroll/site that is there. Its keys for a job: modules, program, launcher.
unroll_jobs=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

site() { # KEY: its value, or nothing. Values are text: nothing in them is executed or expanded.
  local file key equals value
  for file in "${UNROLL_SITE:-}" "$unroll_jobs/site" "${XDG_CONFIG_HOME:-$HOME/.config}/unroll/site"; do
    [[ -n $file && -f $file ]] || continue
    while read -r key equals value || [[ -n $key ]]; do
      [[ $key != "$1" || $equals != = ]] || printf '%s' "$value"
    done <"$file"
    return
  done
}

# The number of one task of an array is that of the whole array.
job_name=$SLURM_JOB_ID
[[ -z ${SLURM_ARRAY_TASK_ID:-} ]] || job_name=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID

say() { echo "job $job_name: $*" >&2; }

load_modules() {
  local name names
  read -ra names <<<"$(site modules)"
  ((${#names[@]} > 0)) || return 0
  declare -F module >/dev/null || source "${LMOD_PKG:-${MODULESHOME:-/usr/share/modules}}/init/bash"
  for name in "${names[@]}"; do
    module load "$name" || { say "module load $name failed; see 'module avail', and modules in the site file"; exit 2; }
  done
}

find_unroll() { # so that the launch lines can say `unroll`
  local program
  for program in "${UNROLL_PROGRAM:-}" "$(site program)" "$unroll_jobs/../build/unroll"; do
    [[ -z $program || ! -x $program ]] || { PATH=$(cd "$(dirname "$program")" && pwd):$PATH; return; }
  done
  command -v unroll >/dev/null || { say "unroll is not in PATH; set UNROLL_PROGRAM, or program in the site file"; exit 2; }
}

choose_launcher() {
  local name=${UNROLL_LAUNCHER:-$(site launcher)}
  export SRUN_CPUS_PER_TASK=${SLURM_CPUS_PER_TASK:-1} # srun does not take it from the job by itself
  case ${name:-mpirun} in
    mpirun) launch=(mpirun --bind-to none) ;; # a rank for each task of the job
    srun) launch=(srun "--mpi=${SLURM_MPI_TYPE:-pmix}" --kill-on-bad-exit=1) ;;
    *) say "launcher = $name: must be mpirun or srun (UNROLL_LAUNCHER, or launcher in the site file)"; exit 2 ;;
  esac
}

value_of() { # OPTION WORDS...: its value
  local option=$1
  shift
  while (($# > 0)); do
    case $1 in
      "$option") printf '%s' "${2:-}"; return ;;
      "$option"=*) printf '%s' "${1#"$option"=}"; return ;;
    esac
    shift
  done
}

forward_usr2() { # again and again: a launcher or rank that has just begun to start loses a signal
  stop_asked=yes
  [[ -n $child ]] || return
  say "SIGUSR2: stopping"
  while kill -USR2 "$child"; do sleep 10; done >/dev/null 2>&1 &
}

forward_term() {
  was_cancelled=yes
  say "SIGTERM: ending"
  [[ -z $child ]] || kill -TERM "$child" 2>/dev/null
}

wait_for_child() { # its exit code; a trap interrupts wait
  local code again
  while true; do
    wait "$child"
    code=$?
    ((code > 128)) && kill -0 "$child" 2>/dev/null || break
  done
  if ((code > 128)); then # it ended just when a trap came
    wait "$child"
    again=$?
    ((again == 127)) || code=$again
  fi
  return "$code"
}

run_study() { # LAUNCHER... unroll run ... --output DIR. Does not return.
  local code=0 left output chunk
  output=$(value_of --output "$@")
  chunk=$(value_of --chunk "$@")
  if [[ $stop_asked == no && $was_cancelled == no ]]; then
    "$@" &
    child=$!
    wait_for_child
    code=$?
  fi
  unroll status --exit-code "$output${chunk:+/chunks/${chunk/\//-of-}}" >/dev/null 2>&1
  left=$?
  [[ $left != 2 || $stop_asked == no ]] || left=75 # stopped before it had made the folder
  finish "$code" "$left" "$output" "$chunk"
}

is_current() { # or has Slurm started this job again, on other nodes, while we were cut off?
  [[ $(scontrol -o show job "$job_name") == *" Restarts=${SLURM_RESTART_COUNT:-0} "* ]]
}

finish() { # CODE LEFT OUTPUT CHUNK
  local code=$1 left=$2 restarts=${SLURM_RESTART_COUNT:-0} most=${UNROLL_MAX_REQUEUES:-50}
  if ((code == 2)); then # refused: another start would change nothing
    exit 2
  elif ((left == 2)); then # it could not even begin
    exit "$code"
  fi
  if [[ $was_cancelled == yes ]]; then
    say "cancelled; the same sbatch goes on from what is done"
    exit "$left"
  fi
  if ((left == 75)); then
    if ((restarts >= most)); then
      say "work is left, but the job came back $restarts times (UNROLL_MAX_REQUEUES = $most); the same sbatch goes on"
    elif ! is_current; then
      say "work is left to the job that Slurm has started in this one's place"
    elif scontrol requeue "$job_name"; then
      say "work is left: back into the queue"
    else
      say "work is left, and the job cannot be requeued; the same sbatch goes on"
    fi
  elif [[ -n $4 ]]; then # the chunk that is done last joins them all
    unroll status --exit-code "$3" >/dev/null 2>&1
    (($? == 75)) || unroll merge "$3"
  fi
  exit "$left"
}

child='' stop_asked=no was_cancelled=no
trap forward_usr2 USR2
trap forward_term TERM
load_modules
find_unroll
choose_launcher
