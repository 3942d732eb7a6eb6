"""Loading, combining, exporting."""

import h5py
import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.__main__ import main
from made import VE, failed, grid, write

AXES = {"train.lr": [0.01, 0.1], "loss.gamma": [0.0, 5.0]}


def test_pairs_carry_their_cells_axes_and_decoded_texts(tmp_path):
    study = analysis.load(write(tmp_path / "results.h5", grid(AXES, [0, 1, 2], [5, 10])))

    assert study.axes == ["train.lr", "loss.gamma"]
    assert len(study.pairs) == 4 * 3 * 2
    assert set(study.pairs["status"]) == {"ok"}
    assert (study.pairs.loc[study.pairs["cell"] == 3, "loss.gamma"] == 5).all()
    assert study.title(3) == "lr = 0.1, gamma = 5"


def test_xarray_holds_every_row_at_its_place(tmp_path):
    study = analysis.load(write(tmp_path / "results.h5", grid(AXES, [0, 4], [5, 10])))

    cube = study.xarray()

    assert cube[VE].shape == (2, 2, 2, 2)
    row = study.pairs.iloc[7]
    at = {name: row[name] for name in ("train.lr", "loss.gamma", "seed", "step")}
    assert float(cube[VE].sel(at)) == row[VE]
    assert cube[VE].attrs["units"] == "1"


def test_a_key_that_does_not_act_is_missing_not_minus_one(tmp_path):
    tables = grid({"loss.kind": ["ce", "sd"]}, [0], [5])
    tables["cells"]["loss.gamma"] = np.array([np.nan, 2.0])
    tables["cells"]["forget.count"] = np.array([-1, 3])

    study = analysis.load(write(tmp_path / "results.h5", tables))

    assert study.axes == ["loss.kind"]  # the others have one value where they act, as in `unroll report`
    assert np.isnan(study.cells["forget.count"][0])


def test_parts_of_a_study_combine_to_the_whole(tmp_path):
    whole = grid(AXES, [0, 1, 2, 3], [5])
    part = {"a": [0, 1], "b": [2, 3]}
    paths = []
    for name, seeds in part.items():
        tables = {"cells": whole["cells"]}
        for table in ("runs", "pairs"):
            kept = np.isin(whole[table]["seed"], seeds)
            tables[table] = {column: values[kept] for column, values in whole[table].items()}
        paths.append(write(tmp_path / f"{name}.h5", tables))

    study = analysis.load(paths)

    assert study.seeds == [0, 1, 2, 3]
    expected = analysis.load(write(tmp_path / "whole.h5", whole)).pairs.sort_values(["cell", "seed"])[VE].to_numpy()
    assert (study.pairs.sort_values(["cell", "seed"])[VE].to_numpy() == expected).all()


def test_files_with_other_values_of_a_key_make_it_an_axis(tmp_path):
    paths = [write(tmp_path / f"{lr}.h5", grid({"train.lr": [lr]}, [0, 1], [5])) for lr in (0.1, 0.2)]

    assert analysis.load(paths).axes == ["train.lr"]


def test_the_same_row_twice_counts_once_and_a_different_one_is_named(tmp_path):
    tables = grid(AXES, [0, 1], [5])
    first = write(tmp_path / "a.h5", tables)
    assert len(analysis.load([first, first]).pairs) == 8

    tables["pairs"][VE] = tables["pairs"][VE].copy()
    tables["pairs"][VE][3] *= 2
    with pytest.raises(
        analysis.AnalysisError, match="b.h5: its 'verification_error' in /pairs differs.*cell 1, seed 1, step 5"
    ):
        analysis.load([first, write(tmp_path / "b.h5", tables)])


def test_a_finished_run_replaces_a_missing_one(tmp_path):
    tables = grid(AXES, [0], [5])
    done = write(tmp_path / "done.h5", tables)
    missing = failed(grid(AXES, [0], [5]), "missing", "")
    missing["pairs"] = {name: column[:0] for name, column in missing["pairs"].items()}

    study = analysis.load([write(tmp_path / "missing.h5", missing), done])

    assert set(study.runs["status"]) == {"ok"} and len(study.pairs) == 4


def _other_format(path):
    write(path, {}, format="something")


def _external(path):
    write(path, grid(AXES, [0], [5]))
    with h5py.File(path, "a") as file:
        file["pairs/more"] = h5py.ExternalLink("/etc/hostname", "x")


@pytest.mark.parametrize(
    "make",
    [lambda path: path.write_text("hello"), lambda path: None, _other_format, _external, lambda path: write(path, {})],
)
def test_what_is_no_results_file_is_one_clear_line(tmp_path, capsys, make):
    path = tmp_path / "results.h5"
    make(path)

    assert main(["export", str(path), "--format", "csv", "-o", str(tmp_path / "out")]) == 2

    said = capsys.readouterr().err
    assert said.count("\n") == 1 and str(path) in said and "Traceback" not in said


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_an_export_reads_back_the_same(tmp_path, file_format):
    path = write(tmp_path / "results.h5", grid(AXES, [0, 1], [5]))

    assert main(["export", str(path), "--format", file_format, "-o", str(tmp_path / "out")]) == 0

    read = pd.read_csv if file_format == "csv" else pd.read_parquet
    table = read(tmp_path / "out" / f"pairs.{file_format}")
    assert (table[VE].to_numpy() == analysis.load(path).pairs[VE].to_numpy()).all()
