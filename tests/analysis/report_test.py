"""The report of whole studies, and of what is left of broken ones."""

import base64
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.__main__ import main
from analysis.report import SECTIONS, report
from analysis.style import styled
from made import VE, failed, grid, write

AXES = {"train.lr": [0.01, 0.1], "unlearn.rule": ["epoch-scaled", "grad-list"]}


def _with_everything():
    """Layers, floors, distances and a failed run beside the pairs."""
    tables = grid(AXES, range(6), [5, 10])
    pairs, runs = tables["pairs"], tables["runs"]
    n = len(pairs["step"])
    tables["layers"] = {
        "run_id": np.repeat(pairs["run_id"], 2),
        "step": np.repeat(pairs["step"], 2),
        "layer": np.tile(["fc1.weight", "fc1.bias"], n),
        "num_parameters": np.tile([640, 10], n),
        VE: np.repeat(pairs[VE], 2),
        "no_unlearning_distance": np.repeat(pairs[VE], 2),
        "relative_error": np.repeat(pairs[VE], 2) / 7,
    }
    tables["floors"] = {name: pairs[name] for name in ("run_id", "cell", "seed", "step", VE)} | {
        "status": np.where(np.arange(n) == 0, "below_floor", "ok"),
        "floor_ulp": pairs[VE] / 100,
        "floor_repeat": np.zeros(n),
        "floor_order": pairs[VE] * 2,
        "floor_init": np.full(n, np.nan),
        "ratio_order": np.full(n, 0.5),
    }
    count = len(runs["run_id"])
    tables["distances"] = {
        "group_id": runs["run_id"],
        "run_id": runs["run_id"],
        "step": np.full(count, 10),
        "id_a": np.full(count, "a"),
        "id_b": np.full(count, "b"),
        "kind": np.full(count, "retrained/order"),
        "seed_a": np.full(count, -1),
        "seed_b": np.full(count, 3),
        "distance": np.full(count, 0.25),
    }
    return tables


class _Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag not in ("meta", "link", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    path = write(folder / "results.h5", _with_everything())
    assert main(["report", str(path), "-o", str(folder / "out")]) == 0
    return path, folder / "out"


def test_the_page_stands_alone(written):
    page = _Page((written[1] / "index.html").read_text())

    assert not page.open
    assert not {"script", "iframe", "object", "embed"} & set(page.tags)
    links = [value for _, name, value in page.attributes if name in ("src", "href", "srcset", "style")]
    assert all(link.startswith(("#", "data:", "figures/", "tables/")) for link in links)
    assert not any(name.startswith("on") for _, name, _ in page.attributes)
    files = [written[1] / link for link in links if link.startswith(("figures/", "tables/"))]
    assert files and all(file.stat().st_size > 0 for file in files)


def test_every_picture_has_a_text_and_asks_nothing_of_the_network(written):
    text = (written[1] / "index.html").read_text()

    images = re.findall(r'<img src="data:image/svg\+xml;base64,([^"]*)" alt="([^"]*)">', text)

    assert (
        len(images)
        == len(list((written[1] / "figures").glob("*.svg")))
        == len(list((written[1] / "figures").glob("*.png")))
    )
    for data, alt in images:
        assert len(alt) > 30
        svg = base64.b64decode(data).decode()
        assert "<script" not in svg and not re.search(r'(?:href|src)="(?!#|data:)', svg) and "url(http" not in svg


def test_every_section_has_its_figures_and_tables(written):
    names = {path.stem for path in (written[1] / "figures").glob("*.svg")}
    tables = {path.stem for path in (written[1] / "tables").glob("*.csv")}

    assert {
        "errors_scatter",
        "along_step",
        "along_train_lr",
        "along_unlearn_rule",
        "heat_lr_rule",
        "noise_floors",
        "distance_matrix",
        "layers",
        "unlearn_rule",
        "accuracy",
        "proxies",
        "correlations",
        "coverage",
    } <= names
    assert {
        "cells_last_step",
        "correlations_pooled",
        "correlations_by_cell",
        "effects",
        "unlearn_rule",
        "proxies",
    } <= tables
    assert tables == {path.stem for path in (written[1] / "tables").glob("*.tex")}
    assert "no telemetry.h5 lies beside the results" in (written[1] / "index.html").read_text()


def test_a_row_below_its_floor_counts_nowhere(written):
    study = analysis.load(written[0])
    means = pd.read_csv(written[1] / "tables/cells_all_steps.csv")

    assert len(study.usable) == len(study.pairs) - 1
    assert means.loc[(means["cell"] == 0) & (means["T"] == 5), "seeds"].item() == 5


def test_tables_hold_the_numbers_of_the_file(written):
    study = analysis.load(written[0])
    own = study.pairs[(study.pairs["cell"] == 1) & (study.pairs["step"] == 10)][VE]
    means = pd.read_csv(written[1] / "tables/cells_last_step.csv").set_index("cell")

    assert means.loc[1, "verification error"] == pytest.approx(np.exp(np.log(own).mean()))
    tex = (written[1] / "tables/cells_last_step.tex").read_text()
    assert tex.count(r" \\") == 5 and "_" not in tex.replace("$_0$", "").replace(r"\_", "")


def _sections(path):
    study = analysis.load(path)
    with styled():
        return {section.name: section for section in (make(study) for make in SECTIONS)}


def test_one_seed_says_what_cannot_be_computed(tmp_path):
    sections = _sections(write(tmp_path / "results.h5", grid(AXES, [0], [5, 10])))

    assert not sections["errors"].absent and not sections["axes"].absent
    pooled = {table.name: table for table in sections["correlations"].tables}.get("correlations_pooled")
    text = " ".join(sections["correlations"].text) + sections["correlations"].absent
    assert "4" in text and (pooled is None or pooled.frame["remark"].str.contains("too few seeds").any())


def test_one_cell_has_no_axes_but_steps(tmp_path):
    sections = _sections(write(tmp_path / "results.h5", grid({}, range(5), [5, 10])))

    assert [picture.name for picture in sections["axes"].pictures] == ["along_step"]
    assert "two axes" in sections["heat"].absent and sections["methods"].absent
    assert sections["correlations"].tables


def test_one_pair_alone_makes_a_report(tmp_path):
    sections = _sections(write(tmp_path / "results.h5", grid({}, [0], [5])))

    assert not sections["overview"].absent and sections["correlations"].absent


def test_failures_alone_give_their_reasons(tmp_path):
    page = report(
        analysis.load(write(tmp_path / "results.h5", failed(grid(AXES, [0, 1], [5])))), tmp_path / "out"
    ).read_text()

    assert "weights are not finite at step 3" in page and "8 diverged" in page
    assert page.count("no usable row") >= 3


def test_a_study_without_any_row_says_so(tmp_path):
    tables = failed(grid(AXES, [0, 1], [5]), "missing", "")
    tables["pairs"] = {name: column[:0] for name, column in tables["pairs"].items()}

    sections = _sections(write(tmp_path / "results.h5", tables))

    assert "no pair was measured" in sections["overview"].absent and "8 missing" in sections["coverage"].text[0]


def test_two_studies_are_compared_seed_by_seed(tmp_path):
    tables = grid({"train.lr": [0.01, 0.1]}, range(4), [5])
    tables["cells"]["loss.gamma"] = np.zeros(2)
    a = write(tmp_path / "a.h5", tables)
    tables["pairs"][VE] = tables["pairs"][VE] * 3
    tables["cells"]["loss.gamma"] = np.ones(2)
    b = write(tmp_path / "b.h5", tables)

    assert main(["compare", str(a), str(b), "-o", str(tmp_path / "out")]) == 0

    table = pd.read_csv(tmp_path / "out/tables/compare.csv")
    assert table.loc[table["measure"] == "verification error", "B / A"].tolist() == pytest.approx([3, 3])
    assert "loss.gamma" in (tmp_path / "out/index.html").read_text()
