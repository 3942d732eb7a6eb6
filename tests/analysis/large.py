"""A report of 100,000 rows: prints its seconds of processor time, and fails above 60."""

import pathlib
import tempfile
import time

import numpy as np

import conftest  # noqa: F401  (makes the package importable)
from analysis.__main__ import main
from made import grid, write

with tempfile.TemporaryDirectory() as folder:
    axes = {"train.lr": np.geomspace(0.001, 0.1, 8), "loss.gamma": np.linspace(0, 50, 5), "forget.index": np.arange(25)}
    path = write(pathlib.Path(folder) / "results.h5", grid(axes, range(10), range(10, 110, 10)))
    start = time.process_time()
    assert main(["report", str(path), "-o", f"{folder}/report"]) == 0
    seconds = time.process_time() - start
    print(f"100,000 rows: {seconds:.1f} s of processor time")
    raise SystemExit(seconds > 60)
