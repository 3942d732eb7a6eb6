"""Placement changes nothing (DESIGN 4.8): ranks, lanes, the transport, the thread level, and an end by kill -9 with a
second start leave the same results.h5, byte for byte."""
import itertools
import unittest

from support import FULL, ExactTest, column

DIGITS = """
[study]
name = placement
seeds = 0, 1
zip = train.lr, loss.gamma, train.momentum, train.weight_decay
exclude = model.arch=linear & model.activation=tanh
exclude = model.arch=linear & model.activation=silu
exclude = model.arch=linear & model.dtype=float64
exclude = model.activation=tanh & model.dtype=float32
exclude = model.activation=silu & model.dtype=float64
exclude = model.arch=mlp & model.activation=relu & model.dtype=float64
exclude = order.kind=fixed & train.lr=0.1
[data]
dataset = optdigits
train_size = 150
test_size = 40
[model]
arch = linear, mlp
activation = relu, tanh, silu
dtype = float32, float64
hidden = [12 7]
[order]
kind = fixed, shuffled
[pretrain]
epochs = 1
batch = 32
[train]
epochs = 2
batch = 16
lr = 0.02, 0.1
momentum = 0, 0.9
weight_decay = 0, 0.001
[loss]
kind = sd
gamma = 0, 5
[forget]
kind = batch, examples, class
index = 0, 3
[unlearn]
rule = epoch-scaled, grad-list
[measure]
steps = 7, 10
sigma_every = 5
lanczos_steps = 3
hessian = first:8
eval_rows = 20
layers = yes
"""
DIGITS_STEPS_PER_EPOCH = 5  # 75 rows: the last batch has 11

IMAGES = """
[study]
name = placement
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
epochs = 1
batch = 4
[train]
batch = 4
epochs = 2
lr = 0.01
momentum = 0.9
weight_decay = 0.001
[forget]
kind = batch, examples
index = 0, 1
[measure]
steps = 2, 3
lanczos_steps = 2
hessian = first:2
eval_rows = 4
"""


class Placement(ExactTest):
    def setUp(self):
        super().setUp()
        self.study = self.write_study(DIGITS)
        self.num_compared = 0

    def assert_same(self, wanted, folder):
        self.assertEqual(self.digest(folder), wanted, folder.name)
        self.num_compared += 1

    def report(self, what, digest, folder):
        print(f"{what}: {self.num_compared} results.h5 compared, all {digest[:16]}, "
              f"{len(column(folder / 'results.h5', '/pairs/step'))} rows each", flush=True)

    def test_ranks_and_lanes(self):
        first = self.run_study(self.study, "r0", ranks=0, sets=["run.lanes=8"])
        wanted = self.digest(first)
        cases = list(itertools.product((1, 2, 3, 4), (1, 8, 64))) if FULL else [(1, 64), (2, 1), (3, 8), (4, 64)]
        for ranks, lanes in cases:
            with self.subTest(ranks=ranks, lanes=lanes):
                self.assert_same(wanted, self.run_study(self.study, f"r{ranks}-l{lanes}", ranks,
                                                        [f"run.lanes={lanes}"]))
        self.report("ranks 1-4, lanes 1, 8, 64", wanted, first)

    def test_transport_and_thread_level(self):
        first = self.run_study(self.study, "default", 2)
        wanted = self.digest(first)
        cases = {
            "single": dict(env={"UNROLL_MPI_THREADS": "single"}),
            "tcp": dict(mpi=["--mca", "btl", "self,tcp"]),
            "tcp-single": dict(mpi=["--mca", "btl", "self,tcp"], env={"UNROLL_MPI_THREADS": "single"}),
        }
        for name, how in cases.items():
            with self.subTest(name):
                self.assert_same(wanted, self.run_study(self.study, name, 3 if name == "tcp" else 2, **how))
        self.report("TCP only, and one thread in MPI", wanted, first)

    def test_resnet18(self):
        study = self.write_study(IMAGES.format(path=self.cifar()), "images.ini")
        first = self.run_study(study, "r0", ranks=0, sets=["run.lanes=1"])
        wanted = self.digest(first)
        cases = list(itertools.product((1, 2, 3, 4), (1, 2, 4))) if FULL else [(2, 2), (3, 1), (4, 4)]
        for ranks, lanes in cases:
            with self.subTest(ranks=ranks, lanes=lanes):
                self.assert_same(wanted, self.run_study(study, f"r{ranks}-l{lanes}", ranks, [f"run.lanes={lanes}"]))
        self.report("resnet18, ranks 1-4, lanes 1, 2, 4", wanted, first)

    def test_killed_and_started_again(self):
        first = self.run_study(self.study, "whole", 2)
        wanted = self.digest(first)
        for num_shards, ranks, then in ((1, 2, 2), (3, 2, 1), (5, 3, 4)):
            with self.subTest(num_shards=num_shards, ranks=ranks):
                output = f"killed-{num_shards}"
                left = self.kill_when(self.study, output, num_shards, ranks, ["run.lanes=8"])
                self.assertFalse((self.folder / output / "results.h5").exists())
                before = {path.name for path in (self.folder / output / "shards").glob("r*.h5")}
                folder = self.run_study(self.study, output, then)

                self.assert_same(wanted, folder)
                self.assertTrue(before <= {path.name for path in (folder / "shards").glob("r*.h5")})
                print(f"killed with {left} shards on {ranks} ranks, ended on {then}", flush=True)
        self.report("kill -9 and again", wanted, first)

    def test_killed_twice(self):
        wanted = self.digest(self.run_study(self.study, "whole", 2))
        self.kill_when(self.study, "twice", 1, 2, ["run.lanes=8"])
        self.kill_when(self.study, "twice", 4, 2, ["run.lanes=8"])
        self.assert_same(wanted, self.run_study(self.study, "twice", 2))

    def test_a_finished_study_started_again_changes_nothing(self):
        folder = self.run_study(self.study, "finished", 2)
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

        self.run_study(self.study, "finished", 3)

        after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        changed = {path.name for path in before if after.get(path) != before[path]}
        self.assertLessEqual(changed, {"telemetry.h5", "telemetry.h5.sha256"})  # its date
        self.assertEqual([path for path in set(after) - set(before) if path.suffix == ".h5"], [])
        print(f"started again: {len(before) - len(changed)} of {len(before)} files unchanged, {changed or 'none'} new",
              flush=True)


if __name__ == "__main__":
    unittest.main()
