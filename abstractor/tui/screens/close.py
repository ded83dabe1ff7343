"""Closing a patient: what is still open and what the edit checks say. Fatal problems forbid it, warnings want a word, policy says the rest."""

from collections.abc import Callable

from abstractor.review.rows import Row
from abstractor.review.session import Session
from abstractor.tui.actions import CHECKS, DIALOG, Keymap
from abstractor.tui.screens.dialogs import Confirm
from abstractor.tui.screens.problems import ask_word, problem_line, unanswered
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import Line, LineList
from abstractor.tui.widgets.note import STATE_WORDS

_SHOWN = 12


class CloseScreen(Confirm):
    """Lists what stands against closing; `enter` closes as soon as nothing does."""

    def __init__(self, keymap: Keymap, palette: Palette, session: Session, go: Callable[[str], None]) -> None:
        """Takes what brings a row under the cursor, once this question is gone."""
        super().__init__(keymap, palette, "", (), "")
        self.session = session
        self._go = go

    @property
    def kinds(self) -> tuple[str, ...]:
        return (CHECKS, DIALOG)

    @property
    def waiting(self) -> tuple[Row, ...]:
        return self.session.blocking

    def _line(self, at: int, _width: int) -> Line:
        """The open rows, then the problems."""
        if at >= len(self.waiting):
            problem = self.session.problems.all[at - len(self.waiting)]
            return problem_line(problem, self.session.problems.word_for(problem), self.palette)
        row = self.waiting[at]
        text = f" {row.state.value} {row.spec.label:<28} {STATE_WORDS[row.state]} {row.shown}"
        return Line.of((text, self.palette.plain))

    def asks(self) -> tuple[LineList]:
        return (LineList(self._line, id="about"),)

    def draw(self) -> None:
        session = self.session
        fatal, words = session.problems.fatal, unanswered(session)
        counts = [(len(self.waiting), "open"), (len(fatal), "fatal"), (len(words), "to be answered")]
        told = ", ".join(f"{number} {what}" for number, what in counts if number) or "nothing open"
        self.heading = f"{told} in {session.patient_id}"
        self.allowed = not fatal and not words and (session.config.close_open or not self.waiting)
        self.hint = self._hint(fatal=bool(fatal), words=bool(words))
        super().draw()
        about = self.query_one("#about", LineList)
        count = len(self.waiting) + len(session.problems.all)
        about.styles.height = min(count, _SHOWN)
        about.show(count, about.index, self.palette.plain)

    def _hint(self, *, fatal: bool, words: bool) -> str:
        keys = self.keymap
        if fatal:
            return f"fatal problems forbid it: {keys.shown('to_row')} goes to the row   esc leaves"
        if self.waiting and not self.session.config.close_open:
            return f"decide these first   {keys.shown('to_row')} goes to the row   esc leaves"
        if words:
            one, everything = keys.shown("override"), keys.shown("override_all")
            return f"warnings want a word: {one} for this one, {everything} one for all   esc leaves"
        return "enter closes all the same   esc leaves" if self.waiting else "enter closes   esc leaves"

    def do_down(self) -> None:
        self.do_choice_down()

    def do_up(self) -> None:
        self.do_choice_up()

    def do_override(self) -> None:
        at = self.query_one("#about", LineList).index - len(self.waiting)
        ask_word(self, self.session, self.session.problems.all[at : at + 1] if at >= 0 else (), self.redraw)

    def do_override_all(self) -> None:
        ask_word(self, self.session, unanswered(self.session), self.redraw)

    def do_to_row(self) -> None:
        at = self.query_one("#about", LineList).index
        slots: tuple[str, ...] = (self.waiting[at].slot,) if at < len(self.waiting) else ()
        if not slots and self.session.problems.all:
            slots = self.session.problems.all[at - len(self.waiting)].slots[:1]
        self.dismiss(None)
        if slots:
            self._go(slots[0])
