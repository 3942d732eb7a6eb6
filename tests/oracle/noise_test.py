"""The noise floors against plain PyTorch in double precision: every distance of every comparison group, the medians, the
bootstrap over models and the twin, written again from their definitions (src/plan/README.md, src/store/README.md).

    noise_test.py [-v]      environment: UNROLL_PROGRAM = path of unroll"""
import itertools
import pathlib
import sys
import tempfile
import unittest

try:
    import h5py
    import numpy
    import torch
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

import cases
import methods
import program
import replay
import streams
from problem import Problem, State

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
RELATIVE = 1e-9
ORDERS, INITS = [2, 5, 6, 9], [1, 3, 4]
STEPS = [0, 4, 10]
STUDY = {"study.seeds": "0, 2", "data.dataset": "hdf5", "pretrain.on": "none", "train.epochs": 2, "train.lr": 0.1,
         "measure.steps": STEPS, "measure.sigma": "none", "measure.one_hvp": False, "measure.outputs": False,
         "measure.layers": False, "noise.ulp": True, "noise.repeats": 2, "noise.orders": "2, 5, 6, 9",
         "noise.inits": "1, 3, 4", "noise.at": "measured"}


def initial(cell, data, seed):
    """PyTorch's default initialisation, from the documented draws by (parameter, element)."""
    net = Problem(cell | {"forget.kind": "none"}, data, [[0]], None).net
    values = []
    for place, (name, parameter) in enumerate(net.named_parameters()):
        fan_in = dict(net.named_parameters())[name.rsplit(".", 1)[0] + ".weight"].shape[1]
        draws = streams.uniforms(seed, "init", place, numpy.arange(parameter.numel()))
        values.append(fan_in**-0.5 * (2 * draws - 1))
    return State(torch.from_numpy(numpy.concatenate(values)), torch.zeros(0))


def shuffled_table(num_rows, batch, seed, epochs):
    table = []
    for epoch in range(epochs):
        keys = streams.bits(seed, "order", epoch, numpy.arange(num_rows))
        rows = numpy.argsort(keys, kind="stable").tolist()
        table += [rows[i:i + batch] for i in range(0, num_rows, batch)]
    return table


def fixed_table(num_rows, batch, epochs):
    return epochs * [list(range(i, min(i + batch, num_rows))) for i in range(0, num_rows, batch)]


def median_over(models, distance, counts):
    """Over the pairs of different models, a model that was drawn k times counting k times."""
    values = [distance[a, b] for a, b in itertools.combinations(models, 2) for _ in range(counts[a] * counts[b])]
    return float(numpy.median(values)) if values else None


def bootstrap(models, distance, group_id):
    seed = int(group_id[:16], 16)
    n = len(models)
    medians = []
    for resample in range(1000):
        draws = (streams.bits(seed, "bootstrap over models", resample, numpy.arange(n)) >> 32).astype(object) * n >> 32
        counts = {model: draws.tolist().count(i) for i, model in enumerate(models)}
        medians.append(median_over(models, distance, counts))
    medians = sorted(value for value in medians if value is not None)
    tail = len(medians) // 40
    return medians[tail], medians[-1 - tail]


class Noise(unittest.TestCase):
    def read(self, folder):
        with h5py.File(pathlib.Path(folder) / "results.h5") as file:
            def rows(name):
                columns = {key: c[()] for key, c in file[name].items() if key != "row"}
                size = len(next(iter(columns.values())))
                return [{k: v[i].decode() if isinstance(v[i], bytes) else v[i].item() for k, v in columns.items()}
                        for i in range(size)]
            return {name: rows(name) for name in ("runs", "pairs", "distances", "floors")}

    def near(self, got, wanted, where):
        self.assertLessEqual(abs(got - wanted), RELATIVE * abs(wanted) + 1e-15, f"{where}: {got!r}, not {wanted!r}")
        self.compared += 1

    def problem(self, order, seed, is_own=True):
        """Of M', with everything explicit: a table of batches, and the rows that are forgotten wherever they occur; in
        the run's own order a step is only skipped."""
        skips = is_own and self.cell["forget.kind"] == "step"
        cell = self.cell if skips else self.cell | {"forget.kind": "file", "forget.rows": self.forgotten[seed]}
        return Problem(cell, self.data, order, None)

    def retrained(self, order, seed, init, is_own=True):
        problem = self.problem(order, seed, is_own)
        problem.start = initial(self.cell, self.data, init)
        return replay.retrained(problem, STEPS[-1])

    def models_of(self, seed, kind):
        """(kind, seed) -> states of every member but M''."""
        rows, batch = 40, self.cell["train.batch"]
        own = shuffled_table(rows, batch, seed, 2) if kind == "shuffled" else fixed_table(rows, batch, 2)
        index = self.cell["forget.index"]
        self.forgotten[seed] = sorted(own[index[0]]) if self.cell["forget.kind"] != "class" else [
            row for row, label in enumerate(self.data.y_train.tolist()) if label in index]
        models = {("retrained", -1): self.retrained(own, seed, seed)}
        for number in (1, 2):
            models["repeat", number] = models["retrained", -1]
        for order in ORDERS:
            if (kind, order) != ("shuffled", seed) or self.cell["forget.kind"] == "step":
                models["order", order] = self.retrained(shuffled_table(rows, batch, order, 2), seed, seed, is_own=False)
        for init in INITS:
            models["init", init] = self.retrained(own, seed, init)
        return models, own

    def unlearned(self, seed, own):
        problem = self.problem(own, seed)
        problem.start = initial(self.cell, self.data, seed)
        states = replay.originals(problem, STEPS[-1])
        return {step: replay.unlearned(states, step, methods.correction(problem, states, step)) for step in STEPS}

    def check_order(self, kind, forget="batch"):
        self.compared, self.forgotten = 0, {}
        self.data = cases.make_data(cases.VECTORS)
        settings = STUDY | {"order.kind": kind, "forget.kind": forget, "forget.index": 1}
        self.cell = program.DEFAULTS | {"train.epochs": 2, "train.lr": 0.1, "forget.kind": forget, "forget.index": [1]}
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            settings["data.path"] = program.write_arrays(folder / "data.h5", self.data.arrays)
            study = program.write_study(folder / "study.ini", program.settled(settings, has_table=False))
            program.run(study, folder / "results")
            self.assertFalse((folder / "results" / "weights").exists())
            found = self.read(folder / "results")
        for run in found["runs"]:
            self.check_run(run, found, kind)
        print(f"{kind}, {forget}: {self.compared} numbers", flush=True)

    def check_run(self, run, found, kind):
        models, own = self.models_of(run["seed"], kind)
        final = self.unlearned(run["seed"], own)
        wanted = {step: {} for step in STEPS}
        names = [("unlearned", -1), *models]
        for step in STEPS:
            weights = {name: states[step].weights for name, states in models.items()} | {
                ("unlearned", -1): final[step].weights}
            for a, b in itertools.combinations(names, 2):
                wanted[step][a, b] = float((weights[a] - weights[b]).norm())
        rows = [row for row in found["distances"] if row["run_id"] == run["run_id"]]
        self.assertEqual(len(rows), len(STEPS) * len(wanted[0]))
        for row in rows:
            a, b = row["kind"].split("/")
            self.near(row["distance"], wanted[row["step"]][(a, row["seed_a"]), (b, row["seed_b"])], row)
            self.assertEqual(row["status"], "ok")
            if {a, b} <= {"retrained", "repeat"}:
                self.assertEqual(row["distance"], 0.0)
        for row in (row for row in found["floors"] if row["run_id"] == run["run_id"]):
            self.check_floor(row, run, wanted[row["step"]], names)

    def check_floor(self, row, run, distance, names):
        self.near(row["verification_error"], distance[("unlearned", -1), ("retrained", -1)], row)
        self.assertEqual(row["floor_repeat"], 0.0)
        for family in ("order", "init"):
            has_own = (family, self.cell["forget.kind"]) != ("order", "step")  # there M' keeps the examples
            members = [name for name in names if name[0] == family or (has_own and name[0] == "retrained")]
            self.assertEqual(row[f"num_{family}s"], len(members))
            self.near(row[f"floor_{family}"], median_over(members, distance, {name: 1 for name in members}), row)
            low, high = bootstrap(members, distance, row["group_id"])
            self.near(row[f"floor_{family}_low"], low, row)
            self.near(row[f"floor_{family}_high"], high, row)
        if row["floor_order"] > 0:
            self.near(row["ratio_order"], row["verification_error"] / row["floor_order"], row)
        self.check_twin(row, run)

    def check_twin(self, row, run):
        start = initial(self.cell, self.data, run["seed"]).weights.numpy()
        up = streams.bits(int(run["pretrain_id"][:16], 16), "ulp", 0, numpy.arange(start.size)) & 1
        twin = numpy.nextafter(start, numpy.where(up == 1, numpy.inf, -numpy.inf))
        apart = float(numpy.linalg.norm(twin - start))
        if row["step"] == 0:
            self.near(row["floor_ulp"], apart, row)
            return
        # Afterwards rounding, which is not the same here, is as large as the distance itself.
        self.assertTrue(apart / 10 < row["floor_ulp"] < 100 * apart, row)
        below = row["verification_error"] < 3 * row["floor_ulp"]
        self.assertEqual(row["status"], "below_floor" if below and row["verification_error"] > 0 else
                         row["status"] if row["verification_error"] == 0 else "ok")

    def test_fixed_order(self):
        self.check_order("fixed")

    def test_shuffled_order(self):
        self.check_order("shuffled")

    def test_a_skipped_step(self):
        self.check_order("fixed", "step")
        self.check_order("shuffled", "step")

    def test_a_class(self):
        self.check_order("shuffled", "class")


if __name__ == "__main__":
    unittest.main()
