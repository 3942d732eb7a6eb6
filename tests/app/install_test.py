"""cmake --install gives a tree that can be moved and needs neither the build nor the .venv that it came from."""
import os
import pathlib
import shutil
import sys
import unittest

from support import BUILD, CMAKE, PROGRAM, SOURCE, TINY, TORCH, ProgramTest, call, can_mount, sets

STUDY = "share/unroll/configs/quickstart.ini"


class Install(ProgramTest):
    def setUp(self):
        super().setUp()
        installed = call(CMAKE, "--install", BUILD, "--prefix", self.folder / "first")
        self.assertEqual(installed.returncode, 0, installed.stderr)
        self.tree = self.folder / "moved"
        shutil.move(self.folder / "first", self.tree)

    def test_the_tree_holds_our_programs_and_configs_only(self):
        workers = {f"bin/{name}" for name in ("unroll-worker", "unroll-worker-cuda") if (BUILD / name).exists()}
        self.assertEqual("bin/unroll-worker" in workers, bool(TORCH))
        programs = {"bin/unroll"} | workers
        configs = {f"share/unroll/{path.relative_to(SOURCE)}" for path in (SOURCE / "configs").rglob("*") if path.is_file()}

        files = {str(path.relative_to(self.tree)) for path in self.tree.rglob("*") if path.is_file()}

        self.assertEqual(files, programs | configs)

    def test_a_moved_tree_plans_as_the_build_does(self):
        moved = call(self.tree / "bin/unroll", "plan", self.tree / STUDY)

        self.assertEqual(moved.returncode, 0, moved.stderr)
        self.assertEqual(moved.stdout, call(PROGRAM, "plan", self.tree / STUDY).stdout)

    def wheel_elsewhere(self):
        """A virtual environment of its own, and the commands that show LibTorch's wheel (and what it came with) in it
        while the build and the place that the build took LibTorch from are hidden."""
        packages = pathlib.Path(TORCH).parent
        environment = self.folder / "env"
        python = "/usr/bin/python3" if pathlib.Path("/usr/bin/python3").exists() else sys.executable
        made = call(python, "-m", "venv", "--without-pip", environment)
        self.assertEqual(made.returncode, 0, made.stderr)
        [site] = environment.glob("lib/python3*/site-packages")
        return site, f"mount --bind {packages} {site} && mount -t tmpfs none {packages} && mount -t tmpfs none {BUILD}"

    @unittest.skipUnless(TORCH, "built without LibTorch")
    def test_a_moved_tree_runs_with_a_wheel_elsewhere_while_build_and_venv_are_hidden(self):
        if not can_mount():
            self.skipTest("needs root and mount namespaces")
        site, hide = self.wheel_elsewhere()
        clean = {key: value for key, value in os.environ.items() if key not in ("UNROLL_TORCH", "LD_LIBRARY_PATH")}
        path = f"{self.folder}/env/bin:{os.environ['PATH']}"

        def run(output, env):
            words = [self.tree / "bin/unroll", "run", self.tree / STUDY, "--output", self.folder / output, *sets(TINY)]
            command = f"{hide} && exec " + " ".join(f"'{word}'" for word in words)
            return call("unshare", "-m", "sh", "-c", command, env=env)

        for output, env in [("named", {**clean, "UNROLL_TORCH": str(site / "torch")}),
                            ("beside", {**clean, "PATH": path})]:
            with self.subTest(output=output):
                result = run(output, env)

                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertTrue((self.folder / output / "results.h5").is_file())

        refused = run("none", {**clean, "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"})
        self.assert_refused(refused, "LibTorch was not found", "UNROLL_TORCH")
        self.assertFalse((self.folder / "none").exists())


if __name__ == "__main__":
    unittest.main()
