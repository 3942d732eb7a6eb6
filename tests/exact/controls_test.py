"""Nothing forgotten, nothing lost (DESIGN 4.7), in the programs: the controls `none` and `ghost` are exactly zero with
M' really trained again, on another rank where there is one; a skipped step is not."""
import hashlib
import unittest

from support import FULL, ExactTest, column, table

DIGITS = """
[study]
name = controls
seeds = 0, 1
exclude = model.arch=linear & model.activation=tanh
exclude = model.activation=tanh & model.dtype=float32
[data]
dataset = optdigits
train_size = 200
test_size = 40
[model]
arch = linear, mlp
activation = relu, tanh
dtype = float32, float64
hidden = 16
[order]
kind = shuffled
[pretrain]
epochs = 1
[train]
batch = 16
epochs = 2
lr = 0.05
momentum = 0, 0.9
weight_decay = 0.001
[loss]
kind = sd
gamma = 5
[measure]
steps = 3, 14
lanczos_steps = 4
hessian = first:16
"""

IMAGES = """
[study]
name = controls
seeds = 0
[data]
dataset = cifar10
path = {path}
train_size = 14
test_size = 8
[model]
arch = {arch}
[order]
kind = shuffled
[pretrain]
epochs = 1
batch = 4
[train]
batch = 4
epochs = 2
lr = 0.01
momentum = 0.9
weight_decay = 0.001
[loss]
kind = sd
gamma = 5
[measure]
steps = 4
lanczos_steps = 2
hessian = first:4
eval_rows = 8
"""

NONE = ["forget.kind=none"]
GHOST = ["forget.kind=ghost", "forget.count=3"]
STEP = ["forget.kind=step", "forget.index=1"]
DISTANCES = ["verification_error", "no_unlearning_distance", "verification_error_with_buffers",
             "no_unlearning_distance_with_buffers"]


class Controls(ExactTest):
    def assert_nothing_lost(self, folder):
        rows = table(folder / "results.h5", "pairs", [*DISTANCES, "distance_from_start", "status"])
        for row in rows:
            for name in DISTANCES:
                self.assertEqual(row[name].hex(), "0x0.0p+0", row)
            self.assertGreater(row["distance_from_start"], 0)
            self.assertEqual(row["status"], "ok")
        self.assertGreater(len(rows), 0)
        return len(rows)

    def telemetry(self, folder):
        return table(folder / "telemetry.h5", "items", ["item_id", "kind", "rank", "model_steps"])

    def check_none(self, study, num_steps):
        folder = self.run_study(study, "none", ranks=2, sets=NONE)

        num_rows = self.assert_nothing_lost(folder)
        items = self.telemetry(folder)
        repeats = {row["item_id"]: row for row in items if row["kind"] == "repeat"}
        trees = [row for row in items if row["kind"] == "tree"]
        self.assertEqual(len(repeats), len(trees))
        for tree in trees:
            repeat = repeats[hashlib.sha256(("repeat of " + tree["item_id"]).encode()).hexdigest()]
            self.assertNotEqual(repeat["rank"], tree["rank"])
            self.assertEqual(repeat["model_steps"], num_steps)
            self.assertEqual(tree["model_steps"], num_steps)
        print(f"none: {num_rows} rows exactly 0.0, {len(trees)} repeats on the other rank", flush=True)

    def check_ghost(self, study, num_steps):
        folder = self.run_study(study, "ghost", ranks=2, sets=GHOST)

        num_rows = self.assert_nothing_lost(folder)
        trees = [row for row in self.telemetry(folder) if row["kind"] == "tree"]
        for tree in trees:
            self.assertEqual(tree["model_steps"], 2 * num_steps)
        print(f"ghost: {num_rows} rows exactly 0.0, {len(trees)} trees trained M and M'", flush=True)

    def check_step(self, study):
        folder = self.run_study(study, "step", ranks=2, sets=STEP)

        results = folder / "results.h5"
        for name in DISTANCES:
            values = column(results, f"/pairs/{name}")
            self.assertGreater(min(values), 0, name)
        self.assertEqual(set(column(results, "/runs/exact_retrain")), {0})
        print(f"step: {len(values)} rows more than 0", flush=True)

    def check_all(self, text, num_steps):
        study = self.write_study(text)
        self.check_none(study, num_steps)
        self.check_ghost(study, num_steps)
        self.check_step(study)

    def test_digits(self):
        self.check_all(DIGITS, 14)

    def test_resnet18(self):
        self.check_all(IMAGES.format(arch="resnet18", path=self.cifar()), 4)

    def test_vgg19(self):
        self.check_all(IMAGES.format(arch="vgg19", path=self.cifar()), 4)

    @unittest.skipUnless(FULL, "slow")
    def test_frozen_statistics_and_float64(self):
        for arch in ("resnet18", "vgg19"):
            for more in ("batchnorm = frozen", "dtype = float64", "activation = silu"):
                text = IMAGES.format(arch=arch, path=self.cifar()).replace("[order]", more + "\n[order]")
                with self.subTest(arch=arch, more=more):
                    study = self.write_study(text, f"{arch}-{more.split()[0]}.ini")
                    folder = self.run_study(study, f"{arch}-{more.split()[0]}", ranks=2, sets=NONE)
                    self.assert_nothing_lost(folder)


if __name__ == "__main__":
    unittest.main()
