"""Where in the network the verification error lies (measure.layers = yes)."""

from __future__ import annotations

import numpy as np

from ..document import Picture, Section, Table, left_out
from ..statistics.intervals import mean_over_seeds
from ..study import Study, at_last_step
from ..style import can_be_log, colours_of, legend, log_axis, marker_of, panels
from .errors import colour_axis, levels_of

TITLE = "Layers"
COLUMNS = {
    "verification_error": "‖w′ − w″‖ of the tensor  [1]",
    "relative_error": "‖w′ − w″‖ / ‖w′‖ of the tensor  [1]",
}


def section(study: Study) -> Section:
    """Errors of every parameter tensor, at the last step, a colour a value of one axis."""
    if study.layers.empty:
        return left_out("layers", TITLE, "layers were not measured (measure.layers = yes).")
    keys = ["cell", "seed", "step"]
    rows = at_last_step(study.layers.merge(study.usable[keys + study.axes], on=keys, how="inner"))
    rows = rows[np.isfinite(rows["verification_error"])]
    if rows.empty:
        return left_out("layers", TITLE, "no usable row has layers.")
    axis = colour_axis(study)
    layers = list(dict.fromkeys(rows["layer"]))
    levels = levels_of(rows, axis)
    colours = colours_of([name for name, _ in levels])
    figure, (row,) = panels(2, height=max(3.0, 0.19 * len(layers) + 1.3))
    for panel, (column, title) in zip(row, COLUMNS.items(), strict=True):
        for index, (name, own) in enumerate(levels):
            of_seeds = own[own[column] > 0].assign(_log=lambda r, c=column: np.log(r[c]))
            of_seeds = np.exp(of_seeds.groupby(["layer", "seed"])["_log"].mean()).rename(column).reset_index()
            means = mean_over_seeds(of_seeds, ["layer"], column).set_index("layer").reindex(layers)
            y = np.arange(len(layers)) + 0.16 * (index - (len(levels) - 1) / 2)
            panel.errorbar(
                means["mean"],
                y,
                xerr=[means["mean"] - means["low"], means["high"] - means["mean"]],
                label=name,
                color=colours[index],
                marker=marker_of(index),
                linestyle="none",
                elinewidth=1,
                markersize=4.5,
            )
        panel.set_yticks(range(len(layers)), layers, fontsize=9 if len(layers) <= 30 else 6.5)
        panel.set(xlabel=title, ylim=(len(layers) - 0.5, -0.5))
        if can_be_log(rows[column][rows[column] > 0]):
            log_axis(panel, "x")
    row[1].tick_params(labelleft=False)
    legend(row[1], axis or "")
    by = ["layer", *([axis] if axis else [])]
    table = (
        rows.groupby(by, sort=False)
        .agg(
            parameters=("num_parameters", "first"),
            seeds=("seed", "nunique"),
            median_error=("verification_error", "median"),
            median_relative_error=("relative_error", "median"),
            median_no_unlearning=("no_unlearning_distance", "median"),
        )
        .reset_index()
    )
    caption = (
        "Geometric means over seeds with 95 % t-intervals at the last step, tensors named as in a PyTorch state_dict, in "
        "the network's order. Cells that share a colour are averaged within each seed."
    )
    alt = f"Verification error and relative error of each of {len(layers)} parameter tensors" + (
        f", coloured by {axis}." if axis else "."
    )
    return Section(
        "layers",
        TITLE,
        [],
        [Picture("layers", figure, alt, caption)],
        [Table("layers", table, "Medians over seeds and cells at the last step.")],
    )
