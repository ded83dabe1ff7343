"""Settling what two readers see differently: both sides with their words, no name anywhere; the outcome is a decision of the registry.

The sides are as stored: drawn at random once, and the same each time. What is allowed is settled in `quality.adjudication`.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from rich.style import Style

from abstractor.model.finding import Assertion
from abstractor.review.attributes import tell_attributes
from abstractor.review.refused import Refused
from abstractor.review.rows import Choice, Row, State
from abstractor.tui.actions import ADJUDICATE, Keymap
from abstractor.tui.evidence import Pane
from abstractor.tui.screens.dialogs import LinePrompt
from abstractor.tui.screens.edit import Stated
from abstractor.tui.screens.examining import ExaminingScreen, in_words, said
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import Line
from abstractor.tui.wrap import fit, wrap

if TYPE_CHECKING:
    from abstractor.model.suggestion import Suggestion
    from abstractor.quality.adjudication import Question, Side
    from abstractor.quality.at_screen import QualityWork

NAMES = ("left", "right")
_COLUMN = 13
"""Cells before the columns."""


class AdjudicateScreen(ExaminingScreen):
    """The differences that wait for this person."""

    OWN = ADJUDICATE
    DEFAULT_CSS = """
    AdjudicateScreen #evidence-box { height: 38%; }
    """

    def __init__(
        self,
        keymap: Keymap,
        palette: Palette,
        work: "QualityWork",
        clock: Callable[[], float],
        questions: "Sequence[Question]",
    ) -> None:
        """Takes the open differences, at least one."""
        self._questions = {one.difference: one for one in questions}
        self._open = set(self._questions)
        self._outcomes: dict[str, str] = {}
        self._met = work.met()
        self._suggested: dict[str, Sequence[Suggestion]] = {}
        super().__init__(keymap, palette, work, clock, tuple(self._questions))

    # What is shown

    @property
    def question(self) -> "Question":
        """The current difference."""
        return self._questions[self.key]

    @property
    def waiting(self) -> Sequence[str]:
        """Those that were sent to the meeting come last."""
        found = [one for one in self.keys if one in self._open]
        return sorted(found, key=lambda one: one in self._met)

    def next_waiting(self) -> str | None:
        unmet = [one for one in self.waiting if one not in self._met]
        after = [one for one in unmet if self.places[one] > self.at]
        return next(iter([*after, *(one for one in unmet if one != self.key)]), None)

    def patient_of(self, key: str) -> str:
        return self._questions[key].patient_id

    def row_of(self, key: str) -> Row:
        question = self._questions[key]
        choices = tuple(_choice(side) for side in question.sides if side.value is not None)
        return Row(key, self.spec_of(question.field), choices)

    def reread(self) -> None:
        """What somebody else has settled meanwhile waits no more."""
        self._open &= {one.difference for one in self.work.questions()}
        self._met = self.work.met()

    def item_line(self, key: str, width: int) -> tuple[str, Line]:
        question, palette = self._questions[key], self.palette
        spec = self.spec_of(question.field)
        state = State.DEFERRED if key in self._met else State.CONFLICT
        told = " | ".join(self._told_side(side, key) for side in question.sides)
        if key not in self._open:
            state, told = State.ACCEPTED, self._outcomes.get(key, "settled by somebody else")
        who = "" if self.has_class("wide") else f"{fit(question.patient_id, 12)} "
        room = max(8, width - len(who) - 18)
        return state.value, Line.of(
            (who, palette.faint), (f"{fit(spec.label, 17)} ", palette.plain), (fit(told, room), palette.state(state))
        )

    def _told_side(self, side: "Side", key: str) -> str:
        spec = self.spec_of(self._questions[key].field)
        return "nothing" if side.value is None else in_words(spec, _choice(side))

    def header(self) -> str:
        settled = len(self.keys) - len(self._open)
        met = len(self._open & set(self._met))
        told = f"ADJUDICATE   {settled}/{len(self.keys)} settled"
        told += f"   {met} to the meeting" if met else ""
        return f"{told}   readers hidden, sides random" if self.has_class("wide") else f"{told}   readers hidden"

    def asked(self, row: Row) -> tuple[str, str]:
        question = self.question
        stands = "settled" if self.key not in self._open else "to the meeting" if self.key in self._met else "open"
        differs = {"value": "values differ", "date": "dates differ", "attributes": "details differ"}
        return row.spec.label, f"{differs.get(question.kind, question.kind)}   {stands}"

    def told(self, row: Row, pane: Pane) -> list[Line]:
        lines = self._in_full(row, pane) if pane.wide else self._in_columns(row, pane)
        plain, faint = self.palette.plain, self.palette.faint
        note = self._met.get(self.key)
        lines += pane.told(f"for the meeting: {note}" if note else "", plain)
        pending = self.comments.get(self.key)
        lines += pane.told(f"c {pending}   (told to both with the outcome)" if pending else "", faint)
        lines += pane.told(self._outcomes.get(self.key, ""), self.palette.heading)
        return lines

    def _in_columns(self, row: Row, pane: Pane) -> list[Line]:
        palette = self.palette
        room = max(12, (pane.width - _COLUMN) // 3)
        rules = self._rules_say(row)
        heads = [f"{key} Reader {side}" for key, side in zip(self._choose_keys, "LR", strict=True)]
        lines = self._columns("", [*heads, "NLP"], room, palette.faint)
        sides = [self._told_side(side, self.key) for side in self.question.sides]
        lines += self._columns("", [*sides, rules], room, palette.state(State.CONFLICT))
        details = [tell_attributes(side.attributes) for side in self.question.sides]
        if details[0] != details[1]:
            lines += self._columns("details", details, room, palette.plain)
        for side, letter in zip(self.question.sides, "LR", strict=True):
            lines += pane.quotes(side.evidence[:2], f"evidence {letter}") or pane.told(
                f"evidence {letter} none", palette.faint
            )
        return lines

    def _columns(self, head: str, texts: Sequence[str], room: int, style: Style) -> list[Line]:
        """As many lines as the longest text takes: a day that is cut off can't be judged."""
        columns = [_rows_of(one, room - 2) for one in texts]
        lines = []
        for at in range(max(len(one) for one in columns)):
            cells = "".join(fit(one[at] if at < len(one) else "", room - 2) + "  " for one in columns)
            start = fit(head if at == 0 else "", _COLUMN - 1)
            lines.append(Line.of((f" {start}", self.palette.faint), (cells, style)))
        return lines

    def _in_full(self, row: Row, pane: Pane) -> list[Line]:
        palette = self.palette
        lines: list[Line] = []
        sides = zip(self._choose_keys, "LR", self.question.sides, strict=True)
        for key, letter, side in sides:
            lines.append(Line.of((f" {key} Reader {letter}", palette.heading)))
            lines += pane.told(f"  {self._told_side(side, self.key)}", palette.state(State.CONFLICT))
            lines += pane.told(tell_attributes(side.attributes), palette.plain)
            lines += pane.quotes(side.evidence) or pane.told("  no words of a note", palette.faint)
            lines.append(Line())
        lines.append(Line.of((" NLP", palette.heading)))
        return [*lines, *pane.told(f"  {self._rules_say(row)}", palette.plain)]

    @property
    def _choose_keys(self) -> Sequence[str]:
        return self.keymap.all_shown("choose").split()[:2]

    def _rules_say(self, row: Row) -> str:
        """What the rules suggest here."""
        if self.key not in self._suggested:
            self._suggested[self.key] = self.work.suggested(self.question)
        told = [
            in_words(row.spec, Choice(one.value, one.assertion, one.date, one.end_date, one.attributes))
            for one in self._suggested[self.key]
        ]
        return " | ".join(dict.fromkeys(told)) or "nothing"

    @property
    def offered(self) -> Sequence[str]:
        if self.key not in self._open:
            return ["next_open"]
        return ["choose", "third", "unresolvable", "meeting", "comment"]

    # Settling

    def _may_settle(self) -> None:
        if self.key not in self._open:
            raise Refused("this difference is settled")
        self.guard()

    def _settle(
        self,
        choice: Literal["A", "B", "third", "unresolvable"],
        error: str,
        third: dict[str, object] | None = None,
    ) -> None:
        comment = self.comments.get(self.key, "")
        outcome = self.work.settle(self.question, choice, error=error, third=third, comment=comment)
        row = self._current
        stated = Choice(outcome.value, outcome.assertion, outcome.date, outcome.end_date, outcome.attributes)
        words = in_words(row.spec, stated) if row is not None else outcome.value
        told = {"unresolvable": "can't be told"}.get(choice, words)
        if outcome.action == "reject":
            told = f"does not hold: {words}"
        self._outcomes[self.key] = f"settled: {told} ({error})"
        self._open.discard(self.key)
        self.answered(outcome.decided_at, "" if self.next_waiting() else self._what_next())

    def _what_next(self) -> str:
        left, met = len(self._open), len(self._open & set(self._met))
        if not left:
            return "all settled; both readers find it in their inbox"
        return f"{left} left, sent to the meeting" if left == met else f"{left - met} left to settle: this one"

    def do_choose(self) -> None:
        self._may_settle()
        keys = self.keymap.keys["choose"]
        if self.pressed not in keys:
            raise Refused(f"press {' or '.join(keys)}: which reader is right")
        at = keys.index(self.pressed)
        side = self.question.sides[at]
        title = f"{NAMES[at]} is right: {self._told_side(side, self.key)}. What was the error?"
        choice: Literal["A", "B"] = "A" if side.label == "A" else "B"
        self.ask_class(title, lambda error: self._settle(choice, error))

    def do_third(self) -> None:
        self._may_settle()
        row = self._current
        if row is not None:
            self.ask_value(row, self._third)

    def _third(self, stated: Stated) -> None:
        self.ask_class(
            "neither is right. What was the error?", lambda error: self._settle("third", error, said(stated))
        )

    def do_unresolvable(self) -> None:
        self._may_settle()
        self.ask_class(
            "the record leaves it open. What was the error?", lambda error: self._settle("unresolvable", error)
        )

    def do_meeting(self) -> None:
        self._may_settle()

        def send(note: str | None) -> None:
            if note is not None:
                self.attempt(lambda: self._sent(note))

        title = "To the meeting: what is to be talked about?"
        self.app.push_screen(LinePrompt(self.keymap, self.palette, title, hint="enter sends it   esc leaves"), send)

    def _sent(self, note: str) -> None:
        self.work.meet(self.question, note)
        self.reread()
        self.answered(self.session.now(), "" if self.next_waiting() else self._what_next())

    def do_comment(self) -> None:
        self._may_settle()
        self.ask_comment("Told to both readers with the outcome", self.keep_comment)

    def do_next_open(self) -> None:
        following = self.next_waiting() or next((one for one in self.waiting if one != self.key), None)
        if following is None:
            self.say(self._what_next())
        else:
            self.go_to(following)


def _rows_of(text: str, width: int) -> list[str]:
    rows = wrap(text, max(1, width))
    return [text[start:end].strip() for start, end in zip(rows.starts, rows.ends, strict=True)] or [""]


def _choice(side: "Side") -> Choice:
    return Choice(
        side.value or "",
        Assertion(side.assertion),
        side.date,
        side.end_date,
        side.attributes,
        side.evidence,
        confidence=1.0,
    )
