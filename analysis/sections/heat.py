"""Heat maps of verification error and fraction left over two axes."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm, Normalize

from ..document import Picture, Section, Table, left_out
from ..names import UE, VE, label, label_with_unit, number, plain, short
from ..study import Study
from ..style import can_be_log, panels, value_text

TITLE = "Heat maps over two axes"
MAX_FIGURES = 6
MAX_TEXT_CELLS = 100  #: with more cells than this, numbers inside would not be legible


def grid_of(rows: pd.DataFrame, x: str, y: str, column: str) -> pd.DataFrame:
    """Geometric mean over seeds (the cells of a seed averaged first): index y, columns x; NaN where nothing is."""
    rows = rows[rows[x].notna() & rows[y].notna() & (rows[column] > 0)]
    logs = np.log(rows[column]).groupby([rows[y], rows[x], rows["seed"]]).mean()
    return np.exp(logs.groupby(level=[0, 1]).mean()).unstack()


def _draw(grids: dict[str, pd.DataFrame], x: str, y: str):
    figure, (row,) = panels(len(grids), height=3.6)
    for panel, (column, grid) in zip(row, grids.items(), strict=True):
        values = grid.to_numpy(float)
        log = can_be_log(values) and np.nanmax(values) / np.nanmin(values) > 5
        norm = (LogNorm if log else Normalize)(np.nanmin(values), np.nanmax(values))
        image = panel.imshow(values, cmap="cividis", norm=norm, aspect="auto", origin="lower", interpolation="nearest")
        if values.size <= MAX_TEXT_CELLS:
            for (i, j), value in np.ndenumerate(values):
                dark = np.isfinite(value) and norm(value) < 0.55
                panel.text(
                    j,
                    i,
                    number(float(f"{value:.2g}")) if np.isfinite(value) else "–",
                    ha="center",
                    va="center",
                    color="white" if dark else "black",
                    fontsize=8.5,
                )
        for names, set_ticks in ((grid.columns, panel.set_xticks), (grid.index, panel.set_yticks)):
            kept = np.unique(np.linspace(0, len(names) - 1, min(len(names), 10)).round().astype(int))
            set_ticks(kept, [value_text(names[i]) for i in kept])
        panel.grid(False)
        panel.set(xlabel=label_with_unit(x), ylabel=label_with_unit(y), title=label(column))
        figure.colorbar(image, ax=panel, label="[1]" + (", log scale" if log else ""))
    return figure


def section(study: Study) -> Section:
    """A figure for each pair of axes (steps count as one), the first six."""
    pictures, tables = [], []
    for x, y in combinations([*study.axes, "step"], 2):
        rows = study.usable if "step" in (x, y) else study.last
        if not all(2 <= rows[axis].nunique() <= 60 for axis in (x, y)):
            continue
        columns = [column for column in (VE, "fraction_left") if (rows[column] > 0).any()]
        grids = {column: grid_of(rows, x, y, column) for column in columns}
        if not grids or len(pictures) == MAX_FIGURES:
            continue
        name = f"heat_{short(x)}_{short(y)}"
        rest = [short(axis) for axis in study.axes if axis not in (x, y)]
        caption = (
            "Geometric means over seeds"
            + ("" if "step" in (x, y) else ", at each cell's last step")
            + (f"; cells that differ in {', '.join(rest)} are averaged, those that are there." if rest else ".")
        )
        pictures.append(
            Picture(
                name,
                _draw(grids, x, y),
                f"Heat maps of {' and '.join(map(label, grids))} over {label(x)} and {label(y)}.",
                caption,
            )
        )
        long = pd.concat(
            [
                grid_of(rows, x, y, column).stack().rename(plain(column))
                for column in (*columns, UE)
                if (rows[column] > 0).any()
            ],
            axis=1,
        ).reset_index()
        tables.append(Table(name, long, f"Means over {short(x)} and {short(y)}."))
    if not pictures:
        return left_out("heat", TITLE, "they need two axes (steps count as one) with two values each.")
    return Section("heat", TITLE, [], pictures, tables)
