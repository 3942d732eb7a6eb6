"""configs/cifar10_resnet18.ini on the real CIFAR-10 files, two ranks: it finishes, and its rows open in h5py with the
columns that src/record/README.md documents."""
import os
import re
import sys
import unittest

import support

DATA = support.SOURCE / "../shared/data/cifar10-subset"
try:
    import h5py
except ImportError:
    h5py = None


def documented_columns():
    """By file and table: the names in the first column of its Markdown table."""
    tables = {}
    for line in (support.SOURCE / "src/record/README.md").read_text(encoding="utf-8").splitlines():
        if title := re.match(r"## (?:(\S+), )?/(\w+):", line):
            columns = tables.setdefault((title[1] or "results.h5", title[2]), set())
        elif column := re.match(r"\| `(\w+)` \|", line):
            columns.add(column[1])
    return tables


class Cifar10Test(support.ProgramTest):
    def test_two_ranks_finish_and_leave_the_documented_columns(self):
        output = self.folder / "results"
        result = support.call(support.MPIEXEC, "-n", "2", support.PROGRAM, "run",
                              support.SOURCE / "configs/cifar10_resnet18.ini", "--output", output,
                              *support.sets([f"data.path={DATA.resolve()}", "train.batch=8", "measure.eval_rows=16",
                                             "measure.steps=1,3", "measure.hessian=first:4", "noise.ulp=yes",
                                             "noise.repeats=1"]), timeout=500,
                              env=dict(os.environ, UNROLL_TORCH=support.TORCH))
        self.assertEqual(result.returncode, 0, result.stderr)
        documented = documented_columns()
        for (name, table), columns in documented.items():
            with h5py.File(output / name) as file:
                self.assertEqual(set(file[table]) - {"row"}, columns, table)
        with h5py.File(output / "results.h5") as file:
            pairs = {name: column[()] for name, column in file["pairs"].items()}
            layers = file["layers/layer"][()]
        self.assertEqual(len(pairs["step"]), 2 * 2 * 2)  # cells, seeds, steps
        self.assertEqual(set(pairs["seed"]), {0, 1})
        self.assertEqual(set(pairs["status"]), {b"ok", b"not_yet_seen"})
        self.assertTrue((pairs["verification_error"][pairs["num_touched_steps"] > 0] > 0).all())
        self.assertTrue((pairs["verification_error"][pairs["num_touched_steps"] == 0] == 0).all())
        self.assertIn(b"layer4.1.conv2.weight", set(layers))
        print(f"{len(pairs['step'])} rows of {len(pairs)} columns, {len(layers)} layer rows")


if __name__ == "__main__":
    if h5py is None or support.TORCH is None or not DATA.exists():
        print("skipped: needs h5py, unroll-worker and ../shared/data/cifar10-subset")
        sys.exit(77)
    unittest.main()
