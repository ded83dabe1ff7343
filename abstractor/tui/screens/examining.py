"""One question after another, of many patients, with the note and the evidence beside it: what audits and adjudication share.

The list holds questions and not the rows of one patient. No decision of the registry is read here but what a question itself shows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.style import Style

from abstractor.model.errors import AbstractorError, RegistryError
from abstractor.review.people import wall_seconds
from abstractor.review.refused import Refused
from abstractor.review.rows import Choice, Row
from abstractor.rulebook.schema import FieldSpec
from abstractor.tui.actions import BY_ID, EXAMINE, Keymap
from abstractor.tui.evidence import Pane
from abstractor.tui.messages import WorklistWanted
from abstractor.tui.screens.asking import OneOf
from abstractor.tui.screens.dialogs import LinePrompt
from abstractor.tui.screens.edit import EditScreen, Form, Stated
from abstractor.tui.screens.finding import FindingScreen
from abstractor.tui.screens.help import HelpScreen
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import Bar, Line
from abstractor.tui.widgets.note import Mark

if TYPE_CHECKING:
    from abstractor.quality.at_screen import QualityWork


class ExaminingScreen(FindingScreen):
    """Questions in a list, the note of the current one, and what is known of it."""

    OWN: str
    """The part of the action table that is this screen's alone."""
    DEFAULT_CSS = """
    ExaminingScreen #rows-box { height: 25%; }
    ExaminingScreen #evidence-box { height: 30%; min-height: 5; }
    ExaminingScreen.low #evidence-box { min-height: 4; height: 4; }
    ExaminingScreen.wide #evidence-box { height: 1fr; }
    """

    def __init__(
        self,
        keymap: Keymap,
        palette: Palette,
        work: "QualityWork",
        clock: Callable[[], float],
        keys: Sequence[str],
    ) -> None:
        """Takes the ids of the questions, at least one; what they are about must be known to `patient_of` already."""
        self.work = work
        self.keys = tuple(keys)
        self.places = {key: at for at, key in enumerate(self.keys)}
        """Where each question stands in the list."""
        self.comments: dict[str, str] = {}
        """What was said of questions that have no answer yet: it is saved with the answer."""
        self._current: Row | None = None
        super().__init__(keymap, palette, work.notes_of(self.patient_of(self.keys[0])), clock)

    # To be filled by each screen

    def patient_of(self, key: str) -> str:
        """The patient a question is about."""
        raise NotImplementedError

    def row_of(self, key: str) -> Row:
        """The values in question as a row: the note is marked with its evidence."""
        raise NotImplementedError

    def item_line(self, key: str, width: int) -> tuple[str, Line]:
        """A question in the list: its mark, and the rest."""
        raise NotImplementedError

    def told(self, row: Row, pane: Pane) -> list[Line]:
        """What stands in the evidence pane."""
        raise NotImplementedError

    def header(self) -> str:
        """Behind the patient: how far this has come."""
        raise NotImplementedError

    def asked(self, row: Row) -> tuple[str, str]:
        """Over the evidence: what is asked, and where that stands."""
        raise NotImplementedError

    @property
    def offered(self) -> Sequence[str]:
        """Ids of the actions that make sense now, for the footer."""
        raise NotImplementedError

    @property
    def waiting(self) -> Sequence[str]:
        """The questions that wait for this person, in order."""
        raise NotImplementedError

    def reread(self) -> None:
        """Reads the questions anew."""
        raise NotImplementedError

    # What is current

    def go_first(self) -> None:
        self.go_to(next(iter(self.waiting), self.keys[0]))

    @property
    def kinds(self) -> tuple[str, ...]:
        return (self.OWN, EXAMINE)

    @property
    def key(self) -> str:
        """The current question."""
        return self.slot if self.slot is not None and self.slot in self.places else self.keys[0]

    @property
    def row(self) -> Row | None:
        return self._current

    @property
    def at(self) -> int:
        return self.places[self.key]

    @property
    def frozen(self) -> str:
        return ""

    @property
    def notices(self) -> tuple[str, ...]:
        return ()

    def spec_of(self, field: str) -> FieldSpec:
        """The field of a question; one that the rulebook no longer has stays visible."""
        known = self.work.book.fields.get(field)
        return known or FieldSpec(name=field, label=field, group="other", kind="text", slot="value")

    def refresh_rows(self) -> None:
        self._current = self.row_of(self.key)

    def go_to(self, slot: str | None) -> None:
        """Puts the cursor on a question, and opens the notes of its patient."""
        if slot is not None:
            patient_id = self.patient_of(slot)
            if patient_id != self.session.patient_id:
                self.session = self.work.notes_of(patient_id)
                self.note_at, self.matches = 0, []
                self.doc.load("")
            self._current = self.row_of(slot)
        super().go_to(slot)

    def go_row(self, at: int) -> None:
        self.go_to(self.keys[max(0, min(at, len(self.keys) - 1))])

    def do_bottom(self) -> None:
        self.go_row(len(self.keys) - 1)

    def next_waiting(self) -> str | None:
        """The next question after the current one, else the first of all; None where nothing waits for this person."""
        waiting = self.waiting
        after = (one for one in waiting if self.places[one] > self.at)
        return next(after, next((one for one in waiting if one != self.key), None))

    # Drawing

    def draw(self) -> None:
        self._shape()
        palette, row = self.palette, self._current
        self.doc.palette = palette
        self.doc.mark(self._marks())
        self.rows.show(len(self.keys), self.at, palette.plain)
        self.query_one("#notices").display = False
        self._draw_header()
        self._draw_note_title()
        if row is not None:
            question, stands = self.asked(row)
            title = Line.of((f" {question}", palette.bar_key), (f"  {stands}", palette.bar))
            self.query_one("#evidence-title", Bar).show(title, palette.bar)
            self._draw_evidence()
        self.say("")

    def _evidence(self, row: Row | None, width: int) -> list[Line]:
        if row is None:
            return []
        session = self.session
        return self.told(
            row, Pane(self.palette, width, self.has_class("wide"), session.notes.text, session.notes.stands)
        )

    def _draw_header(self) -> None:
        palette = self.palette
        saved = f"   saved {self.saved_at}" if self.saved_at else ""
        line = Line.of((f" {self.session.patient_id}", palette.bar_key), (f"  {self.header()}{saved}", palette.bar))
        self.query_one("#header", Bar).show(line, palette.bar)

    def _draw_row(self, at: int, width: int) -> Line:
        mark, line = self.item_line(self.keys[at], width - 3)
        cursor = ">" if at == self.at else " "
        return Line.of((f"{cursor}{mark} ", self.palette.plain), *line.parts)

    def _marks(self) -> list[Mark]:
        row, current = self._current, self.span
        if row is None:
            return []
        return [
            Mark(one.start, one.end, row.state, one == current, of_row=True)
            for one in row.evidence
            if one.note_id == self.note_id and self.session.notes.stands(one)
        ]

    def say(self, text: str, *, alarm: bool = False) -> None:
        palette = self.palette
        self._told = bool(text)
        if text:
            line = Line.of((f" {text}", palette.alarm if alarm else palette.bar_key))
        else:
            line = self._keys_line([*self.offered, "next_evidence", "next_note", "find", "back"])
        self.query_one("#footer", Bar).show(line, palette.bar)

    def _keys_line(self, ids: Iterable[str]) -> Line:
        """As many keys as fit, and always how to get help."""
        palette = self.palette
        told = {name: self._key(name) for name in dict.fromkeys((*ids, "help"))}
        room = self.app.size.width - self._cells("help", told)
        parts: list[tuple[str, Style]] = []
        for name, key in told.items():
            if name != "help":
                room -= self._cells(name, told)
            if room < 0:
                continue
            parts += [(f" {key}", palette.bar_key), (f" {BY_ID[name].label}  ", palette.bar)]
        if room < 0:
            parts += [(f" {told['help']}", palette.bar_key), (f" {BY_ID['help'].label}  ", palette.bar)]
        return Line.of(*parts)

    def _key(self, name: str) -> str:
        return self.keymap.all_shown(name).replace(" ", "/") if name == "choose" else self.keymap.shown(name)

    @staticmethod
    def _cells(name: str, told: Mapping[str, str]) -> int:
        return len(told[name]) + len(BY_ID[name].label) + 4

    def _show_match(self) -> None:
        super()._show_match()
        notes = len({one[0] for one in self.matches})
        where = f" in {notes} notes" if notes > 1 else ""
        nearby = f"{self.keymap.shown('next_match')} next"
        self.say(f"match {self.match_at + 1}/{len(self.matches)}{where}   {nearby}")

    # Answering

    def guard(self) -> None:
        """Nothing is judged that was not on the screen for a moment.

        Raises:
            Refused: the question was not seen.
        """
        if self.has_class("small"):
            raise Refused("the terminal is too small to see what is judged")
        if not (self.query_one("#note-box").display or self.query_one("#evidence-box").display):
            raise Refused(f"the evidence is not on the screen; {self.keymap.shown('zoom')} brings it back")
        if not self.dwell.allows(self.key):
            raise Refused("not yet shown: look, then press again")

    def failed(self, error: AbstractorError) -> None:
        """Whatever was refused or not saved: what stands now is read anew and shown."""
        try:
            self.reread()
            self.refresh_rows()
        except AbstractorError as further:
            error = further
        self.draw()
        self.say(str(error), alarm=isinstance(error, RegistryError))

    def answered(self, at: str, note: str = "") -> None:
        """The registry has the answer: only now is it shown, and the next question comes."""
        self.saved_at = wall_seconds(at)
        self.comments.pop(self.key, None)
        following = self.next_waiting()
        self.go_to(following if following is not None else self.key)
        if note:
            self.say(note)

    def ask_class(self, title: str, take: Callable[[str], None]) -> None:
        """Asks for the class of an error, and goes on with it."""
        choices = [(one.code, one.label) for one in self.work.errors]

        def took(code: str | None) -> None:
            if code is not None:
                self.attempt(lambda: take(code))

        self.app.push_screen(OneOf(self.keymap, self.palette, title, choices), took)

    def ask_value(self, row: Row, take: Callable[[Stated], None]) -> None:
        """Asks for the value that is right, and goes on with it."""
        first = next(iter(row.choices), None)
        start = Stated("")
        if first is not None:
            value = "" if row.spec.codes else first.value
            start = Stated(value, first.assertion, first.date, first.end_date, first.attributes)

        def took(stated: Stated | None) -> None:
            if stated is not None:
                self.attempt(lambda: take(stated))

        form = Form(reader=self.session.reader, save=lambda _stated: None)
        self.app.push_screen(EditScreen(self.keymap, self.palette, row.spec, start, form), took)

    def ask_comment(self, title: str, take: Callable[[str], None]) -> None:
        """Asks for a line of words."""

        def took(text: str | None) -> None:
            if text is not None:
                self.attempt(lambda: take(text))

        standing = self.comments.get(self.key, "")
        self.app.push_screen(LinePrompt(self.keymap, self.palette, title, standing), took)

    def keep_comment(self, text: str) -> None:
        """Keeps what was said until the question is answered."""
        self.comments[self.key] = text.strip()
        self.draw()
        self.say("kept: it is saved with your answer")

    # Leaving

    def do_worklist(self) -> None:
        self.app.post_message(WorklistWanted())

    def do_back(self) -> None:
        if self.doc.selected is not None:
            self.do_select_none()
        elif self.has_class("zoomed"):
            self.do_zoom()
        else:
            self.dismiss(None)

    def do_help(self) -> None:
        self.app.push_screen(HelpScreen(self.keymap, self.palette, self.kinds))

    def do_repaint(self) -> None:
        self.reread()
        self.refresh_rows()
        super().do_repaint()


def said(stated: Stated) -> dict[str, object]:
    """A value as it is handed on: what was typed and nothing else."""
    return {
        "value": stated.value,
        "assertion": str(stated.assertion),
        "date": stated.date,
        "end_date": stated.end_date,
        "attributes": dict(stated.attributes or {}),
    }


def in_words(spec: FieldSpec, choice: Choice) -> str:
    """A value with its days, in the words of the form."""
    days = " to ".join(one for one in (choice.date, choice.end_date) if one)
    return " ".join(one for one in (choice.told(spec.label_of), "" if days == choice.value else days) if one)
