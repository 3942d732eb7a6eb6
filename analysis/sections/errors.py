"""Unlearning error against verification error."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..document import Picture, Section, Table, left_out
from ..names import UE, VE, label_with_unit
from ..statistics.intervals import mean_over_seeds
from ..statistics.models import seed_slopes
from ..study import Study
from ..style import MAX_VECTOR_POINTS, colours_of, few_levels, legend, log_axis, marker_of, panels, value_text

TITLE = "Unlearning error and verification error"
PREFERRED = ("train.lr", "loss.gamma", "forget.index")


def colour_axis(study: Study) -> str | None:
    """The axis that colours stand for: the learning rate where it is one, since it shifts everything."""
    wanted = [axis for axis in PREFERRED if axis in study.axes] + study.axes
    return next((axis for axis in wanted if study.pairs[axis].nunique() <= 7), None)


def levels_of(rows: pd.DataFrame, axis: str | None) -> list[tuple[str, pd.DataFrame]]:
    """(legend, rows) of each value of an axis; all rows where there is none."""
    if axis is None:
        return [("all cells", rows)]
    levels = [(value_text(value), rows[rows[axis] == value]) for value in few_levels(rows[axis])]
    return levels or [("all cells", rows)]


def _scatter(rows: pd.DataFrame, axis: str | None):
    figure, ((left, right),) = panels(2)
    levels = levels_of(rows, axis)
    colours = colours_of(few_levels(rows[axis])) if axis else colours_of([0])
    means = [mean_over_seeds(rows, ["cell", "step"], name).set_index(["cell", "step"]) for name in (UE, VE)]
    for index, (name, own) in enumerate(levels):
        style = {"color": colours[index], "marker": marker_of(index), "linestyle": "none"}
        left.plot(
            own[UE],
            own[VE],
            label=name,
            alpha=0.55,
            markersize=3.5,
            markeredgewidth=0,
            rasterized=len(rows) > MAX_VECTOR_POINTS,
            **style,
        )
        keys = pd.MultiIndex.from_frame(own[["cell", "step"]].drop_duplicates())
        x, y = (mean.reindex(keys) for mean in means)
        right.errorbar(
            x["mean"],
            y["mean"],
            xerr=[x["mean"] - x["low"], x["high"] - x["mean"]],
            yerr=[y["mean"] - y["low"], y["high"] - y["mean"]],
            label=name,
            elinewidth=0.8,
            rasterized=len(keys) > MAX_VECTOR_POINTS,
            markersize=4.5,
            **{k: v for k, v in style.items()},
        )
    for panel, title in ((left, "Every pair and step"), (right, "Means over seeds, 95 % intervals")):
        panel.set(xlabel=label_with_unit(UE), ylabel=label_with_unit(VE), title=title)
        log_axis(panel, "x"), log_axis(panel, "y")
    legend(right, axis or "")
    return figure, right


def _line(panel, rows: pd.DataFrame) -> None:
    """The mean of the seeds' own power laws over all rows."""
    fit = seed_slopes(rows, UE)
    if np.isfinite(fit["slope"]):
        x = np.geomspace(rows[UE].min(), rows[UE].max(), 50)
        panel.plot(
            x,
            10 ** fit["intercept"] * x ** fit["slope"],
            color="#444",
            linestyle="--",
            linewidth=1.2,
            label=f"fit: slope {fit['slope']:.2f}",
            zorder=1,
        )


def _fits(rows: pd.DataFrame, axis: str | None) -> pd.DataFrame:
    parts = [("all cells", rows), *(levels_of(rows, axis) if axis else [])]
    fits = [
        {"rows of": name if name == "all cells" else f"{axis} = {name}", **seed_slopes(own, UE)} for name, own in parts
    ]
    table = pd.DataFrame(fits).rename(columns={"low": "slope, low", "high": "slope, high"})
    return table[["rows of", "seeds", "slope", "slope, low", "slope, high"]]


def section(study: Study) -> Section:
    """Scatter of pairs and of means, and the power laws of VE in UE."""
    rows = study.usable[(study.usable[UE] > 0) & (study.usable[VE] > 0)]
    if rows.empty:
        return left_out("errors", TITLE, "no usable row has both errors above 0 (measure.sigma = none, or steps of 0).")
    axis = colour_axis(study)
    figure, right = _scatter(rows, axis)
    _line(right, rows)
    legend(right, axis or "")
    alt = f"Two scatter plots on logarithmic axes of verification error against unlearning error, {len(rows)} rows" + (
        f", coloured by {axis}." if axis else "."
    )
    text = [
        "The unlearning error is a proxy that needs no retraining. It goes with the learning rate and the number of steps "
        "as the verification error does, so a line through all cells shows that they share η and T, not that one "
        "predicts the other: for that, see the correlations."
    ]
    caption = (
        "Left: every usable pair and step. Right: geometric means of every cell and step with 95 % t-intervals of the "
        "logarithms; dashed: the mean of power laws fitted seed by seed. [1]: no unit."
    )
    return Section(
        "errors",
        TITLE,
        text,
        [Picture("errors_scatter", figure, alt, caption)],
        [
            Table(
                "errors_fits",
                _fits(rows, axis),
                "Power laws VE ∝ UE^slope: fitted for each seed over its cells and "
                "steps, then averaged over seeds with the 95 % t-interval.",
            )
        ],
    )
