"""Claims of sign: made studies whose answers are known."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import analysis
from analysis.report import report
from analysis.statistics.claims import judged, claims_of
from analysis.statistics.studentised import studentised_correlation, studentised_mean
from made import UE, VE, failed, grid, write

GAMMAS = [0.0, 5.0, 20.0]


def _claims(folder, tables):
    return judged(claims_of(analysis.load(write(folder / "results.h5", tables))))


def _of_gamma(tables, slope, column=VE, spread=0.1):
    """The column goes as exp(slope gamma) times a factor of its seed, which pairing takes away, and noise."""
    pairs = tables["pairs"]
    rng = np.random.default_rng(5)
    gamma = tables["cells"]["loss.gamma"][pairs["cell"]]
    pairs[column] = np.exp(slope * gamma + pairs["seed"] + spread * rng.normal(size=len(gamma)))
    return tables


def _verdicts(table, claim):
    return dict(table[table["claim"] == claim][["measure", "verdict"]].itertuples(index=False, name=None))


def test_a_fall_that_is_there_holds_and_a_rise_does_not(tmp_path):
    tables = _of_gamma(_of_gamma(grid({"loss.gamma": GAMMAS}, range(20), [5, 10]), -0.05), 0.05, UE)

    table = _claims(tmp_path, tables)

    assert set(_verdicts(table, "ii").values()) == {"holds"}
    assert set(_verdicts(table, "iii").values()) == {"does not hold"}
    fall = table[(table["claim"] == "ii") & table["measure"].str.contains("γ = 20 against 0")].iloc[0]
    assert fall["low"] < np.exp(-1) < fall["high"] and fall["estimate"] == pytest.approx(np.exp(-1), rel=0.05)
    assert fall["seeds"] == 20 and fall["T"] == 10 and fall["remark"] == "mean falls in 2 of 2 steps of γ"


def test_no_effect_is_undecided(tmp_path):
    table = _claims(tmp_path, _of_gamma(grid({"loss.gamma": GAMMAS}, range(20), [5]), 0.0))

    assert set(_verdicts(table, "ii").values()) == {"undecided"}


def test_a_fall_at_first_that_rises_again_shows_in_the_slope(tmp_path):
    tables = _of_gamma(grid({"loss.gamma": [0.0, 1.0, 2.0, 3.0]}, range(20), [5]), 0.0, spread=0.02)
    tables["pairs"][VE] *= np.array([1.0, 0.5, 0.7, 0.95])[tables["pairs"]["cell"]]

    table = _claims(tmp_path, tables)

    ends, slope = _verdicts(table, "ii").values()
    assert ends == "holds" and table[table["claim"] == "ii"]["remark"].iloc[0].startswith("mean falls in 1 of 3")
    assert table[table["claim"] == "ii"]["estimate"].iloc[1] == pytest.approx(
        np.exp(np.dot([-0.3, -0.1, 0.1, 0.3], np.log([1, 0.5, 0.7, 0.95]))), rel=0.01
    )


@pytest.mark.parametrize("cost, verdict", [(0.5, "holds"), (2.0, "undecided"), (4.0, "does not hold")])
def test_the_cost_is_held_against_the_margin(tmp_path, cost, verdict):
    tables = grid({"loss.gamma": [0.0, 20.0]}, range(20), [5])
    noise = 0.01 * np.random.default_rng(2).normal(size=40)
    tables["pairs"]["test_accuracy_original"] = 0.9 - cost / 100 * (tables["pairs"]["cell"] == 1) + noise

    table = _claims(tmp_path, tables)

    assert list(_verdicts(table, "iv").values()) == [verdict]


def test_correlations_ask_for_a_hundred_seeds_and_take_one_row_a_seed(tmp_path):
    tables = grid({"train.lr": [0.01, 0.1]}, range(100), [5, 10])
    fewer = grid({"train.lr": [0.01, 0.1]}, range(99), [5, 10])

    table, untested = _claims(tmp_path, tables), _claims(tmp_path, fewer)

    found = table[table["claim"] == "i"]
    assert found["verdict"].tolist() == ["holds", "holds"] and found["seeds"].tolist() == [100, 100]
    pairs = pd.DataFrame(tables["pairs"]).query("step == 10 and cell == 0")
    assert found["estimate"].iloc[0] == pytest.approx(stats.pearsonr(np.log(pairs[UE]), np.log(pairs[VE])).statistic)
    assert untested[untested["claim"] == "i"]["remark"].tolist() == ["99 seeds with values; 100 are asked for"]


def test_holm_counts_every_tested_row_and_two_sided_claims_twice(tmp_path):
    tables = _of_gamma(grid({"loss.gamma": [0.0, 20.0]}, range(20), [5]), -0.05)

    table = _claims(tmp_path, tables)

    tested = table[table["p"].notna()]
    p = np.where(tested["claim"] == "iv", 1, 2) * tested["p"]
    assert len(tested) == 3 and tested["p_holm"].min() == pytest.approx(3 * p.min())


def test_networks_need_ten_seeds_for_a_sign(tmp_path):
    tables = _of_gamma(grid({"loss.gamma": [0.0, 20.0]}, range(10), [5]), -0.05)
    few = _verdicts(_claims(tmp_path, tables), "ii")
    tables["cells"]["model.arch"] = np.full(2, "resnet18")

    assert list(few.values()) == ["not tested"]
    assert list(_verdicts(_claims(tmp_path, tables), "ii").values()) == ["holds"]


def test_settings_are_tested_each_and_together(tmp_path):
    tables = _of_gamma(grid({"loss.gamma": [0.0, 20.0], "train.lr": [0.01, 0.1]}, range(20), [5]), -0.05)

    falls = _claims(tmp_path, tables).query("claim == 'ii'")

    assert falls["setting"].tolist() == ["lr = 0.01", "lr = 0.1", "all settings"]
    assert falls["estimate"].iloc[2] == pytest.approx(np.sqrt(falls["estimate"].iloc[:2].prod()))


def test_keys_that_M_does_not_depend_on_make_no_settings_of_its_accuracy(tmp_path):
    axes = {"loss.gamma": [0.0, 20.0], "unlearn.rule": ["epoch-scaled", "grad-list"], "prs.bins": ["own", "shared"]}

    table = _claims(tmp_path, grid(axes, range(20), [5]))

    assert table[table["claim"] == "iv"]["setting"].tolist() == ["the only cell"]
    settings = table[table["claim"] == "ii"]["setting"].tolist()
    assert settings == ["rule = epoch-scaled", "rule = grad-list", "all settings"]


def _with_one_gamma(tables):
    tables["cells"].update({"loss.gamma": np.full(2, 5.0), "train.lr": np.array([0.1, 0.2])})


@pytest.mark.parametrize(
    "change, reason",
    [
        (_with_one_gamma, "one γ or none"),
        (lambda tables: tables["pairs"].update({VE: 0 * tables["pairs"][VE]}), "verification_error is 0"),
        (lambda tables: tables["pairs"].pop("test_accuracy_original"), "test_accuracy_original was not measured"),
        (lambda tables: tables["pairs"].pop(UE), "no unlearning error was measured"),
        (failed, "no row is usable"),
    ],
)
def test_what_cannot_be_tested_says_why(tmp_path, change, reason):
    tables = grid({"loss.gamma": [0.0, 20.0]}, range(20), [5])
    change(tables)

    table = _claims(tmp_path, tables)

    assert set(table["claim"]) == {"i", "ii", "iii", "iv"}
    assert table.loc[table["verdict"] == "not tested", "remark"].str.contains(reason).any()


def test_the_report_shows_the_table(tmp_path):
    path = write(tmp_path / "results.h5", _of_gamma(grid({"loss.gamma": GAMMAS}, range(20), [5]), -0.05))

    text = report(analysis.load(path), tmp_path / "out").read_text()

    assert "(ii) verification error falls as γ rises" in text and "not tested" in text and "less than 2 points" in text
    assert {"verdict", "p (Holm)", "seeds"} <= set(pd.read_csv(tmp_path / "out/tables/claims.csv"))
    assert (tmp_path / "out/figures/claims.svg").exists() and (tmp_path / "out/tables/claims.tex").exists()


def test_interval_and_tests_of_a_mean_agree():
    values = np.random.default_rng(1).normal(0.5, 1, 20)
    found = studentised_mean(values)

    at_low, above = studentised_mean(values, found["low"]), studentised_mean(values, found["low"] - 0.05)

    assert at_low["p"] == pytest.approx(0.025, abs=1e-3) and above["p"] < 0.025
    student = stats.ttest_1samp(values, 0).confidence_interval()
    assert [found["low"], found["high"]] == pytest.approx(list(student), abs=0.15)


def test_values_that_are_equal_or_nearly_so_have_a_test():
    equal, nearly = studentised_mean(np.zeros(20), -2), studentised_mean(np.r_[np.zeros(19), 0.5], -2)

    assert equal["p"] == pytest.approx(2.0**-20) and equal["p_contrary"] == 1 and equal["low"] == equal["high"] == 0
    assert nearly["p"] < 1e-6 and -2 < nearly["low"] < 0.025 < nearly["high"]


def test_a_constant_side_has_no_correlation():
    assert np.isnan(studentised_correlation(np.ones(20), np.arange(20.0))["p"])
