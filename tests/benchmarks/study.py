"""Whole studies against the paper's procedure, which trains from w_0 for every forget position and every T."""
import json
import pathlib
import random
import shutil
import statistics
import time

import torch

import eager
from harness import Spread, Target, compare
from programs import Child, Studies, python
from results import Agreement, table

HERE = pathlib.Path(__file__).resolve().parent
STEPS = list(range(30, 121, 10))
RATES = [0.01, 0.02, 0.03, 0.05, 0.1]
NUM_POSITIONS, NUM_SEEDS, BATCH, NUM_HESSIAN_ROWS, NUM_TEST_ROWS = 20, 10, 32, 250, 1797
# What both sides compute, and how far they may be apart at most: rounding; a row or two of 1797.
COMPARED = {"verification_error": 0.02, "distance_from_start": 1e-3, "test_accuracy_original": 2e-3,
            "test_accuracy_retrained": 2e-3, "test_accuracy_unlearned": 2e-3}
# And in the median, where PyHessian's stopping rule decides: it looks at the last change alone, and single points of
# theirs stopped on a plateau 33 % off. Ours is held against an exact reference, to 1e-3 at every one.
COMPARED_IN_THE_MEDIAN = {"sigma": 0.05, "unlearning_error": 0.05, "unlearning_error_published": 0.05}


def exact_sigma(start, lr, steps, batches, rows):
    """|lambda| of the dominant eigenvalue at M in float64, by Lanczos with full reorthogonalisation to the end."""
    net = eager.train(start.double(), [(x.double(), y) for x, y in batches[:steps]], lr)
    hessian = eager.Hessian(net, rows[0].double(), rows[1])
    return torch.linalg.eigvalsh(eager.krylov_matrix(hessian, 60)).abs().max().item()


class Sweep:
    """The optdigits study and a random sample of the procedure's grid."""

    def __init__(self, setting, accuracies):
        self.setting, self.accuracies = setting, accuracies
        sets = ["study.seeds=0", "measure.steps=4, 8", "train.lr=0.1", "forget.index=0, 1",
                "pretrain.epochs=1"] if setting.smoke else []
        sets += ["measure.outputs=yes", f"measure.eval_rows={NUM_TEST_ROWS}"] if accuracies else []
        self.seeds, self.rates = (1, [0.1]) if setting.smoke else (NUM_SEEDS, RATES)
        self.steps, self.positions = ([4, 8], 2) if setting.smoke else (STEPS, NUM_POSITIONS)
        self.studies = Studies(setting, HERE / "optdigits.ini", sets)
        self.random = random.Random(11)
        self.agreement, self.sampled = Agreement(), 0
        self.our_memory, self.their_memory, self.sigma_each = [], [], []

    def learn(self):
        """One run of ours beforehand: its w_0 are where the procedure starts, its rows what must come out."""
        self.studies.run()
        folder = self.studies.output
        cells = {row["cell"]: row for row in table(folder, "cells", ["cell", "train.lr", "forget.index"])}
        self.rows = {}
        for row in table(folder, "pairs", ["cell", "seed", "step", *COMPARED, *COMPARED_IN_THE_MEDIAN]):
            cell = cells[row["cell"]]
            key = (row["seed"], round(cell["train.lr"], 6), row["step"], int(str(cell["forget.index"]).strip("[]")))
            self.rows[key] = row
        pretrained = {run["seed"]: run["pretrain_id"] for run in table(folder, "runs", ["seed", "pretrain_id"])}
        self.starts = {seed: str(folder / "stages" / f"{name}.h5") for seed, name in pretrained.items()}

    def ours(self):
        done = self.studies.run()
        shutil.rmtree(self.studies.output)
        self.our_memory.append(done.peak_mib)
        return done.seconds

    def theirs(self):
        """Seconds of the whole procedure, scaled from a sample: some (seed, lr), each with M at every T and a few k."""
        num_pairs, num_positions = (1, 1) if self.setting.smoke else (4, 6)
        chosen = self.random.sample([(s, lr) for s in range(self.seeds) for lr in self.rates], num_pairs)
        total = {"original": 0.0, "sigma": 0.0, "pair": 0.0}
        with Child(python(), HERE / "procedure.py") as child:
            for seed, lr in chosen:
                points = [[t, k] for t in self.steps for k in self.random.sample(range(self.positions), num_positions)]
                reply = json.loads(child.ask(json.dumps({
                    "arch": "mlp", "start": self.starts[seed], "lr": lr, "batch": BATCH, "hessian": NUM_HESSIAN_ROWS,
                    "accuracies": self.accuracies, "data": str(self.setting.root), "points": points,
                    "originals": self.steps})))
                self.compare(seed, lr, reply)
                total["original"] += sum(reply["original_seconds"].values())
                total["sigma"] += reply["original_seconds"]["sigma"]
                total["pair"] += sum(reply["pair_seconds"].values())
        self.their_memory.append(reply["peak_mib"])
        num_originals = num_pairs * len(self.steps)
        self.sampled += num_originals * num_positions
        all_originals = self.seeds * len(self.rates) * len(self.steps)
        all_pairs = all_originals * self.positions
        seconds = (total["original"] / num_originals * all_originals
                   + total["pair"] / (num_originals * num_positions) * all_pairs + self.seeds * self.pretraining())
        self.sigma_each.append(seconds + total["sigma"] / num_originals * (all_pairs - all_originals))
        return seconds

    def pretraining(self):
        (x, y), _ = eager.optdigits(self.setting.root)
        net, started = eager.Mlp(), time.perf_counter()
        for _ in range(1 if self.setting.smoke else 5):
            rows = torch.randperm(len(y))
            eager.train(net, eager.batches_of(x[rows], y[rows], 64), 0.05)
        return time.perf_counter() - started

    def compare(self, seed, lr, reply):
        points = [(point, point["index"]) for point in reply["pairs"]] + [(point, 0) for point in reply["originals"]]
        for point, index in points:
            row = self.rows[seed, lr, point["step"], index]
            for name in [*COMPARED, *COMPARED_IN_THE_MEDIAN]:
                if name in point:
                    self.agreement.add(name, row[name], point[name])

    def check_sigma(self):
        """Ours against an exact reference at every T, for the smallest and the largest rate."""
        from procedure import load
        (x, y), _ = eager.optdigits(self.setting.root)
        for lr in {self.rates[0], self.rates[-1]}:
            for steps in self.steps:
                exact = exact_sigma(load(eager.Mlp(), self.starts[0]), lr, steps, eager.batches_of(x, y, BATCH),
                                    (x[:NUM_HESSIAN_ROWS], y[:NUM_HESSIAN_ROWS]))
                self.agreement.add("sigma against float64 Lanczos", self.rows[0, lr, steps, 0]["sigma"], exact)


def optdigits(setting, name, accuracies):
    """End to end on one rank: start, data, pretraining, training, measures, results file; the procedure without its
    start."""
    sweep = Sweep(setting, accuracies)
    sweep.learn()
    measures = "every output measure" if accuracies else "errors and sigma"
    result = compare(name, f"unroll run of tests/benchmarks/optdigits.ini, {measures}, one rank, against the paper's "
                     "procedure, scaled from a random sample of its grid", "s", sweep.ours, sweep.theirs,
                     setting.alternations, Target(100))
    sweep.check_sigma()
    for quantity, bound in {**COMPARED, "sigma against float64 Lanczos": 1e-3}.items():
        sweep.agreement.require(quantity, bound)
    for quantity, bound in COMPARED_IN_THE_MEDIAN.items():
        sweep.agreement.require(quantity, bound, of=statistics.median)
    grid = sweep.seeds * len(sweep.rates) * len(sweep.steps) * sweep.positions
    each = [theirs / ours for theirs, ours in zip(sweep.sigma_each, result.ours)]
    result.details = {
        "grid_points": grid, "grid_points_sampled": sweep.sampled, "agreement": sweep.agreement.record(),
        "ratio_if_sigma_is_measured_at_every_grid_point": vars(Spread.of(each)),
        "peak_mib": {"ours": max(sweep.our_memory), "theirs": max(sweep.their_memory)}}
    return [result]


BENCHMARKS = {
    "study.optdigits": lambda setting: optdigits(setting, "study.optdigits", accuracies=False),
    "study.optdigits.outputs": lambda setting: optdigits(setting, "study.optdigits.outputs", accuracies=True),
}
