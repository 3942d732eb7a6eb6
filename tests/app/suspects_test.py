"""Work that crashes the job is tried again last and alone, given up after --max-attempts such crashes, and the rest of the
study is done; unroll retry takes it again."""
import os
import unittest

from support import MPIEXEC, PROGRAM, QUICKSTART, TORCH, ProgramTest, call, sets

try:
    import h5py
except ImportError:
    h5py = None

LIMITED_MEMORY = os.environ.get("UNROLL_LIMITED_MEMORY")
# Trees of two cells; those of 2048 units have at least two lanes of 614,440 bytes.
SETTINGS = ["study.seeds=0,1", "model.hidden=64, 2048", "train.lr=0.05", "loss.gamma=0", "forget.index=0",
            "measure.steps=12", "pretrain.epochs=1", "data.train_size=1000", "data.test_size=200"]
NUM_RUNS, NUM_BAD_TREES = 4, 2
ABORT_BYTES = 700_000


@unittest.skipUnless(TORCH and LIMITED_MEMORY, "built without LibTorch")
@unittest.skipUnless(h5py, "python3 has no h5py")
class Suspects(ProgramTest):
    def run_study(self, output, ranks, crashes, words=()):
        env = {**os.environ, "UNROLL_TORCH": TORCH}
        if crashes:
            env.update(LD_PRELOAD=LIMITED_MEMORY, UNROLL_TEST_ABORT_TENSOR_BYTES=str(ABORT_BYTES))
        return call(MPIEXEC, "-n", ranks, PROGRAM, "run", QUICKSTART, "--output", self.folder / output, *sets(SETTINGS),
                    *words, env=env)

    def statuses(self, output):
        with h5py.File(self.folder / output / "results.h5") as file:
            hidden = [h.decode() for h in file["cells/model.hidden"][()]]
            return {(hidden[cell], status.decode(), reason.decode()) for cell, status, reason in
                    zip(file["runs/cell"][()], file["runs/status"][()], file["runs/reason"][()])}

    def test_what_crashes_the_job_is_given_up_and_the_rest_is_done(self):
        whole = self.run_study("whole", 2, False)
        self.assertEqual(whole.returncode, 0, whole.stderr)
        for ranks, max_attempts in ((1, 2), (2, 1)):
            with self.subTest(ranks=ranks):
                output = f"crashing-{ranks}"
                num_crashes = 0
                while True:
                    result = self.run_study(output, ranks, True, ["--max-attempts", max_attempts])
                    if result.returncode == 3:
                        break
                    num_crashes += 1
                    self.assertLess(num_crashes, 20, result.stderr)
                self.assertGreaterEqual(num_crashes, max_attempts * NUM_BAD_TREES)
                found = self.statuses(output)
                self.assertEqual({(status, reason) for hidden, status, reason in found if "2048" not in hidden},
                                 {("ok", "")})
                times = f"crashed the job {max_attempts} time" + ("s" if max_attempts > 1 else "")
                self.assertEqual({(status, reason) for hidden, status, reason in found if "2048" in hidden},
                                 {("failed", times)})
                print(f"{ranks} ranks: {num_crashes} crashes until {NUM_BAD_TREES} trees were given up", flush=True)

                again = self.run_study(output, ranks, True, ["--max-attempts", max_attempts])
                self.assertEqual(again.returncode, 3, again.stderr)  # nothing is tried
                retry = call(PROGRAM, "retry", self.folder / output)
                self.assertIn(f"failures of {NUM_BAD_TREES} runs forgotten", retry.stdout)
                last = self.run_study(output, ranks, False)
                self.assertEqual(last.returncode, 0, last.stderr)
                self.assertEqual((self.folder / output / "results.h5").read_bytes(),
                                 (self.folder / "whole/results.h5").read_bytes())


if __name__ == "__main__":
    unittest.main()
