"""The worklist: whose case is next, what is left in it, and who holds it."""

from collections.abc import Iterable, Sequence

from textual import work
from textual.widget import Widget

from abstractor.model.errors import AbstractorError
from abstractor.registry.engine import Registry
from abstractor.registry.worklist import WorklistRow, worklist
from abstractor.tui.actions import WORKLIST, Keymap
from abstractor.tui.messages import PatientWanted, WorklistFailed, WorklistRead
from abstractor.tui.screens.dialogs import LinePrompt
from abstractor.tui.screens.listed import ListedScreen
from abstractor.tui.screens.reader import HelpScreen
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import Bar, Line, LineList
from abstractor.tui.wrap import fit


class WorklistScreen(ListedScreen[None]):
    """All patients, those with work first."""

    KIND = WORKLIST

    def __init__(self, keymap: Keymap, palette: Palette, registry: Registry, user: str) -> None:
        super().__init__(keymap, palette)
        self.registry = registry
        self.user = user
        self.all: tuple[WorklistRow, ...] | None = None
        self.rows: Sequence[WorklistRow] = ()
        self.filter = ""
        self.wanted: str | None = None
        """The patient the cursor goes to."""

    def contents(self) -> Iterable[Widget]:
        yield Bar(id="header")
        yield Bar(id="columns")
        yield LineList(self._line, id="patients")
        yield Bar(id="footer")

    def on_mount(self) -> None:
        self.draw()
        self.read()

    def on_screen_resume(self) -> None:
        self.read()

    def read(self) -> None:
        self._read()

    @work(thread=True, exclusive=True, exit_on_error=False, group="worklist")
    def _read(self) -> None:
        try:
            rows = worklist(self.registry, self.user)
        except AbstractorError as error:
            self.post_message(WorklistFailed(str(error)))
        else:
            self.post_message(WorklistRead(rows))

    def on_worklist_read(self, message: WorklistRead) -> None:
        current = self.wanted or (self.rows[self.list.index].patient_id if self.rows else None)
        self.wanted = None
        self.all = message.rows
        self._settle(current)

    def on_worklist_failed(self, message: WorklistFailed) -> None:
        self.say(message.reason, alarm=True)

    @property
    def list(self) -> LineList:
        return self.query_one("#patients", LineList)

    @property
    def row(self) -> WorklistRow | None:
        return self.rows[self.list.index] if self.rows else None

    def _settle(self, current: str | None) -> None:
        words = self.filter.casefold().split()
        self.rows = [row for row in self.all or () if all(word in _words(row, self.user) for word in words)]
        ids = [row.patient_id for row in self.rows]
        if current in ids:
            self.list.index = ids.index(current)
        self.draw()

    def draw(self) -> None:
        palette = self.palette
        rows = self.all or ()
        mine = sum(row.holder == self.user for row in rows)
        todo = sum(bool(row.undecided or row.conflicts) and not row.closed for row in rows)
        closed = sum(row.closed for row in rows)
        counts = f" WORKLIST  {len(rows)} patients   {todo} with work   mine {mine}   closed {closed}"
        shown = f"   filter: {self.filter} ({len(self.rows)})" if self.filter else ""
        self.query_one("#header", Bar).show(
            Line.of((counts, palette.bar_key), (shown, palette.bar), (f"   {self.user}", palette.bar)), palette.bar
        )
        columns = f"   {'patient':<16} {'notes':>5} {'todo':>5} {'!':>4} {'z':>4}  {'from':<10} {'to':<10} state"
        self.query_one("#columns", Bar).show(Line.of((columns, palette.faint)), palette.plain)
        self.list.show(len(self.rows), self.list.index, palette.plain, Line.of((self._empty(), palette.plain)))
        self.say("")

    def _empty(self) -> str:
        if self.all is None:
            return "   reading ..."
        if self.all:
            return f"   0 of {len(self.all)} match {self.filter!r}. {self.keymap.shown('unfilter')} shows all"
        return "   No patients yet: `abstractor ingest` and `abstractor annotate` bring them here."

    def _line(self, at: int, width: int) -> Line:
        row = self.rows[at]
        cursor = ">" if at == self.list.index else " "
        style = self.palette.faint if row.closed or not row.undecided else self.palette.plain
        text = (
            f" {cursor} {fit(row.patient_id, 16)} {row.notes:>5} {row.undecided:>5} {row.conflicts or '':>4} "
            f"{row.deferred or '':>4}  {fit((row.oldest_note_date or '')[:10], 10)} "
            f"{fit((row.newest_note_date or '')[:10], 10)} {self._state(row)}"
        )
        return Line.of((text, style))

    def _state(self, row: WorklistRow) -> str:
        if row.closed:
            return "closed"
        if row.holder and row.holder != self.user:
            return f"held {row.holder} until {(row.held_until or '')[11:16]}"
        done = row.suggested - row.undecided
        if not row.suggested:
            return "no suggestions"
        state = (
            "new" if not done else "to be closed" if not row.undecided else f"{100 * done // row.suggested}% decided"
        )
        return f"{state}, mine" if row.holder == self.user else state

    def say(self, text: str, *, alarm: bool = False) -> None:
        palette = self.palette
        keys = [
            ("open", "open"),
            ("look", "read only"),
            ("find_patient", "find"),
            ("filter", "filter"),
            ("help", "help"),
            ("quit", "quit"),
        ]
        line = (
            Line.of((f" {text}", palette.alarm if alarm else palette.bar))
            if text
            else Line.of(
                *[
                    part
                    for name, label in keys
                    for part in ((f" {self.keymap.shown(name)}", palette.bar_key), (f" {label} ", palette.bar))
                ]
            )
        )
        self.query_one("#footer", Bar).show(line, palette.bar)

    # Actions

    def on_line_list_chosen(self, _message: LineList.Chosen) -> None:
        self.do_open()

    def do_open(self) -> None:
        if self.row is not None:
            self.post_message(PatientWanted(self.row.patient_id))

    def do_look(self) -> None:
        if self.row is not None:
            self.post_message(PatientWanted(self.row.patient_id, look=True))

    def do_take_over(self) -> None:
        if self.row is not None:
            self.post_message(PatientWanted(self.row.patient_id, take_over=True))

    def do_bottom(self) -> None:
        self.list.go(len(self.rows) - 1)

    def do_filter(self) -> None:
        prompt = LinePrompt(
            self.keymap, self.palette, "Show patients with", self.filter, "words: an id, new, closed, mine, held"
        )
        self.app.push_screen(prompt, self._filtered)

    def _filtered(self, line: str | None) -> None:
        if line is not None:
            self.filter = line
            self._settle(self.row.patient_id if self.row else None)

    def do_unfilter(self) -> None:
        self._filtered("")

    def do_find_patient(self) -> None:
        self.app.push_screen(LinePrompt(self.keymap, self.palette, "Find a patient", hint="part of an id"), self._found)

    def _found(self, wanted: str | None) -> None:
        if not wanted:
            return
        ids = [row.patient_id.casefold() for row in self.rows]
        behind = self.list.index + 1
        for at in (*range(behind, len(ids)), *range(behind)):
            if at < len(ids) and wanted.casefold() in ids[at]:
                self.list.go(at)
                return
        self.say(f"no patient here with {wanted!r} in the id")

    def do_repaint(self) -> None:
        super().do_repaint()
        self.read()

    def do_back(self) -> None:
        self.say(f"this is the first screen; {self.keymap.shown('quit')} quits, all is saved")

    def do_help(self) -> None:
        self.app.push_screen(HelpScreen(self.keymap, self.palette, self.kinds))


def _words(row: WorklistRow, user: str) -> str:
    state = "closed" if row.closed else "new" if row.undecided == row.suggested else "begun"
    held = "" if not row.holder else "mine" if row.holder == user else f"held {row.holder}"
    return f"{row.patient_id} {state} {held}".casefold()
