"""Several results files as one: chunks of a study, seeds or cells that were added, or studies over different values.

A cell is the same when its scientific keys are; a row when its cell, seed and step are. A row that several files hold must
be the same in all of them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from .errors import AnalysisError
from .reader import TableFile

#: Keys that say which rows there are, not what they hold: cells that differ in these alone are one cell.
LISTING_KEYS = ("measure.steps", "measure.every")
LISTING_SECTIONS = ("noise.", "output.")
REQUIRED = ("cells", "runs", "pairs")


def is_identifying(key: str) -> bool:
    """Whether a key of a cell tells it from others."""
    return key != "cell" and key not in LISTING_KEYS and not key.startswith(LISTING_SECTIONS)


def _identity(cells: pd.DataFrame) -> pd.Series:
    keys = sorted(key for key in cells.columns if is_identifying(key))
    return cells.groupby(keys, dropna=False, sort=False).ngroup()


def _check_columns(files: list[TableFile]) -> None:
    first = files[0]
    for file in files:
        for name in REQUIRED:
            if name not in file.tables or "cell" not in file.tables[name]:
                raise AnalysisError(f"{file.path}: has no column 'cell' in /{name}; it is no complete results file")
            ours, theirs = set(first.tables[name].columns), set(file.tables[name].columns)
            if ours != theirs:
                odd = sorted(ours ^ theirs)[0]
                has, lacks = (first, file) if odd in ours else (file, first)
                raise AnalysisError(
                    f"{lacks.path}: cannot be combined with {has.path}, which has '{odd}' in /{name}; "
                    "merge both with one version of unroll"
                )


def _differences(rows: pd.DataFrame, keys: list[str]) -> tuple[str, pd.Series] | None:
    """The first column in which rows of equal keys differ, and such a row."""
    again = rows.duplicated(keys, keep=False)
    if not again.any():
        return None
    repeated = rows[again].sort_values([*keys, "_file"])
    first = repeated.groupby(keys).transform("first")
    for column in first.columns:
        if column in ("_file", "run_id", "reason", "undefined"):
            continue
        ours, theirs = repeated[column], first[column]
        same = (ours == theirs) | (ours.isna() & theirs.isna())
        if not same.all():
            return column, repeated[~same].iloc[0]
    return None


def _unique(rows: pd.DataFrame, keys: list[str], table: str, files: list[TableFile]) -> pd.DataFrame:
    difference = _differences(rows, keys)
    if difference is not None:
        column, row = difference
        where = ", ".join(f"{key} {row[key]}" for key in keys)
        raise AnalysisError(
            f"{files[int(row['_file'])].path}: its '{column}' in /{table} differs from that of another file "
            f"for the same {where}; combine files of one numerics key, or leave one of them out"
        )
    return rows.drop_duplicates(keys, keep="first")


def _together(files: list[TableFile], name: str) -> pd.DataFrame:
    tables = [file.tables[name].assign(_file=number) for number, file in enumerate(files) if name in file.tables]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _renumbered(files: list[TableFile]) -> tuple[pd.DataFrame, pd.Series]:
    cells = _together(files, "cells")
    names = _identity(cells.drop(columns="_file"))
    codes, _ = pd.factorize(names)  # numbered in the order of the files
    numbers = pd.Series(codes, index=pd.MultiIndex.from_arrays([cells["_file"], cells["cell"]]))
    cells = cells.assign(cell=codes).drop(columns="_file").drop_duplicates("cell", keep="first")
    return cells.reset_index(drop=True), numbers


def _with_numbers(rows: pd.DataFrame, numbers: pd.Series, files: list[TableFile], table: str) -> pd.DataFrame:
    if rows.empty:
        return rows
    found = numbers.reindex(pd.MultiIndex.from_arrays([rows["_file"], rows["cell"]])).to_numpy()
    if np.isnan(found.astype(float)).any():
        path = files[int(rows["_file"].iloc[int(np.argmax(np.isnan(found.astype(float))))])].path
        raise AnalysisError(f"{path}: a row of /{table} names a cell that is not in /cells; `unroll check` says more")
    return rows.assign(cell=found.astype(np.int64))


def combine(files: list[TableFile]) -> dict[str, pd.DataFrame]:
    """The tables of all files. Raises AnalysisError where they contradict each other."""
    _check_columns(files)
    cells, numbers = _renumbered(files)
    runs = _with_numbers(_together(files, "runs"), numbers, files, "runs")
    runs = runs.assign(_missing=runs["status"] == "missing").sort_values(["_missing", "_file"], kind="stable")
    first_ids = runs.groupby(["cell", "seed"])["run_id"].transform("first")
    renamed = dict(zip(runs["run_id"], first_ids, strict=True))
    finished = runs[~runs["_missing"]].drop(columns="_missing")
    missing = runs[runs["_missing"]].drop(columns="_missing")
    runs = pd.concat([_unique(finished, ["cell", "seed"], "runs", files), missing])
    runs = runs.drop_duplicates(["cell", "seed"], keep="first").sort_values(["cell", "seed"])
    tables = {"cells": cells, "runs": runs}
    for name, keys in {
        "pairs": ["cell", "seed", "step"],
        "floors": ["cell", "seed", "step"],
        "layers": ["run_id", "step", "layer"],
        "curves": ["original_id", "measure_id", "step"],
        "distances": ["group_id", "step", "id_a", "id_b"],
    }.items():
        rows = _together(files, name)
        if "_file" not in rows:
            continue
        if "cell" in keys:
            rows = _with_numbers(rows, numbers, files, name)
        if "run_id" in rows:
            rows = rows.assign(run_id=rows["run_id"].map(renamed).fillna(rows["run_id"]))
        # Floors depend on which models a study compares: of two files, the first one's hold.
        tables[name] = rows.drop_duplicates(keys) if name == "floors" else _unique(rows, keys, name, files)
    return {name: rows.drop(columns="_file", errors="ignore").reset_index(drop=True) for name, rows in tables.items()}
