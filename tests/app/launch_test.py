"""How unroll run starts unroll-worker, with a script in the worker's place."""
import ctypes
import os
import pathlib
import shutil
import unittest

from support import PROGRAM, QUICKSTART, TORCH, ProgramTest, call

WORKER = """#!/bin/sh
echo "library=$LD_LIBRARY_PATH"
for argument in "$@"; do echo "argument=$argument"; done
exit 75
"""


class Launch(ProgramTest):
    def setUp(self):
        super().setUp()
        self.program = self.folder / "unroll"
        shutil.copy(PROGRAM, self.program)

    def write_worker(self, name="unroll-worker"):
        worker = self.folder / name
        worker.write_text(WORKER.replace("library=", "library=" if name == "unroll-worker" else f"{name}, library="))
        worker.chmod(0o755)

    def test_without_a_worker_run_says_so(self):
        result = call(self.program, "run", QUICKSTART, "--output", self.folder / "r")

        self.assert_refused(result, "unroll-worker", "jobs/setup.sh")
        self.assertFalse((self.folder / "r").exists())

    @unittest.skipUnless(TORCH, "built without LibTorch")
    def test_the_worker_gets_the_arguments_the_library_and_the_exit_code_is_its_own(self):
        self.write_worker()
        env = {**os.environ, "UNROLL_TORCH": TORCH, "LD_LIBRARY_PATH": "/opt/mine"}

        result = call(self.program, "run", QUICKSTART, "--output", self.folder / "r", "--set", "study.seeds=0", env=env)

        self.assertEqual(result.returncode, 75, result.stderr)
        self.assertEqual(result.stdout.splitlines(),
                         [f"library={TORCH}/lib:/opt/mine", f"argument={QUICKSTART}", "argument=--output",
                          f"argument={self.folder}/r", "argument=--set", "argument=study.seeds=0"])

    @unittest.skipUnless(TORCH, "built without LibTorch")
    def test_gpus_without_their_worker_are_refused_and_without_a_driver_or_a_wish_its_worker_is_not_started(self):
        self.write_worker()
        words = [self.program, "run", QUICKSTART, "--output", self.folder / "r", "--set"]
        self.assert_refused(call(*words, "run.device=cuda"), "run.device = cuda", "without CUDA", "run.device = cpu")

        self.write_worker("unroll-worker-cuda")
        env = {**os.environ, "UNROLL_TORCH": TORCH}
        self.assertTrue(call(*words, "run.device=cpu", env=env).stdout.startswith("library="))
        try:
            ctypes.CDLL("libcuda.so.1")
            expected = "unroll-worker-cuda, library="
        except OSError:
            expected = "library="
        self.assertTrue(call(*words, "run.device=auto", env=env).stdout.startswith(expected))

    @unittest.skipUnless(TORCH, "built without LibTorch")
    def test_the_doctor_becomes_the_worker_too(self):
        self.write_worker()

        result = call(self.program, "doctor", QUICKSTART, "--set", "study.seeds=0",
                      env={**os.environ, "UNROLL_TORCH": TORCH})

        self.assertEqual(result.stdout.splitlines()[1:],
                         ["argument=--doctor", f"argument={QUICKSTART}", "argument=--set", "argument=study.seeds=0"])

    @unittest.skipUnless(TORCH, "built without LibTorch")
    def test_the_wheel_beside_python3_is_found_without_importing_it(self):
        self.write_worker()
        package = self.folder / "site/torch"
        (package / "lib").mkdir(parents=True)
        (package / "lib/libtorch_cpu.so").touch()
        (package / "__init__.py").write_text("raise RuntimeError('imported')\n")
        shutil.copy(pathlib.Path(TORCH) / "version.py", package)
        env = {**os.environ, "PYTHONPATH": str(self.folder / "site")}
        env.pop("UNROLL_TORCH", None)

        result = call(self.program, "run", QUICKSTART, "--output", self.folder / "r", env=env)

        self.assertEqual(result.returncode, 75, result.stderr)
        self.assertIn(f"library={package}/lib", result.stdout)

    @unittest.skipUnless(TORCH, "built without LibTorch")
    def test_another_release_is_refused_with_both_versions(self):
        self.write_worker()
        other = self.folder / "other"
        (other / "lib").mkdir(parents=True)
        (other / "lib/libtorch_cpu.so").touch()
        (other / "version.py").write_text("__version__ = '1.13.1'\n")
        env = {**os.environ, "UNROLL_TORCH": str(other)}

        result = call(self.program, "run", QUICKSTART, "--output", self.folder / "r", env=env)

        self.assert_refused(result, "1.13.1", "built with")
        self.assertFalse((self.folder / "r").exists())


if __name__ == "__main__":
    unittest.main()
