"""Methods and rules of unlearning side by side: paired over seeds, within cells that differ in nothing else."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from ..document import Picture, Section, Table, left_out
from ..names import VE, label, label_with_unit
from ..statistics.intervals import mean_over_seeds
from ..statistics.paired import paired_ratio, seed_means, with_holm
from ..study import Study
from ..style import COLOURS, can_be_log, log_axis, panels

TITLE = "Methods and rules"
MAX_VALUES = 12


def _wide(rows: pd.DataFrame, axis: str, others: list[str], column: str) -> pd.DataFrame:
    filled = rows[rows[axis].notna()].assign(**{other: rows[other].map(str) for other in others})
    return seed_means(filled, axis, others, column)


def comparisons(wide: pd.DataFrame, axis: str) -> pd.DataFrame:
    """Every two values of an axis: ratio of verification errors with its interval, paired over seeds; Holm over all."""
    tests = [
        {"axis": axis, "a": a, "b": b, **paired_ratio(np.exp(wide[a]), np.exp(wide[b]))}
        for a, b in combinations(wide.columns, 2)
    ]
    return with_holm(pd.DataFrame(tests)) if tests else pd.DataFrame()


def _draw(rows: pd.DataFrame, wide: pd.DataFrame, axis: str, others: list[str]):
    figure, (row,) = panels(2)
    fractions = _wide(rows[rows["fraction_left"] > 0], axis, others, "fraction_left")
    for panel, table, column in ((row[0], wide, VE), (row[1], fractions, "fraction_left")):
        names = [str(name) for name in table.columns]
        for _, values in table.iterrows():
            panel.plot(range(len(names)), np.exp(values), color="#9a9a9a", linewidth=0.7, zorder=1)
        long = np.exp(table).stack().rename(column).reset_index().rename(columns={axis: "_value"})
        if len(long):
            means = mean_over_seeds(long, ["_value"], column).set_index("_value").reindex(table.columns)
            panel.errorbar(
                range(len(names)),
                means["mean"],
                yerr=[means["mean"] - means["low"], means["high"] - means["mean"]],
                color=COLOURS[0],
                marker="o",
                linestyle="none",
                elinewidth=2,
                capsize=4,
                zorder=2,
            )
        panel.set_xticks(range(len(names)), names, rotation=15 if len(names) > 2 else 0)
        panel.set(xlabel=label(axis), ylabel=label_with_unit(column), xlim=(-0.5, len(names) - 0.5))
        if can_be_log(long[column]) and long[column].max() / long[column].min() > 5:
            log_axis(panel, "y")
    row[1].axhline(1, color="#444", linestyle="--", linewidth=1)
    return figure


def section(study: Study) -> Section:
    """A figure and the tests of each axis of [unlearn]."""
    pictures, tables = [], []
    for axis in (axis for axis in study.axes if axis.startswith("unlearn.")):
        others = [other for other in study.axes if other != axis]
        if study.last.empty or not 2 <= study.last[axis].nunique() <= MAX_VALUES:
            continue
        wide = _wide(study.last, axis, others, VE)
        if wide.empty:
            continue
        name = axis.replace(".", "_")
        caption = (
            "Grey: a seed, averaged geometrically over the cells that have all values. Blue: geometric means with 95 % "
            "t-intervals. Dashed: no better than not unlearning. Last step."
        )
        pictures.append(
            Picture(
                name,
                _draw(study.last, wide, axis, others),
                f"Verification error and fraction left for each value of {axis}, seeds joined by lines.",
                caption,
            )
        )
        tested = comparisons(wide, axis).rename(
            columns={"n": "seeds", "ratio": "b / a", "low": "b / a, low", "high": "b / a, high", "p_holm": "p (Holm)"}
        )
        tables.append(
            Table(
                name,
                tested.assign(a=tested["a"].map(str), b=tested["b"].map(str)),
                "Ratios of verification errors, paired over seeds: t-test "
                "and 95 % interval of the log ratios; Holm over the table.",
            )
        )
    if not pictures:
        return left_out("methods", TITLE, "no key of [unlearn] has two values with usable rows.")
    return Section("methods", TITLE, [], pictures, tables)
