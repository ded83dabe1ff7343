"""The review for screen readers and dumb terminals: one row at a time, told in words, the same keys each followed by enter.

It goes through the same `review.session` as the screen, so every guard but the dwell is the same; nothing is overwritten or moved.
"""

from collections.abc import Callable
from typing import TextIO

from abstractor.model.errors import AbstractorError, InputError
from abstractor.registry.engine import Registry
from abstractor.registry.worklist import worklist
from abstractor.review.config import ReviewConfig
from abstractor.review.ordering import next_open
from abstractor.review.rows import Row
from abstractor.review.session import Session
from abstractor.rulebook.book import RuleBook
from abstractor.tui.evidence import context_of
from abstractor.tui.safe import safe
from abstractor.tui.widgets.note import STATE_WORDS

_HELP = (
    "a accept, r reject, d defer, 1-9 pick, 0 not documented, e VALUE edit, c TEXT comment, u undo, U redo, "
    "j next, k previous, . more evidence, / WORDS find, enter next open or close, q leave"
)


def run_plain(
    registry: Registry,
    rulebook: RuleBook,
    user: str,
    *,
    patient_id: str | None,
    clock: Callable[[], str],
    lines: TextIO,
    out: TextIO,
    config: ReviewConfig | None = None,
) -> int:
    """Reviews one patient line by line: the one named, else the first of the worklist that has work and is free.

    Returns:
        The exit code.

    Raises:
        InputError: no patient is named and none has work.
    """
    if patient_id is None:
        rows = worklist(registry, user, clock)
        free = (row.patient_id for row in rows if row.undecided and not row.closed and row.holder in {None, user})
        patient_id = next(free, None)
    if patient_id is None:
        raise InputError("no patient has work; name one to look at it")
    session = Session(registry, rulebook, patient_id, user, clock, config)
    lease = session.claim()
    if not lease.mine:
        out.write(safe(f"read only: {lease.holder} holds this patient\n"))
    return PlainReview(session, out).run(lines)


class PlainReview:
    """One patient, line by line."""

    def __init__(self, session: Session, out: TextIO) -> None:
        self.session = session
        self.out = out
        first = session.after(None) or next(iter(session.rows), None)
        self.slot = first.slot if first is not None else None

    def run(self, lines: TextIO) -> int:
        """Reads commands until the end of the input or `q`; returns the exit code."""
        self._tell(
            f"{self.session.patient_id}: {len(self.session.notes)} notes, {len(self.session.rows)} rows. ? helps"
        )
        self._tell_row()
        for line in lines:
            command = line.rstrip("\n")
            if command == "q":
                break
            try:
                done = self._do(command)
            except AbstractorError as error:
                self._tell(str(error))
                continue
            if done:
                break
        self.session.release()
        return 0

    @property
    def row(self) -> Row | None:
        return next((row for row in self.session.rows if row.slot == self.slot), None)

    def _do(self, command: str) -> bool:
        """Does one command; whether the patient is closed."""
        session, slot = self.session, self.slot or ""
        key, text = command[:1], command[1:].strip()
        decide: dict[str, Callable[[], object]] = {
            "a": lambda: session.accept(slot),
            "r": lambda: session.reject(slot, text),
            "d": lambda: session.defer(slot, text),
            "0": lambda: session.not_documented(slot),
            "e": lambda: session.edit(slot, text),
        }
        if key in decide or (key.isdigit() and key != "0"):
            (decide[key] if key in decide else lambda: session.pick(slot, int(key)))()
            self._advance()
        elif key == "c":
            session.comment(slot, text)
            self._tell("saved")
        elif key in {"u", "U"}:
            self.slot = (session.undo() if key == "u" else session.redo()).slot
            self._tell_row()
        elif key in {"j", "k"}:
            self._step(1 if key == "j" else -1)
        elif key == ".":
            self._tell_evidence()
        elif key == "/":
            self._find(text)
        elif command == "":
            return self._close()
        else:
            self._tell(_HELP)
        return False

    def _advance(self) -> None:
        following = next_open(self.session.rows, self.slot)
        self._tell("saved" if following is not None else "saved; all decided, enter closes the patient")
        if following is not None:
            self.slot = following.slot
            self._tell_row()

    def _step(self, step: int) -> None:
        rows = self.session.rows
        at = next((number for number, row in enumerate(rows) if row.slot == self.slot), 0)
        if rows:
            self.slot = rows[max(0, min(at + step, len(rows) - 1))].slot
        self._tell_row()

    def _close(self) -> bool:
        waiting = self.session.blocking
        if waiting and not self.session.config.close_open:
            self._tell(f"{len(waiting)} open: {', '.join(row.spec.label for row in waiting)}")
            self.slot = waiting[0].slot
            self._tell_row()
            return False
        self.session.close()
        self._tell("closed")
        return True

    def _find(self, wanted: str) -> None:
        hits = self.session.search(wanted)
        self._tell(f"{len(hits)} matches")
        for note_id, start, end in hits[:5]:
            text = self.session.text(note_id)
            line = " ".join(text[max(0, start - 40) : end + 40].split())
            self._tell(f"  {note_id}: {line}")

    def _tell_row(self) -> None:
        row = self.row
        if row is None:
            self._tell("no rows")
            return
        state = STATE_WORDS[row.state]
        changed = f"; {row.changed}" if row.changed else ""
        self._tell(f"{row.spec.label}: {state}{changed}. {self.session.decided} of {len(self.session.rows)} decided")
        for number, choice in enumerate(row.choices, 1):
            when = f" on {choice.date}" if choice.date else ""
            self._tell(f"  {number}: {choice.shown}{when}, confidence {choice.confidence:.2f}")
        if row.decision is not None and row.decision.value:
            self._tell(f"  decided: {row.shown}, by {row.decision.decided_by}")
        self._tell_evidence(2)

    def _tell_evidence(self, most: int = 50) -> None:
        row = self.row
        for one in row.evidence[:most] if row is not None else ():
            if self.session.stands(one):
                quote = "".join(context_of(self.session.text(one.note_id), one))
                self._tell(f"  {one.note_type} {(one.note_date or 'undated')[:10]}: {quote}")
            else:
                self._tell(
                    f"  {one.note_type} {(one.note_date or 'undated')[:10]}: evidence moved, the note has changed"
                )

    def _tell(self, text: str) -> None:
        self.out.write(safe(text) + "\n")
        self.out.flush()
