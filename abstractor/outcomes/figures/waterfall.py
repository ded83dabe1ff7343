"""Waterfall plots: the best change in size of each measured patient, by best response. Who was not measured is counted below."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from abstractor.outcomes.figures.key import box_sign, draw_key, key_height
from abstractor.outcomes.figures.style import (
    BLUE,
    CAPTION,
    INK,
    MARGIN,
    MUTED,
    PAGE,
    SKY,
    SMALL,
    VERMILLION,
    YELLOW,
    Sheet,
    caption,
    columns,
    fit,
    plural,
    styled,
    widest,
    wrap,
)


@dataclass(frozen=True, slots=True)
class Change:
    """One patient: the change of the sum of diameters from baseline at its best, in per cent; None without measurements."""

    patient: str
    percent: float | None
    response: str
    """Best response: CR, PR, SD, NON-CR/NON-PD, PD or NE."""


_RESPONSES: dict[str, tuple[str, str]] = {
    "CR": (BLUE, ""),
    "PR": (SKY, "////"),
    "SD": (YELLOW, ""),
    "NON-CR/NON-PD": ("white", "...."),
    "PD": (VERMILLION, "xxxx"),
    "NE": ("white", ""),
}
RESPONDING, PROGRESSING = -30.0, 20.0
"""The limits of RECIST 1.1, drawn as lines; no response is derived from them here."""
HIGHEST = 100.0
"""Growth beyond it is cut there and its number is written on the bar."""
_PLOT, _BAR, _WIDEST = 3.2, 0.055, 14.0  # inches
_NAMED = 0.15
"""With bars at least this wide each patient is named."""
_LONGEST_NAME = 1.2
_NUMBERED = 0.14
"""... and at least this wide a bar that was cut carries its number."""


@styled
def waterfall_figure(changes: Sequence[Change]) -> Figure | None:
    """Bars from the largest growth to the largest shrinkage; None where nobody has a measurement.

    Raises:
        ValueError: a best response that has no colour.
    """
    unknown = [one for one in changes if one.response not in _RESPONSES]
    if unknown:
        raise ValueError(f"patient {unknown[0].patient}: no colour for best response {unknown[0].response!r}")
    measured = sort_changes(changes)
    if not measured:
        return None
    left, right = 0.75, 0.2
    width = min(max(PAGE, left + right + _BAR * len(measured)), _WIDEST)
    bar = (width - left - right) / len(measured)
    names = [fit(one.patient, _LONGEST_NAME) for one in measured] if bar >= _NAMED else []
    below = wrap(f"{_left_out(changes)} {_limits(measured)}", width - 2 * MARGIN)
    key = [
        (name, box_sign(*look)) for name, look in _RESPONSES.items() if any(one.response == name for one in measured)
    ]
    top = MARGIN + key_height(key, width - 2 * MARGIN) + 0.18
    under = 0.12 + (widest(names) if names else 0.22)
    sheet = Sheet(width, top + _PLOT + under + CAPTION * len(below) + MARGIN)
    draw_key(sheet, key, MARGIN, MARGIN, width - 2 * MARGIN)
    axes = sheet.axes(left, top, width - left - right, _PLOT)
    _bars(axes, measured, names, bar)
    caption(sheet, top + _PLOT + under + 0.06, below)
    return sheet.figure


def sort_changes(changes: Sequence[Change]) -> list[Change]:
    """The measured ones, the largest growth first."""
    measured = [one for one in changes if one.percent is not None]
    return sorted(measured, key=lambda one: (-(one.percent or 0.0), one.patient))


def waterfall_text(changes: Sequence[Change]) -> str:
    """A row a measured patient, and who was not measured."""
    rows = [("patient", "change", "best response")]
    rows += [(one.patient, f"{one.percent:+.0f} %", one.response) for one in sort_changes(changes)]
    table = columns(rows, right=[1]) + "\n\n" if len(rows) > 1 else ""
    return f"Best change in size\n\n{table}{_left_out(changes)}\n"


def _left_out(changes: Sequence[Change]) -> str:
    without = Counter(one.response for one in changes if one.percent is None)
    total = f"{len(changes) - without.total()} of {len(changes)} patients have measurements."
    if not without:
        return total
    kinds = ", ".join(
        f"{name} {without[name]}" for name in dict.fromkeys((*_RESPONSES, *sorted(without))) if without[name]
    )
    return f"{total} Not drawn, since nothing was measured: {without.total()} (best response {kinds})."


def _limits(measured: Sequence[Change]) -> str:
    cut = sum((one.percent or 0.0) > HIGHEST for one in measured)
    beyond = f" {plural(cut, 'bar')} cut at {HIGHEST:+.0f} %." if cut else ""
    return f"Dashed: −{abs(RESPONDING):.0f} % and +{PROGRESSING:.0f} %, the limits of RECIST 1.1.{beyond}"


def _bars(axes: Axes, measured: Sequence[Change], names: Sequence[str], bar: float) -> None:
    heights = [min(one.percent or 0.0, HIGHEST) for one in measured]
    for name, (colour, hatch) in _RESPONSES.items():
        places = [place for place, one in enumerate(measured) if one.response == name]
        axes.bar(
            places, [heights[place] for place in places], width=0.82, color=colour, hatch=hatch if bar >= 0.05 else "",
            edgecolor=INK, linewidth=0.4, zorder=3,
        )  # fmt: skip
    flat = [place for place, height in enumerate(heights) if abs(height) < 1.0]
    axes.plot(flat, [0.0] * len(flat), linestyle="none", marker="_", markersize=5, color=INK, zorder=4)
    for limit in (RESPONDING, PROGRESSING):
        axes.axhline(limit, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    axes.axhline(0.0, color=INK, linewidth=0.8, zorder=4)
    _say_cut(axes, measured, bar)
    axes.set_xlim(-0.7, len(measured) - 0.3)
    axes.set_ylim(-105.0, max(40.0, *(height + 5.0 for height in heights)))
    axes.set_yticks([tick for tick in range(-100, int(HIGHEST) + 1, 25) if tick <= axes.get_ylim()[1]])
    axes.set_ylabel("Best change from baseline, %")
    axes.spines["bottom"].set_visible(False)
    if names:
        axes.set_xticks(range(len(names)), names, rotation=90, size=SMALL)
        axes.tick_params(axis="x", length=0)
    else:
        axes.set_xticks([])
        axes.set_xlabel(f"{len(measured)} patients")


def _say_cut(axes: Axes, measured: Sequence[Change], bar: float) -> None:
    """On each bar that was cut its number; an arrow where the bar is too narrow for it."""
    for place, one in enumerate(measured):
        percent = one.percent or 0.0
        if percent <= HIGHEST:
            return
        if bar < _NUMBERED:
            axes.plot([place], [HIGHEST + 3.0], linestyle="none", marker="^", markersize=3, color=INK, clip_on=False)
        else:
            axes.text(
                place, HIGHEST * 0.97, f"{percent:+.0f} %", size=SMALL, rotation=90, ha="center", va="top", zorder=5,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
            )  # fmt: skip
