"""Bad hardware: ranks of unlike instruction sets, and a computation that gives other bits the second time, are one clear
line each, never results."""
import hashlib
import os
import shutil
import unittest

from support import MPIEXEC, PROGRAM, QUICKSTART, TINY, TORCH, ProgramTest, call, sets

try:
    import h5py
except ImportError:
    h5py = None


@unittest.skipUnless(TORCH, "built without LibTorch")
class Numbers(ProgramTest):
    def setUp(self):
        super().setUp()
        self.env = {**os.environ, "UNROLL_TORCH": TORCH}
        self.output = self.folder / "out"
        self.words = [PROGRAM, "run", QUICKSTART, "--output", self.output, *sets(TINY)]

    def test_ranks_of_unlike_instruction_sets_are_refused(self):
        result = call(MPIEXEC, "-n", 1, *self.words, ":", "-n", 1, "-x", "ATEN_CPU_CAPABILITY=default", *self.words,
                      env=self.env)

        said = [line for line in result.stderr.splitlines() if line.startswith("unroll: ")]
        self.assertEqual((result.returncode, len(said)), (2, 1), result.stderr)
        self.assertIn("rank 1 would compute other bits than rank 0", said[0])
        self.assertIn("ATEN_CPU_CAPABILITY", said[0])
        self.assertFalse(self.output.exists())

    def test_another_instruction_set_than_the_folder_is_refused(self):
        self.assertEqual(call(*self.words, env=self.env).returncode, 0)
        before = (self.output / "results.h5").read_bytes()

        result = call(*self.words, env={**self.env, "ATEN_CPU_CAPABILITY": "default"})

        self.assert_refused(result, "other numerics", "there: ", "isa=DEFAULT", "--output")
        self.assertEqual((self.output / "results.h5").read_bytes(), before)

    @unittest.skipUnless(h5py, "python3 has no h5py")
    def test_a_run_that_was_computed_twice_with_other_bits_is_an_error(self):
        self.assertEqual(call(*self.words, env=self.env).returncode, 0)
        before = (self.output / "results.h5").read_bytes()
        shard = next(path for path in sorted((self.output / "shards").glob("r*.h5")) if self.num_pairs(path) > 0)
        other = self.folder / "other.h5"
        shutil.copy(shard, other)
        with h5py.File(other, "r+") as file:
            file["pairs/verification_error"][0] *= 1 + 1e-15
        digest = hashlib.sha256(other.read_bytes()).hexdigest()
        shutil.move(other, self.output / f"shards/r00099-a0001-000001-{digest}.h5")

        for words in (self.words, [PROGRAM, "merge", self.output]):
            result = call(*words, env=self.env)
            said = [line for line in result.stderr.splitlines() if "deterministic" in line]
            self.assertEqual((result.returncode, len(said)), (1, 1), result.stderr)
            self.assertIn("computed before with other results: the computation is not deterministic here", said[0])
            self.assertEqual((self.output / "results.h5").read_bytes(), before)

    def num_pairs(self, path):
        with h5py.File(path) as file:
            return len(file["pairs/step"])


if __name__ == "__main__":
    unittest.main()
