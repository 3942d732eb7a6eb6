"""Does the unlearning error tell more of the verification error than trivial predictors do?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..document import Picture, Section, Table, left_out
from ..names import PREDICTORS, TRIVIAL, UE, plain
from ..statistics.correlations import correlations_in_cells
from ..statistics.models import mixed_effects
from ..statistics.pooled import pooled_correlations
from ..study import Study
from ..style import COLOURS, panels

TITLE = "Correlation with the verification error"
TEXT = [
    "The unit is the seed, and the question is asked at fixed η and T: pooled over learning rates or steps, everything "
    "correlates with everything. A proxy is worth its cost only where it beats the trivial predictors: η²T, ‖w_T − w₀‖, "
    "η‖g*‖ and ‖w″ − w‖. η²T is constant in a cell and explained by η and T, so that it has no correlation left.",
    "All positions of one M share one unlearning error: rows of a seed are not independent, and intervals of pooled values "
    "are bootstraps over seeds.",
]


def _draw(cells: pd.DataFrame, pooled: pd.DataFrame):
    names = [name for name in PREDICTORS if name in set(cells.get("predictor", [])) | set(pooled.get("predictor", []))]
    kinds = [*(["each cell (last step)"] if len(cells) else []), *(pooled["kind"].unique() if len(pooled) else [])]
    figure, (row,) = panels(len(kinds), width=3.4 * len(kinds) + 1.8, height=0.42 * len(names) + 1.4, sharey=True)
    for panel, kind in zip(row, kinds, strict=True):
        for y, name in enumerate(names):
            colour = COLOURS[1] if name in TRIVIAL else COLOURS[0]
            if kind.startswith("each"):
                values = cells.loc[cells["predictor"] == name, "r"].to_numpy()
                offsets = np.linspace(-0.22, 0.22, len(values)) if len(values) > 1 else np.zeros(len(values))
                panel.plot(
                    values,
                    y + offsets,
                    "o",
                    color=colour,
                    alpha=0.45,
                    markersize=3.5,
                    markeredgewidth=0,
                    rasterized=len(values) > 1000,
                )
                if len(values):
                    panel.plot([np.median(values)] * 2, [y - 0.36, y + 0.36], color="black", linewidth=2)
                continue
            own = pooled[(pooled["kind"] == kind) & (pooled["predictor"] == name)]
            if len(own) and np.isfinite(own["r"].iloc[0]):
                r, low, high = own[["r", "r_low", "r_high"]].iloc[0]
                panel.plot(r, y, "s" if name in TRIVIAL else "o", color=colour)
                panel.plot([low, high], [y, y], color=colour)
        panel.axvline(0, color="#444", linewidth=1)
        panel.set(xlim=(-1.05, 1.05), xticks=(-1, -0.5, 0, 0.5, 1), xlabel="correlation  [1]", title=kind)
    row[0].set_yticks(range(len(names)), [plain(name) for name in names])
    row[0].invert_yaxis()
    return figure


def _cells_table(cells: pd.DataFrame) -> pd.DataFrame:
    shown = cells.assign(predictor=cells["predictor"].map(plain))
    return shown[
        ["cell", "step", "predictor", "n", "r", "r_low", "r_high", "rho", "rho_low", "rho_high", "p", "p_holm"]
    ].rename(
        columns={
            "step": "T",
            "n": "seeds",
            "r_low": "r, low",
            "r_high": "r, high",
            "rho": "ρ",
            "rho_low": "ρ, low",
            "rho_high": "ρ, high",
            "p_holm": "p (Holm)",
        }
    )


def _pooled_table(pooled: pd.DataFrame) -> pd.DataFrame:
    for name in ("r", "r_low", "r_high", "r_minus", "minus_low", "minus_high"):
        pooled = pooled.assign(**{name: pooled.get(name, np.nan)})
    first = plain(str(pooled["predictor"].iloc[0]))
    columns = {
        "kind": "kind",
        "predictor": "predictor",
        "seeds": "seeds",
        "rows": "rows",
        "r": "r",
        "r_low": "r, low",
        "r_high": "r, high",
        "r_minus": f"r of {first} − r",
        "minus_low": "difference, low",
        "minus_high": "difference, high",
        "remark": "remark",
    }
    return pooled.assign(predictor=pooled["predictor"].map(plain))[list(columns)].rename(columns=columns)


def _mixed_table(study: Study) -> Table | str:
    table, remark = mixed_effects(study.last, UE) if UE in study.last else (pd.DataFrame(), "")
    if table.empty:
        return remark
    caption = (
        "Mixed effects at the last step: log VE ~ log unlearning error + log η + log T, with random intercepts of seed "
        "and of cell (statsmodels MixedLM, REML; Wald intervals, 95 %, which are too narrow with few seeds). "
        f"{remark}"
    )
    return Table("mixed_effects", table.rename(columns={"low": "estimate, low", "high": "estimate, high"}), caption)


def section(study: Study) -> Section:
    """Per cell, pooled, and the mixed-effects model."""
    predictors = [name for name in PREDICTORS if name in study.usable]
    if study.usable.empty:
        return left_out("correlations", TITLE, "no usable row.")
    cells = correlations_in_cells(study.last, predictors)
    pooled = pooled_correlations(study.usable, predictors)
    if cells.empty and pooled.empty:
        return left_out(
            "correlations",
            TITLE,
            f"{study.usable['seed'].nunique()} seed(s): a correlation needs 4 seeds in a cell, "
            "or several cells, and predictors that vary.",
        )
    tables, text = [], list(TEXT)
    if len(cells):
        tables.append(
            Table(
                "correlations_by_cell",
                _cells_table(cells),
                "Correlations over the seeds of every cell at its last "
                "step: Pearson's r (Fisher's 95 % interval), Spearman's ρ (Bonett and Wright's); p of r = 0, Holm "
                "over the cells of a predictor.",
            )
        )
        summary = (
            cells.groupby("predictor", sort=False)
            .agg(
                cells=("r", "size"),
                median=("r", "median"),
                lowest=("r", "min"),
                highest=("r", "max"),
                significant=("p_holm", lambda p: int((p < 0.05).sum())),
            )
            .reset_index()
        )
        summary["predictor"] = summary["predictor"].map(plain)
        tables.insert(
            0,
            Table(
                "correlations_summary",
                summary.rename(columns={"significant": "cells with p (Holm) < 0.05"}),
                "Pearson's r of the cells at their last step, summed up.",
            ),
        )
    else:
        text.append("No cell has 4 usable seeds at its last step: there are no correlations per cell.")
    if len(pooled):
        tables.append(
            Table(
                "correlations_pooled",
                _pooled_table(pooled),
                "Pooled over cells and steps, of logarithms: partial "
                "correlation given log η and log T, and correlation of deviations within cells and steps. 95 % BCa "
                "bootstrap over seeds, differences on the same draws. Few seeds make such intervals too short.",
            )
        )
    mixed = _mixed_table(study)
    if isinstance(mixed, Table):
        tables.append(mixed)
    elif mixed:
        text.append(mixed)
    caption = (
        "Blue: proxies. Orange: trivial predictors. Left: a dot a cell at its last step, the bar is their median. Others: "
        "pooled, with 95 % bootstrap intervals over seeds."
    )
    return Section(
        "correlations",
        TITLE,
        text,
        [
            Picture(
                "correlations",
                _draw(cells, pooled),
                "Correlations of proxies and of trivial predictors with the verification error, per cell and pooled.",
                caption,
            )
        ],
        tables,
    )
