"""What an abstractor does with one patient, without a screen: every action is one committed decision.

All writes go through one method, and none changes what the rows show before the registry has it. The screen, the line mode
and scripts stand on this. It never draws, and never reads a clock or a user name that was not passed in.
"""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from uuid import uuid4

from abstractor.checks.problem import Problem, Severity
from abstractor.checks.run import standing, word_for
from abstractor.model.case import Case
from abstractor.model.decision import STATING, Action, Decision
from abstractor.model.errors import AbstractorError, NotAllowed, RegistryError, StaleCase
from abstractor.model.finding import Assertion
from abstractor.model.suggestion import Evidence, Suggestion
from abstractor.registry.decisions import DecisionLog, RegistryLog
from abstractor.registry.drafts import draft_of, drafts_of, drop_draft, save_draft
from abstractor.registry.engine import Registry
from abstractor.registry.findings import readings_of
from abstractor.registry.leases import Lease, claim, release
from abstractor.registry.notes import StoredNote, note_text, notes_of
from abstractor.registry.readings import read_blind
from abstractor.registry.search import search_notes
from abstractor.registry.suggestions import suggestions_of
from abstractor.review.attributes import NOT_TYPED
from abstractor.review.checking import Checker, as_decision, newly, with_value
from abstractor.review.config import ReviewConfig
from abstractor.review.find import split_wanted
from abstractor.review.ordering import alike, next_open, open_rows, order_rows
from abstractor.review.rows import Choice, Row, State, Verb, build_rows, read_otherwise
from abstractor.review.typed_dates import date_problem, order_problem
from abstractor.review.unread import unread_words
from abstractor.review.values import ValueReader
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.schema import FieldSpec
from abstractor.rulebook.slots import slot_key

REASONS = ("negated", "family", "history", "other tumour", "wrong value", "other")
"""Why something may be rejected, in the order of their digits."""

_KEPT_TEXTS = 8


class Refused(AbstractorError):
    """A guard does not allow this action on this row; nothing was written."""


class Session:
    """One patient under review by one person."""

    def __init__(
        self,
        registry: Registry,
        book: RuleBook,
        patient_id: str,
        user: str,
        clock: Callable[[], str],
        config: ReviewConfig | None = None,
        new_id: Callable[[], str] = lambda: str(uuid4()),
        *,
        log: DecisionLog | None = None,
        suggesting: bool = True,
    ) -> None:
        """Opens a patient.

        Args:
            registry: where notes, suggestions, drafts and leases are.
            book: the rules that the fields come from.
            patient_id: the patient.
            user: who decides.
            clock: gives the time, UTC, ISO 8601.
            config: settings; None takes the defaults.
            new_id: gives the id of a decision.
            log: where decisions are read and written; None: the registry's own. A blind second reading has another.
            suggesting: False hides what the rules found: a reading from the notes alone.

        Raises:
            Refused: this person reads the patient blind, and has not finished: what was decided on it stays hidden.
        """
        if log is None and patient_id in read_blind(registry, user):
            raise Refused(f"patient {patient_id}: you read it blind; the quality desk (g q) opens your second reading")
        self.registry = registry
        self.log: DecisionLog = log if log is not None else RegistryLog(registry)
        self.suggesting = suggesting
        self.book = book
        self.reader = ValueReader(book)
        self.patient_id = patient_id
        self.user = user
        self.config = config or ReviewConfig()
        self._clock = clock
        self._new_id = new_id
        self._text = lru_cache(maxsize=_KEPT_TEXTS)(lambda note_id, _digest: note_text(registry, note_id))
        self._added: dict[str, tuple[Evidence, ...]] = {}
        self.order = self.config.order
        self.lease: Lease | None = None
        self.read_only = False
        """Set by somebody who only wants to look, or whose lease another holds."""
        self.unsaved: tuple[Decision, ...] = ()
        """What could not be written, in order; `retry` writes it under the same action ids."""
        self.notes: tuple[StoredNote, ...] = ()
        self.suggestions: tuple[Suggestion, ...] = ()
        self.unread = ""
        """What the suggestions do not rest on; "" where the rules have read every note."""
        self.case = Case(patient_id)
        self.rows: tuple[Row, ...] = ()
        self._checker: Checker | None = None
        self._problems: tuple[Problem, ...] | None = None
        self._today: datetime.date | None = None
        self.reload()

    # What there is

    def reload(self) -> None:
        """Reads everything about the patient anew; what was attached and not decided stays attached."""
        self.notes = notes_of(self.registry, self.patient_id)
        self.suggestions = suggestions_of(self.registry, self.patient_id) if self.suggesting else ()
        self.unread = ""
        if self.suggesting:
            readings = readings_of(self.registry, self.patient_id)
            self.unread = unread_words(readings, self.book.version, suggesting=bool(self.suggestions))
        self._settle()

    def _settle(self) -> None:
        self.case = self.log.case_of(self.patient_id)
        self._arrange()

    def _arrange(self) -> None:
        rows = build_rows(self.suggestions, self.case, self.book.fields, self._added)
        self.rows = order_rows(rows, self.book.fields, self.order, self.config.low_confidence, self.config.first)
        self._problems = None

    def reorder(self, order: str) -> None:
        """Sorts the rows another way: `item`, `confidence` or `note`."""
        self.order = order
        self._arrange()

    def row(self, slot: str) -> Row:
        """The row of a slot.

        Raises:
            Refused: there is no such row (any more).
        """
        for row in self.rows:
            if row.slot == slot:
                return row
        raise Refused("this row is not there any more; press ctrl+l")

    def value_of(self, field: str) -> str:
        """What is known of a field with one answer: what was decided, else the one thing suggested; "" for nothing."""
        row = next((row for row in self.rows if row.slot == field), None)
        if row is None:
            return ""
        if row.decision is not None:
            return row.decision.value if row.decision.action in STATING else ""
        return row.choices[0].value if len(row.choices) == 1 else ""

    @property
    def year(self) -> int | None:
        """The year of the diagnosis, as far as it is known: it tells the edition of the TNM classification."""
        first = self.value_of("diagnosis_date")[:4]
        return int(first) if first.isdecimal() else None

    def remarks(self, spec: FieldSpec, value: str, attributes: Mapping[str, object]) -> tuple[str, ...]:
        """What follows from a value that is being typed, one line each: the stage group of T, N and M."""
        if spec.entry != "tnm":
            return ()
        known = {one: self.value_of(one) for one in ("stage.t", "stage.n", "stage.m")} | {spec.name: value}
        edition = attributes.get("edition")
        group = self.reader.groups(self.year, edition, known["stage.t"], known["stage.n"], known["stage.m"])
        return (f"{' '.join(one for one in known.values() if one)} is stage {group}",) if group else ()

    def now(self) -> str:
        """The time on the clock that was passed in: UTC, ISO 8601."""
        return self._clock()

    @property
    def decided(self) -> int:
        return sum(not row.open for row in self.rows)

    @property
    def blocking(self) -> tuple[Row, ...]:
        """The rows that are still open, in order."""
        return open_rows(self.rows)

    def after(self, slot: str | None) -> Row | None:
        """The row to go to after a decision on `slot`."""
        return next_open(self.rows, slot)

    def note(self, note_id: str) -> StoredNote | None:
        return next((note for note in self.notes if note.note_id == note_id), None)

    def text(self, note_id: str) -> str:
        """The latest text of a note, to the letter."""
        note = self.note(note_id)
        return self._text(note_id, note.sha256 if note is not None else "")

    def stands(self, evidence: Evidence) -> bool:
        """Whether the quoted words still stand where they were found."""
        note = self.note(evidence.note_id)
        if note is None:
            return False
        if evidence.note_sha256 and evidence.note_sha256 == note.sha256:
            return True
        return self.text(evidence.note_id)[evidence.start : evidence.end] == evidence.text

    def history(self, slot: str) -> tuple[Decision, ...]:
        """Everything that was ever done with a slot, undone or not, oldest first."""
        return tuple(one for one in self.log.decisions_of(self.patient_id) if one.slot == slot)

    # What can't be right

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What the edit checks find in what stands now, the fatal ones first; what was let pass with a word is among them."""
        if self._problems is None:
            self._problems = self._check(self.case, self.rows)
        return self._problems

    @property
    def standing_problems(self) -> tuple[Problem, ...]:
        """The problems that nobody has let pass."""
        return standing(self.problems, self.case)

    @property
    def fatal(self) -> tuple[Problem, ...]:
        """What keeps the patient from being closed. The reading of a second person is no record, and never kept open."""
        if not isinstance(self.log, RegistryLog):
            return ()
        return tuple(one for one in self.problems if one.severity is Severity.FATAL)

    def word_for(self, problem: Problem) -> str:
        """The word with which somebody let a problem pass; "" where nobody has."""
        return word_for(problem, self.case)

    def would_fire(
        self,
        row: Row,
        value: str,
        *,
        assertion: Assertion = Assertion.PRESENT,
        date: str | None = None,
        end_date: str | None = None,
        attributes: Mapping[str, object] | None = None,
    ) -> tuple[Problem, ...]:
        """The problems that a value would bring with it; what it rests on is not looked at before it is saved."""
        if row.spec.kind == "date" and row.spec.slot == "event":
            date = value
        like = next((one for one in row.choices if one.value == value and one.assertion is assertion), None)
        kept = attributes if attributes is not None else (like.attributes if like is not None else {})
        stated = as_decision(row, value, assertion=assertion, date=date, end_date=end_date, attributes=kept)
        others = tuple(one for one in self.rows if one.slot != row.slot)
        after = self._check(with_value(self.case, row, stated), others)
        return tuple(one for one in newly(self.problems, after) if one.check != "E30")

    def override(self, problem: Problem, word: str) -> Decision:
        """Says that the values a check warns of are right as reported; void as soon as one of them changes.

        Raises:
            Refused: the problem is fatal, or no word is given.
        """
        self._writable()
        if problem.severity is Severity.FATAL:
            raise Refused(f"{problem.check} is fatal: it can't be let pass; change a value, or reject it")
        if not word.strip():
            raise Refused("a word is needed: why it is right as reported")
        return self._write(
            Decision(
                action_id=self._new_id(),
                patient_id=self.patient_id,
                slot=problem.slot,
                action=Action.OVERRIDE,
                decided_by=self.user,
                decided_at=self._clock(),
                field=problem.check,
                reason=word.strip(),
                rulebook=self.book.version,
            )
        )

    def _check(self, case: Case, rows: tuple[Row, ...]) -> tuple[Problem, ...]:
        if self._checker is None:
            self._checker = Checker(self.book)
        if self._today is None:
            self._today = datetime.date.fromisoformat(self._clock()[:10])
        cutoff = datetime.date.fromisoformat(self.config.data_cutoff) if self.config.data_cutoff else None
        return self._checker.problems(case, rows, self.notes, self._today, stands=self.stands, cutoff=cutoff)

    # Finding and quoting

    def search(self, wanted: str, cancelled: Callable[[], bool] = lambda: False) -> list[tuple[str, int, int]]:
        """Where words occur in all notes of the patient; a leading backslash makes a regular expression."""
        pattern, is_expression = split_wanted(wanted)
        return search_notes(self.registry, self.patient_id, pattern, is_expression, cancelled) if pattern else []

    def quote(self, note_id: str, start: int, end: int) -> Evidence:
        """Selected words of a note, as evidence.

        Raises:
            Refused: nothing but white space is selected.
        """
        text = self.text(note_id)
        while start < end and text[start].isspace():
            start += 1
        while end > start and text[end - 1].isspace():
            end -= 1
        note = self.note(note_id)
        if start == end or note is None:
            raise Refused("nothing is selected; `v` starts a selection")
        return Evidence(
            note_id, start, end, text[start:end], note.sha256, note.note_date, note.note_type, confidence=1.0
        )

    # Who works on it

    def claim(self, *, take_over: bool = False, active: bool = True) -> Lease:
        """Takes or renews the lease; held by somebody else, the session becomes read-only.

        Args:
            take_over: take it from another, who must have been idle for long unless the settings make this person a supervisor.
            active: False renews it for an open program whose user does nothing.
        """
        self.lease = claim(
            self.registry,
            self.patient_id,
            self.user,
            minutes=self.config.lease_minutes,
            take_over=take_over,
            idle_minutes=self.config.idle_minutes or float("inf"),
            supervisor=self.config.supervisor,
            active=active,
            clock=self._clock,
        )
        self.read_only = not self.lease.mine
        return self.lease

    def release(self) -> None:
        """Gives the patient back."""
        if self.lease is not None and self.lease.mine:
            release(self.registry, self.patient_id, self.user)

    # Decisions

    def accept(self, slot: str) -> Decision:
        """Takes the one value that is suggested."""
        row = self._allowed(slot, Verb.ACCEPT)
        choice = row.choices[0]
        action = row.decision.action if row.decision and choice.origin == "standing" else Action.ACCEPT
        return self._decide(row, action, choice)

    def accept_alike(self, slot: str) -> tuple[Decision, ...]:
        """Takes the same value in all rows that ask the same of other dates or notes."""
        if not self.config.bulk_accept:
            raise Refused("accepting several at once is switched off here")
        self._allowed(slot, Verb.ACCEPT)
        return tuple(self.accept(row.slot) for row in self.alike(slot))

    def alike(self, slot: str) -> tuple[Row, ...]:
        """The rows that `accept_alike` takes: those whose words still stand and are believed, and the row itself."""
        row = self.row(slot)
        limit = self.config.low_confidence
        return tuple(
            one
            for one in alike(self.rows, row)
            if one.slot == slot or (one.confidence >= limit and (not one.evidence or self._standing(one.evidence)))
        )

    def pick(self, slot: str, number: int) -> Decision:
        """Takes one of the values by its number, counted from 1; the only one there is counts as accepted."""
        row = self._allowed(slot, Verb.PICK)
        if not 1 <= number <= len(row.choices):
            raise Refused(f"there is no value {number} here; there are {len(row.choices)}")
        choice = row.choices[number - 1]
        if choice.origin == "standing" and row.decision is not None:
            return self._decide(row, row.decision.action, choice)
        return self._decide(row, Action.PICK if row.conflict else Action.ACCEPT, choice)

    def reject(self, slot: str, reason: str = "") -> Decision:
        """Says that none of the suggested values is right; no reason is asked for."""
        row = self._allowed(slot, Verb.REJECT)
        return self._decide(row, Action.REJECT, _rejected(row), reason=reason)

    def defer(self, slot: str, reason: str = "") -> Decision:
        """Leaves the row for later."""
        row = self._allowed(slot, Verb.DEFER)
        return self._decide(row, Action.DEFER, _rejected(row), reason=reason)

    def not_documented(self, slot: str) -> Decision:
        """States that the record does not say."""
        row = self._allowed(slot, Verb.NOT_DOCUMENTED)
        return self._decide(row, Action.NOT_DOCUMENTED, Choice("", Assertion.PRESENT))

    def edit(
        self,
        slot: str,
        value: str,
        *,
        assertion: Assertion = Assertion.PRESENT,
        date: str | None = None,
        end_date: str | None = None,
        evidence: tuple[Evidence, ...] | None = None,
        attributes: Mapping[str, object] | None = None,
    ) -> Decision:
        """Gives the row another value.

        Args:
            slot: the row.
            value: code, label or synonym; text that fits the field's pattern.
            assertion: `absent` is taken for fields where it counts.
            date: partial ISO date of the event, or of its start.
            end_date: partial ISO date of its end.
            evidence: the words it rests on; None keeps those of `kept_words`.
            attributes: such as the drugs of a line; None keeps those of the suggestion of that value.

        Raises:
            Refused: the value or a date does not fit; nothing was written.
        """
        row = self._allowed(slot, Verb.EDIT)
        if row.spec.slot != "patient" and row.decision is None and not row.choices:
            # a required field that asks for more than one answer: its row is only a reminder
            return self.add(
                row.spec.name,
                value,
                assertion=assertion,
                date=date,
                end_date=end_date,
                evidence=evidence or (),
                attributes=attributes,
            )
        choice = self._stated(row.spec, value, assertion, date, end_date, attributes)
        like = next((one for one in row.choices if one.value == choice.value and one.assertion is assertion), None)
        spans = (*row.added, *evidence) if evidence is not None else self.kept_words(row, choice.value, assertion)
        untyped = dict(like.attributes) if like is not None else {}
        if attributes is None:
            attributes = untyped
        else:
            attributes = {key: one for key, one in untyped.items() if key in NOT_TYPED} | dict(attributes)
        attributes = _with_days({**choice.attributes, **attributes}, row.decision or like, choice)
        action = Action.ADD if row.state is State.MISSING and not row.choices else Action.EDIT
        return self._decide(row, action, replace(choice, evidence=spans, attributes=attributes))

    def kept_words(self, row: Row, value: str, assertion: Assertion = Assertion.PRESENT) -> tuple[Evidence, ...]:
        """The words that an edit rests on when none were selected for it.

        Those of the same value, decided or suggested, and what was attached. Another value rests on what was attached; without
        that on the row's words, which were read as something else (`read_as` tells): a person may read them better than a rule.
        """
        same = [one for one in (row.decision, *row.choices) if one is not None and one.evidence]
        same = [one for one in same if (one.value, one.assertion) == (value, assertion)]
        best = next((one for one in same if self._standing(one.evidence)), next(iter(same), None))
        if best is not None:
            return (*row.added, *(span for span in best.evidence if span not in row.added))
        return row.added or row.evidence

    def read_as(self, row: Row, value: str, assertion: Assertion = Assertion.PRESENT) -> str:
        """What the words of `kept_words` say instead of a value, in words; "" where they were read as it, or can be."""
        spans = self.kept_words(row, value, assertion)
        if assertion is Assertion.PRESENT and any(
            self.reader.read_selected(row.spec, span.text) == value for span in spans
        ):
            return ""
        return read_otherwise(row, value, assertion, spans)

    def add(
        self,
        field: str,
        value: str,
        *,
        assertion: Assertion = Assertion.PRESENT,
        date: str | None = None,
        end_date: str | None = None,
        evidence: tuple[Evidence, ...] = (),
        attributes: Mapping[str, object] | None = None,
    ) -> Decision:
        """Adds a fact that no rule had found; where its question is a row already, that row gets the value.

        Raises:
            Refused: unknown field, or the value or a date does not fit; nothing was written.
        """
        spec = self.book.fields.get(field)
        if spec is None:
            raise Refused(f"there is no field {field!r}")
        choice = self._stated(spec, value, assertion, date, end_date, attributes)
        slot = slot_key(spec, choice.value, assertion, choice.date)
        if any(row.slot == slot for row in self.rows):
            return self.edit(
                slot,
                value,
                assertion=assertion,
                date=date,
                end_date=end_date,
                evidence=evidence,
                attributes=attributes,
            )
        self._writable()
        return self._decide(
            Row(slot, spec),
            Action.ADD,
            replace(choice, evidence=evidence, attributes={**choice.attributes, **(attributes or {})}),
        )

    def attach(self, slot: str, evidence: Evidence) -> Decision | None:
        """Adds words to what a row rests on: at once where it is decided, else with its decision."""
        self._writable()
        row = self.row(slot)
        if row.decision is not None and row.decision.action in STATING:
            standing = row.decision
            choice = Choice(
                standing.value,
                standing.assertion,
                standing.date,
                standing.end_date,
                standing.attributes,
                (*self._standing(standing.evidence), evidence),
                rule=standing.rule,
                rulebook=standing.rulebook,
            )
            return self._decide(row, standing.action, choice)
        self._added[slot] = (*self._added.get(slot, ()), evidence)
        self._arrange()
        return None

    def comment(self, slot: str, text: str) -> Decision:
        """Says something about a row; its value stays."""
        if not text.strip():
            raise Refused("an empty comment; esc leaves")
        self._writable()
        return self._write(self._decision(self.row(slot), Action.COMMENT, reason=text.strip()))

    def undo(self) -> Decision:
        """Takes back this person's last decision that still holds, however long ago; `slot` says what it was.

        Raises:
            Refused: there is none since the patient was last closed.
        """
        self._writable()
        mine = [one for one in self.case.undoable if self._mine(one) and self._holds(one)]
        if not mine:
            raise Refused("nothing to undo")
        return self._step(Action.UNDO, mine[-1])

    def redo(self) -> Decision:
        """Brings back what was taken back last.

        Raises:
            Refused: nothing was taken back since the last decision.
        """
        self._writable()
        mine = [one for one in self.case.redoable if self._mine(one)]
        if not mine:
            raise Refused("nothing to redo")
        return self._step(Action.REDO, mine[-1])

    def close(self) -> Decision:
        """Closes the patient.

        Raises:
            Refused: a fatal problem stands, or something is open and the policy does not allow that.
        """
        self._writable()
        if self.fatal:
            more = f", and {len(self.fatal) - 1} more" if len(self.fatal) > 1 else ""
            raise Refused(
                f"{self.fatal[0].check}: {self.fatal[0].message}{more}; nothing fatal may stand in a closed patient"
            )
        waiting = len(self.blocking)
        if waiting and not self.config.close_open:
            raise Refused(f"{waiting} open; decide them, or `0` for what the record does not say")
        return self._patient_step(Action.CLOSE, f"{waiting} open" if waiting else "")

    def reopen(self, reason: str) -> Decision:
        """Opens a closed patient again; the reason is kept."""
        if not reason.strip():
            raise Refused("reopening needs a reason")
        if self.read_only:
            self._writable()
        return self._patient_step(Action.REOPEN, reason.strip())

    def retry(self) -> tuple[Decision, ...]:
        """Writes what could not be saved, under the same ids: what did reach the disk is not written twice."""
        waiting, self.unsaved = self.unsaved, ()
        written: list[Decision] = []
        for at, one in enumerate(waiting, 1):
            try:
                written.append(self._write(one))
            except RegistryError:
                self.unsaved = (*self.unsaved, *waiting[at:])
                raise
        return tuple(written)

    # Drafts

    def keep_draft(self, slot: str, text: str) -> None:
        """Keeps a half-typed value, for the case that the terminal dies."""
        save_draft(self.registry, self.user, self.patient_id, slot, text, clock=self._clock)

    def draft(self, slot: str) -> str | None:
        return draft_of(self.registry, self.user, self.patient_id, slot)

    def drafts(self) -> dict[str, str]:
        """Everything half typed on this patient, by slot."""
        return drafts_of(self.registry, self.user, self.patient_id)

    def forget_draft(self, slot: str) -> None:
        drop_draft(self.registry, self.user, self.patient_id, slot)

    # One way to write

    def _writable(self) -> None:
        if self.unsaved:
            raise Refused("NOT SAVED yet: enter tries again, x writes it to a file")
        if self.case.closed:
            raise Refused("the patient is closed; `O` reopens it")
        if self.read_only:
            holder = self.lease.holder if self.lease is not None else "somebody"
            raise Refused(f"read only: {holder} holds this patient; nothing was saved")

    def _allowed(self, slot: str, verb: Verb) -> Row:
        self._writable()
        row = self.row(slot)
        if verb not in row.verbs:
            raise Refused(_why_not(row, verb))
        return row

    def _stated(
        self,
        spec: FieldSpec,
        value: str,
        assertion: Assertion,
        date: str | None,
        end_date: str | None,
        attributes: Mapping[str, object] | None,
    ) -> Choice:
        read = self.reader.read(spec, value, self.year, (attributes or {}).get("edition"))
        problem = read.problem
        for one in (date, end_date):
            problem = problem or (date_problem(one) if one else "")
        problem = problem or order_problem(date, end_date)
        if assertion is Assertion.ABSENT and not spec.absent_counts:
            problem = problem or f"{spec.label} takes no negative; reject it instead"
        if problem:
            raise Refused(problem)
        if spec.kind == "date" and spec.slot == "event":
            date = read.value
        return Choice(read.value, assertion, date or None, end_date or None, read.attributes, origin="person")

    def _standing(self, spans: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
        return tuple(one for one in spans if self.stands(one))

    def _decide(self, row: Row, action: Action, choice: Choice, reason: str = "") -> Decision:
        spans = choice.evidence
        if action in STATING:
            if choice.origin != "person":
                spans = (*row.added, *(one for one in spans if one not in row.added))
            spans = self._standing(spans)
            if choice.evidence and not spans and action is not Action.IMPORT:
                raise Refused("evidence moved: the note has changed; find it again with `/` and add it with `+`")
        decision = self._decision(row, action, choice, spans, reason)
        stored = self._write(decision)
        if self._added.pop(row.slot, None):
            self._arrange()
        return stored

    def _decision(
        self,
        row: Row,
        action: Action,
        choice: Choice | None = None,
        evidence: tuple[Evidence, ...] = (),
        reason: str = "",
    ) -> Decision:
        stated = choice or Choice("", Assertion.PRESENT)
        return Decision(
            action_id=self._new_id(),
            patient_id=self.patient_id,
            slot=row.slot,
            action=action,
            decided_by=self.user,
            decided_at=self._clock(),
            field=row.spec.name,
            value=stated.value,
            assertion=stated.assertion,
            date=stated.date,
            end_date=stated.end_date,
            attributes=stated.attributes,
            evidence=evidence,
            reason=reason,
            offered=row.offered,
            rule=stated.rule,
            rulebook=stated.rulebook or self.book.version,
        )

    def _step(self, action: Action, of: Decision) -> Decision:
        return self._write(
            Decision(
                action_id=self._new_id(),
                patient_id=self.patient_id,
                slot=of.slot,
                action=action,
                decided_by=self.user,
                decided_at=self._clock(),
                field=of.field,
                undoes=of.action_id,
            )
        )

    def _patient_step(self, action: Action, reason: str) -> Decision:
        return self._write(
            Decision(
                action_id=self._new_id(),
                patient_id=self.patient_id,
                slot="",
                action=action,
                decided_by=self.user,
                decided_at=self._clock(),
                reason=reason,
            )
        )

    def _write(self, decision: Decision) -> Decision:
        """Commits; only then do the rows change.

        Raises:
            StaleCase: somebody else has decided since; the rows now show what they decided.
            NotAllowed: this person may not, or the patient is signed; not saved.
            RegistryError: not saved; kept in `unsaved` for `retry`.
        """
        try:
            stored = self.log.record(decision, seen=self.case.version)
            self._settle()  # lost here, it counts as not saved: what can't be shown is asked for again, under the same id
        except StaleCase as error:
            self.reload()
            if self.lease is not None and self.lease.mine:
                self.claim()  # taken over meanwhile, it becomes read-only
            raise StaleCase(self._both_values(decision) or str(error)) from None
        except NotAllowed:
            raise  # no retry would help
        except RegistryError:
            self.unsaved = (*self.unsaved, decision)
            raise
        return stored

    def _both_values(self, refused: Decision) -> str:
        """Theirs and one's own, where somebody else has decided the same row; "" where not."""
        theirs = self.case.current.get(refused.slot)
        if theirs is None or theirs.action_id == refused.undoes:
            return ""
        own, other = (one.value or one.action.value for one in (refused, theirs))
        return f"not saved: {theirs.decided_by} decided {other} meanwhile, you {own}; look, and decide again"

    def _mine(self, decision: Decision) -> bool:
        return decision.decided_by == self.user and decision.source == "review"

    def _holds(self, decision: Decision) -> bool:
        if decision.action is Action.OVERRIDE:
            return self.case.overrides.get(decision.slot) == decision
        return decision.action is Action.COMMENT or self.case.current.get(decision.slot) == decision


def _with_days(attributes: Mapping[str, object], before: Decision | Choice | None, now: Choice) -> dict[str, object]:
    """Attributes that repeat the first or last day of a fact (`stopped`) go with it when that day is changed."""
    if before is None:
        return dict(attributes)
    days = {before.date: now.date, before.end_date: now.end_date}
    # where both ends were one day, which of them an attribute repeats is not known: it stays
    moved = {old: new for old, new in days.items() if old and new and old != new and before.date != before.end_date}
    return {name: moved.get(told, told) if isinstance(told, str) else told for name, told in attributes.items()}


def _rejected(row: Row) -> Choice:
    """What a rejection or deferral was about: the suggested value, if there is just one."""
    if row.decision is not None and row.decision.action in STATING and not row.changed:
        return Choice(row.decision.value, row.decision.assertion, row.decision.date)
    if len(row.choices) == 1:
        choice = row.choices[0]
        return Choice(choice.value, choice.assertion, choice.date, rule=choice.rule, rulebook=choice.rulebook)
    return Choice("", Assertion.PRESENT)


def _why_not(row: Row, verb: Verb) -> str:
    if verb is Verb.ACCEPT and row.conflict:
        return f"values differ: pick 1-{len(row.choices)}, or r rejects all"
    if row.state is State.MISSING:
        return "nothing is suggested: = takes the selection, e types a value, 0 not documented"
    if verb is Verb.ACCEPT:
        return "accepted already; r, e or u change it"
    if verb is Verb.NOT_DOCUMENTED:
        return "only for questions with one answer a patient; r rejects this one"
    return "there is nothing to do that with here"
