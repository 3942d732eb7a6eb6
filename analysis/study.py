"""A study as tidy tables: `load(path)`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from .combine import combine, is_identifying
from .errors import AnalysisError
from .names import VE
from .reader import TELEMETRY_FORMAT, TableFile, read_tables

#: More values than this in one variable of a grid that is not full: long tables are the better form.
MAX_GRID_VALUES = 20_000_000


@dataclass
class Study:
    """Tables of one or several results files.

    pairs has a row a pair (M', M'') and measured step, with the study's axes as columns by their key names
    ("train.lr"), the run's status as `run_status` and, where noise floors were asked for, `floor_status`. A value that a
    key does not have in a cell (it is unset or does not act) is missing there. Units and meanings: `units`, `long_names`.
    """

    paths: list[Path]
    axes: list[str]
    cells: pd.DataFrame
    runs: pd.DataFrame
    pairs: pd.DataFrame
    layers: pd.DataFrame
    curves: pd.DataFrame
    distances: pd.DataFrame
    floors: pd.DataFrame
    items: pd.DataFrame
    telemetry: dict[str, str]
    plan_ids: list[str]
    numerics_keys: list[str]
    units: dict[str, str]
    long_names: dict[str, str]
    notes: list[str] = field(default_factory=list)

    @property
    def seeds(self) -> list[int]:
        """The study's seeds, in order."""
        return sorted(int(seed) for seed in self.runs["seed"].unique())

    @cached_property
    def usable(self) -> pd.DataFrame:
        """Rows whose verification error says something of unlearning: status ok and, where floors were measured, not
        below three times floor (0)."""
        rows = self.pairs[(self.pairs["status"] == "ok") & np.isfinite(self.pairs[VE])]
        return rows[rows["floor_status"] != "below_floor"] if "floor_status" in rows else rows

    @cached_property
    def last(self) -> pd.DataFrame:
        """Usable rows at each cell's last measured step."""
        return at_last_step(self.usable)

    def title(self, cell: int, axes: list[str] | None = None) -> str:
        """`lr = 0.1, gamma = 5`: what tells a cell from the others, or those of the axes that are given."""
        row = self.cells.loc[self.cells["cell"] == cell, self.axes if axes is None else axes]
        parts = [
            f"{axis.split('.', 1)[-1]} = {value:g}"
            if isinstance(value, float)
            else f"{axis.split('.', 1)[-1]} = {value}"
            for axis, value in (row.iloc[0].items() if len(row) else [])
            if not pd.isna(value)
        ]
        return ", ".join(parts) or "the only cell"

    def xarray(self) -> xr.Dataset:
        """The numbers of pairs over the axes, seed and step. A point of the grid without a row is NaN."""
        dims = [*self.axes, "seed", "step"]
        rows = self.pairs.copy()
        for axis in self.axes:
            if rows[axis].isna().any():
                rows[axis] = rows[axis].astype(str).where(rows[axis].notna(), "")
        size = int(np.prod([rows[dim].nunique() for dim in dims]))
        if size > MAX_GRID_VALUES:
            raise AnalysisError(f"{self.paths[0]}: the full grid has {size} points for {len(rows)} rows; use .pairs")
        numbers = [
            name
            for name in rows.columns
            if name not in dims and name != "cell" and pd.api.types.is_numeric_dtype(rows[name])
        ]
        grid = rows.set_index(dims)[numbers].astype(float).to_xarray()
        for name in [*grid.data_vars, *grid.coords]:
            grid[name].attrs = {"units": self.units.get(name, "1"), "long_name": self.long_names.get(name, name)}
        grid.attrs = {"plan_id": " ".join(self.plan_ids), "numerics_key": " | ".join(self.numerics_keys)}
        return grid


def at_last_step(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows at the last step that their cell has."""
    return rows[rows["step"] == rows.groupby("cell")["step"].transform("max")]


def _with_missing(column: pd.Series) -> pd.Series:
    """A scientific key with missing values where it is unset or does not act (-1, NaN or empty in the file)."""
    if pd.api.types.is_integer_dtype(column):
        return column.astype(float).where(column != -1) if (column == -1).any() else column
    if pd.api.types.is_float_dtype(column):
        return column
    texts = column.where(column != "")
    numbers = pd.to_numeric(texts, errors="coerce")
    return numbers if numbers.notna().equals(texts.notna()) and texts.notna().any() else texts


def _axes(cells: pd.DataFrame) -> list[str]:
    return [key for key in cells.columns if is_identifying(key) and cells[key].nunique() > 1]


def _telemetry(files: Iterable[TableFile]) -> tuple[pd.DataFrame, dict[str, str], list[str]]:
    items, attributes, notes = [], {}, []
    for file in files:
        beside = file.path.parent / "telemetry.h5"
        if not beside.is_file():
            continue
        try:
            read = read_tables(beside, TELEMETRY_FORMAT)
        except AnalysisError as error:
            notes.append(str(error))
            continue
        if read.attributes.get("plan_id") != file.attributes.get("plan_id"):
            notes.append(f"{beside}: is of another plan than {file.path.name}, and is left out.")
            continue
        items.append(read.tables.get("items", pd.DataFrame()))
        for name in ("model_steps_asked", "model_steps_planned"):
            if read.attributes.get(name, "").isdigit():
                attributes[name] = str(int(attributes.get(name, "0")) + int(read.attributes[name]))
        attributes.setdefault("study", read.attributes.get("study", ""))
    return (pd.concat(items, ignore_index=True) if items else pd.DataFrame()), attributes, notes


def _joined(tables: dict[str, pd.DataFrame], axes: list[str]) -> pd.DataFrame:
    pairs = tables["pairs"].merge(tables["cells"][["cell", *axes]], on="cell", how="left")
    runs = tables["runs"][["cell", "seed", "status"]].rename(columns={"status": "run_status"})
    pairs = pairs.merge(runs, on=["cell", "seed"], how="left")
    floors = tables.get("floors")
    if floors is not None and len(floors):
        floors = floors[["cell", "seed", "step", "status"]].rename(columns={"status": "floor_status"})
        pairs = pairs.merge(floors, on=["cell", "seed", "step"], how="left")
    return pairs


def load(paths: str | Path | Iterable[str | Path]) -> Study:
    """Reads a results file, or several as one study (see combine.py). A folder stands for its results.h5.

    Raises AnalysisError, one line, where a file is no results file or files contradict each other.
    """
    listed = [paths] if isinstance(paths, (str, Path)) else list(paths)
    if not listed:
        raise AnalysisError("no results file was given")
    files: list[TableFile] = [read_tables(path) for path in listed]
    tables = combine(files)
    cells = tables["cells"]
    cells = pd.DataFrame({key: cells[key] if key == "cell" else _with_missing(cells[key]) for key in cells.columns})
    tables["cells"] = cells
    axes = _axes(cells)
    items, attributes, notes = _telemetry(files)
    numerics = list(dict.fromkeys(file.texts.get("numerics_key", "").strip() for file in files))
    if len(numerics) > 1:
        notes.append(
            f"The files were computed under {len(numerics)} numerics keys; their bits may differ for that alone."
        )
    runs = tables["runs"][["run_id", "cell", "seed"]]
    layers, distances = (tables.get(name, pd.DataFrame()) for name in ("layers", "distances"))
    return Study(
        paths=[file.path for file in files],
        axes=axes,
        cells=cells,
        runs=tables["runs"],
        pairs=_joined(tables, axes),
        layers=layers.merge(runs, on="run_id", how="left") if len(layers) else layers,
        curves=tables.get("curves", pd.DataFrame()),
        distances=distances.merge(runs, on="run_id", how="left") if len(distances) else distances,
        floors=tables.get("floors", pd.DataFrame()),
        items=items,
        telemetry=attributes,
        plan_ids=list(dict.fromkeys(file.attributes.get("plan_id", "") for file in files)),
        numerics_keys=numerics,
        units={name: unit for file in files for name, unit in file.units.items()},
        long_names={name: text for file in files for name, text in file.long_names.items()},
        notes=notes,
    )
