#!/usr/bin/env bash
# Installs what is missing and builds into build/: the targets named, or the programs and all tests. A later call does
# nothing twice. Usage: jobs/setup.sh [TARGET...]
#   UNROLL_TORCH, CMAKE_PREFIX_PATH   a LibTorch to use instead of the wheel
#   UNROLL_WERROR=ON|OFF              whether warnings are errors (unset: with g++ 12, which the code was written with)
# Tested on Debian 12; written for Ubuntu 22.04 and later.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

wheels=(numpy==2.2.6 h5py==3.14.0 pandas==2.3.3 xarray==2025.6.1 netCDF4==1.7.2 h5netcdf==1.6.4)
torch=${UNROLL_TORCH:-}
IFS=: read -ra prefixes <<<"${CMAKE_PREFIX_PATH:-}"
for prefix in "${prefixes[@]}"; do
  [[ ! -e $prefix/lib/libtorch_cpu.so && ! -e $prefix/../../lib/libtorch_cpu.so ]] || torch=$prefix
done
[[ -n $torch ]] || wheels+=(torch==2.11.0)

have() { command -v "$1" >/dev/null 2>&1; }
is_installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }
packages=()
# A tool that the user brought along (a module, an own build) is used; what is left comes from the system.
need() { # PACKAGE [COMMAND...]
  local package=$1 tool
  shift
  is_installed "$package" && return
  (($# > 0)) && for tool in "$@"; do have "$tool" || break; done && have "$tool" && return
  packages+=("$package")
}
need g++ "${CXX:-g++}"
need cmake cmake
need ninja-build ninja
need libopenmpi-dev mpicc mpirun
need openmpi-bin mpicc mpirun
need libhdf5-dev h5cc
need hdf5-tools h5dump
need netcdf-bin ncdump
for package in python3-venv libboost-program-options-dev zlib1g-dev catch2; do need "$package"; done
# The tests start a Slurm of their own. Nothing else needs it, so that it is left out where it cannot simply be installed.
if (($# == 0)) && have apt-get && { [[ $(id -u) == 0 ]] || sudo -n true 2>/dev/null; }; then
  need slurm-wlm slurmctld slurmd
  need munge munged
fi
if ((${#packages[@]} > 0)); then
  echo "setup: installing ${packages[*]}"
  as_root=()
  [[ $(id -u) == 0 ]] || as_root=(sudo)
  if ! have apt-get || ! have "${as_root[0]:-true}"; then
    echo "setup: needs apt-get, and root or sudo; or install these in another way and start again: ${packages[*]}" >&2
    exit 2
  fi
  "${as_root[@]}" apt-get update -qq || echo "setup: apt-get update failed; going on with the lists that are there" >&2
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" \
    >/dev/null
fi

stamp=.venv/unroll-wheels.txt
if [[ ! -f $stamp || $(<"$stamp") != "${wheels[*]}" ]]; then
  echo "setup: installing ${wheels[*]} into .venv"
  [[ -x .venv/bin/pip ]] || python3 -m venv .venv
  .venv/bin/pip install --quiet --disable-pip-version-check "${wheels[@]}"
  echo "${wheels[*]}" >"$stamp"
fi

# The libraries of analysis/ have a folder of their own: their pins are newer than those above, and need Python 3.11.
stamp=.venv-analysis/unroll-requirements.txt
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "setup: analysis/ needs Python 3.11; left out, its tests are skipped" >&2
elif ! cmp -s analysis/requirements.txt "$stamp"; then
  echo "setup: installing analysis/requirements.txt into .venv-analysis"
  [[ -x .venv-analysis/bin/pip ]] || python3 -m venv .venv-analysis
  if .venv-analysis/bin/pip install --quiet --disable-pip-version-check -r analysis/requirements.txt; then
    cp analysis/requirements.txt "$stamp"
  else
    echo "setup: analysis/requirements.txt could not be installed; its tests are skipped" >&2
  fi
fi

[[ $("${CXX:-g++}" -dumpfullversion 2>/dev/null) == 12.* ]] && werror=ON || werror=OFF
werror=${UNROLL_WERROR:-$werror}
if [[ ! -f build/build.ninja ]] || ! grep -qx "UNROLL_WERROR:BOOL=$werror" build/CMakeCache.txt; then
  cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release "-DUNROLL_WERROR=$werror" -Wno-dev
fi
cmake --build build ${1:+--target "$@"}
