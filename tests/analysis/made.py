"""Results files made by hand, in the format of src/store/README.md, with numbers that are known."""

import h5py
import numpy as np

VE, UE = "verification_error", "unlearning_error"


def write(path, tables, **attributes):
    """A results file of the given tables (dicts of columns)."""
    with h5py.File(path, "w") as file:
        for name, value in {"format": "unroll-results", "version": "1", "plan_id": "0" * 64, **attributes}.items():
            file.attrs[name] = np.bytes_(value)
        file["numerics_key"] = np.bytes_("unroll=0.1.0;cpu=made")
        for table, columns in tables.items():
            group = file.create_group(table, track_order=True)
            for column, values in columns.items():
                values = np.asarray(values)
                if values.dtype.kind == "U":
                    values = np.char.encode(values, "utf-8")
                    values = values.astype(f"S{max(values.dtype.itemsize, 1)}")
                data = group.create_dataset(column, data=values)
                data.attrs["units"], data.attrs["long_name"] = np.bytes_("1"), np.bytes_(column)
    return path


def grid(axes, seeds, steps, values=None, seed=0):
    """Tables of a full grid. `axes`: {key: values}. VE and UE are log-normal about powers of lr and T; `values` replaces
    columns by f(rows) -> array, rows being a dict of columns."""
    rng = np.random.default_rng(seed)
    mesh = np.meshgrid(*[np.arange(len(v)) for v in axes.values()], indexing="ij")
    num_cells = mesh[0].size if axes else 1
    cells = {"cell": np.arange(num_cells)}
    for (key, points), index in zip(axes.items(), mesh):
        cells[key] = np.asarray(points)[index.ravel()]
    cells.setdefault("train.lr", np.full(num_cells, 0.1))
    cells.setdefault("measure.steps", np.full(num_cells, "10"))
    cell, run_seed = (part.ravel() for part in np.meshgrid(np.arange(num_cells), seeds, indexing="ij"))
    runs = {
        "run_id": np.array([f"run{c}-{s}" for c, s in zip(cell, run_seed)]),
        "cell": cell,
        "seed": run_seed,
        "status": np.full(len(cell), "ok"),
        "reason": np.full(len(cell), ""),
    }
    of_run, step = (part.ravel() for part in np.meshgrid(np.arange(len(cell)), steps, indexing="ij"))
    n = len(step)
    lr = cells["train.lr"][cell[of_run]].astype(float)
    noise = rng.normal(0, 0.2, (n, 4))
    pairs = {
        "run_id": runs["run_id"][of_run],
        "cell": cell[of_run],
        "seed": run_seed[of_run],
        "step": step,
        "status": np.full(n, "ok"),
        "undefined": np.full(n, "rolling=not_asked;"),
        "lr": lr,
        VE: lr**2 * step * np.exp(noise[:, 0]),
        UE: lr**3 * step**2 * np.exp(noise[:, 0] + noise[:, 1]),
        "no_unlearning_distance": lr * np.exp(noise[:, 2]),
        "eta2_steps": lr**2 * step,
        "distance_from_start": lr * step * np.exp(noise[:, 3]),
        "eta_gradient_norm": lr * np.exp(noise[:, 0]),
        "correction_norm": lr * np.exp(noise[:, 1]),
        "one_hvp_proxy": 2 * lr**2 * step * np.exp(noise[:, 0]),
        "growth_bound": 9 * lr**2 * step * np.exp(noise[:, 0]),
        "growth_bound_exact": np.ones(n, int),
    }
    pairs["fraction_left"] = pairs[VE] / pairs["no_unlearning_distance"]
    for name in ("test", "retain", "forget"):
        for model in ("original", "retrained", "unlearned"):
            pairs[f"{name}_accuracy_{model}"] = 0.9 + 0.01 * rng.normal(size=n)
    for name, make in (values or {}).items():
        pairs[name] = np.asarray(make(pairs))
    return {"cells": cells, "runs": runs, "pairs": pairs}


def failed(tables, status="diverged", reason="weights are not finite at step 3"):
    """The same study with every run failed."""
    nan = {name: np.full(len(column), np.nan) for name, column in tables["pairs"].items() if column.dtype.kind == "f"}
    count = len(tables["pairs"]["status"])
    tables["pairs"].update(nan | {"status": np.full(count, status)})
    tables["runs"].update(
        status=np.full(len(tables["runs"]["status"]), status), reason=np.full(len(tables["runs"]["status"]), reason)
    )
    return tables
