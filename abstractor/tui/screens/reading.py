"""A patient on the screen: rows, note and evidence side by side, and moving about in them. Nothing here writes a decision."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import ClassVar, TypeVar

from textual.containers import Container, Vertical
from textual.widget import Widget

from abstractor.checks.problem import Problem, Severity
from abstractor.model.errors import RulebookError
from abstractor.model.suggestion import Evidence
from abstractor.registry.roles import roles
from abstractor.review.checking import marks
from abstractor.review.filters import filter_rows, parse_filter
from abstractor.review.people import wall_time
from abstractor.review.rows import Row, State
from abstractor.review.session import Session
from abstractor.review.timeline import brief_line
from abstractor.rulebook.authors import load_authors
from abstractor.rulebook.lanes import Lanes, load_lanes
from abstractor.tui.actions import REVIEW, SELECT, Keymap
from abstractor.tui.drawing import (
    evidence_title,
    footer_line,
    header_line,
    note_fault,
    note_title,
    row_line,
)
from abstractor.tui.evidence import Pane
from abstractor.tui.guard import Dwell
from abstractor.tui.screens.dialogs import LinePrompt
from abstractor.tui.screens.help import HelpScreen
from abstractor.tui.screens.keyed import KeyedScreen
from abstractor.tui.screens.signing import signed_words
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import LINES_SAID, Bar, Line, LineList, Panel
from abstractor.tui.widgets.note import DocView, Mark

Item = TypeVar("Item")

WIDE = 140
_NO_HEADER = 20
_ONE_LINE = 18
PANES = ("rows", "note", "evidence")
_AUTHORS_KEPT = 8
"""Notes of which the author is not looked for again."""


class ReadingScreen(KeyedScreen[None]):
    """A patient on the screen: stacked, or in three columns where there is room."""

    KIND = REVIEW
    DEFAULT_CSS = """
    ReadingScreen #panes { height: 1fr; layout: vertical; }
    ReadingScreen #rows-box { height: 30%; min-height: 3; }
    ReadingScreen #note-box { height: 1fr; }
    ReadingScreen #evidence-box { height: 18%; min-height: 4; }
    ReadingScreen.flat #header { display: none; }
    ReadingScreen.low #evidence-box { min-height: 2; height: 2; }
    ReadingScreen.wide #panes { layout: horizontal; }
    ReadingScreen.wide #rows-box { width: 46; height: 1fr; margin: 0 1 0 0; }
    ReadingScreen.wide #note-box { width: 1fr; height: 1fr; margin: 0 1 0 0; }
    ReadingScreen.wide #evidence-box { width: 38; height: 1fr; }
    ReadingScreen.zoomed #panes > .pane { display: none; }
    ReadingScreen.zoomed #panes > .pane.kept { display: block; width: 1fr; height: 1fr; margin: 0; }
    """
    ORDERS: ClassVar[tuple[str, ...]] = ("item", "confidence", "note")

    def __init__(self, keymap: Keymap, palette: Palette, session: Session, clock: Callable[[], float]) -> None:
        """Takes a clock that counts seconds, for the dwell guard."""
        super().__init__(keymap, palette)
        self.session = session
        self.dwell = Dwell(clock, session.config.dwell_ms)
        self.filter = ""
        self.listed: tuple[Row, ...] = session.rows
        self.slot: str | None = None
        self.note_at = 0
        self.span_at = 0
        self.matches: list[tuple[str, int, int]] = []
        self.match_at = 0
        self.selecting = False
        self.pane = 0
        self.saved_at = ""
        self._told = False
        """Whether the footer tells something that stays until the next key."""
        self._by_note: dict[str, list[tuple[Row, Evidence]]] = {}
        self._problem_marks: dict[str, Severity] = {}
        self._lanes = _or(lambda: load_lanes(session.book.root), Lanes(lane=()))
        self._author = lru_cache(maxsize=_AUTHORS_KEPT)(_or(lambda: load_authors(session.book.root), lambda _text: ""))
        self._brief = ""
        """The few events that frame the case."""

    # Layout

    def contents(self) -> Iterable[Widget]:
        yield Bar(id="header")
        yield Container(
            Vertical(
                Bar(id="notices", most=LINES_SAID), LineList(self._draw_row, id="rows"), id="rows-box", classes="pane"
            ),
            Vertical(Bar(id="note-title"), DocView(id="note"), id="note-box", classes="pane"),
            Vertical(Bar(id="evidence-title"), Panel(id="evidence"), id="evidence-box", classes="pane"),
            id="panes",
        )
        yield Bar(id="footer", most=LINES_SAID)

    def on_mount(self) -> None:
        self._shape()
        self.refresh_rows()
        self.go_first()

    def go_first(self) -> None:
        """Puts the cursor where the work begins."""
        first = self.session.after(None)
        self.go_to(first.slot if first is not None else next((row.slot for row in self.listed), None))

    def _shape(self) -> None:
        width, height = self.app.size
        self.set_class(width >= WIDE, "wide")
        self.set_class(height < _NO_HEADER, "flat")
        self.set_class(height < _ONE_LINE, "low")

    @property
    def kinds(self) -> tuple[str, ...]:
        return (SELECT, REVIEW) if self.selecting else (REVIEW,)

    @property
    def doc(self) -> DocView:
        return self.query_one("#note", DocView)

    @property
    def rows(self) -> LineList:
        return self.query_one("#rows", LineList)

    # What is current

    @property
    def row(self) -> Row | None:
        return next((row for row in self.listed if row.slot == self.slot), None)

    @property
    def at(self) -> int:
        return next((number for number, row in enumerate(self.listed) if row.slot == self.slot), 0)

    @property
    def spans(self) -> tuple[Evidence, ...]:
        """The evidence of the current row."""
        row = self.row
        return row.evidence if row is not None else ()

    @property
    def span(self) -> Evidence | None:
        spans = self.spans
        return spans[min(self.span_at, len(spans) - 1)] if spans else None

    @property
    def note_id(self) -> str | None:
        notes = self.session.notes.all
        return notes[self.note_at].note_id if notes else None

    def refresh_rows(self) -> None:
        """Takes the session's rows, through the filter."""
        self.listed = filter_rows(self.session.rows, self.filter)
        self._by_note = {}
        self._problem_marks = marks(self.session.problems.all, self.session.case)
        self._brief = brief_line(self.session.rows, self._lanes)
        for row in self.session.rows:
            for one in row.evidence:
                self._by_note.setdefault(one.note_id, []).append((row, one))

    def go_to(self, slot: str | None) -> None:
        """Puts the cursor on a row and opens the note at its first evidence."""
        self.slot = slot
        self.span_at = 0
        self.dwell.expect(slot)
        self._open_span()
        self.draw()
        self.call_after_refresh(self.dwell.painted, slot)

    def go_row(self, at: int) -> None:
        if self.listed:
            self.go_to(self.listed[max(0, min(at, len(self.listed) - 1))].slot)

    def _open_span(self) -> None:
        span = self.span
        if span is not None:
            self.open_note(span.note_id, span.start)
        elif self.note_id is not None and not self.doc.text:
            self.open_note(self.note_id)

    def open_note(self, note_id: str, offset: int | None = None) -> None:
        """Shows a note, with an offset at a third of the height, or where it is in the note that is shown already.

        A note that does not move is easier on the eye, and costs a slow line only the marks.
        """
        at = next((number for number, note in enumerate(self.session.notes.all) if note.note_id == note_id), None)
        if at is None:
            return
        doc = self.doc
        text = self.session.notes.text(note_id)
        another = at != self.note_at or doc.text is not text
        if another:
            self.note_at = at
            self.selecting = False
            doc.load(text)
            self._show_matches()
        if offset is not None:
            offset = min(offset, max(0, len(text) - 1))
            if another:
                doc.centre(offset)
            else:
                doc.show_offset(offset)

    def _show_matches(self) -> None:
        self.doc.find([(start, end) for note_id, start, end in self.matches if note_id == self.note_id])

    # Drawing

    def draw(self) -> None:
        self._shape()
        row, palette = self.row, self.palette
        doc = self.doc
        doc.palette = palette
        doc.mark(self._marks())
        self.rows.show(len(self.listed), self.at, palette.plain, Line.of((self._no_rows(), palette.plain)))
        self._draw_header()
        self._draw_notices()
        self._draw_note_title()
        self.query_one("#evidence-title", Bar).show(evidence_title(row, palette, self.has_class("wide")), palette.bar)
        self._draw_evidence()
        self.say("")

    def draw_anew(self) -> None:
        """Draws what has changed without a key; what the footer tells stays until the next one."""
        footer = self.query_one("#footer", Bar)
        told = footer.line if self._told else None
        self.draw()
        if told is not None:
            footer.show(told, self.palette.bar)
            self._told = True

    def _draw_row(self, at: int, width: int) -> Line:
        row = self.listed[at]
        problem = self._problem_marks.get(row.slot)
        return row_line(row, width, self.palette, current=row.slot == self.slot, problem=problem)

    def _draw_header(self) -> None:
        rows = self.session.rows
        count = {state: sum(row.state is state for row in rows) for state in (State.CONFLICT, State.DEFERRED)}
        counts = [
            (count[State.CONFLICT], "conflict" if count[State.CONFLICT] == 1 else "conflicts"),
            (count[State.DEFERRED], "deferred"),
            (sum(bool(row.changed) for row in rows), "changed"),
            *self._problem_counts(),
        ]
        told = f"{self.session.decided}/{len(rows)}"
        told += f" decided   abst. {self.session.user}" if self.has_class("wide") else ""
        told += f"   saved {self.saved_at}" if self.saved_at else ""
        told += f"  {len(self.listed)} shown by {self.filter!r}" if self.filter else ""
        line = header_line(self.session.patient_id, len(self.session.notes.all), counts, told, self.palette)
        if self.frozen:
            line = Line.of(
                (f" {self._frozen_words()} ", self.palette.alarm),
                (f" {self.session.patient_id}  {told}", self.palette.bar),
            )
        self.query_one("#header", Bar).show(line, self.palette.bar)

    def _problem_counts(self) -> list[tuple[int, str]]:
        """How many fatal problems and warnings stand; information is not counted."""
        found = [one.severity for one in self.session.problems.standing]
        warnings = found.count(Severity.WARNING)
        return [(found.count(Severity.FATAL), "fatal"), (warnings, "warning" if warnings == 1 else "warnings")]

    @property
    def notices(self) -> tuple[str, ...]:
        """What stands on top of the list as long as it holds: notes that the suggestions do not rest on."""
        return (self.session.unread,) if self.session.unread else ()

    def _draw_notices(self) -> None:
        bar, notices = self.query_one("#notices", Bar), self.notices
        bar.display = bool(notices)
        bar.show(Line.of((f" {'; '.join(notices)}", self.palette.heading)), self.palette.plain)

    def offers(self, name: str) -> bool:
        """Whether an action does something for this person on the patient as it stands."""
        applies = {"sign": bool(self.session.signing.meanings), "unlock": self.session.signing.may_unlock}
        return self.takes(name) and applies.get(name, True)

    @property
    def frozen(self) -> str:
        """Why nothing can be decided: `signed`, `closed`, `held`, or ""."""
        if self.session.signing.signed is not None:
            return "signed"
        return "closed" if self.session.case.closed else "held" if self.session.hold.read_only else ""

    def _frozen_words(self) -> str:
        signed = self.session.signing.signed
        if signed is not None:
            who = self.keymap.shown("unlock") if self.session.signing.may_unlock else roles().holders("unlock")
            return f"{signed_words(signed.meaning).upper()} by {signed.signed_by}: {who} unlocks it"
        if self.frozen == "closed":
            return f"CLOSED: {self.keymap.shown('reopen')} reopens" if self.takes("reopen") else "CLOSED"
        lease = self.session.hold.lease
        if not self.takes("take_over"):
            return "READ ONLY: your role decides nothing here"
        if lease is None or lease.mine:
            return f"READ ONLY: {self.keymap.shown('take_over')} takes it to decide"
        return f"READ ONLY: {lease.holder} holds it since {wall_time(lease.since)}"

    def on_panel_resized(self) -> None:
        """A pane that was hidden, or had another size, when the screen was drawn."""
        if self.stands:
            self._draw_evidence()

    def on_doc_view_resized(self) -> None:
        if self.stands:
            self._draw_note_title()

    def _draw_note_title(self) -> None:
        notes = self.session.notes.all
        note = notes[self.note_at] if notes else None
        spans = (self.span_at + 1 if self.spans else 0, len(self.spans))
        doc = self.doc
        fault = note_fault(len(doc.text) - doc.cut, doc.cut, doc.unreadable)
        line = note_title(note, self.note_at + 1, len(notes), doc.percent, spans, self.palette, fault)
        self.query_one("#note-title", Bar).show(line, self.palette.bar)

    def _draw_evidence(self) -> None:
        panel = self.query_one("#evidence", Panel)
        panel.show(self._evidence(self.row, panel.size.width), self.palette.plain)

    def _evidence(self, row: Row | None, width: int) -> list[Line]:
        if row is None:
            return []
        session = self.session
        wide = self.has_class("wide")
        pane = Pane(self.palette, width, wide, session.notes.text, session.notes.stands, self._brief, self._author)
        return pane.lines(row, self._problems_of(row))

    def _problems_of(self, row: Row) -> list[tuple[Problem, str]]:
        """What the edit checks say of a row, each with the word that let it pass."""
        found = [one for one in self.session.problems.all if row.slot in one.slots]
        return [(one, self.session.problems.word_for(one)) for one in found]

    def _marks(self) -> list[Mark]:
        current = self.span
        return [
            Mark(one.start, one.end, row.state, row.slot == self.slot and one == current, row.slot == self.slot)
            for row, one in self._by_note.get(self.note_id or "", ())
            if self.session.notes.stands(one)
        ]

    def _no_rows(self) -> str:
        if self.session.rows:
            return f" 0 of {len(self.session.rows)} match {self.filter!r}. {self.keymap.shown('unfilter')} clears"
        return f" Nothing suggested: {self.keymap.shown('new_fact')} adds a fact"

    def run_table_action(self, name: str) -> None:
        self._told = False
        super().run_table_action(name)

    def say(self, text: str, *, alarm: bool = False) -> None:
        palette = self.palette
        self._told = bool(text)
        if text:
            line = Line.of((f" {text}", palette.alarm if alarm else palette.bar_key))
        else:
            line = footer_line(
                self.row,
                self.keymap,
                palette,
                self.app.size.width,
                frozen=self.frozen,
                selecting=self.selecting,
                selected=self.doc.selected_text,
                last=self.at == len(self.listed) - 1 or not self.session.blocking,
                takes=self.offers,
            )
        self.query_one("#footer", Bar).show(line, palette.bar)

    # Rows

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        self.go_row(message.index)

    def do_down(self) -> None:
        self.go_row(self.at + 1)

    def do_up(self) -> None:
        self.go_row(self.at - 1)

    def do_half_down(self) -> None:
        self.go_row(self.at + max(1, self.rows.page // 2))

    def do_half_up(self) -> None:
        self.go_row(self.at - max(1, self.rows.page // 2))

    def do_page_down(self) -> None:
        self.go_row(self.at + self.rows.page)

    def do_page_up(self) -> None:
        self.go_row(self.at - self.rows.page)

    def do_top(self) -> None:
        self.go_row(0)

    def do_bottom(self) -> None:
        self.go_row(len(self.listed) - 1)

    def do_filter(self) -> None:
        hint = "conf<0.8  state:?!_  item:stage  note:path  or words"
        self.app.push_screen(LinePrompt(self.keymap, self.palette, "Show rows with", self.filter, hint), self._filtered)

    def _filtered(self, line: str | None) -> None:
        if line is None:
            return

        def narrow() -> None:
            parse_filter(line)
            self.filter = line
            self.refresh_rows()
            kept = self.row
            self.go_to(kept.slot if kept else next((row.slot for row in self.listed), None))

        self.attempt(narrow)

    def do_unfilter(self) -> None:
        self._filtered("")

    def do_order(self) -> None:
        following = self.ORDERS[(self.ORDERS.index(self.session.order) + 1) % len(self.ORDERS)]
        self.session.reorder(following)
        self.refresh_rows()
        self.draw()
        self.say(f"ordered by {following}")

    # Panes

    def do_next_pane(self) -> None:
        self._focus_pane(1)

    def do_previous_pane(self) -> None:
        self._focus_pane(-1)

    def _focus_pane(self, step: int) -> None:
        self.pane = (self.pane + step) % len(PANES)
        if self.has_class("zoomed"):
            self._zoom(PANES[self.pane])
        self.say(f"pane: {PANES[self.pane]}   {self.keymap.shown('zoom')} zooms it")

    def do_zoom(self) -> None:
        if self.has_class("zoomed"):
            self.remove_class("zoomed")
        else:
            self.add_class("zoomed")
            self._zoom(PANES[self.pane])
        self.call_after_refresh(self.redraw)

    def _zoom(self, name: str) -> None:
        for one in PANES:
            self.query_one(f"#{one}-box").set_class(one == name, "kept")

    # The note

    def do_next_note(self) -> None:
        self._step_note(1)

    def do_previous_note(self) -> None:
        self._step_note(-1)

    def _step_note(self, step: int) -> None:
        to = self.note_at + step
        if not 0 <= to < len(self.session.notes.all):
            self.say("no further note")
            return
        note_id = self.session.notes.all[to].note_id
        begins = [one.start for row, one in self._by_note.get(note_id, ()) if row.slot == self.slot]
        self.open_note(note_id, min(begins) if begins else None)
        self.draw()

    def do_next_evidence(self) -> None:
        self._step_span(1)

    def do_previous_evidence(self) -> None:
        self._step_span(-1)

    def _step_span(self, step: int) -> None:
        if not self.spans:
            self.say("no evidence for this row")
            return
        self.span_at = (self.span_at + step) % len(self.spans)
        self._open_span()
        self.draw()

    def do_note_down(self) -> None:
        self.doc.page(self.session.config.note_page)
        self._draw_note_title()

    def do_note_up(self) -> None:
        self.doc.page(-self.session.config.note_page)
        self._draw_note_title()

    def do_next_section(self) -> None:
        self.doc.section(1)
        self._draw_note_title()

    def do_previous_section(self) -> None:
        self.doc.section(-1)
        self._draw_note_title()

    def do_help(self) -> None:
        self.app.push_screen(HelpScreen(self.keymap, self.palette, (REVIEW, SELECT)))


def _or(read: Callable[[], Item], otherwise: Item) -> Item:
    """What only adds to the screen keeps nobody from working: a fault in its file is told where it is asked for (`t`)."""
    try:
        return read()
    except RulebookError:
        return otherwise
