"""All pairs' distances of 64 ResNet-18 weight sets on two ranks: the product phase against the machine's double GEMM in
the same processes, memory against its bound, errors against direct sums."""
import json
import shutil

from harness import Result, Skip, Target
from programs import run


def gather(setting):
    if shutil.which("mpirun") is None:
        raise Skip("mpirun was not found")
    size = [8, 100_000, 64] if setting.smoke else [64, 11_173_962, 2048]
    found = []
    for _ in range(setting.alternations):
        done = run([["mpirun", "-n", 2, setting.program("bench_gather"), *size]], setting.temp)
        found.append(json.loads(done.output.splitlines()[-1]))
    for one in found:
        if one["error"] > 1e-6 or one["error_direct"] > 1e-12:
            raise RuntimeError(f"a distance is {one['error']:.2g} off, a direct one {one['error_direct']:.2g}")
        if one["sent_bytes"] > one["weights_bytes"]:
            raise RuntimeError("weights crossed more than once")
        if not setting.smoke and one["memory_grown"] > one["memory_limit"]:
            raise RuntimeError(f"{one['memory_grown'] / 2**20:.0f} MiB is more than the limit")
    return [Result("gather.products", "all pairs of 64 ResNet-18 weight sets, two ranks: the product phase against "
                   "LibTorch's double GEMM", "Gflop/s", [one["products_gflops"] for one in found],
                   [one["gemm_gflops"] for one in found], [one["share"] for one in found], Target(0.7),
                   {"runs": found})]


BENCHMARKS = {"gather": gather}
