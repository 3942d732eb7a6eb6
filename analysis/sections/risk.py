"""Privacy risk scores of M, M' and M'' beside the verification error."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..document import Picture, Section, Table, left_out
from ..names import VE, label_with_unit
from ..statistics.correlations import correlations_in_cells
from ..statistics.intervals import mean_over_seeds
from ..statistics.paired import with_holm
from ..statistics.studentised import studentised_mean
from ..study import Study
from ..style import COLOURS, can_be_log, log_axis, marker_of, panels

TITLE = "Privacy risk scores and the verification error"
SETS = ("forget", "retain", "test")
MODELS = {"original": "M", "retrained": "M′", "unlearned": "M″"}
GAP = "risk_gap"
ASKED = {
    "forget_risk_original": "risk of M, forget set",
    "forget_risk_unlearned": "risk of M″, forget set",
    GAP: "risk of M″ − risk of M′, forget set",
}
TEXT = (
    "A risk is the mean over rows of the shadow models' estimate that a row was trained on; members are the retained rows, and "
    "of the forget set those that M saw. Unlearning that is exact leaves M″ the risk of M′. All prs.* settings of a study share "
    "their models and verification errors."
)


def risks(study: Study, rows: pd.DataFrame) -> pd.DataFrame:
    """Mean risks of every cell, with half of the 95 % t-interval."""
    table = rows[["cell", "step", *study.axes]].drop_duplicates("cell").sort_values("cell")
    table = table.rename(columns={"step": "T"})
    for name in SETS:
        for model, symbol in MODELS.items():
            column = f"{name}_risk_{model}"
            if column in rows and rows[column].notna().any():
                means = mean_over_seeds(rows, ["cell"], column, geometric=False).set_index("cell")
                table[f"{name} {symbol}"] = table["cell"].map(means["mean"])
                table[f"{name} {symbol}, ±"] = table["cell"].map((means["high"] - means["low"]) / 2)
    return table


def differences(rows: pd.DataFrame) -> pd.DataFrame:
    """Risk of M, and of M'', minus that of M' on each set: a seed's cells averaged; Holm over the table."""
    found = []
    for name in SETS:
        for model in ("original", "unlearned"):
            columns = [f"{name}_risk_{model}", f"{name}_risk_retrained"]
            if not set(columns) <= set(rows) or not rows[columns].notna().all(axis=1).any():
                continue
            of_seeds = (rows[columns[0]] - rows[columns[1]]).groupby(rows["seed"]).mean().dropna()
            result = studentised_mean(of_seeds.to_numpy())
            p = min(1.0, 2 * min(result["p"], result["p_contrary"])) if np.isfinite(result["p"]) else np.nan
            found.append(
                {
                    "difference": f"{MODELS[model]} − M′, {name} set",
                    "seeds": len(of_seeds),
                    "estimate": float(of_seeds.mean()),
                    "low": result["low"],
                    "high": result["high"],
                    "p": p,
                }
            )
    return with_holm(pd.DataFrame(found)) if found else pd.DataFrame()


def against_error(rows: pd.DataFrame) -> pd.DataFrame:
    """r of risks with the logarithm of the verification error over the seeds of each cell."""
    rows = rows[rows[VE] > 0].assign(_log=np.log(rows[VE].where(rows[VE] > 0)))
    table = correlations_in_cells(rows, [name for name in ASKED if name in rows], "_log")
    return table.assign(predictor=table["predictor"].map(ASKED)) if len(table) else table


def _draw(rows: pd.DataFrame):
    gap = GAP in rows and rows[GAP].notna().any()
    figure, (row,) = panels(2 if gap else 1, width=10.5 if gap else 6.5)
    x = mean_over_seeds(rows, ["cell"], VE).set_index("cell")
    drawn = [(row[0], f"forget_risk_{model}", symbol, i) for i, (model, symbol) in enumerate(MODELS.items())]
    for panel, column, name, index in [*drawn, *([(row[1], GAP, "M″ − M′", 3)] if gap else [])]:
        if column not in rows or not rows[column].notna().any():
            continue
        y = mean_over_seeds(rows, ["cell"], column, geometric=False).set_index("cell")
        cells = x.index.intersection(y.index)
        panel.errorbar(
            x.loc[cells, "mean"],
            y.loc[cells, "mean"],
            yerr=(y.loc[cells, "high"] - y.loc[cells, "low"]) / 2,
            color=COLOURS[index],
            marker=marker_of(index),
            linestyle="none",
            elinewidth=0.8,
            label=name,
        )
    for panel, title in zip(row, ("risk on the forget set  [1]", "risk of M″ − risk of M′  [1]"), strict=False):
        if can_be_log(x["mean"]):
            log_axis(panel, "x")
        panel.set(xlabel=label_with_unit(VE), ylabel=title)
    row[0].legend()
    if gap:
        row[1].axhline(0, color="#444", linestyle="--", linewidth=1)
    return figure


def section(study: Study) -> Section:
    """Risks by cell, differences between the models, and risk against verification error."""
    rows = study.last
    columns = [name for name in rows if "_risk_" in name and rows[name].notna().any()]
    if not columns:
        return left_out("risk", TITLE, "no privacy risk score was measured (prs.shadow), or no row is usable.")
    if {"forget_risk_unlearned", "forget_risk_retrained"} <= set(columns):
        rows = rows.assign(**{GAP: rows["forget_risk_unlearned"] - rows["forget_risk_retrained"]})
    tables = [
        Table("risk", risks(study, rows), "Mean risks at the last step ± half of the 95 % t-interval over seeds.", wide=True)
    ]
    tested = differences(rows)
    if len(tested):
        caption = (
            "Differences of mean risk at the last step, a seed's cells averaged: studentised bootstrap over seeds, two-sided, "
            "Holm over the table. No interval below 5 seeds."
        )
        tables.append(Table("risk_differences", tested.rename(columns={"p_holm": "p (Holm)"}), caption))
    related = against_error(rows)
    if len(related):
        names = {"step": "T", "n": "seeds", "r_low": "r, low", "r_high": "r, high", "p_holm": "p (Holm)"}
        shown = related[["cell", "step", "predictor", "n", "r", "r_low", "r_high", "p_holm"]].rename(columns=names)
        caption = "Pearson's r of risks with the logarithm of the verification error over the seeds of each cell; Holm over cells."
        tables.append(Table("risk_correlations", shown, caption))
    caption = "A point a cell at its last step, means over seeds; risks with 95 % t-intervals. Dashed: as the retrained model."
    picture = Picture("risk", _draw(rows), "Risks on the forget set, and their gap, against verification error.", caption)
    return Section("risk", TITLE, [TEXT], [picture], tables)
