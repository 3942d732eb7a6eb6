#!/usr/bin/env bash
# Packs what report.py needs into one folder, for a machine that has a GPU and python3 with torch, but no MPI, HDF5, Boost
# or build tools: programs, tests, Open MPI, and every shared library but LibTorch's, CUDA's and the C library's.
# Usage: tests/gpu/pack.sh BUILD FOLDER
set -euo pipefail
(($# == 2)) || { echo "usage: tests/gpu/pack.sh BUILD FOLDER" >&2; exit 2; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(realpath "$1")
mkdir -p "$2"/{bin,lib,openmpi/bin,openmpi/lib,openmpi/share}
pack=$(realpath "$2")

for program in unroll unroll-worker unroll-worker-cuda test_gpu_device test_gpu_steps test_nccl test_gather_nccl; do
  [[ -x $build/$program ]] || { echo "pack: $build/$program is not there: build it first" >&2; exit 2; }
  install -s "$build/$program" "$pack/bin"
done
cp "$here/report.py" "$pack"

path_of() { ompi_info --path "$1" --parseable | cut -d: -f3; }
cp -L "$(command -v mpirun)" "$(command -v orted)" "$pack/openmpi/bin"
cp -rL "$(path_of pkglibdir)" "$pack/openmpi/lib/$(basename "$(path_of pkglibdir)")"
cp -rL "$(path_of pkgdatadir)" "$pack/openmpi/share/openmpi"
multiarch=$(dirname "$(ldconfig -p | awk '/libpmix\.so\.2/ {print $NF; exit}')")
[[ ! -d $multiarch/pmix2 ]] || cp -rL "$multiarch/pmix2" "$pack/openmpi/lib/pmix2"

torch=${UNROLL_TORCH:-$(python3 -c 'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0])')}
left_out='/torch/lib/|/nvidia/|libcuda\.|/libc\.so|/libm\.so|/ld-linux|libpthread|/libdl\.|/librt\.|libstdc\+\+|libgcc_s|libresolv'
LD_LIBRARY_PATH=$torch/lib ldd "$pack"/bin/* "$pack"/openmpi/bin/* "$pack"/openmpi/lib/*/*.so 2>/dev/null |
  awk '$2 == "=>" && $3 ~ /^\// {print $3}' | sort -u | grep -vE "$left_out" | xargs -I{} cp -L {} "$pack/lib"
du -sh "$pack"
