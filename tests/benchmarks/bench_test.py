"""The harness computes what it says, and every benchmark runs in tiny (those whose programs are built)."""
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

if any(importlib.util.find_spec(name) is None for name in ("torch", "h5py", "numpy")):
    print("torch, h5py or numpy is not installed: skipped")
    sys.exit(77)

from harness import Result, Spread, Target, alternate, line, ratio_of_rates, ratio_of_seconds  # noqa: E402
from results import Agreement  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent


class Harness(unittest.TestCase):
    def test_a_spread_is_median_smallest_and_largest(self):
        self.assertEqual(Spread.of([3, 1, 2]), Spread(2, 1, 3))
        self.assertEqual(Spread.of([4.0, 1.0, 3.0, 2.0]), Spread(2.5, 1, 4))

    def test_a_ratio_above_one_means_that_ours_is_better(self):
        self.assertEqual(ratio_of_seconds(2.0, 6.0), 3)
        self.assertEqual(ratio_of_rates(6.0, 2.0), 3)

    def test_sides_alternate_and_a_ratio_pairs_neighbours(self):
        calls, ours, theirs = [], iter([1.0, 2.0, 4.0]), iter([10.0, 30.0, 20.0])

        def call(name, figures):
            calls.append(name)
            return next(figures)

        found = alternate(lambda: call("ours", ours), lambda: call("theirs", theirs), 3)

        self.assertEqual(found, ([1, 2, 4], [10, 30, 20], [10, 15, 5]))
        self.assertEqual(calls, ["ours", "theirs", "theirs", "ours", "ours", "theirs"])

    def test_the_median_of_the_ratios_is_not_the_ratio_of_the_medians(self):
        result = Result("n", "w", "s", [1.0, 2.0, 4.0], [10.0, 30.0, 20.0], [10.0, 15.0, 5.0], Target(10))

        record = result.record()

        self.assertEqual(record["ratio_summary"], {"median": 10, "min": 5, "max": 15})
        self.assertEqual(record["ours_summary"]["median"], 2)
        self.assertEqual(record["theirs_summary"]["median"], 20)
        self.assertTrue(record["target_met"])
        self.assertIn("10 [5, 15]", line(result))

    def test_targets_bound_from_either_side_and_may_speak_of_ours(self):
        def met(target, ours=(1.0,), ratios=(2.0,)):
            return Result("n", "w", "s", list(ours), [], list(ratios), target).target_met

        self.assertFalse(met(Target(2.1)))
        self.assertTrue(met(Target(2.0)))
        self.assertFalse(met(Target(1.9, at_least=False)))
        self.assertTrue(met(Target(1.9, at_least=False, of="ours")))
        self.assertIsNone(met(None))

    def test_sides_that_disagree_are_refused(self):
        agreement = Agreement()
        agreement.add("x", 1.0, 1.0)
        agreement.add("x", 1.02, 1.0)

        agreement.require("x", 0.03)

        with self.assertRaisesRegex(RuntimeError, "x: the two sides differ by 0.02"):
            agreement.require("x", 0.01)
        agreement.add("y", float("nan"), 1.0)
        with self.assertRaises(RuntimeError):
            agreement.require("y", 1)

    def test_flops_of_a_step_are_those_of_its_products(self):
        import steps
        import torch

        self.assertEqual(steps.flops_of_step("linear", torch.zeros(1, 768), 8), 2 * (2 * 8 * 768 * 2))
        self.assertEqual(steps.flops_of_step("mlp", torch.zeros(1, 64), 32),
                         2 * 32 * (2 * 64 * 64 + 3 * 64 * 10))
        forward = 555_422_720  # multiply-adds of an image, from the paper's layer table
        first = 64 * 3 * 9 * 32 * 32
        self.assertEqual(steps.flops_of_step("resnet18", torch.zeros(1, 3, 32, 32), 1), 2 * (3 * forward - first))

    def test_the_grid_of_the_resnet_study_has_the_steps_of_the_published_loop(self):
        import study_resnet18

        grid = study_resnet18.Grid(9)

        self.assertEqual((grid.pairs, grid.steps), (45, 285))


class Smoke(unittest.TestCase):
    @unittest.skipUnless("UNROLL_BUILD" in os.environ, "UNROLL_BUILD is not set")
    def test_every_benchmark_runs_in_tiny(self):
        with tempfile.TemporaryDirectory() as folder:
            output = pathlib.Path(folder) / "bench.json"

            done = subprocess.run([sys.executable, HERE / "bench.py", "--smoke", "--build", os.environ["UNROLL_BUILD"],
                                   "--output", output], capture_output=True, text=True, check=False)

            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            print(done.stdout)
            record = json.loads(output.read_text())
        listed = subprocess.run([sys.executable, HERE / "bench.py", "--list"], capture_output=True, text=True,
                                check=True)
        names = {text.split()[1] for text in listed.stdout.splitlines()}
        ran = {result["benchmark"] for result in record["results"]}
        self.assertEqual(ran | set(record["skipped"]), names)
        for reason in record["skipped"].values():
            self.assertRegex(reason, "is not in the build folder|is not installed")
        for result in record["results"]:
            self.assertEqual(len(result["ours"]), 1)
            self.assertGreater(result["ours"][0], 0)


if __name__ == "__main__":
    unittest.main()
