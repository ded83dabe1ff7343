"""Cumulative incidence figures: one curve a cause or a group with its band, and below them who is still at risk and who has had the event.

Draws what `cause_results` computed and computes nothing.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from abstractor.outcomes.cause_results import IN_CNS, OUTSIDE, CauseCurve, Question
from abstractor.outcomes.cohort import ALL
from abstractor.outcomes.definitions import column_title
from abstractor.outcomes.figures.kaplan_meier import (
    MOST_GROUPS,
    draw_legend,
    draw_swatch,
    legend_width,
    month_ticks,
    name_group,
)
from abstractor.outcomes.figures.style import (
    COLOURS,
    GRID,
    MARGIN,
    MUTED,
    PAGE,
    ROW,
    STYLES,
    Picture,
    Sheet,
    columns,
    make_picture,
    measure,
    printable,
    styled,
    widest,
    wrap,
)
from abstractor.outcomes.survival import count_at_risk

_PLOT, _AXIS, _BLOCK_GAP = 3.5, 0.52, 0.07  # inches
_SWATCH, _GAP = 0.36, 0.26
_BAND = 0.14  # opacity
_SHORT = {IN_CNS: "CNS progression first", OUTSIDE: "another event first"}
_AT_RISK, _SO_FAR = "At risk", "With the event so far"


def incidence_pictures(question: Question, *, month_days: float, conf_level: float, by: str | None) -> list[Picture]:
    """All causes over all patients, and the first cause by group; none where nobody has an event of the question.

    Beyond six groups the rest is left to the tables, and the figure says so.
    """
    overall = [one for one in question.curves if one.group == ALL]
    if not any(one.events for one in overall):
        return []
    how: dict[str, Any] = {"month_days": month_days, "conf_level": conf_level}
    name = f"incidence_{question.name}"
    found = [_picture(name, _title(overall), overall, [_SHORT.get(one.cause, one.cause) for one in overall], (), how)]
    cause = overall[0].cause
    groups = [one for one in question.curves if one.group != ALL and one.cause == cause and one.curve.time.size]
    if by and groups:
        notes = [
            f"cause-specific hazard ratio, {name_group(one.group, by)} against {name_group(one.reference, by)}: {one.estimate:.2f} ({one.lower:.2f}–{one.upper:.2f})"
            for one in question.ratios
        ] or ([question.why_not] if question.why_not else [])
        if len(groups) > MOST_GROUPS:
            notes.append(f"{len(groups) - MOST_GROUPS} more groups in the tables")
        drawn = groups[:MOST_GROUPS]
        labels = [name_group(one.group, by) for one in drawn]
        found.append(
            _picture(f"{name}_by_{by}", f"{_title([overall[0]])} by {column_title(by)}", drawn, labels, notes, how)
        )
    return found


def _title(curves: Sequence[CauseCurve]) -> str:
    return f"Cumulative incidence of {' and of '.join(one.cause for one in curves)}"


def _picture(
    name: str,
    title: str,
    curves: Sequence[CauseCurve],
    labels: Sequence[str],
    notes: Sequence[str],
    how: dict[str, Any],
) -> Picture:
    settings: dict[str, Any] = {"labels": labels, "notes": notes, **how}
    return make_picture(
        name, title, incidence_figure(curves, **settings), f"{title}\n\n{incidence_text(curves, **settings)}"
    )


@styled
def incidence_figure(
    curves: Sequence[CauseCurve],
    *,
    labels: Sequence[str],
    month_days: float,
    conf_level: float,
    notes: Sequence[str] = (),
) -> Figure:
    """One to six curves.

    Args:
        curves: in the order of drawing, each with at least one patient.
        labels: what each is called.
        month_days: days a month; the curves are in days, the axis in months.
        conf_level: of the bands, for the heading.
        notes: lines below the legend.

    Raises:
        ValueError: no curve, or more than six, or one without a step.
    """
    if not 1 <= len(curves) <= MOST_GROUPS:
        raise ValueError(f"{len(curves)} curves: one to {MOST_GROUPS} can be drawn")
    if any(not one.curve.time.size for one in curves):
        raise ValueError("a curve without a step")
    ticks = month_ticks(max(one.curve.last for one in curves) / month_days)
    names = [printable(one) for one in labels]
    legend = _legend_cells(curves, names, month_days)
    remark = f"bands and brackets: {conf_level * 100:g} % intervals"
    lines = [line for note in (*notes, remark) for line in wrap(note, PAGE - 2 * MARGIN - _SWATCH)]
    top = MARGIN + ROW * (len(legend) + len(lines)) + 0.1
    blocks = _blocks(curves, names, ticks, month_days)
    left = max(0.62, widest([*names, *(title for title, _ in blocks)]) + _SWATCH + 0.06 + _GAP + MARGIN)
    height = sum(_block_height(rows) for _, rows in blocks)
    sheet = Sheet(PAGE, top + _PLOT + _AXIS + height + 0.05)
    axes = sheet.axes(left, top, PAGE - left - 0.25, _PLOT)
    _plot(axes, curves, ticks, month_days)
    draw_legend(sheet, legend, lines)
    _table(sheet, axes, blocks, ticks, top + _PLOT + _AXIS)
    return sheet.figure


def incidence_text(
    curves: Sequence[CauseCurve],
    *,
    labels: Sequence[str],
    month_days: float,
    conf_level: float,
    notes: Sequence[str] = (),
) -> str:
    """The figure in words: the incidence with its interval and the counts at each tick."""
    ticks = month_ticks(max(one.curve.last for one in curves) / month_days)
    parts = list(notes)
    for one, label in zip(curves, labels, strict=True):
        rows = [("months", "incidence, %", f"{conf_level * 100:g} % CI", _AT_RISK.lower(), _SO_FAR.lower())]
        for tick in ticks:
            share, interval = _incidence_at(one, tick * month_days)
            at_risk, had = _counts(one, tick * month_days)
            rows.append((f"{tick:g}", share, interval, str(at_risk), str(had)))
        parts.append(f"{label}\n{columns(rows, right=range(5))}")
    return "\n\n".join(parts) + "\n"


def _legend_cells(curves: Sequence[CauseCurve], names: Sequence[str], month_days: float) -> list[tuple[str, ...]]:
    """Heading and a row a curve: label, events, and the incidence at as many landmark months as there is room for."""
    months = [at.time / month_days for at in curves[0].at]
    rows: list[tuple[str, ...]] = [("", "events / n", *(f"by {one:g} months, %" for one in months))]
    for one, name in zip(curves, names, strict=True):
        cells = []
        for at in one.at:
            share, interval = ("NE", "") if at.beyond_last else _incidence_at(one, at.time)
            cells.append(f"{share} ({interval})" if interval else share)
        rows.append((name, f"{one.events} / {one.curve.n}", *cells))
    while len(rows[0]) > 2 and legend_width(rows) > PAGE - MARGIN:
        rows = [row[:-1] for row in rows]
    return rows


def _incidence_at(one: CauseCurve, day: float) -> tuple[str, str]:
    """The incidence on a day and its interval, in per cent; NE behind the last observation."""
    curve = one.curve
    if day > curve.last:
        return "NE", ""
    place = int(np.searchsorted(curve.time, day, side="right")) - 1
    if place < 0:
        return "0.0", ""
    lower, upper = float(curve.lower[place]), float(curve.upper[place])
    interval = "" if np.isnan(lower) else f"{lower * 100:.1f}–{upper * 100:.1f}"
    return f"{float(curve.incidence[place]) * 100:.1f}", interval


def _counts(one: CauseCurve, day: float) -> tuple[int, int]:
    """At risk at a day, and with the event up to and including it."""
    until = one.curve.time <= day
    return count_at_risk(one.sample, day), int(one.curve.events[until].sum())


_Block = tuple[str, list[tuple[str | None, list[int]]]]


def _blocks(
    curves: Sequence[CauseCurve], names: Sequence[str], ticks: Sequence[float], month_days: float
) -> list[_Block]:
    """The rows below the plot. Causes of one group share their numbers at risk: one row without a name does for them."""
    counts = [[_counts(one, tick * month_days) for tick in ticks] for one in curves]
    at_risk: list[tuple[str | None, list[int]]] = [
        (name, [first for first, _ in row]) for name, row in zip(names, counts, strict=True)
    ]
    if len({one.group for one in curves}) == 1:
        at_risk = [(None, at_risk[0][1])]
    had: list[tuple[str | None, list[int]]] = [
        (name, [second for _, second in row]) for name, row in zip(names, counts, strict=True)
    ]
    return [(_AT_RISK, at_risk), (_SO_FAR, had)]


def _block_height(rows: Sequence[tuple[str | None, list[int]]]) -> float:
    return ROW * (len(rows) + (rows[0][0] is not None)) + _BLOCK_GAP


def _plot(axes: Axes, curves: Sequence[CauseCurve], ticks: Sequence[float], month_days: float) -> None:
    highest = 0.0
    for place, one in enumerate(curves):
        curve, colour = one.curve, COLOURS[place]
        time = np.concatenate(([0.0], curve.time)) / month_days
        incidence = np.concatenate(([0.0], curve.incidence))
        flat = np.isnan(curve.lower)  # no interval: before the first event, and where everybody has had it
        lower = np.concatenate(([0.0], np.where(flat, curve.incidence, curve.lower)))
        upper = np.concatenate(([0.0], np.where(flat, curve.incidence, curve.upper)))
        axes.step(time, incidence, where="post", color=colour, linestyle=STYLES[place], linewidth=1.6, zorder=3)
        axes.fill_between(
            np.repeat(time, 2)[1:],
            np.repeat(lower, 2)[:-1],
            np.repeat(upper, 2)[:-1],
            color=colour,
            alpha=_BAND if len(curves) <= 3 else _BAND / 2,
            linewidth=0,
            zorder=1,
        )
        highest = max(highest, float(upper.max()))
    longest = max(one.curve.last for one in curves) / month_days
    axes.set_ylim(0.0, 1.03 if highest > 0.5 else 0.53)
    axes.set_xlim(0.0, max(ticks[-1], longest * 1.02))
    axes.set_xticks(ticks)
    axes.set_yticks(np.arange(0, 1.01, 0.2) if highest > 0.5 else np.arange(0, 0.51, 0.1))
    axes.set_ylabel("Cumulative incidence")
    axes.set_xlabel("Months")
    axes.grid(axis="y", color=GRID, linewidth=0.5)
    axes.set_axisbelow(True)


def _table(sheet: Sheet, axes: Axes, blocks: Sequence[_Block], ticks: Sequence[float], y: float) -> None:
    box, most = axes.get_position(), axes.get_xlim()[1]
    left, width = box.x0 * sheet.width, box.width * sheet.width
    for title, rows in blocks:
        sheet.text(left - _GAP, y + ROW / 2, title, ha="right", color=MUTED)
        y += ROW if rows[0][0] is not None else 0.0
        for place, (name, numbers) in enumerate(rows):
            middle = y + ROW / 2
            if name is not None:
                sheet.text(left - _GAP, middle, name, ha="right")
                draw_swatch(sheet, left - _GAP - measure(name) - _SWATCH - 0.06, middle, place)
            for tick, number in zip(ticks, numbers, strict=True):
                sheet.text(left + width * tick / most, middle, str(number), ha="center")
            y += ROW
        y += _BLOCK_GAP
