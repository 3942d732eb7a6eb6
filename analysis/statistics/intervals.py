"""Means over seeds with 95 % intervals.

Distances and errors are positive and skewed: their mean is geometric, with the t-interval of the logarithms, which covers
95 % for log-normal values at any n. Accuracies are averaged as they are, with the t-interval. Medians have BCa bootstrap
intervals (scipy.stats.bootstrap); few values make these too short (tests/analysis/coverage_test.py prints it).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

CONFIDENCE = 0.95
NUM_RESAMPLES = 2000
MIN_BOOTSTRAP = 4  #: fewer independent values than this give no bootstrap interval


def mean_over_seeds(rows: pd.DataFrame, by: list[str], column: str, geometric: bool = True) -> pd.DataFrame:
    """One row a group of `by`: n, mean, low, high (NaN for n = 1), kind.

    `geometric` averages logarithms in groups whose values are all > 0, and plainly in those that hold a 0.
    Rows are one a seed within a group; values that are not finite are left out.
    """
    rows = rows[np.isfinite(rows[column])]
    if rows.empty:
        return pd.DataFrame(columns=[*by, "n", "mean", "low", "high", "kind"])
    grouped = rows.groupby(by, dropna=False, sort=True)[column]
    on_log = geometric & (grouped.transform("min") > 0)
    values = np.where(on_log, np.log(rows[column].where(on_log, 1.0)), rows[column])
    frame = rows[by].assign(_value=values, _log=on_log)
    groups = frame.groupby(by, dropna=False, sort=True)
    table = groups["_value"].agg(n="count", mean="mean", sem="sem").assign(_log=groups["_log"].first()).reset_index()
    half = stats.t.ppf(0.5 + CONFIDENCE / 2, np.maximum(table["n"] - 1, 1)) * table["sem"]
    table["low"], table["high"] = table["mean"] - half, table["mean"] + half
    for name in ("mean", "low", "high"):
        table[name] = np.where(table["_log"], np.exp(table[name].where(table["_log"], 0.0)), table[name])
    table["kind"] = np.where(table["_log"], "geometric", "arithmetic")
    return table.drop(columns=["sem", "_log"])[[*by, "n", "mean", "low", "high", "kind"]]


def bca_interval(values: np.ndarray, statistic=np.median, seed: int = 0) -> tuple[float, float]:
    """BCa bootstrap interval of a statistic (called with axis=-1) of independent values; NaNs for fewer than 4."""
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    if len(values) < MIN_BOOTSTRAP:
        return np.nan, np.nan
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    with np.errstate(all="ignore"):
        result = stats.bootstrap(
            (values,),
            statistic,
            confidence_level=CONFIDENCE,
            n_resamples=NUM_RESAMPLES,
            method="BCa",
            vectorized=True,
            axis=-1,
            rng=np.random.default_rng(seed),
        )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def t_interval(values: np.ndarray) -> tuple[float, float, float]:
    """Mean and t-interval of independent values; NaNs for the ends below 2 values."""
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return (float(values[0]) if len(values) else np.nan), np.nan, np.nan
    if np.ptp(values) <= 1e-12 * np.abs(values).max():  # equal but for rounding
        return float(values[0]), float(values[0]), float(values[0])
    interval = stats.ttest_1samp(values, 0.0).confidence_interval(CONFIDENCE)
    return float(values.mean()), float(interval.low), float(interval.high)
