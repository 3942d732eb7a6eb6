"""What the study cost and what sharing saved, from telemetry.h5 beside the results."""

from __future__ import annotations

import pandas as pd

from ..document import Picture, Section, Table, left_out
from ..study import Study
from ..style import COLOURS, panels

TITLE = "Cost"
STAGES = {"train_s": "training", "curvature_s": "curvature", "measure_s": "other measures"}


def _draw(items: pd.DataFrame):
    kinds = items.groupby("kind")[list(STAGES)].sum()
    ranks = items.groupby(["attempt", "rank"])[list(STAGES)].sum()
    figure, (row,) = panels(2, height=max(2.6, 0.22 * min(len(ranks), 32) + 1.2))
    for panel, table, title in ((row[0], kinds, "By kind of work"), (row[1], ranks.head(32), "By rank")):
        names = [
            str(name) if not isinstance(name, tuple) else f"attempt {name[0]}, rank {name[1]}" for name in table.index
        ]
        left = pd.Series(0.0, index=table.index)
        for index, (column, name) in enumerate(STAGES.items()):
            panel.barh(
                range(len(table)),
                table[column],
                left=left,
                color=COLOURS[index],
                label=name,
                height=0.7,
                hatch=("", "//", "..")[index],
                edgecolor="white",
                linewidth=0.5,
            )
            left = left + table[column]
        panel.set_yticks(range(len(table)), names)
        panel.invert_yaxis()
        panel.set(xlabel="time of ranks  [s]", title=title)
    row[0].legend(loc="lower right")
    return figure


def sharing_text(study: Study) -> list[str]:
    """How many steps were asked for, planned, trained and taken from the cache."""
    trained, cached = int(study.items["model_steps"].sum()), int(study.items["cached_steps"].sum())
    asked = int(study.telemetry.get("model_steps_asked", 0))
    planned = int(study.telemetry.get("model_steps_planned", 0))
    fewer = (
        f", {asked / trained:.1f} times fewer than if every run were trained by itself ({asked:,})"
        if asked and trained
        else ""
    )
    return [
        f"{trained:,} model steps were trained{fewer}; {planned:,} were planned with sharing, {cached:,} came from the cache."
    ]


def section(study: Study) -> Section:
    """Seconds by stage and by rank."""
    items = study.items
    if items.empty:
        return left_out("cost", TITLE, "no telemetry.h5 lies beside the results.")
    table = (
        items.groupby("kind")
        .agg(
            items=("kind", "size"),
            model_steps=("model_steps", "sum"),
            **{name: (column, "sum") for column, name in STAGES.items()},
        )
        .reset_index()
    )
    table["microseconds a model step"] = 1e6 * table["training"] / table["model_steps"].where(table["model_steps"] > 0)
    table = table.rename(columns={"model_steps": "model steps", **{name: f"{name}, s" for name in STAGES.values()}})
    span = (
        items.assign(end=items["start_s"] + items[list(STAGES)].sum(axis=1))
        .groupby("attempt")
        .agg(start=("start_s", "min"), end=("end", "max"))
    )
    text = sharing_text(study) + [
        f"Ranks: {items['rank'].nunique()} on {items['host'].nunique()} host(s), in {len(span)} attempt(s); "
        f"{(span['end'] - span['start']).sum():.1f} s from the first start to the last end, "
        f"{items[list(STAGES)].sum().sum():.1f} s summed over ranks."
    ]
    return Section(
        "cost",
        TITLE,
        text,
        [
            Picture(
                "cost",
                _draw(items),
                "Seconds of training, curvature and other measures by kind of work and by rank.",
                "Seconds of ranks; lanes that train side by side share theirs.",
            )
        ],
        [Table("cost", table, "Work by kind.")],
    )
