"""Kaplan–Meier figures: bands, censor ticks, medians and hazard ratios above, numbers at risk, censored and with event below.

Draws what `cohort` computed and computes nothing.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from abstractor.outcomes.cohort import ALL, EndpointResult, GroupSurvival, HazardRatio
from abstractor.outcomes.definitions import TITLES, column_title
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
    format_p,
    make_picture,
    measure,
    printable,
    shown,
    styled,
    widest,
    wrap,
)
from abstractor.outcomes.shared_curves import coarse
from abstractor.outcomes.survival import AtRisk, at_risk_table

MOST_GROUPS = len(COLOURS)
LONGEST_LABEL = 26
NO_RATIOS: Mapping[str, HazardRatio] = {}

_PLOT, _AXIS, _BLOCK_GAP = 3.5, 0.52, 0.07  # inches
_SWATCH = 0.36
_GAP = 0.26  # from a label to the first number at risk: half of six digits
_BAND = 0.14  # opacity; half of it where many bands lie on each other
_AT_MOST = "At risk, at most"
_COUNTS: Mapping[str, Callable[[AtRisk], int]] = {
    "At risk": lambda one: one.at_risk,
    "Censored so far": lambda one: one.censored,
    "Events so far": lambda one: one.events,
}


def survival_figure(
    result: EndpointResult, *, month_days: float, conf_level: float, by: str | None = None, least: int = 0
) -> Picture | None:
    """The curve of an endpoint over all, or of its groups with `by`; None where there is nobody to draw.

    Beyond six groups the rest is left to the tables, and the figure says so. With `least` a group of fewer patients or events is
    not drawn, and the others as points between which at least so many left (`shared_curves.coarse`).
    """
    groups = [one for one in (result.groups if by else (result.overall,)) if one.shown.n]
    there = len(groups)
    if least:
        groups = [coarse(one, least) for one in groups]
    groups = [one for one in groups if one.curve.time.size and min(one.shown.n, one.shown.events) >= least]
    if not groups:
        return None
    notes = _notes(result, by, len(groups), least)
    if there > len(groups):
        notes.append(f"groups too small for a curve that tells of no fewer than {least} patients are not shown")
    groups = groups[:MOST_GROUPS]
    labels = [name_group(one.group, by) for one in groups]
    ratios = {one.group: one for one in result.hazard_ratios} if by else NO_RATIOS
    title = TITLES[result.endpoint]
    how: dict[str, Any] = {
        "labels": labels,
        "y_title": title,
        "month_days": month_days,
        "conf_level": conf_level,
        "ratios": ratios,
        "notes": notes,
        "least": least,
    }
    return make_picture(
        f"km_{result.endpoint}" + (f"_by_{by}" if by else ""),
        title + (f" by {column_title(by)}" if by else ""),
        kaplan_meier_figure(groups, **how),
        kaplan_meier_text(groups, **how),
    )


def _notes(result: EndpointResult, by: str | None, n_groups: int, least: int) -> list[str]:
    if by is None:
        return []
    notes = []
    if result.test is not None:
        notes.append(f"log-rank p {format_p(result.test.p)}")
        if not result.hazard_ratios:
            notes.append("no hazard ratio: the model did not converge")
    elif result.no_test:
        notes.append("no test: a group is too small" if least else result.no_test)  # the reason tells its number
    if n_groups > MOST_GROUPS:
        notes.append(f"{n_groups - MOST_GROUPS} more groups in the tables")
    return notes


@styled
def kaplan_meier_figure(
    arms: Sequence[GroupSurvival],
    *,
    labels: Sequence[str],
    y_title: str,
    month_days: float,
    conf_level: float,
    ratios: Mapping[str, HazardRatio] = NO_RATIOS,
    notes: Sequence[str] = (),
    least: int = 0,
) -> Figure:
    """Curves of one to six groups.

    Args:
        arms: in the order of drawing; each with at least one patient.
        labels: what each is called.
        y_title: of the vertical axis.
        month_days: days a month; the curves are in days, the axis in months.
        conf_level: of the bands and intervals, for the heading.
        ratios: group to its hazard ratio; the group without one is the reference.
        notes: lines below the legend.
        least: above 0, the curves are coarse: they are drawn as points, and of the counts only the most that can be at risk
            is given, none below `least`.

    Raises:
        ValueError: no arm, or more than six, or one without a step.
    """
    if not 1 <= len(arms) <= MOST_GROUPS:
        raise ValueError(f"{len(arms)} arms: one to {MOST_GROUPS} can be drawn")
    if any(not one.curve.time.size for one in arms):
        raise ValueError("an arm whose curve has no step")
    ticks = month_ticks(max(one.curve.last for one in arms) / month_days)
    names = [printable(one) for one in labels]
    legend = _legend_cells(arms, names, ratios, month_days, conf_level, least)
    lines = [
        line
        for note in (*notes, *_remarks(arms, month_days, least))
        for line in wrap(note, PAGE - 2 * MARGIN - _SWATCH)
    ]
    top = MARGIN + ROW * (len(legend) + len(lines)) + 0.1
    left = max(0.62, widest((*names, *_titles(least))) + (_SWATCH + 0.06) * (len(arms) > 1) + _GAP + MARGIN)
    sheet = Sheet(PAGE, top + _PLOT + _AXIS + _table_height(len(arms), _titles(least)) + 0.05)
    axes = sheet.axes(left, top, PAGE - left - 0.25, _PLOT)
    _plot(axes, arms, ticks, month_days, y_title, least)
    draw_legend(sheet, legend, lines)
    _table(sheet, axes, _counts(arms, ticks, month_days), names, ticks, top + _PLOT + _AXIS, least)
    return sheet.figure


def kaplan_meier_text(
    arms: Sequence[GroupSurvival],
    *,
    labels: Sequence[str],
    y_title: str,
    month_days: float,
    conf_level: float,
    ratios: Mapping[str, HazardRatio] = NO_RATIOS,
    notes: Sequence[str] = (),
    least: int = 0,
) -> str:
    """The figure in words: medians, ratios, and survival with the counts at each tick."""
    ticks = month_ticks(max(one.curve.last for one in arms) / month_days)
    legend = columns(_legend_cells(arms, labels, ratios, month_days, conf_level, least))
    parts = [y_title, legend, *notes, *_remarks(arms, month_days, least)]
    titles = _titles(least)
    for arm, label, counts in zip(arms, labels, _counts(arms, ticks, month_days), strict=True):
        rows = [("months", "survival", *map(str.lower, titles))]
        rows += [
            (
                f"{tick:g}",
                _survival_at(arm, tick * month_days, least),
                *(shown(_count(title, one), least) for title in titles),
            )
            for tick, one in zip(ticks, counts, strict=True)
        ]
        parts.append((f"{label}\n" if len(arms) > 1 else "") + columns(rows, right=range(len(rows[0]))))
    return "\n\n".join(parts) + "\n"


def _remarks(arms: Sequence[GroupSurvival], month_days: float, least: int) -> list[str]:
    """Where curves start later than time zero, and end before the last observation."""
    found = []
    if any(one.start for one in arms):
        starts = ", ".join(f"{one.start / month_days:.1f}" for one in arms)
        found.append(f"delayed entry: curves start where enough patients are at risk, at {starts} months")
    if least:
        found.append(
            f"points are exact; from one to the next at least {least} patients left, and nothing is told in between"
        )
    return found


def _survival_at(arm: GroupSurvival, day: float, least: int) -> str:
    """Survival at a tick; between the points of a coarse curve the range in which it lies."""
    curve = arm.curve
    place = int(np.searchsorted(curve.time, day, side="right")) - 1
    if day > curve.last or day < arm.start:
        return "NE"
    here = 100.0 if place < 0 else float(curve.survival[place]) * 100
    if not least or day == arm.start or (place >= 0 and curve.time[place] == day):
        return f"{here:.1f} %"
    return f"{float(curve.survival[place + 1]) * 100:.1f}–{here:.1f} %"


def shorten(label: str) -> str:
    """A label that fits beside the numbers at risk."""
    text = "all patients" if label == ALL else label.replace("_", " ")
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"


def name_group(group: str, by: str | None) -> str:
    """The label of a group; a number says of what it is."""
    return shorten(f"{column_title(by)} {group}" if by and group.isdecimal() else group)


def month_ticks(longest: float) -> list[float]:
    """At most nine ticks in steps that divide years."""
    step = next((one for one in (1, 2, 3, 6, 12, 24, 36, 60, 120) if longest / one <= 8), 240)
    return [float(step * place) for place in range(math.floor(longest / step) + 1)] + (
        [float(step)] if longest < step else []
    )


def _legend_cells(
    arms: Sequence[GroupSurvival],
    labels: Sequence[str],
    ratios: Mapping[str, HazardRatio],
    month_days: float,
    conf_level: float,
    least: int,
) -> list[tuple[str, ...]]:
    """Heading and a row an arm: label, events, median, and the hazard ratio where there is any."""
    interval = f"({conf_level * 100:g} % CI)"
    rows: list[tuple[str, ...]] = [("", "events / n", f"median {interval}, months")]
    for arm, label in zip(arms, labels, strict=True):
        middle = arm.median
        limits = f"{_months(middle.lower, month_days)}–{_months(middle.upper, month_days)}"
        median = f"{_months(middle.estimate, month_days)} ({limits})"
        rows.append((label, _events(arm, least), median))
    if not ratios:
        return rows
    return [
        (*row, f"hazard ratio {interval}" if arm is None else _ratio(arm.group, ratios))
        for row, arm in zip(rows, (None, *arms), strict=True)
    ]


def _events(arm: GroupSurvival, least: int) -> str:
    """Events and patients; without the events where they would tell a small number of censored."""
    n, events = arm.shown.n, arm.shown.events
    return f"withheld / {n}" if 0 < n - events < least else f"{events} / {n}"


def _ratio(group: str, ratios: Mapping[str, HazardRatio]) -> str:
    found = ratios.get(group)
    if found is not None:
        return f"{found.estimate:.2f} ({found.lower:.2f}–{found.upper:.2f})"
    return "reference" if any(one.reference == group for one in ratios.values()) else "NE"


def _months(days: float | None, month_days: float) -> str:
    return "NE" if days is None else f"{days / month_days:.1f}"


def _plot(
    axes: Axes, arms: Sequence[GroupSurvival], ticks: Sequence[float], month_days: float, y_title: str, least: int
) -> None:
    for place, arm in enumerate(arms):
        if least:
            _points(axes, arm, place, month_days)
        else:
            _curve(axes, arm, place, month_days, _BAND if len(arms) <= 3 else _BAND / 2)
    if len(arms) <= 3:
        _medians(axes, arms, month_days)
    longest = max(one.curve.last for one in arms) / month_days
    axes.set_ylim(0.0, 1.03)
    axes.set_xlim(0.0, max(ticks[-1], longest * 1.02))
    axes.set_xticks(ticks)
    axes.set_yticks(np.arange(0, 1.01, 0.2))
    axes.set_ylabel(y_title)
    axes.set_xlabel("Months")
    axes.grid(axis="y", color=GRID, linewidth=0.5)
    axes.set_axisbelow(True)


def _curve(axes: Axes, group: GroupSurvival, place: int, month_days: float, band: float) -> None:
    curve, colour = group.curve, COLOURS[place]
    time = np.concatenate(([group.start], curve.time)) / month_days
    survival = np.concatenate(([1.0], curve.survival))
    axes.step(time, survival, where="post", color=colour, linestyle=STYLES[place], linewidth=1.6, zorder=3)
    lower = np.concatenate(([1.0], np.where(np.isnan(curve.lower) & (curve.survival == 1.0), 1.0, curve.lower)))
    upper = np.concatenate(([1.0], np.where(np.isnan(curve.upper) & (curve.survival == 1.0), 1.0, curve.upper)))
    axes.fill_between(
        np.repeat(time, 2)[1:],
        np.repeat(lower, 2)[:-1],
        np.repeat(upper, 2)[:-1],
        color=colour,
        alpha=band,
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


def _medians(axes: Axes, arms: Sequence[GroupSurvival], month_days: float) -> None:
    """Dotted lines from half of the patients down to each median that is reached."""
    days = [one.median.estimate for one in arms if one.median.estimate is not None]
    if days:
        axes.hlines(0.5, 0.0, max(days) / month_days, colors=MUTED, linewidth=0.7, linestyles=(0, (1, 2)), zorder=2)
        axes.vlines(
            [one / month_days for one in days], 0.0, 0.5, colors=MUTED, linewidth=0.7, linestyles=(0, (1, 2)), zorder=2
        )


def _points(axes: Axes, group: GroupSurvival, place: int, month_days: float) -> None:
    """The exact points of a coarse curve with their limits, joined by straight lines."""
    curve, colour = group.curve, COLOURS[place]
    time = np.concatenate(([group.start], curve.time)) / month_days
    survival = np.concatenate(([1.0], curve.survival))
    axes.plot(time, survival, color=colour, linestyle=STYLES[place], linewidth=1.2, marker="o", markersize=4, zorder=3)
    axes.vlines(curve.time / month_days, curve.lower, curve.upper, colors=colour, linewidth=1.0, alpha=0.6, zorder=2)


def draw_legend(sheet: Sheet, cells: Sequence[Sequence[str]], notes: Sequence[str]) -> None:
    """Rows of cells in columns: the heading, then a line of each curve; the notes below."""
    starts = _column_starts(cells)
    for row, texts in enumerate(cells):
        y = MARGIN + ROW * (row + 0.5)
        if row:
            draw_swatch(sheet, MARGIN, y, row - 1)
        for start, text in zip(starts, texts, strict=True):
            sheet.text(start, y, text, **({} if row else {"color": MUTED}))
    for row, note in enumerate(notes, start=len(cells)):
        sheet.text(starts[0], MARGIN + ROW * (row + 0.5), note)


def _column_starts(cells: Sequence[Sequence[str]]) -> list[float]:
    starts = [MARGIN + _SWATCH + 0.08]
    for place in range(len(cells[0]) - 1):
        starts.append(starts[-1] + widest([row[place] for row in cells]) + 0.28)
    return starts


def legend_width(cells: Sequence[Sequence[str]]) -> float:
    """Where the last column of a legend ends, in inches from the left edge."""
    return _column_starts(cells)[-1] + widest([row[-1] for row in cells])


def draw_swatch(sheet: Sheet, x: float, y: float, place: int) -> None:
    """The line of a curve, by its place, as the plot draws it."""
    sheet.line([x, x + _SWATCH], [y, y], color=COLOURS[place], linestyle=STYLES[place], linewidth=1.6)


def _counts(arms: Sequence[GroupSurvival], ticks: Sequence[float], month_days: float) -> list[tuple[AtRisk, ...]]:
    return [at_risk_table(one.shown, [tick * month_days for tick in ticks]) for one in arms]


def _titles(least: int) -> tuple[str, ...]:
    """The blocks of the table. The numbers at risk of a coarse curve fall late: they are upper limits."""
    return tuple(_COUNTS) if not least else (_AT_MOST,)


def _count(title: str, one: AtRisk) -> int:
    return one.at_risk if title == _AT_MOST else _COUNTS[title](one)


def _table_height(arms: int, titles: Sequence[str]) -> float:
    return (ROW * (1 + arms if arms > 1 else 1) + _BLOCK_GAP) * len(titles)


def _table(
    sheet: Sheet,
    axes: Axes,
    counts: Sequence[Sequence[AtRisk]],
    names: Sequence[str],
    ticks: Sequence[float],
    y: float,
    least: int,
) -> None:
    """Three blocks, each with a row an arm; with one arm the name of the block stands in its row."""
    box, most = axes.get_position(), axes.get_xlim()[1]
    left, width = box.x0 * sheet.width, box.width * sheet.width
    for title in _titles(least):
        sheet.text(left - _GAP, y + ROW / 2, title, ha="right", color=MUTED)
        y += ROW if len(names) > 1 else 0.0
        for place, (name, row) in enumerate(zip(names, counts, strict=True)):
            middle = y + ROW / 2
            if len(names) > 1:
                sheet.text(left - _GAP, middle, name, ha="right")
                draw_swatch(sheet, left - _GAP - measure(name) - _SWATCH - 0.06, middle, place)
            for tick, one in zip(ticks, row, strict=True):
                sheet.text(left + width * tick / most, middle, shown(_count(title, one), least), ha="center")
            y += ROW
        y += _BLOCK_GAP
