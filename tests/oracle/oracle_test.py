"""The program's numbers against plain PyTorch in double precision: every column of /pairs and /layers, and those of
/runs and /curves that say something of the training, on every study in cases.py. Nothing is shared with the program:
networks, optimiser, batches, methods, Hessians, estimates and metrics are written again from their definitions.

    oracle_test.py [-v] [OracleTest.test_NAME ...]      environment: UNROLL_PROGRAM = path of unroll"""
import math
import pathlib
import sys
import tempfile
import unittest

try:
    import h5py  # noqa: F401
    import numpy
    import torch
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

import cases
import program
from problem import Problem, State
from rows import Rows

RELATIVE = 1e-9
# What double precision leaves of numbers that are small differences of large ones, or 0 in exact arithmetic.
ABSOLUTE = {"fraction_left": 1e-12, "relative_error": 1e-13, "one_hvp_proxy": 1e-15, "kl": 1e-15, "js": 1e-15,
            "logits_l2": 1e-13, "lambda_min": 1e-11, "sigma_residual": 1e-8,
            "verification_error": 1e-13, "no_unlearning_distance": 1e-13, "residual": 1e-8}
HESSIAN_ROWS = [2, 5, 11, 30, 31]  # of measure.hessian = file
PLACE = {"run_id", "cell", "seed", "undefined"}


def floor_of(name):
    return max((value for key, value in ABSOLUTE.items() if name.endswith(key) or name.startswith(key)), default=0)


class OracleTest(unittest.TestCase):
    def check_columns(self, found, expected, where):
        self.assertEqual(set(found), set(expected), where)
        for name, value in expected.items():
            got, place = found[name], f"{where}: {name}"
            if value is None:
                self.assertTrue(math.isnan(got), f"{place} is {got}, should be NaN")
            elif isinstance(value, float):
                off, scale = abs(got - value), max(abs(value), abs(got))
                if not off <= RELATIVE * scale + floor_of(name):
                    self.misses.append(f"{place} is {got!r}, should be {value!r}")
                if off > 0 and scale > floor_of(name) / RELATIVE:
                    self.worst = max(self.worst, (off / scale, name))
                self.compared += 1
            else:
                self.assertEqual(got, value, place)

    def test_the_one_HVP_proxy_is_the_verification_error_to_leading_order(self):
        """With one batch at every step H is exact, and skipping an early, middle or late step must come to the same."""
        batch = [1, 5, 9, 14, 20, 33]
        data = cases.make_data(cases.VECTORS)
        settings = {"train.lr": 1e-4, "forget.kind": "step", "forget.index": program.Axis([[0], [4], [8]]),
                    "measure.hessian": program.Axis(["file:HESSIAN"]), "measure.layers": False}
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            _, arrays = start_of(program.DEFAULTS, data)
            files = {"data.path": program.write_arrays(folder / "data.h5", data.arrays),
                     "init.file": program.write_arrays(folder / "init.h5", arrays),
                     "order.file": program.write_table(folder / "order.h5", [batch] * 9)}
            self.run_study(settings, files, folder, hessian_rows=batch)
            pairs = program.tables(folder / "results")["pairs"]
        self.assertEqual(len(pairs), 3)
        for row in pairs:
            self.assertAlmostEqual(row["one_hvp_proxy"] / row["verification_error"], 1, delta=2e-3)
            self.assertAlmostEqual(row["one_hvp_proxy"] / pairs[0]["one_hvp_proxy"], 1, delta=2e-3)

    def check_case(self, name):
        self.misses, self.worst, self.compared = [], (0.0, ""), 0
        data_name, num_batches, settings = cases.CASES[name]
        data = cases.make_data(data_name)
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            files = {"data.path": program.write_arrays(folder / "data.h5", data.arrays)}
            size = 3 if data_name in (cases.IMAGES, cases.WIDE) else 6
            table = None
            if num_batches:
                table = cases.make_table(len(data.y_train), num_batches, size, short=1 if size > 3 else 0)
            if table and size == 3:
                table[0] = table[1][::-1]  # BatchNorm needs two rows wherever one is forgotten
            if table:
                files["order.file"] = program.write_table(folder / "order.h5", table)
            cells = program.cells_of(program.settled(settings, table is not None))
            start, arrays = start_of(cells[0], data)
            files["init.file"] = program.write_arrays(folder / "init.h5", arrays)
            self.run_study(settings, files, folder)
            found = program.tables(folder / "results")
            self.assertEqual([c["cell"] for c in found["cells"]], list(range(len(cells))))
            originals = {}  # M and its spectra, shared by the cells that differ in what is forgotten only
            for index, cell in enumerate(cells):
                cell["measure.hessian_rows"] = HESSIAN_ROWS
                key = repr([item for item in cell.items() if not item[0].startswith(("forget", "retrain", "unlearn"))])
                rows = Rows(Problem(cell, data, table, start), originals.get(key))
                originals[key] = rows.original
                self.check_cell(found, index, rows, folder / "results")
        print(f"{name}: {len(cells)} cells, {self.compared} reals, worst {self.worst[0]:.1e} {self.worst[1]}")
        self.assertFalse(self.misses, "\n" + "\n".join(self.misses[:40]) + f"\n{len(self.misses)} in all")

    def run_study(self, settings, files, folder, hessian_rows=tuple(HESSIAN_ROWS)):
        study = {"study.name": "oracle", "study.seeds": 0, "data.dataset": "hdf5", "data.path": files["data.path"],
                 "init.file": files["init.file"], "pretrain.on": "none"}
        if "order.file" in files:
            study |= {"order.kind": "file", "order.file": files["order.file"]}
        else:
            study |= {"order.kind": "fixed"}
        study |= program.settled(settings, "order.file" in files)
        if "forget.rows" in study:
            study["forget.file"] = program.write_arrays(folder / "forget.h5", {"rows": study.pop("forget.rows")})
        listed = program.write_arrays(folder / "hessian.h5", {"rows": hessian_rows})
        if "HESSIAN" in str(study.get("measure.hessian", "")):
            study["measure.hessian"] = program.Axis(
                [v.replace("HESSIAN", listed) for v in study["measure.hessian"]])
        study |= {"output.weights": "final", "output.logits": "yes"}
        program.run(program.write_study(folder / "study.ini", study), folder / "results")

    def check_cell(self, found, index, expected, results):
        pairs = [row for row in found["pairs"] if row["cell"] == index]
        run = next(row for row in found["runs"] if row["cell"] == index)
        self.assertEqual([row["step"] for row in pairs], expected.steps)
        for row in pairs:
            where = f"cell {index}, step {row['step']}"
            values = expected.pair(row["step"])
            self.check_columns({k: v for k, v in row.items() if k not in PLACE}, values, where)
            self.check_reasons(row, where)
            layers = [r for r in found.get("layers", []) if (r["run_id"], r["step"]) == (row["run_id"], row["step"])]
            wanted = expected.layers(row["step"]) if expected.cell["measure.layers"] else []
            self.assertEqual(len(layers), len(wanted), where)
            for layer, values in zip(layers, wanted):
                self.check_columns({k: v for k, v in layer.items() if k != "run_id"}, values,
                                   f"{where}, {values['layer']}")
        self.check_run(run, expected)
        self.check_curves(found, run, expected)
        self.check_arrays(run, expected, results)

    def check_reasons(self, row, where):
        undefined = any(isinstance(v, float) and math.isnan(v) for v in row.values())
        self.assertEqual(bool(row["undefined"]), undefined, f"{where}: {row['undefined']}")

    def check_run(self, run, expected):
        problem = expected.problem
        kind = expected.cell["forget.kind"]
        forgotten = problem.batch(expected.cell["forget.index"][0]) if kind == "step" else problem.forgotten
        touched = problem.touched(problem.num_steps)
        self.assertEqual(run["num_forgotten"], expected.cell["forget.count"] if kind == "ghost" else len(forgotten))
        self.assertEqual(run["first_touch"], touched[0] if touched else -1)
        self.assertEqual(run["exact_retrain"], 0 if kind == "step" else 1)
        self.assertEqual((run["w0_saw_forget"], run["status"], run["reason"]), (0, "ok", ""))

    def check_curves(self, found, run, expected):
        if not expected.track:
            return
        curves = [row for row in found["curves"] if row["original_id"] == run["original_id"]]
        measures = {row["measure_id"] for row in curves}
        for row in curves:
            spectrum = expected.track.at(row["step"]) if len(measures) == 1 else None
            if spectrum:
                numbers = {"lambda_max": spectrum.high, "lambda_min": spectrum.low, "sigma": abs(spectrum.dominant),
                           "residual": spectrum.residual}
                values = {k: None if math.isnan(v) else v for k, v in numbers.items()}
                moved = expected.m[row["step"]].weights - expected.start.weights
                values |= {"num_hvp": spectrum.products, "converged": spectrum.converged, "step": row["step"],
                           "distance_from_start": float(moved.norm())}
                self.check_columns({k: v for k, v in row.items() if not k.endswith("_id")}, values,
                                   f"curve, step {row['step']}")

    def check_arrays(self, run, expected, results):
        """The weights and logits that the run left at its last step."""
        last = expected.steps[-1]
        change = expected.correction(last)
        left = expected.left[last]
        states = {f"original-{run['original_id']}": expected.m[last],
                  f"retrained-{run['retrained_id']}": expected.m_prime[last],
                  f"unlearned-{run['run_id']}": State(left.weights + change, left.buffers)}
        for name, state in states.items():
            arrays = program.arrays(results / "weights" / f"{name}-t{last}.h5")
            wanted = expected.problem.load(state).state_dict()
            for key, value in wanted.items():
                if not key.endswith("num_batches_tracked"):
                    numpy.testing.assert_allclose(arrays[key], value.numpy(), rtol=RELATIVE, atol=1e-12)
        arrays = program.arrays(results / "logits" / f"{run['run_id']}.h5")
        for part in ("forget", "retain", "test"):
            x, _, rows = expected.evaluated(part, last)
            self.assertEqual(arrays[f"{part}_rows"].tolist(), rows)
            for name, state in zip(("original", "retrained", "unlearned"), [left, *list(states.values())[1:]]):
                if rows:
                    numpy.testing.assert_allclose(arrays[f"t{last}.{name}.{part}"],
                                                  expected.logits(state, x[rows]).numpy(), rtol=RELATIVE, atol=1e-11)


def start_of(cell, data):
    """w_0 and the arrays of init.file: PyTorch's own initialisation, but no trivial BatchNorm statistics."""
    torch.manual_seed(3)
    problem = Problem(cell | {"forget.kind": "none"}, data, [[0, 1]], None)
    state = problem.state()
    start = State(state.weights, state.buffers + 0.1 + torch.rand(len(state.buffers), dtype=torch.float64))
    names = problem.load(start).state_dict()
    return start, {k: v.numpy() for k, v in names.items() if not k.endswith("num_batches_tracked")}


def add_tests():
    for name in cases.CASES:
        def test(self, name=name):
            self.check_case(name)
        setattr(OracleTest, "test_" + name.replace(" ", "_").replace(",", "").replace("'", ""), test)


add_tests()

if __name__ == "__main__":
    torch.set_num_threads(1)
    unittest.main()
