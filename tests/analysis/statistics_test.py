"""Statistics against known answers."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import analysis
from analysis.statistics.correlations import correlations_in_cells
from analysis.statistics.intervals import bca_interval, mean_over_seeds
from analysis.statistics.models import mixed_effects, seed_slopes
from analysis.statistics.paired import compare_values, paired_ratio, with_holm
from analysis.statistics.pooled import pooled_correlations
from made import UE, VE, grid, write


def test_the_geometric_mean_and_its_interval_are_those_of_the_logarithms():
    rows = pd.DataFrame({"cell": 0, "v": [1.0, 10.0, 100.0]})

    mean = mean_over_seeds(rows, ["cell"], "v").iloc[0]

    half = stats.t.ppf(0.975, 2) * 1 / np.sqrt(3)  # logarithms 0, 1, 2: standard deviation 1
    assert mean["mean"] == pytest.approx(10)
    assert [mean["low"], mean["high"]] == pytest.approx([10 ** (1 - half), 10 ** (1 + half)])


def test_a_group_with_a_zero_is_averaged_plainly_and_one_value_has_no_interval():
    rows = pd.DataFrame({"cell": [0, 0, 1], "v": [0.0, 4.0, 3.0]})

    means = mean_over_seeds(rows, ["cell"], "v").set_index("cell")

    assert means.loc[0, "mean"] == 2 and means.loc[0, "kind"] == "arithmetic"
    assert means.loc[1, "mean"] == pytest.approx(3) and np.isnan(means.loc[1, "low"])


def test_correlations_in_a_cell_are_those_of_scipy():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 10))
    rows = pd.DataFrame({"cell": 0, "step": 5, "seed": range(10), UE: x, VE: y, "eta2_steps": 1.0})

    table = correlations_in_cells(rows, [UE, "eta2_steps"])

    assert list(table["predictor"]) == [UE]  # a constant has no correlation
    row, expected = table.iloc[0], stats.pearsonr(x, y)
    assert row["r"] == pytest.approx(expected.statistic) and row["p"] == pytest.approx(expected.pvalue)
    assert [row["r_low"], row["r_high"]] == pytest.approx(list(expected.confidence_interval()))
    assert row["rho"] == pytest.approx(stats.spearmanr(x, y).statistic)


def test_three_seeds_have_no_correlation():
    rows = pd.DataFrame({"cell": 0, "step": 5, "seed": range(3), UE: [1.0, 2, 3], VE: [1.0, 2, 4]})

    assert correlations_in_cells(rows, [UE]).empty


def _made(tmp_path, **values):
    axes = {"train.lr": [0.01, 0.03, 0.1], "loss.gamma": [0.0, 5.0]}
    return analysis.load(write(tmp_path / "results.h5", grid(axes, range(12), [5, 10, 20], values)))


def test_what_correlates_by_construction_alone_has_no_partial_correlation(tmp_path):
    rng = np.random.default_rng(5)
    study = _made(
        tmp_path, **{UE: lambda rows: rows["lr"] ** 3 * rows["step"] ** 2 * np.exp(rng.normal(0, 0.2, len(rows["lr"])))}
    )
    naive = np.corrcoef(np.log(study.pairs[UE]), np.log(study.pairs[VE]))[0, 1]

    table = pooled_correlations(study.usable, [UE, "eta_gradient_norm", "eta2_steps"]).set_index(["kind", "predictor"])

    assert naive > 0.9
    for kind in ("given η and T", "within cells"):
        assert abs(table.loc[(kind, UE), "r"]) < 0.2
        assert table.loc[(kind, "eta_gradient_norm"), "r"] == pytest.approx(1, abs=1e-9)  # made with the same noise
        assert table.loc[(kind, "eta_gradient_norm"), "minus_high"] < -0.7
        assert np.isnan(table.loc[(kind, "eta2_steps"), "r"]) and table.loc[(kind, "eta2_steps"), "remark"]


def test_partial_and_within_correlations_are_those_of_residuals(tmp_path):
    rows = _made(tmp_path).usable
    design = np.column_stack([np.ones(len(rows)), np.log(rows["lr"]), np.log(rows["step"])])
    logs = np.log(rows[[VE, UE]].to_numpy())
    partial = logs - design @ np.linalg.lstsq(design, logs, rcond=None)[0]
    within = (
        np.log(rows[[VE, UE]])
        .sub(np.log(rows[[VE, UE]]).groupby([rows["cell"], rows["step"]]).transform("mean"))
        .to_numpy()
    )

    table = pooled_correlations(rows, [UE]).set_index("kind")["r"]

    assert table["given η and T"] == pytest.approx(np.corrcoef(partial.T)[0, 1], abs=1e-9)
    assert table["within cells"] == pytest.approx(np.corrcoef(within.T)[0, 1], abs=1e-9)


def test_a_known_power_law_is_found_with_no_spread(tmp_path):
    study = _made(tmp_path, **{VE: lambda rows: 3 * rows[UE] ** 0.5})

    fit = seed_slopes(study.usable, UE)

    assert fit["slope"] == pytest.approx(0.5) and 10 ** fit["intercept"] == pytest.approx(3)
    assert fit["seeds"] == 12 and fit["high"] - fit["low"] < 1e-9


def test_the_mixed_model_finds_the_slopes_it_was_made_with(tmp_path):
    rng = np.random.default_rng(2)
    of_seed, of_cell = rng.normal(0, 0.3, 12), rng.normal(0, 0.1, 6)
    study = _made(
        tmp_path,
        **{
            VE: lambda rows: (
                rows[UE] ** 0.7
                * rows["lr"] ** 1.5
                * np.exp(of_seed[rows["seed"]] + of_cell[rows["cell"]] + rng.normal(0, 0.02, len(rows["lr"])))
            )
        },
    )

    table, _ = mixed_effects(study.last, UE)

    table = table.set_index("effect")
    assert table.loc[f"log {UE}", "estimate"] == pytest.approx(0.7, abs=0.06)
    assert table.loc["std of seeds", "estimate"] == pytest.approx(of_seed.std(ddof=1), abs=0.1)


def test_a_mixed_model_that_cannot_be_fitted_says_why(tmp_path):
    study = _made(tmp_path, **{UE: lambda rows: rows["lr"] ** 2})

    for rows, why in ((study.last, "function of η and T"), (study.last[study.last["seed"] < 2], "at least 3 seeds")):
        table, remark = mixed_effects(rows, UE)
        assert table.empty and why in remark


def test_a_paired_ratio_sees_what_the_spread_of_seeds_hides():
    seeds = np.geomspace(1, 1000, 8)
    noise = np.exp(np.random.default_rng(0).normal(0, 0.01, 8))

    found = paired_ratio(seeds, 1.1 * seeds * noise)

    assert found["ratio"] == pytest.approx(1.1, rel=0.02) and found["p"] < 1e-5
    assert found["low"] < found["ratio"] < found["high"]


def test_holm_multiplies_by_the_tests_that_are_left():
    table = with_holm(pd.DataFrame({"p": [0.01, 0.04, np.nan, 0.03]}))

    assert table["p_holm"].tolist()[:2] == pytest.approx([0.03, 0.06]) and np.isnan(table["p_holm"][2])


def test_values_are_compared_over_the_cells_that_have_both():
    rows = pd.DataFrame(
        {"seed": [0, 0, 0, 1, 1, 1], "x": ["a", "b", "b"] * 2, "other": [0, 0, 1] * 2, VE: [1.0, 2, 100, 3, 6, 100]}
    )

    found = compare_values(rows, "x", ["other"], VE).iloc[0]

    assert found["ratio"] == pytest.approx(2) and found["n"] == 2


def test_a_median_of_three_has_no_interval_and_equal_values_have_a_point():
    assert np.isnan(bca_interval(np.array([1.0, 2, 3]))).all()
    assert bca_interval(np.full(6, 2.0)) == (2.0, 2.0)
