"""The paper's claims of sign, tested on a study: one row a claim and setting, or one row that says why it cannot be
tested.

The unit is the seed; signs are paired by seed. A setting is a set of cells that differ in gamma alone. Estimates,
intervals and both one-sided p-values come from studentised.py; what `judged` adds holds over all rows that it is
given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

from ..names import UE, VE
from ..study import Study
from .studentised import studentised_correlation, studentised_mean

ALPHA = 0.05
MARGIN = 2.0  #: points of test accuracy that the SD loss may cost and still be called modest
SEEDS_FOR_CORRELATION = 100
SEEDS_FOR_SIGN = 20
SEEDS_FOR_SIGN_OF_NETWORKS = 10
NETWORKS = ("resnet18", "vgg19")
GAMMA = "loss.gamma"
ALL_SETTINGS = "all settings"
ACCURACY = "test_accuracy_original"

COLUMNS = (
    *("claim", "says", "setting", "measure", "T", "seeds"),
    *("estimate", "low", "high", "p", "p_contrary", "remark"),
)
HOLDS, FAILS, UNDECIDED, UNTESTED = "holds", "does not hold", "undecided", "not tested"


@dataclass(frozen=True)
class Claim:
    """`ignores`: sections of keys that the column does not depend on, so that cells that differ in them are one."""

    name: str
    text: str
    column: str
    measure: str
    ignores: tuple[str, ...]
    bound: float = 0.0


PREDICTS = Claim("i", "proxy and verification error correlate positively", VE, "r of log UE and log VE", ("prs.",))
FALLS = (
    Claim("ii", "verification error falls as γ rises", VE, "VE, ratio", ("prs.", "measure.")),
    Claim("iii", "unlearning error falls as γ rises", UE, "UE, ratio", ("prs.", "unlearn.", "retrain.")),
)
COST = Claim(
    "iv",
    f"the accuracy cost is modest (less than {MARGIN:g} points)",
    ACCURACY,
    "test accuracy of M, difference in points",
    ("prs.", "measure.", "unlearn.", "retrain."),
    -MARGIN,
)


def _untested(claim: Claim, why: str, setting: str = "") -> dict:
    return {"claim": claim.name, "says": claim.text, "setting": setting, "measure": claim.measure, "remark": why}


def _seeds_needed(study: Study) -> int:
    archs = set(study.cells.get("model.arch", pd.Series(dtype=str)))
    return SEEDS_FOR_SIGN_OF_NETWORKS if archs and archs <= set(NETWORKS) else SEEDS_FOR_SIGN


def _too_few(seeds: int, needed: int) -> str:
    return f"{seeds} seeds with values; {needed} are asked for"


def _predictions(study: Study) -> list[dict]:
    if UE not in study.last or not (study.last[UE] > 0).any():
        return [_untested(PREDICTS, "no unlearning error was measured (measure.sigma)")]
    rows = study.last[(study.last[UE] > 0) & (study.last[VE] > 0)]
    axes = [axis for axis in study.axes if not axis.startswith(PREDICTS.ignores)]
    cells = rows.drop_duplicates("cell").drop_duplicates(axes)["cell"].sort_values() if axes else rows["cell"].head(1)
    most = int(rows.groupby("cell")["seed"].nunique().max()) if len(rows) else 0
    if most < SEEDS_FOR_CORRELATION:
        return [_untested(PREDICTS, _too_few(most, SEEDS_FOR_CORRELATION))]
    found = []
    for cell in cells:
        own = rows[rows["cell"] == cell]
        setting = study.title(int(cell), axes)
        if len(own) < SEEDS_FOR_CORRELATION:
            found.append(_untested(PREDICTS, _too_few(len(own), SEEDS_FOR_CORRELATION), setting))
            continue
        result = studentised_correlation(np.log(own[UE]), np.log(own[VE]))
        found.append(_untested(PREDICTS, "", setting) | result | {"T": int(own["step"].iloc[0]), "seeds": len(own)})
    return found


def _values(study: Study, claim: Claim) -> pd.DataFrame:
    """The column, or its logarithm, at the last step, with NaN where it is not usable."""
    rows = study.last
    with np.errstate(divide="ignore", invalid="ignore"):
        values = 100 * rows[claim.column] if claim is COST else np.log(rows[claim.column].where(rows[claim.column] > 0))
    return rows.assign(_value=values)[rows[GAMMA].notna() & np.isfinite(values)]


def _ends(study: Study, claim: Claim) -> tuple[pd.DataFrame, pd.DataFrame, dict[int, dict]]:
    """Values by setting and seed (rows) and gamma (columns), the differences of the largest gamma and the smallest by
    seed (rows) and setting (columns), and what tells each setting."""
    rows = _values(study, claim)
    others = [axis for axis in study.axes if axis != GAMMA and not axis.startswith(claim.ignores)]
    numbers = rows.groupby(others, dropna=False).ngroup() if others else pd.Series(0, rows.index)
    wide = rows.assign(_setting=numbers).pivot_table(index=["_setting", "seed"], columns=GAMMA, values="_value")
    about = {
        int(number): {"setting": study.title(int(own["cell"].iloc[0]), others), "T": int(own["step"].max())}
        for number, own in rows.groupby(numbers)
    }
    differences = (wide.iloc[:, -1] - wide.iloc[:, 0]).unstack("_setting") if wide.shape[1] > 1 else pd.DataFrame()
    return wide, differences, about


def _steps(wide: pd.DataFrame) -> str:
    """In how many of the steps from one gamma to the next the mean over seeds falls."""
    change = wide.dropna().mean().diff().dropna()
    return f"mean falls in {int((change < 0).sum())} of {len(change)} steps of γ" if len(change) > 1 else ""


def _trends(wide: pd.DataFrame) -> np.ndarray:
    """Each seed's slope of its logarithms over the steps of gamma, by least squares (scipy.stats.linregress)."""
    whole = wide.dropna()
    return np.array([stats.linregress(np.arange(wide.shape[1]), values).slope for values in whole.to_numpy()])


def _tested(claim: Claim, values: np.ndarray, seeds_needed: int, row: dict) -> dict:
    """`values`: points of accuracy, or logarithms. A fall is tested as the rise of what is negated, so that p is that of
    the claim in every row."""
    values = values[np.isfinite(values)]
    row = _untested(claim, row.get("remark", ""), row["setting"]) | {"T": row["T"], "seeds": len(values)}
    if len(values) < seeds_needed:
        return row | {"remark": _too_few(len(values), seeds_needed)}
    if claim is COST:
        return row | studentised_mean(values, claim.bound)
    found = studentised_mean(-values, claim.bound)
    ends = {"estimate": -found["estimate"], "low": -found["high"], "high": -found["low"]}
    return row | found | {name: float(np.exp(value)) for name, value in ends.items()}


def _signs(study: Study, claim: Claim) -> list[dict]:
    if GAMMA not in study.axes:
        return [_untested(claim, "the study has one γ or none")]
    if claim.column not in study.last or not np.isfinite(study.last[claim.column]).any():
        return [_untested(claim, f"{claim.column} was not measured")]
    wide, differences, about = _ends(study, claim)
    differences = differences.dropna(axis=1, how="all")
    if differences.empty:
        return [_untested(claim, f"{claim.column} is 0, or no seed has it at two γ")]
    needed = _seeds_needed(study)
    ends = {"measure": f"{claim.measure}: γ = {wide.columns[-1]:g} against {wide.columns[0]:g}"}
    found = []
    for number in differences:
        own = wide.xs(number, level="_setting")
        row = about[number] | {"remark": _steps(own)}
        found.append(_tested(claim, differences[number].to_numpy(float), needed, row) | ends)
        if claim is not COST and wide.shape[1] > 2:
            trend = {"measure": f"{claim.measure} per step of γ, least squares"}
            found.append(_tested(claim, _trends(own), needed, about[number]) | trend)
    if differences.shape[1] > 1:
        whole = differences.dropna().mean(axis=1).to_numpy(float)
        last = max(of["T"] for of in about.values())
        row = {"setting": ALL_SETTINGS, "T": last, "remark": "mean of a seed's settings"}
        found.append(_tested(claim, whole, needed, row) | ends)
    return found


def claims_of(study: Study) -> pd.DataFrame:
    """A row a claim and setting: claim, says, setting, measure, T, seeds, estimate, low, high, p, p_contrary, remark. p
    is NaN, and the remark says why, where the claim cannot be tested."""
    if study.last.empty:
        found = [_untested(claim, "no row is usable") for claim in (PREDICTS, *FALLS, COST)]
    else:
        found = _predictions(study) + [row for claim in (*FALLS, COST) for row in _signs(study, claim)]
    return pd.DataFrame(found).reindex(columns=list(COLUMNS))


def judged(table: pd.DataFrame) -> pd.DataFrame:
    """Adds `p_holm` and `contrary_holm`, by Holm over all tested rows, and the verdict. Claims of sign are two-sided:
    their p-values are doubled first."""
    table = table.assign(p_holm=np.nan, contrary_holm=np.nan)
    made = table["p"].notna()
    sides = np.where(table["claim"] == COST.name, 1, 2)
    for name, adjusted in (("p", "p_holm"), ("p_contrary", "contrary_holm")):
        if made.any():
            doubled = (sides * table[name]).clip(upper=1)[made]
            table.loc[made, adjusted] = multipletests(doubled, method="holm")[1]
    conditions = [~made, table["p_holm"] < ALPHA, table["contrary_holm"] < ALPHA]
    return table.assign(verdict=np.select(conditions, [UNTESTED, HOLDS, FAILS], UNDECIDED))
