"""The timeline: lanes by kind of event over an axis of time, the events as a list, and the intervals between them."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from rich.style import Style
from textual.widget import Widget

from abstractor.review.time_axis import Cell, Window, draw_axis, draw_lane, whole_window
from abstractor.review.timeline import Event, Timeline
from abstractor.tui.actions import READER, TIMELINE, Keymap
from abstractor.tui.screens.reader import ReaderScreen
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import LINES_SAID, Bar, Line, LineList, Panel
from abstractor.tui.wrap import fit

_NAME = 6
"""Cells of a lane's name with the blank behind it."""
_LISTED = 5
"""Lines of the list that stay free of lanes, however small the screen."""
_AROUND = 4
"""Lines that are neither lane nor list: title, axis, intervals, footer."""
_CLOSER, _STEP = 0.5, 0.25


class TimelineScreen(ReaderScreen):
    """What happened when; `enter` hands back the number of the event under the cursor."""

    FOOTER = (
        ("go_there", "open"),
        ("zoom_in zoom_out", "zoom"),
        ("time_earlier time_later", "time"),
        ("notes_too", "notes"),
    )
    DEFAULT_CSS = """
    TimelineScreen #lanes { height: 1; }
    """

    def __init__(self, keymap: Keymap, palette: Palette, shown: Timeline, patient_id: str) -> None:
        undated = f"   {shown.undated} facts without a date" if shown.undated else ""
        super().__init__(keymap, palette, f"TIMELINE  {patient_id}{undated}", "Nothing has a date.")
        self.timeline = shown
        self.with_notes = False
        self.window = whole_window(shown.events) if shown.events else Window(1, 1)

    @property
    def kinds(self) -> tuple[str, ...]:
        return (TIMELINE, READER)

    @property
    def listed(self) -> list[int]:
        """Numbers of the events in the list: all where that is asked or there are no others, else those that tell most."""
        events = self.timeline.events
        facts = [number for number, one in enumerate(events) if one.listed]
        return list(range(len(events))) if self.with_notes or not facts else facts

    @property
    def current(self) -> int | None:
        """Number of the event under the cursor."""
        listed = self.listed
        return listed[min(self.list.index, len(listed) - 1)] if listed else None

    @property
    def event(self) -> Event | None:
        """The event under the cursor."""
        return None if self.current is None else self.timeline.events[self.current]

    # Drawing

    def contents(self) -> Iterable[Widget]:
        yield Bar(id="header")
        yield Bar(id="axis")
        yield Panel(id="lanes")
        yield LineList(self._listed_line, id="lines")
        yield Bar(id="intervals")
        yield Bar(id="footer", most=LINES_SAID)

    def draw(self) -> None:
        room = max(1, self.app.size.height - _AROUND - _LISTED)
        self.query_one("#lanes", Panel).styles.height = min(len(self.timeline.lanes), room) or 1
        self.list.count = len(self.listed)
        super().draw()
        self._draw_picture()

    def build(self) -> Sequence[Line]:
        return tuple(Line() for _ in self.listed)  # drawn when seen, by `_listed_line`

    def _draw_picture(self) -> None:
        palette, width = self.palette, max(20, self.app.size.width - _NAME - 1)
        axis = Line.of((f" {' ' * (_NAME - 1)}{draw_axis(self.window, width)}", palette.faint))
        self.query_one("#axis", Bar).show(axis, palette.plain)
        panel = self.query_one("#lanes", Panel)
        panel.show([self._lane(lane.name, width) for lane in self.timeline.lanes], palette.plain)
        panel.move(self._lane_in_view(panel))
        apart = "    " if len("    ".join(self.timeline.intervals)) + 4 <= width else "  "
        told = apart.join(self.timeline.intervals)
        self.query_one("#intervals", Bar).show(Line.of((f"   {told}", palette.heading)), palette.plain)

    def _lane_in_view(self, panel: Panel) -> int:
        """How far the lanes must move for the one of the current event to be seen."""
        height = int(panel.styles.height.value) if panel.styles.height is not None else 1
        names = [lane.name for lane in self.timeline.lanes]
        at = names.index(self.event.lane) if self.event is not None else 0
        return max(0, at - height + 1)

    def _lane(self, name: str, width: int) -> Line:
        of_lane = [(number, one) for number, one in enumerate(self.timeline.events) if one.lane == name]
        cells = draw_lane(of_lane, self.window, width, self.current)
        parts = [("".join(char for char, _ in run), self._style(number)) for number, run in _runs(cells)]
        head = self.palette.heading if self.event is not None and self.event.lane == name else self.palette.plain
        return Line.of((fit(name, _NAME), head), *parts)

    def _style(self, number: int | None) -> Style:
        if number is None:
            return self.palette.faint
        state = self.timeline.events[number].state
        style = self.palette.plain if state is None else self.palette.state(state)
        return style + Style(reverse=True) if number == self.current else style

    def _listed_line(self, at: int, _width: int) -> Line:
        number = self.listed[at]
        event, palette = self.timeline.events[number], self.palette
        state = palette.plain if event.state is None else palette.state(event.state)
        told = [event.source, event.imprecise, f"! {event.dates} dates" if event.dates > 1 else ""]
        end = f" to {event.end}" if event.end is not None else ""
        return Line.of(
            (">" if number == self.current else " ", palette.plain),
            (f" {event.shown}  {fit(event.lane, _NAME)}", palette.plain),
            (event.state.value if event.state is not None else " ", state),
            (f" {event.text}{end}", palette.plain),
            ("".join(f"  {one}" for one in told if one), palette.faint),
        )

    # Moving

    def on_line_list_moved(self, _message: LineList.Moved) -> None:
        event = self.event
        if event is not None:
            self.window = self.window.around(event.first).within(whole_window(self.timeline.events))
        self._draw_picture()

    def do_time_later(self) -> None:
        self._look(self.window.moved(_STEP))

    def do_time_earlier(self) -> None:
        self._look(self.window.moved(-_STEP))

    def do_zoom_in(self) -> None:
        self._zoom(_CLOSER)

    def do_zoom_out(self) -> None:
        self._zoom(1 / _CLOSER)

    def _zoom(self, factor: float) -> None:
        if self.event is not None:
            self._look(self.window.zoomed(factor, self.event.first))

    def _look(self, window: Window) -> None:
        if not self.timeline.events:
            return
        looking = window.within(whole_window(self.timeline.events))
        if looking == self.window:
            self.say(
                "this is all there is" if looking.days >= whole_window(self.timeline.events).days else "no further"
            )
            return
        self.window = looking
        self._draw_picture()
        self.say("")

    def do_notes_too(self) -> None:
        current = self.current
        self.with_notes = not self.with_notes
        listed = self.listed
        self.list.index = listed.index(current) if current in listed else 0
        self.draw()

    def do_go_there(self) -> None:
        if self.event is None or not (self.event.note_id or self.event.slot):
            self.say("no note leads here")
        else:
            self.dismiss(self.current)


def _runs(cells: Sequence[Cell]) -> Iterable[tuple[int | None, Sequence[Cell]]]:
    """Neighbouring cells of one event, together."""
    return ((number, tuple(run)) for number, run in groupby(cells, key=lambda cell: cell[1]))
