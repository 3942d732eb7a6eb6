"""The sections on equal accuracy, on coupled retrains and on privacy risk scores: made studies whose answers are known."""

import numpy as np
import pytest

import analysis
from analysis.sections import coupling, equal, risk
from analysis.statistics.matched import at_equal, first_reached, trajectories
from analysis.style import styled
from made import VE, grid, write

STEPS = [10, 20, 30, 40]


def _study(folder, tables):
    return analysis.load(write(folder / "results.h5", tables))


def _section(module, study):
    with styled():
        return module.section(study)


def _tables(section):
    return {table.name: table.frame for table in section.tables}


def _slower(loss_of_accuracy=0.0):
    """With gamma 5, M learns half as fast, and at equal accuracy its error is 3 times as large; distances are half of it."""
    tables = grid({"loss.gamma": [0.0, 5.0]}, range(6), STEPS)
    pairs = tables["pairs"]
    second = pairs["cell"] == 1
    time = pairs["step"] * np.where(second, 0.5, 1.0)
    pairs["test_accuracy_original"] = 0.5 + 0.01 * time - loss_of_accuracy * second
    pairs["distance_from_start"] = time
    pairs[VE] = np.exp(0.1 * time + pairs["seed"]) * np.where(second, 3.0, 1.0)
    pairs["no_unlearning_distance"] = 2 * np.exp(0.1 * time + pairs["seed"])
    tables["floors"] = {name: pairs[name] for name in ("run_id", "cell", "seed", "step", VE)} | {
        "status": np.full(len(time), "ok"),
        "floor_ulp": np.exp(0.1 * time + pairs["seed"]) * np.where(second, 0.003, 0.001),
    }
    return tables


def test_a_level_is_reached_between_two_steps():
    assert first_reached(np.array([0.1, 0.3, 0.2]), 0.2) == (0, pytest.approx(0.5))
    assert first_reached(np.array([0.5, 0.6]), 0.4) == (0, 0.0)
    assert first_reached(np.array([0.1, 0.2]), 0.3) is None


def test_cells_are_compared_where_accuracy_and_distance_are_equal(tmp_path):
    table = equal.comparisons(_study(tmp_path, _slower())).set_index(["equal", "measure"])

    for name in (equal.ACCURACY, equal.DISTANCE):  # both are reached by gamma 5 at T = 40 and by gamma 0 at T = 20
        assert table.loc[(name, VE), "ratio"] == pytest.approx(3)
        assert table.loc[(name, "over_distance"), "ratio"] == pytest.approx(3)
        assert table.loc[(name, "over_floor"), "ratio"] == pytest.approx(1)
        assert (table.loc[(name, VE), ["T_a", "T_b", "matched"]] == [20, 40, 6]).all()


def test_errors_are_interpolated_by_their_logarithms(tmp_path):
    study = _study(tmp_path, _slower(loss_of_accuracy=0.05))

    row = equal.comparisons(study).set_index(["equal", "measure"]).loc[(equal.ACCURACY, VE)]

    assert row["T_a"] == pytest.approx(15) and row["T_b"] == 40  # 0.65, half-way between two steps of gamma 0
    assert row["ratio"] == pytest.approx(3 * np.exp(0.1 * (20 - 15)))


def test_a_seed_that_starts_above_what_the_other_reaches_is_left_out(tmp_path):
    study = _study(tmp_path, _slower(loss_of_accuracy=0.3))

    table = equal.comparisons(study)

    assert table[table["equal"] == equal.ACCURACY]["matched"].tolist() == [0, 0, 0]
    assert table[table["equal"] == equal.DISTANCE]["matched"].tolist() == [6, 6, 6]
    assert _tables(_section(equal, study))["equal"]["matched"].tolist() == [0, 0, 0, 6, 6, 6]


def test_a_study_that_forgets_nothing_has_nothing_to_compare(tmp_path):
    tables = _slower()
    tables["pairs"][VE] = np.zeros(len(tables["pairs"][VE]))

    assert "no cell has a verification error above 0" in equal.section(_study(tmp_path, tables)).absent


def test_one_row_of_a_seed_is_no_trajectory(tmp_path):
    rows = trajectories(_study(tmp_path, _slower()).pairs, ["distance_from_start", VE])
    short = {name: values[:1] for name, values in rows[0, 0].items()}

    assert at_equal(short, rows[1, 0], "distance_from_start", [VE], 1.0) is None
    assert at_equal(rows[0, 0], rows[1, 0], "distance_from_start", [VE], 1.0) is not None


def test_studies_without_what_a_section_needs_say_so(tmp_path):
    study = _study(tmp_path, grid({"train.lr": [0.1, 0.2]}, range(4), [5]))
    one_step = _study(tmp_path, grid({"loss.gamma": [0.0, 5.0]}, range(4), [5]))

    assert "one γ" in equal.section(study).absent and "several steps" in equal.section(one_step).absent
    assert "both coupled and fresh" in coupling.section(study).absent
    assert "no privacy risk score" in risk.section(study).absent


def _coupled():
    """Uncoupled errors are 8 times the coupled ones at T = 10 and as large at T = 40; eta lambda_max crosses 2 between."""
    tables = grid({"retrain.kind": ["coupled", "fresh"], "train.lr": [0.01, 0.1]}, range(6), [10, 40])
    pairs = tables["pairs"]
    fresh = tables["cells"]["retrain.kind"][pairs["cell"]] == "fresh"
    early = pairs["step"] == 10
    noise = 1 + 0.001 * np.sin(np.arange(len(early)))
    pairs["no_unlearning_distance"] = np.exp(pairs["seed"]) * np.where(fresh & early, 2.0, 1.0)
    pairs[VE] = 0.1 * np.exp(pairs["seed"]) * np.where(fresh & early, 8.0, 1.0) * noise
    pairs["eta_lambda_max"] = np.where(early, 1.0, 3.0)
    return tables


def test_uncoupled_retrains_are_compared_at_every_step(tmp_path):
    made = _section(coupling, _study(tmp_path, _coupled()))

    table = _tables(made)["coupling"].set_index(["setting", "T"])
    assert table.loc[("lr = 0.01", 10), "VE, fresh / coupled"] == pytest.approx(8, rel=0.01)
    assert table.loc[("lr = 0.1", 40), "VE, fresh / coupled"] == pytest.approx(1, rel=0.01)
    assert table.loc[("lr = 0.1", 10), "‖M − M′‖, fresh / coupled"] == pytest.approx(2)
    assert table.loc[("lr = 0.1", 10), "left, fresh"] == pytest.approx(0.4, rel=0.01)
    assert table["η λ_max > 2, % of seeds"].tolist() == [0, 100] * 2
    assert made.pictures and (table["seeds"] == 6).all()


def test_coupling_without_curvature_still_compares(tmp_path):
    tables = _coupled()
    tables["pairs"].pop("eta_lambda_max")

    made = _section(coupling, _study(tmp_path, tables))

    assert made.pictures and _tables(made)["coupling"]["η λ_max, median"].isna().all()


def _risky(slope):
    """M'' keeps 0.1 of risk on the forget set; the risk of M'' goes with the log error as `slope`."""
    tables = grid({"loss.gamma": [0.0, 5.0]}, range(12), [5])
    pairs, rng = tables["pairs"], np.random.default_rng(1)
    for name in ("forget", "retain", "test"):
        base = 0.5 + 0.01 * rng.normal(size=len(pairs["step"]))
        for model in ("original", "retrained", "unlearned"):
            pairs[f"{name}_risk_{model}"] = base + (0.1 if (name, model) == ("forget", "unlearned") else 0)
    noise = 0.001 * rng.normal(size=len(pairs["step"]))
    pairs["forget_risk_unlearned"] = pairs["forget_risk_unlearned"] + slope * np.log(pairs[VE]) + noise
    return tables


def test_risks_differences_and_correlations_are_those_made(tmp_path):
    none, some = _risky(0.0), _risky(0.5)

    tables, related = _tables(_section(risk, _study(tmp_path, none))), _tables(_section(risk, _study(tmp_path, some)))

    gap = tables["risk_differences"].set_index("difference").loc["M″ − M′, forget set"]
    assert gap["estimate"] == pytest.approx(0.1, abs=0.002) and gap["p (Holm)"] < 0.01 and gap["low"] < 0.1 < gap["high"]
    equal_risks = tables["risk_differences"].set_index("difference").loc["M − M′, test set"]
    assert equal_risks["estimate"] == 0 and equal_risks["p (Holm)"] == 1
    cells = related["risk_correlations"]
    assert (cells[cells["predictor"].str.startswith("risk of M″ −")]["r"] > 0.95).all()
    assert tables["risk"]["forget M″"].mean() == pytest.approx(0.6, abs=0.01)
