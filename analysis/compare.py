"""`python -m analysis compare A B`: two studies side by side, cell by cell, paired over seeds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from .document import Picture, Section, Table, left_out
from .errors import AnalysisError
from .names import UE, VE, plain
from .report import write
from .statistics.paired import paired_ratio, with_holm
from .study import Study
from .style import COLOURS, log_axis, panels, styled

MEASURES = (VE, "fraction_left", UE)


def differing_keys(a: Study, b: Study) -> pd.DataFrame:
    """Scientific keys whose values differ between the studies."""
    rows = []
    for key in sorted((set(a.cells) | set(b.cells)) - {"cell"}):
        values = [
            sorted({str(v) for v in study.cells[key].dropna().unique()}) if key in study.cells else ["(no such key)"]
            for study in (a, b)
        ]
        if values[0] != values[1]:
            rows.append({"key": key, "A": ", ".join(values[0]) or "–", "B": ", ".join(values[1]) or "–"})
    return pd.DataFrame(rows)


def matched_cells(a: Study, b: Study) -> tuple[pd.DataFrame, list[str]]:
    """Rows of both at last steps that agree in the axes that either study has (where both have values in common), in T
    and seed. Keys in which the studies differ as a whole are what is compared. Raises AnalysisError if nothing agrees."""
    axes = [axis for axis in dict.fromkeys([*a.axes, *b.axes]) if axis in a.cells and axis in b.cells]
    axes = [axis for axis in axes if set(a.cells[axis].dropna()) & set(b.cells[axis].dropna())]
    columns = list(dict.fromkeys([*axes, "seed", "step"]))
    tables = []
    for study in (a, b):
        rows = study.usable.drop(columns=study.axes).merge(study.cells[["cell", *axes]], on="cell")
        extra = [axis for axis in study.axes if axis not in axes and rows["cell"].nunique() > 1]
        if rows.duplicated(columns).any():
            raise AnalysisError(
                f"{study.paths[0]}: several of its cells match one of the other study's "
                f"(axes that only it has: {', '.join(extra) or 'none'}); compare studies over the same axes"
            )
        tables.append(rows[[*columns, *(name for name in MEASURES if name in rows)]])
    both = tables[0].merge(tables[1], on=columns, suffixes=(" A", " B"))
    if both.empty:
        raise AnalysisError(
            f"{a.paths[0]} and {b.paths[0]}: no usable row of one has a row of the same "
            f"{', '.join(columns)} in the other; nothing can be compared"
        )
    steps = both.groupby(axes, dropna=False)["step"].transform("max") if axes else both["step"].max()
    return both[both["step"] == steps], axes


def ratios(both: pd.DataFrame, axes: list[str]) -> pd.DataFrame:
    """B / A of every matched cell, paired over seeds, with Holm over the cells of a measure."""
    groups = list(both.groupby(axes, dropna=False)) if axes else [((), both)]
    tables = []
    for measure in MEASURES:
        if f"{measure} A" not in both:
            continue
        tests = [
            {
                "measure": plain(measure),
                **dict(zip(axes, key if isinstance(key, tuple) else (key,), strict=True)),
                "T": int(own["step"].iloc[0]),
                "A": float(np.exp(np.log(own[f"{measure} A"].where(own[f"{measure} A"] > 0)).mean())),
                "B": float(np.exp(np.log(own[f"{measure} B"].where(own[f"{measure} B"] > 0)).mean())),
                **paired_ratio(own[f"{measure} A"], own[f"{measure} B"]),
            }
            for key, own in groups
        ]
        tables.append(with_holm(pd.DataFrame(tests)))
    table = pd.concat(tables, ignore_index=True)
    return table.rename(
        columns={"n": "seeds", "ratio": "B / A", "low": "B / A, low", "high": "B / A, high", "p_holm": "p (Holm)"}
    )


def _draw(both: pd.DataFrame):
    measures = [
        name
        for name in MEASURES
        if f"{name} A" in both and (both[f"{name} A"] > 0).any() and (both[f"{name} B"] > 0).any()
    ]
    if not measures:
        return None
    figure, (row,) = panels(len(measures), width=max(4.5, 3.9 * len(measures)), height=3.7)
    for panel, name in zip(row, measures, strict=True):
        own = both[(both[f"{name} A"] > 0) & (both[f"{name} B"] > 0)]
        panel.plot(
            own[f"{name} A"],
            own[f"{name} B"],
            "o",
            color=COLOURS[0],
            alpha=0.6,
            markersize=4,
            markeredgewidth=0,
            rasterized=len(own) > 2000,
        )
        values = own[[f"{name} A", f"{name} B"]]
        ends = [values.min().min(), values.max().max()]
        panel.plot(ends, ends, color="#444", linestyle="--", linewidth=1)
        panel.set(xlabel="A  [1]", ylabel="B  [1]", title=plain(name))
        log_axis(panel, "x"), log_axis(panel, "y")
    return figure


def compare(a: Study, b: Study, folder: str | Path) -> tuple[Path, pd.DataFrame]:
    """Writes the comparison into a folder; returns the page and the table of ratios."""
    both, axes = matched_cells(a, b)
    table = ratios(both, axes)
    keys = differing_keys(a, b)
    with styled():
        figure = _draw(both)
        settings = (
            Section("settings", "What differs", tables=[Table("settings", keys, "Scientific keys with other values.")])
            if len(keys)
            else left_out("settings", "What differs", "all scientific keys have the same values.")
        )
        pictures = (
            [
                Picture(
                    "compare",
                    figure,
                    "Values of study B against study A, a point a pair of the same cell, step and seed.",
                    "Every pair of the same cell and seed, at the last step that both have. Dashed: equal.",
                )
            ]
            if figure
            else []
        )
        result = Section(
            "ratios",
            "B beside A",
            ["Cells agree in the axes that both studies share; seeds are paired."],
            pictures,
            [
                Table(
                    "compare",
                    table,
                    "Geometric means and their ratio; 95 % t-interval and paired t-test of log "
                    "ratios over seeds; Holm over the cells of a measure.",
                )
            ],
        )
        intro = [f"A: {', '.join(map(str, a.paths))}", f"B: {', '.join(map(str, b.paths))}"]
        return write("Two studies side by side", intro, [settings, result], Path(folder)), table
