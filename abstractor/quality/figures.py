"""The figures of the quality report: a line a field, the share that is right, its interval, and what is wanted. They compute nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from abstractor.outcomes.figures.style import Picture, make_picture, styled
from abstractor.quality.agreement import Estimate

_GOOD, _OPEN, _BAD = "#4477aa", "#7c8793", "#b3261e"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the figure."""

    label: str
    estimate: Estimate
    wanted: float
    """At least this."""

    @property
    def verdict(self) -> str:
        """`reached` for certain, `missed` for certain, or `open`."""
        one = self.estimate
        if one.lower is not None and one.lower >= self.wanted:
            return "reached"
        return "missed" if one.upper is not None and one.upper < self.wanted else "open"


def describe(one: Estimate) -> str:
    """A share with its interval, in per cent."""
    if one.value is None:
        return "not to be estimated"
    if one.lower is None or one.upper is None:
        return f"{one.value:.1%} (n {one.n})"
    return f"{one.value:.1%} ({one.lower:.1%} to {one.upper:.1%}; n {one.n})"


def _lowest(one: Estimate) -> float:
    return next((share for share in (one.lower, one.value) if share is not None), 0.0)


@styled
def share_picture(name: str, title: str, rows: Sequence[Row]) -> Picture | None:
    """Shares with intervals, one above the other; the mark of each line is what is wanted. None without any share."""
    from matplotlib.figure import Figure

    shown = [one for one in rows if one.estimate.value is not None]
    if not shown:
        return None
    figure = Figure(figsize=(7.2, 0.9 + 0.28 * len(shown)), layout="constrained")
    axes = figure.subplots()
    colours = {"reached": _GOOD, "open": _OPEN, "missed": _BAD}
    marks = {"reached": "o", "open": "s", "missed": "X"}
    for place, one in enumerate(reversed(shown)):
        value = one.estimate.value or 0.0
        colour = colours[one.verdict]
        if one.estimate.lower is not None and one.estimate.upper is not None:
            axes.plot([one.estimate.lower, one.estimate.upper], [place, place], color=colour, linewidth=2)
        axes.plot([value], [place], marks[one.verdict], color=colour, markersize=6)
        axes.plot([one.wanted, one.wanted], [place - 0.35, place + 0.35], color="#1a1a1a", linewidth=1)
    least = min(min(_lowest(one.estimate), one.wanted) for one in shown)
    axes.set_yticks(range(len(shown)), [one.label for one in reversed(shown)])
    axes.set(xlim=(max(least - 0.05, 0.0), 1.005), ylim=(-0.7, len(shown) - 0.3))
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.set_xlabel(
        "line: 95 % interval; upright mark: wanted; round: reached, square: still open, cross: missed", fontsize=8
    )
    words = "\n".join(f"{one.label}: {describe(one.estimate)}, wanted {one.wanted:.0%}: {one.verdict}" for one in shown)
    return make_picture(name, title, figure, words)
