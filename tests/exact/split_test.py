"""One tree divided by its forks (DESIGN 5.1): parts on any number of ranks, and runs of a tree that an earlier attempt
on another number of ranks had finished, leave the same results.h5, byte for byte; and every run is done once."""
import shutil
import unittest

from support import ExactTest, column, table

TREE = """
[study]
name = one-tree
seeds = 0
exclude = forget.kind=none & forget.index=1
exclude = forget.kind=none & forget.index=2
exclude = forget.kind=none & forget.index=3
exclude = forget.kind=ghost & forget.index=1
exclude = forget.kind=ghost & forget.index=2
exclude = forget.kind=ghost & forget.index=3
exclude = forget.kind=none & retrain.kind=fresh
exclude = forget.kind=ghost & retrain.kind=fresh
[data]
dataset = optdigits
train_size = 400
test_size = 40
[model]
arch = mlp
hidden = 12
[order]
kind = shuffled
[pretrain]
epochs = 1
batch = 32
[train]
steps = 60
batch = 16
lr = 0.05
momentum = 0.9
[forget]
kind = batch, examples, none, ghost
index = 0, 1, 2, 3
[retrain]
kind = coupled, fresh
[unlearn]
rule = epoch-scaled, grad-list
[measure]
steps = 20, 45, 60
sigma_every = 30
lanczos_steps = 4
hessian = first:16
eval_rows = 20
layers = yes
[output]
weights = final
"""
NUM_FORKS = 18  # 2 kinds x 4 indices x (coupled, fresh), none, ghost


def journal(folder):
    """The runs of each shard, by its file name."""
    shards = {}
    for log in (folder / "journal").glob("*.log"):
        for line in log.read_text().splitlines():
            words = line.split(" ")
            if words[0] == "shard":
                shards[words[1]] = [] if words[4] == "-" else words[4].split(",")
    return shards


class Split(ExactTest):
    def setUp(self):
        super().setUp()
        self.study = self.write_study(TREE)

    def parts(self, folder):
        return [row for row in table(folder / "telemetry.h5", "items", ["item_id", "kind", "rank"])
                if row["kind"] == "tree"]

    def runs_done(self, folder):
        """Of all shards that are there, with repetitions."""
        there = {path.name for path in (folder / "shards").glob("r*.h5")}
        return [run for name, runs in journal(folder).items() if name in there for run in runs]

    def test_ranks_and_resumes(self):
        whole = self.run_study(self.study, "whole", ranks=1)
        wanted = self.digest(whole)
        runs = column(whole / "results.h5", "/runs/run_id")
        self.assertEqual(len(runs), 2 * NUM_FORKS)
        self.assertEqual(len(set(column(whole / "results.h5", "/runs/original_id"))), 1)
        self.assertEqual(len(set(column(whole / "results.h5", "/runs/retrained_id"))), NUM_FORKS)
        self.assertEqual(len(self.parts(whole)), 1)
        weights = {path.name: path.read_bytes() for path in (whole / "weights").iterdir()}

        for ranks in (2, 3):
            with self.subTest(ranks=ranks):
                folder = self.run_study(self.study, f"r{ranks}", ranks)
                self.assertEqual(self.digest(folder), wanted)
                self.assertGreater(len(self.parts(folder)), 1)
                self.assertEqual(sorted(self.runs_done(folder)), sorted(runs))
                self.assertEqual({path.name: path.read_bytes() for path in (folder / "weights").iterdir()}, weights)

        for ranks, then in ((2, 3), (3, 2), (3, 1), (2, 1), (1, 3)):
            with self.subTest(ranks=ranks, then=then):
                self.check_resume(wanted, runs, ranks, then)
        print(f"one tree of {NUM_FORKS} forks on 1, 2, 3 ranks, resumed on others: all {wanted[:16]}", flush=True)

    def check_resume(self, wanted, runs, ranks, then):
        """All but one shard of runs are lost, as if the job had ended before they were committed."""
        folder = self.folder / f"lost-{ranks}-{then}"
        shutil.copytree(self.folder / ("whole" if ranks == 1 else f"r{ranks}"), folder)
        with_runs = sorted(name for name, ids in journal(folder).items() if ids)
        for name in with_runs[1:] if ranks > 1 else with_runs:
            (folder / "shards" / name).unlink()
        for name in ("results.h5", "results.h5.sha256", "telemetry.h5"):
            (folder / name).unlink()
        kept = set(self.runs_done(folder))
        self.assertEqual(len(kept) > 0, ranks > 1)

        self.run_study(self.study, folder.name, then)

        self.assertEqual(self.digest(folder), wanted)
        self.assertEqual(sorted(self.runs_done(folder)), sorted(runs))

    def test_controls_of_a_divided_tree(self):
        folder = self.run_study(self.study, "controls", ranks=3)

        kinds = column(folder / "results.h5", "/cells/forget.kind")
        pairs = table(folder / "results.h5", "pairs", ["cell", "no_unlearning_distance", "verification_error"])
        controls = [row for row in pairs if kinds[row["cell"]] in ("none", "ghost")]
        self.assertEqual(len(controls), 2 * 2 * 3)
        for row in controls:
            self.assertEqual((row["no_unlearning_distance"], row["verification_error"]), (0.0, 0.0), row)
        self.assertGreater(len(self.parts(folder)), 1)

    def test_killed_and_started_again(self):
        sets = ["train.steps=2000", "measure.steps=500, 1000, 2000", "output.weights=none"]
        wanted = self.digest(self.run_study(self.study, "whole", 2, sets))
        left = self.kill_when(self.study, "killed", 3, 3, sets)
        folder = self.run_study(self.study, "killed", 2, sets)

        self.assertEqual(self.digest(folder), wanted)
        print(f"killed with {left} shards on 3 ranks, ended on 2", flush=True)


if __name__ == "__main__":
    unittest.main()
