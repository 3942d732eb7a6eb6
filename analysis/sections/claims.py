"""The paper's claims of sign, each reported as it comes out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..document import Picture, Section, Table, left_out
from ..statistics.claims import (
    ALPHA,
    COST,
    FAILS,
    HOLDS,
    MARGIN,
    PREDICTS,
    SEEDS_FOR_CORRELATION,
    SEEDS_FOR_SIGN,
    SEEDS_FOR_SIGN_OF_NETWORKS,
    UNTESTED,
    judged,
    claims_of,
)
from ..study import Study
from ..style import COLOURS, panels

TITLE = "The paper's claims of sign"
VERDICT_COLOURS = {HOLDS: COLOURS[2], FAILS: COLOURS[1]}
VERDICT_MARKERS = {HOLDS: "o", FAILS: "s"}
MAX_ROWS = 40  #: of a panel
RULES = (
    f"""Declared beforehand: the unit is the seed; signs are paired by seed, at the cells' last step; errors are taken as
    logarithms; a modest cost is less than {MARGIN:g} points of M's test accuracy. Correlations ask for
    {SEEDS_FOR_CORRELATION} seeds, signs for {SEEDS_FOR_SIGN} ({SEEDS_FOR_SIGN_OF_NETWORKS} for resnet18 and vgg19).""",
    f"""A claim holds where its p, by Holm over all tested rows, is below {ALPHA:g}; it does not hold where that of the
    contrary is; else it is undecided. Claims (i) to (iii) are two-sided, (iv) is one-sided against the margin. Intervals:
    95 %, studentised bootstrap over seeds, not adjusted.""",
    """With more than two γ an error is compared between the largest and the smallest, and by each seed's slope over all
    of them (a least-squares line through the logarithms, γ taken by rank).""",
)


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """The judged table with columns named for people."""
    columns = {
        "study": "study",
        "claim": "claim",
        "setting": "setting",
        "measure": "measure",
        "T": "T",
        "seeds": "seeds",
        "estimate": "estimate",
        "low": "low",
        "high": "high",
        "p_holm": "p (Holm)",
        "contrary_holm": "p of the contrary (Holm)",
        "verdict": "verdict",
        "remark": "remark",
    }
    table = table.assign(claim="(" + table["claim"] + ") " + table["says"])
    for name in ("T", "seeds"):
        table[name] = table[name].astype("Int64")
    return table[[name for name in columns if name in table]].rename(columns=columns)


def _panels_of(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame, float, bool]]:
    """(title, rows, the value that divides, logarithmic)."""
    made = table[table["verdict"] != UNTESTED]
    ratio, trend = (made["measure"].str.contains(word) for word in ("ratio:", "per step"))
    parts = [
        ("r of log UE and log VE", made[made["claim"] == PREDICTS.name], 0.0, False),
        ("ratio of errors, largest γ / smallest", made[ratio], 1.0, True),
        ("ratio of errors per step of γ", made[trend], 1.0, True),
        ("test accuracy of M, points", made[made["claim"] == COST.name], -MARGIN, False),
    ]
    return [(title, rows.head(MAX_ROWS), divides, log) for title, rows, divides, log in parts if len(rows)]


def draw(table: pd.DataFrame):
    """A panel a measure, a row a setting, coloured by verdict; None where nothing was tested."""
    parts = _panels_of(table)
    if not parts:
        return None
    sizes = [0.26 * len(rows) + 0.9 for _, rows, _, _ in parts]
    figure, grid = panels(1, len(parts), height=sum(sizes) / len(parts), gridspec_kw={"height_ratios": sizes})
    for (panel,), (title, rows, divides, log) in zip(grid, parts, strict=True):
        for place, row in enumerate(rows.itertuples()):
            colour = VERDICT_COLOURS.get(row.verdict, "#777")
            panel.plot([row.low, row.high], [place, place], color=colour)
            panel.plot(row.estimate, place, VERDICT_MARKERS.get(row.verdict, "D"), color=colour)
        names = [
            f"({row.claim}) {getattr(row, 'study', '')} {row.setting}".replace("  ", " ") for row in rows.itertuples()
        ]
        panel.set_yticks(np.arange(len(names)), names, fontsize=8)
        panel.set(xlabel=f"{title}  [{'%' if 'points' in title else '1'}]", ylim=(len(names) - 0.4, -0.6))
        panel.axvline(divides, color="#444", linestyle="--", linewidth=1)
        if log:
            panel.set_xscale("log")
    return figure


def picture_and_table(table: pd.DataFrame) -> tuple[list[Picture], list[Table]]:
    """Of a judged table."""
    figure = draw(table)
    caption = (
        "Estimates with 95 % intervals. Green circle: the claim holds. Orange square: it does not. Grey diamond: undecided. "
        "Dashed: what a claim must be above (correlation, accuracy) or below (ratios)."
    )
    alt = "Estimates and intervals of every tested claim of sign, by measure and setting."
    pictures = [Picture("claims", figure, alt, caption)] if figure is not None else []
    return pictures, [Table("claims", shown(table), "Claims of sign, each as it comes out.", wide=True)]


def section(study: Study) -> Section:
    """The table, and its tested rows drawn."""
    table = judged(claims_of(study))
    if (table["verdict"] == UNTESTED).all():
        reasons = "; ".join(dict.fromkeys(f"({row.claim}) {row.remark}" for row in table.itertuples()))
        return left_out("claims", TITLE, reasons)
    pictures, tables = picture_and_table(table)
    return Section("claims", TITLE, [" ".join(rule.split()) for rule in RULES], pictures, tables)
