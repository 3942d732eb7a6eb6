"""What a report is made of. A section makes figures and tables from a study; page.py and files.py write them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd
from matplotlib.figure import Figure


@dataclass
class Picture:
    """A figure with the text that stands for it (alt) and below it (caption). `name` is its file's."""

    name: str
    figure: Figure
    alt: str
    caption: str


@dataclass
class Table:
    """A table. `name` is its file's; columns are named for people, with units where they have any."""

    name: str
    frame: pd.DataFrame
    caption: str
    wide: bool = False


@dataclass
class Section:
    """`absent` says in one line why there is nothing to show."""

    name: str
    title: str
    text: list[str] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    absent: str = ""


def left_out(name: str, title: str, why: str) -> Section:
    """A section that the study has no data for."""
    return Section(name, title, absent=why)
