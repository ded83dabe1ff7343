"""The flow of patients through the lines of therapy: who went on to which next line, who died, who is alive without one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline

from abstractor.outcomes.figures.style import (
    CAPTION,
    COLOURS,
    INK,
    MARGIN,
    MUTED,
    PAGE,
    SMALL,
    Sheet,
    caption,
    columns,
    measure,
    plural,
    shown,
    styled,
    wrap,
)

DIED, ALIVE, FURTHER = "died", "alive at last contact", "further lines"
OTHER, ANY = "other treatment", "any treatment"


@dataclass(frozen=True, slots=True)
class Path:
    """One patient."""

    steps: tuple[str, ...]
    """What was given in line 1, 2, ...; at least one."""
    ended: str
    """`died` or `alive`."""


Place = tuple[int, str]
"""A column (0 is line 1) and what stands there."""


@dataclass(slots=True)
class _Node:
    """A bar of a column; inches from the top of the plot."""

    count: int
    words: list[str]
    top: float = 0.0
    height: float = 0.0
    used: dict[str, float] = field(default_factory=lambda: {"in": 0.0, "out": 0.0})
    """How much of each side already has a ribbon."""


_BAR, _TALL, _GAP, _LINE, _HEAD = 0.13, 3.6, 0.14, 0.145, 0.26  # inches
_ENDS: Mapping[str, tuple[str, str]] = {FURTHER: ("#8a8a8a", "...."), ALIVE: ("white", ""), DIED: ("#3a3a3a", "")}
_HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\", "----")


@styled
def lines_flow_figure(
    paths: Sequence[Path], *, most_lines: int = 3, most_regimens: int = 5, least: int = 0
) -> Figure | None:
    """Columns for the lines, bars for what was given, ribbons for the patients; None without patients.

    Args:
        paths: one per treated patient.
        most_lines: lines with a column of their own; who has more ends in `further lines`.
        most_regimens: the most frequent treatments are named, at most six; the rest is `other treatment`.
        least: treatments and lines are joined until no bar and no ribbon is of fewer patients; None where that can't be.

    Raises:
        ValueError: a patient without any line.
    """
    told = _tellable(paths, most_lines, most_regimens, least)
    if told is None:
        return None
    flows, names = told
    places = {place for pair in flows for place in pair}
    last = max(column for column, _ in places)
    pitch = max(1.75, (PAGE - 2 * MARGIN) / (last + 1))
    nodes = _nodes(flows, pitch - _BAR - 0.2)
    tall = _stack(nodes, names, len(paths))
    below = wrap(
        f"{plural(len(paths), 'patient')} with a line 1; bars and ribbons are as tall as their numbers.",
        pitch * (last + 1),
    )
    sheet = Sheet(2 * MARGIN + pitch * (last + 1), MARGIN + _HEAD + tall + 0.12 + CAPTION * len(below) + MARGIN)
    for column in range(last + 1):
        given = any(place[0] == column and place[1] not in _ENDS for place in nodes)
        title = f"Line {column + 1}" if given else "Then"
        sheet.text(MARGIN + pitch * column, MARGIN + _HEAD / 2 - 0.03, title, weight="bold")
    _ribbons(sheet, flows, nodes, names, pitch, len(paths))
    _bars(sheet, nodes, names, pitch)
    caption(sheet, MARGIN + _HEAD + tall + 0.12, below)
    return sheet.figure


def lines_flow_text(paths: Sequence[Path], *, most_lines: int = 3, most_regimens: int = 5, least: int = 0) -> str:
    """Each step from one line to what came after, with its number of patients."""
    heading = f"Lines of therapy of {shown(len(paths), least)} patients"
    told = _tellable(paths, most_lines, most_regimens, least)
    if told is None:
        return f"{heading}\n" + (f"\nNot told: a step has fewer than {least} patients.\n" if paths else "")
    flows, names = told
    order = {name: place for place, name in enumerate([*names, *_ENDS])}
    rows = [("line", "from", "to", "patients")]
    for start, end in sorted(flows, key=lambda one: (one[0][0], order[one[0][1]], order[one[1][1]])):
        onward = end[1] if end[1] in _ENDS else f"line {end[0] + 1}: {end[1]}"
        rows.append((str(start[0] + 1), start[1], onward, str(flows[(start, end)])))
    return f"{heading}\n\n{columns(rows, right=[3])}\n"


def _tellable(
    paths: Sequence[Path], most_lines: int, most_regimens: int, least: int
) -> tuple[Counter[tuple[Place, Place]], list[str]] | None:
    """The most detailed flow in which no step has fewer than `least` patients; None where there is none."""
    for lines in range(most_lines, 0, -1):
        for regimens in range(most_regimens, -1, -1):
            flows, names = _flows(paths, lines, regimens)
            if flows and min(flows.values()) >= least:
                return flows, names
    return None


def _flows(
    paths: Sequence[Path], most_lines: int, most_regimens: int
) -> tuple[Counter[tuple[Place, Place]], list[str]]:
    """How many patients go from each place to each next one, and the named treatments, commonest first."""
    if not all(one.steps for one in paths):
        raise ValueError("a path without a line of therapy: leave out who was not treated")
    given = Counter(step for one in paths for step in one.steps[:most_lines])
    ranked = sorted(given, key=lambda name: (-given[name], name))
    named = ranked[: min(most_regimens, len(COLOURS))]
    rest = OTHER if named else ANY
    flows: Counter[tuple[Place, Place]] = Counter()
    for one in paths:
        steps = [step if step in named else rest for step in one.steps[:most_lines]]
        end = FURTHER if len(one.steps) > most_lines else (DIED if one.ended == "died" else ALIVE)
        places = [(column, name) for column, name in enumerate([*steps, end])]
        flows.update(pairwise(places))
    return flows, [*named, rest] if len(ranked) > len(named) else named


def _nodes(flows: Mapping[tuple[Place, Place], int], room: float) -> dict[Place, _Node]:
    counts: Counter[Place] = Counter()
    for (start, end), count in flows.items():
        counts[end] += count
        if start[0] == 0:
            counts[start] += count
    return {place: _Node(count, wrap(f"{place[1]} ({count})", room)) for place, count in counts.items()}


def _stack(nodes: Mapping[Place, _Node], names: Sequence[str], patients: int) -> float:
    """Puts the bars of each column below each other, each with room for its words; the height of the tallest column."""
    order = {name: place for place, name in enumerate([*names, *_ENDS])}
    tallest = 0.0
    for column in sorted({one for one, _ in nodes}):
        y = 0.0
        for place in sorted((one for one in nodes if one[0] == column), key=lambda one: order[one[1]]):
            node = nodes[place]
            node.height = _TALL * node.count / patients
            room = max(node.height, _LINE * len(node.words))
            node.top = y + (room - node.height) / 2
            y += room + _GAP
        tallest = max(tallest, y - _GAP)
    return tallest


def _look(name: str, names: Sequence[str]) -> tuple[str, str]:
    if name in _ENDS:
        return _ENDS[name]
    if name in (OTHER, ANY):
        return "#c4c4c4", ""
    place = names.index(name)
    return COLOURS[place], _HATCHES[place]


def _ribbons(
    sheet: Sheet,
    flows: Mapping[tuple[Place, Place], int],
    nodes: Mapping[Place, _Node],
    names: Sequence[str],
    pitch: float,
    patients: int,
) -> None:
    ordered = sorted(flows, key=lambda one: (one[0][0], nodes[one[0]].top, nodes[one[1]].top))
    for start, end in ordered:
        thick = _TALL * flows[(start, end)] / patients
        first, second = nodes[start], nodes[end]
        left = MARGIN + pitch * start[0] + _BAR
        right = MARGIN + pitch * end[0]
        upper = MARGIN + _HEAD + first.top + first.used["out"]
        lower = MARGIN + _HEAD + second.top + second.used["in"]
        first.used["out"] += thick
        second.used["in"] += thick
        colour, _ = _look(start[1], names)
        _ribbon(sheet, (left, upper), (right, lower), thick, colour)


def _ribbon(sheet: Sheet, start: tuple[float, float], end: tuple[float, float], thick: float, colour: str) -> None:
    (left, upper), (right, lower) = start, end
    middle = (left + right) / 2
    points = [
        (left, upper), (middle, upper), (middle, lower), (right, lower),
        (right, lower + thick), (middle, lower + thick), (middle, upper + thick), (left, upper + thick), (left, upper),
    ]  # fmt: skip
    codes = [Outline.MOVETO, *[Outline.CURVE4] * 3, Outline.LINETO, *[Outline.CURVE4] * 3, Outline.CLOSEPOLY]
    places = [sheet.place(*one) for one in points]
    outline = Outline(places, codes)
    sheet.patch(PathPatch(outline, facecolor=colour, alpha=0.28, edgecolor="none", zorder=1))
    edges = Outline(places[:8], [*codes[:4], Outline.MOVETO, *[Outline.CURVE4] * 3])
    sheet.patch(PathPatch(edges, facecolor="none", edgecolor=MUTED, linewidth=0.3, alpha=0.6, zorder=1))


def _bars(sheet: Sheet, nodes: Mapping[Place, _Node], names: Sequence[str], pitch: float) -> None:
    for (column, name), node in nodes.items():
        colour, hatch = _look(name, names)
        x, y = MARGIN + pitch * column, MARGIN + _HEAD + node.top
        sheet.box(
            x, y, _BAR, max(node.height, 0.01), facecolor=colour, hatch=hatch, edgecolor=INK, linewidth=0.5, zorder=3
        )
        first = y + node.height / 2 - _LINE * (len(node.words) - 1) / 2
        for place, line in enumerate(node.words):
            middle = first + _LINE * place
            # The words lie on ribbons: a pale ground keeps them legible.
            sheet.box(
                x + _BAR + 0.03, middle - _LINE / 2, measure(line) + 0.06, _LINE, facecolor="white", alpha=0.72,
                edgecolor="none", zorder=4,
            )  # fmt: skip
            sheet.text(x + _BAR + 0.06, middle, line, size=SMALL, zorder=5)
