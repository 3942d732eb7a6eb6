"""A finished study grows by seeds and values: only those are computed, and the results are those of the whole study."""
import os
import unittest

from support import MPIEXEC, PROGRAM, QUICKSTART, TORCH, ProgramTest, call, sets

try:
    import h5py
except ImportError:
    h5py = None

SMALL = ["study.seeds=0,1", "train.lr=0.05", "loss.gamma=0", "forget.index=10", "measure.steps=10, 20",
         "pretrain.epochs=1"]
LARGE = ["study.seeds=0..3", "train.lr=0.01, 0.05", "loss.gamma=0", "forget.index=0,10", "measure.steps=10, 20",
         "pretrain.epochs=1"]
NUM_SMALL, NUM_LARGE = 2, 16


@unittest.skipUnless(TORCH, "built without LibTorch")
class Extend(ProgramTest):
    def run_study(self, output, settings, *words, ranks=2):
        return call(MPIEXEC, "-n", ranks, PROGRAM, "run", QUICKSTART, "--output", self.folder / output, *sets(settings),
                    *words, env={**os.environ, "UNROLL_TORCH": TORCH})

    def complete(self, *arguments, **options):
        result = self.run_study(*arguments, **options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def results(self, output):
        return (self.folder / output / "results.h5").read_bytes()

    def model_steps(self, output):
        if h5py is None:
            return None
        with h5py.File(self.folder / output / "telemetry.h5") as file:
            return int(file["items/model_steps"][()].sum())

    def test_what_is_added_is_computed_and_the_rest_is_kept(self):
        self.complete("whole", LARGE)
        for ranks in (1, 2):
            output = f"grown-{ranks}"
            self.complete(output, SMALL, ranks=ranks)
            before = {path.name: path.read_bytes() for path in (self.folder / output / "shards").glob("*.h5")}
            steps = self.model_steps(output)

            text = self.complete(output, LARGE, "--extend", ranks=ranks).stderr

            self.assertEqual(text.count(f"{NUM_SMALL} runs of the study that is there, {NUM_LARGE - NUM_SMALL} runs added"),
                             1, text)
            self.assertEqual(self.results(output), self.results("whole"))
            after = {path.name: path.read_bytes() for path in (self.folder / output / "shards").glob("*.h5")}
            self.assertTrue(before.items() <= after.items())
            self.assertEqual(len(list((self.folder / output / "plans").glob("*.txt"))), 1)
            print(f"{ranks} ranks: {steps} model steps before, {self.model_steps(output)} after, "
                  f"{self.model_steps('whole')} at once", flush=True)
            again = self.complete(output, LARGE)  # the folder is the new study's now
            self.assertIn(" 0 left", again.stderr)
            self.assertEqual(self.results(output), self.results("whole"))

    def test_comparison_groups_grow_with_their_study(self):
        noise = ["noise.ulp=yes", "noise.repeats=2", "noise.orders=0,1"]
        self.complete("whole", [*SMALL, "study.seeds=0..2", "noise.ulp=yes", "noise.repeats=2", "noise.orders=0..2"])
        self.complete("grown", [*SMALL, *noise])

        text = self.complete("grown", [*SMALL, "study.seeds=0..2", "noise.ulp=yes", "noise.repeats=2",
                                       "noise.orders=0..2"], "--extend").stderr

        self.assertIn("comparison groups added", text)
        self.assertIn("trained again", text)
        self.assertEqual(self.results("grown"), self.results("whole"))

    def test_plan_shows_what_would_be_added(self):
        self.complete("small", SMALL)
        files = sorted((self.folder / "small").rglob("*"))

        plan = call(PROGRAM, "plan", QUICKSTART, *sets(LARGE), "--extend", self.folder / "small")

        self.assertEqual(plan.returncode, 0, plan.stderr)
        self.assertIn(f"{NUM_LARGE - NUM_SMALL} runs added", " ".join(plan.stdout.split()))
        self.assertEqual(sorted((self.folder / "small").rglob("*")), files)

    def test_another_study_is_refused_with_the_keys_that_changed(self):
        self.complete("small", SMALL)
        shrunk = ["study.seeds=0", *SMALL[1:]]
        refused = call(PROGRAM, "run", QUICKSTART, "--output", self.folder / "small", *sets(LARGE),
                       env={**os.environ, "UNROLL_TORCH": TORCH})
        self.assert_refused(refused, "another study", "study.seeds: 0, 1 -> 0, 1, 2, 3",
                            "train.lr: 0.05 -> 0.01, 0.05", "forget.index: 10 -> 0, 10", "--extend")
        self.assert_refused(call(PROGRAM, "run", QUICKSTART, "--output", self.folder / "small", *sets(shrunk),
                                 "--extend"), "lacks 1 of 2 runs", "seed 1", "study.seeds: 0, 1 -> 0")
        self.complete("small", [*SMALL, "run.lanes=2", "study.name=renamed"])  # operational


if __name__ == "__main__":
    unittest.main()
