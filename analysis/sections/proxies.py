"""The proxies beside what they stand for: calibration."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..document import Picture, Section, Table, left_out
from ..names import PROXIES, VE, label, label_with_unit, plain
from ..statistics.intervals import mean_over_seeds
from ..statistics.models import seed_slopes
from ..study import Study
from ..style import MAX_VECTOR_POINTS, colours_of, few_levels, legend, log_axis, marker_of, panels
from .errors import colour_axis, levels_of

TITLE = "Calibration of the proxies"


def calibration(rows: pd.DataFrame, proxies: list[str]) -> pd.DataFrame:
    """For each proxy: the geometric mean of proxy / VE (a seed's rows averaged first) with its interval, the spread of that
    ratio over rows as a factor, the part of rows in which the proxy is at least VE, and the slope of log VE on log proxy."""
    table = []
    for proxy in proxies:
        own = rows[(rows[proxy] > 0) & (rows[VE] > 0)]
        logs = np.log(own[proxy] / own[VE])
        of_seeds = np.exp(logs.groupby(own["seed"]).mean()).rename("ratio").reset_index().assign(_all=0)
        ratio = mean_over_seeds(of_seeds, ["_all"], "ratio").iloc[0]
        fit = seed_slopes(own, proxy)
        table.append(
            {
                "proxy": plain(proxy),
                "rows": len(own),
                "seeds": fit["seeds"] or own["seed"].nunique(),
                "proxy / VE": ratio["mean"],
                "low": ratio["low"],
                "high": ratio["high"],
                "spread, factor": float(np.exp(logs.std())) if len(own) > 1 else np.nan,
                "rows with proxy ≥ VE, %": 100 * float((logs >= 0).mean()),
                "slope": fit["slope"],
                "slope, low": fit["low"],
                "slope, high": fit["high"],
            }
        )
    return pd.DataFrame(table)


def by_cell(study: Study, rows: pd.DataFrame, proxies: list[str]) -> pd.DataFrame:
    """Geometric mean of proxy / VE over the seeds of each cell at its last step."""
    table = rows[["cell", *study.axes]].drop_duplicates("cell").sort_values("cell")
    for proxy in proxies:
        ratios = rows.assign(_ratio=(rows[proxy] / rows[VE]).where((rows[proxy] > 0) & (rows[VE] > 0)))
        means = mean_over_seeds(ratios, ["cell"], "_ratio").set_index("cell")
        for name, title in (("mean", ""), ("low", ", low"), ("high", ", high")):
            table[f"{plain(proxy)} / VE{title}"] = table["cell"].map(means[name])
    return table


def _bound_text(rows: pd.DataFrame) -> list[str]:
    exact = rows[rows.get("growth_bound_exact", 0) == 1]
    exact = exact[exact["growth_bound"].notna()]
    if exact.empty:
        return []
    held = int((exact["growth_bound"] >= exact[VE]).sum())
    return [
        f"The growth bound is a true bound in {len(exact)} rows (every step's own eigenvalue, the gradient at w_k); it held "
        f"in {held} of them."
    ]


def section(study: Study) -> Section:
    """Each proxy against the verification error, with the line of equality."""
    rows = study.usable[study.usable[VE] > 0]
    proxies = [name for name in PROXIES if name in rows and (rows[name] > 0).any()]
    if rows.empty or not proxies:
        return left_out("proxies", TITLE, "no usable row has a proxy (measure.sigma, measure.one_hvp).")
    axis = colour_axis(study)
    levels = levels_of(rows, axis)
    colours = colours_of(few_levels(rows[axis])) if axis else colours_of([0])
    figure, (row,) = panels(len(proxies), width=max(6.0, 4.3 * len(proxies)), height=3.8)
    for panel, proxy in zip(row, proxies, strict=True):
        for index, (name, own) in enumerate(levels):
            panel.plot(
                own[proxy],
                own[VE],
                color=colours[index],
                marker=marker_of(index),
                linestyle="none",
                markersize=3.5,
                markeredgewidth=0,
                alpha=0.6,
                label=name,
                rasterized=len(rows) > MAX_VECTOR_POINTS,
            )
        good = rows[rows[proxy] > 0]
        ends = [min(good[proxy].min(), good[VE].min()), max(good[proxy].max(), good[VE].max())]
        panel.plot(ends, ends, color="#444", linestyle="--", linewidth=1)
        panel.set(xlabel=label_with_unit(proxy), ylabel=label_with_unit(VE))
        log_axis(panel, "x"), log_axis(panel, "y")
    legend(row[-1], axis or "")
    text = [
        "A calibrated proxy has ratio 1, slope 1 and little spread. The unlearning error has one power of η too many "
        "(its ratio grows with η), so compare it within one η."
    ]
    pictures = [
        Picture(
            "proxies",
            figure,
            f"Verification error against {', '.join(map(plain, proxies))}, logarithmic axes with the line of equality.",
            "Every usable pair and step. Dashed: the proxy equals the verification error.",
        )
    ]
    missing = [label(name) for name in PROXIES if name not in proxies]
    if missing:
        text.append(f"Not measured in this study: {', '.join(missing)}.")
    tables = [
        Table(
            "proxies",
            calibration(rows, proxies),
            "Calibration over all cells and steps; intervals over seeds (t, 95 %).",
        ),
        Table(
            "proxies_by_cell",
            by_cell(study, study.last, proxies),
            "Proxy / verification error of every cell at its last "
            "step: geometric means with 95 % t-intervals over seeds.",
        ),
    ]
    return Section("proxies", TITLE, text + _bound_text(rows), pictures, tables)
