"""Privacy risk scores against plain PyTorch and numpy in double precision: the shadow model trained again from its documented
draws, modified entropies, bins and scores written again from their definitions (Song and Mittal, arXiv 2003.10595; METHODS
3.8 e and A7-A10). The weights of M, M' and M'' are the program's own, which oracle_test.py holds to PyTorch.

    privacy_test.py [-v]      environment: UNROLL_PROGRAM = path of unroll"""
import itertools
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
import nets
import program
import streams
from noise_test import initial

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
RELATIVE = 1e-9
SETS, MODELS = ("forget", "retain", "test"), ("original", "retrained", "unlearned")


def modified_entropy(z, labels, scores):
    p = torch.softmax(z, 1).numpy() if scores == "softmax" else z.numpy()

    def log(x):
        return numpy.log(numpy.maximum(x, 1e-30))

    values = []
    for row, y in zip(p, labels):
        others = numpy.delete(row, y)
        values.append(-(1 - row[y]) * log(row[y]) - numpy.sum(others * log(1 - others)))
    return numpy.array(values)


def shared_risk(value, members, others):
    """Song and Mittal: 5 logarithmic bins over both sets; where a bin is empty the nearest that is not."""
    members, others = (numpy.maximum(v, 1e-10) for v in (members, others))
    both = numpy.concatenate([members, others])
    if len(both) == 0:
        return numpy.nan
    edges = numpy.logspace(numpy.log10(both.min()), numpy.log10(both.max()), 6)
    edges[0], edges[-1] = both.min(), both.max()

    def place(x):
        return 4 if x >= edges[-1] else 0 if x <= edges[0] else int(numpy.argwhere(edges <= x)[-1][0])

    tables = [numpy.zeros(5), numpy.zeros(5)]
    for table, values in zip(tables, (members, others)):
        for v in values:
            table[place(v)] += 1 / len(values)
    at = place(value)
    for near in sorted(range(5), key=lambda i: (abs(i - at), i)):
        if tables[0][near] + tables[1][near] > 0:
            return tables[0][near] / (tables[0][near] + tables[1][near])
    return numpy.nan


def own_risk(value, members, others):
    """As published: 10 equal bins for each set, found by its inner edges."""
    shares = []
    for values in (members, others):
        if len(values) == 0:
            shares.append(0)
            continue
        edges = numpy.linspace(values.min(), values.max(), 11)
        inner = edges[1:-1]
        counts = numpy.bincount(numpy.digitize(values, inner), minlength=10)
        shares.append(counts[numpy.digitize(value, inner)] / len(values))
    return shares[0] / sum(shares) if sum(shares) > 0 else numpy.nan


def train_shadow(cell, data, x, y, prs, seed):
    state = initial(cell, data, 2**31 + seed)
    net = nets.make(cell, data.x_train.shape[1:], data.classes)
    torch.nn.utils.vector_to_parameters(state.weights, net.parameters())
    optimiser = torch.optim.SGD(net.parameters(), lr=prs["lr"], momentum=prs["momentum"],
                                weight_decay=prs["weight_decay"])
    for epoch in range(prs["epochs"]):
        order = numpy.argsort(streams.bits(seed, "shadow_order", epoch, numpy.arange(len(y))), kind="stable").tolist()
        for at in range(0, len(y), prs["batch"]):
            rows = order[at:at + prs["batch"]]
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()
            optimiser.step()
    return net


def load(net, path):
    arrays = program.arrays(path)
    net.load_state_dict({name: torch.from_numpy(value) for name, value in arrays.items()}, strict=False)
    return net


def outputs(net, x, by_batch):
    with torch.no_grad():
        if not by_batch:
            return net.eval()(x)
        net.train()
        kept = {name: value.clone() for name, value in net.state_dict().items()}
        z = torch.cat([net(x[i:i + 32]) for i in range(0, len(x), 32)])
        net.load_state_dict(kept)
        return z


class Privacy(unittest.TestCase):
    def check(self, data_name, settings, prs, trains_shadow):
        data = cases.make_data(data_name)
        study = {"study.name": "privacy", "study.seeds": 5, "data.dataset": "hdf5", "pretrain.on": "none",
                 "model.dtype": "float64", "measure.sigma": "none", "measure.one_hvp": False,
                 "output.weights": "final", "output.logits": "yes"} | settings
        study |= {f"prs.{key}": value for key, value in prs.items()}
        compared = 0
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            study["data.path"] = program.write_arrays(folder / "data.h5", data.arrays)
            program.run(program.write_study(folder / "study.ini", study), folder / "results")
            found = program.tables(folder / "results")
            for run in found["runs"]:
                cell = next(c for c in found["cells"] if c["cell"] == run["cell"])
                get = {key: cell.get(f"prs.{key}", value) for key, value in prs.items()}
                compared += self.check_run(folder / "results", found, run, program.DEFAULTS | settings | {
                    "model.hidden": [4]}, get, data, trains_shadow)
        self.assertGreater(compared, 0)
        print(f"{len(found['runs'])} runs, {compared} scores compared")

    def check_run(self, results, found, run, cell, prs, data, trains_shadow):
        half_train, half_test = (len(data.y_train) + 1) // 2, (len(data.y_test) + 1) // 2
        halves = {"test": ((data.x_test[:half_test], data.y_test[:half_test]),
                           (data.x_test[half_test:], data.y_test[half_test:])),
                  "train": ((data.x_train[:half_train], data.y_train[:half_train]),
                            (data.x_test[:half_test], data.y_test[:half_test]))}[prs["shadow"]]
        stage = results / "stages" / f"{run['shadow_id']}.h5"
        net = nets.make(cell, data.x_train.shape[1:], data.classes)
        shadow = load(net, stage)
        if trains_shadow:
            again = train_shadow(cell, data, *halves[0], prs, run["seed"])
            for (name, value), other in zip(shadow.named_parameters(), again.parameters()):
                numpy.testing.assert_allclose(value.detach().numpy(), other.detach().numpy(), rtol=1e-9, atol=1e-13,
                                              err_msg=name)
        by_batch = prs.get("statistics") == "batch"
        calibration = []
        for x, y in halves:
            values = modified_entropy(outputs(shadow, x, by_batch), y, prs["scores"])
            calibration.append({c: values[y.numpy() == c] for c in range(data.classes)})
        score = shared_risk if prs["bins"] == "shared" else own_risk
        pair = next(row for row in found["pairs"] if row["run_id"] == run["run_id"])
        kept = program.arrays(results / "logits" / f"{run['run_id']}.h5")
        names = {"original": f"original-{run['original_id']}", "retrained": f"retrained-{run['retrained_id']}",
                 "unlearned": f"unlearned-{run['run_id']}"}
        compared = 0
        for model, part in itertools.product(MODELS, SETS):
            rows = kept[f"{part}_rows"]
            x, y = (data.x_test, data.y_test) if part == "test" else (data.x_train, data.y_train)
            weights = results / "weights" / f"{names[model]}-t{pair['step']}.h5"
            net = load(nets.make(cell, data.x_train.shape[1:], data.classes), weights)
            numpy.testing.assert_allclose(kept[f"t{pair['step']}.{model}.{part}"], outputs(net, x[rows], False).numpy(),
                                          rtol=RELATIVE, atol=1e-11)
            entropies = modified_entropy(outputs(net, x[rows], by_batch), y[rows], prs["scores"])
            risks = [score(e, *(side[int(c)] for side in calibration)) for e, c in zip(entropies, y[rows])]
            numpy.testing.assert_allclose(kept[f"t{pair['step']}.{model}.{part}.risk"], risks, rtol=RELATIVE)
            numpy.testing.assert_allclose(pair[f"{part}_risk_{model}"], numpy.mean(risks), rtol=RELATIVE)
            self.assertEqual(f"{part}_risk=empty_bins" in pair["undefined"],
                             any(numpy.isnan(pair[f"{part}_risk_{m}"]) for m in MODELS))
            compared += len(risks)
        return compared

    def test_every_form_on_an_mlp(self):
        prs = {"shadow": program.Axis(["test", "train"]), "scores": program.Axis(["softmax", "logits"]),
               "bins": program.Axis(["shared", "own"]), "epochs": 4, "lr": 0.2, "batch": 4, "momentum": 0.5,
               "weight_decay": 0.01}
        self.check(cases.VECTORS, {"model.arch": "mlp", "model.hidden": [4], "model.activation": "tanh",
                                   "train.epochs": 2, "train.lr": 0.3, "train.batch": 8, "forget.index": [1]},
                   prs, trains_shadow=True)

    def test_batch_statistics_of_a_resnet(self):
        prs = {"shadow": "train", "scores": "softmax", "bins": "shared",
               "statistics": program.Axis(["running", "batch"]), "epochs": 1, "lr": 0.01, "batch": 3, "momentum": 0,
               "weight_decay": 0}
        self.check(cases.IMAGES, {"model.arch": "resnet18", "model.activation": "relu", "train.steps": 2, "train.lr": 0.01, "train.batch": 3},
                   prs, trains_shadow=False)


if __name__ == "__main__":
    unittest.main()
