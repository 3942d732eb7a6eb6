"""Two trajectories of one seed compared where a third quantity is the same: at the highest value that both reach, the first
time that each reaches it, interpolated linearly between measured steps (logarithms of what is positive)."""

from __future__ import annotations

import numpy as np
import pandas as pd


def first_reached(steps: np.ndarray, values: np.ndarray, level: float) -> tuple[int, float] | None:
    """(i, part): the level is first reached that part of the way from measured step i to the next. None where it is not."""
    if values[0] >= level:
        return 0, 0.0
    above = np.flatnonzero(values >= level)
    if len(above) == 0:
        return None
    i = int(above[0])
    return i - 1, float((level - values[i - 1]) / (values[i] - values[i - 1]))


def _between(values: np.ndarray, place: tuple[int, float], log: bool) -> float:
    i, part = place
    if part == 0:
        return float(values[i])
    a, b = np.log(values[i : i + 2]) if log else values[i : i + 2]
    mixed = a + part * (b - a)
    return float(np.exp(mixed) if log else mixed)


def at_equal(
    a: pd.DataFrame, b: pd.DataFrame, equal: str, measures: list[str], tolerance: float
) -> dict[str, float] | None:
    """Rows of one seed in two cells, by step: `T_a`, `T_b`, and a and b of each measure where `equal` is the same in both.
    None where what it is there differs by more than the tolerance (one starts above what the other reaches)."""
    sides = []
    for rows in (a, b):
        rows = rows.sort_values("step")
        good = np.isfinite(rows[equal]) & (rows[measures] > 0).all(axis=1)
        sides.append(rows[good])
    if any(len(rows) < 2 for rows in sides):
        return None
    level = min(float(rows[equal].max()) for rows in sides)
    found: dict[str, float] = {}
    reached = []
    for name, rows in zip("ab", sides, strict=True):
        place = first_reached(rows["step"].to_numpy(float), rows[equal].to_numpy(float), level)
        if place is None:
            return None
        reached.append(_between(rows[equal].to_numpy(float), place, False))
        found[f"T_{name}"] = _between(rows["step"].to_numpy(float), place, False)
        found |= {f"{column}_{name}": _between(rows[column].to_numpy(float), place, True) for column in measures}
    return found if abs(reached[0] - reached[1]) <= tolerance else None
