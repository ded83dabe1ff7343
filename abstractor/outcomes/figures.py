"""Kaplan–Meier figures for journals, as PNG and SVG: bands, censor ticks, medians, numbers at risk below.

Draws what `cohort` computed and computes nothing. Headless, and the same result gives the same bytes of SVG.
"""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from abstractor.outcomes.cohort import ALL, EndpointResult, GroupSurvival
from abstractor.outcomes.definitions import TITLES, column_title
from abstractor.outcomes.survival import at_risk_table

# Okabe and Ito: told apart with every common colour vision, and by line style in black and white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
STYLES: tuple[tuple[float, tuple[float, ...]], ...] = (
    (0, ()), (0, (6, 2)), (0, (6, 2, 1.5, 2)), (0, (1.5, 1.5)), (0, (10, 2)), (0, (3, 1.5, 1, 1.5, 1, 1.5)),
)  # fmt: skip
MOST_GROUPS = len(COLOURS)
LONGEST_LABEL = 26

_WIDTH, _PLOT = 7.2, 3.6  # inches
_ROW, _LEGEND_ROW, _AXIS, _TOP = 0.21, 0.21, 0.54, 0.12
_GAP = 0.24  # from a label to the first number at risk: half of six digits
_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "abstractor",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


@dataclass(frozen=True, slots=True)
class Picture:
    """One figure in both formats."""

    name: str
    title: str
    png: bytes
    svg: bytes


def survival_figure(
    result: EndpointResult, *, month_days: float, conf_level: float, by: str | None = None
) -> Picture | None:
    """The curve of an endpoint over all, or of its groups with `by`; None where there is nobody to draw.

    Beyond six groups the rest is left to the tables, and the figure says so.
    """
    groups = [one for one in (result.groups if by else (result.overall,)) if one.sample.n]
    if not groups:
        return None
    notes = _notes(result, by, len(groups))
    groups = groups[:MOST_GROUPS]
    with mpl.rc_context(_SETTINGS):
        labels = [name_group(one.group, by) for one in groups]
        figure = _draw(result, groups, labels, notes, month_days, conf_level)
        return Picture(
            name=f"km_{result.endpoint}" + (f"_by_{by}" if by else ""),
            title=TITLES[result.endpoint] + (f" by {column_title(by)}" if by else ""),
            png=_render(figure, "png"),
            svg=_render(figure, "svg"),
        )


def _notes(result: EndpointResult, by: str | None, n_groups: int) -> list[str]:
    if by is None:
        return []
    notes = []
    if result.test is not None:
        notes.append(f"log-rank p {format_p(result.test.p)}")
        notes += [
            f"HR {shorten(one.group)} vs {shorten(one.reference)} {one.estimate:.2f} ({one.lower:.2f}–{one.upper:.2f})"
            for one in result.hazard_ratios
            if n_groups == 2
        ]
    elif result.no_test:
        notes.append(result.no_test)
    if n_groups > MOST_GROUPS:
        notes.append(f"{n_groups - MOST_GROUPS} more groups in the tables")
    return notes


def format_p(p: float) -> str:
    """A p value with its sign, as journals print it."""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def _render(figure: Figure, kind: str) -> bytes:
    content = io.BytesIO()
    metadata = {"Date": None, "Creator": "Abstractor"} if kind == "svg" else {"Software": "Abstractor"}
    figure.savefig(content, format=kind, dpi=160, metadata=metadata)
    return content.getvalue()


def _draw(
    result: EndpointResult,
    groups: Sequence[GroupSurvival],
    labels: Sequence[str],
    notes: Sequence[str],
    month_days: float,
    conf_level: float,
) -> Figure:
    """Lays the parts out in inches from the top: legend, plot, axis, numbers at risk; so that none can overlap."""
    legend = _TOP + _LEGEND_ROW * (len(groups) + len(notes)) + 0.06
    table = _ROW * (len(groups) + 1) + 0.08
    height = legend + _PLOT + _AXIS + table
    figure = Figure(figsize=(_WIDTH, height))
    FigureCanvasAgg(figure)
    left = _left_margin(figure, labels)
    width = _WIDTH - left - 0.2
    axes = figure.add_axes((left / _WIDTH, (table + _AXIS) / height, width / _WIDTH, _PLOT / height))
    longest = max(one.curve.last for one in groups) / month_days
    ticks = month_ticks(longest)
    for place, group in enumerate(groups):
        _curve(axes, group, place, month_days)
    axes.set_ylim(0.0, 1.03)
    axes.set_xlim(0.0, max(ticks[-1], longest * 1.02))
    axes.set_xticks(ticks)
    axes.set_yticks(np.arange(0, 1.01, 0.2))
    axes.set_ylabel(TITLES[result.endpoint])
    axes.set_xlabel("Months")
    axes.grid(axis="y", color="#dddddd", linewidth=0.5)
    axes.set_axisbelow(True)
    _legend(figure, groups, labels, notes, 0.2 / _WIDTH, height, month_days, conf_level)
    _table(figure, axes, groups, labels, ticks, height, month_days)
    return figure


def shorten(label: str) -> str:
    """A label that fits beside the numbers at risk."""
    text = "all patients" if label == ALL else label.replace("_", " ")
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"


def name_group(group: str, by: str | None) -> str:
    """The label of a group; a number says of what it is."""
    return shorten(f"{column_title(by)} {group}" if by and group.isdecimal() else group)


def _left_margin(figure: Figure, labels: Sequence[str]) -> float:
    """Room for the longest label of the table, measured, in inches."""
    widths = []
    for label in (*labels, "At risk"):
        text = figure.text(0, 0, label)
        widths.append(float(text.get_window_extent().width) / figure.dpi)
        text.remove()
    return max(0.62, max(widths) + _GAP + 0.1)


def month_ticks(longest: float) -> list[float]:
    """At most nine ticks in steps that divide years."""
    step = next((one for one in (1, 2, 3, 6, 12, 24, 36, 60, 120) if longest / one <= 8), 240)
    return [float(step * place) for place in range(math.floor(longest / step) + 1)] + (
        [float(step)] if longest < step else []
    )


def _curve(axes: Axes, group: GroupSurvival, place: int, month_days: float) -> None:
    curve, colour = group.curve, COLOURS[place]
    time = np.concatenate(([0.0], curve.time)) / month_days
    survival = np.concatenate(([1.0], curve.survival))
    axes.step(time, survival, where="post", color=colour, linestyle=STYLES[place], linewidth=1.6, zorder=3)
    lower = np.concatenate(([1.0], np.where(np.isnan(curve.lower) & (curve.survival == 1.0), 1.0, curve.lower)))
    upper = np.concatenate(([1.0], np.where(np.isnan(curve.upper) & (curve.survival == 1.0), 1.0, curve.upper)))
    axes.fill_between(
        np.repeat(time, 2)[1:],
        np.repeat(lower, 2)[:-1],
        np.repeat(upper, 2)[:-1],
        color=colour,
        alpha=0.14,
        linewidth=0,
        zorder=1,
    )
    censored = curve.censored > 0
    axes.plot(
        curve.time[censored] / month_days,
        curve.survival[censored],
        linestyle="none",
        marker="|",
        markersize=7,
        markeredgewidth=1.1,
        color=colour,
        zorder=4,
        clip_on=False,
    )


def _legend(
    figure: Figure,
    groups: Sequence[GroupSurvival],
    labels: Sequence[str],
    notes: Sequence[str],
    left: float,
    height: float,
    month_days: float,
    conf_level: float,
) -> None:
    for place, (group, label) in enumerate(zip(groups, labels, strict=True)):
        y = 1.0 - (_TOP + _LEGEND_ROW * (place + 0.5)) / height
        figure.add_artist(
            Line2D([left, left + 0.055], [y, y], color=COLOURS[place], linestyle=STYLES[place], linewidth=1.6)
        )
        median = group.median
        text = (
            f"{label}: events {group.sample.events}/{group.sample.n}, median ({conf_level * 100:g} % CI) "
            f"{_months(median.estimate, month_days)} "
            f"({_months(median.lower, month_days)}–{_months(median.upper, month_days)}) months"
        )
        figure.text(left + 0.07, y, text, va="center", ha="left")
    for place, note in enumerate(notes, start=len(groups)):
        y = 1.0 - (_TOP + _LEGEND_ROW * (place + 0.5)) / height
        figure.text(left + 0.07, y, note, va="center", ha="left", color="#333333")


def _months(days: float | None, month_days: float) -> str:
    return "NE" if days is None else f"{days / month_days:.1f}"


def _table(
    figure: Figure,
    axes: Axes,
    groups: Sequence[GroupSurvival],
    labels: Sequence[str],
    ticks: Sequence[float],
    height: float,
    month_days: float,
) -> None:
    box = axes.get_position()
    most = axes.get_xlim()[1]
    top = _ROW * (len(groups) + 1) + 0.08
    figure.text(
        box.x0 - _GAP / _WIDTH, (top - _ROW * 0.5) / height, "At risk", va="center", ha="right", color="#333333"
    )
    for place, (group, label) in enumerate(zip(groups, labels, strict=True)):
        y = (top - _ROW * (place + 1.5)) / height
        figure.text(box.x0 - _GAP / _WIDTH, y, label, va="center", ha="right", color=COLOURS[place])
        counts = at_risk_table(group.sample, [tick * month_days for tick in ticks])
        for tick, count in zip(ticks, counts, strict=True):
            x = box.x0 + box.width * tick / most
            figure.text(x, y, str(count.at_risk), va="center", ha="center")
