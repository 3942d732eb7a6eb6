"""Losses, weight decay in the loss and the options of departures (src/config/README.md): ranks, lanes, sharing, forks
and a kill with checkpoints leave the same bytes."""
import unittest

import checkpoint_test
import support

STUDY = """
[study]
name = losses
seeds = 0, 1
exclude = loss.kind=hess & loss.sd=mean
exclude = train.l2_in=loss & unlearn.gradient_of=last:5
[data]
dataset = optdigits
train_size = 240
test_size = 30
[model]
arch = mlp
hidden = 12
[pretrain]
epochs = 1
loss = train
[order]
kind = shuffled
[train]
epochs = 6
batch = 16
lr = 0.05
momentum = 0.9
weight_decay = 0.01
l2_in = optimizer, loss
[loss]
kind = sd, hess
gamma = 3
sd = published, mean
gamma_decay = 2
gamma_decay_every = 2
[forget]
kind = examples
index = 3
count = 4
[retrain]
skip = coast
[unlearn]
rule = checkpoint
checkpoint_every = 7
gradient_of = forget, last:5
[measure]
every = 13
sigma_every = 3
lanczos_steps = 4
hessian = first:32
[run]
checkpoint = 1e-9
"""


class Losses(support.ExactTest):
    def test_ranks_lanes_and_sharing(self):
        study = self.write_study(STUDY)
        wanted = self.digest(self.run_study(study, "alone", 1, ["run.lanes=1", "run.checkpoint=0"]))
        for i, (ranks, sets) in enumerate(((1, ["run.lanes=64"]), (2, ["run.lanes=3"]), (3, ["run.share=no"]),
                                           (2, ["run.fork=no"]))):
            with self.subTest(ranks=ranks, sets=sets):
                folder = self.run_study(study, f"other{i}", ranks, [*sets, "run.checkpoint=0"], mpi=["--oversubscribe"])
                self.assertEqual(self.digest(folder), wanted)

    def test_killed_in_training(self):
        study = self.write_study(STUDY)
        wanted = self.digest(self.run_study(study, "undisturbed", 1, ["run.checkpoint=0"]))
        resumed = 0
        for num_saved in (2, 15):
            with self.subTest(num_saved=num_saved):
                folder = checkpoint_test.Checkpoints.kill_when_saved(self, study, f"killed{num_saved}", 1, num_saved)
                self.run_study(study, folder.name, 2, ["run.lanes=2"])
                self.assertEqual(self.digest(folder), wanted)
                resumed += checkpoint_test.Checkpoints.resumed_steps(self, folder)
        print(f"model steps not trained again: {resumed}")
        self.assertGreater(resumed, 0)


if __name__ == "__main__":
    unittest.main()
