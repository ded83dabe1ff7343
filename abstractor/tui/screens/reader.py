"""Screens of lines to read: help, the history of a row, the timeline. They change nothing."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from textual.widget import Widget

from abstractor.model.decision import Decision
from abstractor.review.rows import Row, State
from abstractor.tui.actions import ACTIONS, DIALOG, READER, Keymap, actions_of
from abstractor.tui.messages import WorklistWanted
from abstractor.tui.screens.listed import ListedScreen
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import Bar, Line, LineList


class ReaderScreen(ListedScreen[int | None]):
    """Lines under a title; `enter` hands back the number of the line under the cursor, where that leads somewhere."""

    KIND = READER

    def __init__(self, keymap: Keymap, palette: Palette, title: str, empty: str = "") -> None:
        super().__init__(keymap, palette)
        self.heading = title
        self.empty = empty
        self.lines: Sequence[Line] = ()

    def build(self) -> Sequence[Line]:
        """The lines, in the styles of the current theme."""
        raise NotImplementedError

    def contents(self) -> Iterable[Widget]:
        yield Bar(id="header")
        yield LineList(lambda index, _width: self.lines[index], id="lines")
        yield Bar(id="footer")

    def draw(self) -> None:
        self.lines = self.build()
        found = self.query_one("#lines", LineList)
        found.show(len(self.lines), found.index, self.palette.plain, Line.of((self.empty, self.palette.plain)))
        self.query_one("#header", Bar).show(Line.of((f" {self.heading}", self.palette.bar)), self.palette.bar)
        self.say("")

    def say(self, text: str, *, alarm: bool = False) -> None:
        shown = text or f"{self.keymap.shown('back')} back   {self.keymap.shown('down')}/{self.keymap.shown('up')} move"
        style = self.palette.alarm if alarm else self.palette.bar
        self.query_one("#footer", Bar).show(Line.of((f" {shown}", style)), self.palette.bar)

    def on_mount(self) -> None:
        self.draw()

    def do_bottom(self) -> None:
        self.list.go(len(self.lines) - 1)

    def do_back(self) -> None:
        self.dismiss(None)

    def do_help(self) -> None:
        self.dismiss(None)

    def do_go_there(self) -> None:
        self.dismiss(self.list.index if self.lines else None)

    def do_worklist(self) -> None:
        self.dismiss(None)
        self.app.post_message(WorklistWanted())


class HelpScreen(ReaderScreen):
    """Every key of a screen, from the table."""

    def __init__(self, keymap: Keymap, palette: Palette, kinds: tuple[str, ...]) -> None:
        super().__init__(keymap, palette, f"KEYS  {kinds[0]}")
        self.of = kinds

    def build(self) -> Sequence[Line]:
        return help_lines(self.keymap, self.palette, self.of)


def help_lines(keymap: Keymap, palette: Palette, kinds: tuple[str, ...]) -> list[Line]:
    """The keys of some screens under their headings, and of the questions those screens ask."""
    lines: list[Line] = []
    order = list(dict.fromkeys(action.where for action in ACTIONS))
    wanted = sorted(actions_of(*kinds, DIALOG), key=lambda action: order.index(action.where))
    for where, actions in groupby(wanted, key=lambda action: action.where):
        lines.append(Line.of((f" {where}", palette.heading)))
        lines.extend(
            Line.of(
                (f"   {keymap.all_shown(action.id):<14} ", palette.state(State.SUGGESTED)),
                (f" {action.says}", palette.plain),
            )
            for action in actions
        )
    return lines


class HistoryScreen(ReaderScreen):
    """Everything that was ever done with a row, the latest last."""

    def __init__(self, keymap: Keymap, palette: Palette, row: Row, decisions: tuple[Decision, ...]) -> None:
        super().__init__(keymap, palette, f"HISTORY  {row.spec.label}  {row.slot}", "Nothing was done with it yet.")
        self.decisions = decisions

    def build(self) -> Sequence[Line]:
        undone = {one.undoes for one in self.decisions if one.action == "undo"}
        redone = {one.undoes for one in self.decisions if one.action == "redo"}
        return [self._line(one, one.action_id in undone - redone) for one in self.decisions]

    def _line(self, one: Decision, undone: bool) -> Line:
        style = self.palette.faint if undone else self.palette.plain
        what = " ".join(part for part in (one.value, "" if one.assertion == "present" else str(one.assertion)) if part)
        when = one.decided_at[:19].replace("T", " ")
        said = f"  ({one.reason})" if one.reason else ""
        offered = f"  offered: {one.offered}" if one.offered and one.offered != one.value else ""
        gone = "  taken back" if undone else ""
        return Line.of((f" {when}  {one.decided_by:<10} {one.action:<14} {what}{said}{offered}{gone}", style))


class TimelineScreen(ReaderScreen):
    """Facts, suggestions and notes in the order of time; `enter` opens the note."""

    def __init__(self, keymap: Keymap, palette: Palette, events: Sequence["Event"], patient_id: str) -> None:
        super().__init__(keymap, palette, f"TIMELINE  {patient_id}", "Nothing has a date.")
        self.events = events

    def build(self) -> Sequence[Line]:
        return [
            Line.of(
                (f" {event.date:<10}  ", self.palette.plain),
                (f"{event.glyph} ", self.palette.heading),
                (f"{event.what:<22} {event.text}", self.palette.plain),
            )
            for event in self.events
        ]


class Event:
    """Something with a date."""

    def __init__(self, date: str, glyph: str, what: str, text: str, note_id: str = "") -> None:
        self.date = date
        self.glyph = glyph
        self.what = what
        self.text = text
        self.note_id = note_id
