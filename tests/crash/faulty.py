"""What the tests of durability share: a small study that writes every kind of file, runs of it with faults (faults.hpp
says which), and what must be the same afterwards. CTest gives the paths in the environment."""
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "exact"))

from support import ExactTest, column, command, descendants, sha256  # noqa: E402

LIBRARY = os.environ["UNROLL_FAULTS"]
PROGRAM = os.environ["UNROLL_PROGRAM"]
FULL = os.environ.get("UNROLL_CRASH") == "full"  # everything, not a sample
EXIT = 86  # of a process that a fault ended
os.environ.setdefault("UNROLL_DISK_PATIENCE_S", "1")  # not two minutes for each disk that stays full
# Three trees; the control `none` with its repeat of M; stages, kept weights, groups, final weights.
STUDY = """
[study]
name = crash
seeds = 0
[data]
dataset = optdigits
train_size = 160
test_size = 32
[model]
arch = mlp
hidden = 8
[order]
kind = fixed
[pretrain]
epochs = 1
batch = 32
[train]
epochs = 1
batch = 16
lr = 0.05
[forget]
kind = batch, none
index = 1
[measure]
steps = 3, 5
one_hvp = no
hessian = first:32
eval_rows = 20
[noise]
ulp = yes
repeats = 1
orders = 0
[output]
weights = final
[run]
lanes = 4
"""


def preload(folder, **faults):
    """The environment in which the library acts on `folder`: preload(folder, kind="exit", at=3, rank=0)."""
    values = {"FOLDER": str(folder), "PROGRAM": "unroll-worker", **{k.upper(): str(v) for k, v in faults.items()}}
    return {**os.environ, "LD_PRELOAD": LIBRARY, **{f"UNROLL_FAULTS_{name}": v for name, v in values.items()}}


def operations(recording):
    """All operations of all processes that were recorded into this folder, in the order in which they ended."""
    found = []
    for log in pathlib.Path(recording).glob("*.log"):
        data, at = log.read_bytes(), 0
        while at < len(data):
            end = data.index(b"\n", at)
            words = data[at:end].decode().split(" ", 7)
            size = int(words[6])
            paths = words[7].split("\t")
            found.append({"process": log.stem, "rank": int(log.stem.split("-")[0]), "start": int(words[0]),
                          "end": int(words[1]), "name": words[2], "descriptor": int(words[3]), "flags": int(words[4]),
                          "result": int(words[5]), "bytes": data[end + 1:end + 1 + size], "path": paths[0],
                          "second": paths[1] if len(paths) > 1 else ""})
            at = end + 1 + size
    return sorted(found, key=lambda operation: operation["end"])


def members(path):
    """Names of the tables and texts of an HDF5 file."""
    listed = subprocess.run([os.environ["UNROLL_H5DUMP"], "-n", str(path)], capture_output=True, text=True, check=True)
    return {name.strip("/").split("/")[0] for name in re.findall(r"^ \w+\s+(\S+)", listed.stdout, re.MULTILINE)}


def is_worker(pid):
    """It is a rank: unroll has become unroll-worker."""
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().startswith("unroll-worker")
    except OSError:
        return False


class CrashTest(ExactTest):
    """Runs of the study; `undisturbed` is made once for all tests of a class."""
    maxDiff = None
    words = ()  # more of the command line of every run

    def start(self, output, ranks=1, env=None, sets=(), timeout=120, words=()):
        """Runs the study into self.folder / output; ranks = 0: without mpirun."""
        whole = [*command(self.study(), self.folder / output, ranks, sets), *self.words, *words]
        return subprocess.run(whole, capture_output=True, text=True, check=False, timeout=timeout,
                              env=env or dict(os.environ))

    def study(self, text=STUDY):
        path = self.folder / "study.ini"
        if not path.exists():
            path.write_text(text)
        return path

    def finish(self, output, ranks=1, sets=(), words=()):
        """A run to the end; what it printed."""
        done = self.start(output, ranks, sets=sets, words=words)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def results(self, output):
        """The bytes that must never change; telemetry must be readable, and tell of each finished item."""
        folder = self.folder / output
        digest = sha256(folder / "results.h5")
        self.assertEqual((folder / "results.h5.sha256").read_text(), f"{digest}  results.h5\n")
        self.assertGreater(len(column(folder / "telemetry.h5", "/items/start_s")), 0)
        return digest

    def whole(self, output):
        """The folder holds all runs once, and nothing that a finished study has no use for."""
        folder = self.folder / output
        runs = column(folder / "results.h5", "/runs/run_id")
        self.assertEqual(len(runs), len(set(runs)))
        self.assertEqual(set(column(folder / "results.h5", "/runs/status")), {"ok"})
        return len(runs)


def done_before(text):
    """How many items a run found finished, of how many: "unroll: 3/9 items done"."""
    found = re.search(r"unroll: (\d+)/(\d+) items done", text)
    return (int(found.group(1)), int(found.group(2))) if found else None
