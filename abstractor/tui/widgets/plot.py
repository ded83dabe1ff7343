"""Survival curves in characters. Plotext draws; every curve has a mark of its own, and nothing depends on colour.

Heavy to load: only the screen that shows it imports it.
"""

from collections.abc import Sequence

from rich.style import Style
from rich.text import Text
from textual_plotext import PlotextPlot

from abstractor.review.curves import Arm
from abstractor.tui.safe import safe_lines

MARKS = ("#", ".", "o")
CENSORED = "+"
MOST_TICKS = 100
"""Above so many censorings their ticks hide the curves and are left out."""
LEFT = 5
"""Columns before the first of the plot: labels of the axis and the axis itself."""

_ASCII = str.maketrans("┤┬┴┼─│┌┐└┘├", "|++" + "+-|++++|")
"""Plotext's lines, for terminals that have no others."""
_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


class SurvivalPlot(PlotextPlot):
    """Step functions between 0 and 1 over months."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.theme = "clear"
        self.style_of_text = Style()

    def show(self, arms: Sequence[Arm], times: Sequence[float], style: Style) -> None:
        """Draws curves.

        Args:
            arms: at most as many as there are `MARKS`.
            times: months under which the axis is labelled; the last one ends it.
            style: of everything.
        """
        self.style_of_text = style
        plot = self.plt
        plot.clear_data()
        plot.clear_figure()
        for mark, arm in zip(MARKS, arms, strict=False):
            months, survival = steps(arm)
            plot.plot(months, survival, marker=mark)
        if sum(len(arm.censored) for arm in arms) <= MOST_TICKS:
            for arm in arms:
                if arm.censored:
                    plot.scatter(*(list(part) for part in zip(*arm.censored, strict=True)), marker=CENSORED)
        plot.ylim(0, 1)
        plot.xlim(0, times[-1])
        plot.yticks(list(_SHARES), [f"{share:.2f}" for share in _SHARES])
        plot.xticks(list(times), [f"{time:g}" for time in times])
        plot.xaxes(True, False)
        plot.yaxes(True, False)
        self.refresh()

    def render(self) -> Text:
        drawn = super().render()
        plain = (drawn.plain if isinstance(drawn, Text) else str(drawn)).translate(_ASCII)
        return Text(safe_lines(plain), style=self.style_of_text, no_wrap=True, end="")


def steps(arm: Arm) -> tuple[list[float], list[float]]:
    """The corners of a curve: level until the next time, then down."""
    months: list[float] = []
    survival: list[float] = []
    for month, share in arm.steps:
        if survival:
            months.append(month)
            survival.append(survival[-1])
        months.append(month)
        survival.append(share)
    return months, survival


def columns_of(times: Sequence[float], width: int) -> list[int]:
    """Where the labels of the axis stand in a plot of `width` columns."""
    return [LEFT + round(time / times[-1] * (width - LEFT - 1)) for time in times]
