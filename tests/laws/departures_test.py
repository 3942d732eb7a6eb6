"""What configs/departures.ini shows of each departure of the published code from its theory (src/config/README.md): the
ratio to the cell beside it that departs in nothing else, as the geometric mean over seeds at the last step.

    departures_test.py      environment: UNROLL_PROGRAM = path of unroll"""
import os
import pathlib
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

CONFIG = pathlib.Path(__file__).parents[2] / "configs" / "departures.ini"
KEYS = ("loss.sd", "train.momentum", "train.weight_decay", "train.l2_in", "unlearn.rule", "unlearn.gradient_at",
        "unlearn.gradient_of", "unlearn.form")
# Of the theory's cell; "": the key does not act there.
THEORY = ("mean", 0, 0, "", "epoch-scaled", "", "forget", "difference")


def run(folder):
    done = subprocess.run([os.environ["UNROLL_PROGRAM"], "run", str(CONFIG), "--output", folder, "--set",
                           "study.seeds=0..3"], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        sys.exit(f"unroll run {CONFIG}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    with h5py.File(pathlib.Path(folder) / "results.h5") as file:
        return {table: {name: column[()] for name, column in file[table].items()} for table in ("cells", "pairs")}


class Study:
    def __init__(self, tables):
        self.pairs = tables["pairs"]
        self.cells = {}
        for i, values in enumerate(zip(*(tables["cells"][key] for key in KEYS))):
            self.cells[tuple(v.decode() if isinstance(v, bytes) else v for v in values)] = i
        assert all(status == b"ok" for status in self.pairs["status"])

    def mean(self, column, **changes):
        """Of the cell that differs from the theory's in these keys (by their last word)."""
        values = tuple(changes.get(key.split(".")[1], usual) for key, usual in zip(KEYS, THEORY))
        steps = self.pairs["step"]
        rows = (self.pairs["cell"] == self.cells[values]) & (steps == steps.max())
        return numpy.exp(numpy.log(self.pairs[column][rows]).mean())


def ratios(study):
    """name -> ratio departed / theory, and where it must lie."""
    ve, left, apart = "verification_error", "fraction_left", "no_unlearning_distance"
    decay = {"weight_decay": 0.01}
    listed = {"rule": "grad-list"}
    theory = study.mean(ve)
    last = study.pairs["step"].max()
    early = study.pairs["step"] == study.pairs["step"].min()
    constant = study.pairs["ue_constant"][early] / study.pairs["unlearning_error"][early]
    checkpointed = {"rule": "checkpoint"}
    return {
        "A3 fraction left with momentum 0.9": (study.mean(left, momentum=0.9), 0.6, 1.2),
        "A3 verification error, decay in SGD / in the loss": (
            study.mean(ve, l2_in="optimizer", **decay) / study.mean(ve, l2_in="loss", **decay), 1.02, 10),
        "A4 verification error, gradient post-step / pre-step": (
            study.mean(ve, gradient_at="post-step", **listed) / study.mean(ve, gradient_at="pre-step", **listed), 0.5,
            0.99),
        "A6 fraction left, other rows' gradient": (study.mean(left, gradient_of="last:64"), 2, 100),
        "A11 verification error, gradient at the end / at w_0": (
            study.mean(ve, rule="final-weights") / theory, 0.5, 0.95),
        "A12 checkpointed error, published / theory": (
            study.mean("ue_checkpointed_published", **checkpointed) / study.mean("ue_checkpointed", **checkpointed),
            1.02, 1.2),  # 2 / sqrt(lambda)
        "A13 ||M - M'||, SD published / mean": (study.mean(apart, sd="published") / study.mean(apart), 1.01, 10),
        "B3 T - 1 of the last step / of this one": (
            constant.mean(), *[(last - 1) / (study.pairs["step"].min() - 1)] * 2),
        "form: verification error, published / difference": (study.mean(ve, form="published") / theory, 1.5, 1000),
    }


def main():
    with tempfile.TemporaryDirectory() as folder:
        found = ratios(Study(run(folder)))
    broken = []
    for name, (value, low, high) in found.items():
        print(f"{name:58}{value:10.4f}")
        if not low * (1 - 1e-9) <= value <= high * (1 + 1e-9):
            broken.append(f"{name} is {value}, must be in [{low}, {high}]")
    print("\n".join(broken) if broken else "every departure shows")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
