"""What the tests of the programs share. CTest gives the paths in the environment."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from processes import descendants, is_gone  # noqa: E402

PROGRAM = os.environ["UNROLL_PROGRAM"]
SOURCE = pathlib.Path(os.environ["UNROLL_SOURCE"])
BUILD = pathlib.Path(os.environ["UNROLL_BUILD"])
CMAKE = os.environ["UNROLL_CMAKE"]
MPIEXEC = os.environ["UNROLL_MPIEXEC"]
TORCH = os.environ.get("UNROLL_TEST_TORCH")  # set where unroll-worker was built
QUICKSTART = str(SOURCE / "configs/quickstart.ini")
# A study of a few seconds at most.
TINY = ["study.seeds=0,1", "train.lr=0.05", "loss.gamma=0", "forget.index=0", "measure.steps=2", "pretrain.epochs=1"]


def call(*arguments, timeout=120, env=None, cwd=None):
    return subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=timeout, check=False,
                          env=env, cwd=cwd)


def can_mount():
    """Whether a process may have mounts of its own (root, outside the stricter containers)."""
    return os.getuid() == 0 and call("unshare", "-m", "sh", "-c", "mount -t tmpfs none /mnt").returncode == 0


def children(pid):
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def sets(settings):
    """A later setting of a key replaces an earlier one."""
    last = {setting.split("=")[0]: setting for setting in settings}
    return [word for setting in last.values() for word in ("--set", setting)]


class ProgramTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def assert_refused(self, result, *parts):
        """Exit 2, nothing on stdout, one line on stderr that holds all parts."""
        self.assertEqual(result.returncode, 2, result)
        self.assertEqual(result.stdout, "")
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        for part in parts:
            self.assertIn(part, result.stderr)
