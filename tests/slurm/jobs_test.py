"""Studies in a real Slurm of two nodes (cluster.py): whatever happens to a job, nothing that was committed is lost, and
the job that comes back leaves results.h5 byte-identical to that of an undisturbed run.

No test hopes to be fast enough: once some results are durable the ranks are stopped (SIGSTOP), the job is disturbed, and
they go on when it has heard of it.
"""
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

import cluster

PROGRAM = pathlib.Path(os.environ["UNROLL_PROGRAM"])
SOURCE = pathlib.Path(os.environ["UNROLL_SOURCE"])
MPIEXEC = os.environ["UNROLL_MPIEXEC"]
JOBS = SOURCE / "jobs"
STUDY = SOURCE / "configs/quickstart.ini"
SETTINGS = ["study.seeds=0..5", "forget.index=0,10", "measure.steps=10..50", "pretrain.epochs=2", "run.lanes=4"]
SETS = [word for setting in SETTINGS for word in ("--set", setting)]
FILES = ["results.h5", "results.h5.sha256"]
INCOMPLETE = 75
# Both nodes are this machine: their ranks would take each other's files in /dev/shm for their own.
TCP = {"UNROLL_LAUNCHER": "srun", "OMPI_MCA_btl": "self,tcp"}
ENDED = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "OUT_OF_MEMORY", "BOOT_FAIL")


def processes_of(job):
    """What Slurm started for this job: by process, the name of its program."""
    found = {}
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if f"SLURM_JOB_ID={job}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found[int(process.name)] = (process / "exe").readlink().name
        except OSError:
            continue
    return found


def ranks_of(job):
    return [process for process, program in processes_of(job).items() if program.startswith("unroll-worker")]


def signal_all(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


class JobTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="unroll-", ignore_cleanup_errors=True)
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        (cls.folder / "slurm").mkdir()
        cls.slurm = cluster.Cluster(cls.folder / "slurm")
        cls.slurm.__enter__()
        cls.addClassCleanup(cls.slurm.__exit__)
        cls.wanted = cls.undisturbed()

    @classmethod
    def undisturbed(cls):
        """Without Slurm, on two ranks."""
        output = cls.folder / "undisturbed"
        subprocess.run([MPIEXEC, "-n", "2", PROGRAM, "run", STUDY, "--output", output, *SETS], check=True,
                       capture_output=True)
        return {name: (output / name).read_bytes() for name in FILES}

    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1].removeprefix("test_")
        self.output = self.folder / self.name
        self.log = self.folder / f"{self.name}.log"
        self.jobs = []
        self.addCleanup(self.end_jobs)

    def end_jobs(self):
        for job in self.jobs:
            signal_all(processes_of(job), signal.SIGCONT)
            self.slurm.call("scancel", job, check=False)

    def submit(self, script, *options, env=None, words=()):
        job = self.slurm.submit(*options, f"--output={self.log}", JOBS / script, STUDY, "--output", self.output, *SETS, *words,
                                env={"UNROLL_PROGRAM": str(PROGRAM), **(env or {})}, cwd=self.folder)
        self.jobs.append(job)
        return job

    def said(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def shards(self, output=None):
        return sorted(path.name for path in (output or self.output).glob("shards/r*.h5"))

    def freeze(self, job, num_ranks):
        """Some results are durable, most are not, and the ranks do nothing."""
        cluster.wait_until(lambda: len(self.shards()) >= 3 or self.is_over(job), "results")
        ranks = ranks_of(job)
        signal_all(ranks, signal.SIGSTOP)
        self.assertEqual(len(ranks), num_ranks, f"{self.slurm.job(job)} {self.said()}")
        self.assertFalse((self.output / "results.h5").exists(), "too late")
        return ranks

    def is_over(self, job):
        return self.slurm.job(job).get("JobState") in ENDED

    def thaw(self, ranks, what):
        """Once the log says this."""
        cluster.wait_until(lambda: what in self.said(), f"'{what}' in the log")
        signal_all(ranks, signal.SIGCONT)

    def finish(self, job):
        state = self.slurm.wait_for(job, *ENDED)
        self.assertEqual(state["JobState"], "COMPLETED", f"{state} {self.said()}")
        return int(state["Restarts"])

    def assert_undisturbed(self):
        self.assertEqual({name: (self.output / name).read_bytes() for name in FILES}, self.wanted)
        chunked = (self.output / "chunks").exists()
        self.slurm.call(PROGRAM, "check", self.output / "results.h5" if chunked else self.output)


class Launch(JobTest):
    def hosts(self):
        """The nodes whose steps the job had: each has a spool of its own."""
        return self.slurm.job(self.jobs[-1])["NodeList"]

    def test_two_nodes_by_mpirun(self):
        job = self.submit("multi_node.sbatch", "--ntasks-per-node=1")

        self.assertEqual(self.finish(job), 0)

        self.assertEqual(self.hosts(), "node[1-2]")
        self.assertIn("2 ranks", self.slurm.call(PROGRAM, "status", self.output).stdout)
        self.assert_undisturbed()

    def test_two_nodes_by_srun(self):
        job = self.submit("multi_node.sbatch", "--ntasks-per-node=2", env=TCP)

        self.assertEqual(self.finish(job), 0)

        self.assertEqual(self.hosts(), "node[1-2]")
        self.assertIn("4 ranks", self.slurm.call(PROGRAM, "status", self.output).stdout)
        self.assert_undisturbed()

    def test_what_unroll_submit_makes_of_a_study(self):
        words = [STUDY, "--output", self.output, "--nodes=2", "--ranks-per-node=1", "--time=10m", "--launcher=srun", *SETS]
        result = self.slurm.call(PROGRAM, "submit", *words, "--", "--partition=high", cwd=self.folder)
        job = int(result.stdout.rsplit(None, 1)[1])
        self.jobs.append(job)
        self.log = self.output / f"job/{job}.log"

        self.assertEqual(self.finish(job), 0)

        self.assertEqual((self.hosts(), self.slurm.job(job)["Partition"]), ("node[1-2]", "high"))
        self.assertIn("(sinfo)", result.stdout)
        self.assert_undisturbed()

    def test_a_study_that_is_refused_does_not_come_back(self):
        job = self.submit("single_node.sbatch", "--ntasks=1", words=["--set", "train.lr=fast"])

        state = self.slurm.wait_for(job, *ENDED)

        self.assertEqual((state["JobState"], state["ExitCode"], state["Restarts"]), ("FAILED", "2:0", "0"), self.said())
        self.assertIn("train.lr", self.said())


class Disturbed(JobTest):
    def check_comes_back(self, job, ranks):
        self.thaw(ranks, "SIGUSR2: stopping")
        self.assertGreaterEqual(self.finish(job), 1)
        self.assertIn("work is left: back into the queue", self.said())
        self.assert_undisturbed()

    def test_usr2_by_scancel_to_mpirun(self):
        job = self.submit("multi_node.sbatch", "--ntasks-per-node=1")
        ranks = self.freeze(job, 2)

        self.slurm.call("scancel", "--batch", "--signal=USR2", job)

        self.check_comes_back(job, ranks)

    def test_usr2_by_scancel_to_srun(self):
        job = self.submit("multi_node.sbatch", "--ntasks-per-node=1", env=TCP)
        ranks = self.freeze(job, 2)

        self.slurm.call("scancel", "--batch", "--signal=USR2", job)

        self.check_comes_back(job, ranks)

    def test_a_time_limit_that_is_too_short(self):
        job = self.submit("single_node.sbatch", "--ntasks=1", "--time=1", "--signal=B:USR2@50")
        ranks = self.freeze(job, 1)
        # Slurm looks at limits every 30 s, and warns up to a minute before the time asked for: at its next look.
        self.check_comes_back(job, ranks)

    def test_a_preempted_job(self):
        job = self.submit("preemptible.sbatch", "--partition=low", "--nodes=2", "--ntasks-per-node=1")
        ranks = self.freeze(job, 2)

        other = self.slurm.submit("--partition=high", "--nodes=2", "--exclusive", "--output=/dev/null", "--wrap=true")

        self.check_comes_back(job, ranks)
        self.slurm.wait_for(other, "COMPLETED")

    def test_a_job_comes_back_so_often_and_not_more(self):
        job = self.submit("single_node.sbatch", "--ntasks=1", env={"UNROLL_MAX_REQUEUES": "0"})
        ranks = self.freeze(job, 1)

        self.slurm.call("scancel", "--batch", "--signal=USR2", job)
        self.thaw(ranks, "SIGUSR2: stopping")
        state = self.slurm.wait_for(job, *ENDED)

        self.assertEqual((state["JobState"], state["ExitCode"]), ("FAILED", "75:0"), self.said())
        self.assertIn("UNROLL_MAX_REQUEUES = 0", self.said())

    def test_a_plain_scancel_stays_cancelled_and_a_second_sbatch_finishes(self):
        job = self.submit("multi_node.sbatch", "--ntasks-per-node=1")
        ranks = self.freeze(job, 2)

        self.slurm.call("scancel", job)
        self.thaw(ranks, "SIGTERM: ending")
        state = self.slurm.wait_for(job, *ENDED)
        cluster.wait_until(lambda: not ranks_of(job), "the ranks to end")

        self.assertEqual((state["JobState"], state["Restarts"]), ("CANCELLED", "0"))
        self.assertNotIn("back into the queue", self.said())
        left = self.slurm.call(PROGRAM, "status", self.output, "--exit-code", check=False)
        self.assertEqual(left.returncode, INCOMPLETE, left)
        self.assertEqual(self.finish(self.submit("multi_node.sbatch", "--ntasks-per-node=1")), 0)
        self.assertEqual(self.slurm.job(job)["JobState"], "CANCELLED")
        self.assert_undisturbed()

    def test_a_lost_node_whose_task_still_writes(self):
        job = self.submit("single_node.sbatch", "--ntasks=2")
        old = self.freeze(job, 2)
        lost = processes_of(job)  # with mpirun and its daemons: nothing reaches the node, and nobody there ends the ranks
        signal_all(lost, signal.SIGSTOP)
        node = self.slurm.job(job)["BatchHost"]
        self.addCleanup(self.restore, node)
        before = self.shards()

        self.slurm.kill_daemon(f"slurmd {node}")
        self.slurm.call("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
        cluster.wait_until(lambda: (self.output / "attempts/2/owner").exists(), "the second attempt")
        signal_all(old, signal.SIGCONT)

        self.assertEqual(self.finish(job), 1)
        signal_all(lost, signal.SIGCONT)
        cluster.wait_until(lambda: not set(lost) & set(processes_of(job)), "the old processes to end")
        self.assertNotEqual(self.slurm.job(job)["BatchHost"], node)
        self.assertIn("attempt 2 has taken this folder over from attempt 1", self.said())
        first = [name for name in self.shards() if "-a0001-" in name]
        self.assertEqual(first, [name for name in before if "-a0001-" in name])
        self.assertEqual(self.slurm.job(job)["Restarts"], "1")
        self.assert_undisturbed()

    def restore(self, node):
        self.slurm.start_node(node)
        self.slurm.call("scontrol", "update", f"nodename={node}", "state=resume", check=False)
        cluster.wait_until(lambda: node in self.slurm.idle_nodes(), f"{node} to be idle")


class Chunks(JobTest):
    def left(self, job):
        return self.slurm.call("squeue", "-h", "-j", job, check=False).stdout.split()

    def test_an_array_of_four_chunks(self):
        job = self.submit("array.sbatch", "--ntasks=1")

        cluster.wait_until(lambda: not self.left(job), "the array to end")

        self.assertEqual(len(list((self.output / "chunks").glob("*-of-4"))), 4, self.said())
        self.assert_undisturbed()

    def test_a_chunk_that_is_stopped_comes_back_and_no_other(self):
        job = self.submit("array.sbatch", "--ntasks=1", "--array=1-2")
        chunk = self.output / "chunks/2-of-2"
        cluster.wait_until(lambda: len(self.shards(chunk)) >= 3, "results of a chunk")
        task = int(self.slurm.job(f"{job}_2")["JobId"])
        ranks = ranks_of(task)
        signal_all(ranks, signal.SIGSTOP)

        self.slurm.call("scancel", "--batch", "--signal=USR2", f"{job}_2")

        self.thaw(ranks, f"job {job}_2: SIGUSR2: stopping")
        cluster.wait_until(lambda: not self.left(job), "the array to end")
        self.assertEqual(self.said().count("back into the queue"), 1)
        self.assertEqual([self.slurm.job(f"{job}_{i}")["Restarts"] for i in (1, 2)], ["0", "1"])
        self.assert_undisturbed()


if __name__ == "__main__":
    unittest.main(verbosity=2)
