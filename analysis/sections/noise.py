"""Noise floors: how far models are from each other that should be the same, beside the verification error."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm

from ..document import Picture, Section, Table, left_out
from ..names import VE, label
from ..statistics.intervals import bca_interval, mean_over_seeds
from ..study import Study, at_last_step
from ..style import COLOURS, can_be_log, log_axis, marker_of, panels

TITLE = "Noise floors"
FLOORS = ("floor_ulp", "floor_repeat", "floor_order", "floor_init")
MAX_CELLS = 40
MAX_MATRICES = 3


def _floor_figure(rows: pd.DataFrame):
    cells = sorted(rows["cell"].unique())[:MAX_CELLS]
    figure, ((panel,),) = panels(1, height=4.2)
    for index, column in enumerate((VE, *FLOORS)):
        means = mean_over_seeds(rows[rows["cell"].isin(cells)], ["cell"], column)
        means = means[means["mean"] > 0]
        if means.empty:
            continue
        x = np.array([cells.index(cell) for cell in means["cell"]]) + 0.12 * (index - 2)
        panel.errorbar(
            x,
            means["mean"],
            yerr=[(means["mean"] - means["low"]).clip(lower=0), (means["high"] - means["mean"])],
            color=COLOURS[index % 5],
            marker=marker_of(index),
            linestyle="none",
            elinewidth=1,
            label=label(column),
        )
    panel.set(xlabel="cell", ylabel="distance of weights  [1]")
    panel.set_xticks(range(len(cells)), [str(cell) for cell in cells], rotation=90 if len(cells) > 25 else 0)
    log_axis(panel, "y")
    panel.legend(loc="upper left", bbox_to_anchor=(0, 1.16), ncols=3)
    return figure


def _model_names(distances: pd.DataFrame, side: str) -> pd.Series:
    kinds = distances["kind"].str.split("/", expand=True)[0 if side == "a" else 1]
    seeds = distances[f"seed_{side}"]
    names = {"unlearned": "M″", "retrained": "M′"}
    return pd.Series(
        [names.get(kind, f"{kind} {seed}") for kind, seed in zip(kinds, seeds, strict=True)], distances.index
    )


def distance_matrix(distances: pd.DataFrame) -> pd.DataFrame:
    """Median over seeds of the distance of every two models of a cell's groups, symmetric; models in the file's order."""
    named = distances.assign(a=_model_names(distances, "a"), b=_model_names(distances, "b"))
    medians = named.groupby(["a", "b"], sort=False)["distance"].median()
    models = list(dict.fromkeys([*named["a"], *named["b"]]))
    order = {"M″": 0, "M′": 1}
    models.sort(key=lambda name: (order.get(name, 2), name.split(" ")[0] != "repeat", name.split(" ")[0] == "init"))
    matrix = pd.DataFrame(np.nan, index=models, columns=models)
    for (a, b), value in medians.items():
        matrix.loc[a, b] = matrix.loc[b, a] = value
    return matrix


def _matrix_figure(study: Study, matrices: dict[int, pd.DataFrame]):
    figure, (row,) = panels(len(matrices), width=max(4.6, 3.4 * len(matrices) + 0.6), height=3.9)
    positive = np.concatenate([matrix.to_numpy().ravel() for matrix in matrices.values()])
    positive = positive[positive > 0]
    norm = LogNorm(positive.min(), max(positive.max(), positive.min() * 1.01)) if len(positive) else None
    for panel, (cell, matrix) in zip(row, matrices.items(), strict=True):
        image = panel.imshow(matrix.where(matrix > 0), cmap="cividis", norm=norm, interpolation="nearest")
        ticks = range(len(matrix))
        panel.set_xticks(ticks, matrix.columns, rotation=90, fontsize=7.5)
        panel.set_yticks(ticks, matrix.index, fontsize=7.5)
        panel.grid(False)
        panel.set_title(f"cell {cell}\n{study.title(cell)}", fontsize=8.5)
    figure.colorbar(image, ax=list(row), label="distance  [1], log scale", shrink=0.85)
    return figure


def _matrices(study: Study) -> tuple[list[Picture], list[Table]]:
    if study.distances.empty:
        return [], []
    rows = at_last_step(study.distances[np.isfinite(study.distances["distance"])])
    cells = sorted(rows["cell"].unique())
    if not cells:
        return [], []
    chosen = [cells[i] for i in np.unique(np.linspace(0, len(cells) - 1, min(MAX_MATRICES, len(cells))).astype(int))]
    matrices = {int(cell): distance_matrix(rows[rows["cell"] == cell]) for cell in chosen}
    caption = (
        "Distances between the models of a comparison group at the last step, medians over the groups (seeds) of a "
        f"cell{'; the first, middle and last cell' if len(cells) > MAX_MATRICES else ''}. order, init: M′ trained in "
        "another order, from another w₀. White: 0 or not compared."
    )
    alt = f"Matrices of distances between the models of comparison groups, for cells {', '.join(map(str, matrices))}."
    table = rows.groupby(["cell", "kind"])["distance"].agg(pairs="count", median="median").reset_index()
    return (
        [Picture("distance_matrix", _matrix_figure(study, matrices), alt, caption)],
        [Table("distances", table, "Median distance of two models of a group at the last step, by what the two are.")],
    )


def _summary(study: Study, rows: pd.DataFrame) -> pd.DataFrame:
    table = rows.groupby("cell").agg(seeds=("seed", "nunique"), T=("step", "max")).reset_index()
    table["below floor (0)"] = (
        table["cell"].map(rows[rows["status"] == "below_floor"].groupby("cell").size()).fillna(0).astype(int)
    )
    for column in (VE, *FLOORS):
        if rows[column].notna().any():
            table[label(column)] = table["cell"].map(rows.groupby("cell")[column].median())
    if rows["ratio_order"].notna().any():
        ends = {cell: bca_interval(own.to_numpy()) for cell, own in rows.groupby("cell")["ratio_order"]}
        table["VE / floor (ii)"] = table["cell"].map(rows.groupby("cell")["ratio_order"].median())
        table["low"], table["high"] = (
            table["cell"].map({cell: pair[i] for cell, pair in ends.items()}) for i in (0, 1)
        )
    table.insert(1, "", [study.title(cell) for cell in table["cell"]])
    return table


def section(study: Study) -> Section:
    """Floors a cell, and the distance matrix."""
    rows = study.floors
    if rows.empty or not rows[list(FLOORS)].notna().any().any():
        return left_out(
            "noise", TITLE, "no noise floor was measured (noise.ulp, noise.repeats, noise.orders, noise.inits)."
        )
    rows = at_last_step(rows[rows[list(FLOORS)].notna().any(axis=1)])
    pictures, tables = [], []
    if can_be_log(rows[VE].dropna()[rows[VE] > 0]):
        pictures.append(
            Picture(
                "noise_floors",
                _floor_figure(rows),
                "Verification error and noise floors of every cell.",
                "Geometric means over seeds with 95 % t-intervals, at the last step"
                + (f"; the first {MAX_CELLS} cells." if rows["cell"].nunique() > MAX_CELLS else ".")
                + " A floor of exactly 0 is not drawn.",
            )
        )
    tables.append(
        Table(
            "noise_floors",
            _summary(study, rows),
            "Medians over seeds at the last step. VE / floor (ii) with its "
            "95 % BCa bootstrap interval over seeds (from 4 seeds on).",
        )
    )
    more_pictures, more_tables = _matrices(study)
    below = int((study.floors["status"] == "below_floor").sum())
    text = [
        "Floor (0) is how far M is from itself when w₀ moves by one rounding error; (i) M′ trained again, which must be 0; "
        "(ii) M′ in other batch orders; (iii) M′ from other w₀. A verification error below floor (ii) is less than what "
        "the order of the batches alone makes.",
        f"{below} of {len(study.floors)} rows lie below three times floor (0): they measure how sensitive training is, and "
        "stay out of all means and correlations of this report.",
    ]
    return Section("noise", TITLE, text, pictures + more_pictures, tables + more_tables)
