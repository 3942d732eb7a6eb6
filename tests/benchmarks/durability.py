"""What durability costs (commits that force their bytes to disk against commits that do not), and what many rows cost:
merge, check, and 100,000 of them into pandas and xarray."""
import pathlib
import sys
import time

from harness import Result, Skip, Target, alternate
from programs import run

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "crash"))

import rows  # noqa: E402


class Quickstart:
    """The quickstart study on two ranks, its fsync as it is or doing nothing (a preloaded library)."""

    def __init__(self, setting):
        self.setting = setting
        self.library = setting.program("tests/crash/libunroll_faults.so")
        self.sets = ["study.seeds=0", "train.lr=0.1"] if setting.smoke else []
        self.count = 0

    def seconds(self, syncs):
        self.count += 1
        output = self.setting.temp / f"durable{self.count}"
        faults = {"LD_PRELOAD": self.library, "UNROLL_FAULTS_FOLDER": output, "UNROLL_FAULTS_PROGRAM": "unroll-worker",
                  "UNROLL_FAULTS_KIND": "" if syncs else "nosync"}
        self.setting.program("unroll-worker")
        words = ["env", *(f"{name}={value}" for name, value in faults.items()), self.setting.program("unroll"), "run",
                 self.setting.root / "configs/quickstart.ini", "--output", output,
                 *(word for each in self.sets for word in ("--set", each))]
        return run([["mpirun", "-n", 2, *words]], self.setting.temp).seconds


def overhead(setting):
    study = Quickstart(setting)
    ours, theirs, ratios = alternate(lambda: study.seconds(True), lambda: study.seconds(False), setting.alternations,
                                     ratio=lambda a, b: 100 * (a / b - 1))
    return [Result("durability.quickstart", "the quickstart study on two ranks, with fsync against without: per cent that "
                   "it takes longer", "s; ratio: %", ours, theirs, ratios, Target(2, at_least=False))]


def many_rows(setting):
    """Seconds and memory of merge and check, and how many times a raw write, or read, of the same bytes they take."""
    num_rows = 10_000 if setting.smoke else 1_000_000
    folder = setting.temp / "rows"
    folder.mkdir()
    output = rows.fill(setting.program("fill_folder"), folder, num_rows)
    took = {"merge": [], "check": []}
    raw = {"merge": [], "check": []}
    for _ in range(setting.alternations):
        for command in took:
            took[command].append(rows.run(setting.program("unroll"), command, output))
            if took[command][-1].code != 0:
                raise RuntimeError(took[command][-1].output)
        raw["merge"].append(rows.raw_write(folder / "raw", (output / "results.h5").read_bytes()))
        raw["check"].append(rows.raw_read(folder / "raw"))
    return [Result(f"rows.{command}", f"unroll {command} of {num_rows} rows; ratio to a raw "
                   f"{'write' if command == 'merge' else 'read'} of results.h5", "s", [t.seconds for t in took[command]],
                   raw[command], [t.seconds / r for t, r in zip(took[command], raw[command])],
                   Target(10, at_least=False, of="ours"), {"memory_mib": max(t.peak_mib for t in took[command])})
            for command in took]


def frames(setting):
    """Seconds to have 100,000 rows as a pandas.DataFrame and as an xarray.Dataset, every column loaded."""
    try:
        import h5py
        import pandas
        import xarray
    except ImportError as missing:
        raise Skip(f"{missing.name} is not installed") from missing
    num_rows = 1000 if setting.smoke else 100_000
    folder = setting.temp / "frames"
    folder.mkdir()
    path = rows.fill(setting.program("fill_folder"), folder, num_rows) / "results.h5"
    rows.run(setting.program("unroll"), "merge", path.parent)

    def with_pandas():
        with h5py.File(path) as file:
            return pandas.DataFrame({name: column[()] for name, column in file["pairs"].items()})

    def with_xarray(engine):
        with xarray.open_dataset(path, group="pairs", engine=engine) as data:
            return data.load()

    results = []
    for name, read in {"pandas": with_pandas, "xarray.h5netcdf": lambda: with_xarray("h5netcdf"),
                       "xarray.netcdf4": lambda: with_xarray("netcdf4")}.items():
        seconds = []
        for _ in range(setting.alternations):
            started = time.perf_counter()
            read()
            seconds.append(time.perf_counter() - started)
        results.append(Result(f"rows.{name}", f"{num_rows} rows into {name}", "s", seconds, [], [],
                              Target(1, at_least=False, of="ours")))
    return results


BENCHMARKS = {"durability": overhead, "rows": many_rows, "frames": frames}
