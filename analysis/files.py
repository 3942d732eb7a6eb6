"""Writes figures as SVG and PNG, tables as CSV and LaTeX. The same study gives the same bytes."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from .document import Picture, Table
from .names import LATEX, number

PNG_DPI = 160
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "*": "$^*$",
    **LATEX,
}


def svg_of(figure: Figure) -> bytes:
    """The figure as SVG, without date and without a reference to anything outside but names of its vocabulary."""
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return stream.getvalue()


def write_picture(picture: Picture, folder: Path) -> bytes:
    """FOLDER/figures/NAME.svg and .png; returns the SVG."""
    folder = folder / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    svg = svg_of(picture.figure)
    picture.figure.set_layout_engine("none")  # laid out by now, and doing it again costs as much as drawing
    (folder / f"{picture.name}.svg").write_bytes(svg)
    picture.figure.savefig(folder / f"{picture.name}.png", dpi=PNG_DPI, metadata={"Software": None})
    return svg


def _latex_text(value: object) -> str:
    return "".join(_SPECIAL.get(letter, letter) for letter in str(value))


def _latex_cell(value: object) -> str:
    if pd.isna(value):
        return "--"
    text = number(value) if isinstance(value, float) else str(value)
    if isinstance(value, float) and "e" in text:
        digits, power = text.split("e")
        return rf"${digits}\times10^{{{int(power)}}}$"
    return f"${text}$" if isinstance(value, (int, float)) else _latex_text(text)


def latex_of(table: Table) -> str:
    """A table of the package booktabs, numbers right-aligned."""
    frame = table.frame
    align = "".join("r" if pd.api.types.is_numeric_dtype(frame[name]) else "l" for name in frame)
    head = " & ".join(_latex_text(name) for name in frame)
    body = [
        " & ".join(_latex_cell(value) for value in row) + r" \\" for row in frame.itertuples(index=False, name=None)
    ]
    return "\n".join(
        [
            r"% \usepackage{booktabs}",
            r"\begin{tabular}{" + align + "}",
            r"\toprule",
            head + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def write_table(table: Table, folder: Path) -> None:
    """FOLDER/tables/NAME.csv (UTF-8, all digits) and .tex."""
    folder = folder / "tables"
    folder.mkdir(parents=True, exist_ok=True)
    table.frame.to_csv(folder / f"{table.name}.csv", index=False, lineterminator="\n")
    (folder / f"{table.name}.tex").write_text(latex_of(table), encoding="utf-8")
