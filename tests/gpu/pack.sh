#!/usr/bin/env bash
# Packs what report.py needs into one folder, for a machine that has a GPU and python3 with torch, but no MPI, HDF5, Boost
# or build tools: programs, tests, Open MPI, and every shared library but LibTorch's, CUDA's and the C library's.
# Usage: tests/gpu/pack.sh BUILD FOLDER
set -euo pipefail
(($# == 2)) || { echo "usage: tests/gpu/pack.sh BUILD FOLDER" >&2; exit 2; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(realpath "$1")
mkdir -p "$2"/{bin,lib,openmpi/bin}
pack=$(realpath "$2")

for program in unroll unroll-worker unroll-worker-cuda test_gpu_device test_gpu_steps test_nccl test_gather_nccl; do
  [[ -x $build/$program ]] || { echo "pack: $build/$program is not there: build it first" >&2; exit 2; }
  install -s "$build/$program" "$pack/bin"
done
cp "$here/report.py" "$pack"

# Open MPI finds its parts below OPAL_PREFIX where they lay below its prefix. The transports of networks stay behind.
path_of() { ompi_info --path "$1" --parseable | cut -d: -f3; }
prefix=$(path_of prefix)
below() { mkdir -p "$pack/openmpi/$(dirname "${1#"$prefix"/}")" && cp -rL "$1" "$pack/openmpi/${1#"$prefix"/}"; }
below "$(path_of pkglibdir)"
below "$(path_of pkgdatadir)"
cp -L "$(command -v mpirun)" "$(command -v orted)" "$pack/openmpi/bin"
find "$pack/openmpi" \( -name '*ucx*' -o -name '*ofi*' -o -name '*psm*' -o -name '*openib*' -o -name '*oshmem*' \) -delete
multiarch=$(dirname "$(ldconfig -p | awk '/libpmix\.so\.2/ {print $NF; exit}')")
[[ ! -d $multiarch/pmix2 ]] || below "$multiarch/pmix2"

torch=${UNROLL_TORCH:-$(python3 -c 'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0])')}
left_out='/torch/lib/|/nvidia/|libcuda\.|/libc\.so|/libm\.so|/ld-linux|libpthread|/libdl\.|/librt\.|libstdc\+\+|libgcc_s|libresolv'
LD_LIBRARY_PATH=$torch/lib ldd "$pack"/bin/* "$pack"/openmpi/bin/* $(find "$pack/openmpi" -name '*.so') 2>/dev/null |
  awk '$2 == "=>" && $3 ~ /^\// {print $3}' | sort -u | grep -vE "$left_out" | xargs -I{} cp -L {} "$pack/lib"
du -sh "$pack"
