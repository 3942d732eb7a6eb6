"""Rows of results.h5 as dictionaries, and how two lists of numbers agree."""
import math
import statistics

import h5py


def table(folder, name, columns):
    with h5py.File(folder / "results.h5") as file:
        values = [file[name][column][()] for column in columns]
    plain = (lambda v: v.decode() if isinstance(v, bytes) else v.item())
    return [dict(zip(columns, map(plain, row))) for row in zip(*values)]


def apart(a, b):
    """Relative to b; nothing agrees with NaN but NaN."""
    if a == b or (math.isnan(a) and math.isnan(b)):
        return 0.0
    return abs(a - b) / abs(b) if math.isfinite(a) and math.isfinite(b) and b != 0 else math.inf


class Agreement:
    """The relative differences of each quantity that both sides computed."""

    def __init__(self):
        self.differences = {}

    def add(self, name, ours, theirs):
        self.differences.setdefault(name, []).append(apart(ours, theirs))

    def require(self, name, bound, of=max):
        """Sides that disagree did not do the same work: then their times say nothing. of: the largest difference, or
        another figure of all."""
        found = of(self.differences[name]) if name in self.differences else 0.0
        if not found <= bound:
            raise RuntimeError(f"{name}: the two sides differ by {found:.2g}, more than {bound:g}")

    def record(self):
        return {name: {"values": len(values), "largest_relative_difference": max(values),
                       "median_relative_difference": statistics.median(values)}
                for name, values in self.differences.items()}
