"""What was studied: the axes and the means of every cell at its last step."""

from __future__ import annotations

import pandas as pd

from ..document import Section, Table, left_out
from ..names import UE, VE, label
from ..statistics.intervals import mean_over_seeds
from ..study import Study

MEASURES = {
    VE: "verification error",
    "fraction_left": "fraction left",
    UE: "unlearning error",
    "no_unlearning_distance": "‖w − w′‖",
}


def _axes_table(study: Study) -> Table:
    rows = []
    for axis in [*study.axes, "seed", "step"]:
        values = (
            sorted((study.cells if axis in study.cells else study.pairs)[axis].dropna().unique(), key=str)
            if axis not in ("seed", "step")
            else sorted(study.pairs[axis].unique() if axis == "step" else study.seeds)
        )
        try:
            values = sorted(values)
        except TypeError:
            pass
        shown = [f"{value:g}" if isinstance(value, float) else str(value) for value in values]
        text = ", ".join(shown) if len(shown) <= 12 else f"{', '.join(shown[:5])}, … {shown[-1]}"
        rows.append({"axis": axis, "meaning": label(axis), "values": text, "number": len(values)})
    return Table("axes", pd.DataFrame(rows), "Axes of the study.")


def cell_means(study: Study, rows: pd.DataFrame) -> pd.DataFrame:
    """A row a cell and step: the axes, then mean, low and high of each measure."""
    table = rows[["cell", "step", *study.axes]].drop_duplicates(["cell", "step"]).sort_values(["cell", "step"])
    for column, name in MEASURES.items():
        means = mean_over_seeds(rows, ["cell", "step"], column).drop(columns="kind")
        means = means.rename(columns={"mean": name, "low": f"{name}, low", "high": f"{name}, high", "n": "seeds"})
        table = table.merge(means if column == VE else means.drop(columns="seeds"), on=["cell", "step"], how="left")
    return table.rename(columns={"step": "T"})


def section(study: Study) -> Section:
    """The axes; every cell's means at its last step (page) and at all steps (cells_all_steps.csv)."""
    title = "The study and its means"
    if study.pairs.empty:
        return left_out("overview", title, "no pair was measured.")
    tables = [_axes_table(study)]
    text = [
        "M is the original model, M′ the one retrained without the forget set, M″ the unlearned one. The verification "
        "error is the distance of the weights of M′ and M″; the fraction left is that error over the distance of M and "
        "M′: 0 is as good as retraining, 1 no better than doing nothing."
    ]
    if len(study.last):
        note = (
            "Means over seeds [95 % t-interval]: geometric, with the interval of the logarithms, unless a value is 0. "
            "Weights and distances have no unit."
        )
        tables.append(
            Table("cells_last_step", cell_means(study, study.last), f"Means of every cell at its last step T. {note}")
        )
        tables.append(
            Table("cells_all_steps", cell_means(study, study.usable), f"Means of every cell at all steps. {note}")
        )
    else:
        text.append(
            "No row can be used: every pair failed, was not finished, or lies below its noise floor. What follows "
            "says why."
        )
    return Section("overview", title, text, tables=tables)
