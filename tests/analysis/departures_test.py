"""The section on departures: made studies whose effects are known."""

import numpy as np
import pytest

import analysis
from analysis.sections.departures import effects, section
from analysis.style import styled
from made import UE, VE, grid, write


def _study(folder, tables):
    return analysis.load(write(folder / "results.h5", tables))


def _row(table, what, measure):
    return table[(table["of"] == what) & (table["measure"] == measure)].iloc[0]


def test_a_key_is_compared_between_cells_that_differ_in_nothing_else(tmp_path):
    """Twice the error with the published form, half of it with momentum; the last cell is nobody's partner."""
    four = grid({"cell_number": [0, 1, 2, 3]}, range(6), [5, 10])
    four["cells"].pop("cell_number")
    four["cells"]["unlearn.form"] = np.array(["difference", "published", "difference", "published"])
    four["cells"]["train.momentum"] = np.array([0.0, 0.0, 0.9, 0.5])
    four["cells"]["train.lr"] = np.array([0.1, 0.1, 0.1, 0.2])
    factor = np.array([1, 2, 0.5, 100.0])
    base = {seed: np.exp(seed / 10) for seed in range(6)}
    pairs = four["pairs"]
    wobble = 1 + 0.01 * np.sin(np.arange(len(pairs["step"])))
    pairs[VE] = factor[pairs["cell"]] * np.array([base[s] for s in pairs["seed"]]) * wobble

    table = effects(_study(tmp_path, four))

    form, momentum = _row(table, "unlearn.form", VE), _row(table, "train.momentum", VE)
    assert form["ratio"] == pytest.approx(2, rel=0.02) and form["low"] < 2 < form["high"] and form["n"] == 6
    assert momentum["ratio"] == pytest.approx(0.5, rel=0.02) and momentum["value"] == "0.9"
    assert set(table[table["of"] == "train.momentum"]["value"]) == {"0.9"}


def test_a_key_that_acts_with_the_departure_alone_does_not_hide_it(tmp_path):
    tables = grid({"model.batchnorm": ["train", "eval-after", "eval-after"]}, range(5), [5])
    tables["cells"]["model.batchnorm_steps"] = np.array([-1, 1, 2])
    tables["pairs"][VE] = np.array([1.0, 3.0, 9.0])[tables["pairs"]["cell"]]

    table = effects(_study(tmp_path, tables))

    by_value = table[(table["of"] == "model.batchnorm") & (table["measure"] == VE)]
    assert by_value["ratio"].tolist() == pytest.approx([27**0.5])


def test_a_key_that_the_departure_takes_away_must_have_been_at_its_theory(tmp_path):
    tables = grid({"model.batchnorm": ["train", "train", "eval-after"]}, range(5), [5])
    tables["cells"]["unlearn.statistics"] = np.array(["kept", "moved", ""])
    tables["pairs"][VE] = np.array([1.0, 5.0, 3.0])[tables["pairs"]["cell"]]

    table = effects(_study(tmp_path, tables))

    assert _row(table, "model.batchnorm", VE)["ratio"] == pytest.approx(3)
    assert _row(table, "unlearn.statistics", VE)["ratio"] == pytest.approx(5)


def test_a_column_is_divided_by_its_counterpart(tmp_path):
    tables = grid({}, range(5), [5, 10])
    tables["pairs"]["ue_constant"] = 3 * tables["pairs"][UE]
    tables["pairs"]["ue_abs_half_eta1"] = tables["pairs"][UE] / 0.1

    table = effects(_study(tmp_path, tables))

    assert _row(table, "ue_constant", UE)["ratio"] == pytest.approx(3)
    assert _row(table, UE, "ue_abs_half_eta1")["ratio"] == pytest.approx(0.1)


def test_the_other_rules_of_the_paper_are_no_departures(tmp_path):
    tables = grid({"unlearn.rule": ["epoch-scaled", "grad-list", "final-weights"]}, range(5), [5])

    table = effects(_study(tmp_path, tables))

    assert set(table[table["of"] == "unlearn.rule"]["value"]) == {"final-weights"}


def test_a_study_without_departures_says_so(tmp_path):
    with styled():
        made = section(_study(tmp_path, grid({"train.lr": [0.1, 0.2]}, range(5), [5])))

    assert "no two cells differ" in made.absent
