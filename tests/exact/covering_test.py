"""Sharing, forks, the cache, lanes and ranks change nothing (DESIGN 4.8, 5.1), in any combination and for every kind of
model: studies run under a covering array of these switches, in which each pair of values meets at least once, leave the
same results.h5 byte for byte, and their controls are exactly 0.0. UNROLL_EXACT=full runs every combination."""
import itertools
import random
import shutil
import unittest

from support import FULL, ExactTest, table

SMALL = """
[study]
name = covering
seeds = 0, 1
exclude = forget.kind=ghost & forget.index=3
exclude = forget.kind=none & forget.index=3
[data]
dataset = optdigits
train_size = 120
test_size = 30
[model]
arch = {arch}
{model}
[order]
kind = shuffled
[pretrain]
epochs = 1
batch = 16
[train]
epochs = 2
batch = 16
lr = 0.05
momentum = 0.9
weight_decay = 0.001
[loss]
kind = sd
gamma = 0, 5
[forget]
kind = batch, examples, ghost, none
index = 0, 3
[unlearn]
rule = epoch-scaled, final-weights
[measure]
steps = 3, 7
lanczos_steps = 3
hessian = first:8
eval_rows = 20
"""

IMAGES = """
[study]
name = covering
seeds = 0
exclude = forget.kind=none & forget.index=1
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
epochs = 1
lr = 0.01
[forget]
kind = batch, none
index = 0, 1
[measure]
steps = 2
lanczos_steps = 1
hessian = first:2
eval_rows = 4
"""

SWITCHES = {
    "model": ["linear", "mlp", "mlp-float64", "resnet18"],
    "ranks": [1, 2, 3],
    "lanes": [1, 5, 64],
    "share": ["yes", "no"],
    "fork": ["yes", "no"],
    "cache": ["off", "cold", "warm", "damaged"],
}


def covering(switches, seed=1):
    """Rows of values in which every pair of values of two switches meets: greedy, the best of many random rows."""
    names = list(switches)
    open_pairs = {((a, x), (b, y)) for a, b in itertools.combinations(names, 2)
                  for x in switches[a] for y in switches[b]}
    draw = random.Random(seed)
    rows = []
    while open_pairs:
        def met(row):
            return {pair for pair in itertools.combinations([(name, row[name]) for name in names], 2)} & open_pairs
        best = max(({name: draw.choice(switches[name]) for name in names} for _ in range(400)),
                   key=lambda row: len(met(row)))
        if met(best):
            rows.append(best)
            open_pairs -= met(best)
    return rows


def entries(cache):
    return [path for path in cache.rglob("*") if path.is_file() and path.stat().st_size > 500]


class Covering(ExactTest):
    def studies(self):
        texts = {
            "linear": SMALL.format(arch="linear", model=""),
            "mlp": SMALL.format(arch="mlp", model="hidden = [12 7]"),
            "mlp-float64": SMALL.format(arch="mlp", model="hidden = 9\nactivation = tanh\ndtype = float64"),
            "resnet18": IMAGES.format(path=self.cifar()),
        }
        return {name: self.write_study(text, f"{name}.ini") for name, text in texts.items()}

    def cache_of(self, row, studies, name):
        """The words that give a study its cache: empty, filled by an earlier study, or filled and then damaged."""
        if row["cache"] == "off":
            return []
        folder = self.folder / f"cache-{name}"
        if row["cache"] != "cold":
            shutil.copytree(self.filled_cache(row["model"], studies), folder)
        if row["cache"] == "damaged":
            for path in entries(folder):
                data = bytearray(path.read_bytes())
                data[len(data) // 2] ^= 4
                path.write_bytes(data)
        return ["--cache", str(folder)]

    def filled_cache(self, model, studies):
        folder = self.folder / f"filled-{model}"
        if not folder.exists():
            self.run_study(studies[model], f"filling-{model}", words=["--cache", str(folder)])
            self.assertTrue(entries(folder), "the cache holds nothing")
        return folder

    def check_controls(self, folder):
        """Rows of `none` and `ghost` are exactly 0; returns how many there are."""
        file = folder / "results.h5"
        never = {row["run_id"] for row in table(file, "runs", ["run_id", "first_touch"]) if row["first_touch"] == -1}
        controls = [row for row in table(file, "pairs", ["run_id", "no_unlearning_distance"]) if row["run_id"] in never]
        self.assertTrue(controls)
        for row in controls:
            self.assertEqual(row["no_unlearning_distance"], 0.0, row)
        return len(controls)

    def test_every_pair_of_switches(self):
        studies = self.studies()
        rows = [dict(zip(SWITCHES, values)) for values in itertools.product(*SWITCHES.values())] if FULL else \
            covering(SWITCHES)
        wanted, num_controls = {}, 0
        for model, study in studies.items():
            folder = self.run_study(study, f"plain-{model}")
            wanted[model] = self.digest(folder)
            num_controls += self.check_controls(folder)
        for number, row in enumerate(rows):
            with self.subTest(**row):
                words = self.cache_of(row, studies, number)
                sets = [f"run.{name}={row[name]}" for name in ("lanes", "share", "fork")]
                folder = self.run_study(studies[row["model"]], f"case-{number}", row["ranks"], sets, words=words)
                self.assertEqual(self.digest(folder), wanted[row["model"]])
                shutil.rmtree(folder)
        print(f"{len(rows)} combinations of {', '.join(SWITCHES)}: results.h5 byte for byte; "
              f"{num_controls} control rows exactly 0.0", flush=True)

    def test_the_array_covers(self):
        rows = covering(SWITCHES)
        for a, b in itertools.combinations(SWITCHES, 2):
            met = {(row[a], row[b]) for row in rows}
            self.assertEqual(len(met), len(SWITCHES[a]) * len(SWITCHES[b]), (a, b))


if __name__ == "__main__":
    unittest.main()
