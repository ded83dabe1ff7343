"""What the edit checks say of the patient: the list of it, and the word that lets a warning pass. The session writes the word."""

from collections.abc import Callable, Sequence

from rich.style import Style

from abstractor.checks.problem import Problem, Severity
from abstractor.review.refused import Refused
from abstractor.review.session import Session
from abstractor.tui.actions import CHECKS, READER, Keymap
from abstractor.tui.screens.dialogs import LinePrompt
from abstractor.tui.screens.keyed import Answer, KeyedScreen
from abstractor.tui.screens.reader import ReaderScreen
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import Line
from abstractor.tui.wrap import wrap

_INDENT = " " * 8
SEVERITY_WORDS = {Severity.FATAL: "fatal", Severity.WARNING: "warning", Severity.INFO: "information"}


def severity_style(severity: Severity, palette: Palette) -> Style:
    """Fatal stands out; the letter says it without colour too."""
    return {Severity.FATAL: palette.alarm, Severity.WARNING: palette.heading}.get(severity, palette.plain)


def problem_line(problem: Problem, word: str, palette: Palette) -> Line:
    """A problem on one line: its letter, its check, its words, and the word that let it pass."""
    passed = (f'   right as reported: "{word}"', palette.faint) if word else ("", palette.plain)
    style = palette.faint if word else severity_style(problem.severity, palette)
    return Line.of(
        (f" {problem.severity.value} {problem.check}  ", style),
        (problem.message, palette.faint if word else palette.plain),
        passed,
    )


def unanswered(session: Session) -> tuple[Problem, ...]:
    """The warnings that wait for a word."""
    return tuple(one for one in session.problems.standing if one.severity is Severity.WARNING)


def ask_word(
    screen: KeyedScreen[Answer], session: Session, problems: Sequence[Problem], then: Callable[[], None]
) -> None:
    """Asks for the word that lets warnings pass, and writes it: one decision a warning.

    Raises:
        Refused: there is none, or one of them is fatal.
    """
    if not problems:
        raise Refused("no warning waits for a word here")
    if any(one.severity is Severity.FATAL for one in problems):
        raise Refused(f"{problems[0].check} is fatal: it can't be let pass; change a value, or reject it")
    about = problems[0].message if len(problems) == 1 else f"all {len(problems)} warnings"

    def given(word: str | None) -> None:
        if word is not None and screen.attempt(lambda: session.problems.override_all(problems, word)):
            then()

    hint = "why it is right as reported: a word   enter saves   esc leaves"
    screen.app.push_screen(LinePrompt(screen.keymap, screen.palette, f"Right as reported: {about}", hint=hint), given)


class ProblemsScreen(ReaderScreen):
    """All problems of the patient, the fatal ones first; `enter` hands back the line whose row is wanted."""

    FOOTER = (("go_there", "to the row"), ("override", "right so"), ("override_all", "all right so"))

    def __init__(self, keymap: Keymap, palette: Palette, session: Session) -> None:
        super().__init__(keymap, palette, f"CHECKS  {session.patient_id}", "Nothing speaks against what is decided.")
        self.session = session
        self.problems: tuple[Problem, ...] = ()
        self._of: list[int] = []
        """Of each line, the number of its problem: a long one takes several."""

    @property
    def kinds(self) -> tuple[str, ...]:
        return (CHECKS, READER)

    def build(self) -> Sequence[Line]:
        self.problems = self.session.problems.all
        self._of = []
        lines: list[Line] = []
        for number, one in enumerate(self.problems):
            whole = problem_line(one, self.session.problems.word_for(one), self.palette)
            rows = wrap(whole.plain, max(20, self.app.size.width - len(_INDENT)))
            pieces = [whole.part(start, end) for start, end in zip(rows.starts, rows.ends, strict=True)]
            lines += [pieces[0], *(Line.of((_INDENT, self.palette.plain), *piece.parts) for piece in pieces[1:])]
            self._of += [number] * len(pieces)
        return lines

    def do_go_there(self) -> None:
        if self._of:
            self.dismiss(self._of[self.list.index])

    def do_override(self) -> None:
        at = self._of[self.list.index] if self._of else 0
        ask_word(self, self.session, self.problems[at : at + 1], self.redraw)

    def do_override_all(self) -> None:
        ask_word(self, self.session, unanswered(self.session), self.redraw)

    def do_to_row(self) -> None:
        self.do_go_there()
