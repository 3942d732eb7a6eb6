"""`python -m analysis paper`: README.md, figures/ and tables/ from a folder with a results folder a study."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from ..document import Table
from ..errors import AnalysisError
from ..files import write_table
from ..names import number
from ..sections.claims import RULES, draw, shown
from ..statistics.claims import UNTESTED, claims_of, judged
from ..study import Study, load
from ..style import styled
from . import sentences
from .items import ITEMS, Item

PNG_DPI = 80  #: the page lies in git
NOT_REPRODUCED = (
    "Full size: configs/paper/*.ini (resnet18 and vgg19 on all of CIFAR-10 and CIFAR-100, the paper's epochs and batches) "
    "need a GPU cluster and were not run for this page. What small studies show is not shown of them.",
    "vgg19 and CIFAR-100: in no small study.",
    "E12 on vectors of an encoder (BERT): analysis/featurize.py makes them, but no model's weights were at hand. The small "
    "study takes TF-IDF in their place.",
    "E12's sweep of accuracy over learning rates, weight decays and batch sizes (configs/paper/e12_imdb_accuracy.ini).",
    "E9's histograms of risk: the page has mean risks; the scores of all rows are in logits/ of the study.",
    "BatchNorm (A5, A8) acts in resnet18 and vgg19 alone, so that what its modes change is not in the studies of an mlp.",
)


def _save(figure: Figure, folder: Path, name: str) -> str:
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "figures" / f"{name}.png", dpi=PNG_DPI, metadata={"Software": None})
    return f"figures/{name}.png"


def _cell(value: object) -> str:
    text = "" if pd.isna(value) else number(value) if isinstance(value, float) else str(value)
    return text.replace("|", r"\|")


def markdown_of(frame: pd.DataFrame) -> str:
    """A table, numbers with as many digits as people read."""
    lines = [" | ".join(map(str, frame)), " | ".join("---" for _ in frame)]
    lines += [" | ".join(_cell(value) for value in row) for row in frame.itertuples(index=False, name=None)]
    return "\n".join(f"| {line} |" for line in lines)


def _of_item(item: Item, study: Study, folder: Path) -> list[str]:
    parts = [f"### {item.title}", f"{item.asks}", f"`{item.study}`: {sentences.size(study)}"]
    for number_of_figure, (figure, caption) in enumerate(item.draw(study)):
        path = _save(figure, folder, item.study + (f"_{number_of_figure + 1}" if number_of_figure else ""))
        parts += [f"![{caption}]({path})", f"*{caption}*"]
    said = item.say(study)
    parts.append("\n".join(f"- {sentence}" for sentence in said if isinstance(sentence, str)))
    return parts + [markdown_of(table) for table in said if isinstance(table, pd.DataFrame)]


def _counts(table: pd.DataFrame) -> list[str]:
    """How many rows of each claim hold, do not, are undecided or not tested."""
    return [
        f"- ({claim}) {own['says'].iloc[0]}: "
        + ", ".join(f"{count} {verdict}" for verdict, count in own["verdict"].value_counts().items())
        + "."
        for claim, own in table.groupby("claim", sort=True)
    ]


def _of_claims(studies: dict[str, Study], folder: Path) -> list[str]:
    tables = [claims_of(study).assign(study=name) for name, study in studies.items()]
    table = judged(pd.concat(tables, ignore_index=True)).sort_values(["claim", "study"], kind="stable")
    write_table(Table("claims", shown(table), "Claims of sign"), folder)
    tested = shown(table[table["verdict"] != UNTESTED]).drop(columns=["measure", "claim"])
    tested.insert(1, "claim and measure", "(" + table["claim"] + ") " + table["measure"])
    parts = ["## The paper's claims of sign", *(" ".join(rule.split()) for rule in RULES)]
    parts.append(f"One table for all studies of this page: Holm is over its {len(tested)} tested rows.")
    parts.append("\n".join(_counts(table)))
    figure = draw(table)
    if figure is not None:
        parts.append(f"![Estimates and 95 % intervals of all tested claims]({_save(figure, folder, 'claims')})")
        parts.append(
            "*Estimates with 95 % intervals. Green circle: the claim holds. Orange square: it does not. Grey diamond: "
            "undecided. Dashed: what a claim must be above (correlation, accuracy) or below (ratios).*"
        )
        parts.append(markdown_of(tested))
    reasons = table[table["verdict"] == UNTESTED].groupby(["study", "remark"], sort=False)["claim"].unique()
    parts.append(
        "Not tested:\n\n"
        + "\n".join(f"- {study}, {', '.join(f'({c})' for c in claims)}: {why}." for (study, why), claims in reasons.items())
    )
    return parts


def _missing(studies: dict[str, Study]) -> list[str]:
    absent = [f"Without results: {item.study} ({item.title})." for item in ITEMS if item.study not in studies]
    partial = [
        f"{name}: {int((study.runs['status'] != 'ok').sum())} of {len(study.runs)} runs are not there or failed."
        for name, study in studies.items()
        if (study.runs["status"] != "ok").any()
    ]
    return absent + partial


def paper(results: str | Path, folder: str | Path) -> Path:
    """Writes the page of all studies of ITEMS that lie in `results`; returns its path."""
    results, folder = Path(results), Path(folder)
    found = {item.study: results / item.study for item in ITEMS if (results / item.study / "results.h5").is_file()}
    if not found:
        raise AnalysisError(f"{results}: holds no STUDY/results.h5 of configs/paper; jobs/paper.sh makes them")
    studies = {name: load(path) for name, path in found.items()}
    folder.mkdir(parents=True, exist_ok=True)
    with styled():
        parts = [
            "# Unrolling SGD in small",
            "Made by `python -m analysis paper` from the results of `jobs/paper.sh` (configs/paper/small and "
            "configs/paper/open); every sentence below a figure is computed from the numbers. Sizes are those of two CPU "
            "cores: read signs and orders, not the paper's values. VE: verification error ‖w′ − w″‖; UE: unlearning "
            "error; M, M′, M″: the original, retrained and unlearned model. Intervals: 95 %, over seeds.",
            *_of_claims(studies, folder),
            "## Experiments",
        ]
        for item in ITEMS:
            if item.study == "a_prediction":
                parts.append("## What the paper left open")
            if item.study in studies:
                parts += _of_item(item, studies[item.study], folder)
    parts += ["## Not reproduced here", "\n".join(f"- {line}" for line in (*_missing(studies), *NOT_REPRODUCED))]
    page = folder / "README.md"
    page.write_text("\n\n".join(part for part in parts if part) + "\n", encoding="utf-8")
    return page
