"""Writes a study and its files, runs the program on it, reads what it left."""
import os
import pathlib
import subprocess

import h5py
import numpy

DEFAULTS = {
    "model.arch": "mlp", "model.hidden": [4], "model.activation": "tanh", "model.dtype": "float64",
    "model.batchnorm": "train", "model.batchnorm_steps": 1,
    "seed.eval": 0, "train.epochs": 1, "train.steps": None, "train.lr": 0.01,
    "train.batch": 8, "train.momentum": 0, "train.weight_decay": 0, "train.schedule": "constant",
    "train.schedule_every": 0, "train.schedule_factor": 0.1, "train.l2_in": "optimizer",
    "loss.kind": "ce", "loss.gamma": 0, "loss.sd": "published", "loss.gamma_decay": 1, "loss.gamma_decay_every": 10,
    "forget.kind": "batch", "forget.index": [0], "forget.count": 1, "retrain.denominator": "left",
    "retrain.skip": "freeze", "retrain.kind": "coupled", "unlearn.method": "single-gradient",
    "unlearn.rule": "epoch-scaled", "unlearn.correction": "none",
    "unlearn.form": "difference", "unlearn.gradient_at": "pre-step", "unlearn.checkpoint_every": 10,
    "unlearn.statistics": "kept", "unlearn.gradient_of": "forget",
    "measure.steps": [], "measure.sigma": "lanczos", "measure.sigma_every": None, "measure.sigma_mode": "train",
    "measure.hessian": "first:512", "measure.lanczos_steps": 100, "measure.lanczos_tolerance": 0,
    "measure.warm_start": False, "measure.power_iterations": 100, "measure.power_tolerance": 1e-3,
    "measure.one_hvp": True, "measure.outputs": True, "measure.eval_rows": None,
    "measure.layers": True}


def settled(settings, has_table):
    """With the keys that differ from the program's defaults, wherever they act."""
    keys = [] if has_table else ["train.batch"]
    keys += ["model.arch", "model.dtype", "train.lr", "measure.layers"]
    if settings.get("model.arch", "mlp") == "mlp":
        keys += ["model.hidden", "model.activation"]
    if settings.get("measure.sigma", "lanczos") == "lanczos":
        keys += ["measure.lanczos_steps", "measure.lanczos_tolerance"]
    return {key: DEFAULTS[key] for key in keys} | settings


class Axis(list):
    """Values of a key that makes an axis of the grid."""


def text_of(value):
    if isinstance(value, Axis):
        return ", ".join(text_of(v) for v in value)
    if isinstance(value, list):
        return "[" + " ".join(text_of(v) for v in value) + "]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def cells_of(settings):
    """The grid: the first axis written is the slowest, and a file holds each section once."""
    cells = [{}]
    sections = list(dict.fromkeys(key.split(".")[0] for key in settings))
    for key, value in sorted(settings.items(), key=lambda item: sections.index(item[0].split(".")[0])):
        values = value if isinstance(value, Axis) else [value]
        cells = [cell | {key: v} for cell in cells for v in values]
    return [DEFAULTS | cell for cell in cells]


def write_arrays(path, arrays):
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = numpy.asarray(values)
    return str(path)


def write_table(path, table):
    width = max(map(len, table))
    return write_arrays(path, {"order": [batch + [-1] * (width - len(batch)) for batch in table]})


def write_study(path, settings):
    sections = {}
    for key, value in settings.items():
        section, name = key.split(".", 1)
        is_list = key in ("measure.steps", "data.mean", "data.std")
        text = ", ".join(map(str, value)) if is_list else text_of(value)
        sections.setdefault(section, []).append(f"{name} = {text}")
    text = "\n".join(f"[{section}]\n" + "\n".join(lines) for section, lines in sections.items())
    pathlib.Path(path).write_text(text + "\n", encoding="utf-8")
    return str(path)


def run(study, folder):
    program = os.environ["UNROLL_PROGRAM"]
    result = subprocess.run([program, "run", study, "--output", str(folder)], capture_output=True, text=True,
                            timeout=600, check=False)
    if result.returncode != 0:
        raise RuntimeError(f"{program} run {study}: exit {result.returncode}\n{result.stdout}{result.stderr}")


def tables(folder):
    """name -> list of rows as dicts; texts decoded."""
    def plain(value):
        return value.decode() if isinstance(value, bytes) else value.item()

    found = {}
    with h5py.File(pathlib.Path(folder) / "results.h5") as file:
        for table in ("cells", "runs", "pairs", "layers", "curves"):
            if table in file:
                columns = {name: column[()] for name, column in file[table].items() if name != "row"}
                size = len(next(iter(columns.values())))
                found[table] = [{name: plain(c[i]) for name, c in columns.items()} for i in range(size)]
    return found


def arrays(path):
    with h5py.File(path) as file:
        found = {}
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
        return found
