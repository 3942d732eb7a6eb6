"""`python -m analysis report`: a folder with index.html, figures/ and tables/."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .document import Section
from .files import write_picture, write_table
from .page import page
from .sections import (
    accuracy,
    axes,
    claims,
    correlations,
    cost,
    coupling,
    coverage,
    departures,
    equal,
    errors,
    heat,
    layers,
    methods,
    noise,
    overview,
    proxies,
    risk,
)
from .study import Study
from .style import styled

SECTIONS: tuple[Callable[[Study], Section], ...] = (
    overview.section,
    errors.section,
    axes.section,
    heat.section,
    noise.section,
    layers.section,
    methods.section,
    departures.section,
    accuracy.section,
    equal.section,
    coupling.section,
    risk.section,
    proxies.section,
    correlations.section,
    claims.section,
    coverage.section,
    cost.section,
)


def _intro(study: Study) -> list[str]:
    lines = [
        f"{len(study.cells)} cells, {len(study.seeds)} seed(s), {len(study.runs)} runs, {len(study.pairs)} rows, from "
        + ", ".join(path.name if len(study.paths) == 1 else str(path) for path in study.paths)
        + ".",
        "Numerics: " + " | ".join(study.numerics_keys),
        "The unit of every statistic is the seed. [1] on an axis: no unit.",
    ]
    return lines + study.notes


def write(title: str, intro: list[str], sections: list[Section], folder: Path) -> Path:
    """Writes figures, tables and the page; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    svgs = {picture.name: write_picture(picture, folder) for section in sections for picture in section.pictures}
    for section in sections:
        for table in section.tables:
            write_table(table, folder)
    index = folder / "index.html"
    index.write_text(page(title, intro, sections, svgs), encoding="utf-8")
    return index


def report(study: Study, folder: str | Path) -> Path:
    """Writes the report of a study into a folder; returns the path of its page."""
    with styled():
        sections = [make(study) for make in SECTIONS]
        name = study.telemetry.get("study") or study.paths[0].resolve().parent.name
        return write(f"Unlearning study: {name}", _intro(study), sections, Path(folder))
