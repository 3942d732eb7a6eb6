"""Figures of the page that the report has not: lines of several columns along an axis."""

from __future__ import annotations

import pandas as pd

from ..names import capital, label, label_with_unit, plain
from ..sections.axes import along
from ..statistics.intervals import mean_over_seeds
from ..study import Study
from ..style import can_be_log, colours_of, few_levels, legend, log_axis, marker_of, panels, scale_x, value_text

LINES = 6


def is_positive(column: str) -> bool:
    """Whether a column is averaged by logarithms: distances and errors are, accuracies and risks are not."""
    return not ("accuracy" in column or "risk" in column)


def _panel(panel, table: pd.DataFrame, axis: str, second: str | None, geometric: bool) -> None:
    values = few_levels(table[second], LINES) if second else [None]
    for index, (value, colour) in enumerate(zip(values, colours_of(values), strict=True)):
        own = (table if second is None else table[table[second] == value]).sort_values(axis)
        x = own[axis].astype(float) if pd.api.types.is_numeric_dtype(table[axis]) else own[axis].astype(str)
        panel.plot(x, own["mean"], color=colour, marker=marker_of(index), markersize=4, label=value_text(value))
        if own["low"].notna().any():
            panel.fill_between(x, own["low"], own["high"], color=colour, alpha=0.18, linewidth=0)
    if geometric and can_be_log(table["mean"]):
        log_axis(panel, "y")
    if pd.api.types.is_numeric_dtype(table[axis]):
        scale_x(panel, table[axis])


def lines(study: Study, axis: str, columns: tuple[str, ...], second: str | None = None):
    """A panel a column: means over seeds with 95 % t-intervals along an axis (cells that differ in other axes averaged
    within each seed), a line a value of `second`; geometric but for accuracies and risks. None where no column has
    values at two points."""
    rows = study.usable if axis == "step" else study.last
    rows = study.pairs if rows.empty else rows
    second = second if second in study.axes else None
    others = [other for other in study.axes if other != axis]
    drawn = []
    for column in columns:
        if column not in rows or not rows[column].notna().any():
            continue
        geometric = is_positive(column)
        if geometric:
            table = along(rows, axis, second, others, column)
        else:
            by = [axis, *([second] if second else [])]
            of_seeds = rows.groupby([*by, "seed"])[column].mean().reset_index()
            table = mean_over_seeds(of_seeds, by, column, geometric=False)
        if len(table) and table[axis].nunique() > 1:
            drawn.append((column, table, geometric))
    if not drawn:
        return None
    figure, (row,) = panels(len(drawn), width=max(5.2, 4.1 * len(drawn) + 1), height=3.3)
    for panel, (column, table, geometric) in zip(row, drawn, strict=True):
        _panel(panel, table, axis, second, geometric)
        panel.set(xlabel=label_with_unit(axis), ylabel=f"{plain(column)}  [1]")
    legend(row[-1], label(second) if second else "")
    return figure


def caption_of(axis: str, columns: tuple[str, ...], second: str | None) -> str:
    """What `lines` draws, in words."""
    names = ", ".join(plain(column) for column in columns)
    each = f", a line for each {label(second)}" if second else ""
    return f"{capital(names)} along {label(axis)}{each}; means over seeds with 95 % intervals."
