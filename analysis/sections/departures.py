"""What each departure of the published code from its theory changes (src/config/README.md): the ratio to the theory's
form, paired over seeds. A key is compared between cells that differ in nothing else, a column with its counterpart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..document import Picture, Section, Table, left_out
from ..names import UE, VE, label
from ..statistics.paired import paired_ratio, with_holm
from ..study import Study
from ..style import COLOURS, panels

TITLE = "Effect of each departure from the theory"


@dataclass(frozen=True)
class Departure:
    """`name` as in src/config/README.md; of a key, the theory's value; of a column, its counterpart."""

    name: str
    what: str
    theory: object


KEYS = (
    Departure("A3", "train.momentum", 0),
    Departure("A3", "train.l2_in", "loss"),
    Departure("A4", "unlearn.gradient_at", "pre-step"),
    Departure("A4", "unlearn.statistics", "kept"),
    Departure("A5", "model.batchnorm", "train"),
    Departure("A6", "unlearn.gradient_of", "forget"),
    Departure("A11", "unlearn.rule", "epoch-scaled"),
    Departure("A13", "loss.sd", "mean"),
    Departure("form", "unlearn.form", "difference"),
)
COLUMNS = (
    Departure("A1", "unlearning_error_published", UE),
    Departure("A2", UE, "ue_abs_half_eta1"),
    Departure("A12", "ue_checkpointed_published", "ue_checkpointed"),
    Departure("B3", "ue_constant", UE),
)
MEASURES = (VE, UE, "no_unlearning_distance", "test_loss_unlearned")
#: Of these values of unlearn.rule one alone departs: the others are the paper's own rules.
RULES = ("final-weights",)


def _same(values: pd.Series) -> pd.Series:
    return values.map(lambda value: "" if pd.isna(value) else str(value))


def _absent(departed: str, name: str) -> tuple[str, ...]:
    """The values that a key which acts in one cell only may have in the theory's."""
    theory = next((str(departure.theory) for departure in KEYS if departure.what == name), "")
    return ("", theory) if departed == "" else ("",)


def _partners(study: Study, departure: Departure) -> pd.DataFrame:
    """Cells that differ in the key alone: `theory`, `departed` and the departing value. Keys that act with one of the
    two values only may differ too: any that the departure brings, and those that it takes away, at their own theory."""
    cells = study.cells
    others = [axis for axis in study.axes if axis != departure.what]
    texts = cells[others].apply(_same) if others else pd.DataFrame(index=cells.index)
    values, found = cells[departure.what], []
    for i in cells.index[values.map(lambda value: value == departure.theory)]:
        for j in cells.index[values.notna() & (values != departure.theory)]:
            differs = [name for name in others if texts.at[i, name] != texts.at[j, name]]
            if all(texts.at[i, name] in _absent(texts.at[j, name], name) for name in differs):
                found.append((cells.at[i, "cell"], cells.at[j, "cell"], values[j]))
    return pd.DataFrame(found, columns=["theory", "departed", "value"])


def _pair(rows: pd.DataFrame, theory: int, departed: int, measure: str) -> pd.Series:
    """log ratio a seed, at the last step that both cells have."""
    a, b = (rows[rows["cell"] == cell].set_index(["step", "seed"])[measure] for cell in (theory, departed))
    both = pd.concat([a, b], axis=1, keys=["a", "b"]).dropna()
    both = both[(both > 0).all(axis=1)]
    both = both[both.index.get_level_values("step") == both.index.get_level_values("step").max()] if len(both) else both
    return np.log(both["b"] / both["a"]).groupby("seed").mean()


def _row(departure: Departure, value: object, measure: str, logs: pd.DataFrame) -> dict:
    of_seeds = logs.mean(axis=1)
    ratio = paired_ratio(np.ones(len(of_seeds)), np.exp(of_seeds.to_numpy(float)))
    return {"departure": departure.name, "of": departure.what, "value": str(value), "measure": measure, **ratio}


def _of_keys(study: Study) -> list[dict]:
    found = []
    for departure in KEYS:
        if departure.what not in study.axes:
            continue
        partners = _partners(study, departure)
        if departure.what == "unlearn.rule":
            partners = partners[partners["value"].isin(RULES)]
        for value, own in partners.groupby("value"):
            for measure in (name for name in MEASURES if name in study.usable):
                cells = zip(own["theory"], own["departed"], strict=True)
                pairs = [_pair(study.usable, theory, departed, measure) for theory, departed in cells]
                logs = pd.concat(pairs, axis=1).dropna()
                if len(logs):
                    found.append(_row(departure, value, measure, logs))
    return found


def _of_columns(study: Study) -> list[dict]:
    """Averaged over cells and steps within each seed."""
    found = []
    for departure in COLUMNS:
        theory = str(departure.theory)
        if departure.what not in study.usable or theory not in study.usable:
            continue
        rows = study.usable[(study.usable[departure.what] > 0) & (study.usable[theory] > 0)]
        if len(rows):
            logs = np.log(rows[departure.what] / rows[theory]).groupby(rows["seed"]).mean()
            found.append(_row(departure, "column", theory, logs.to_frame()))
    return found


def effects(study: Study) -> pd.DataFrame:
    """A row a departure and measure: ratio departed / theory with its interval over seeds; Holm over the table."""
    found = _of_keys(study) + _of_columns(study)
    return with_holm(pd.DataFrame(found)) if found else pd.DataFrame()


def _draw(table: pd.DataFrame):
    shown = table[(table["measure"] == VE) | (table["value"] == "column")].iloc[::-1]
    figure, (row,) = panels(1, height=1.2 + 0.3 * len(shown))
    panel, places = row[0], np.arange(len(shown))
    low, high = (shown[name].fillna(shown["ratio"]) for name in ("low", "high"))
    errors = [(shown["ratio"] - low).clip(lower=0), (high - shown["ratio"]).clip(lower=0)]
    panel.errorbar(shown["ratio"], places, xerr=errors, color=COLOURS[0], marker="o", linestyle="none", capsize=3)
    panel.axvline(1, color="#444", linestyle="--", linewidth=1)
    names = [
        f"{of.departure}: {of.of}" if of.value == "column" else f"{of.departure}: {of.of} = {of.value}"
        for of in shown.itertuples()
    ]
    panel.set_yticks(places, names)
    panel.set_xscale("log")
    panel.set(xlabel="departed / theory  [1]", ylabel="", ylim=(-0.6, len(shown) - 0.4))
    return figure


def section(study: Study) -> Section:
    """The table of ratios, and those of the verification error and of columns drawn."""
    table = effects(study)
    keys = ", ".join(departure.what for departure in KEYS)
    if table.empty:
        why = f"no two cells differ in one of {keys} alone, and no estimate has a variant."
        return left_out("departures", TITLE, why)
    shown = table.assign(measure=table["measure"].map(label), of=table["of"].map(label)).rename(
        columns={"of": "key or column", "n": "seeds", "ratio": "departed / theory", "p_holm": "p (Holm)"}
    )
    text = [
        "The keys, the columns and their defaults are explained in src/config/README.md. Where the departure is a column, "
        "the measure is the column that it is divided by.",
    ]
    missing = [departure.what for departure in KEYS if departure.what not in set(table["of"])]
    if missing:
        text.append(f"Not varied alone in this study: {', '.join(missing)}.")
    caption = (
        "Verification error at the last step of cells that differ in the key alone, and columns over all cells and steps: "
        "geometric means of the ratio with 95 % t-intervals of the log ratios over seeds. Dashed: no effect."
    )
    picture = Picture("departures", _draw(table), "Ratio to the theory's form of each departure.", caption)
    return Section(
        "departures",
        TITLE,
        text,
        [picture],
        [Table("departures", shown, "Each departure against the theory's form, paired over seeds; Holm over the table.")],
    )
