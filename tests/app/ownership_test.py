"""Who owns a folder of results: one job at a time; a dead one is taken over from; one that wakes up after it was taken
over from commits nothing, and nobody can tell from the results. And `unroll status` sees it from another shell."""
import json
import os
import pathlib
import re
import signal
import subprocess
import time
import unittest
import zlib

from support import MPIEXEC, PROGRAM, QUICKSTART, TORCH, ProgramTest, call, descendants, is_gone, sets

SETTINGS = ["study.seeds=0..5", "forget.index=0,10", "measure.steps=10..50", "pretrain.epochs=2", "run.lanes=4"]
FILES = ["results.h5", "results.h5.sha256"]
DEADLINE_S = 240


def signal_all(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def wait_until(condition, what):
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(0.005)


@unittest.skipUnless(TORCH, "built without LibTorch")
class Ownership(ProgramTest):
    undisturbed = None

    def start(self, output, **environment):
        command = [MPIEXEC, "-n", "2", PROGRAM, "run", QUICKSTART, "--output", str(self.folder / output),
                   *sets(SETTINGS)]
        run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               env={**os.environ, "UNROLL_TORCH": TORCH, **environment})
        self.addCleanup(self.end, run)
        return run

    def end(self, run):
        if run.returncode is None:
            signal_all([*descendants(run.pid), run.pid], signal.SIGKILL)
            run.communicate()

    def finish(self, run, code=0):
        text, _ = run.communicate(timeout=DEADLINE_S)
        self.assertEqual(run.returncode, code, text)
        return text

    def shards(self, output, attempt):
        return sorted(path.name for path in (self.folder / output / "shards").glob(f"r*-a{attempt:04}-*.h5"))

    def attempts(self, output):
        return sorted(int(path.name) for path in (self.folder / output / "attempts").iterdir())

    def in_the_middle(self, run, output, attempt=1):
        """Some trees are durable and most are not."""
        wait_until(lambda: run.poll() is not None or len(self.shards(output, attempt)) >= 2, "two shards")
        self.assertIsNone(run.poll(), "the run ended before it could be disturbed")

    def kill(self, run):
        ranks = descendants(run.pid)
        signal_all([run.pid, *ranks], signal.SIGKILL)
        run.communicate()
        wait_until(lambda: all(is_gone(pid) for pid in ranks), "killed ranks")

    def results(self, output):
        return {name: (self.folder / output / name).read_bytes() for name in FILES}

    def expected(self):
        if Ownership.undisturbed is None:
            self.finish(self.start("undisturbed"))
            Ownership.undisturbed = self.results("undisturbed")
        return Ownership.undisturbed

    def assert_undisturbed(self, output):
        self.assertEqual(self.results(output), self.expected())

    def owner(self, output, attempt=1):
        return self.folder / output / "attempts" / str(attempt) / "owner"

    def status(self, output):
        result = call(PROGRAM, "status", self.folder / output, "--json", "--exit-code")
        answer = json.loads(result.stdout)
        self.assertEqual(answer["exit_code"], result.returncode)
        return answer

    def test_a_second_job_is_refused_while_the_first_is_at_work(self):
        first = self.start("two")
        self.in_the_middle(first, "two")
        workers = descendants(first.pid)
        num_refused = 0
        for ranks in (1, 2):
            second = call(MPIEXEC, "-n", ranks, PROGRAM, "run", QUICKSTART, "--output", self.folder / "two",
                          *sets(SETTINGS), env={**os.environ, "UNROLL_TORCH": TORCH})
            if first.poll() is not None:
                break
            line = next(line for line in second.stderr.splitlines() if line.startswith("unroll: --output"))
            for part in (str(self.folder / "two"), "attempt 1 is at work", "host ", "last heartbeat", "another --output"):
                self.assertIn(part, line)
            self.assertIn(int(re.search(r"process (\d+)", line).group(1)), workers)
            self.assertEqual(second.returncode, 2, second.stderr)
            num_refused += 1

        self.finish(first)

        self.assertGreater(num_refused, 0, "the first ended before the second could be refused")
        self.assertEqual(self.attempts("two"), [1])
        self.assert_undisturbed("two")
        print(f"refused while the first was at work: {num_refused}")

    def test_a_dead_owner_on_the_same_host_is_taken_over_from_at_once(self):
        run = self.start("dead")
        self.in_the_middle(run, "dead")
        self.kill(run)
        status = self.status("dead")
        self.assertEqual((status["state"], status["exit_code"]), ("dead", 75))
        self.assertIn("is gone", status["why"])
        committed = self.shards("dead", 1)

        self.finish(self.start("dead"))

        self.assertEqual(self.attempts("dead"), [1, 2])
        self.assertEqual(self.shards("dead", 1), committed)
        self.assertGreater(len(self.shards("dead", 2)), 0)
        self.assertEqual(list((self.folder / "dead").rglob(".tmp-*")), [])
        self.assert_undisturbed("dead")
        print(f"shards before the kill: {len(committed)}, after: {len(self.shards('dead', 2))}")

    def test_an_owner_on_another_host_is_judged_by_its_heartbeat(self):
        heart = {"UNROLL_HEARTBEAT_S": "1"}
        run = self.start("host", **heart)
        self.in_the_middle(run, "host")
        self.kill(run)
        body = re.sub(r"\nhost=.*\n", "\nhost=elsewhere\n", self.owner("host").read_text().rsplit("crc32=", 1)[0])
        self.owner("host").write_text(f"{body}crc32={zlib.crc32(body.encode()):08x}\n")
        (self.folder / "host/attempts/1/heartbeat").touch()

        text = self.finish(self.start("host", **heart), code=2)
        self.assertIn("host elsewhere", text)
        self.assertEqual(self.status("host")["state"], "alive")
        wait_until(lambda: self.status("host")["state"] == "dead", "the heartbeat to be 8 s old")
        self.assertIn("heartbeat", self.status("host")["why"])
        self.finish(self.start("host", **heart))

        self.assertEqual(self.attempts("host"), [1, 2])
        self.assert_undisturbed("host")

    def test_an_old_task_of_a_requeued_job_that_wakes_up_commits_nothing(self):
        old = self.start("requeued", SLURM_JOB_ID="77", SLURM_RESTART_COUNT="0")
        self.in_the_middle(old, "requeued")
        tasks = [old.pid, *descendants(old.pid)]
        signal_all(tasks, signal.SIGSTOP)
        new = self.start("requeued", SLURM_JOB_ID="77", SLURM_RESTART_COUNT="1")
        wait_until(lambda: (self.folder / "requeued/attempts/2").exists() or new.poll() is not None, "the takeover")
        self.in_the_middle(new, "requeued", attempt=2)
        before = self.shards("requeued", 1)

        signal_all(reversed(tasks), signal.SIGCONT)
        text, _ = old.communicate(timeout=DEADLINE_S)

        self.assertNotEqual(old.returncode, 0, text)
        self.assertIn("attempt 2 has taken this folder over from attempt 1", text)
        self.finish(new)
        self.assertEqual(self.shards("requeued", 1), before)
        self.assertEqual(self.attempts("requeued"), [1, 2])
        self.assertEqual(self.status("requeued")["outcome"], "complete")
        self.assert_undisturbed("requeued")
        print(f"shards of the old task: {len(before)}, of the new one: {len(self.shards('requeued', 2))}")

    def test_status_of_a_folder_at_work_finished_and_of_none(self):
        run = self.start("seen")
        self.in_the_middle(run, "seen")
        seen = self.status("seen")
        if run.poll() is None:
            self.assertEqual((seen["state"], seen["exit_code"]), ("alive", 75))
            self.assertEqual(len(seen["ranks"]), 2)
            self.assertGreater(seen["num_items_done"], 0)
            self.assertLess(seen["num_runs_done"], seen["num_runs"])
            self.assertGreater(seen["rate"]["left_s"], 0)
        watched = subprocess.Popen([PROGRAM, "status", str(self.folder / "seen"), "--watch", "--exit-code"],
                                   stdout=subprocess.PIPE, text=True)
        self.finish(run)
        text, _ = watched.communicate(timeout=DEADLINE_S)

        self.assertIn(watched.returncode, (0, 75))
        self.assertIn("items a second", text)
        self.assertLessEqual(max(len(line) for line in text.splitlines()), 80)
        seen = self.status("seen")
        self.assertEqual((seen["state"], seen["outcome"], seen["exit_code"]), ("ended", "complete", 0))
        self.assertEqual((seen["num_runs_done"], seen["num_runs_failed"]), (seen["num_runs"], 0))
        self.assertEqual(seen["num_items_done"], seen["num_items"])
        self.assert_undisturbed("seen")
        (self.folder / "empty").mkdir()
        for name in ("empty", "nowhere"):
            self.assert_refused(call(PROGRAM, "status", self.folder / name), name, "--output")


if __name__ == "__main__":
    unittest.main()
