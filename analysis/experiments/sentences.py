"""Sentences that say what a study shows, computed from its numbers: none holds a conclusion that other numbers could turn
false. Intervals are 95 %, over seeds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from ..names import PREDICTORS, TRIVIAL, UE, VE, capital, plain, short
from ..statistics.correlations import correlations_in_cells
from ..statistics.intervals import mean_over_seeds, t_interval
from ..statistics.models import seed_slopes
from ..statistics.paired import compare_values
from ..statistics.pooled import pooled_correlations
from ..statistics.studentised import studentised_mean
from ..study import Study
from ..style import value_text

MAX_VALUES = 12


def between(estimate: float, low: float, high: float) -> str:
    """`0.91 (0.87 to 0.94)`."""
    if not np.isfinite([low, high]).all():
        return f"{estimate:.3g} (no interval)"
    return f"{estimate:.3g} ({low:.3g} to {high:.3g})"


def size(study: Study) -> str:
    """What was run: network, data, seeds, axes, steps."""
    cells = study.cells
    what = [" and ".join(sorted(set(cells[key]))) for key in ("model.arch", "data.dataset") if key in cells]
    axes = [
        f"{axis} = {', '.join(value_text(value) for value in sorted(cells[axis].dropna().unique())[:MAX_VALUES])}"
        for axis in study.axes
    ]
    runs = study.runs["status"].value_counts()
    failures = "".join(f", {count} {status}" for status, count in runs.items() if status != "ok")
    return (
        f"{' on '.join(what)}; {len(study.seeds)} seeds; {len(cells)} cells ({'; '.join(axes) or 'one'}); "
        f"T up to {int(study.pairs['step'].max()) if len(study.pairs) else 0}; "
        f"{len(study.runs)} runs{failures}; {len(study.usable)} of {len(study.pairs)} rows usable."
    )


def _of_seeds(rows: pd.DataFrame, values: pd.Series) -> tuple[float, float, float, int]:
    """Geometric mean over seeds, a seed's cells averaged first."""
    good = values[values > 0]
    logs = np.log(good).groupby(rows.loc[good.index, "seed"]).mean()
    mean, low, high = t_interval(logs.to_numpy())
    return float(np.exp(mean)), float(np.exp(low)), float(np.exp(high)), len(logs)


def ratios(study: Study) -> list[str]:
    """What one gradient leaves, and the unlearning error beside it, over all cells at their last step."""
    rows, found = study.last, []
    if rows.empty:
        return ["No row is usable."]
    if (rows["no_unlearning_distance"] > 0).any() and (rows[VE] > 0).any():
        mean, low, high, n = _of_seeds(rows, rows[VE] / rows["no_unlearning_distance"])
        found.append(
            f"At the last step the verification error is {between(mean, low, high)} times ‖M − M′‖ "
            f"(geometric mean over cells and {n} seeds)."
        )
    if UE in rows and (rows[UE] > 0).any():
        mean, low, high, n = _of_seeds(rows, (rows[UE] / rows[VE]).where(rows[VE] > 0))
        found.append(f"The unlearning error is {between(mean, low, high)} times the verification error ({n} seeds).")
    return found


def effect(study: Study, axis: str, columns: tuple[str, ...] = (VE, UE), rows: pd.DataFrame | None = None) -> list[str]:
    """The last value of an axis against its first, paired over seeds."""
    rows = study.last if rows is None else rows
    found = []
    for column in columns:
        if axis not in study.axes or column not in rows or not (rows[column] > 0).any():
            continue
        table = compare_values(rows, axis, [other for other in study.axes if other != axis], column)
        if table.empty:
            continue
        row, name = table.iloc[-1], capital(plain(column))
        if not np.isfinite(row["low"]) and abs(row["ratio"] - 1) < 1e-12:
            found.append(f"{name} is the same at {short(axis)} {row['to']} and {row['from']} in all {row['n']} seeds.")
            continue
        sign = "above" if row["low"] > 1 else "below" if row["high"] < 1 else "not told apart from"
        found.append(
            f"{name} at {short(axis)} {row['to']} is {between(row['ratio'], row['low'], row['high'])} "
            f"times that at {row['from']} ({row['n']} seeds, paired): {sign} 1."
        )
    return found


def difference(study: Study, axis: str, column: str, name: str, rows: pd.DataFrame | None = None) -> list[str]:
    """The last value of a numeric axis minus its first, in points of per cent, paired over seeds."""
    rows = study.last if rows is None else rows
    if axis not in study.axes or column not in rows:
        return []
    wide = rows.pivot_table(index="seed", columns=axis, values=column).dropna()
    if wide.shape[1] < 2 or wide.empty:
        return []
    first, last = wide.columns[0], wide.columns[-1]
    found = studentised_mean(100 * (wide[last] - wide[first]).to_numpy())
    return [
        f"{name}: {100 * wide[first].mean():.2f} % at {short(axis)} {value_text(first)}, {100 * wide[last].mean():.2f} % at "
        f"{value_text(last)}; difference {between(found['estimate'], found['low'], found['high'])} points ({len(wide)} seeds)."
    ]


def prediction(study: Study) -> list[str]:
    """Correlations in cells, and pooled beside the trivial predictors."""
    predictors = [name for name in PREDICTORS if name in study.usable]
    cells = correlations_in_cells(study.last, predictors)
    found = []
    for name in predictors:
        own = cells[cells["predictor"] == name] if len(cells) else cells
        if len(own):
            found.append(
                f"{capital(plain(name))}: r from {own['r'].min():.2f} to {own['r'].max():.2f} "
                f"(median {own['r'].median():.2f}) in "
                f"{len(own)} cells of at least {own['n'].min()} seeds; "
                f"p (Holm) < 0.05 and r > 0 in {int(((own['p_holm'] < 0.05) & (own['r'] > 0)).sum())}."
            )
    pooled = pooled_correlations(study.usable, predictors)
    if len(pooled):
        own = pooled[(pooled["kind"] == "within cells") & pooled["predictor"].isin(TRIVIAL)]
        beaten = own[own["minus_low"] > 0]["predictor"].map(plain).tolist()
        lost = own[own["minus_high"] < 0]["predictor"].map(plain).tolist()
        found.append(
            "Paired bootstrap over seeds, within cells: trivial predictors that correlate less with the verification error than "
            f"the unlearning error does: {', '.join(beaten) or 'none'}; that correlate more: {', '.join(lost) or 'none'}."
        )
    return found


def _table(groups, of_group: Callable[[pd.DataFrame], dict], by: tuple[str, ...]) -> pd.DataFrame:
    rows = [{short(key): value_text(value) for key, value in zip(by, keys, strict=True)} | of_group(own)
            for keys, own in groups]
    return pd.DataFrame(rows)


def slopes(study: Study, columns: tuple[str, ...], by: tuple[str, ...], most: float) -> list[pd.DataFrame]:
    """Power of the learning rate with which columns go, fitted seed by seed up to a rate."""
    by = tuple(key for key in by if key in study.axes)
    rows = study.last[study.last["train.lr"] <= most] if "train.lr" in study.axes else study.last.head(0)

    def of_group(own: pd.DataFrame) -> dict:
        fits = {column: seed_slopes(own, "train.lr", column) for column in columns if column in own}
        found = {f"slope of {plain(name)}": between(fit["slope"], fit["low"], fit["high"]) for name, fit in fits.items()}
        return found | {"seeds": own["seed"].nunique()}

    return [_table(rows.groupby(list(by)), of_group, by)] if len(rows) and by else []


def left(study: Study, by: tuple[str, ...]) -> list[pd.DataFrame]:
    """Part of ||M - M'|| that is left, by the values of axes, over cells and seeds."""
    by = tuple(key for key in by if key in study.axes)
    rows = study.last.assign(_left=study.last[VE] / study.last["no_unlearning_distance"])

    def of_group(own: pd.DataFrame) -> dict:
        mean, low, high, n = _of_seeds(own, own["_left"])
        return {"left of ‖M − M′‖": between(mean, low, high), "seeds": n}

    return [_table(rows.groupby(list(by)), of_group, by)] if len(rows) and by else []


def levels(rows: pd.DataFrame, by: list[str], column: str, name: str) -> list[str]:
    """Arithmetic means of a column by groups, in one sentence."""
    if column not in rows or not rows[column].notna().any():
        return []
    of_seeds = rows.groupby([*by, "seed"], dropna=False)[column].mean().reset_index()
    means = mean_over_seeds(of_seeds, by, column, geometric=False)
    parts = [
        f"{between(row['mean'], row['low'], row['high'])} at "
        + ", ".join(f"{key.split('.', 1)[-1]} {value_text(row[key])}" for key in by)
        for row in means.to_dict("records")
    ]
    return [f"{name}: {'; '.join(parts)} (means over {means['n'].min()} seeds)."]
