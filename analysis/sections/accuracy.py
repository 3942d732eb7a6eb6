"""What unlearning costs in accuracy."""

from __future__ import annotations

import pandas as pd

from ..document import Picture, Section, Table, left_out
from ..names import VE, label_with_unit
from ..statistics.intervals import mean_over_seeds
from ..study import Study
from ..style import can_be_log, colours_of, few_levels, legend, log_axis, marker_of, panels
from .errors import colour_axis, levels_of

TITLE = "Accuracy"
SETS = ("test", "retain", "forget")
MODELS = {"original": "M", "retrained": "M′", "unlearned": "M″"}


def accuracy_table(study: Study, rows: pd.DataFrame) -> pd.DataFrame:
    """Mean accuracies in per cent of every cell, with half of the 95 % t-interval."""
    table = (
        rows[["cell", "step", *study.axes]].drop_duplicates("cell").sort_values("cell").rename(columns={"step": "T"})
    )
    for name in SETS:
        for model, symbol in MODELS.items():
            column = f"{name}_accuracy_{model}"
            if column not in rows or not rows[column].notna().any():
                continue
            means = mean_over_seeds(rows, ["cell"], column, geometric=False).set_index("cell")
            title = f"{name} {symbol}, %"
            table[title] = table["cell"].map(100 * means["mean"]).round(2)
            table[f"{title}, ±"] = table["cell"].map(50 * (means["high"] - means["low"])).round(2)
    return table


def section(study: Study) -> Section:
    """Accuracy of M'' on the test set, and what it lost against M', beside the verification error."""
    column, reference = "test_accuracy_unlearned", "test_accuracy_retrained"
    rows = study.last
    if rows.empty or column not in rows or not rows[column].notna().any():
        return left_out("accuracy", TITLE, "accuracies were not measured (measure.outputs = yes), or no row is usable.")
    rows = rows.assign(
        _accuracy=100 * rows[column],
        _change=100 * (rows[column] - rows[reference]),
        _forget=100 * (rows["forget_accuracy_unlearned"] - rows["forget_accuracy_retrained"]),
    )
    axis = colour_axis(study)
    levels = levels_of(rows, axis)
    colours = colours_of(few_levels(rows[axis])) if axis else colours_of([0])
    figure, (row,) = panels(3, width=11.5)
    x = mean_over_seeds(rows, ["cell"], VE).set_index("cell")
    for panel, name, title in zip(
        row,
        ("_accuracy", "_change", "_forget"),
        ("test accuracy of M″  [%]", "test accuracy, M″ − M′  [% points]", "forget-set accuracy, M″ − M′  [% points]"),
        strict=True,
    ):
        y = mean_over_seeds(rows, ["cell"], name, geometric=False).set_index("cell")
        for index, (value, own) in enumerate(levels):
            cells = [cell for cell in own["cell"].unique() if cell in y.index and cell in x.index]
            error = (y.loc[cells, "high"] - y.loc[cells, "low"]) / 2
            panel.errorbar(
                x.loc[cells, "mean"],
                y.loc[cells, "mean"],
                yerr=error,
                color=colours[index],
                elinewidth=0.8,
                marker=marker_of(index),
                linestyle="none",
                label=value,
                markersize=4.5,
            )
        if can_be_log(x["mean"]):
            log_axis(panel, "x")
        panel.set(xlabel=label_with_unit(VE), ylabel=title)
        if name != "_accuracy":
            panel.axhline(0, color="#444", linestyle="--", linewidth=1)
    legend(row[-1], axis or "")
    caption = "A point a cell at its last step: means over seeds, accuracies with 95 % t-intervals."
    return Section(
        "accuracy",
        TITLE,
        [
            "M″ is judged with M's BatchNorm statistics. A change is that of M″ against the retrained "
            "M′ of the same seed."
        ],
        [
            Picture(
                "accuracy",
                figure,
                "Test accuracy of the unlearned model, its change and the change on the forget "
                "set, against verification error.",
                caption,
            )
        ],
        [
            Table(
                "accuracy",
                accuracy_table(study, rows),
                "Accuracies at the last step, means over seeds ± half of the 95 % t-interval.",
            )
        ],
    )
