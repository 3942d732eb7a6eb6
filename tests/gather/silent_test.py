"""A rank that is stopped or killed amid a gather: the others name it, and the job ends."""
import os
import re
import subprocess
import unittest

PROGRAM = os.environ["UNROLL_SILENT"]
MPIEXEC = os.environ["UNROLL_MPIEXEC"]


def run(signal, victim, *options):
    """Far longer than the deadline of the program, which is 3 s: a job that hangs fails the test."""
    return subprocess.run([MPIEXEC, *options, "-n", "4", PROGRAM, signal, str(victim)], capture_output=True, text=True,
                          timeout=100, check=False)


def is_open_mpi():
    return "Open MPI" in subprocess.run([MPIEXEC, "--version"], capture_output=True, text=True, check=False).stdout


class SilentTest(unittest.TestCase):
    def assert_ended_amid_gathers(self, result):
        self.assertEqual(result.stdout.count("has gathered"), 4, result)
        self.assertNotEqual(result.returncode, 0)

    def assert_named_by_the_others(self, result, victim):
        for rank in set(range(4)) - {victim}:
            found = re.search(rf"on rank {rank}: (.*)", result.stderr)
            self.assertIsNotNone(found, result)
            self.assertRegex(found.group(1), rf"^rank {victim}\b", result.stderr)
            self.assertNotRegex(found.group(1), rf"rank {victim}, rank")

    def test_a_stopped_rank_is_named_by_all_others_and_the_job_ends(self):
        for victim in (0, 2):
            result = run("stop", victim)
            self.assert_ended_amid_gathers(result)
            self.assert_named_by_the_others(result, victim)
            self.assertRegex(result.stderr, rf"rank {victim}: silent for \d+\.\d s while rank \d exchanged weights")

    def test_a_killed_rank_ends_the_job(self):
        self.assert_ended_amid_gathers(run("kill", 1))

    @unittest.skipUnless(is_open_mpi(), "--enable-recovery is Open MPI's")
    def test_a_killed_rank_is_named_by_the_survivors_where_mpirun_lets_them_live(self):
        result = run("kill", 1, "--enable-recovery")  # ends with 0, whatever the survivors return
        self.assertEqual(result.stdout.count("has gathered"), 4, result)
        self.assert_named_by_the_others(result, 1)


if __name__ == "__main__":
    unittest.main()
