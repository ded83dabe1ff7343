"""Survival and response of the confirmed cases: the curve in the terminal, the numbers at risk, and the table behind it.

The numbers are computed elsewhere and passed in; nothing statistical is loaded here.
"""

from collections.abc import Callable, Iterable, Sequence

from textual import work
from textual.widget import Widget
from textual.worker import get_current_worker

from abstractor.model.errors import AbstractorError
from abstractor.review.curves import MOST_ARMS, Arm, Ask, Curves, OutcomesSource, OutcomesView, Share, Stopped, read_ask
from abstractor.tui.actions import OUTCOMES, READER, Keymap
from abstractor.tui.messages import OutcomesComputed, ReadingFailed
from abstractor.tui.screens.dialogs import LinePrompt
from abstractor.tui.screens.reader import ReaderScreen
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import Line, Panel
from abstractor.tui.widgets.plot import CENSORED, MARKS, MOST_TICKS, SurvivalPlot, columns_of
from abstractor.tui.wrap import fit


class OutcomesScreen(ReaderScreen):
    """Kaplan-Meier curves and response rates."""

    FOOTER = (
        ("table", "table"),
        ("cohort", "cohort"),
        ("all_patients", "all"),
        ("endpoint", "endpoint"),
        ("repaint", "anew"),
    )
    DEFAULT_CSS = """
    OutcomesScreen #lines { display: none; }
    OutcomesScreen #plot { height: 1fr; }
    OutcomesScreen #legend, OutcomesScreen #risk { height: 1; }
    OutcomesScreen.table #plot, OutcomesScreen.table #legend, OutcomesScreen.table #risk { display: none; }
    OutcomesScreen.table #lines { display: block; }
    """

    def __init__(self, keymap: Keymap, palette: Palette, source: OutcomesSource | None) -> None:
        super().__init__(keymap, palette, "OUTCOMES", "computing ...")
        self.source = source
        self.ask = Ask()
        self.view: OutcomesView | None = None
        self.at = 0
        """Which of the endpoints."""
        self.problem = ""
        """Why there is nothing to show."""

    @property
    def kinds(self) -> tuple[str, ...]:
        return (OUTCOMES, READER)

    @property
    def curves(self) -> Curves | None:
        return self.view.curves[self.at] if self.view is not None else None

    def contents(self) -> Iterable[Widget]:
        header, lines, footer = super().contents()
        yield header
        yield SurvivalPlot(id="plot")
        yield Panel(id="legend")
        yield Panel(id="risk")
        yield lines
        yield footer

    def on_mount(self) -> None:
        self.draw()
        self.compute()

    # Computing

    def compute(self) -> None:
        """Asks for the numbers; an earlier question is given up."""
        if self.source is None:
            self._failed("this program was started without the registry's outcomes; `abstractor outcomes` has them")
            return
        self.problem = "computing ..."
        self.draw()
        self._compute(self.source, self.ask)

    @work(thread=True, exclusive=True, exit_on_error=False, group="outcomes")
    def _compute(self, source: OutcomesSource, ask: Ask) -> None:
        worker = get_current_worker()
        stopped: Callable[[], bool] = lambda: worker.is_cancelled or not self.app.is_running  # noqa: E731
        try:
            view = source(ask, stopped)
        except Stopped:
            return
        except AbstractorError as error:
            if not stopped():
                self.post_message(ReadingFailed(str(error)))
            return
        if not stopped():
            self.post_message(OutcomesComputed(view))

    def on_outcomes_computed(self, message: OutcomesComputed) -> None:
        if message.view.ask == self.ask:
            self.view, self.problem = message.view, ""
            self.draw()

    def on_reading_failed(self, message: ReadingFailed) -> None:
        self._failed(message.reason)

    def _failed(self, reason: str) -> None:
        self.problem = reason
        if self.view is not None:
            self.ask = self.view.ask
        self.draw()
        self.say(reason, alarm=True)

    # Drawing

    def draw(self) -> None:
        curves = self.curves
        self.empty = self._nothing()
        self.set_class(curves is None or not curves.drawn or self.has_class("asked"), "table")
        self.heading = self._title()
        super().draw()
        if curves is None or not curves.drawn:
            return
        palette = self.palette
        plot = self.query_one("#plot", SurvivalPlot)
        plot.show(curves.drawn, curves.times, palette.plain)
        legend, risk = self.query_one("#legend", Panel), self.query_one("#risk", Panel)
        told = [Line.of((one, palette.plain)) for one in self._legend(curves)]
        legend.styles.height = len(told)
        legend.show(told, palette.plain)
        numbers = [Line.of((one, palette.faint)) for one in self._risk(curves)]
        risk.styles.height = len(numbers)
        risk.show(numbers, palette.plain)

    def _title(self) -> str:
        view, curves = self.view, self.curves
        if view is None or curves is None:
            return "OUTCOMES"
        cohort = " ".join(f"{name}={value}" for name, value in view.ask.keep)
        computing = "computing ..." if self.problem == "computing ..." else ""
        by = f"by {view.ask.by}" if view.ask.by else ""
        as_of = f"as of {view.as_of[:16].replace('T', ' ')} UTC"
        parts = ["OUTCOMES", curves.title.lower(), cohort, by, f"n={view.analysed}", as_of, computing]
        return "  ".join(part for part in parts if part)

    def _nothing(self) -> str:
        if self.problem:
            return self.problem
        return "" if self.view is not None else "computing ..."

    def _legend(self, curves: Curves) -> list[str]:
        drawn = curves.drawn
        lines = [f" {mark} {_name(arm)}  {_median(arm)}" for mark, arm in zip(MARKS, drawn, strict=False)]
        if sum(len(arm.censored) for arm in drawn) <= MOST_TICKS:
            lines[-1] += f"   {CENSORED} censored"
        left_out = self._left_out(curves)
        return [*lines, f" {left_out}"] if left_out else lines

    def _left_out(self, curves: Curves) -> str:
        """What is not drawn, and why."""
        view = self.view
        hidden = [one.name for one in (curves.arms or (curves.overall,)) if one.hidden]
        shown = [one for one in curves.arms if not one.hidden and one.steps]
        told = []
        if hidden and view is not None:
            told.append(f"under {view.least} patients, not shown: {', '.join(hidden)}")
        if len(shown) > MOST_ARMS:
            told.append(f"{MOST_ARMS} of {len(shown)} curves; the table has all")
        return "; ".join(told)

    def _risk(self, curves: Curves) -> list[str]:
        """Numbers at risk, under the labels of the axis."""
        places = columns_of(curves.times, max(20, self.app.size.width))
        lines = [" At risk"]
        for mark, arm in zip(MARKS, curves.drawn, strict=False):
            cells = list(f" {mark}".ljust(self.app.size.width))
            for place, number in zip(places, arm.at_risk, strict=True):
                text = str(number)
                left = min(max(3, place - len(text) + 1), len(cells) - len(text))
                cells[left : left + len(text)] = text
            lines.append("".join(cells).rstrip())
        return lines

    # The table

    def build(self) -> Sequence[Line]:
        view, curves = self.view, self.curves
        if view is None or curves is None:
            return ()
        palette = self.palette
        if curves.overall.hidden:
            few = f" Fewer than {view.least} patients with confirmed facts to compute from: nothing is shown."
            return [Line.of((few, palette.heading)), *self._about(view)]
        lines = [self._head(f"{curves.title}: median in months, 95 % interval")]
        lines += [self._row(_arm_row(one, view.least)) for one in (curves.overall, *curves.arms)]
        if curves.p is not None:
            lines.append(self._row(f"log-rank p = {_p(curves.p)}"))
        elif curves.no_test:
            lines.append(self._row(curves.no_test))
        lines.append(self._head("Survival and numbers at risk by month"))
        for arm in (curves.overall, *curves.arms):
            if not arm.hidden:
                cells = [f"{time:>4g}: {number}" for time, number in zip(curves.times, arm.at_risk, strict=True)]
                lines.append(self._row(f"{fit(arm.name, 18)} {'  '.join(cells)}"))
        lines.append(self._head("Response to line 1: share, 95 % interval"))
        lines += [self._row(_share_row(one, view.least)) for one in view.shares]
        return [*lines, *self._about(view)]

    def _about(self, view: OutcomesView) -> list[Line]:
        as_of = view.as_of[:16].replace("T", " ")
        return [
            self._head("What this is of"),
            self._row(f"{view.patients} patients, {view.analysed} analysed; only confirmed facts, up to {view.cutoff}"),
            self._row(f"read {as_of} UTC; {view.unreviewed} suggestions in the registry are not decided yet"),
            self._row(f"groups under {view.least} patients are not shown; ask for: {', '.join(view.columns)}"),
        ]

    def _head(self, text: str) -> Line:
        return Line.of((f" {text}", self.palette.heading))

    def _row(self, text: str) -> Line:
        return Line.of((f"   {text}", self.palette.plain))

    # Keys

    def do_table(self) -> None:
        self.toggle_class("asked")
        self.draw()
        if self.curves is not None and not self.curves.drawn:
            self.say("there is no curve to show")

    def do_endpoint(self) -> None:
        if self.view is not None:
            self.at = (self.at + 1) % len(self.view.curves)
            self.draw()

    def do_cohort(self) -> None:
        hint = "histology=small_cell TP53=altered by=stage_valg; by=none compares nothing"
        self.app.push_screen(LinePrompt(self.keymap, self.palette, "Patients with", self.ask.text, hint), self._asked)

    def _asked(self, line: str | None) -> None:
        if line is not None:
            self.attempt(lambda: self._take(read_ask(line)))

    def _take(self, ask: Ask) -> None:
        self.ask = ask
        self.compute()

    def do_all_patients(self) -> None:
        self._take(Ask())

    def do_repaint(self) -> None:
        super().do_repaint()
        self.compute()

    def do_go_there(self) -> None:
        self.do_table()


def _name(arm: Arm) -> str:
    return f"{arm.name} n={arm.n}"


def _months(value: float | None) -> str:
    return "NE" if value is None else f"{value:.1f}"


def _median(arm: Arm) -> str:
    if arm.median is None:
        return "median not reached"
    return f"median {_months(arm.median)} ({_months(arm.lower)}-{_months(arm.upper)})"


def _arm_row(arm: Arm, least: int) -> str:
    if arm.hidden:
        return f"{fit(arm.name, 18)} under {least} patients, not shown"
    limits = f"({_months(arm.lower)}-{_months(arm.upper)})"
    return f"{fit(arm.name, 18)} n {arm.n:>5}  events {arm.events:>5}  median {_months(arm.median):>6} {limits}"


def _share_row(one: Share, least: int) -> str:
    head = f"{fit(one.measure, 14)} {fit(one.group, 18)}"
    if one.hidden:
        return f"{head} under {least} patients, not shown"
    limits = "" if one.lower is None or one.upper is None else f"({100 * one.lower:.1f}-{100 * one.upper:.1f})"
    share = "--" if one.estimate is None else f"{100 * one.estimate:.1f} %"
    return f"{head} {one.x:>4} of {one.n:<5} {share:>8} {limits}"


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
