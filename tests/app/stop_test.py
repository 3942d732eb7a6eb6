"""A study that is to stop ends in order, on all ranks, with 75 and the results so far; the same command finishes it, and
nobody can tell from the results."""
import os
import re
import signal
import subprocess
import time
import unittest

from support import MPIEXEC, PROGRAM, QUICKSTART, TORCH, ProgramTest, call, children, sets

SETTINGS = ["study.seeds=0..5", "forget.index=0,10", "measure.steps=10..50", "pretrain.epochs=2", "run.lanes=4"]
FILES = ["results.h5", "results.h5.sha256"]
INCOMPLETE = 75


@unittest.skipUnless(TORCH, "built without LibTorch")
class Stop(ProgramTest):
    def command(self, output, ranks, words=(), settings=()):
        launch = [MPIEXEC, "-n", ranks] if ranks > 0 else []
        return [str(word) for word in (*launch, PROGRAM, "run", QUICKSTART, "--output", self.folder / output,
                                       *sets([*SETTINGS, *settings]), *words)]

    def start(self, output, ranks, words=(), env=None, settings=()):
        return subprocess.Popen(self.command(output, ranks, words, settings), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True, env={**os.environ, "UNROLL_TORCH": TORCH, **(env or {})})

    def shards(self, output):
        folder = self.folder / output / "shards"
        return len(list(folder.glob("r*.h5"))) if folder.is_dir() else 0

    def wait_for_commits(self, run, output, more=5):
        """The pretrainings are in the first three shards. Some trees are durable and most are not: the moment to stop."""
        before = self.shards(output)
        while run.poll() is None and self.shards(output) < before + more:
            time.sleep(0.01)
        self.assertIsNone(run.poll(), "the run ended before it could be stopped")

    def finish(self, output, ranks):
        result = call(*self.command(output, ranks), timeout=240, env={**os.environ, "UNROLL_TORCH": TORCH})
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stderr, {name: (self.folder / output / name).read_bytes() for name in FILES}

    def undisturbed(self):
        return self.finish("undisturbed", 2)[1]

    def check_stopped(self, run, output, reason):
        """Ended in order: exit code, one line that says why, and results that can be read."""
        text, _ = run.communicate(timeout=120)  # a rank that hangs fails here
        self.assertEqual(run.returncode, INCOMPLETE, text)
        self.assertEqual(len(re.findall(rf"^unroll: {reason}: stops here", text, re.MULTILINE)), 1, text)
        self.assertTrue((self.folder / output / "results.h5").exists())
        done, planned = map(int, re.search(r"^(\d+) of (\d+) runs done", text, re.MULTILINE).groups())
        self.assertGreater(done, 0, text)
        self.assertLess(done, planned, text)
        merged = call(PROGRAM, "merge", self.folder / output)
        self.assertEqual(merged.returncode, INCOMPLETE, merged.stderr)

    def check_resumed(self, output, ranks, wanted):
        text, results = self.finish(output, ranks)
        first = re.search(r"unroll: (\d+)/(\d+) items done", text)
        self.assertGreater(int(first.group(1)), 0, text)
        self.assertEqual(results, wanted)

    def test_usr2_stops_all_ranks_whichever_gets_it(self):
        wanted = self.undisturbed()
        victims = {"mpirun": lambda run: run.pid, "rank 0": lambda run: children(run.pid)[0],
                   "rank 1": lambda run: children(run.pid)[1]}
        for name, victim in victims.items():
            with self.subTest(name):
                run = self.start(name, 2)
                self.wait_for_commits(run, name)
                os.kill(victim(run), signal.SIGUSR2)
                self.check_stopped(run, name, "SIGUSR2")
                self.check_resumed(name, 2, wanted)

    def test_each_signal_stops_a_run_without_mpirun_again_and_again(self):
        wanted = self.undisturbed()
        for number in (signal.SIGUSR2, signal.SIGTERM, signal.SIGINT):
            run = self.start("alone", 0)
            self.wait_for_commits(run, "alone", 2 if self.shards("alone") else 5)
            run.send_signal(number)
            self.check_stopped(run, "alone", number.name)
        self.check_resumed("alone", 2, wanted)

    def test_term_and_int_to_mpirun_lose_no_more_than_what_was_in_hand(self):
        wanted = self.undisturbed()
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number.name):
                run = self.start(number.name, 2)
                self.wait_for_commits(run, number.name)
                run.send_signal(number)
                text, _ = run.communicate(timeout=120)
                self.assertNotEqual(run.returncode, 0, text)  # mpirun's own
                self.check_resumed(number.name, 2, wanted)

    def test_a_second_sigint_ends_at_once(self):
        run = self.start("twice", 0)
        self.wait_for_commits(run, "twice")
        run.send_signal(signal.SIGINT)
        run.send_signal(signal.SIGINT)
        time.sleep(0.2)
        if run.poll() is None:
            run.send_signal(signal.SIGINT)  # the first two were one: a pending signal is not counted
        run.communicate(timeout=120)
        self.assertIn(run.returncode, (-signal.SIGINT, INCOMPLETE))
        self.check_resumed("twice", 2, self.undisturbed())

    def test_stop_after_ends_in_time_and_says_so(self):
        wanted = self.undisturbed()
        for ranks in (1, 2):
            output = f"limit-{ranks}"
            started = time.monotonic()
            run = self.start(output, ranks, ["--stop-after", "2s"], settings=["run.lanes=1"])
            text, _ = run.communicate(timeout=120)
            took = time.monotonic() - started
            self.assertEqual(run.returncode, INCOMPLETE, text)
            self.assertIn("--stop-after 2s: ends within 0:02", text)
            self.assertRegex(text, "--stop-after 2s: (no more work is given out|stops here)")
            print(f"--stop-after 2s on {ranks} ranks: ended {took:.1f} s after its start", flush=True)
            self.check_resumed(output, 2, wanted)

    def squeue(self, script):
        path = self.folder / "bin"
        path.mkdir(exist_ok=True)
        (path / "squeue").write_text("#!/bin/sh\n" + script)
        (path / "squeue").chmod(0o755)
        return {"SLURM_JOB_ID": "77", "PATH": f"{path}:{os.environ['PATH']}"}

    def test_the_end_of_the_slurm_job_is_asked_for_and_obeyed(self):
        env = self.squeue('test "$*" = "-h -j 77 -o %L" && echo 0:02')
        run = self.start("job", 0, ["--stop-after", "1h"], env, ["run.lanes=1"])
        text, _ = run.communicate(timeout=120)
        self.assertEqual(run.returncode, INCOMPLETE, text)
        self.assertIn("the job's time limit: ends within 0:02", text)
        self.check_resumed("job", 2, self.undisturbed())

    def test_a_squeue_that_fails_or_knows_no_end_is_no_limit(self):
        for number, script in enumerate(("exit 1", "echo UNLIMITED", "echo slurm_load_jobs error >&2")):
            run = self.start(f"no-limit-{number}", 0, (), self.squeue(script),
                             ["study.seeds=0", "forget.index=0"])
            text, _ = run.communicate(timeout=120)
            self.assertEqual(run.returncode, 0, text)
            self.assertNotIn("time limit", text)

    def test_options_out_of_range_are_refused_in_one_line(self):
        for words, parts in [(["--stop-after", "soon"], ["--stop-after = soon", "30m"]),
                             (["--stop-after", "0"], ["--stop-after = 0", "from 1 second"]),
                             (["--stop-after", "1h", "--stop-after", "2h"], ["--stop-after", "more than once"]),
                             (["--max-fails", "0"], ["--max-fails = 0", "from 1 to"]),
                             (["--max-fails", "many"], ["--max-fails = many"]),
                             (["--max-fails", "2", "--fail-fast"], ["--fail-fast", "--max-fails 1"])]:
            with self.subTest(words):
                self.assert_refused(call(*self.command("refused", 0, words)), *parts)
                self.assertFalse((self.folder / "refused").exists())


if __name__ == "__main__":
    unittest.main()
