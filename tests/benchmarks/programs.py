"""The programs under measurement: where they are, one that answers questions, one that runs and ends."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
from dataclasses import dataclass

from harness import Skip

HERE = pathlib.Path(__file__).resolve().parent

@dataclass
class Run:
    """Finished processes: wall seconds, the largest resident memory of one or of one of its children, what they
    printed."""
    seconds: float
    peak_mib: float
    output: str


@dataclass
class Setting:
    """What every benchmark is given."""
    root: pathlib.Path  # the source tree
    build: pathlib.Path
    data: pathlib.Path  # holds cifar10-subset
    temp: pathlib.Path
    alternations: int = 5
    smoke: bool = False  # tiny: does it run?

    def program(self, name):
        path = self.build / name
        if not path.exists():
            raise Skip(f"{name} is not in the build folder: cmake --build BUILD --target {name}")
        return str(path)

    def cifar10(self):
        """Its folder; in smoke mode noise will do."""
        folder = self.data / "cifar10-subset"
        if (folder / "data_batch_1.bin").exists():
            return folder
        if not self.smoke:
            raise Skip(f"{folder.name}/data_batch_1.bin was not found: --data FOLDER")
        made = self.temp / "cifar10"
        made.mkdir(exist_ok=True)
        for name in ("data_batch_1.bin", "test_batch.bin"):
            (made / name).write_bytes(b"".join(bytes([i % 10]) + os.urandom(3072) for i in range(64)))
        return made


def environment():
    """One thread a process, and mpirun as it must be in a container; LibTorch is the one that the baseline uses."""
    import torch
    folder = pathlib.Path(torch.__file__).parent
    known = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMPI_ALLOW_RUN_AS_ROOT": "1",
             "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_hwloc_base_binding_policy": "none",
             "OMPI_MCA_rmaps_base_oversubscribe": "1", "UNROLL_TORCH": str(folder),
             "LD_LIBRARY_PATH": f"{folder / 'lib'}:{os.environ.get('LD_LIBRARY_PATH', '')}"}
    return {**os.environ, **known}


class Child:
    """A process that answers each line on its stdin by one on its stdout, and rests in between."""

    def __init__(self, *command):
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=environment())

    def ask(self, line):
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        reply = self.process.stdout.readline()
        if not reply:
            raise RuntimeError(f"{self.process.args}: ended with {self.process.wait()}")
        return reply

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


def run(commands, temp):
    """Runs the commands side by side until all have ended well."""
    logs = [temp / f"log{i}.txt" for i in range(len(commands))]
    with Child(python(), "-S", "-E", HERE / "launcher.py") as launcher:
        words = [[str(word) for word in command] for command in commands]
        done = json.loads(launcher.ask(json.dumps({"commands": words, "logs": [str(log) for log in logs]})))
    for command, log, code in zip(commands, logs, done["codes"]):
        if code != 0:
            raise RuntimeError(f"{' '.join(map(str, command))}: ended with {code}\n{log.read_text()}")
    return Run(done["seconds"], done["peak_mib"], "".join(log.read_text() for log in logs))


class Studies:
    """Runs of one study, each into a folder of its own, from nothing."""

    def __init__(self, setting, study, sets=()):
        self.setting, self.study = setting, study
        self.sets = [word for s in sets for word in ("--set", s)]
        self.count = 0

    def command(self, ranks):
        self.count += 1
        self.output = self.setting.temp / f"{pathlib.Path(self.study).stem}-{self.count}"
        shutil.rmtree(self.output, ignore_errors=True)
        words = [self.setting.program("unroll"), "run", self.study, "--output", self.output, *self.sets]
        self.setting.program("unroll-worker")
        if ranks > 1 and shutil.which("mpirun") is None:
            raise Skip("mpirun was not found")
        return ["mpirun", "-n", ranks, *words] if ranks > 1 else words

    def run(self, ranks=1):
        return run([self.command(ranks)], self.setting.temp)

    def run_side_by_side(self, copies):
        return run([self.command(1) for _ in range(copies)], self.setting.temp)


def python():
    return sys.executable
