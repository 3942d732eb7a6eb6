"""Folders of many made-up rows (fill_folder), and what a command on them takes."""
import os
import subprocess
import time
from dataclasses import dataclass

STUDY = """
[study]
name = rows
seeds = 0..{last_seed}
[data]
dataset = optdigits
[model]
arch = mlp
[order]
kind = shuffled
[train]
lr = 0.01, 0.02, 0.03, 0.05, 0.1
[forget]
kind = batch
index = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19
[measure]
steps = 5, 10, 15, 20, 25, 30, 35, 40, 45, 50
"""
TREES_OF_SHARD = 50  # 10,000 rows


@dataclass
class Took:
    seconds: float
    peak_mib: float  # of the largest process
    output: str
    code: int


def run(*words):
    started = time.perf_counter()
    with subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True) as process:
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return Took(time.perf_counter() - started, usage.ru_maxrss / 1024, output, process.returncode)


def fill(program, folder, num_rows):
    """folder / "out" as a finished study of so many rows (a multiple of 1000) leaves it, not merged yet."""
    study = folder / "rows.ini"
    study.write_text(STUDY.format(last_seed=num_rows // 1000 - 1))
    filled = run(program, study, folder / "out", TREES_OF_SHARD)
    if filled.code != 0 or int(filled.output) != num_rows:
        raise RuntimeError(filled.output)
    return folder / "out"


def raw_write(path, data):
    """Seconds to write these bytes and force them to disk."""
    started = time.perf_counter()
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return time.perf_counter() - started


def raw_read(path):
    started = time.perf_counter()
    path.read_bytes()
    return time.perf_counter() - started
