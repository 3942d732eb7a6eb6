"""Bad inputs, given to the programs as a user would: each is one line on stderr that names the key, its value, the
place and what would do, exit code 2; nothing is started and nothing is left behind; under mpirun no rank hangs."""
import dataclasses
import hashlib
import os
import pathlib
import shutil
import sys
import tempfile
import unittest
import zlib

try:
    import bad_files
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)
from support import MPIEXEC, PROGRAM, TORCH, ProgramTest, call

# A study that runs (the last test proves it); a bad one differs from it in the keys named.
GOOD = {"study.name": "good", "study.seeds": "0", "pretrain.epochs": "1", "train.batch": "32", "train.lr": "0.05",
        "measure.steps": "2", "measure.hessian": "first:64"}
MNIST = {"data.dataset": "mnist"}
CIFAR = {"data.dataset": "cifar10"}
HDF5 = {"data.dataset": "hdf5"}
ORDER = {"order.kind": "file", "train.batch": None, "pretrain.on": "none", "pretrain.epochs": None}
FORGET = {"forget.kind": "file"}


@dataclasses.dataclass
class Bad:
    """The settings that differ from GOOD (None: left out), the last one being the bad one, and words of the message."""
    settings: dict
    words: tuple
    blamed: str = ""  # another key than the last
    worker: bool = False  # only unroll-worker can tell

    def key(self):
        return self.blamed or list(self.settings)[-1]


def bad(settings, *words, **more):
    return Bad(settings, words, **more)


KEYS = [
    bad({"train.lrr": "0.1"}, "unknown key; did you mean train.lr?"),
    bad({"train.lr": "-1"}, "must be a finite number > 0"),
    bad({"train.lr": "nan"}, "must be a finite number > 0"),
    bad({"train.lr": "inf"}, "must be a finite number > 0"),
    bad({"train.lr": "1e999"}, "must be a finite number > 0"),
    bad({"train.lr": "0.1, fast"}, "fast must be a finite number > 0"),
    bad({"train.batch": "0"}, "whole number from 1"),
    bad({"train.epochs": "1.5"}, "whole number from 1"),
    bad({"train.epochs": "99999999999999999999"}, "whole number from 1"),
    bad({"train.momentum": "1"}, "< 1"),
    bad({"train.weight_decay": "-0.1"}, ">= 0"),
    bad({"pretrain.fraction": "1.5"}, "< 1"),
    bad({"model.activation": "gelu"}, "must be one of relu, tanh, silu"),
    bad({"model.dtype": "float16"}, "must be one of float32, float64"),
    bad({"model.hidden": "[64 0]"}, "model.hidden"),
    bad({"data.dataset": "imagenet"}, "must be one of optdigits"),
    bad({"study.seeds": "9..0"}, "must be different whole numbers"),
    bad({"study.seeds": "0, 0"}, "must be different whole numbers"),
    bad({"study.name": "a/b"}, "letters, digits"),
    bad({"train.epochs": "1", "train.steps": "5"}, "cannot be set together with train.epochs"),
    bad({"loss.gamma": "1"}, "would be ignored", "loss.kind = sd"),
    bad({"order.file": "o.h5"}, "would be ignored", "order.kind = file"),
    bad({"train.schedule": "step"}, "needs train.schedule_every"),
    bad({"run.threads": "2"}, "must be 1 with model.arch = linear or mlp"),
    bad({"train.lr": "0.1, 0.2", "train.momentum": "0, 0.5, 0.9", "study.zip": "train.lr, train.momentum"}, "values"),
    bad({"study.exclude": "train.lr=0.05"}, "exclude"),
]
PLANS = [
    bad({"forget.index": "60"}, "there is no batch 60", "so 0 to 59"),
    bad({"forget.kind": "examples", "forget.index": "1911"}, "positions 0 to 1910"),
    bad({"forget.kind": "class", "forget.index": "10"}, "classes 0 to 9"),
    bad({"forget.kind": "step", "forget.index": "60"}, "60 steps, so 0 to 59"),
    bad({"measure.steps": "2, 61"}, "training has 60 steps"),
    bad({"measure.steps": None, "measure.every": "61"}, "training has 60 steps"),
    bad({"measure.hessian": "first:3824"}, "3823 training rows"),
    bad({"pretrain.fraction": "0.9999"}, "3823 training rows"),
    bad({"data.train_size": "3824"}, "must be in 1..3823"),
    bad({"data.mean": "1, 2, 3"}, "must have 1 value for all, or 64"),
    bad({"pretrain.on": "none", "pretrain.epochs": None, "init.file": "init.h5", "study.seeds": "0, 1"},
        "change nothing"),
    bad({"model.arch": "resnet18"}, "needs images"),
    bad({**MNIST, "data.path": "mnist", "model.arch": "vgg19"}, "needs images of 32"),
    bad({"model.hidden": "[65536 65536]", "study.seeds": "0..63", "run.lanes": "64"}, "a rank has", "GB"),
    bad({"train.epochs": "2147483647"}, "steps; at most"),
    bad({"data.dataset": "mnist"}, "needs data.path"),
]
FILES = [
    bad({**MNIST, "data.path": "nowhere"}, "nowhere"),
    bad({**MNIST, "data.path": "init.h5"}, "folder"),
    bad({**MNIST, "data.path": "mnist-magic"}, "magic number 2051", "train-images"),
    bad({**MNIST, "data.path": "mnist-short"}, "has 31375 bytes", "asks for 31376"),
    bad({**MNIST, "data.path": "mnist-long"}, "has 31377 bytes", "asks for 31376"),
    bad({**MNIST, "data.path": "mnist-label"}, "label 10 of row 7", "0..9"),
    bad({**MNIST, "data.path": "mnist-count"}, "39 labels for the 40 images"),
    bad({**MNIST, "data.path": "mnist-size"}, "must be 28 x 28"),
    bad({**MNIST, "data.path": "mnist-gz"}, "train-images-idx3-ubyte.gz"),
    bad({**MNIST, "data.path": "mnist-missing"}, "t10k-labels"),
    bad({**CIFAR, "data.path": "cifar-short"}, "whole number of rows of 3073 bytes"),
    bad({**CIFAR, "data.path": "cifar-label"}, "label 10 of row 1", "0..9"),
    bad({**CIFAR, "data.path": "mnist"}, "data_batch_1.bin"),
    bad({**HDF5, "data.path": "nowhere.h5"}, "no such file"),
    bad({**HDF5, "data.path": "mnist/train-labels-idx1-ubyte"}, "not an HDF5 file"),
    bad({**HDF5, "data.path": "data-cut.h5"}, "not an HDF5 file"),
    bad({**HDF5, "data.path": "data-missing.h5"}, "y_test"),
    bad({**HDF5, "data.path": "data-text.h5"}, "x_train", "uint8, float32 or float64"),
    bad({**HDF5, "data.path": "data-shape.h5"}, "x_test", "row shape of x_train"),
    bad({**HDF5, "data.path": "data-nan.h5"}, "NaN", "row 3"),
    bad({**HDF5, "data.path": "data-label.h5"}, "label -1 in row 2"),
    bad({**ORDER, "order.file": "nowhere.h5"}, "no such file"),
    bad({**ORDER, "order.file": "init.h5"}, "'order'"),
    bad({**ORDER, "order.file": "order-range.h5"}, "step 1", "3823", "0..3822"),
    bad({**ORDER, "order.file": "order-gap.h5"}, "step 0", "-1"),
    bad({**ORDER, "order.file": "order-real.h5"}, "must hold integers"),
    bad({"order.kind": "file", "train.batch": None, "order.file": "order-all.h5"}, "not in the fine-tuning part"),
    bad({**FORGET, "forget.file": "nowhere.h5"}, "no such file"),
    bad({**FORGET, "forget.file": "rows-all.h5"}, "in the pretraining split"),
    bad({**FORGET, "forget.file": "rows-twice.h5"}, "row 5 more than once"),
    bad({**FORGET, "forget.file": "rows-range.h5"}, "holds row 3823", "0..3822"),
    bad({"measure.hessian": "file:rows-range.h5"}, "holds row 3823", "0..3822"),
    bad({"measure.hessian": "file:nowhere.h5"}, "no such file"),
    bad({"init.file": "nowhere.h5"}, "cannot be read: No such file"),
    bad({"init.file": "init-shape.h5"}, "fc1.weight", "[64, 63]", "[64, 64]", worker=True),
    bad({"init.file": "init-type.h5"}, "fc1.weight", "float32 or float64", worker=True),
    bad({"init.file": "init-missing.h5"}, "no dataset fc2.bias", "[10]", worker=True),
    bad({"init.file": "init-nan.h5"}, "fc1.weight", "not finite", worker=True),
    bad({"init.file": "mnist/train-labels-idx1-ubyte"}, "not an HDF5 file"),
    bad({"init.file": "init-bool.h5"}, "'flags' must hold integers of 1 to 8 bytes, float32, float64"),
    bad({**ORDER, "order.file": "order-link.h5"}, "'order' is a soft or external link"),
    bad({**FORGET, "forget.file": "rows-part.h5"}, "'rows' was written in part only: 1 of 5 chunks"),
    bad({"measure.hessian": "file:rows-crash.h5"}, "damaged"),
]
TEXTS = [
    (b"[train]\nlr 0.1\n", "bad.ini:2: lr 0.1: must be key = value"),
    (b"[trian]\nlr = 0.1\n", "bad.ini:1: [trian]: must be a section"),
    (b"[train]\nlr =\n", "bad.ini:2: train.lr: has no value"),
    (b"[train]\nlr = 0.1\nlr = 0.2\n", "bad.ini:3: train.lr = 0.2: was already set at bad.ini:2"),
    (b"[train]\nlr = 0.\x001\n", "bad.ini:2: holds a control character"),
    (b"[study]\nname = \xff\n", "bad.ini:2: is not UTF-8"),
    (b"", "bad.ini: sets no key"),
    (b"# only words\n" * 100000, "bad.ini: is larger than"),
]
OPTIONS = [
    (["--set", "train.lr"], "--set train.lr: must be --set key=value"),
    (["--set", "train.lr=0"], "--set: train.lr = 0: must be a finite number > 0"),
    (["--set", "train.lr=1", "--set", "train.lr=2"], "train.lr = 2: was already set"),
    (["--output", "other"], "--output is given more than once"),
    (["--lanes", "3"], "unknown option --lanes"),
    (["second.ini"], "unexpected word second.ini"),
]
UNDER_MPIRUN = [KEYS[2], PLANS[0], FILES[3], FILES[-6], FILES[-8], FILES[-1]]


class BadInputs(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.files = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.files)
        bad_files.write(cls.files)

    def study(self, settings):
        lines = {key: value for key, value in {**GOOD, **settings}.items() if value is not None}
        (self.files / "bad.ini").write_text("".join(f"{key} = {value}\n" for key, value in lines.items()))
        return list(lines)

    def run_bad(self, *options, env=None, launcher=()):
        return call(*launcher, PROGRAM, "run", "bad.ini", "--output", "results", *options, cwd=self.files, timeout=60,
                    env={**os.environ, **({"UNROLL_TORCH": TORCH} if TORCH else {}), **(env or {})})

    def assert_said(self, text, *words):
        self.assertRegex(text, r"\Aunroll: [^\x00-\x1f\x7f]+\n\Z")
        self.assertNotIn("(unset)", text)
        for word in words:
            self.assertIn(word, text)
        if os.environ.get("UNROLL_SHOW_MESSAGES"):
            print(text, end="")

    def assert_nothing_left(self, before):
        self.assertEqual(sorted(os.listdir(self.files)), before)

    def words_of(self, case):
        keys = self.study(case.settings)
        key = case.key()
        value = case.settings.get(key, GOOD.get(key))
        place = f"bad.ini:{keys.index(key) + 1}: {key}" + ("" if case.words[0].startswith("unknown") else f" = {value}")
        return (place,) + case.words

    def check(self, cases):
        for case in cases:
            with self.subTest(settings=case.settings):
                if case.worker and not TORCH:
                    continue
                words = self.words_of(case)
                before = sorted(os.listdir(self.files))

                result = self.run_bad()

                self.assertEqual((result.returncode, result.stdout), (2, ""), result.stderr)
                self.assert_said(result.stderr, *words)
                self.assert_nothing_left(before)

    def test_values_of_keys(self):
        self.check(KEYS)

    def test_values_that_the_data_judges(self):
        self.check(PLANS)

    def test_files_that_keys_name(self):
        self.check(FILES)

    def test_more_than_forty_are_tried(self):
        self.assertGreater(len(KEYS) + len(PLANS) + len(FILES) + len(TEXTS) + len(OPTIONS), 80)

    def test_texts_that_are_no_study(self):
        for text, words in TEXTS:
            with self.subTest(text=text[:60]):
                (self.files / "bad.ini").write_bytes(text)
                before = sorted(os.listdir(self.files))

                result = self.run_bad()

                self.assertEqual((result.returncode, result.stdout), (2, ""), result.stderr)
                self.assert_said(result.stderr, words)
                self.assert_nothing_left(before)

    def test_a_study_that_is_not_there_or_a_folder(self):
        for study, words in [("none.ini", "No such file"), ("mnist", "is a folder")]:
            result = call(PROGRAM, "run", study, "--output", "results", cwd=self.files)

            self.assertEqual(result.returncode, 2)
            self.assert_said(result.stderr, study, words)

    def test_options_of_the_command_line(self):
        self.study({})
        before = sorted(os.listdir(self.files))
        for options, words in OPTIONS:
            with self.subTest(options=options):
                result = self.run_bad(*options)

                self.assertEqual((result.returncode, result.stdout), (2, ""), result.stderr)
                self.assert_said(result.stderr, words)
                self.assert_nothing_left(before)

    def test_folders_that_cannot_be_written(self):
        self.study({})
        os.symlink("nothing", self.files / "dead")
        self.addCleanup(os.remove, self.files / "dead")
        for folder, words in [("bad.ini/below", "is a file, not a folder"), ("dead/below", "link to nothing"),
                              ("/proc/results", "/proc cannot be written"), ("x" * 300, "name too long"),
                              ("", "is empty")]:
            with self.subTest(folder=folder):
                result = call(PROGRAM, "run", "bad.ini", "--output", folder, cwd=self.files)

                self.assertEqual((result.returncode, result.stdout), (2, ""), result.stderr)
                self.assert_said(result.stderr.replace("File name", "name"), "--output = ", words, "give a folder")

    @unittest.skipUnless(TORCH, "built without LibTorch")
    def test_libtorch_that_is_not_there_or_another(self):
        self.study({})
        other = self.files / "torch"
        (other / "lib").mkdir(parents=True)
        self.addCleanup(shutil.rmtree, other)
        (other / "lib/libtorch_cpu.so").touch()
        (other / "version.py").write_text("__version__ = '1.13.1'\n")
        before = sorted(os.listdir(self.files))
        for value, words in [("/nowhere", "give the folder of LibTorch"), (str(other), "is LibTorch 1.13.1")]:
            result = self.run_bad(env={"UNROLL_TORCH": value})

            self.assertEqual(result.returncode, 2)
            self.assert_said(result.stderr, f"UNROLL_TORCH = {value}", words)
            self.assert_nothing_left(before)

    @unittest.skipUnless(TORCH, "built without LibTorch")
    def test_a_thread_level_that_is_none(self):
        self.study({})
        before = sorted(os.listdir(self.files))
        for launcher in [(), (MPIEXEC, "-n", "2")]:
            result = self.run_bad(env={"UNROLL_MPI_THREADS": "bogus"}, launcher=launcher)

            said = [line for line in result.stderr.splitlines(True) if line.startswith("unroll: ")]
            self.assertEqual((result.returncode, len(said)), (2, 1), result.stderr)
            self.assert_said(said[0], "UNROLL_MPI_THREADS = bogus", "single, funneled, serialized or multiple")
            self.assert_nothing_left(before)

    def test_under_mpirun_it_is_said_once_and_no_rank_hangs(self):
        for case in UNDER_MPIRUN:
            with self.subTest(settings=case.settings):
                if case.worker and not TORCH:
                    continue
                words = self.words_of(case)
                before = sorted(os.listdir(self.files))

                result = self.run_bad(launcher=(MPIEXEC, "-n", "2"))

                said = [line for line in result.stderr.splitlines(True) if line.startswith("unroll: ")]
                self.assertEqual((result.returncode, len(said)), (2, 1), result.stderr)
                self.assert_said(said[0], *words)
                self.assert_nothing_left(before)

    @unittest.skipUnless(TORCH, "built without LibTorch")
    def test_a_folder_of_results_that_does_not_fit_stays_as_it_is(self):
        self.study({})
        self.addCleanup(shutil.rmtree, self.files / "results")
        good = self.run_bad()
        self.assertEqual(good.returncode, 0, good.stderr)  # GOOD is good: what is refused above is refused for its fault
        plan = (self.files / "results/plan.txt").read_bytes()
        for settings, texts, words in [
            ({"train.lr": "0.06"}, {}, ["another study", "train.lr: 0.05 -> 0.06", "--extend"]),
            ({"study.seeds": "0, 1"}, {}, ["another study", "study.seeds: 0 -> 0, 1"]),
            ({"train.lr": "0.06"}, {"plan.txt": plan[:20]}, ["plan.txt: is damaged", "is of another study"]),
            ({"train.lr": "0.06"}, {"plan.txt": b"\0" * 100}, ["plan.txt: is damaged", "without --extend"]),
            ({"train.lr": "0.06"}, {"numerics.txt": b""}, ["numerics.txt: is damaged", "is of another study"]),
            ({}, {"numerics.txt": sealed(b"unroll-numerics 2\nunroll=0;isa=none\n")}, ["other numerics", "isa=none"]),
        ]:
            with self.subTest(settings=settings, texts=texts):
                self.study(settings)
                kept = {name: (self.files / "results" / name).read_bytes() for name in texts}
                for name, text in texts.items():
                    (self.files / "results" / name).write_bytes(text)
                before = hashes(self.files / "results")

                result = self.run_bad()

                self.assertEqual((result.returncode, result.stdout), (2, ""), result.stderr)
                self.assert_said(result.stderr, "results", *words)
                self.assertEqual(hashes(self.files / "results"), before)
                for name, text in kept.items():
                    (self.files / "results" / name).write_bytes(text)


def sealed(text):
    return text + b"crc32=%08x\n" % zlib.crc32(text)


def hashes(folder):
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


if __name__ == "__main__":
    unittest.main()
