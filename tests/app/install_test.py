import os
import shutil
import unittest

from support import BUILD, CMAKE, PROGRAM, SOURCE, TINY, TORCH, ProgramTest, call, sets


class Install(ProgramTest):
    def setUp(self):
        super().setUp()
        installed = call(CMAKE, "--install", BUILD, "--prefix", self.folder / "first")
        self.assertEqual(installed.returncode, 0, installed.stderr)
        self.tree = self.folder / "moved"
        shutil.move(self.folder / "first", self.tree)

    def test_the_tree_holds_our_programs_and_configs_only(self):
        programs = {"bin/unroll"} | ({"bin/unroll-worker"} if TORCH else set())
        configs = {f"share/unroll/configs/{path.name}" for path in (SOURCE / "configs").iterdir()}

        files = {str(path.relative_to(self.tree)) for path in self.tree.rglob("*") if path.is_file()}

        self.assertEqual(files, programs | configs)

    def test_a_moved_tree_plans_as_the_build_does(self):
        study = self.tree / "share/unroll/configs/quickstart.ini"

        moved = call(self.tree / "bin/unroll", "plan", study)

        self.assertEqual(moved.returncode, 0, moved.stderr)
        self.assertEqual(moved.stdout, call(PROGRAM, "plan", study).stdout)

    @unittest.skipUnless(TORCH, "built without LibTorch")
    def test_a_moved_tree_runs_with_the_torch_that_it_is_given(self):
        study = self.tree / "share/unroll/configs/quickstart.ini"
        env = {**os.environ, "UNROLL_TORCH": TORCH}

        result = call(self.tree / "bin/unroll", "run", study, "--output", self.folder / "results", *sets(TINY), env=env)

        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue((self.folder / "results/results.h5").is_file())


if __name__ == "__main__":
    unittest.main()
