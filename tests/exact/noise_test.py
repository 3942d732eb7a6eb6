"""Noise floors (DESIGN 4.10) are the same bytes for any ranks, lanes and resumes, change no row of /pairs, and repeats are
exactly 0 apart."""
import pathlib
import subprocess
import time
import unittest

from support import ExactTest, column, command, descendants, end, table

STUDY = """
[study]
name = noise
seeds = 0, 1
exclude = forget.kind=none & forget.index=4
exclude = forget.kind=none & retrain.skip=coast
[data]
dataset = optdigits
train_size = 150
test_size = 40
[model]
arch = mlp
hidden = 7
[order]
kind = fixed
[pretrain]
epochs = 1
batch = 32
[train]
epochs = 3
batch = 16
lr = 0.05
momentum = 0.9
[forget]
kind = batch, step, class, none
index = 1, 4
[retrain]
skip = freeze, coast
[measure]
steps = 7, 15
sigma = none
one_hvp = no
eval_rows = 20
"""
NOISE = """
[noise]
ulp = yes
repeats = 2
orders = 0..2
inits = 0..2
at = measured
"""
IMAGES = """
[study]
name = noise
seeds = 0
[data]
dataset = cifar10
path = {path}
train_size = 14
test_size = 4
[model]
arch = resnet18
[order]
kind = shuffled
[pretrain]
on = none
[train]
batch = 4
epochs = 1
lr = 0.01
[forget]
kind = batch
index = 1
[measure]
sigma = none
one_hvp = no
eval_rows = 4
[noise]
ulp = yes
repeats = 1
orders = 5
inits = 5
normalise = filters
"""
PAIRS = ["run_id", "step", "verification_error", "no_unlearning_distance", "test_accuracy_retrained"]


class Noise(ExactTest):
    def setUp(self):
        super().setUp()
        self.study = self.write_study(STUDY + NOISE)

    def wanted(self):
        return self.digest(self.run_study(self.study, "whole", 2))

    def test_ranks_and_lanes(self):
        wanted = self.digest(self.run_study(self.study, "r0", 0))
        for ranks, lanes in ((1, 1), (2, 8), (3, 64)):
            with self.subTest(ranks=ranks, lanes=lanes):
                folder = self.run_study(self.study, f"r{ranks}", ranks, [f"run.lanes={lanes}"])
                self.assertEqual(self.digest(folder), wanted)
                self.assertFalse((folder / "weights").exists())
        folder = self.run_study(self.study, "apart", 2, ["run.share=no", "run.fork=no"])
        self.assertEqual(self.digest(folder), wanted)

    def test_repeats_are_exactly_0_apart(self):
        folder = self.run_study(self.study, "repeats", 2)
        rows = table(folder / "results.h5", "distances", ["kind", "distance"])
        repeats = [row["distance"] for row in rows if set(row["kind"].split("/")) <= {"retrained", "repeat"}]
        self.assertGreater(len(repeats), 100)
        self.assertEqual(set(repeats), {0.0})
        self.assertEqual(set(column(folder / "results.h5", "/floors/floor_repeat")), {0.0})
        others = [row["distance"] for row in rows if "order" in row["kind"] or "init" in row["kind"]]
        self.assertGreater(min(others), 0)
        self.assertGreater(min(column(folder / "results.h5", "/floors/floor_ulp")), 0)

    def test_groups_too_large_for_one_rank(self):
        """4.3 million parameters, 8 models: 280 MB in double, so the models are rows on all ranks."""
        large = ["study.seeds=0", "model.hidden=[2048 2048]", "data.train_size=64", "train.epochs=1", "measure.steps=2",
                 "forget.kind=batch", "forget.index=1", "retrain.skip=freeze", "noise.orders=5..7", "noise.inits=5..7",
                 "noise.repeats=0", "noise.at=last"]
        study = self.write_study(STUDY.replace("exclude", "# exclude") + NOISE, "large.ini")
        wanted = self.digest(self.run_study(study, "large0", 0, large))
        for ranks in (2, 3):
            with self.subTest(ranks=ranks):
                self.assertEqual(self.digest(self.run_study(study, f"large{ranks}", ranks, large)), wanted)

    def test_resnet18(self):
        study = self.write_study(IMAGES.format(path=self.cifar()), "images.ini")
        wanted = self.digest(self.run_study(study, "images0", 0, ["run.lanes=1"]))
        for ranks, lanes in ((2, 2), (3, 1)):
            with self.subTest(ranks=ranks, lanes=lanes):
                folder = self.run_study(study, f"images{ranks}", ranks, [f"run.lanes={lanes}"])
                self.assertEqual(self.digest(folder), wanted)
        rows = table(folder / "results.h5", "distances", ["kind", "distance", "distance_normalised"])
        for row in rows:
            self.assertEqual(row["distance"] == 0, row["kind"] == "retrained/repeat")
            self.assertEqual(row["distance_normalised"] == 0, row["kind"] == "retrained/repeat")

    def test_rows_of_pairs_do_not_change(self):
        with_noise = self.run_study(self.study, "with", 2) / "results.h5"
        without = self.run_study(self.write_study(STUDY, "plain.ini"), "without", 2) / "results.h5"
        self.assertEqual(repr(table(with_noise, "pairs", PAIRS)), repr(table(without, "pairs", PAIRS)))
        tables = subprocess.run(["h5dump", "-n", str(without)], capture_output=True, text=True, check=True).stdout
        self.assertNotIn("/floors", tables)
        self.assertNotIn("/distances", tables)

    def kill_when_kept(self, output, num_files, ranks, until=None):
        """Ends the study by kill -9 once so many files of weights are there (and `until` holds)."""
        folder = self.folder / output
        process = subprocess.Popen(command(self.study, folder, ranks, ["run.lanes=8"]), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            while process.poll() is None:
                if len(list((folder / "weights/kept").glob("r*.h5"))) >= num_files and (until is None or until(folder)):
                    break
                time.sleep(0.002)
            workers = descendants(process.pid)
        finally:
            process.kill()
            process.wait()
        for worker in workers:
            end(worker)
        return len(list((folder / "weights/kept").glob("r*.h5")))

    def test_killed_and_started_again(self):
        wanted = self.wanted()
        for num_files, ranks, then in ((1, 2, 2), (3, 3, 1), (5, 2, 3)):
            with self.subTest(num_files=num_files):
                left = self.kill_when_kept(f"killed-{num_files}", num_files, ranks)
                folder = self.run_study(self.study, f"killed-{num_files}", then)
                self.assertEqual(self.digest(folder), wanted)
                self.assertFalse((folder / "weights").exists())
                print(f"killed with {left} files of weights", flush=True)

    def trained(self, folder):
        return sum(column(folder / "telemetry.h5", "/items/model_steps"))

    def test_weights_that_are_kept_are_not_trained_again(self):
        """On one rank a tree is never divided, so every step of the study is trained once, however often it is ended."""
        whole = self.run_study(self.study, "whole", 1, ["run.lanes=8"])
        folder = self.folder / "ended"
        for num_files in (1, 2, 3):
            self.kill_when_kept("ended", num_files, 1)
        self.run_study(self.study, "ended", 1, ["run.lanes=8"])
        self.assertEqual(self.digest(folder), self.digest(whole))
        steps = [sum(column(path / "telemetry.h5", "/items/model_steps")) for path in (whole, folder)]
        self.assertLessEqual(steps[1], steps[0])  # work whose end was not recorded left weights all the same
        print(f"{steps[1]} steps recorded after three ends, {steps[0]} without", flush=True)

    def test_lost_weights_are_trained_again(self):
        wanted = self.wanted()
        self.kill_when_kept("lost", 3, 2)
        for file in sorted((self.folder / "lost/weights/kept").glob("r*.h5"))[::2]:
            data = bytearray(pathlib.Path(file).read_bytes())
            data[len(data) // 2] ^= 1
            pathlib.Path(file).write_bytes(data)
        self.assertEqual(self.digest(self.run_study(self.study, "lost", 2)), wanted)


if __name__ == "__main__":
    unittest.main()
