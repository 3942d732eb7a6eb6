"""Reads a results or telemetry file (src/store/README.md) into pandas tables.

Only what the format documents is touched: groups and one-dimensional columns of 64-bit integers, float64 and short texts
that lie in the file itself. Anything else is refused, since files from others may be damaged or hostile.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from .errors import AnalysisError

RESULTS_FORMAT = "unroll-results"
TELEMETRY_FORMAT = "unroll-telemetry"
VERSION = "1"
TABLES = ("cells", "runs", "pairs", "layers", "curves", "distances", "floors", "items")


@dataclass
class TableFile:
    """The tables of a file, with the units and meanings of their columns."""

    path: Path
    attributes: dict[str, str]
    texts: dict[str, str]
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    long_names: dict[str, str] = field(default_factory=dict)


def _text(value: object) -> str:
    if isinstance(value, np.ndarray):
        raise ValueError("a text is an array")
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _member(group: h5py.Group, name: str, kind: type) -> h5py.Group | h5py.Dataset | None:
    """A member that lies in this file; None when there is none of the name."""
    link = group.get(name, getlink=True)
    if link is None:
        return None
    if not isinstance(link, h5py.HardLink) or group.get(name, getclass=True) is not kind:
        raise ValueError(f"'{group.name.rstrip('/')}/{name}' is not what the format says")
    member = group[name]
    if kind is h5py.Dataset and (member.external or member.is_virtual):
        raise ValueError(f"'{member.name}' lies outside the file")
    return member


def _decoded(values: np.ndarray) -> list[str]:
    seen: dict[bytes, str] = {}  # most texts repeat
    decoded = []
    for raw in values.tolist():
        text = seen.get(raw)
        if text is None:
            text = seen[raw] = raw.decode("utf-8")
        decoded.append(text)
    return decoded


def _column(column: h5py.Dataset) -> np.ndarray | list[str]:
    if column.ndim != 1:
        raise ValueError(f"'{column.name}' has {column.ndim} dimensions instead of 1")
    if column.dtype.kind == "S":
        return _decoded(column[()])
    if column.dtype not in (np.dtype("i8"), np.dtype("f8")):
        raise ValueError(f"'{column.name}' is of type {column.dtype}, which the format does not have")
    return column[()]


def _table(group: h5py.Group, into: TableFile) -> pd.DataFrame:
    columns: dict[str, np.ndarray | list[str]] = {}
    for name in group:
        column = _member(group, name, h5py.Dataset)
        if name == "row" or column is None:
            continue
        columns[name] = _column(column)
        into.units.setdefault(name, _text(column.attrs.get("units", "1")))
        into.long_names.setdefault(name, _text(column.attrs.get("long_name", name)))
    if len({len(values) for values in columns.values()}) > 1:
        raise ValueError(f"the columns of '{group.name}' are not of one length")
    return pd.DataFrame(columns)


def read_tables(path: str | Path, format_name: str = RESULTS_FORMAT) -> TableFile:
    """All tables of a file. Raises AnalysisError, one line, when it is no such file."""
    path = Path(path)
    if path.is_dir():
        path = path / "results.h5"
    if not path.is_file():
        raise AnalysisError(
            f"{path}: no such file; give a study's folder or its results.h5 (unroll merge DIR makes it)"
        )
    try:
        with h5py.File(path, "r") as file:
            attributes = {name: _text(file.attrs[name]) for name in file.attrs}
            if attributes.get("format") != format_name:
                raise AnalysisError(f"{path}: is an HDF5 file, but its format is not {format_name}")
            if attributes.get("version") != VERSION:
                raise AnalysisError(
                    f"{path}: is of version {attributes.get('version')} of {format_name}; this reads {VERSION}"
                )
            read = TableFile(path, attributes, {})
            for name in ("scientific_config", "numerics_key", "operational_config"):
                member = _member(file, name, h5py.Dataset) if name in file else None
                if member is not None:
                    read.texts[name] = _text(member[()])
            for name in TABLES:
                group = _member(file, name, h5py.Group)
                if group is not None:
                    read.tables[name] = _table(group, read)
            return read
    except (OSError, RuntimeError, KeyError, ValueError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise AnalysisError(f"{path}: cannot be read as {format_name} ({reason}); `unroll check` says more") from error
