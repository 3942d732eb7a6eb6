"""The page on the paper's experiments: made studies whose sentences are known."""

import re

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.__main__ import main
from analysis.experiments import sentences
from analysis.experiments.items import ITEMS
from analysis.experiments.page import markdown_of
from made import UE, VE, failed, grid, write


def _study(folder, tables):
    folder.mkdir(parents=True, exist_ok=True)
    return analysis.load(write(folder / "results.h5", tables))


def _of_gamma(factor):
    """20 seeds; the error at gamma 20 is `factor` times that at 0 but for 1 %."""
    tables = grid({"loss.gamma": [0.0, 20.0]}, range(20), [5, 10])
    pairs = tables["pairs"]
    noise = 1 + 0.01 * np.sin(np.arange(len(pairs["step"])))
    pairs[VE] = np.exp(pairs["seed"] / 7) * np.where(pairs["cell"] == 1, factor, 1.0) * noise
    return tables


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("paper")
    _study(folder / "results/e01_correlation", _of_gamma(0.5))
    _study(folder / "results/e02_older_protocol", failed(grid({"loss.gamma": [0.0, 1.0]}, range(3), [5])))
    axes = {"train.lr": [0.001, 0.01], "model.activation": ["relu", "tanh"], "forget.index": [0, 20]}
    _study(folder / "results/b_scaling", grid(axes, range(6), [5]))
    assert main(["paper", str(folder / "results"), "-o", str(folder / "page")]) == 0
    return folder / "page"


def test_the_page_has_every_study_that_is_there_and_names_those_that_are_not(written):
    text = (written / "README.md").read_text()
    there = {"e01_correlation", "e02_older_protocol", "b_scaling"}

    assert set(re.findall(r"^`(\w+)`: ", text, re.M)) == there
    assert {item.study for item in ITEMS} - there == set(re.findall(r"^- Without results: (\w+) ", text, re.M))
    assert "e02_older_protocol: 6 of 6 runs are not there or failed" in text and "6 diverged" in text


def test_every_figure_of_the_page_is_there_and_none_else(written):
    shown = set(re.findall(r"!\[[^]]+\]\(figures/([^)]+)\)", (written / "README.md").read_text()))

    assert shown == {path.name for path in (written / "figures").iterdir()} and len(shown) >= 4
    assert all((written / "figures" / name).stat().st_size > 1000 for name in shown)


def test_claims_of_all_studies_share_one_table(written):
    table = pd.read_csv(written / "tables/claims.csv")

    assert set(table["study"]) == {"e01_correlation", "e02_older_protocol", "b_scaling"}
    fall = table[(table["study"] == "e01_correlation") & table["measure"].str.startswith("VE, ratio")].iloc[0]
    assert fall["verdict"] == "holds" and fall["estimate"] == pytest.approx(0.5, rel=0.01) and fall["seeds"] == 20


@pytest.mark.parametrize("factor, sign", [(0.5, "below 1"), (2.0, "above 1"), (1.0, "not told apart from 1")])
def test_sentences_say_what_the_numbers_do(tmp_path, factor, sign):
    found = sentences.effect(_study(tmp_path, _of_gamma(factor)), "loss.gamma", (VE,))

    assert len(found) == 1 and found[0].endswith(f": {sign}.")
    assert found[0].startswith(f"Verification error at gamma 20 is {factor:.3g} (") or factor == 1


def test_slopes_and_parts_left_are_those_made(tmp_path):
    axes = {"train.lr": [0.001, 0.003, 0.01], "unlearn.method": ["single-gradient", "first-order"]}
    tables = grid(axes, range(8), [5])
    pairs, power = tables["pairs"], np.where(tables["cells"]["unlearn.method"] == "first-order", 3, 2)
    pairs[VE] = pairs["lr"] ** power[pairs["cell"]] * np.exp(pairs["seed"] / 9)
    pairs["no_unlearning_distance"] = 4 * pairs[VE]
    study = _study(tmp_path, tables)

    (slopes,), (left,) = sentences.slopes(study, (VE,), ("unlearn.method",), 0.01), sentences.left(study, ("train.lr",))

    assert slopes["slope of verification error"].str.split().str[0].tolist() == ["3", "2"]
    assert left["left of ‖M − M′‖"].str.split().str[0].tolist() == ["0.25"] * 3 and left["seeds"].tolist() == [8] * 3


def test_a_proxy_that_a_trivial_predictor_beats_is_said_to(tmp_path):
    tables = grid({"train.lr": [0.01, 0.1]}, range(40), [5])
    pairs, rng = tables["pairs"], np.random.default_rng(3)
    pairs[UE] = pairs[VE] * np.exp(2 * rng.normal(size=len(pairs[VE])))
    pairs["eta_gradient_norm"] = pairs[VE] * np.exp(0.01 * rng.normal(size=len(pairs[VE])))

    last = sentences.prediction(_study(tmp_path, tables))[-1]

    worse, better = last.split("that correlate less with")[1].split("that correlate more:")
    assert "η‖g*‖" in better and "η‖g*‖" not in worse


def test_a_folder_without_studies_is_refused(tmp_path, capsys):
    assert main(["paper", str(tmp_path), "-o", str(tmp_path / "page")]) == 2
    assert "jobs/paper.sh makes them" in capsys.readouterr().err


def test_a_table_keeps_its_columns_apart():
    assert markdown_of(pd.DataFrame({"a": ["x|y"], "b": [0.5]})).splitlines()[-1] == r"| x\|y | 0.5 |"
