"""Correlation with the verification error over a whole study, without what correlates by construction.

Pooling over learning rates or steps correlates everything with everything (METHODS, 5). So logarithms are taken, and
- `given eta and T`: partial correlation of log VE and log predictor given log eta and log T;
- `within cells`: correlation of the deviations from the means of each cell and step.
Seeds are the unit: intervals, and those of the difference between the first predictor and each other one, are BCa
bootstraps over seeds (scipy.stats.bootstrap) in which every draw takes all rows of the seeds drawn. All predictors are
compared on the same rows. A bootstrap over few seeds does not promise its 95 %: of 100
simulated studies of 10 seeds they held the truth in 94 and 93 (tests/analysis/coverage_test.py).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import stats

from ..names import VE
from .intervals import CONFIDENCE, NUM_RESAMPLES

MIN_SEEDS = 5  #: with fewer, bootstrap draws over seeds repeat themselves
_NOTHING_LEFT = 1e-9  #: a predictor whose variance is explained to this part has no partial correlation

Products = Callable[[np.ndarray], np.ndarray]


def _counts(drawn: np.ndarray, num_seeds: int) -> np.ndarray:
    """How often each seed is in a draw: (..., draws) of seed numbers -> (..., seeds)."""
    return (drawn[..., None] == np.arange(num_seeds)).sum(axis=-2).astype(float)


def _partial_products(rows: pd.DataFrame, names: list[str]) -> Products:
    """Cross products of log columns after log eta and log T, as a function of seed counts."""
    numbers, seeds = pd.factorize(rows["seed"], sort=True)
    controls = [np.ones(len(rows))]
    controls += [
        values - values.mean() for values in (np.log(rows["lr"]), np.log(rows["step"])) if np.ptp(values) > 1e-12
    ]
    values = [np.log(rows[name]) - np.log(rows[name]).mean() for name in names]
    design = np.column_stack([*controls, *values])
    seed_products = np.stack([design[numbers == s].T @ design[numbers == s] for s in range(len(seeds))])
    k = len(controls)

    def products(counts: np.ndarray) -> np.ndarray:
        total = np.tensordot(counts, seed_products, axes=1)
        cc, cv, vv = total[..., :k, :k], total[..., :k, k:], total[..., k:, k:]
        return vv - np.swapaxes(cv, -1, -2) @ np.linalg.pinv(cc, hermitian=True) @ cv

    return products


def _within_products(rows: pd.DataFrame, names: list[str]) -> Products:
    """Cross products of deviations of log columns from the means of their cell and step."""
    numbers, seeds = pd.factorize(rows["seed"], sort=True)
    groups = rows.groupby(["cell", "step"]).ngroup().to_numpy()
    shape = (len(seeds), groups.max() + 1)
    there = np.zeros(shape)
    there[numbers, groups] = 1
    columns = []
    for name in names:
        values = np.log(rows[name].to_numpy(float))
        column = np.zeros(shape)
        column[numbers, groups] = values - values.mean()
        columns.append(column)
    square = {(i, j): (columns[i] * columns[j]).sum(axis=1) for i in range(len(names)) for j in range(i + 1)}

    def products(counts: np.ndarray) -> np.ndarray:
        sizes = np.maximum(counts @ there, 1)
        sums = [counts @ column for column in columns]
        total = np.empty((*counts.shape[:-1], len(names), len(names)))
        for (i, j), of_seed in square.items():
            total[..., i, j] = total[..., j, i] = counts @ of_seed - (sums[i] * sums[j] / sizes).sum(axis=-1)
        return total

    return products


def _correlations(products: np.ndarray) -> np.ndarray:
    """r of the first column with each other one: (predictors, ...)."""
    spread = np.sqrt(np.maximum(np.diagonal(products, axis1=-2, axis2=-1), 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        r = products[..., 0, 1:] / (spread[..., :1] * spread[..., 1:])
    return np.moveaxis(np.clip(r, -1, 1), -1, 0)


def _bootstrap(products: Products, num_seeds: int, names: list[str]) -> pd.DataFrame:
    exact = _correlations(products(np.ones(num_seeds)))
    table = pd.DataFrame(
        {"predictor": names, "r": exact, "r_minus": np.where(np.arange(len(names)) > 0, exact[0] - exact, np.nan)}
    )
    for name in ("r_low", "r_high", "minus_low", "minus_high"):
        table[name] = np.nan
    if num_seeds < MIN_SEEDS:
        return table

    def statistic(drawn: np.ndarray, axis: int = -1) -> np.ndarray:
        r = _correlations(products(_counts(drawn, num_seeds)))
        still = exact.reshape(-1, *[1] * (r.ndim - 1))
        r = np.where(np.isfinite(r), r, still)  # a draw of one seed alone says nothing: the estimate stands in
        return np.concatenate([r, r[:1] - r[1:]]) if len(names) > 1 else r

    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)  # r is 1 in every draw: no interval, NaN
        interval = stats.bootstrap(
            (np.arange(num_seeds),),
            statistic,
            confidence_level=CONFIDENCE,
            vectorized=True,
            axis=-1,
            n_resamples=NUM_RESAMPLES,
            batch=100,
            method="BCa",
            rng=np.random.default_rng(0),
        ).confidence_interval
    k = len(names)
    table["r_low"], table["r_high"] = interval.low[:k], interval.high[:k]
    if k > 1:
        table.loc[1:, "minus_low"], table.loc[1:, "minus_high"] = interval.low[k:], interval.high[k:]
    return table


def _rows_with(rows: pd.DataFrame, predictors: list[str], target: str) -> tuple[pd.DataFrame, list[str]]:
    """Rows in which all are positive; a predictor that no row has (it was not measured) is left out of the comparison."""
    rows = rows[(rows[target] > 0) & (rows["lr"] > 0) & (rows["step"] > 0)]
    present = [name for name in predictors if name in rows and (rows[name] > 0).any()]
    good = (rows[present] > 0).all(axis=1) & np.isfinite(rows[present]).all(axis=1)
    return rows[good], present


def pooled_correlations(rows: pd.DataFrame, predictors: list[str], target: str = VE) -> pd.DataFrame:
    """One row a kind ("given eta and T", "within cells") and predictor: seeds, rows, r, r_low, r_high; r_minus: r of the
    first predictor minus this one's, with its paired interval; `remark` where there is no correlation or no interval."""
    rows, present = _rows_with(rows, predictors, target)
    num_seeds = rows["seed"].nunique()
    tables = []
    for kind, make in {"given η and T": _partial_products, "within cells": _within_products}.items():
        if not present or len(rows) < len(present) + 4:
            continue
        products = make(rows, [target, *present])
        logs = np.log(rows[[target, *present]])
        left = np.diagonal(products(np.ones(num_seeds))) / np.maximum(
            ((logs - logs.mean()) ** 2).sum().to_numpy(), 1e-300
        )
        kept = [name for name, part in zip(present, left[1:], strict=True) if part > _NOTHING_LEFT]
        if left[0] <= _NOTHING_LEFT or not kept:
            continue
        table = _bootstrap(make(rows, [target, *kept]), num_seeds, kept)
        table["remark"] = (
            "" if num_seeds >= MIN_SEEDS else f"too few seeds for an interval ({num_seeds} of {MIN_SEEDS})"
        )
        gone = pd.DataFrame(
            {
                "predictor": [name for name in present if name not in kept],
                "remark": "constant in a cell" if kind == "within cells" else "explained by η and T",
            }
        )
        tables.append(
            pd.concat([table, gone] if len(gone) else [table]).assign(kind=kind, seeds=num_seeds, rows=len(rows))
        )
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
