"""data.dataset = imdb as a user runs it, and the configs of E12 in configs/paper."""
import io
import os
import random
import resource
import sys
import tarfile
import unittest

import support

ARCHIVE = support.SOURCE / "../shared/data/imdb/aclImdb_labelled.tar.gz"
PAPER = support.SOURCE / "configs/paper"
WORDS = {"neg": "bad dull slow awful plot film".split(), "pos": "good great fine superb plot film".split()}
try:
    import h5py
    import numpy as np
except ImportError:
    h5py = None


def write_archive(path, num_rows=240):
    """Reviews of a few words each, as aclImdb has them."""
    choice = random.Random(7)
    with tarfile.open(path, "w:gz") as file:
        for part in ("train", "test"):
            for number in range(num_rows):
                label = "neg" if number % 2 else "pos"
                text = " ".join(choice.choice(WORDS[label]) for _ in range(choice.randint(3, 30))).encode()
                entry = tarfile.TarInfo(f"aclImdb/{part}/{label}/{number}_{1 if label == 'neg' else 9}.txt")
                entry.size = len(text)
                file.addfile(entry, io.BytesIO(text))
    return path


class ImdbTest(support.ProgramTest):
    def run_study(self, study, output, *settings, ranks=2, timeout=500):
        result = support.call(support.MPIEXEC, "-n", ranks, support.PROGRAM, "run", study, "--output",
                              self.folder / output, *support.sets(settings), timeout=timeout,
                              env=dict(os.environ, UNROLL_TORCH=support.TORCH))
        self.assertEqual(result.returncode, 0, result.stderr)
        return self.folder / output / "results.h5"

    def test_features_fitted_for_each_split_are_the_same_on_any_ranks_and_lanes(self):
        archive = write_archive(self.folder / "aclImdb.tar.gz")
        settings = [f"data.path={archive}", "data.feature_columns=50", "study.seeds=0..2", "loss.gamma=0, 5",
                    "forget.index=0, 2", "measure.every=15", "measure.eval_rows=40"]
        study = PAPER / "small/e12_imdb.ini"
        first = self.run_study(study, "one", *settings, ranks=1).read_bytes()
        for name, ranks, more in (("two", 2, []), ("three", 3, ["run.lanes=1"]), ("apart", 2, ["run.share=no"]),
                                  ("whole", 1, ["run.fork=no"])):
            self.assertEqual(self.run_study(study, name, *settings, *more, ranks=ranks).read_bytes(), first, name)

    def test_a_shadow_model_sees_the_features_of_its_target(self):
        settings = [f"data.path={write_archive(self.folder / 'aclImdb.tar.gz')}", "data.feature_columns=50",
                    "study.seeds=0,1", "loss.gamma=0", "forget.index=0, 2", "measure.eval_rows=40", "measure.every=15",
                    "prs.epochs=2", "prs.shadow=test, train"]
        split = (PAPER / "small/e12_imdb.ini").read_text()
        self.assertIn("on = split\nfraction = 0.5\n", split)
        for name, text in (("split", split), ("all", split.replace("on = split\nfraction = 0.5\n", "on = all\n"))):
            (self.folder / f"{name}.ini").write_text(text)
        results = {name: self.run_study(self.folder / f"{study}.ini", name, *settings, *more, ranks=ranks)
                   for name, study, ranks, more in (("one", "split", 1, []), ("two", "split", 2, ["run.lanes=1"]),
                                                    ("whole", "all", 1, []), ("all", "all", 2, []))}
        self.assertEqual(results["one"].read_bytes(), results["two"].read_bytes())
        self.assertEqual(results["whole"].read_bytes(), results["all"].read_bytes())
        shadows = {}
        for name in ("one", "whole"):
            with h5py.File(results[name]) as file:
                shadows[name] = set(file["runs/shadow_id"][()])
                self.assertTrue(np.isfinite(file["pairs/test_risk_unlearned"][()]).all())
        # two seeds, two kinds of members; and where w_0 saw all rows of a fit, the fits are others
        self.assertEqual(len(shadows["one"]), 4)
        self.assertEqual(len(shadows["one"] & shadows["whole"]), 0)

    def test_the_grid_of_e12_runs_on_768_columns_of_float32(self):
        values = np.random.default_rng(0)
        labels = np.arange(480) % 2
        vectors = (values.normal(size=(480, 768)) + 0.2 * labels[:, None]).astype(np.float32)
        with h5py.File(self.folder / "features.h5", "w") as file:
            for part, rows in (("train", slice(0, 400)), ("test", slice(400, 480))):
                file[f"x_{part}"], file[f"y_{part}"] = vectors[rows], labels[rows].astype(np.uint8)
        path = f"data.path={self.folder / 'features.h5'}"
        results = self.run_study(PAPER / "e12_imdb.ini", "grid", path, "train.epochs=2", "measure.every=50",
                                 "study.seeds=0,1")
        with h5py.File(results) as file:
            self.assertEqual(len(file["cells/cell"]), 11)
            self.assertEqual(set(file["pairs/status"][()]), {b"ok"})
            self.assertEqual(len(file["pairs/step"]), 11 * 2 * 2)
        results = self.run_study(PAPER / "e12_imdb_accuracy.ini", "sweep", path, "train.epochs=2")
        with h5py.File(results) as file:
            self.assertEqual(len(file["cells/cell"]), 120)
            self.assertTrue(np.isfinite(file["pairs/test_accuracy_original"][()]).all())

    @unittest.skipUnless(ARCHIVE.exists(), f"no {ARCHIVE}")
    def test_the_real_reviews_to_an_accuracy_above_85_percent_in_one_command(self):
        results = self.run_study(PAPER / "small/e12_imdb.ini", "real", f"data.path={ARCHIVE.resolve()}",
                                 "study.seeds=0", "loss.gamma=0", "train.lr=0.5", "measure.eval_rows=25000",
                                 "measure.every=3126")
        with h5py.File(results) as file:
            pairs = file["pairs"]
            accuracy = pairs["test_accuracy_original"][()]
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"test accuracy {accuracy}, largest process {peak:.0f} MiB")
        self.assertGreater(accuracy.min(), 0.85)

    def test_what_cannot_be_read_is_one_line(self):
        study = PAPER / "small/e12_imdb.ini"
        text = self.folder / "text"
        text.write_text("no archive")
        missing = self.folder / "none"
        for path, reason in ((self.folder, "needs train/neg"), (text, "cut short"), (missing, "cannot be opened")):
            self.assert_refused(support.call(support.PROGRAM, "plan", study, "--set", f"data.path={path}"),
                                f"data.path = {path}", reason)
        archive = write_archive(self.folder / "aclImdb.tar.gz")
        self.assert_refused(support.call(support.PROGRAM, "plan", study, *support.sets(
            [f"data.path={archive}", "data.train_size=1000"])), "data.train_size = 1000: must be in 1..240")


if __name__ == "__main__":
    if h5py is None or support.TORCH is None:
        print("skipped: needs h5py and unroll-worker")
        sys.exit(77)
    unittest.main()
