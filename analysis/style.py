"""How figures look: colours that colour-blind readers tell apart (Okabe and Ito; cividis for heat maps), a marker for
each colour so that print in grey stays legible, labels with units."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterSciNotation, LogLocator, NullFormatter

from .names import number

RC = {
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.labelsize": 10,
    "legend.fontsize": 9,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#d9d9d9",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "lines.linewidth": 1.6,
    "lines.markersize": 5.5,
    "legend.frameon": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "unroll",
    "figure.dpi": 110,
    "savefig.facecolor": "white",
    "axes.titlelocation": "left",
}
#: Okabe and Ito, without yellow (too pale on white).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
MAX_VECTOR_POINTS = 2000  #: more points than this are drawn as pixels inside the SVG


@contextmanager
def styled() -> Iterator[None]:
    """Within: figures are made and saved in this style. Nothing outside changes."""
    with matplotlib.rc_context(RC):
        yield


def panels(
    columns: int, rows: int = 1, width: float = 9.2, height: float = 3.9, **options
) -> tuple[Figure, np.ndarray]:
    """A figure and its (rows, columns) array of axes; sizes in inches."""
    figure = Figure(figsize=(width, height * rows), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def colours_of(values: list) -> list:
    """A colour for each value; a scale where there are more than distinct ones."""
    if len(values) > len(COLOURS):
        return [matplotlib.colormaps["cividis"](x) for x in np.linspace(0, 0.75, len(values))]
    return list(COLOURS[: len(values)])


def marker_of(index: int) -> str:
    """The marker of the index-th value."""
    return MARKERS[index % len(MARKERS)]


def few_levels(values: pd.Series, most: int = 7) -> list:
    """Up to `most` of a column's values, spread over their range, in order."""
    levels = sorted(values.dropna().unique(), key=lambda value: (isinstance(value, str), value))
    if len(levels) <= most:
        return levels
    return [levels[i] for i in np.unique(np.linspace(0, len(levels) - 1, most).round().astype(int))]


def value_text(value: object) -> str:
    """A value of an axis, as a legend shows it."""
    return number(float(value)) if isinstance(value, (float, np.floating)) else str(value)


def log_axis(axes: Axes, which: str) -> None:
    """A logarithmic axis with ticks that stay legible over less than a decade too."""
    getattr(axes, f"set_{which}scale")("log")
    axis = axes.xaxis if which == "x" else axes.yaxis
    low, high = sorted(axes.get_xlim() if which == "x" else axes.get_ylim())
    decades = np.log10(high / low) if low > 0 else 9
    if decades < 2:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=12))
        axis.set_major_formatter(LogFormatterSciNotation(labelOnlyBase=False, minor_thresholds=(np.inf, np.inf)))
    axis.set_minor_formatter(NullFormatter())


def can_be_log(values: np.ndarray) -> bool:
    """Whether all values that are there are > 0, and one is."""
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    return len(values) > 0 and bool((values > 0).all())


def scale_x(axes: Axes, values: np.ndarray) -> None:
    """Logarithmic where values spread over more than a decade and a half and none is 0; ticks at the values if few."""
    values = np.unique(np.asarray(values, float))
    log = can_be_log(values) and len(values) > 2 and values[-1] / values[0] >= 9
    if log:
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
    if len(values) <= 8:
        axes.set_xticks(values, [number(float(value)) for value in values])
        axes.minorticks_off()


def legend(axes: Axes, title: str) -> None:
    """A legend right of the axes, where it hides nothing; none where there is nothing to tell apart."""
    if len(axes.get_legend_handles_labels()[1]) > 1:
        axes.legend(title=title, loc="upper left", bbox_to_anchor=(1.0, 1.0), alignment="left", borderaxespad=0.2)
