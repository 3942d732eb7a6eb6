"""Does the SD loss lower the verification error where accuracy is the same, or the distance from w_0?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..document import Picture, Section, Table, left_out
from ..names import VE
from ..statistics.matched import Trajectory, at_equal, trajectories
from ..statistics.paired import paired_ratio, with_holm
from ..study import Study
from ..style import COLOURS, marker_of, panels

TITLE = "The SD loss at equal accuracy and at equal distance"
GAMMA, ACCURACY, DISTANCE = "loss.gamma", "test_accuracy_original", "distance_from_start"
TOLERANCE = 0.005  #: accuracies within half a point are equal (declared beforehand)
TOLERANCE_OF_DISTANCE = 0.01  #: of the distance that is matched
MEASURES = {VE: "VE", "over_distance": "VE / ‖M − M′‖", "over_floor": "VE / floor (0)"}
EQUAL = {ACCURACY: "test accuracy of M", DISTANCE: "‖w_T − w₀‖"}
TEXT = (
    "Gamma changes accuracy and every distance, so cells are compared where M is the same: of each seed, at the highest test "
    "accuracy that both cells reach, the first time that each does, interpolated along T. Seeds whose accuracies differ "
    f"there by more than {100 * TOLERANCE:g} points are left out (declared beforehand); `matched` counts the others. The "
    "same at equal ‖w_T − w₀‖."
)


def _rows(study: Study) -> tuple[pd.DataFrame, list[str]]:
    rows = study.usable[study.usable[VE] > 0].copy()
    rows["over_distance"] = rows[VE] / rows["no_unlearning_distance"]
    measures = [VE, "over_distance"]
    if len(study.floors) and (study.floors["floor_ulp"] > 0).any():
        floors = study.floors[["cell", "seed", "step", "floor_ulp"]]
        rows = rows.merge(floors, on=["cell", "seed", "step"], how="left")
        rows["over_floor"] = rows[VE] / rows["floor_ulp"].where(rows["floor_ulp"] > 0)
        measures.append("over_floor")
    return rows, measures


def _of_pair(a: dict[int, Trajectory], b: dict[int, Trajectory], equal: str, measures: list[str]) -> list[dict]:
    """Matches of the seeds that both cells have; rows of the table, one a measure."""
    scale = 1.0 if equal == ACCURACY else min(max(np.nanmax(of[equal]) for of in side.values()) for side in (a, b))
    tolerance = TOLERANCE if equal == ACCURACY else TOLERANCE_OF_DISTANCE * scale
    seeds = sorted(a.keys() & b.keys())
    matches = [at_equal(a[s], b[s], equal, measures, tolerance) for s in seeds]
    found = pd.DataFrame([match for match in matches if match is not None])
    about = {"seeds": len(seeds), "matched": len(found)}
    if found.empty:
        return [about | {"measure": measure} for measure in measures]
    about |= {"T_a": found["T_a"].median(), "T_b": found["T_b"].median()}
    return [
        about | {"measure": measure} | paired_ratio(found[f"{measure}_a"], found[f"{measure}_b"]) for measure in measures
    ]


def comparisons(study: Study) -> pd.DataFrame:
    """Every gamma against the smallest, by setting, by what is equal and by measure; Holm over the table."""
    rows, measures = _rows(study)
    if rows.empty:
        return pd.DataFrame()
    equals = [name for name in EQUAL if name in rows and rows[name].notna().any()]
    of_cell: dict[int, dict[int, Trajectory]] = {}
    for (cell, seed), values in trajectories(rows, [*equals, *measures]).items():
        of_cell.setdefault(cell, {})[seed] = values
    others = [axis for axis in study.axes if axis != GAMMA and not axis.startswith("prs.")]
    found = []
    for _, own in rows.groupby(others, dropna=False) if others else [((), rows)]:
        cells = own.drop_duplicates("cell").sort_values(GAMMA)
        setting = study.title(int(cells["cell"].iloc[0]), others) if others else "all"
        first = of_cell[cells["cell"].iloc[0]]
        for cell, gamma in cells[["cell", GAMMA]].dropna().iloc[1:].itertuples(index=False):
            for equal in equals:
                for row in _of_pair(first, of_cell[cell], equal, measures):
                    found.append(
                        {"setting": setting, "equal": equal, "from": cells[GAMMA].iloc[0], "gamma": gamma} | row
                    )
    table = pd.DataFrame(found)
    return with_holm(table.assign(p=table.get("p", np.nan))) if len(table) else table


def _draw(table: pd.DataFrame):
    made = table[table.get("ratio", pd.Series(np.nan, table.index)).notna()]
    kinds = [equal for equal in EQUAL if equal in set(made["equal"])]
    if not kinds:
        return None
    figure, (row,) = panels(len(kinds), width=4.6 * len(kinds) + 1.6, height=3.6)
    for panel, equal in zip(row, kinds, strict=True):
        own = made[made["equal"] == equal]
        places = sorted(own["gamma"].unique())
        for index, measure in enumerate(name for name in MEASURES if name in set(own["measure"])):
            of = own[own["measure"] == measure]
            x = of["gamma"].map(places.index) + 0.14 * (index - 1)
            low, high = of["low"].fillna(of["ratio"]), of["high"].fillna(of["ratio"])
            panel.errorbar(
                x,
                of["ratio"],
                yerr=[(of["ratio"] - low).clip(lower=0), (high - of["ratio"]).clip(lower=0)],
                color=COLOURS[index],
                marker=marker_of(index),
                linestyle="none",
                capsize=3,
                label=MEASURES[measure],
            )
        panel.axhline(1, color="#444", linestyle="--", linewidth=1)
        panel.set_yscale("log")
        panel.set_xticks(range(len(places)), [f"{gamma:g}" for gamma in places])
        panel.set(xlabel="γ of the SD loss  [1]", ylabel="ratio to the smallest γ  [1]", title=f"at equal {EQUAL[equal]}")
    row[-1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def section(study: Study) -> Section:
    """Ratios of the verification error, alone and over two distances, at equal accuracy and at equal distance."""
    rows = study.usable
    if GAMMA not in study.axes:
        return left_out("equal", TITLE, "the study has one γ or none.")
    if ACCURACY not in rows or rows.groupby("cell")["step"].nunique().max() < 2:
        return left_out("equal", TITLE, "it needs the test accuracy of M (measure.outputs) at several steps.")
    table = comparisons(study)
    if table.empty:
        return left_out("equal", TITLE, "no cell has a verification error above 0 beside one of another γ.")
    figure = _draw(table)
    columns = {
        "setting": "setting",
        "equal": "equal",
        "gamma": "γ",
        "from": "against",
        "measure": "measure",
        "seeds": "seeds",
        "matched": "matched",
        "T_b": "median T at γ",
        "T_a": "median T against",
        "ratio": "ratio",
        "low": "ratio, low",
        "high": "ratio, high",
        "p_holm": "p (Holm)",
    }
    shown = table.reindex(columns=list(columns)).assign(
        equal=table["equal"].map(EQUAL), measure=table["measure"].map(MEASURES)
    )
    caption = "Geometric means over matched seeds with 95 % t-intervals of the log ratios. Dashed: γ changes nothing."
    alt = "Ratio of verification errors to that of the smallest gamma, where accuracy or distance from the start is equal."
    return Section(
        "equal",
        TITLE,
        [TEXT],
        [Picture("equal", figure, alt, caption)] if figure is not None else [],
        [
            Table(
                "equal",
                shown.rename(columns=columns),
                "Each γ against the smallest where M is equal, paired over seeds; Holm over the table.",
            )
        ],
    )
