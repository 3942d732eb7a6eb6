"""What the exactness tests of the programs share: starting a study on some ranks, and reading what it left.

Standard library only: columns are read with h5dump. CTest gives the paths in the environment.
"""
import hashlib
import os
import pathlib
import random
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from processes import descendants, is_gone  # noqa: E402

PROGRAM = os.environ["UNROLL_PROGRAM"]
MPIEXEC = os.environ["UNROLL_MPIEXEC"]
H5DUMP = os.environ["UNROLL_H5DUMP"]
SOURCE = pathlib.Path(os.environ["UNROLL_SOURCE"])
FULL = os.environ.get("UNROLL_EXACT") == "full"  # every combination, not only enough to meet each value once


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def command(study, output, ranks=1, sets=(), mpi=()):
    words = [PROGRAM, "run", str(study), "--output", str(output)]
    words += [word for setting in sets for word in ("--set", setting)]
    return words if ranks == 0 else [MPIEXEC, "-n", str(ranks), *mpi, *words]


def column(file, path):
    """The values of a 1-D dataset of 64-bit integers, reals or (plain) text."""
    header = subprocess.run([H5DUMP, "-H", "-d", path, str(file)], capture_output=True, text=True, check=True).stdout
    kind = re.search(r"DATATYPE\s+(\w+)", header).group(1)
    with tempfile.TemporaryDirectory() as folder:
        raw = pathlib.Path(folder) / "raw"
        if kind == "H5T_STRING":
            subprocess.run([H5DUMP, "-d", path, "-y", "-w", "0", "-o", str(raw), str(file)], capture_output=True,
                           check=True)
            return [text.replace("\\000", "") for text in re.findall(r'"([^"]*)"', raw.read_text())]
        subprocess.run([H5DUMP, "-d", path, "-b", "LE", "-o", str(raw), str(file)], capture_output=True, check=True)
        data = raw.read_bytes()
    code = {"H5T_IEEE_F64LE": "d", "H5T_STD_I64LE": "q"}[kind]
    return list(struct.unpack(f"<{len(data) // 8}{code}", data))


def table(file, group, names):
    columns = [column(file, f"/{group}/{name}") for name in names]
    return [dict(zip(names, values)) for values in zip(*columns)]


def end(pid):
    """kill -9, and waits until the process is gone (it is not ours to reap)."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    for _ in range(1000):
        if is_gone(pid):
            return
        time.sleep(0.01)


class ExactTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write_study(self, text, name="study.ini"):
        path = self.folder / name
        path.write_text(text)
        return path

    def cifar(self):
        """The folder of a CIFAR-10: the real one where it lies beside the source tree, else images of noise."""
        real = SOURCE / "../shared/data/cifar10-subset"
        if (real / "data_batch_1.bin").exists():
            return real.resolve()
        made = self.folder / "cifar"
        if not made.exists():
            made.mkdir()
            noise = random.Random(5)
            for name in ("data_batch_1.bin", "test_batch.bin"):
                (made / name).write_bytes(b"".join(bytes([i % 10]) + noise.randbytes(3072) for i in range(100)))
        return made

    def run_study(self, study, output, ranks=1, sets=(), mpi=(), env=None, words=()):
        """words: more of the command line."""
        result = subprocess.run([*command(study, self.folder / output, ranks, sets, mpi), *words], capture_output=True,
                                text=True, check=False, env={**os.environ, **(env or {})})
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return self.folder / output

    def digest(self, folder):
        """Of results.h5, after comparing it with results.h5.sha256."""
        digest = sha256(folder / "results.h5")
        self.assertEqual((folder / "results.h5.sha256").read_text().split()[0], digest)
        return digest

    def kill_when(self, study, output, num_shards, ranks, sets=()):
        """Starts the study and ends it by kill -9 once so many shards are there; returns how many there were."""
        shards = self.folder / output / "shards"
        process = subprocess.Popen(command(study, self.folder / output, ranks, sets), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            while process.poll() is None and len(list(shards.glob("r*.h5"))) < num_shards:
                time.sleep(0.01)
            self.assertIsNone(process.poll(), "the study ended before it could be killed")
            workers = descendants(process.pid)
        finally:
            process.kill()
            process.wait()
        for worker in workers:
            end(worker)
        return len(list(shards.glob("r*.h5")))
