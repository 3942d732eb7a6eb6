"""The paper's procedure (the position sweep of the authors' scripts) in plain PyTorch: for every T, M is trained from
w_0 over T batches and its sigma measured; for every (T, k), M' is trained from w_0 over the other T - 1 batches, the
forgotten batch's gradient at w_0 is added back to M, and the pair is measured.

Models with float32 weights; the distance in double, from tensors. Reads one JSON request a line on stdin, answers with
one JSON line.
"""
import copy
import json
import math
import pathlib
import re
import sys
import time

import h5py
import torch
from torch.nn import functional

import eager


class Timer:
    """Seconds by part of the work."""

    def __init__(self):
        self.seconds = {}

    def __call__(self, name, work):
        started = time.perf_counter()
        result = work()
        self.seconds[name] = self.seconds.get(name, 0) + time.perf_counter() - started
        return result


class Procedure:
    """One w_0 and learning rate. batches: the fixed order, from step 0; hessian_rows: how many first training rows."""

    def __init__(self, start, batches, lr, hessian_data=None, test=None, iterations=100):
        self.start, self.batches, self.lr = start, batches, lr
        self.hessian_data, self.test, self.iterations = hessian_data, test, iterations

    def original(self, steps, timer):
        """M after `steps` steps, with what belongs to it alone."""
        net = timer("train", lambda: eager.train(copy.deepcopy(self.start), self.batches[:steps], self.lr))
        found = {"net": net, "distance_from_start": (eager.flat(net).double() - eager.flat(self.start)).norm().item()}
        if self.test:
            found["test_accuracy_original"] = timer("accuracy", lambda: eager.accuracy(net, *self.test))
        if self.hessian_data:
            value, found["products"] = timer(
                "sigma", lambda: eager.power_iteration(eager.Hessian(net, *self.hessian_data), self.iterations))
            found["sigma"] = abs(value)
            found["unlearning_error"] = self.unlearning_error(steps, found["distance_from_start"], abs(value))
            found["unlearning_error_published"] = self.unlearning_error(
                steps, found["distance_from_start"], math.sqrt(value) if value >= 0 else math.nan)
        return found

    def unlearning_error(self, steps, distance, sigma):
        return self.lr**2 * (steps - 1) / 2 * distance * sigma

    def pair(self, original, steps, k, timer):
        """M' and M'' of forgotten batch k against M after `steps` steps."""
        kept = self.batches[:k] + self.batches[k + 1:steps]
        retrained = timer("retrain", lambda: eager.train(copy.deepcopy(self.start), kept, self.lr))
        unlearned = timer("unlearn", lambda: self.unlearned(original["net"], k))
        found = {"verification_error": timer(
            "distance", lambda: (eager.flat(retrained).double() - eager.flat(unlearned).double()).norm().item())}
        if self.test:
            for name, net in (("retrained", retrained), ("unlearned", unlearned)):
                found[f"test_accuracy_{name}"] = timer("accuracy", lambda net=net: eager.accuracy(net, *self.test))
        return found

    def unlearned(self, original, k):
        reference = copy.deepcopy(self.start).train()
        x, y = self.batches[k]
        gradients = torch.autograd.grad(functional.cross_entropy(reference(x), y), list(reference.parameters()))
        net = copy.deepcopy(original)
        with torch.no_grad():
            for parameter, gradient in zip(net.parameters(), gradients):
                parameter += self.lr * gradient
        return net


def exact_sigma(net, rows, num_products):
    """|lambda| of the dominant eigenvalue at these weights, and how many products power iteration takes to its rule:
    on the Krylov space of its start it runs as on the whole, for as many products."""
    matrix = eager.krylov_matrix(eager.Hessian(net, *rows), num_products)
    values = [torch.linalg.eigvalsh(matrix[:n, :n]).abs().max().item() for n in (num_products - 1, num_products)]
    start = torch.eye(num_products, dtype=torch.float64)[0]
    _, products = eager.iterated(lambda v: [matrix @ v[0]], [start], num_products)
    return {"sigma": values[1], "last_change": abs(values[0] / values[1] - 1), "products": products}


def load(net, path):
    """Weights as the program wrote them."""
    with h5py.File(path) as file:
        state = {name: torch.from_numpy(file[name][()]) for name in net.state_dict() if name in file}
    net.load_state_dict(state, strict=False)
    return net


def peak_mib():
    """Of this process since it started its program (ru_maxrss would remember whom it was forked from)."""
    with open("/proc/self/status", encoding="utf-8") as file:
        return int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1)) / 1024


def answer(request):
    """request: arch, start (file), lr, batch, hessian (rows or 0), iterations (at most), points [[T, k], ...],
    originals [T, ...], and where the data is; sigma_at {T: file of M's weights}, products: for the exact sigma there,
    instead of the procedure's own. Seconds by part, and every number found."""
    if request["arch"] == "mlp":
        train, test = eager.optdigits(pathlib.Path(request["data"]))
    else:
        train, test = eager.cifar10(pathlib.Path(request["data"]), request["rows"]), None
    test = test if request["accuracies"] else None
    hessian = tuple(part[:request["hessian"]] for part in train) if request["hessian"] else None
    start = load(eager.NETS[request["arch"]](), request["start"])
    exact = request.get("sigma_at", {})
    procedure = Procedure(start, eager.batches_of(*train, request["batch"]), request["lr"],
                          None if exact else hessian, test,
                          request.get("iterations", 100))
    for_m, for_pairs, originals, pairs = Timer(), Timer(), {}, []
    for steps in request["originals"]:
        originals[steps] = procedure.original(steps, for_m)
    for steps, k in request["points"]:
        pairs.append({"step": steps, "index": k} | procedure.pair(originals[steps], steps, k, for_pairs))
    found = [{"step": steps} | {k: v for k, v in m.items() if k != "net"} for steps, m in originals.items()]
    for m in found:
        if str(m["step"]) in exact:
            net = load(eager.NETS[request["arch"]](), exact[str(m["step"])])
            m |= exact_sigma(net, hessian, request["products"])
    return {"original_seconds": for_m.seconds, "pair_seconds": for_pairs.seconds, "originals": found, "pairs": pairs,
            "peak_mib": peak_mib()}


def main():
    for text in sys.stdin:
        print(json.dumps(answer(json.loads(text))), flush=True)


if __name__ == "__main__":
    main()
