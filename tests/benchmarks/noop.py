"""What the scheduler itself costs: 100,000 trees that do nothing, and its service on rank 0."""
import shutil

from harness import Result, Skip, Target
from programs import run

PLACES = [(1, "memory"), (2, "memory"), (4, "memory"), (2, "tcp"), (4, "tcp")]
BOUNDS = {"noop": 20, "service": 1}  # us a tree; per cent of rank 0's core


def figures(setting, ranks, transport):
    """name -> (value, unit) of one run."""
    if shutil.which("mpirun") is None:
        raise Skip("mpirun was not found")
    transports = ["--mca", "btl", "tcp,self"] if transport == "tcp" else []
    items = 1000 if setting.smoke else 100_000
    done = run([["mpirun", "-n", ranks, *transports, setting.program("bench_noop_trees"), items]], setting.temp)
    words = [line.split(maxsplit=2) for line in done.output.splitlines()]
    return {line[0]: (float(line[1]), line[2]) for line in words if len(line) == 3 and line[0] in BOUNDS}


def trees(setting):
    results = []
    for ranks, transport in PLACES[:2] if setting.smoke else PLACES:
        runs = [figures(setting, ranks, transport) for _ in range(setting.alternations)]
        for name, (_, unit) in runs[0].items():
            what = "100,000 trees that do nothing" if name == "noop" else "the service thread, others busy"
            results.append(Result(f"trees.{name}.{ranks}.{transport}", f"{what}: {ranks} ranks over {transport}", unit,
                                  [r[name][0] for r in runs], [], [], Target(BOUNDS[name], at_least=False, of="ours")))
    return results


BENCHMARKS = {"trees": trees}
