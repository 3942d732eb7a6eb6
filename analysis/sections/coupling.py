"""Coupled retrains (M's own batches without the forgotten ones) against uncoupled ones, along T, and eta lambda_max."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..document import Picture, Section, Table, left_out
from ..names import VE
from ..statistics.paired import paired_ratio, with_holm
from ..study import Study
from ..style import COLOURS, colours_of, few_levels, legend, log_axis, marker_of, panels, scale_x

TITLE = "Coupled and uncoupled retrains"
KIND, COUPLED, FRESH = "retrain.kind", "coupled", "fresh"
EDGE = "eta_lambda_max"
STABLE = 2.0  #: of eta lambda_max: above it gradient descent on a quadratic diverges
TEXT = (
    "A coupled M′ takes M's own batches without the forgotten ones; an uncoupled one batches anew what is left, so that it is "
    "also M in another order. Where uncoupled distances are as large as coupled ones, the coupling is lost: M and M′ differ as "
    "two trainings do, and not by what was forgotten. Above η λ_max = 2 differences grow by themselves."
)


def comparisons(study: Study) -> pd.DataFrame:
    """A row a setting and step: fresh / coupled of VE and of ||M - M'||, paired over seeds, what each leaves, and the median
    of eta lambda_max with the part of rows above 2; Holm over the table."""
    others = [axis for axis in study.axes if axis != KIND]
    rows = study.usable.assign(_other=0)
    found = []
    for (_, step), own in rows.groupby([rows[others].astype(str).agg("|".join, axis=1) if others else "_other", "step"]):
        sides = [own[own[KIND] == kind].set_index("seed") for kind in (COUPLED, FRESH)]
        seeds = sides[0].index.intersection(sides[1].index)
        if len(seeds) == 0:
            continue
        a, b = (side.loc[seeds] for side in sides)
        found.append(
            {
                "setting": study.title(int(own["cell"].iloc[0]), others) if others else "all",
                "cell": int(a["cell"].iloc[0]),
                "step": int(step),
                **paired_ratio(a[VE], b[VE]),
                "distances": paired_ratio(a["no_unlearning_distance"], b["no_unlearning_distance"])["ratio"],
                "left_coupled": float(np.exp(np.log((a[VE] / a["no_unlearning_distance"]).where(a[VE] > 0)).mean())),
                "left_fresh": float(np.exp(np.log((b[VE] / b["no_unlearning_distance"]).where(b[VE] > 0)).mean())),
                "edge": float(a[EDGE].median()) if EDGE in a else np.nan,
                "beyond": 100 * float((a[EDGE] > STABLE).mean()) if EDGE in a and a[EDGE].notna().any() else np.nan,
            }
        )
    return with_holm(pd.DataFrame(found)) if found else pd.DataFrame()


def _draw(table: pd.DataFrame):
    with_edge = table["edge"].notna().any()
    settings = few_levels(table["setting"], 12)
    colours = colours_of(settings)
    figure, (row,) = panels(3 if with_edge else 2, width=12.5 if with_edge else 9.5, height=3.8)
    for index, setting in enumerate(settings):
        own = table[table["setting"] == setting].sort_values("step")
        style = {"color": colours[index], "marker": marker_of(index), "markersize": 4}
        row[0].plot(own["step"], own["ratio"], label=setting, **style)
        row[0].fill_between(own["step"], own["low"], own["high"], color=colours[index], alpha=0.15, linewidth=0)
        row[1].plot(own["step"], own["left_coupled"], label=setting, **style)
        if with_edge:
            row[2].plot(own["step"], own["edge"], label=setting, **style)
    titles = ("VE, fresh / coupled  [1]", "left of ‖M − M′‖, coupled  [1]", "η λ_max, median  [1]")
    for panel, title, level in zip(row, titles, (1.0, 1.0, STABLE), strict=False):
        panel.axhline(level, color="#444", linestyle="--", linewidth=1)
        panel.set(xlabel="steps T  [SGD steps]", ylabel=title)
        log_axis(panel, "y"), scale_x(panel, table["step"])
    for panel in row[:2] if with_edge else ():
        of = table[table["beyond"] > 50]
        column = "ratio" if panel is row[0] else "left_coupled"
        panel.plot(of["step"], of[column], "o", mfc="none", mec=COLOURS[-1], markersize=9, linestyle="none")
    legend(row[-1], "")
    return figure


def section(study: Study) -> Section:
    """Ratio of both, what is left, and eta lambda_max, along T."""
    if KIND not in study.axes or not {COUPLED, FRESH} <= set(study.usable[KIND]):
        return left_out("coupling", TITLE, "retrain.kind is not both coupled and fresh in this study.")
    table = comparisons(study)
    if table.empty or not (table["n"] > 0).any():
        return left_out("coupling", TITLE, "no seed has both kinds with a verification error above 0.")
    columns = {
        "setting": "setting",
        "step": "T",
        "n": "seeds",
        "ratio": "VE, fresh / coupled",
        "low": "low",
        "high": "high",
        "p_holm": "p (Holm)",
        "distances": "‖M − M′‖, fresh / coupled",
        "left_coupled": "left, coupled",
        "left_fresh": "left, fresh",
        "edge": "η λ_max, median",
        "beyond": "η λ_max > 2, % of seeds",
    }
    caption = (
        "Geometric means over seeds, left with 95 % t-intervals of the log ratios. Dashed: fresh and coupled are alike; nothing "
        "is undone; η λ_max = 2. Rings: η λ_max is above 2 in more than half of the seeds."
    )
    alt = "Along T: ratio of uncoupled to coupled verification errors, the part left, and eta lambda_max beside 2."
    table_caption = "Fresh retrains against coupled ones, paired over seeds, at every measured step; Holm over the table."
    return Section(
        "coupling",
        TITLE,
        [TEXT],
        [Picture("coupling", _draw(table), alt, caption)],
        [Table("coupling", table[list(columns)].rename(columns=columns), table_caption)],
    )
