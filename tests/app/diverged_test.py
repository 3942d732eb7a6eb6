"""Training that diverges is a recorded status with a reason (DESIGN 4.13); everything else of the study is done."""
import os
import pathlib
import unittest

from support import MPIEXEC, PROGRAM, QUICKSTART, TORCH, ProgramTest, call, sets

try:
    import h5py
except ImportError:
    h5py = None

SETTINGS = ["study.seeds=0,1", "loss.gamma=0", "measure.steps=2", "pretrain.epochs=1"]


@unittest.skipUnless(TORCH, "built without LibTorch")
@unittest.skipUnless(h5py, "python3 has no h5py")
class Diverged(ProgramTest):
    def statuses(self, *settings, study=QUICKSTART):
        """(cell, status, reason) of every run."""
        output = self.folder / "out"
        result = call(MPIEXEC, "-n", 2, PROGRAM, "run", study, "--output", output, *sets(SETTINGS), *sets(settings),
                      env={**os.environ, "UNROLL_TORCH": TORCH})
        self.assertEqual(result.returncode, 3, result.stdout + result.stderr)
        with h5py.File(output / "results.h5") as file:
            runs, pairs = file["runs"], file["pairs"]
            found = list(zip(runs["cell"][()], (s.decode() for s in runs["status"][()]),
                             (s.decode() for s in runs["reason"][()])))
            self.assertEqual(len(pairs["status"][()]), len(found))  # one measured step each
        return found

    def check(self, found, reason):
        self.assertEqual(len(found), 4)
        for cell, status, why in found:
            self.assertEqual(status, "ok" if cell == 0 else "diverged", why)
            self.assertEqual(bool(why), cell != 0)
            if cell != 0:
                self.assertIn(reason, why)

    def test_of_m(self):
        self.check(self.statuses("train.lr=0.05, 1e30", "forget.index=0"), "weights are not finite at step 2")

    def test_of_the_pretraining(self):
        self.check(self.statuses("pretrain.lr=0.05, 1e30", "train.lr=0.05", "forget.index=0"), "w_0 is not finite")

    def test_with_the_control_none(self):
        study = self.folder / "none.ini"
        lines = pathlib.Path(QUICKSTART).read_text().splitlines()
        study.write_text("\n".join(line for line in lines if not line.startswith("index")))
        self.check(self.statuses("train.lr=0.05, 1e30", "forget.kind=none", study=study),
                   "weights are not finite at step 2")


if __name__ == "__main__":
    unittest.main()
