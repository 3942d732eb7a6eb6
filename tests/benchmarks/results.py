"""Rows of results.h5 as dictionaries, and how two lists of numbers agree."""
import math

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
    """The largest relative difference of each quantity that both sides computed."""

    def __init__(self):
        self.largest, self.counts = {}, {}

    def add(self, name, ours, theirs):
        self.counts[name] = self.counts.get(name, 0) + 1
        self.largest[name] = max(self.largest.get(name, 0.0), apart(ours, theirs))

    def require(self, name, bound):
        """Sides that disagree did not do the same work: then their times say nothing."""
        if not self.largest.get(name, 0.0) <= bound:
            raise RuntimeError(f"{name}: the two sides differ by {self.largest[name]:.2g}, more than {bound:g}")

    def record(self):
        return {name: {"values": self.counts[name], "largest_relative_difference": self.largest[name]}
                for name in self.largest}
