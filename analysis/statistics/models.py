"""How log verification error goes with a log predictor or an axis: slopes seed by seed, and a mixed-effects model."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM

from ..names import VE
from .intervals import t_interval

#: The design of crossed effects is dense: above this, cells or rows are too many for statsmodels' MixedLM.
MAX_MIXED_ROWS = 1500


def seed_slopes(rows: pd.DataFrame, predictor: str, target: str = VE) -> dict[str, float]:
    """Slope and intercept of log10 target on log10 predictor, fitted for each seed by itself (scipy.stats.linregress); their
    means over seeds with t-intervals, so that rows of one seed are not taken for independent ones."""
    rows = rows[(rows[predictor] > 0) & (rows[target] > 0)]
    fits = []
    for _, own in rows.groupby("seed"):
        x, y = np.log10(own[predictor].to_numpy()), np.log10(own[target].to_numpy())
        if len(x) > 1 and np.ptp(x) > 1e-9:
            fit = stats.linregress(x, y)
            fits.append((fit.slope, fit.intercept))
    slopes = np.array(fits).reshape(-1, 2)
    slope, low, high = t_interval(slopes[:, 0])
    return {
        "seeds": len(fits),
        "slope": slope,
        "low": low,
        "high": high,
        "intercept": float(slopes[:, 1].mean()) if len(fits) else np.nan,
    }


def mixed_effects(rows: pd.DataFrame, predictor: str, target: str = VE) -> tuple[pd.DataFrame, str]:
    """log target ~ log predictor + log eta + log T with crossed random intercepts of seed and cell (statsmodels MixedLM,
    REML). Returns the table of effects with Wald intervals, and a remark: how it was fitted, or why it could not be."""
    rows = rows[(rows[predictor] > 0) & (rows[target] > 0) & (rows["lr"] > 0) & (rows["step"] > 0)]
    if rows["seed"].nunique() < 3 or rows["cell"].nunique() < 3:
        return pd.DataFrame(), "A mixed-effects model needs at least 3 seeds and 3 cells."
    if len(rows) > MAX_MIXED_ROWS:
        return pd.DataFrame(), (
            f"{len(rows)} rows are too many for the mixed-effects model (its crossed effects are dense; "
            f"the limit is {MAX_MIXED_ROWS}): see the correlations within cells instead."
        )
    columns = {predictor: np.log(rows[predictor]), "η": np.log(rows["lr"]), "T": np.log(rows["step"])}
    fixed = {f"log {name}": values - values.mean() for name, values in columns.items() if np.ptp(values) > 1e-9}
    design = np.column_stack([np.ones(len(rows)), *fixed.values()])
    if np.linalg.matrix_rank(design, tol=1e-6 * np.sqrt(len(rows))) < design.shape[1]:
        return pd.DataFrame(), "The predictor is a function of η and T here: a model cannot tell their effects apart."
    effects = [pd.get_dummies(rows[name]).to_numpy(float) for name in ("seed", "cell")]
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fit = _crossed(np.log(rows[target].to_numpy()), design, effects)
    except (np.linalg.LinAlgError, ValueError) as error:
        return (
            pd.DataFrame(),
            f"The mixed-effects model is singular ({error}): see the correlations within cells instead.",
        )
    names = ["intercept", *fixed]
    interval = fit.conf_int()[: len(names)]
    table = pd.DataFrame(
        {
            "effect": names,
            "estimate": fit.fe_params,
            "low": interval[:, 0],
            "high": interval[:, 1],
            "p": fit.pvalues[: len(names)],
        }
    )
    spread = pd.DataFrame(
        {"effect": ["std of seeds", "std of cells", "std of the rest"], "estimate": np.sqrt([*fit.vcomp, fit.scale])}
    )
    boundary = any("boundary" in str(w.message) or "singular" in str(w.message) for w in caught) or not fit.converged
    remark = "A variance lies at 0 (singular fit): read the intervals with care." if boundary else ""
    return pd.concat([table, spread], ignore_index=True), remark


def _crossed(y: np.ndarray, design: np.ndarray, effects: list[np.ndarray]):
    """Crossed random intercepts are variance components of one group that holds all rows."""
    from statsmodels.regression.mixed_linear_model import VCSpec

    names = ["seed", "cell"]
    spec = VCSpec(names, [[[str(i) for i in range(matrix.shape[1])]] for matrix in effects], [[m] for m in effects])
    return MixedLM(y, design, groups=np.ones(len(y)), exog_vc=spec).fit(reml=True, method=["lbfgs"])
