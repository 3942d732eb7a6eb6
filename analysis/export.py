"""`python -m analysis export`: every table as CSV or Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .errors import AnalysisError

if TYPE_CHECKING:
    from .study import Study

TABLES = ("pairs", "cells", "runs", "curves", "layers", "distances", "floors", "items")
FORMATS = ("csv", "parquet")


def export(study: Study, folder: str | Path, file_format: str) -> list[Path]:
    """Writes FOLDER/TABLE.csv or .parquet for each table that has rows; returns their paths."""
    if file_format not in FORMATS:
        raise AnalysisError(f"--format {file_format}: must be one of {', '.join(FORMATS)}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in TABLES:
        frame = getattr(study, name)
        if frame.empty:
            continue
        path = folder / f"{name}.{file_format}"
        if file_format == "csv":
            frame.to_csv(path, index=False, lineterminator="\n")
        else:
            frame.to_parquet(path, index=False, engine="pyarrow")
        written.append(path)
    return written
