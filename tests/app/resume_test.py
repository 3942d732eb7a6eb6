"""A run that was killed is finished by the same command, and nobody can tell from the results."""
import os
import re
import signal
import subprocess
import time
import unittest

from support import MPIEXEC, PROGRAM, QUICKSTART, TORCH, ProgramTest, call, children, sets

SETTINGS = ["study.seeds=0..5", "forget.index=0,10", "measure.steps=10..50", "pretrain.epochs=2", "run.lanes=4"]
FILES = ["results.h5", "results.h5.sha256"]


@unittest.skipUnless(TORCH, "built without LibTorch")
class Resume(ProgramTest):
    def command(self, output):
        return [str(word) for word in (MPIEXEC, "-n", 2, PROGRAM, "run", QUICKSTART, "--output", self.folder / output,
                                       *sets(SETTINGS))]

    def start(self, output):
        environment = {**os.environ, "UNROLL_TORCH": TORCH}
        return subprocess.Popen(self.command(output), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env=environment)

    def wait_for_two_commits(self, run, output):
        """Some trees are durable and most are not: the moment to strike."""
        shards = self.folder / output / "shards"
        while run.poll() is None and (not shards.is_dir() or sum(p.suffix == ".h5" for p in shards.iterdir()) < 2):
            time.sleep(0.01)

    def finish(self, output):
        run = self.start(output)
        text, _ = run.communicate(timeout=240)
        self.assertEqual(run.returncode, 0, text)
        return text, {name: (self.folder / output / name).read_bytes() for name in FILES}

    def test_killed_ranks_and_ended_runs_resume_to_the_same_bytes(self):
        _, undisturbed = self.finish("undisturbed")
        again, repeated = self.finish("undisturbed")
        self.assertIn(" 0 left", again)
        self.assertEqual(repeated, undisturbed)
        for name, strike in [("rank-1", lambda run: os.kill(children(run.pid)[1], signal.SIGKILL)),
                             ("rank-0", lambda run: os.kill(children(run.pid)[0], signal.SIGKILL)),
                             ("terminated", lambda run: run.terminate())]:
            with self.subTest(name):
                run = self.start(name)
                self.wait_for_two_commits(run, name)
                self.assertIsNone(run.poll(), "the run ended before it could be killed")
                strike(run)
                text, _ = run.communicate(timeout=60)  # a rank that hangs fails here
                self.assertNotEqual(run.returncode, 0, text)
                if name != "terminated":  # in the two seconds that mpirun gives, ranks stop in order
                    self.assertFalse((self.folder / name / "results.h5").exists())

                text, resumed = self.finish(name)

                first = re.search(r"unroll: (\d+)/(\d+) items done", text)
                self.assertGreater(int(first.group(1)), 0, text)
                self.assertLess(int(first.group(1)), int(first.group(2)), text)
                self.assertEqual(resumed, undisturbed)

    def test_a_run_without_mpirun_resumes_too(self):
        settings = sets([*SETTINGS, "study.seeds=0,1"][1:])
        environment = {**os.environ, "UNROLL_TORCH": TORCH}
        command = [PROGRAM, "run", QUICKSTART, *settings, "--output"]
        self.assertEqual(call(*command, self.folder / "whole", env=environment).returncode, 0)
        run = subprocess.Popen([*command, str(self.folder / "cut")], stderr=subprocess.PIPE, env=environment)
        self.wait_for_two_commits(run, "cut")
        run.kill()
        run.communicate()

        self.assertEqual(call(*command, self.folder / "cut", env=environment).returncode, 0)

        for name in FILES:
            self.assertEqual((self.folder / "cut" / name).read_bytes(), (self.folder / "whole" / name).read_bytes())


if __name__ == "__main__":
    unittest.main()
