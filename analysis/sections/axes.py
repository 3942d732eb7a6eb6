"""Both errors along every axis: steps, learning rate, gamma, position, whatever the study varies."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..document import Picture, Section, Table, left_out
from ..names import UE, VE, label, label_with_unit, plain, short
from ..statistics.intervals import mean_over_seeds
from ..statistics.paired import compare_values
from ..study import Study
from ..style import can_be_log, colours_of, few_levels, legend, log_axis, marker_of, panels, scale_x, value_text
from .errors import PREFERRED

TITLE = "Both errors along the axes"


def _second(study: Study, axis: str) -> str | None:
    """The axis whose values become lines."""
    wanted = [other for other in [*PREFERRED, *study.axes] if other in study.axes and other != axis]
    return next((other for other in wanted if study.pairs[other].nunique() <= 7), None)


def _balanced(rows: pd.DataFrame, axis: str, others: list[str]) -> pd.DataFrame:
    """Rows of those seeds and other values that have every value of the axis (so that all points average the same ones);
    all rows where there are none."""
    keys = ["seed", *others]
    num_values = rows.groupby(keys, dropna=False)[axis].transform("nunique")
    whole = rows[num_values == rows[axis].nunique()]
    return whole if len(whole) else rows


def along(rows: pd.DataFrame, axis: str, second: str | None, others: list[str], column: str) -> pd.DataFrame:
    """Means over seeds along an axis, a line a value of `second`; the cells of a seed that share a point are averaged
    geometrically first, so that n counts seeds."""
    rows = rows[rows[axis].notna() & (rows[column] > 0)]
    if rows.empty:
        return pd.DataFrame()
    rows = _balanced(rows, axis, others)
    by = [axis] if second is None else [second, axis]
    of_seeds = np.exp(np.log(rows[column]).groupby([rows[name] for name in [*by, "seed"]]).mean()).reset_index()
    return mean_over_seeds(of_seeds, by, column).assign(measure=column)


def _draw(tables: dict[str, pd.DataFrame], axis: str, second: str | None):
    figure, (row,) = panels(len(tables))
    for panel, (column, table) in zip(row, tables.items(), strict=True):
        levels = few_levels(table[second]) if second else [None]
        colours = colours_of(levels)
        texts = not pd.api.types.is_numeric_dtype(table[axis])
        names = sorted(table[axis].unique())
        for index, value in enumerate(levels):
            own = table if second is None else table[table[second] == value]
            x = np.array([names.index(name) for name in own[axis]], float) if texts else own[axis].to_numpy(float)
            panel.plot(x, own["mean"], color=colours[index], marker=marker_of(index), label=value_text(value))
            if own["low"].notna().any():
                panel.fill_between(x, own["low"], own["high"], color=colours[index], alpha=0.18, linewidth=0)
        panel.set(xlabel=label_with_unit(axis), ylabel=label_with_unit(column))
        if can_be_log(table["mean"]):
            log_axis(panel, "y")
        if texts:
            panel.set_xticks(range(len(names)), [str(name) for name in names], rotation=15 if len(names) > 3 else 0)
        else:
            scale_x(panel, table[axis])
    if second:
        legend(row[-1], second)
    return figure


def _picture(study: Study, axis: str) -> tuple[Picture, pd.DataFrame] | None:
    rows = study.usable if axis == "step" else study.last
    second = _second(study, axis)
    others = [other for other in study.axes if other != axis]
    tables = {column: along(rows, axis, second, others, column) for column in (VE, UE)}
    tables = {column: table for column, table in tables.items() if len(table)}
    if not tables or next(iter(tables.values()))[axis].nunique() < 2:
        return None
    averaged = [short(other) for other in others if other != second]
    caption = (
        "Geometric means over seeds with 95 % t-intervals (bands)"
        + ("" if axis == "step" else ", at each cell's last step")
        + (f"; cells that differ in {', '.join(averaged)} are averaged within each seed." if averaged else ".")
    )
    alt = f"{' and '.join(label(column) for column in tables)} against {label(axis)}" + (
        f", one line for each value of {second}." if second else "."
    )
    name = f"along_{axis.replace('.', '_')}"
    return Picture(name, _draw(tables, axis, second), alt, caption), pd.concat(tables.values()).assign(axis=axis)


def effects(study: Study) -> pd.DataFrame:
    """Every value of an axis against its first, paired over seeds, at the last step."""
    tests = []
    for axis in study.axes:
        if not 2 <= study.last[axis].nunique() <= 12:
            continue
        for column in (VE, UE):
            found = compare_values(study.last, axis, [other for other in study.axes if other != axis], column)
            tests.append(found.assign(measure=plain(column)) if len(found) else found)
    tests = [test for test in tests if len(test)]
    return pd.concat(tests, ignore_index=True) if tests else pd.DataFrame()


def section(study: Study) -> Section:
    """A figure an axis, a table of means, and of paired comparisons."""
    drawn = [found for axis in ("step", *study.axes) if (found := _picture(study, axis)) is not None]
    if not drawn:
        return left_out("axes", TITLE, "no axis, nor the steps, has two values with usable rows.")
    tables = []
    for picture, means in drawn:
        axis = means["axis"].iloc[0]
        shown = means.drop(columns=["axis", "kind", "measure"]).rename(columns={"n": "seeds"})
        shown.insert(0, "measure", means["measure"].map(plain))
        tables.append(Table(picture.name, shown, f"Means along {axis}."))
    tested = effects(study)
    if len(tested):
        tested = tested.rename(columns={"n": "seeds", "p_holm": "p (Holm)", "low": "ratio, low", "high": "ratio, high"})
        tables.append(
            Table(
                "effects",
                tested,
                "Effects of the axes at the last step. Ratio of geometric means (to / from), paired over seeds: "
                "t-test and 95 % interval of log ratios; Holm over the values of one axis and measure.",
            )
        )
    return Section("axes", TITLE, [], [picture for picture, _ in drawn], tables)
