"""Swimmer plots: a lane a patient, with the lines of therapy as bars, assessments as marks, and death or the last contact at the end."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.transforms import ScaledTranslation

from abstractor.outcomes.figures.kaplan_meier import month_ticks
from abstractor.outcomes.figures.key import Entry, box_sign, draw_key, key_height, marker_sign
from abstractor.outcomes.figures.style import (
    GREEN,
    GRID,
    INK,
    MARGIN,
    MUTED,
    ORANGE,
    PAGE,
    PINK,
    ROW,
    SKY,
    SMALL,
    VERMILLION,
    YELLOW,
    Sheet,
    columns,
    fit,
    plural,
    printable,
    styled,
    widest,
)

DIED, ALIVE = "died", "alive"
PER_PAGE = 40


@dataclass(frozen=True, slots=True)
class LineBar:
    """A line of therapy; days from time zero."""

    number: int
    start: int
    stop: int | None
    """None: the end is not stated."""


@dataclass(frozen=True, slots=True)
class Mark:
    """An assessment: CR, PR, SD, NON-CR/NON-PD, PD or NE on a day from time zero."""

    day: int
    value: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One patient."""

    patient: str
    end: int
    """Days from time zero to death or the last contact."""
    ended: str
    """`died` or `alive`."""
    bars: tuple[LineBar, ...] = ()
    marks: tuple[Mark, ...] = ()
    group: str = ""
    """Lanes of a group stand together under its name."""


# Light, so that marks stand out on them also in grey; the hatch tells the lines apart without colour.
_LINES: tuple[tuple[str, str, str], ...] = (
    ("line 1", SKY, ""), ("line 2", ORANGE, "////"), ("line 3", YELLOW, "...."), ("line 4 or later", "#cfcfcf", "xxxx"),
)  # fmt: skip
# Shape, face and size of an assessment.
_MARKS: dict[str, tuple[str, str, float]] = {
    "CR": ("*", GREEN, 9.0),
    "PR": ("^", GREEN, 6.5),
    "SD": ("s", "white", 4.8),
    "NON-CR/NON-PD": ("D", "white", 4.6),
    "PD": ("v", VERMILLION, 6.5),
    "NE": ("o", PINK, 4.6),
}
_ENDS: dict[str, tuple[str, str]] = {DIED: ("X", "died"), ALIVE: (">", "alive at last contact")}
_LANE, _LEAST, _AXIS = 0.2, 0.4, 0.5  # inches; a plot of few lanes is not squeezed flat
_LONGEST_NAME, _RIGHT, _STUB = 1.5, 0.3, 0.12
_AWAY = 7.0
"""Points from the end of a lane to its end mark, so that it never hides an assessment of the last day."""


@styled
def swimmer_figures(
    lanes: Sequence[Lane], *, month_days: float, per_page: int = PER_PAGE, most_pages: int | None = None
) -> tuple[Figure, ...]:
    """Pages of at most `per_page` lanes: by group, within it the longest first. No lane, no page.

    Args:
        lanes: one per patient, in any order; groups come in the order of their first lane.
        month_days: days a month, for the axis.
        per_page: lanes on one page.
        most_pages: what lies beyond is not drawn; None for all.

    Raises:
        ValueError: an end or an assessment that has no sign.
    """
    _check(lanes)
    ordered = sort_lanes(lanes)
    longest = max((one.end for one in ordered), default=0) / month_days
    totals = Counter(one.group for one in ordered)
    found = []
    for start in list(range(0, len(ordered), per_page))[:most_pages]:
        page = ordered[start : start + per_page]
        heading = f"Patients {start + 1}–{start + len(page)} of {len(ordered)}"
        found.append(_page(page, longest, month_days, heading, totals))
    return tuple(found)


def _check(lanes: Sequence[Lane]) -> None:
    for one in lanes:
        unknown = {mark.value for mark in one.marks} - set(_MARKS) | {one.ended} - set(_ENDS)
        if unknown:
            raise ValueError(f"patient {one.patient}: no sign for {', '.join(sorted(unknown))}")


def sort_lanes(lanes: Sequence[Lane]) -> list[Lane]:
    """By group in the order of first appearance, then the longest first, then by name."""
    order = {name: place for place, name in enumerate(dict.fromkeys(one.group for one in lanes))}
    return sorted(lanes, key=lambda one: (order[one.group], -one.end, one.patient))


def swimmer_text(lanes: Sequence[Lane], *, month_days: float) -> str:
    """The lanes in words, a row a patient; times in months from time zero, `+` where the patient is not known to have died."""
    rows = [("patient", "group", "months", "end", "lines", "assessments")]
    for one in sort_lanes(lanes):
        bars = ", ".join(f"L{bar.number} {_span(bar, month_days)}" for bar in one.bars)
        marks = ", ".join(f"{mark.value} {mark.day / month_days:.1f}" for mark in one.marks)
        plus = "" if one.ended == DIED else "+"
        rows.append((one.patient, one.group, f"{one.end / month_days:.1f}{plus}", _ENDS[one.ended][1], bars, marks))
    ends = Counter(one.ended for one in lanes)
    heading = f"Course of {plural(len(lanes), 'patient')}: {ends[DIED]} died, {ends[ALIVE]} alive at last contact"
    if not any(one.group for one in lanes):
        rows = [(row[0], *row[2:]) for row in rows]  # type: ignore[misc]
    return f"{heading}\n\n{columns(rows)}\n"


def _span(bar: LineBar, month_days: float) -> str:
    until = "?" if bar.stop is None else f"{bar.stop / month_days:.1f}"
    return f"{bar.start / month_days:.1f}–{until}"


def _page(lanes: Sequence[Lane], longest: float, month_days: float, heading: str, totals: Mapping[str, int]) -> Figure:
    names = [fit(one.patient, _LONGEST_NAME) for one in lanes]
    grouped = any(totals)
    slots = _slots(lanes, grouped)
    key = _key(lanes)
    left = max(0.5, widest(names) + MARGIN + 0.12)
    top = MARGIN + ROW + key_height(key, PAGE - 2 * MARGIN) + 0.1
    height = max(_LEAST, _LANE * (slots[-1] + 1.0))
    sheet = Sheet(PAGE, top + height + _AXIS)
    sheet.text(MARGIN, MARGIN + ROW / 2, heading, color=MUTED)
    draw_key(sheet, key, MARGIN, MARGIN + ROW, PAGE - 2 * MARGIN)
    axes = sheet.axes(left, top, PAGE - left - _RIGHT, height)
    ticks = month_ticks(longest)
    axes.set_xlim(0.0, max(ticks[-1], longest * 1.04))
    axes.set_ylim(height / _LANE - 0.5, -0.5)
    axes.set_xticks(ticks)
    axes.set_xlabel("Months")
    axes.set_yticks(slots, names, size=SMALL)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=GRID, linewidth=0.5)
    axes.set_axisbelow(True)
    stub = _STUB / (PAGE - left - _RIGHT) * axes.get_xlim()[1]
    for slot, lane in zip(slots, lanes, strict=True):
        _lane(axes, slot, lane, month_days, stub)
    if grouped:
        _group_names(axes, slots, lanes, totals)
    return sheet.figure


def _slots(lanes: Sequence[Lane], grouped: bool) -> list[float]:
    """The height of each lane, in lanes; each group leaves one free for its name."""
    slots, place, previous = [], 0.0, None
    for lane in lanes:
        if grouped and lane.group != previous:
            place += 1.0
        previous = lane.group
        slots.append(place)
        place += 1.0
    return slots


def _group_names(axes: Axes, slots: Sequence[float], lanes: Sequence[Lane], totals: Mapping[str, int]) -> None:
    """Above the first lane of each group its name, and how many of it are on this page."""
    place = 0
    for name, same in groupby(lanes, key=lambda one: one.group):
        count = len(list(same))
        of_all = f"{count}" if count == totals[name] else f"{count} of {totals[name]}"
        words = f" {printable(name) or 'group not known'} ({of_all})"
        axes.text(0.0, slots[place] - 1.0, words, size=SMALL, weight="bold", va="center")
        place += count


def _lane(axes: Axes, slot: float, lane: Lane, month_days: float, stub: float) -> None:
    """One lane; a line whose end is not stated is a stub with a dashed edge."""
    axes.plot([0.0, lane.end / month_days], [slot, slot], color="#9a9a9a", linewidth=1.0, zorder=2)
    for bar in lane.bars:
        _, colour, hatch = _LINES[min(bar.number, len(_LINES)) - 1]
        width = stub if bar.stop is None else max(bar.stop - bar.start, 1) / month_days
        axes.barh(
            slot, width, left=bar.start / month_days, height=0.62, color=colour, hatch=hatch, edgecolor=INK,
            linewidth=0.4, linestyle="--" if bar.stop is None else "-", zorder=3,
        )  # fmt: skip
    for value, (shape, face, size) in _MARKS.items():
        days = [mark.day / month_days for mark in lane.marks if mark.value == value]
        axes.plot(
            days, [slot] * len(days), linestyle="none", marker=shape, markersize=size, markerfacecolor=face,
            markeredgecolor=INK, markeredgewidth=0.7, zorder=5, clip_on=False,
        )  # fmt: skip
    shape, _ = _ENDS[lane.ended]
    figure = axes.get_figure()
    assert figure is not None
    beside = axes.transData + ScaledTranslation(_AWAY / 72.0, 0.0, figure.dpi_scale_trans)
    axes.plot(
        [lane.end / month_days], [slot], linestyle="none", marker=shape, markersize=6, color=INK, markeredgewidth=0,
        transform=beside, zorder=5, clip_on=False,
    )  # fmt: skip


def _key(lanes: Sequence[Lane]) -> list[Entry]:
    """Only what occurs on the page."""
    numbers = {min(bar.number, len(_LINES)) for lane in lanes for bar in lane.bars}
    values = {mark.value for lane in lanes for mark in lane.marks}
    key: list[Entry] = [
        (name, Patch(facecolor=colour, hatch=hatch, edgecolor=INK, linewidth=0.4))
        for place, (name, colour, hatch) in enumerate(_LINES, start=1)
        if place in numbers
    ]
    if any(bar.stop is None for lane in lanes for bar in lane.bars):
        key.append(("end not stated", box_sign("white", dashed=True)))
    key += [(value, marker_sign(shape, face, size)) for value, (shape, face, size) in _MARKS.items() if value in values]
    key += [
        (words, marker_sign(shape, INK, 6.0))
        for ended, (shape, words) in _ENDS.items()
        if any(one.ended == ended for one in lanes)
    ]
    return key
