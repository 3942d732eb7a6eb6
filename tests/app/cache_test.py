"""unroll run --cache: studies start from stages that others finished, and nobody can tell from the results."""
import os
import re
import shutil
import subprocess
import sys
import unittest

from support import MPIEXEC, PROGRAM, QUICKSTART, SOURCE, TINY, TORCH, ProgramTest, call, can_mount, sets

try:
    import h5py
except ImportError:
    h5py = None

CIFAR = SOURCE / "../shared/data/cifar10-subset"
ENVIRONMENT = {**os.environ, **({"UNROLL_TORCH": TORCH} if TORCH else {})}


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(bytes(content))


@unittest.skipUnless(TORCH and h5py, "needs unroll-worker and h5py")
class Cache(ProgramTest):
    def setUp(self):
        super().setUp()
        self.cache = self.folder / "cache"

    def command(self, output, *options, ranks=2, settings=(), study=QUICKSTART):
        launcher = [MPIEXEC, "-n", ranks] if ranks else []
        common = TINY if study == QUICKSTART else []
        merged = {setting.split("=")[0]: setting for setting in (*common, *settings)}
        return [str(word) for word in (*launcher, PROGRAM, "run", study, "--output", self.folder / output,
                                       *sets(merged.values()), *options)]

    def run_study(self, output, *options, **more):
        """What it said on stderr but for its progress, and the bytes of its results."""
        result = call(*self.command(output, *options, **more), env=ENVIRONMENT)
        self.assertEqual(result.returncode, 0, result)
        said = [line for line in result.stderr.splitlines() if "items done" not in line and "--cache" in line]
        return said, (self.folder / output / "results.h5").read_bytes()

    def steps(self, output, kind="pretraining"):
        """Steps trained and steps taken from the cache, of each item of a kind."""
        with h5py.File(self.folder / output / "telemetry.h5") as file:
            items = {name: column[()] for name, column in file["items"].items()}
        rows = [i for i, name in enumerate(items["kind"]) if name.decode() == kind]
        return sorted((int(items["model_steps"][i]), int(items["cached_steps"][i])) for i in rows)

    def entries(self):
        return sorted(self.cache.glob("*.stage"))

    def test_cold_warm_and_damaged_caches_leave_the_same_bytes_and_telemetry_says_what_was_trained(self):
        _, plain = self.run_study("plain")
        said, cold = self.run_study("cold", "--cache", self.cache)
        self.assertEqual((said, cold == plain), ([], True))
        trained = self.steps("cold")
        num_steps = trained[0][0]
        self.assertEqual(trained, [(num_steps, 0)] * 2)
        self.assertGreater(num_steps, 0)
        self.assertEqual(len(self.entries()), 2)

        for ranks in (0, 3):
            said, warm = self.run_study(f"warm{ranks}", "--cache", self.cache, ranks=ranks)
            self.assertEqual((said, warm == plain), ([], True))
            self.assertEqual(self.steps(f"warm{ranks}"), [(0, num_steps)] * 2)

        flip_a_bit(self.entries()[0])
        said, damaged = self.run_study("damaged", "--cache", self.cache)
        self.assertEqual(damaged, plain)
        self.assertEqual(self.steps("damaged"), [(0, num_steps), (num_steps, 0)])
        self.assertEqual(len(said), 1, said)
        self.assertIn(self.entries()[0].name, said[0])
        self.assertRegex(said[0], "SHA-256|size|entry")

        said, mended = self.run_study("mended", "--cache", self.cache)
        self.assertEqual((said, mended == plain, self.steps("mended")), ([], True, [(0, num_steps)] * 2))

        self.entries()[1].write_bytes(self.entries()[1].read_bytes()[:1000])
        os.replace(self.entries()[0], self.entries()[1])  # another stage under this name
        said, foreign = self.run_study("foreign", "--cache", self.cache)
        self.assertEqual((foreign == plain, self.steps("foreign")), (True, [(num_steps, 0)] * 2))
        self.assertEqual(len(said), 1, said)

    def test_another_study_starts_from_what_both_share_and_a_repeat_is_trained_all_the_same(self):
        more = ["train.lr=0.02", "study.seeds=0..3", "forget.kind=batch, none"]
        _, plain = self.run_study("plain", settings=more)
        self.run_study("first", "--cache", self.cache)

        _, second = self.run_study("second", "--cache", self.cache, settings=more)

        self.assertEqual(second, plain)
        cached = [row for row in self.steps("second") if row[1] > 0]
        self.assertEqual((len(cached), len(self.steps("second"))), (2, 4))
        self.assertEqual(self.steps("second", "repeat"), self.steps("plain", "repeat"))
        self.assertGreater(self.steps("second", "repeat")[0][0], 0)
        self.assertEqual(len(self.entries()), 4)

    def test_weights_in_float64_and_batchnorm_statistics_come_back_bit_for_bit(self):
        images = [f"data.path={CIFAR.resolve()}", "data.train_size=64", "pretrain.on=split", "pretrain.epochs=1",
                  "pretrain.batch=8", "pretrain.lr=0.01", "train.steps=1", "train.batch=8", "measure.steps=1",
                  "measure.hessian=first:2", "measure.eval_rows=8", "forget.index=0", "study.seeds=0"]
        studies = {"float64": {"settings": ["model.dtype=float64"]}}
        if CIFAR.is_dir():
            studies["images"] = {"settings": images, "study": SOURCE / "configs/cifar10_resnet18.ini"}
        for name, study in studies.items():
            with self.subTest(name=name):
                _, plain = self.run_study(f"{name}-plain", **study)
                _, cold = self.run_study(f"{name}-cold", "--cache", self.cache, **study)
                _, warm = self.run_study(f"{name}-warm", "--cache", self.cache, **study)

                self.assertTrue(plain == cold == warm)
                self.assertTrue(all(trained == 0 and cached > 0 for trained, cached in self.steps(f"{name}-warm")))

    def test_two_jobs_at_once_share_a_cold_cache(self):
        _, plain = self.run_study("plain")
        jobs = [subprocess.Popen(self.command(name, "--cache", str(self.cache)), env=ENVIRONMENT,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for name in ("a", "b")]
        for job, name in zip(jobs, ("a", "b")):
            _, said = job.communicate(timeout=120)
            self.assertEqual(job.returncode, 0, said)
            self.assertNotIn("--cache", said)
            self.assertEqual((self.folder / name / "results.h5").read_bytes(), plain)
        self.assertEqual(len(self.entries()), 2)
        self.assertEqual(sorted(self.cache.iterdir()), self.entries())

    def test_the_limit_holds_and_an_output_folder_resumes_with_and_without_a_cache(self):
        _, plain = self.run_study("out", settings=["study.seeds=0..5"])
        shutil.rmtree(self.folder / "out")
        _, limited = self.run_study("out", "--cache", self.cache, "--cache-limit", "70kB",
                                    settings=["study.seeds=0..5"])
        self.assertEqual(limited, plain)
        size = sum(path.stat().st_size for path in self.cache.iterdir())
        self.assertTrue(0 < size <= 70000, size)
        for options in ([], ["--cache", self.cache], ["--cache", self.folder / "other", "--cache-limit=1k"]):
            said, again = self.run_study("out", *options, settings=["study.seeds=0..5"])
            self.assertEqual((said, again), ([], plain))

    def test_bad_options_are_one_line_before_anything_starts(self):
        (self.folder / "file").write_text("text")
        for options, parts in [
            (["--cache-limit", "1G"], ["--cache-limit", "--cache, which is not given"]),
            (["--cache", ""], ["--cache", "is empty"]),
            (["--cache", self.folder / "file"], ["--cache", "is a file"]),
            (["--cache", self.folder / "file/below"], ["--cache", "is a file"]),
            (["--cache", "/proc/unroll"], ["--cache", "cannot be written"]),
            (["--cache", "a", "--cache", "b"], ["--cache is given more than once"]),
            *[(["--cache", self.cache, "--cache-limit", value], ["--cache-limit = " + value, "20G"])
              for value in ("0", "-1G", "20X", "G", "1e9", "nan", "20 G B", "9999999P", "0.1")],
        ]:
            with self.subTest(options=options):
                result = call(*self.command("out", *options, ranks=0), env=ENVIRONMENT)

                self.assert_refused(result, *parts)
                self.assertEqual([path.name for path in self.folder.iterdir()], ["file"])

    def run_with_mount(self, mount, output):
        command = " ".join(f"'{word}'" for word in self.command(output, "--cache", self.cache))
        result = call("unshare", "-m", "sh", "-c", f"{mount} && exec {command}", env=ENVIRONMENT)
        self.assertEqual(result.returncode, 0, result)
        return [line for line in result.stderr.splitlines() if "--cache" in line]

    @unittest.skipUnless(can_mount(), "needs root and mount namespaces")
    def test_a_folder_that_is_read_only_or_full_costs_one_line_and_no_study(self):
        _, plain = self.run_study("plain", "--cache", self.cache)
        self.entries()[0].unlink()
        read_only = f"mount --bind {self.cache} {self.cache} && mount -o remount,ro,bind {self.cache}"
        full = f"mount -t tmpfs -o size=12k none {self.cache}"

        said = self.run_with_mount(read_only, "read_only")
        self.assertEqual(len(said), 1, said)
        self.assertIn("Read-only file system", said[0])
        self.assertEqual([row[0] > 0 for row in self.steps("read_only")], [False, True])

        said = self.run_with_mount(full, "full")
        self.assertIn(len(said), (1, 2))  # each rank that trained a stage says it once
        self.assertIn("No space left", said[0])
        for output in ("read_only", "full"):
            self.assertEqual((self.folder / output / "results.h5").read_bytes(), plain)

    def test_every_column_of_telemetry_is_documented(self):
        self.run_study("plain")
        text = (SOURCE / "src/record/README.md").read_text(encoding="utf-8").split("## telemetry.h5")[1]
        rows = re.findall(r"\| `(\w+)` \| (.*?) \| (.*?) \|", text)
        with h5py.File(self.folder / "plain/telemetry.h5") as file:
            columns = {name: file["items"][name].attrs for name in file["items"] if name != "row"}
            written = {name: (of["units"].decode(), of["long_name"].decode()) for name, of in columns.items()}

        self.assertEqual({name: (units, meaning) for name, units, meaning in rows}, written)


if __name__ == "__main__":
    if TORCH is None or h5py is None:
        print("skipped: needs unroll-worker and h5py")
        sys.exit(77)
    unittest.main()
