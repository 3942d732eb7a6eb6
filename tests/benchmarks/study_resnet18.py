"""ResNet-18 on CIFAR-10, every (T, k) with k < T <= 9: our whole study against the procedure's counts of single steps,
Hessian products and measurements, each timed right after ours."""
import json
import pathlib
import shutil
import time

import h5py
import torch

import eager
from harness import Target, compare
from programs import Child, Studies, python
from results import Agreement, table

HERE = pathlib.Path(__file__).resolve().parent
LAST, BATCH, HESSIAN_ROWS, LR = 9, 32, 250, 0.01
SIGMA_ERROR = 1e-3  # relative
EXACT_PRODUCTS = 18  # of the reference's sigma, by Lanczos to the end: its last one moves it by less than 1e-5


class Grid:
    """All (T, k) with k < T <= last."""

    def __init__(self, last):
        self.last = last
        self.pairs = last * (last + 1) // 2
        self.steps = sum(t for t in range(1, last + 1)) + sum(t * (t - 1) for t in range(1, last + 1))  # M, M'


class Bench:
    def __init__(self, setting, sigma):
        self.setting, self.sigma = setting, sigma
        self.batch, self.rows = (2, 2) if setting.smoke else (BATCH, HESSIAN_ROWS)
        self.grid = Grid(2 if setting.smoke else LAST)
        torch.manual_seed(5)
        self.start = eager.resnet18()
        self.start_file = setting.temp / "resnet18-start.h5"
        with h5py.File(self.start_file, "w") as file:
            for name, value in self.start.state_dict().items():
                if not name.endswith("num_batches_tracked"):
                    file[name] = value.numpy()
        self.sets = [f"data.path={setting.cifar10()}", f"init.file={self.start_file}"]
        if setting.smoke:
            self.sets += [f"train.batch={self.batch}", "data.train_size=4", "data.test_size=2"]
        sets = [*self.sets, f"measure.sigma={sigma}"]
        if sigma != "none":
            sets += [f"measure.hessian=first:{self.rows}", "measure.sigma_mode=eval", "measure.sigma_every=1",
                     "measure.warm_start=yes", f"measure.lanczos_tolerance={SIGMA_ERROR}"]
        if setting.smoke:
            sets += ["train.steps=2", "measure.steps=1, 2", "forget.index=0, 1"]
            sets += ["measure.lanczos_steps=2"] if sigma == "lanczos" else []
        self.studies = Studies(setting, HERE / "resnet18.ini", sets)
        self.x, self.y = eager.cifar10(setting.cifar10(), 4 if setting.smoke else 320)
        self.batches = eager.batches_of(self.x, self.y, self.batch)
        self.our_memory, self.products, self.exact, self.parts = [], [], [], []
        self.learned = None  # seconds of learn()'s run: with sigma it takes half an hour, and counts as the first

    def ours(self):
        if self.sigma != "none" and self.learned is not None:
            seconds, self.learned = self.learned, None
            return seconds
        done = self.studies.run()
        self.our_memory.append(done.peak_mib)
        self.output = self.studies.output
        return done.seconds

    def theirs(self):
        """Seconds of the procedure: 285 steps, a sigma a T, a gradient at w_0 and a distance a (T, k)."""
        count = 1 if self.setting.smoke else 5
        net = eager.resnet18()
        eager.train(net, self.batches[:1], LR)  # warm
        step = self.timed(lambda: eager.train(net, self.batches[:count], LR)) / count
        weights = eager.flat(net), eager.flat(self.start)
        distance = self.timed(lambda: (weights[0].double() - weights[1].double()).norm().item())
        seconds = self.grid.steps * step + self.grid.pairs * (step + distance)
        parts = {"step_s": step, "distance_s": distance, "steps": self.grid.steps, "pairs": self.grid.pairs}
        if self.sigma != "none":
            rows = self.x[:self.rows], self.y[:self.rows]
            started = time.perf_counter()
            hessian = eager.Hessian(net, *rows)
            graph = time.perf_counter() - started
            v = [torch.randn_like(p) for p in hessian.parameters]
            product = self.timed(lambda: hessian(v))
            products = sum(self.products) / len(self.products)
            seconds += self.grid.last * (graph + products * product)
            parts |= {"gradient_graph_s": graph, "product_s": product, "products_per_sigma": products,
                      "sigma_s": graph + products * product}
        self.parts.append(parts)
        return seconds

    @staticmethod
    def timed(work):
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    def weights_at(self, steps):
        """The file of M after so many steps, which a study that ends there leaves."""
        run = Studies(self.setting, HERE / "resnet18.ini", [
            *self.sets, f"train.steps={steps}", f"measure.steps={steps}", "forget.index=0", "measure.sigma=none",
            "output.weights=final"])
        run.run()
        return shutil.move(next(run.output.glob("weights/original-*.h5")), self.setting.temp / f"original-{steps}.h5")

    def learn(self):
        """The procedure itself at some grid points: what must come out, its memory, and how many products it takes.
        Sigma is held to the exact one at our own weights: those of the two sides part by rounding."""
        agreement = Agreement()
        self.learned = self.ours()
        rows = {(r["step"], r["cell"]): r for r in
                table(self.output, "pairs", ["step", "cell", "verification_error", "distance_from_start", "sigma",
                                              "sigma_residual"])}
        originals = [2] if self.setting.smoke else [3] if self.sigma == "none" else [3, 6, 9]
        with Child(python(), HERE / "procedure.py") as child:
            reply = json.loads(child.ask(json.dumps({
                "arch": "resnet18", "start": str(self.start_file), "lr": LR, "batch": self.batch, "accuracies": False,
                "iterations": 2 if self.setting.smoke else 100,
                "hessian": 0 if self.sigma == "none" else self.rows, "data": str(self.setting.cifar10()),
                "rows": len(self.y), "originals": originals, "points": [[originals[0], 0], [originals[0], 1]],
                "sigma_at": {} if self.sigma == "none" else {steps: str(self.weights_at(steps)) for steps in originals},
                "products": 4 if self.setting.smoke else EXACT_PRODUCTS})))
        for point in reply["pairs"]:
            agreement.add("verification_error", rows[point["step"], point["index"]]["verification_error"],
                          point["verification_error"])
        for point in reply["originals"]:
            agreement.add("distance_from_start", rows[point["step"], 0]["distance_from_start"],
                          point["distance_from_start"])
            if self.sigma != "none":
                agreement.add("sigma", rows[point["step"], 0]["sigma"], point["sigma"])
                self.products.append(point["products"])
                self.exact.append(point | {"ours": rows[point["step"], 0]["sigma"]})
        self.their_memory = reply["peak_mib"]
        # Some eigenvalue is within residual * sigma of sigma; its exact spectrum is out of reach.
        self.residuals = [row["sigma_residual"] for (_, cell), row in rows.items() if cell == 0]
        return agreement


def study(setting, name, sigma, target):
    bench = Bench(setting, sigma)
    agreement = bench.learn()
    measured = "no sigma" if sigma == "none" else f"sigma on {bench.rows} images at every T"
    what = (f"unroll run of tests/benchmarks/resnet18.ini, {measured}, against {bench.grid.steps} eager steps and what "
            "goes with them")
    result = compare(name, what, "s", bench.ours, bench.theirs, setting.alternations, Target(target))
    shutil.rmtree(bench.output)
    if not setting.smoke:
        agreement.require("distance_from_start", 1e-2, of=min)  # after the fewest steps: then a ResNet amplifies
        agreement.require("verification_error", 0.5)  # rounding: DESIGN 4.10
        agreement.require("sigma", SIGMA_ERROR)
    result.details = {"agreement": agreement.record(), "procedure": bench.parts,
                      "sigma_residuals": bench.residuals if sigma != "none" else [], "exact_sigma": bench.exact,
                      "peak_mib": {"ours": max(bench.our_memory), "theirs": bench.their_memory}}
    return [result]


BENCHMARKS = {
    "study.resnet18": lambda setting: study(setting, "study.resnet18", "none", 10),
    "study.resnet18.sigma": lambda setting: study(setting, "study.resnet18.sigma", "lanczos", 4),
}
