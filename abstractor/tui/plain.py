"""The review for screen readers and dumb terminals: one row at a time, told in words, the same keys each followed by enter.

It goes through the same `review.session` as the screen, so every guard but the dwell is the same; nothing is overwritten or moved, no
cursor is addressed. A method `do_ID` for each action of the table that makes sense without a screen.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TextIO

from abstractor.model.decision import Decision
from abstractor.model.errors import AbstractorError, InputError, NotAllowed
from abstractor.model.finding import Assertion
from abstractor.model.suggestion import Evidence
from abstractor.registry.engine import Registry
from abstractor.registry.worklist import WorklistRow, worklist
from abstractor.review.attributes import read_attributes
from abstractor.review.config import ReviewConfig
from abstractor.review.filters import filter_rows, parse_filter
from abstractor.review.ordering import next_open
from abstractor.review.refused import Refused
from abstractor.review.rows import Row
from abstractor.review.session import REASONS, Session
from abstractor.review.timeline import timeline
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.lanes import load_lanes
from abstractor.rulebook.schema import Code, FieldSpec
from abstractor.tui.actions import BY_ID, REVIEW, Keymap, actions_of
from abstractor.tui.plain_reading import PlainReading
from abstractor.tui.plain_talk import Talk
from abstractor.tui.safe import safe
from abstractor.tui.screens.problems import SEVERITY_WORDS
from abstractor.tui.widgets.note import STATE_WORDS

_ORDERS = ("item", "confidence", "note")
_TEXTS = {
    "reject": "WHY",
    "defer": "WHY",
    "edit": "VALUE; date=2021-03; until=2021; absent",
    "take": "VALUE",
    "comment": "WORDS",
    "find": "WORDS, or /WORDS for all notes",
    "filter": "FILTER",
    "new_fact": "FIELD",
    "reopen": "WHY",
    "override": "WHY",
}
"""What may be typed behind the key of an action."""


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
    """Reviews patients line by line: first the one named, else the first of the worklist that has work and is free.

    Returns:
        The exit code.

    Raises:
        InputError: no patient is named and none has work; changed keys clash.
    """
    commands = iter(lines)
    keymap = Keymap((config or ReviewConfig()).keys)
    wanted = patient_id or _neighbour(worklist(registry, user, clock), user, None, 1)
    if wanted is None:
        raise InputError("no patient has work; name one to look at it")
    while wanted is not None:
        session = Session(registry, rulebook, wanted, user, clock, config)
        told = _claim(session)
        if told:
            out.write(f"read only: {safe(told)}\n")
        review = PlainReview(session, out, keymap)
        review.run(commands)
        if review.step:
            rows = worklist(registry, user, clock)
            wanted = _neighbour(rows, user, wanted, review.step)
            if wanted is None:
                out.write("no further patient with work\n")
        else:
            wanted = review.wanted
    return 0


def _claim(session: Session) -> str:
    """Takes the patient; where it can't be taken it is only read, and why is handed back."""
    try:
        lease = session.hold.claim()
    except NotAllowed as error:
        session.hold.read_only = True
        return str(error)
    return "" if lease.mine else f"{lease.holder} holds this patient"


def _neighbour(rows: Sequence[WorklistRow], user: str, of: str | None, step: int) -> str | None:
    """The next patient with work that nobody else is at, and that is not somebody else's; None where there is none."""
    ids = [row.patient_id for row in rows]
    at = ids.index(of) if of in ids else -1
    ring = [*rows[at + 1 :], *rows[: max(at, 0)]][::step]
    free = (row.patient_id for row in ring if row.has_work and row.is_open_to(user))
    return next(free, None)


class PlainReview:
    """One patient, line by line."""

    def __init__(self, session: Session, out: TextIO, keymap: Keymap | None = None) -> None:
        self.session = session
        self.keymap = keymap or Keymap(session.config.keys)
        self.step = 0
        """1 or -1 when the next or previous patient is wanted."""
        self.wanted: str | None = None
        """The patient that was chosen from the worklist."""
        self.filter = ""
        first = session.after(None) or next(iter(session.rows), None)
        self.slot = first.slot if first is not None else None
        self.span_at = 0
        self.talk = Talk(out)
        self.reading = PlainReading(session.notes, self.talk, self.keymap, session.config.plain_lines)
        self._done = False
        self._asked_to_close = False

    def run(self, lines: Iterable[str]) -> int:
        """Reads commands until the end of the input, or until this patient is left; returns the exit code."""
        self.talk.lines = iter(lines)
        help_key = self.keymap.shown("help")
        self.talk.tell(
            f"{self.session.patient_id}: {len(self.session.notes.all)} notes, {len(self.session.rows)} rows. {help_key} helps"
        )
        if self.session.unread:
            self.talk.tell(self.session.unread)
        self._tell_row()
        for line in self.talk.lines:
            try:
                self._do(line.rstrip("\r\n"))
            except AbstractorError as error:
                self.talk.tell(self._unsaved(str(error)))
            if self._done:
                break
        self.session.hold.release()
        return 0

    def _unsaved(self, said: str) -> str:
        if not self.session.writer.unsaved:
            return said
        return f"NOT SAVED: {said}. {self.keymap.shown('close')} tries again, {self.keymap.shown('export_unsaved')} to a file"

    def _do(self, command: str) -> None:
        name, text = self._read(command)
        if name != "close":
            self._asked_to_close = False
        act: Callable[[str], None] | None = getattr(self, f"do_{name}", None)
        if act is not None:
            act(text)
        elif name in BY_ID:
            self.talk.tell(f"{BY_ID[name].label or name}: on the screen only")
        else:
            self.talk.tell(f"{command[:20]!r} is no command; {self.keymap.shown('help')} helps")

    def _read(self, command: str) -> tuple[str, str]:
        """What a line asks for: the id of an action, and what was typed behind its key. `:id text` works for every action."""
        if command.startswith(":"):
            name, _, text = command[1:].partition(" ")
            return name, text.strip()
        if not command.strip():
            return self.keymap.action(REVIEW, "space" if command else "enter") or "", ""
        first, text = command[0], command[1:]
        for second, name in self.keymap.follows(REVIEW, first):
            if text.lstrip().startswith(second):
                return name, text.lstrip()[len(second) :].strip()
        name = self.keymap.action(REVIEW, first) or ""
        return name, (first if name == "pick" else text.strip())

    # What is current

    @property
    def row(self) -> Row | None:
        return next((row for row in self.session.rows if row.slot == self.slot), None)

    @property
    def listed(self) -> tuple[Row, ...]:
        return filter_rows(self.session.rows, self.filter)

    def _here(self) -> Row:
        row = self.row
        if row is None:
            raise Refused("there is no row here")
        return row

    def _go(self, slot: str) -> None:
        self.slot, self.span_at = slot, 0
        self._tell_row()

    # Help and leaving

    def do_help(self, _text: str) -> None:
        self.talk.tell("Each command is a key and enter; what is in capitals may follow the key.")
        for action in actions_of(REVIEW):
            if hasattr(self, f"do_{action.id}"):
                more = f" {_TEXTS[action.id]}" if action.id in _TEXTS else ""
                self.talk.tell(f"  {self.keymap.all_shown(action.id)}{more}: {action.says}")

    def do_back(self, _text: str) -> None:
        self._require_saved()
        self._done = True

    def do_quit(self, _text: str) -> None:
        self.do_back("")

    def do_next_patient(self, _text: str) -> None:
        self._require_saved()
        self.step, self._done = 1, True

    def do_previous_patient(self, _text: str) -> None:
        self._require_saved()
        self.step, self._done = -1, True

    def do_worklist(self, _text: str) -> None:
        self._require_saved()
        rows = worklist(self.session.registry, self.session.user, self.session.now)
        told = [
            f"{row.patient_id}: {row.notes} notes, {row.undecided} to do"
            + (
                ", closed"
                if row.closed
                else f", held by {row.holder}"
                if row.holder not in {None, self.session.user}
                else ""
            )
            for row in rows
        ]
        chosen = self.talk.choose("Which patient?", rows, told)
        if chosen is not None:
            self.wanted, self._done = chosen.patient_id, True

    def _require_saved(self) -> None:
        if self.session.writer.unsaved:
            raise Refused("something is not saved yet")

    # Rows

    def do_down(self, _text: str) -> None:
        self._step_row(1)

    def do_up(self, _text: str) -> None:
        self._step_row(-1)

    def do_top(self, _text: str) -> None:
        self._step_row(-len(self.session.rows))

    def do_bottom(self, _text: str) -> None:
        self._step_row(len(self.session.rows))

    def do_repaint(self, _text: str) -> None:
        self.session.reload()
        self._tell_row()

    def _step_row(self, step: int) -> None:
        rows = self.listed
        at = next((number for number, row in enumerate(rows) if row.slot == self.slot), 0)
        if rows:
            self._go(rows[max(0, min(at + step, len(rows) - 1))].slot)

    def do_filter(self, text: str) -> None:
        parse_filter(text)
        self.filter = text
        rows = self.listed
        self.talk.tell(f"{len(rows)} of {len(self.session.rows)} rows" + ("" if rows or not text else "; F shows all"))
        if rows and all(row.slot != self.slot for row in rows):
            self._go(rows[0].slot)

    def do_unfilter(self, _text: str) -> None:
        self.do_filter("")

    def do_order(self, _text: str) -> None:
        self.session.reorder(_ORDERS[(_ORDERS.index(self.session.order) + 1) % len(_ORDERS)])
        self.talk.tell(f"ordered by {self.session.order}")

    # Deciding

    def do_accept(self, _text: str) -> None:
        self.session.accept(self.slot or "")
        self._advance()

    def do_reject(self, text: str) -> None:
        self.session.reject(self.slot or "", text)
        self._advance()

    def do_reject_why(self, _text: str) -> None:
        row = self._here()
        reason = self.talk.choose("Reject, because?", REASONS, REASONS)
        if reason is not None:
            self.session.reject(row.slot, reason)
            self._advance()

    def do_defer(self, text: str) -> None:
        self.session.defer(self.slot or "", text)
        self._advance()

    def do_pick(self, text: str) -> None:
        if not text.isdigit():
            raise Refused("write the number of a value")
        self.session.pick(self.slot or "", int(text))
        self._advance()

    def do_not_documented(self, _text: str) -> None:
        self.session.not_documented(self.slot or "")
        self._advance()

    def do_accept_alike(self, _text: str) -> None:
        row = self._here()
        rows = self.session.alike(row.slot)
        if not rows:
            raise Refused("nothing here to accept")
        if self.talk.yes(f"Accept {len(rows)} rows: {row.spec.label} {row.shown}?"):
            self.session.accept_alike(row.slot)
            self._advance()

    def do_comment(self, text: str) -> None:
        self.session.comment(self._here().slot, text)
        self.talk.tell("saved")

    def do_undo(self, _text: str) -> None:
        self._stepped(self.session.undo(), "undone")

    def do_redo(self, _text: str) -> None:
        self._stepped(self.session.redo(), "done again")

    def _stepped(self, decisions: Sequence[Decision], word: str) -> None:
        """To the first of what one key had decided."""
        if len(decisions) > 1:
            self.talk.tell(f"{word}: {len(decisions)} rows")
        self._go(decisions[0].slot)

    def _advance(self) -> None:
        following = next_open(self.listed, self.slot)
        closes = self.keymap.shown("close")
        self.talk.tell("saved" if following is not None else f"saved; all decided, {closes} closes the patient")
        if following is not None:
            self._go(following.slot)

    # Values by hand

    def do_edit(self, text: str) -> None:
        """`VALUE; date=2021-03; until=2021; absent; dose_gy=45`: what is not named stays as it is suggested."""
        row = self._here()
        self._edit(row, text, None)

    def do_take(self, text: str) -> None:
        """The match as the value, or as the words that the typed value rests on."""
        row, evidence = self._here(), self.reading.match()
        self._edit(row, text or " ".join(evidence.text.split()), (evidence,))

    def do_attach(self, _text: str) -> None:
        self.session.attach(self._here().slot, self.reading.match())
        self.talk.tell("kept as evidence of this row")

    def do_new_fact(self, text: str) -> None:
        wanted = text.casefold()
        specs = [spec for spec in self.session.book.fields.values() if wanted in f"{spec.name} {spec.label}".casefold()]
        exact = [spec for spec in specs if wanted in {spec.name.casefold(), spec.label.casefold()}]
        names = [f"{spec.label} ({spec.name})" for spec in specs]
        spec = exact[0] if exact else self.talk.choose("Which field?", specs, names)
        if spec is None:
            return
        value = self.talk.ask(f"{spec.label}: value? {spec.hint}")
        if value:
            evidence = (self.reading.match(),) if self.reading.found else ()
            stated, assertion, dates, attributes = self._stated(spec, value)
            decision = self.session.add(
                spec.name,
                stated,
                assertion=assertion or Assertion.PRESENT,
                date=dates.get("date"),
                end_date=dates.get("until"),
                evidence=evidence,
                attributes=attributes,
            )
            self.talk.tell(f"added: {spec.label} {spec.label_of(decision.value)}")

    def _edit(self, row: Row, text: str, evidence: tuple[Evidence, ...] | None) -> None:
        first = row.decision if row.decision is not None and row.decision.value else next(iter(row.choices), None)
        value, assertion, dates, attributes = self._stated(row.spec, text)
        assertion = assertion or (first.assertion if first is not None else Assertion.PRESENT)
        decision = self.session.edit(
            row.slot,
            value,
            assertion=assertion,
            date=dates.get("date", first.date if first is not None else row.date),
            end_date=dates.get("until", first.end_date if first is not None else None),
            evidence=evidence,
            attributes=attributes,
        )
        read = self.session.row(decision.slot).read_as
        if read:
            self.talk.tell(f"saved; its words were read as {read}, + adds those that say {decision.value}")
        self._advance()

    def _stated(
        self, spec: FieldSpec, text: str
    ) -> tuple[str, Assertion | None, dict[str, str], dict[str, object] | None]:
        """What was typed, in parts: value, whether it is said to be absent, dates, other attributes.

        Raises:
            Refused: no value was typed or chosen.
        """
        typed, *parts = (part.strip() for part in text.split(";"))
        assertion: Assertion | None = None
        dates: dict[str, str] = {}
        more: list[str] = []
        for part in parts:
            name, _, said = part.partition("=")
            if part == "absent":
                assertion = Assertion.ABSENT
            elif name.strip() in {"date", "until"}:
                dates[name.strip()] = said.strip()
            elif part:
                more.append(part)
        return self._picked(spec, typed), assertion, dates, read_attributes("; ".join(more), {}) if more else None

    def _picked(self, spec: FieldSpec, typed: str) -> str:
        """What was typed, if the field takes it; else one of the codes that fit it."""
        session = self.session
        if typed and not session.reader.read(spec, typed, session.year).problem:
            return typed
        codes: Sequence[Code] = session.reader.matching(spec, typed)
        chosen = (
            self.talk.choose(f"{spec.label}: which?", codes, [f"{code.label} ({code.code})" for code in codes])
            if codes
            else None
        )
        if chosen is None and (codes or not typed):
            raise Refused(f"nothing changed. {spec.hint}".strip())
        return chosen.code if chosen is not None else typed

    # The patient

    def do_close(self, _text: str) -> None:
        if self.session.writer.unsaved:
            self.session.writer.retry()
            self._advance()
            return
        waiting = self.session.blocking
        if waiting and not (self.session.config.close_open and self._asked_to_close):
            self.talk.tell(f"{len(waiting)} open: {', '.join(row.spec.label for row in waiting)}")
            if self.session.config.close_open:
                self.talk.tell(f"{self.keymap.shown('close')} again closes all the same")
            self._asked_to_close = True
            self._go(waiting[0].slot)
            return
        self.session.close()
        self.talk.tell("closed")
        self.step, self._done = 1, True

    def do_reopen(self, text: str) -> None:
        if not self.session.case.closed:
            raise Refused("the patient is not closed")
        self.session.reopen(text or self.talk.ask("Reopen, because?"))
        self.talk.tell("open again")

    def do_take_over(self, _text: str) -> None:
        lease = self.session.hold.claim(take_over=True)
        self.session.reload()
        self.talk.tell("the patient is yours" if lease.mine else f"{lease.holder} holds it")

    def do_export_unsaved(self, _text: str) -> None:
        from pathlib import Path

        from abstractor.review.unsaved import write_unsaved

        if not self.session.writer.unsaved:
            raise Refused("everything is saved")
        self.talk.tell(
            f"written to {write_unsaved(self.session.writer.unsaved, Path.cwd()).name} in the current folder"
        )

    def do_problems(self, _text: str) -> None:
        found = self.session.problems.standing
        for one in found:
            self.talk.tell(f"  {one.check}, {one.severity}: {one.message}")
        self.talk.tell(f"{len(found)} problems")

    # Looking back

    def do_history(self, _text: str) -> None:
        done = self.session.history(self._here().slot)
        for one in done:
            said = f" ({one.reason})" if one.reason else ""
            self.talk.tell(
                f"  {one.decided_at[:16].replace('T', ' ')} {one.decided_by}: {one.action} {one.value}{said}"
            )
        self.talk.tell(f"{len(done)} decisions")

    def do_timeline(self, _text: str) -> None:
        told = timeline(self.session.rows, self.session.notes.all, load_lanes(self.session.book.root))
        for event in told.events:
            state = f", {STATE_WORDS[event.state]}" if event.state is not None else ""
            self.talk.tell(f"  {event.shown} {event.lane}: {event.text}{state}")
        for interval in told.intervals:
            self.talk.tell(f"  {interval}")

    # Notes

    def do_next_note(self, _text: str) -> None:
        self.reading.step_note(1)

    def do_previous_note(self, _text: str) -> None:
        self.reading.step_note(-1)

    def do_note_down(self, _text: str) -> None:
        self.reading.read_on(0)

    def do_note_up(self, _text: str) -> None:
        self.reading.read_on(-2)

    def do_next_evidence(self, _text: str) -> None:
        self._step_span(1)

    def do_previous_evidence(self, _text: str) -> None:
        self._step_span(-1)

    def _step_span(self, step: int) -> None:
        spans = self._here().evidence
        if not spans:
            raise Refused("no evidence for this row")
        self.span_at = (self.span_at + step) % len(spans)
        self.talk.tell(f"evidence {self.span_at + 1} of {len(spans)}")
        self.reading.tell_evidence(spans[self.span_at])
        self.reading.stand_at(spans[self.span_at].note_id, spans[self.span_at].start)

    def do_find(self, text: str) -> None:
        self.reading.find(text)

    def do_next_match(self, _text: str) -> None:
        self.reading.step_match(1)

    def do_previous_match(self, _text: str) -> None:
        self.reading.step_match(-1)

    # Telling

    def _tell_row(self) -> None:
        row = self.row
        if row is None:
            self.talk.tell("no rows")
            return
        changed = f"; {row.changed}" if row.changed else ""
        decided = f"{self.session.decided} of {len(self.session.rows)} decided"
        self.talk.tell(f"{row.spec.label}: {STATE_WORDS[row.state]}{changed}. {decided}")
        for number, choice in enumerate(row.choices, 1):
            when = f" on {choice.date}" if choice.date else ""
            self.talk.tell(f"  {number}: {choice.told(row.spec.label_of)}{when}, confidence {choice.confidence:.2f}")
        if row.decision is not None and row.decision.value:
            self.talk.tell(f"  decided: {row.shown}, by {row.decision.decided_by}")
        if row.read_as:
            self.talk.tell(f"  its words were read as {row.read_as}")
        for problem in self.session.problems.standing:
            if row.slot in problem.slots:
                self.talk.tell(f"  {SEVERITY_WORDS[problem.severity]} {problem.check}: {problem.message}")
        for comment in row.comments:
            self.talk.tell(f"  comment of {comment.decided_by}: {comment.reason}")
        for one in row.evidence[:2]:
            self.reading.tell_evidence(one)
        if len(row.evidence) > 2:
            self.talk.tell(
                f"  and {len(row.evidence) - 2} more places; {self.keymap.shown('next_evidence')} reads them"
            )
