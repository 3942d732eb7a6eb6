"""The intervals of the claims by simulation: studentised ones hold the truth in 93-97 %, BCa of ten seeds does not."""

import numpy as np
import pytest

from analysis.statistics.intervals import bca_interval
from analysis.statistics.studentised import studentised_correlation, studentised_mean

NUM_RESAMPLES = 999  #: enough for an interval; reports take more for their p-values


def _rate(name, held):
    print(f"coverage of a nominal 95 %: {name}: {100 * np.mean(held):.1f} % of {len(held)}")
    return np.mean(held)


def _holds(found, truth):
    return found["low"] <= truth <= found["high"]


@pytest.mark.parametrize("n", [10, 20])
@pytest.mark.parametrize("shape", ["normal", "skewed"])
def test_studentised_intervals_of_paired_logarithms_cover(n, shape):
    """Two values of gamma: log errors share a seed's deviation, and their own are normal or skewed (gamma law)."""
    rng = np.random.default_rng(n)
    own = rng.normal(size=(2, 1000, n)) if shape == "normal" else rng.gamma(4, 0.5, (2, 1000, n)) - 2
    own[1] *= 2
    shared = rng.normal(0, 3, (1000, n))

    found = [studentised_mean(b - a, 0, NUM_RESAMPLES) for a, b in zip(shared + own[0], shared + own[1] - 0.3)]

    assert 0.93 < _rate(f"studentised paired difference, {shape}, n = {n}", [_holds(f, -0.3) for f in found]) < 0.97


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_studentised_correlations_of_a_hundred_seeds_cover(rho):
    rng = np.random.default_rng(11)
    x, e = rng.normal(size=(2, 600, 100))

    found = [studentised_correlation(a, rho * a + np.sqrt(1 - rho**2) * b, NUM_RESAMPLES) for a, b in zip(x, e)]

    assert 0.93 < _rate(f"studentised r = {rho}, n = 100", [_holds(f, rho) for f in found]) < 0.97


def test_correlations_cover_where_the_spread_goes_with_the_predictor():
    """r = 0 though the values depend on each other: Fisher's interval is too short here."""
    rng = np.random.default_rng(12)
    x, e = rng.normal(size=(2, 600, 100))

    found = [studentised_correlation(a, a * b, NUM_RESAMPLES) for a, b in zip(x, e)]

    fisher = np.tanh(1.96 / np.sqrt(97)) > np.abs([f["estimate"] for f in found])
    assert 0.92 < _rate("studentised r = 0 of unequal spread, n = 100", [_holds(f, 0) for f in found]) < 0.98
    assert _rate("Fisher's, of the same", fisher) < 0.9


def test_bca_of_a_mean_of_ten_falls_short():
    rng = np.random.default_rng(13)

    ends = np.array([bca_interval(values, np.mean) for values in rng.normal(size=(300, 10))])

    assert 0.84 < _rate("BCa of a mean, n = 10", (ends[:, 0] <= 0) & (0 <= ends[:, 1])) < 0.95
