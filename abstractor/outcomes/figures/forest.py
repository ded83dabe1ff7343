"""Forest plots of subgroups: hazard ratio with interval, patients, events, and whether the effect differs (interaction).

Computes nothing. A subgroup below the limits of the protocol shows NE, whatever ratio it comes with.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from abstractor.outcomes.figures.style import (
    BLUE,
    CAPTION,
    GRID,
    INK,
    MARGIN,
    MUTED,
    PAGE,
    SMALL,
    Sheet,
    caption,
    columns,
    fit,
    format_p,
    shown,
    styled,
    widest,
    wrap,
)


@dataclass(frozen=True, slots=True)
class Subgroup:
    """One row. Without a ratio it is printed NE, with the reason."""

    label: str
    n: int | None
    """None: suppressed."""
    events: int | None
    ratio: float | None
    lower: float | None = None
    upper: float | None = None
    why: str = ""
    """Why there is no ratio."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A characteristic with its subgroups."""

    title: str
    rows: tuple[Subgroup, ...]
    interaction_p: float | None = None
    why: str = ""
    """Why there is no test of interaction."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the figure: texts of the columns, and the ratio to draw."""

    label: str
    n: str = ""
    events: str = ""
    ratio: str = ""
    interaction: str = ""
    drawn: Subgroup | None = None
    bold: bool = False
    overall: bool = False


_ROW, _INDENT, _LONGEST, _GAP, _AXIS = 0.2, 0.14, 2.5, 0.16, 0.5  # inches
_NARROWEST, _WIDEST = 0.125, 8.0
"""The axis shows at least half to double, at most an eighth to eight; what lies beyond is cut with an arrow."""


@styled
def forest_figure(
    factors: Sequence[Factor],
    *,
    overall: Subgroup | None,
    against: str,
    conf_level: float = 0.95,
    min_patients: int = 10,
    min_events: int = 5,
    least: int = 0,
) -> Figure:
    """The subgroups as rows on a logarithmic axis.

    Args:
        factors: in the order of printing.
        overall: the ratio over all, as a diamond and a dotted line; None to leave it out.
        against: what is compared, e.g. `extensive against limited`.
        conf_level: of the intervals, for the heading.
        min_patients: a smaller subgroup is not estimated.
        min_events: one with fewer events is not.
        least: counts above 0 and below this are not told.

    Raises:
        ValueError: there is no row to draw.
    """
    lines = _lines(factors, overall, min_patients, min_events, least)
    if not lines:
        raise ValueError("no row to draw")
    heads = ("", "n", "events", f"HR ({conf_level * 100:g} % CI)", "interaction p")
    labels = max(widest([one.label for one in lines if one.bold], SMALL, "bold"),
                 _INDENT + widest([one.label for one in lines if not one.bold]))  # fmt: skip
    widths = [labels] + [
        widest([head, *texts])
        for head, texts in zip(
            heads[1:],
            zip(*[(one.n, one.events, one.ratio, one.interaction) for one in lines], strict=True),
            strict=True,
        )
    ]
    plot = max(1.9, PAGE - 2 * MARGIN - sum(widths) - _GAP * len(widths))
    width = 2 * MARGIN + sum(widths) + _GAP * len(widths) + plot
    below = wrap(f"Hazard ratios {against}; below 1 fewer events. NE: not estimated. The area of a square grows with the events.",
                 width - 2 * MARGIN)  # fmt: skip
    top, height = MARGIN + _ROW + 0.04, _ROW * len(lines)
    sheet = Sheet(width, top + height + _AXIS + CAPTION * len(below) + MARGIN)
    starts = _starts(widths, plot)
    _texts(sheet, lines, heads, starts, widths, top)
    axes = sheet.axes(starts[3] - plot - _GAP, top, plot, height)
    _plot(axes, lines, overall)
    caption(sheet, top + height + _AXIS, below)
    return sheet.figure


def forest_text(
    factors: Sequence[Factor],
    *,
    overall: Subgroup | None,
    against: str,
    conf_level: float = 0.95,
    min_patients: int = 10,
    min_events: int = 5,
    least: int = 0,
) -> str:
    """The same rows as text."""
    rows = [("", "n", "events", f"HR ({conf_level * 100:g} % CI)", "interaction p")]
    rows += [
        (("" if one.bold else "  ") + one.label, one.n, one.events, one.ratio, one.interaction)
        for one in _lines(factors, overall, min_patients, min_events, least)
    ]
    return f"Hazard ratios {against}\n\n{columns(rows, right=[1, 2])}\n"


def _lines(
    factors: Sequence[Factor], overall: Subgroup | None, min_patients: int, min_events: int, least: int
) -> list[_Line]:
    def row(one: Subgroup, *, whole: bool = False) -> _Line:
        why = _why_not(one, min_patients, min_events, least)
        return _Line(
            label=fit(one.label, _LONGEST),
            n=shown(one.n, least),
            events=shown(one.events, least),
            ratio=_not_estimated(why, least) if why else f"{one.ratio:.2f} ({one.lower:.2f}–{one.upper:.2f})",
            drawn=None if why else one,
            bold=whole,
            overall=whole,
        )

    lines = [row(overall, whole=True)] if overall is not None else []
    for factor in factors:
        p = factor.why if factor.interaction_p is None else format_p(factor.interaction_p).removeprefix("= ")
        lines.append(_Line(fit(factor.title, _LONGEST, weight="bold"), interaction=p, bold=True))
        lines += [row(one) for one in _hide(factor.rows, least)]
    return lines


def _not_estimated(why: str, least: int) -> str:
    """Reasons tell numbers, so there are none where numbers are withheld."""
    return "NE" if least else f"NE: {why}"


def _hide(rows: Sequence[Subgroup], least: int) -> list[Subgroup]:
    """Where the number of one row alone is too small to be told, that of the next smallest goes too: else the sum tells it."""
    patients, events = _too_small([one.n for one in rows], least), _too_small([one.events for one in rows], least)
    return [
        replace(one, n=None if place in patients else one.n, events=None if place in events | patients else one.events)
        for place, one in enumerate(rows)
    ]


def _too_small(counts: Sequence[int | None], least: int) -> set[int]:
    small = {place for place, count in enumerate(counts) if count is None or 0 < count < least}
    others = [place for place in range(len(counts)) if place not in small and counts[place]]
    if len(small) == 1 and others:
        small.add(min(others, key=lambda place: counts[place] or 0))
    return small


def _why_not(one: Subgroup, min_patients: int, min_events: int, least: int) -> str:
    """Why a row is not estimated; "" where it is."""
    if one.n is None or one.events is None or any(0 < count < least for count in (one.n, one.events)):
        return one.why or "withheld"
    if one.n < min_patients:
        return f"fewer than {min_patients} patients"
    if one.events < min_events:
        return f"fewer than {min_events} events"
    limits = (one.ratio, one.lower, one.upper)
    if any(value is None or not math.isfinite(value) or value <= 0 for value in limits):
        return one.why or "no estimate"
    return ""


def _starts(widths: Sequence[float], plot: float) -> list[float]:
    """Where the columns start: label, n, events, then the plot, then ratio and interaction."""
    starts = [MARGIN]
    for place, width in enumerate(widths[:-1]):
        starts.append(starts[-1] + width + _GAP + (plot + _GAP if place == 2 else 0.0))
    return starts


def _texts(
    sheet: Sheet,
    lines: Sequence[_Line],
    heads: Sequence[str],
    starts: Sequence[float],
    widths: Sequence[float],
    top: float,
) -> None:
    for place, head in enumerate(heads):
        x, side = _edge(place, starts, widths)
        sheet.text(x, MARGIN + _ROW / 2, head, color=MUTED, ha=side)
    for number, one in enumerate(lines):
        y = top + _ROW * (number + 0.5)
        weight = "bold" if one.bold else "normal"
        sheet.text(starts[0] + (0.0 if one.bold else _INDENT), y, one.label, weight=weight)
        for place, text in enumerate((one.n, one.events, one.ratio, one.interaction), start=1):
            x, side = _edge(place, starts, widths)
            if text:
                sheet.text(x, y, text, ha=side, color=MUTED if text.startswith("NE") else INK)


def _edge(place: int, starts: Sequence[float], widths: Sequence[float]) -> tuple[float, str]:
    """Counts end flush, words start flush."""
    return (starts[place] + widths[place], "right") if place in (1, 2) else (starts[place], "left")


def _plot(axes: Axes, lines: Sequence[_Line], overall: Subgroup | None) -> None:
    drawn = [one.drawn for one in lines if one.drawn is not None]
    low, high = _range(drawn)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    ticks = [one for one in (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0) if low <= one <= high]
    axes.set_xticks(ticks, [f"{one:g}" for one in ticks], size=SMALL)
    axes.minorticks_off()
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("Hazard ratio", size=SMALL)
    axes.axvline(1.0, color=INK, linewidth=0.8, zorder=1)
    if overall is not None and lines[0].drawn is not None:
        axes.axvline(float(overall.ratio or 1.0), color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
    most = max((one.events or 1 for one in drawn), default=1)
    for place, line in enumerate(lines):
        if not line.bold and place % 2:
            axes.axhspan(place - 0.5, place + 0.5, color=GRID, alpha=0.35, linewidth=0, zorder=0)
        if line.drawn is not None:
            _draw(axes, place, line.drawn, low, high, most, diamond=line.overall)


def _range(drawn: Sequence[Subgroup]) -> tuple[float, float]:
    limits = [value for one in drawn for value in (one.lower, one.upper, one.ratio) if value is not None]
    low = min([0.5, *limits]) * 0.92
    high = max([2.0, *limits]) * 1.08
    return max(low, _NARROWEST), min(high, _WIDEST)


def _draw(axes: Axes, place: int, one: Subgroup, low: float, high: float, most: int, *, diamond: bool) -> None:
    ratio, lower, upper = float(one.ratio or 1.0), float(one.lower or low), float(one.upper or high)
    if diamond:
        corners = [(lower, place), (ratio, place - 0.28), (upper, place), (ratio, place + 0.28)]
        axes.add_patch(Polygon(corners, closed=True, facecolor=BLUE, edgecolor=INK, linewidth=0.6, zorder=3))
        return
    axes.plot([max(lower, low), min(upper, high)], [place, place], color=INK, linewidth=1.1, zorder=2)
    for beyond, edge, shape in ((lower < low, low, "<"), (upper > high, high, ">")):
        if beyond:
            axes.plot([edge], [place], marker=shape, color=INK, markersize=5, zorder=3, clip_on=False)
    if low <= ratio <= high:
        side = 3.0 + 5.0 * math.sqrt((one.events or 1) / most)
        axes.plot(
            [ratio],
            [place],
            marker="s",
            markersize=side,
            color=BLUE,
            markeredgecolor=INK,
            markeredgewidth=0.5,
            zorder=4,
        )
