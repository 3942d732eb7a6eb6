"""unroll doctor, alone and under mpirun, with and without a study and unroll-worker."""
import os
import pathlib
import shutil
import unittest

from support import MPIEXEC, PROGRAM, QUICKSTART, SOURCE, TORCH, ProgramTest, call, sets

ENVIRONMENT = {**os.environ, **({"UNROLL_TORCH": TORCH} if TORCH else {})}
CIFAR = SOURCE / "../shared/data/cifar10-subset"


class Doctor(ProgramTest):
    def doctor(self, *arguments, launcher=(), env=None, program=PROGRAM):
        result = call(*launcher, program, "doctor", *arguments, env={**ENVIRONMENT, **(env or {})}, timeout=300)
        self.assertEqual(result.returncode, 0, result)
        for line in result.stdout.splitlines()[:-1]:
            self.assertLessEqual(len(line), 80, line)
        return " ".join(result.stdout.split())

    def test_alone_it_says_what_may_be_used(self):
        said = self.doctor()

        cpus = len(os.sched_getaffinity(0))
        self.assertRegex(said, r"programs unroll \d+\.\d+\.\d+")
        self.assertIn("started alone", said)
        self.assertIn("HDF5 1.", said)
        self.assertRegex(said, rf"rank 0 on \S+ may run on hardware threads? [0-9,-]+ \(\d+ cores?\)")
        self.assertRegex(said, "start (mpirun -n \\d+ .*)?unroll run STUDY.ini --output DIR$")
        self.assertGreater(cpus, 0)

    def test_a_process_kept_on_one_core_sees_one(self):
        cpu = min(os.sched_getaffinity(0))
        self.assertIn(f"may run on hardware thread {cpu} (1 core)", self.doctor(launcher=["taskset", "-c", str(cpu)]))

    def test_without_a_worker_it_says_why_nothing_can_run(self):
        shutil.copy(PROGRAM, self.folder / "unroll")

        said = self.doctor(QUICKSTART, program=self.folder / "unroll")

        self.assertIn("unroll run cannot start", said)
        self.assertIn("jobs/setup.sh", said)

    def test_wrong_use_and_wrong_studies_are_one_line(self):
        for arguments, part in [(["--frobnicate"], "--frobnicate"), ([QUICKSTART, "more"], "unexpected word more"),
                                (["no/such.ini"], "no/such.ini"), (["--set", "train.lr=1"], "STUDY.ini"),
                                ([QUICKSTART, *sets(["train.lr=-1"])], "train.lr")]:
            with self.subTest(arguments=arguments):
                self.assert_refused(call(PROGRAM, "doctor", *arguments, env=ENVIRONMENT), part)

    @unittest.skipUnless(TORCH, "built without LibTorch")
    def test_it_names_every_version_and_the_instruction_set(self):
        said = self.doctor(QUICKSTART)

        self.assertRegex(said, r"LibTorch \d+\.\d+\.\S+ \((AVX2|AVX512|DEFAULT|NO AVX|\w+)\), .*MPI.*, HDF5 1\.")
        self.assertIn("MPI_THREAD_MULTIPLE", said)

    @unittest.skipUnless(TORCH, "built without LibTorch")
    def test_two_ranks_bound_to_one_core_are_found(self):
        cpu = min(os.sched_getaffinity(0))
        said = self.doctor(QUICKSTART, launcher=["taskset", "-c", str(cpu), MPIEXEC, "-n", "2"])

        self.assertIn(f"ranks 0-1 (1 thread each) all run on core {cpu}", said)
        self.assertIn("--bind-to none", said)
        self.assertIn("2, started by mpirun", said)

    @unittest.skipUnless(TORCH, "built without LibTorch")
    def test_more_ranks_than_cores_and_useless_variables_are_found(self):
        ranks = len(os.sched_getaffinity(0)) + 1
        said = self.doctor(launcher=[MPIEXEC, "-n", str(ranks)],
                           env={"OMP_NUM_THREADS": "7", "UNROLL_MPI_THREADS": "single"})

        self.assertIn(f"ranks 0-{ranks - 1} (1 thread each) all run on", said)
        self.assertIn("OMP_NUM_THREADS=7 has no effect", said)
        self.assertIn("MPI_THREAD_SINGLE, not MULTIPLE", said)

    @unittest.skipUnless(TORCH, "built without LibTorch")
    def test_a_run_uses_the_threads_of_its_study_whatever_omp_num_threads_says(self):
        """What the doctor says of OMP_NUM_THREADS is so: the kernel counts the threads of a rank."""
        counts = []
        for value in ("1", "7"):
            trace = self.folder / f"threads-{value}"
            script = (f"{PROGRAM} run {QUICKSTART} --output {self.folder}/r{value} --set study.seeds=0 & pid=$!; "
                      f"most=0; while kill -0 $pid 2>/dev/null; do now=$(ls /proc/$pid/task 2>/dev/null | wc -l); "
                      f"[ $now -gt $most ] && most=$now; sleep 0.05; done; wait $pid && echo $most > {trace}")
            result = call("sh", "-c", script, env={**ENVIRONMENT, "OMP_NUM_THREADS": value})
            self.assertEqual(result.returncode, 0, result)
            counts.append(int(pathlib.Path(trace).read_text()))
        self.assertLess(counts[1] - counts[0], 4, counts)

    @unittest.skipUnless(TORCH and CIFAR.is_dir() and len(os.sched_getaffinity(0)) > 1, "needs CIFAR-10, two cores")
    def test_a_convolutional_study_is_measured(self):
        said = self.doctor(SOURCE / "configs/cifar10_resnet18.ini",
                           *sets([f"data.path={CIFAR.resolve()}", "train.batch=4", "measure.steps=1"]))

        self.assertRegex(said, r"measured now, resnet18, batch 4: [0-9.]+ steps a second with \d+ models of 1 thread at "
                               r"once, [0-9.]+ with one model of \d+ threads\. So (one thread|threads)")


if __name__ == "__main__":
    unittest.main()
