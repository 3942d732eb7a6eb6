"""`unroll plan` of 100,000 runs: seconds and memory; no LibTorch, no MPI."""
from harness import Result, Target
from programs import run

STUDY = """
[study]
name = bench-plan
seeds = 0..{seeds}
[data]
dataset = optdigits
[order]
kind = shuffled
[train]
lr = 0.01, 0.02, 0.03, 0.05, 0.1
[forget]
kind = batch
index = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19
"""


def plan(setting):
    study = setting.temp / "plan.ini"
    runs = 100 if setting.smoke else 100_000
    study.write_text(STUDY.format(seeds=runs // 100 - 1))
    done = [run([[setting.program("unroll"), "plan", study]], setting.temp) for _ in range(setting.alternations)]
    return [Result("plan.seconds", f"unroll plan of {runs} runs", "s", [d.seconds for d in done], [], [],
                   Target(2, at_least=False, of="ours")),
            Result("plan.memory", f"unroll plan of {runs} runs", "MiB", [d.peak_mib for d in done], [], [],
                   Target(500 * 1e6 / 2**20, at_least=False, of="ours"))]


BENCHMARKS = {"plan": plan}
