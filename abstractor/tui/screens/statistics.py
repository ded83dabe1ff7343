"""How one's own work goes, for that person's eyes only; and what is made of each item by everybody together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual import work

from abstractor.model.errors import AbstractorError
from abstractor.registry.activity import item_counts, own_steps
from abstractor.registry.engine import Registry
from abstractor.review.statistics import Reading, Tally, minutes_left, own_rates, rates, sessions, tally
from abstractor.tui.actions import Keymap
from abstractor.tui.messages import ReadingFailed, StatisticsRead
from abstractor.tui.screens.reader import ReaderScreen
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import Line
from abstractor.tui.wrap import fit

_EARLIER = 8
"""Sessions before this one that are listed."""


@dataclass(frozen=True)
class Work:
    """What the screen can't read from the log."""

    registry: Registry
    user: str
    since: int
    """Place in the log after which this session's decisions come."""
    keys: Callable[[], int]
    """Keys pressed since, counted in memory."""
    waiting: Callable[[], Sequence[tuple[str, int]]]
    """What is left, in facts: this patient, the worklist ..."""
    label: Callable[[str], str]
    """A field's name on the form."""


class StatisticsScreen(ReaderScreen):
    """Numbers of one person's sessions, and of the items."""

    def __init__(self, keymap: Keymap, palette: Palette, of: Work) -> None:
        super().__init__(keymap, palette, f"STATISTICS  {of.user}   seen by you only", "reading ...")
        self.of = of
        self.reading: Reading | None = None

    def on_mount(self) -> None:
        super().on_mount()
        self._read()

    @work(thread=True, exclusive=True, exit_on_error=False, group="statistics")
    def _read(self) -> None:
        of = self.of
        try:
            steps = own_steps(of.registry, of.user)
            items = item_counts(of.registry, of.user)
        except AbstractorError as error:
            self.post_message(ReadingFailed(str(error)))
            return
        current = [one for one in steps if one.sequence > of.since]
        before = [tally(one) for one in sessions([one for one in steps if one.sequence <= of.since])]
        self.post_message(
            StatisticsRead(
                Reading(tally(current, of.keys()), tuple(before[-_EARLIER:]), own_rates(steps), rates(items))
            )
        )

    def on_statistics_read(self, message: StatisticsRead) -> None:
        self.reading = message.reading
        self.draw()

    def on_reading_failed(self, message: ReadingFailed) -> None:
        self.empty = message.reason
        self.draw()
        self.say(message.reason, alarm=True)

    def build(self) -> Sequence[Line]:
        if self.reading is None:
            return ()
        return [
            *self._session(self.reading.now),
            *self._left(self.reading),
            *self._before(),
            *self._items(self.reading),
        ]

    # Parts

    def _head(self, text: str) -> Line:
        return Line.of((f" {text}", self.palette.heading))

    def _plain(self, text: str) -> Line:
        return Line.of((f"   {text}", self.palette.plain))

    def _session(self, now: Tally) -> list[Line]:
        if not now.steps:
            return [self._head("this session"), self._plain("Nothing decided yet.")]
        return [
            self._head("this session"),
            self._plain(f"decided          {now.decided}"),
            self._plain(f"keys per fact    {_number(now.keys_per_fact, 2)}   ({now.keys} keys)"),
            self._plain(f"facts per hour   {_number(now.facts_per_hour, 0)}"),
            self._plain(f"seconds a fact   {_number(now.median_seconds, 1)}   (median)"),
            self._plain(f"undone           {_percent(now.undo_share)}   ({now.undone} of {now.steps})"),
        ]

    def _left(self, reading: Reading) -> list[Line]:
        pace = reading.now.median_seconds
        if pace is None and reading.earlier:
            pace = reading.earlier[-1].median_seconds
        lines = [self._head("time left, at your median pace")]
        for words, facts in self.of.waiting():
            lines.append(self._plain(f"{fit(words, 28)} {facts:>6} facts   {_length(minutes_left(facts, pace))}"))
        return lines if len(lines) > 1 else []

    def _before(self) -> list[Line]:
        earlier = self.reading.earlier if self.reading is not None else ()
        if not earlier:
            return []
        columns = f"{'start (UTC)':<17} {'decided':>7} {'facts/h':>8} {'s a fact':>9} {'undone':>7}"
        lines = [
            self._head("sessions before, by breaks of half an hour"),
            Line.of((f"   {columns}", self.palette.faint)),
        ]
        for one in reversed(earlier):
            start = one.start[:16].replace("T", " ")
            lines.append(
                self._plain(
                    f"{start:<17} {one.decided:>7} {_number(one.facts_per_hour, 0):>8} "
                    f"{_number(one.median_seconds, 1):>9} {_percent(one.undo_share):>7}"
                )
            )
        return lines

    def _items(self, reading: Reading) -> list[Line]:
        if not reading.all:
            return []
        mine = {one.field: one for one in reading.mine}
        columns = f"{'':<30} {'n':>6} {'accept':>7} {'edit':>6} {'reject':>7} {'added':>6}    yours: n, accept"
        lines = [
            self._head("items: what everybody together made of them"),
            Line.of((f"   {columns}", self.palette.faint)),
        ]
        for one in reading.all:
            own = mine.get(one.field)
            yours = f"{own.total:>6} {_percent(own.share(own.accepted)):>6}" if own is not None else ""
            lines.append(
                self._plain(
                    f"{fit(self.of.label(one.field), 30)} {one.total:>6} {_percent(one.share(one.accepted)):>7} "
                    f"{_percent(one.share(one.edited)):>6} {_percent(one.share(one.rejected)):>7} "
                    f"{_percent(one.share(one.added)):>6}    {yours}"
                )
            )
        return lines

    def do_go_there(self) -> None:
        self.say("nothing leads on from here")

    def do_repaint(self) -> None:
        super().do_repaint()
        self._read()


def _number(value: float | None, digits: int) -> str:
    return "--" if value is None else f"{value:.{digits}f}"


def _percent(share: float | None) -> str:
    return "--" if share is None else f"{100 * share:.0f} %"


def _length(minutes: float | None) -> str:
    """A length of time as people say it; a pace that is not known yet says so."""
    if minutes is None:
        return "-- (no pace yet)"
    if minutes < 1:
        return "under a minute"
    return f"about {minutes:.0f} min" if minutes < 90 else f"about {minutes / 60:.1f} h"
