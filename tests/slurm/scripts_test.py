"""What the job scripts do, without a Slurm: scontrol, mpirun, srun, module and unroll are stand-ins that write down how they
were called."""
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

JOBS = pathlib.Path(os.environ["UNROLL_SOURCE"]) / "jobs"
SCONTROL = """#!/bin/bash
echo "scontrol $*" >> "$CALLS"
[[ $* != *requeue* ]] || exit "${REQUEUE_CODE:-0}"
echo "JobId=7 JobName=x y Restarts=${RESTARTS:-0} BatchFlag=1 Command=$SCRIPT study.ini other.sbatch WorkDir=/"
"""
LAUNCHER = '#!/bin/bash\necho "$(basename "$0") $*" >> "$CALLS"\nwhile [[ $1 != unroll ]]; do shift; done\nexec "$@"\n'
# `run` ends with the code of the file `code`, or waits for a signal where there is none, and says which one came.
UNROLL = """#!/bin/bash
echo "unroll $*" >> "$CALLS"
case $1 in
  status) exit "$(cat "$FOLDER/left")" ;;
  run)
    trap 'echo "rank got USR2" >> "$CALLS"; exit 75' USR2
    trap 'echo "rank got TERM" >> "$CALLS"; exit 1' TERM
    touch "$FOLDER/started"
    while [[ ! -f $FOLDER/code ]]; do sleep 0.05; done
    exit "$(cat "$FOLDER/code")" ;;
esac
"""


class Scripts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for name, text in {"scontrol": SCONTROL, "mpirun": LAUNCHER, "srun": LAUNCHER, "unroll": UNROLL}.items():
            (self.folder / "bin").mkdir(exist_ok=True)
            (self.folder / "bin" / name).write_text(text)
            (self.folder / "bin" / name).chmod(0o755)
        self.calls = self.folder / "calls"
        self.calls.touch()

    def start(self, script="single_node.sbatch", jobs=JOBS, words=("study.ini", "--output", "out dir"), **env):
        copy = self.folder / "slurm_script"  # Slurm runs a copy
        copy.write_bytes((jobs / script).read_bytes())
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        given = {"PATH": path, "HOME": str(self.folder), "CALLS": str(self.calls), "FOLDER": str(self.folder),
                 "SCRIPT": str(jobs / script), "SLURM_JOB_ID": "7", "UNROLL_PROGRAM": str(self.folder / "bin/unroll"), **env}
        return subprocess.Popen(["bash", str(copy), *words], env=given, cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)

    def run_to_its_end(self, code, left, *args, **options):
        (self.folder / "code").write_text(str(code))
        (self.folder / "left").write_text(str(left))
        job = self.start(*args, **options)
        text, _ = job.communicate(timeout=120)
        return job.returncode, text

    def called(self):
        return self.calls.read_text()

    def signalled(self, number, left, **options):
        (self.folder / "left").write_text(str(left))
        job = self.start(**options)
        end = time.monotonic() + 120
        while not (self.folder / "started").exists():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        job.send_signal(number)
        text, _ = job.communicate(timeout=120)
        return job.returncode, text

    def test_a_study_that_is_complete_ends_the_job(self):
        self.assertEqual(self.run_to_its_end(0, 0)[0], 0)

        self.assertIn("mpirun --bind-to none unroll run study.ini --output out dir\n", self.called())
        self.assertIn("unroll status --exit-code out dir\n", self.called())
        self.assertNotIn("requeue", self.called())

    def test_failed_runs_and_refusals_do_not_come_back(self):
        for code, left in ((3, 3), (2, 75), (2, 2), (1, 1)):
            with self.subTest(code=code, left=left):
                self.assertEqual(self.run_to_its_end(code, left)[0], code)
                self.assertNotIn("requeue", self.called())

    def test_one_that_cannot_begin_ends_with_its_code(self):
        self.assertEqual(self.run_to_its_end(139, 2)[0], 139)
        self.assertNotIn("requeue", self.called())

    def test_work_that_is_left_comes_back_so_often_and_not_more(self):
        code, text = self.run_to_its_end(75, 75)
        self.assertEqual((code, self.called().count("scontrol requeue 7\n")), (75, 1), text)
        for restarts, most, wanted in (("3", "3", 0), ("2", "3", 1), ("49", "", 1), ("50", "", 0)):
            with self.subTest(restarts=restarts, most=most):
                self.calls.write_text("")
                code, text = self.run_to_its_end(1, 75, SLURM_RESTART_COUNT=restarts, RESTARTS=restarts,
                                                 **({"UNROLL_MAX_REQUEUES": most} if most else {}))
                self.assertEqual((code, self.called().count("scontrol requeue 7\n")), (75, wanted), text)

    def test_a_job_that_slurm_has_started_again_is_left_alone(self):
        code, text = self.run_to_its_end(75, 75, RESTARTS="1")

        self.assertEqual(code, 75)
        self.assertNotIn("requeue", self.called())
        self.assertIn("in this one's place", text)

    def test_a_site_that_forbids_requeues_is_said(self):
        code, text = self.run_to_its_end(75, 75, REQUEUE_CODE="1")

        self.assertEqual(code, 75)
        self.assertIn("cannot be requeued; the same sbatch goes on", text)

    def test_usr2_reaches_the_ranks_and_the_job_comes_back(self):
        for script in ("single_node.sbatch", "multi_node.sbatch", "preemptible.sbatch"):
            with self.subTest(script):
                code, text = self.signalled(signal.SIGUSR2, 75, script=script)
                self.assertEqual(code, 75, text)
                self.assertIn("rank got USR2", self.called())
                self.assertIn("scontrol requeue 7\n", self.called())
                self.calls.write_text("")
                (self.folder / "started").unlink()

    def test_usr2_before_there_is_a_folder_comes_back_too(self):
        self.assertEqual(self.signalled(signal.SIGUSR2, 2)[0], 75)
        self.assertIn("scontrol requeue 7\n", self.called())

    def test_term_reaches_the_ranks_and_the_job_does_not_come_back(self):
        code, text = self.signalled(signal.SIGTERM, 75)

        self.assertEqual(code, 75, text)
        self.assertIn("rank got TERM", self.called())
        self.assertNotIn("requeue", self.called())

    def test_a_task_of_an_array_asks_for_its_chunk_and_itself(self):
        array = {"SLURM_ARRAY_JOB_ID": "5", "SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_MAX": "4"}
        self.run_to_its_end(75, 75, "array.sbatch", **array)
        self.assertIn("unroll run --chunk 2/4 study.ini --output out dir\n", self.called())
        self.assertIn("unroll status --exit-code out dir/chunks/2-of-4\n", self.called())
        self.assertIn("scontrol requeue 5_2\n", self.called())
        self.assertNotIn("unroll merge", self.called())

        self.calls.write_text("")
        self.run_to_its_end(0, 0, "array.sbatch", UNROLL_CHUNKS="9", **array)
        self.assertIn("--chunk 2/9 ", self.called())
        self.assertIn("unroll merge out dir\n", self.called())

    def test_the_site_file_names_modules_launcher_and_program(self):
        site = self.folder / "site"
        site.write_text("# ours\naccount = x\nmodules = gcc/12  openmpi/4.1\nlauncher = srun\n"
                        f"program = {self.folder / 'bin/unroll'}")  # no line end
        modules = self.folder / "modules/init"
        modules.mkdir(parents=True)
        (modules / "bash").write_text('module() { echo "module $*" >> "$CALLS"; [[ $2 != bad ]]; }\n')
        env = {"UNROLL_SITE": str(site), "MODULESHOME": str(modules.parent), "UNROLL_PROGRAM": ""}

        code, text = self.run_to_its_end(0, 0, **env)

        self.assertEqual(code, 0, text)
        self.assertIn("module load gcc/12\nmodule load openmpi/4.1\n", self.called())
        self.assertIn("srun --mpi=pmix --kill-on-bad-exit=1 unroll run study.ini", self.called())
        site.write_text("modules = bad\n")
        code, text = self.run_to_its_end(0, 0, **env)
        self.assertEqual(code, 2)
        self.assertIn("module load bad failed", text)

    def test_a_site_file_is_text_and_nothing_in_it_is_executed(self):
        (self.folder / "site").write_text("modules = $(touch CANARY) `touch CANARY` ;touch CANARY\nlauncher = $(touch CANARY)\n")
        modules = self.folder / "modules/init"
        modules.mkdir(parents=True)
        (modules / "bash").write_text("module() { :; }\n")

        code, text = self.run_to_its_end(0, 0, UNROLL_SITE=str(self.folder / "site"), MODULESHOME=str(modules.parent))

        self.assertEqual(code, 2, text)
        self.assertIn("must be mpirun or srun", text)
        self.assertEqual(list(self.folder.rglob("CANARY")), [])

    def test_the_scripts_work_from_any_folder_with_blanks_in_its_name(self):
        jobs = self.folder / "a folder/job"
        jobs.mkdir(parents=True)
        for name in ("slurm.sh", "single_node.sbatch"):
            (jobs / name).write_bytes((JOBS / name).read_bytes())
        (jobs / "site").write_text("launcher = srun\n")

        code, text = self.run_to_its_end(0, 0, jobs=jobs)

        self.assertEqual(code, 0, text)
        self.assertIn("srun --mpi=pmix", self.called())


if __name__ == "__main__":
    unittest.main()
