"""Methods that follow M step by step (first-order, exact factors) leave the same bytes on any ranks and lanes, and when
they go on from a checkpoint; and what one leaves beside others is what it leaves alone."""
import unittest

import checkpoint_test
import support

STUDY = """
[study]
name = methods
seeds = 0..2
exclude = unlearn.method=first-order & unlearn.rule=final-weights
exclude = unlearn.method=first-order & unlearn.correction=exact
exclude = unlearn.method=none & unlearn.rule=final-weights
exclude = unlearn.method=none & unlearn.correction=exact
exclude = forget.kind=none & forget.index=3
[data]
dataset = optdigits
[model]
arch = mlp
hidden = 16
activation = tanh
[pretrain]
epochs = 2
[order]
kind = shuffled
[train]
steps = 60
batch = 16
lr = 0.02
momentum = 0.9
weight_decay = 0.001
[forget]
kind = batch, class, none
index = 1, 3
[unlearn]
method = single-gradient, first-order, none
rule = epoch-scaled, final-weights
correction = none, exact
[measure]
every = 20
sigma = none
one_hvp = no
[run]
checkpoint = 1e-9
"""

IMAGES = """
[study]
name = methods
seeds = 0
exclude = unlearn.method=first-order & unlearn.correction=exact
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
epochs = 1
batch = 4
[train]
batch = 4
epochs = 2
lr = 0.01
momentum = 0.9
[forget]
kind = batch, examples
index = 0, 1
[unlearn]
method = single-gradient, first-order
correction = none, exact
[measure]
steps = 2, 3
sigma = none
one_hvp = no
outputs = no
"""


class Methods(checkpoint_test.Checkpoints):
    STUDY = STUDY

    def test_ranks_and_lanes(self):
        study, wanted = self.undisturbed()
        for ranks, lanes in ((1, 1), (2, 64), (3, 5)):
            with self.subTest(ranks=ranks, lanes=lanes):
                folder = self.run_study(study, f"r{ranks}-l{lanes}", ranks, [f"run.lanes={lanes}"])
                self.assertEqual(self.digest(folder), wanted)

    def test_resnet18(self):
        study = self.write_study(IMAGES.format(path=self.cifar()))
        wanted = self.digest(self.run_study(study, "alone", 1, ["run.lanes=1"]))
        self.assertEqual(self.digest(self.run_study(study, "side by side", 2, ["run.lanes=4"])), wanted)

    def test_beside_other_methods_a_row_is_what_it_is_alone(self):
        names = ["run_id", "step", "verification_error", "correction_norm", "no_unlearning_distance"]

        def rows(folder):
            return {tuple(row.values()) for row in support.table(folder / "results.h5", "pairs", names)}
        together = rows(self.run_study(self.write_study(STUDY), "together"))
        text = STUDY.replace("method = single-gradient, first-order, none", "method = {}").replace(
            "\nrule = epoch-scaled, final-weights\ncorrection = none, exact", "")
        text = "\n".join(line for line in text.splitlines() if not line.startswith("exclude = unlearn"))
        for method in ("first-order", "none"):
            alone = rows(self.run_study(self.write_study(text.format(method), f"{method}.ini"), method))
            self.assertTrue(alone)
            self.assertLess(alone, together)


if __name__ == "__main__":
    unittest.main()
