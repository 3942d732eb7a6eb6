"""Which parts of the grid are there, and why others are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.colors import BoundaryNorm, ListedColormap

from ..document import Picture, Section, Table, left_out
from ..study import Study
from ..style import panels

TITLE = "Coverage of the grid"
#: Of a run: finished with usable rows; finished, but every row below its floor or not yet touched; diverged; missing.
STATES = {"ok": "#009E73", "no usable row": "#56B4E9", "diverged": "#D55E00", "missing": "#d0d0d0"}


def run_states(study: Study) -> pd.DataFrame:
    """runs with a column `state`, one of STATES."""
    usable = set(map(tuple, study.usable[["cell", "seed"]].drop_duplicates().to_numpy()))
    state = [
        status if status != "ok" else "ok" if (cell, seed) in usable else "no usable row"
        for cell, seed, status in study.runs[["cell", "seed", "status"]].itertuples(index=False, name=None)
    ]
    return study.runs.assign(state=[name if name in STATES else "diverged" for name in state])


def _draw(runs: pd.DataFrame):
    names = list(STATES)
    codes = runs.assign(code=runs["state"].map(names.index)).pivot_table(
        index="seed", columns="cell", values="code", aggfunc="max"
    )
    figure, ((panel,),) = panels(1, height=min(4.5, 1.6 + 0.16 * len(codes)))
    colours = ListedColormap(list(STATES.values()))  # a run that was never planned is left white
    panel.imshow(
        codes.to_numpy(float),
        cmap=colours,
        norm=BoundaryNorm(np.arange(-0.5, len(names)), len(names)),
        aspect="auto",
        interpolation="nearest",
    )
    for values, set_ticks in ((codes.columns, panel.set_xticks), (codes.index, panel.set_yticks)):
        kept = np.unique(np.linspace(0, len(values) - 1, min(len(values), 20)).round().astype(int))
        set_ticks(kept, [str(values[i]) for i in kept])
    panel.set(xlabel="cell", ylabel="seed")
    panel.grid(False)
    present = [name for name in names if (runs["state"] == name).any()]
    handles = [panel.plot([], [], "s", color=STATES[name], markersize=9)[0] for name in present]
    panel.legend(
        handles,
        [f"{name} ({(runs['state'] == name).sum()})" for name in present],
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=4,
    )
    return figure


def _reasons(study: Study, runs: pd.DataFrame) -> pd.DataFrame:
    failed = runs[runs["state"].isin(["diverged", "missing"])]
    reason = failed["reason"].where(failed["reason"].astype(str).str.len() > 0, "no reason was recorded")
    of_runs = (
        failed.assign(reason=reason)
        .groupby(["state", "reason"])
        .agg(runs=("seed", "size"), cells=("cell", lambda cells: _listed(cells.unique())))
        .reset_index()
    )
    return of_runs.rename(columns={"state": "status"})


def _listed(values: np.ndarray, most: int = 12) -> str:
    values = sorted(int(value) for value in values)
    return ", ".join(map(str, values[:most])) + (f", … ({len(values)} in all)" if len(values) > most else "")


def _undefined(study: Study) -> pd.DataFrame:
    """How often a group of columns of /pairs is NaN, by reason."""
    counts = study.pairs["undefined"].value_counts()
    parts = [(part, count) for text, count in counts.items() for part in str(text).split(";") if "=" in part]
    if not parts:
        return pd.DataFrame()
    table = pd.DataFrame(parts, columns=["part", "rows"]).groupby("part", sort=False)["rows"].sum().reset_index()
    table[["columns", "reason"]] = table["part"].str.split("=", n=1, expand=True)
    return table[["columns", "reason", "rows"]].sort_values("rows", ascending=False)


def section(study: Study) -> Section:
    """The grid as a picture, reasons of failures, and what could not be computed."""
    if study.runs.empty:
        return left_out("coverage", TITLE, "the study has no runs.")
    runs = run_states(study)
    counts = runs["state"].value_counts()
    grid = len(study.cells) * len(study.seeds)
    text = [
        f"{len(study.cells)} cells × {len(study.seeds)} seeds = {grid} runs: "
        + ", ".join(f"{counts[name]} {name}" for name in STATES if name in counts)
        + (f", {grid - len(runs)} never planned" if grid > len(runs) else "")
        + f"; {len(study.pairs)} rows, {len(study.usable)} of them usable."
    ]
    if "floor_status" in study.pairs:
        below = int((study.pairs["floor_status"] == "below_floor").sum())
        text.append(f"{below} rows lie below three times floor (0) and are not used.")
    tables = []
    reasons = _reasons(study, runs)
    if len(reasons):
        tables.append(Table("failures", reasons, "Runs without rows, and why."))
    undefined = _undefined(study)
    if len(undefined):
        tables.append(Table("undefined", undefined, "Values that could not be computed, or were not asked for."))
    alt = "A grid of cells and seeds coloured by state: " + ", ".join(
        f"{counts[name]} {name}" for name in STATES if name in counts
    )
    return Section(
        "coverage",
        TITLE,
        text,
        [Picture("coverage", _draw(runs), alt + ".", "A square a run. Cells are numbered as in the tables.")],
        tables,
    )
