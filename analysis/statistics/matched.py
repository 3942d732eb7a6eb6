"""Two trajectories of one seed compared where a third quantity is the same: at the highest value that both reach, the first
time that each reaches it, interpolated linearly between measured steps (logarithms of what is positive)."""

from __future__ import annotations

import numpy as np
import pandas as pd


Trajectory = dict[str, np.ndarray]


def first_reached(values: np.ndarray, level: float) -> tuple[int, float] | None:
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


def trajectories(rows: pd.DataFrame, columns: list[str]) -> dict[tuple[int, int], Trajectory]:
    """The columns along T, and `step`, of every cell and seed."""
    rows = rows.sort_values(["cell", "seed", "step"])
    values = {name: rows[name].to_numpy(float) for name in ["step", *columns]}
    places = rows.groupby(["cell", "seed"]).indices
    return {key: {name: of[at] for name, of in values.items()} for key, at in places.items()}


def at_equal(
    a: Trajectory, b: Trajectory, equal: str, measures: list[str], tolerance: float
) -> dict[str, float] | None:
    """Trajectories of one seed in two cells: `T_a`, `T_b`, and a and b of each measure where `equal` is the same in both.
    None where what it is there differs by more than the tolerance (one starts above what the other reaches)."""
    sides = []
    for side in (a, b):
        good = np.isfinite(side[equal]) & np.all([side[name] > 0 for name in measures], axis=0)
        sides.append({name: values[good] for name, values in side.items()})
    if any(len(side["step"]) < 2 for side in sides):
        return None
    level = min(float(side[equal].max()) for side in sides)
    found: dict[str, float] = {}
    reached = []
    for name, side in zip("ab", sides, strict=True):
        place = first_reached(side[equal], level)
        if place is None:
            return None
        reached.append(_between(side[equal], place, False))
        found[f"T_{name}"] = _between(side["step"], place, False)
        found |= {f"{column}_{name}": _between(side[column], place, True) for column in measures}
    return found if abs(reached[0] - reached[1]) <= tolerance else None
