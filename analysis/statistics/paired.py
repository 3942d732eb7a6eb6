"""Paired comparisons over seeds: ratios of geometric means, t-test on the logarithms, Holm over all tests of a table."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

from .intervals import CONFIDENCE


def paired_ratio(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    """Geometric mean of b / a over pairs of positive values (one a seed): n, ratio, low, high, p (scipy.stats.ttest_rel
    on the logarithms). NaNs where fewer than 2 pairs are left or all ratios are equal."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    with np.errstate(invalid="ignore"):
        good = (a > 0) & (b > 0) & np.isfinite(a) & np.isfinite(b)
    x, y = np.log(a[good]), np.log(b[good])
    n = int(good.sum())
    if n == 0:
        return {"n": 0, "ratio": np.nan, "low": np.nan, "high": np.nan, "p": np.nan}
    ratio = float(np.exp((y - x).mean()))
    if n < 2 or np.ptp(y - x) < 1e-14:
        return {"n": n, "ratio": ratio, "low": np.nan, "high": np.nan, "p": np.nan}
    test = stats.ttest_rel(y, x)
    interval = test.confidence_interval(CONFIDENCE)
    return {
        "n": n,
        "ratio": ratio,
        "low": float(np.exp(interval.low)),
        "high": float(np.exp(interval.high)),
        "p": float(test.pvalue),
    }


def with_holm(table: pd.DataFrame) -> pd.DataFrame:
    """Adds `p_holm` over the tests of the table that could be made."""
    table = table.assign(p_holm=np.nan)
    made = table["p"].notna()
    if made.any():
        table.loc[made, "p_holm"] = multipletests(table.loc[made, "p"], method="holm")[1]
    return table


def seed_means(rows: pd.DataFrame, axis: str, others: list[str], column: str) -> pd.DataFrame:
    """log values averaged for each seed (rows) and value of the axis (columns) over those cells (values of the other axes)
    that have all of the axis's values for that seed, so that every column averages the same cells."""
    rows = rows[rows[column] > 0]
    if rows.empty:
        return pd.DataFrame()
    wide = rows.assign(_log=np.log(rows[column])).pivot_table(
        index=["seed", *others], columns=axis, values="_log", aggfunc="mean", dropna=False
    )
    return wide.dropna().groupby("seed").mean()


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, (float, np.floating)) else str(value)


def compare_values(rows: pd.DataFrame, axis: str, others: list[str], column: str) -> pd.DataFrame:
    """Every value of an axis against its first: ratio of geometric means with interval, p and Holm's p."""
    rows = rows[rows[axis].notna()]
    filled = rows.assign(**{other: rows[other].map(str) for other in others})
    wide = seed_means(filled, axis, others, column)
    if wide.shape[1] < 2 or wide.empty:
        return pd.DataFrame()
    first = wide.columns[0]
    tests = [
        {
            "axis": axis,
            "from": _text(first),
            "to": _text(value),
            "measure": column,
            **paired_ratio(np.exp(wide[first]), np.exp(wide[value])),
        }
        for value in wide.columns[1:]
    ]
    return with_holm(pd.DataFrame(tests))
