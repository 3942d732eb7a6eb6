"""One HTML page that needs nothing else: no script, no network, figures inside. Tables beyond a few rows fold up."""

from __future__ import annotations

import base64
from html import escape

import pandas as pd

from .document import Section, Table
from .names import number

MAX_ROWS = 200  #: rows of a table on the page; its CSV has all
OPEN_ROWS = 12  #: longer tables are folded

_CSS = """
:root { --ink: #1a1a1a; --soft: #555; --line: #c8c8c8; --back: #fff; --accent: #0a5a8f; }
* { box-sizing: border-box; }
body { color: var(--ink); background: var(--back); font: 16px/1.55 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif;
  margin: 0 auto; max-width: 62rem; padding: 1.5rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .5rem; } h2 { font-size: 1.3rem; margin: 2.6rem 0 .6rem;
  padding-top: .6rem; border-top: 2px solid var(--line); }
a { color: var(--accent); } p { max-width: 46rem; } .soft { color: var(--soft); }
nav ul { columns: 2 18rem; padding-left: 1.2rem; }
figure { margin: 1.2rem 0 1.8rem; } figure img { width: 100%; height: auto; border: 1px solid #e4e4e4; }
figcaption, caption { color: var(--soft); font-size: .9rem; text-align: left; padding: .35rem 0; max-width: 50rem;
  caption-side: top; }
td:not(.n) { min-width: 6rem; max-width: 30rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums;
  margin: .4rem 0 1rem; }
th, td { padding: .22rem .7rem .22rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid #e4e4e4; }
th { border-bottom: 1.5px solid var(--ink); vertical-align: bottom; } td.n, th.n { text-align: right; white-space: nowrap; }
summary { cursor: pointer; color: var(--accent); } :focus-visible { outline: 3px solid #E69F00; }
@media print { body { max-width: none; font-size: 10pt; padding: 0; } nav { display: none; } h2 { break-after: avoid; }
  figure, tr { break-inside: avoid; } a { color: inherit; text-decoration: none; } .scroll { overflow: visible; } }
"""


def _cell(value: object, numeric: bool) -> str:
    text = "–" if pd.isna(value) else number(value) if isinstance(value, float) else str(value)
    return f'<td class="n">{escape(text)}</td>' if numeric else f"<td>{escape(text)}</td>"


def _table(table: Table) -> str:
    frame = table.frame.head(MAX_ROWS)
    numeric = [pd.api.types.is_numeric_dtype(frame[name]) for name in frame]
    head = "".join(
        f'<th scope="col"{" class=n" if is_number else ""}>{escape(str(name))}</th>'
        for name, is_number in zip(frame, numeric, strict=True)
    )
    rows = "".join(
        "<tr>" + "".join(_cell(value, is_number) for value, is_number in zip(row, numeric, strict=True)) + "</tr>"
        for row in frame.itertuples(index=False, name=None)
    )
    more = f" The first {MAX_ROWS} of {len(table.frame)} rows." if len(table.frame) > MAX_ROWS else ""
    files = f'<a href="tables/{table.name}.csv">CSV</a>, <a href="tables/{table.name}.tex">LaTeX</a>'
    caption = f"{escape(table.caption)}{more} ({files})"
    html = (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(table.name)}"><table><caption>{caption}'
        f"</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
    if len(frame) <= OPEN_ROWS:
        return html
    return f"<details><summary>Table: {escape(table.caption.split('. ')[0].rstrip('.'))} ({len(table.frame)} rows)</summary>{html}</details>"


def _picture(name: str, alt: str, caption: str, svg: bytes) -> str:
    data = base64.b64encode(svg).decode("ascii")
    return (
        f'<figure><img src="data:image/svg+xml;base64,{data}" alt="{escape(alt, quote=True)}"><figcaption>'
        f'{escape(caption)} (<a href="figures/{name}.svg">SVG</a>, <a href="figures/{name}.png">PNG</a>)</figcaption>'
        "</figure>"
    )


def _section(section: Section, svgs: dict[str, bytes]) -> str:
    parts = [f'<section id="{section.name}"><h2>{escape(section.title)}</h2>']
    parts += [f"<p>{escape(paragraph)}</p>" for paragraph in section.text]
    parts += [_picture(picture.name, picture.alt, picture.caption, svgs[picture.name]) for picture in section.pictures]
    parts += [_table(table) for table in section.tables]
    return "".join(parts) + "</section>"


def page(title: str, intro: list[str], sections: list[Section], svgs: dict[str, bytes]) -> str:
    """The page. Sections that are absent are listed at the end with their reason."""
    shown = [section for section in sections if not section.absent]
    absent = [section for section in sections if section.absent]
    links = "".join(f'<li><a href="#{section.name}">{escape(section.title)}</a></li>' for section in shown)
    body = [
        f"<h1>{escape(title)}</h1>",
        *(f"<p>{escape(paragraph)}</p>" for paragraph in intro),
        f'<nav aria-label="Contents"><ul>{links}</ul></nav><main>',
        *(_section(section, svgs) for section in shown),
    ]
    if absent:
        items = "".join(f"<li>{escape(section.title)}: {escape(section.absent)}</li>" for section in absent)
        body.append(f'<section id="left-out"><h2>Left out</h2><ul>{items}</ul></section>')
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, '
        f'initial-scale=1"><link rel="icon" href="data:,"><title>{escape(title)}</title><style>{_CSS}</style></head><body>'
        + "".join(body)
        + "</main></body></html>\n"
    )
