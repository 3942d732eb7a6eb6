"""Correlation with the verification error inside a cell, over its seeds at one step T.

Pearson's r with Fisher's interval (scipy.stats.pearsonr) and Spearman's rho, whose z has the variance of Bonett and Wright
(Psychometrika 65, 2000). Values are independent, one a seed. A predictor that is constant in a cell has no correlation there.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

from ..names import VE
from .intervals import CONFIDENCE

MIN_SEEDS = 4  #: Fisher's z divides by n - 3


def _varies(values: np.ndarray) -> np.ndarray:
    """Rows that are not constant but for rounding."""
    return np.ptp(values, axis=1) > 1e-12 * np.abs(values).max(axis=1)


def _stacked(x: np.ndarray, y: np.ndarray) -> pd.DataFrame:
    """Correlations along the rows of two (groups, seeds) arrays."""
    result = stats.pearsonr(x, y, axis=1)
    interval = result.confidence_interval(CONFIDENCE)
    n = x.shape[1]
    rho = stats.pearsonr(stats.rankdata(x, axis=1), stats.rankdata(y, axis=1), axis=1).statistic
    inner = np.clip(rho, -1 + 1e-15, 1 - 1e-15)
    half = stats.norm.ppf(0.5 + CONFIDENCE / 2) * np.sqrt((1 + rho**2 / 2) / (n - 3))
    exact = np.abs(rho) >= 1 - 1e-12
    return pd.DataFrame(
        {
            "n": n,
            "r": result.statistic,
            "r_low": interval.low,
            "r_high": interval.high,
            "p": result.pvalue,
            "rho": rho,
            "rho_low": np.where(exact, rho, np.tanh(np.arctanh(inner) - half)),
            "rho_high": np.where(exact, rho, np.tanh(np.arctanh(inner) + half)),
        }
    )


def _of_predictor(rows: pd.DataFrame, predictor: str, target: str) -> pd.DataFrame:
    rows = rows[np.isfinite(rows[predictor]) & np.isfinite(rows[target])].sort_values(["cell", "step", "seed"])
    counts = rows.groupby(["cell", "step"])[target].transform("size")
    tables = []
    for n, same in rows.groupby(counts):
        if n < MIN_SEEDS:
            continue
        x, y = (same[name].to_numpy(float).reshape(-1, int(n)) for name in (predictor, target))
        keys = same[["cell", "step"]].iloc[:: int(n)].reset_index(drop=True)
        good = _varies(x) & _varies(y)
        if good.any():
            tables.append(pd.concat([keys[good].reset_index(drop=True), _stacked(x[good], y[good])], axis=1))
    return pd.concat(tables, ignore_index=True).assign(predictor=predictor) if tables else pd.DataFrame()


def correlations_in_cells(rows: pd.DataFrame, predictors: list[str], target: str = VE) -> pd.DataFrame:
    """One row a cell, step and predictor: n, r and rho with intervals, p of r = 0 and `p_holm`, by Holm over the cells and
    steps given for that predictor. Empty where no cell has 4 seeds and a predictor that varies."""
    tables = [
        table for table in (_of_predictor(rows, name, target) for name in predictors if name in rows) if len(table)
    ]
    if not tables:
        return pd.DataFrame()
    for table in tables:
        table["p_holm"] = multipletests(table["p"].fillna(1.0), method="holm")[1]
    return pd.concat(tables, ignore_index=True).sort_values(["cell", "step"], kind="stable").reset_index(drop=True)
