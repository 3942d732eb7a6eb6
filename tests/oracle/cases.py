"""The studies: small enough for one core, together with every key that changes a number."""
import numpy
import torch

from problem import Data
from program import Axis

VECTORS, BYTES, IMAGES, WIDE = "vectors", "bytes", "images", "wide"


def make_data(name):
    generator = numpy.random.default_rng(7)
    if name in (IMAGES, WIDE):
        train, test = (9, 3)
        channels, side = (3, 28) if name == WIDE else (3, 32)
        x = generator.integers(0, 256, (train + test, channels, side, side), dtype=numpy.uint8)
        y = generator.permutation(numpy.arange(train + test) % 3)
        seen = x / 255
    elif name == BYTES:
        train, test = (40, 12)
        x = generator.integers(0, 256, (train + test, 5), dtype=numpy.uint8)
        y = generator.permutation(numpy.arange(train + test) % 4)
        seen = (x / 255 - numpy.array([0.1, 0.2, 0.3, 0.4, 0.5])) / numpy.array([0.5, 0.6, 0.7, 0.8, 0.9])
    else:
        train, test = (40, 12)
        x = generator.standard_normal((train + test, 5))
        y = generator.permutation(numpy.arange(train + test) % 4)
        seen = x
    arrays = {"x_train": x[:train], "y_train": y[:train], "x_test": x[train:], "y_test": y[train:]}
    seen, label = torch.from_numpy(seen).double(), torch.from_numpy(y)
    return Data(seen[:train], label[:train], seen[train:], label[train:], arrays)


def make_table(rows, steps, batch, short):
    """Batches that overlap between steps; `short` is a step whose batch is two rows shorter."""
    generator = numpy.random.default_rng(11)
    table = [generator.choice(rows, batch, replace=False).tolist() for _ in range(steps)]
    table[short] = table[short][:-2]
    return table


STEPS = {"measure.steps": [0, 1, 2, 5, 9, 12]}
RULES = {"unlearn.rule": Axis(["epoch-scaled", "grad-list", "checkpoint", "final-weights"]),
         "unlearn.gradient_at": "post-step", "unlearn.checkpoint_every": 4}

# name: (data, steps of order.file or None, settings)
CASES = {
    "examples in a table": (VECTORS, 8, STEPS | {
        "train.epochs": 2, "train.lr": 0.1, "forget.kind": "examples", "forget.index": Axis([[3], [0, 20]]),
        "forget.count": 2, "retrain.denominator": Axis(["left", "batch"]), "measure.sigma_every": 2}),
    "a batch in a table": (VECTORS, 8, STEPS | {
        "train.epochs": 2, "train.lr": 0.05, "model.activation": Axis(["tanh", "silu", "relu"]),
        "model.hidden": [4, 3], "forget.index": Axis([[0], [4]]), "measure.hessian": "first:16"}),
    "classes with momentum and decay": (VECTORS, None, STEPS | {
        "train.epochs": 3, "train.lr": 0.1, "train.momentum": Axis([0, 0.9]), "train.weight_decay": Axis([0, 0.02]),
        "forget.kind": "class", "forget.index": Axis([[1], [0, 3]]), "retrain.denominator": Axis(["left", "batch"])}),
    "skipped steps": (VECTORS, None, STEPS | {
        "train.epochs": 3, "train.lr": 0.1, "train.momentum": 0.9, "train.weight_decay": 0.02,
        "forget.kind": Axis(["batch", "step"]), "forget.index": Axis([[0], [4]]),
        "retrain.skip": Axis(["freeze", "coast"]), "measure.sigma_every": 1}),
    "the SD loss": (VECTORS, 7, STEPS | {
        "train.steps": 12, "train.lr": 0.05, "model.arch": "linear", "loss.kind": "sd", "loss.gamma": Axis([0, 3]),
        "forget.kind": Axis(["examples", "batch"]), "forget.index": Axis([[2], [5]]),
        "retrain.denominator": "batch", "measure.sigma_every": 3}),
    "the SD loss in an mlp": (BYTES, None, STEPS | {
        "data.mean": [0.1, 0.2, 0.3, 0.4, 0.5], "data.std": [0.5, 0.6, 0.7, 0.8, 0.9], "train.epochs": 3,
        "train.lr": 0.1, "loss.kind": "sd", "loss.gamma": 2, "forget.kind": "file", "forget.rows": [1, 9, 10, 39],
        "train.batch": 6}),
    "the SD loss as a mean, whose gamma decays": (VECTORS, None, STEPS | {
        "train.epochs": 3, "train.lr": 0.1, "loss.kind": "sd", "loss.gamma": 2, "loss.sd": Axis(["mean", "published"]),
        "loss.gamma_decay": 3, "loss.gamma_decay_every": 1, "forget.kind": Axis(["batch", "examples"]),
        "forget.index": [1], "measure.sigma_every": 2,
        "unlearn.rule": Axis(["epoch-scaled", "grad-list", "final-weights"])}),
    "the hess loss": (VECTORS, None, STEPS | {
        "train.epochs": 3, "train.lr": 0.1, "loss.kind": "hess", "loss.gamma": Axis([0, 3]), "loss.gamma_decay": 2,
        "loss.gamma_decay_every": 2, "forget.kind": "examples", "forget.index": [1], "forget.count": 2,
        "retrain.denominator": Axis(["left", "batch"]), "measure.sigma_every": 2}),
    "the hess loss in a linear classifier": (BYTES, None, STEPS | {
        "data.mean": [0.1, 0.2, 0.3, 0.4, 0.5], "data.std": [0.5, 0.6, 0.7, 0.8, 0.9], "train.epochs": 3,
        "train.lr": 0.1, "model.arch": "linear", "loss.kind": "hess", "loss.gamma": 2, "forget.index": [1]}),
    "L2 in the loss": (VECTORS, None, STEPS | {
        "train.epochs": 3, "train.lr": 0.1, "train.weight_decay": 0.05, "train.l2_in": Axis(["optimizer", "loss"]),
        "train.momentum": Axis([0, 0.5]), "forget.kind": Axis(["batch", "examples"]), "forget.index": [1],
        "retrain.skip": Axis(["freeze", "coast"]), "retrain.denominator": "batch",
        "unlearn.form": Axis(["difference", "published"]), "measure.sigma_every": 1, "measure.hessian": "batch"}),
    "checkpointed errors": (VECTORS, 8, STEPS | {
        "train.epochs": 2, "train.lr": 0.1, "forget.index": [2], "unlearn.rule": "checkpoint",
        "unlearn.checkpoint_every": Axis([1, 4, 30]), "measure.sigma_every": Axis([1, 3])}),
    "the gradient of other rows": (VECTORS, None, STEPS | {
        "train.epochs": 3, "train.lr": 0.1, "forget.index": [0], "unlearn.gradient_of": Axis(["forget", "last:7"]),
        "train.weight_decay": 0.05, "train.l2_in": "loss",
        "unlearn.rule": Axis(["epoch-scaled", "grad-list", "final-weights"])}),
    "schedules": (VECTORS, None, STEPS | {
        "train.steps": 14, "train.lr": 0.2, "train.schedule": Axis(["step", "cosine"]),
        "train.schedule_every": 4, "train.schedule_factor": 0.3, "train.weight_decay": 0.01,
        "forget.kind": Axis(["batch", "examples"]), "forget.index": Axis([[1], [3]]), "measure.sigma_every": 2}),
    "rules": (VECTORS, 8, STEPS | RULES | {
        "train.epochs": 2, "train.lr": 0.1, "forget.kind": Axis(["examples", "batch"]), "forget.index": [2],
        "forget.count": 3, "unlearn.form": Axis(["difference", "published"])}),
    "rules in a fixed order": (VECTORS, None, STEPS | {
        "train.epochs": 3, "train.lr": 0.1, "train.batch": 6, "train.momentum": 0.5,
        "forget.kind": Axis(["examples", "step"]), "forget.index": [2], "forget.count": 3,
        "unlearn.form": Axis(["difference", "published"]), "unlearn.rule": Axis(["grad-list", "final-weights"])}),
    "methods in a table": (VECTORS, 8, STEPS | {
        "train.epochs": 2, "train.lr": 0.1, "train.momentum": Axis([0, 0.9]), "train.weight_decay": 0.02,
        "train.schedule": "step", "train.schedule_every": 3, "train.schedule_factor": 0.5,
        "forget.kind": Axis(["examples", "batch"]), "forget.index": [2], "forget.count": 3,
        "retrain.skip": Axis(["freeze", "coast"]), "retrain.denominator": Axis(["left", "batch"]),
        "unlearn.method": Axis(["first-order", "single-gradient", "none"]), "unlearn.correction": "exact",
        "measure.layers": False}),
    "methods that meet F twice": (VECTORS, None, STEPS | {
        "train.epochs": 3, "train.lr": 0.1, "train.momentum": Axis([0, 0.5]), "model.activation": "silu",
        "forget.kind": Axis(["batch", "step", "class"]), "forget.index": [1], "loss.kind": "sd", "loss.gamma": 1,
        "retrain.skip": Axis(["freeze", "coast"]), "unlearn.method": Axis(["first-order", "none"]),
        "measure.sigma_every": 2, "measure.sigma": "power", "measure.layers": False}),
    "exact factors of the rules": (VECTORS, None, STEPS | RULES | {
        "train.epochs": 3, "train.lr": 0.1, "train.momentum": 0.8, "train.weight_decay": 0.05,
        "forget.kind": Axis(["examples", "batch"]), "forget.index": [2], "forget.count": 3,
        "retrain.skip": Axis(["freeze", "coast"]), "unlearn.correction": "exact",
        "unlearn.form": Axis(["difference", "published"]), "measure.layers": False}),
    "power iteration": (VECTORS, 8, STEPS | {
        "train.epochs": 2, "train.lr": Axis([0.1, 1]), "measure.sigma": "power", "measure.sigma_every": 1,
        "measure.power_iterations": 40, "measure.power_tolerance": Axis([1e-3, 1e-7]), "seed.eval": 5,
        "measure.hessian": Axis(["batch", "first:9"]), "forget.index": [1]}),
    "short Lanczos runs": (VECTORS, 8, STEPS | {
        "train.epochs": 2, "train.lr": 0.1, "measure.lanczos_steps": Axis([1, 3, 6]), "seed.eval": 3,
        "measure.hessian": Axis(["batch", "file:HESSIAN"]), "measure.sigma_every": 4, "forget.index": [2]}),
    "Lanczos that stops early": (VECTORS, 8, STEPS | {
        "train.epochs": 2, "train.lr": 0.1, "measure.lanczos_tolerance": Axis([1e-2, 1e-4]), "seed.eval": 3,
        "measure.hessian": Axis(["batch", "first:30"]), "measure.sigma_every": 2, "forget.index": [2]}),
    "warm starts": (VECTORS, 8, STEPS | {
        "train.epochs": 2, "train.lr": 0.1, "measure.lanczos_tolerance": 1e-3, "measure.warm_start": True,
        "measure.hessian": "first:30", "measure.sigma_every": 3, "forget.index": [2]}),
    "every step's own batch": (VECTORS, 14, STEPS | {
        "train.lr": 0.1, "measure.sigma_every": 1, "measure.hessian": Axis(["batch", "first:20"]),
        "forget.kind": "step", "forget.index": Axis([[0], [6]]), "unlearn.rule": "grad-list"}),
    "a fresh retrain": (VECTORS, None, STEPS | {
        "train.epochs": 3, "train.lr": 0.1, "train.momentum": Axis([0, 0.5]), "forget.kind": "examples",
        "forget.index": [3], "forget.count": 9, "retrain.kind": "fresh"}),
    "controls": (VECTORS, None, STEPS | {
        "train.epochs": 3, "train.lr": 0.1, "train.momentum": 0.9, "forget.kind": Axis(["none", "ghost"])}),
    "nothing asked": (VECTORS, None, STEPS | {
        "train.epochs": 3, "train.lr": 0.1, "measure.sigma": "none", "measure.one_hvp": False,
        "measure.outputs": False, "measure.layers": False}),
    "few evaluated rows": (VECTORS, None, STEPS | {
        "train.epochs": 3, "train.lr": 0.1, "measure.eval_rows": Axis([1, 7]), "measure.one_hvp": False}),
    "resnet18": (IMAGES, 3, {
        "measure.steps": [3], "model.arch": "resnet18", "model.activation": "relu", "train.lr": 0.01,
        "train.momentum": 0.5, "train.weight_decay": 0.001, "forget.kind": "examples", "forget.index": [0],
        "measure.lanczos_steps": 2, "measure.hessian": "first:3", "measure.one_hvp": False, "measure.eval_rows": 3}),
    "resnet18, first order": (IMAGES, 3, {
        "measure.steps": [3], "model.arch": "resnet18", "model.activation": "silu", "train.lr": 0.01,
        "train.momentum": 0.5, "train.weight_decay": 0.001, "forget.kind": "examples", "forget.index": [0],
        "unlearn.method": "first-order", "measure.sigma": "none", "measure.one_hvp": False,
        "measure.outputs": False}),
    "resnet18, frozen": (WIDE, 3, {
        "measure.steps": [3], "model.arch": "resnet18", "model.activation": "silu", "model.batchnorm": "frozen",
        "train.lr": 0.01, "forget.kind": "batch", "forget.index": [1], "measure.sigma": "power",
        "measure.power_iterations": 1, "measure.hessian": "first:2", "measure.eval_rows": 3}),
    "resnet18, evaluating after two steps": (IMAGES, 3, {
        "measure.steps": [3], "model.arch": "resnet18", "model.activation": "relu", "train.lr": 0.01,
        "model.batchnorm": "eval-after", "model.batchnorm_steps": 2, "forget.kind": "examples", "forget.index": [0],
        "measure.sigma": "power", "measure.power_iterations": 1, "measure.hessian": "first:3",
        "measure.one_hvp": False, "measure.eval_rows": 3}),
    "resnet18, moved statistics": (IMAGES, 3, {
        "measure.steps": [1, 3], "model.arch": "resnet18", "model.activation": "relu", "train.lr": 0.01,
        "forget.kind": "batch", "forget.index": [0], "unlearn.rule": "grad-list", "unlearn.gradient_at": "post-step",
        "unlearn.statistics": "moved", "measure.sigma": "none", "measure.one_hvp": False, "measure.eval_rows": 3}),
    "vgg19": (IMAGES, 3, {
        "measure.steps": [3], "model.arch": "vgg19", "model.activation": "tanh", "train.lr": 0.01,
        "loss.kind": "sd", "loss.gamma": 1, "forget.kind": "examples", "forget.index": [0],
        "retrain.denominator": "batch", "measure.sigma": "power", "measure.power_iterations": 2,
        "measure.sigma_mode": "eval", "measure.hessian": "batch", "measure.one_hvp": False,
        "measure.eval_rows": 3}),
    "vgg19, as published": (IMAGES, 3, {
        "measure.steps": [3], "model.arch": "vgg19", "model.activation": "relu", "train.lr": 0.01,
        "train.momentum": 0.9, "train.weight_decay": 5e-4, "loss.kind": "sd", "loss.gamma": 1,
        "forget.kind": "batch", "forget.index": [0],
        "unlearn.form": "published", "unlearn.rule": "grad-list", "unlearn.gradient_at": "post-step",
        "unlearn.statistics": "moved", "measure.sigma": "power", "measure.power_iterations": 2,
        "measure.sigma_mode": "eval", "measure.hessian": "batch", "measure.one_hvp": False, "measure.eval_rows": 3}),
}
