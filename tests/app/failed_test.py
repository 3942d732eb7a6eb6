"""An item that fails is a row with a reason, not the end: it is tried again in smaller packs, recorded, retried by later
attempts, given up, and taken again after unroll retry."""
import os
import re
import unittest

from support import MPIEXEC, PROGRAM, QUICKSTART, TORCH, ProgramTest, call, sets

try:
    import h5py
except ImportError:
    h5py = None

LIMITED_MEMORY = os.environ.get("UNROLL_LIMITED_MEMORY")
# Two cells of trees with three lanes each; a lane of 2048 units has 614,440 bytes, and twice as many while it is made.
SETTINGS = ["study.seeds=0..3", "model.hidden=64, 2048", "train.lr=0.05", "loss.gamma=0", "forget.index=0,10",
            "measure.steps=12", "pretrain.epochs=1", "run.lanes=64", "data.train_size=1000", "data.test_size=200"]
NUM_RUNS = 16
TWO_LANES, THREE_LANES = 1_500_000, 2_000_000  # what still fits


@unittest.skipUnless(TORCH and LIMITED_MEMORY, "built without LibTorch")
@unittest.skipUnless(h5py, "python3 has no h5py")
class Failed(ProgramTest):
    def run_study(self, output, limit=None, ranks=2, words=(), settings=()):
        """limit: tensors of that size cannot be had."""
        env = {**os.environ, "UNROLL_TORCH": TORCH}
        if limit:
            env.update(LD_PRELOAD=LIMITED_MEMORY, UNROLL_TEST_MAX_TENSOR_BYTES=str(limit))
        return call(MPIEXEC, "-n", ranks, PROGRAM, "run", QUICKSTART, "--output", self.folder / output, *sets([*SETTINGS, *settings]), *words, env=env)

    def results(self, output):
        return (self.folder / output / "results.h5").read_bytes()

    def runs(self, output):
        """(hidden, status, reason) of every run."""
        with h5py.File(self.folder / output / "results.h5") as file:
            hidden = [h.decode() for h in file["cells/model.hidden"][()]]
            return [(hidden[cell], status.decode(), reason.decode()) for cell, status, reason in
                    zip(file["runs/cell"][()], file["runs/status"][()], file["runs/reason"][()])]

    def attempts(self, output):
        """How many failures each failed run has."""
        logs = (self.folder / output / "failures").glob("*.log")
        return sum(log.read_text().count("\nfailed ") for log in logs)

    def check_half_failed(self, output):
        runs = self.runs(output)
        self.assertEqual(len(runs), NUM_RUNS)
        for hidden, status, reason in runs:
            self.assertEqual(status, "failed" if "2048" in hidden else "ok", reason)
            self.assertEqual("can't allocate memory" in reason, "2048" in hidden, reason)

    def undisturbed(self):
        result = self.run_study("undisturbed")
        self.assertEqual(result.returncode, 0, result.stderr)
        return self.results("undisturbed")

    def test_a_pack_that_does_not_fit_is_trained_in_smaller_ones(self):
        for ranks in (1, 2):
            result = self.run_study(f"small-{ranks}", THREE_LANES, ranks)

            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(self.results(f"small-{ranks}"), self.undisturbed())
            self.assertFalse((self.folder / f"small-{ranks}/failures").exists())

    def test_what_fails_alone_is_recorded_and_the_rest_is_done(self):
        result = self.run_study("half", TWO_LANES, 1)

        self.assertEqual(result.returncode, 3, result.stdout + result.stderr)
        self.assertIn(f"{NUM_RUNS} of {NUM_RUNS} runs done, {NUM_RUNS // 2} failed", result.stdout)
        self.assertIn("an item failed", result.stderr)
        self.check_half_failed("half")

        again = self.run_study("half")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(self.results("half"), self.undisturbed())

    def test_after_max_attempts_a_run_is_given_up_until_retry(self):
        counts = []
        for _ in range(4):
            result = self.run_study("tries", TWO_LANES, 1, ["--max-attempts", "2"])
            self.assertEqual(result.returncode, 3, result.stderr)
            counts.append(self.attempts("tries"))
        self.assertEqual(counts, [counts[0], 2 * counts[0], 2 * counts[0], 2 * counts[0]])
        self.check_half_failed("tries")
        merged = call(PROGRAM, "merge", self.folder / "tries")
        self.assertEqual((merged.returncode, merged.stdout.count("0 missing, 8 failed")), (3, 1), merged)

        retry = call(PROGRAM, "retry", self.folder / "tries")
        self.assertEqual(retry.returncode, 0, retry.stderr)
        self.assertIn("failures of 8 runs forgotten", retry.stdout)
        self.assertIn("failures of 0 runs forgotten", call(PROGRAM, "retry", self.folder / "tries").stdout)
        result = self.run_study("tries", words=["--max-attempts", "2"])

        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.results("tries"), self.undisturbed())

    def test_fail_fast_gives_nothing_more_out(self):
        for ranks in (1, 2):
            output = f"fast-{ranks}"
            result = self.run_study(output, TWO_LANES, ranks, ["--fail-fast"], ["run.lanes=4"])

            self.assertEqual(result.returncode, 3, result.stdout + result.stderr)
            self.assertIn("--max-fails 1: no more work is given out", result.stderr)
            done = int(re.search(r"^(\d+) of", result.stdout, re.MULTILINE).group(1))
            self.assertLess(done, NUM_RUNS)
            self.assertIn("failed", {status for _, status, _ in self.runs(output)})
            again = self.run_study(output)
            self.assertEqual(again.returncode, 0, again.stderr)
            self.assertEqual(self.results(output), self.undisturbed())


if __name__ == "__main__":
    unittest.main()
