"""What an abstractor does with one patient, without a screen: every action is one committed decision.

`Session` holds the rows and what is done with one of them; its parts hold the rest: notes, drafts, lease, signatures, problems,
and the one way to write. None changes what the rows show before the registry has it. The screen, the line mode and scripts
stand on this. It never draws, and never reads a clock or a user name that was not passed in.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from uuid import uuid4

from abstractor.model.case import Case
from abstractor.model.decision import READ_AS, STATING, Action, Decision
from abstractor.model.errors import RegistryError
from abstractor.model.finding import Assertion
from abstractor.model.suggestion import Evidence, Suggestion
from abstractor.registry.decisions import DecisionLog, RegistryLog
from abstractor.registry.engine import Registry
from abstractor.registry.findings import readings_of
from abstractor.registry.readings import read_blind
from abstractor.registry.suggestions import suggestions_of
from abstractor.review.attributes import NOT_TYPED
from abstractor.review.config import ReviewConfig
from abstractor.review.drafts import Drafts
from abstractor.review.hold import Hold
from abstractor.review.notes import Notes
from abstractor.review.ordering import alike, next_open, open_rows, order_rows
from abstractor.review.problems import Problems
from abstractor.review.refused import Refused
from abstractor.review.rows import Choice, Row, State, Verb, build_rows, read_otherwise
from abstractor.review.signing import Signing
from abstractor.review.typed_dates import date_problem, order_problem
from abstractor.review.unread import unread_words
from abstractor.review.values import ValueReader
from abstractor.review.work import Work
from abstractor.review.writing import Writer
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.schema import FieldSpec
from abstractor.rulebook.slots import slot_key

REASONS = ("negated", "family", "history", "other tumour", "wrong value", "other")
"""Why something may be rejected, in the order of their digits."""


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
        self.now = clock
        """The time on the clock that was passed in: UTC, ISO 8601."""
        work = Work(registry, self.log, book, patient_id, user, self.config, clock, new_id)
        self.notes = Notes(work)
        self.drafts = Drafts(work)
        self.hold = Hold(work)
        self.signing = Signing(work, self)
        self.writer = Writer(work, self, self.hold, self.signing)
        self.problems = Problems(work, self, self.notes, self.writer)
        self.order = self.config.order
        self.suggestions: tuple[Suggestion, ...] = ()
        self.unread = ""
        """What the suggestions do not rest on; "" where the rules have read every note."""
        self.case = Case(patient_id)
        self.rows: tuple[Row, ...] = ()
        self._added: dict[str, tuple[Evidence, ...]] = {}
        self.reload()
        self._added = self._attached()
        if self._added:
            self._arrange()

    # What there is

    def reload(self) -> None:
        """Reads everything about the patient anew; what was attached and not decided stays attached."""
        self.notes.read()
        self.suggestions = suggestions_of(self.registry, self.patient_id) if self.suggesting else ()
        self.unread = ""
        if self.suggesting:
            readings = readings_of(self.registry, self.patient_id)
            self.unread = unread_words(readings, self.book.version, suggesting=bool(self.suggestions))
        self.settle()
        self.signing.read()

    def settle(self) -> None:
        """Reads what was decided, and arranges the rows by it."""
        self.case = self.log.case_of(self.patient_id)
        self._arrange()

    def _arrange(self) -> None:
        rows = build_rows(self.suggestions, self.case, self.book.fields, self._added)
        self.rows = order_rows(rows, self.book.fields, self.order, self.config.low_confidence, self.config.first)
        self.problems.forget()

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

    def history(self, slot: str) -> tuple[Decision, ...]:
        """Everything that was ever done with a slot, undone or not, oldest first."""
        return tuple(one for one in self.log.decisions_of(self.patient_id) if one.slot == slot)

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
        found = self.alike(slot)
        with self.writer.one_key(len(found)):
            return tuple(self.accept(row.slot) for row in found)

    def alike(self, slot: str) -> tuple[Row, ...]:
        """The rows that `accept_alike` takes: those whose words still stand and are believed, and the row itself."""
        row = self.row(slot)
        limit = self.config.low_confidence
        return tuple(
            one
            for one in alike(self.rows, row)
            if one.slot == slot or (one.confidence >= limit and (not one.evidence or self.notes.standing(one.evidence)))
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
        read = self.read_as(row, choice.value, assertion) if evidence is None else ""
        reason = f"{READ_AS}{read}" if read else ""
        return self._decide(row, action, replace(choice, evidence=spans, attributes=attributes), reason)

    def kept_words(self, row: Row, value: str, assertion: Assertion = Assertion.PRESENT) -> tuple[Evidence, ...]:
        """The words that an edit rests on when none were selected for it.

        Those of the same value, decided or suggested, and what was attached. Another value rests on what was attached; without
        that on the row's words, which were read as something else (`read_as` tells): a person may read them better than a rule.
        """
        same = [one for one in (row.decision, *row.choices) if one is not None and one.evidence]
        same = [one for one in same if (one.value, one.assertion) == (value, assertion)]
        best = next((one for one in same if self.notes.standing(one.evidence)), next(iter(same), None))
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
        self.writer.require_writable()
        return self._decide(
            Row(slot, spec),
            Action.ADD,
            replace(choice, evidence=evidence, attributes={**choice.attributes, **(attributes or {})}),
        )

    def attach(self, slot: str, evidence: Evidence) -> Decision | None:
        """Adds words to what a row rests on: at once where it is decided, else with its decision."""
        self.writer.require_writable()
        row = self.row(slot)
        if row.decision is not None and row.decision.action in STATING:
            standing = row.decision
            choice = Choice(
                standing.value,
                standing.assertion,
                standing.date,
                standing.end_date,
                standing.attributes,
                (*self.notes.standing(standing.evidence), evidence),
                rule=standing.rule,
                rulebook=standing.rulebook,
            )
            return self._decide(row, standing.action, choice)
        self._added[slot] = (*self._added.get(slot, ()), evidence)
        self._arrange()
        self.drafts.keep_attached(slot, self._added[slot])
        return None

    def _attached(self) -> dict[str, tuple[Evidence, ...]]:
        """What this person attached before, and has not decided with yet; words of a note that has changed are gone."""
        digests = {note.note_id: note.sha256 for note in self.notes.all}
        return {
            slot: tuple(
                self.notes.quote(note_id, start, end)
                for note_id, digest, start, end in places
                if digests.get(note_id) == digest
            )
            for slot, places in self.drafts.attached().items()
        }

    def comment(self, slot: str, text: str) -> Decision:
        """Says something about a row; its value stays."""
        if not text.strip():
            raise Refused("an empty comment; esc leaves")
        self.writer.require_writable()
        said = self.writer.decision(self.row(slot), Action.COMMENT, reason=text.strip())
        return self.writer.write(said)

    def undo(self) -> tuple[Decision, ...]:
        """Takes back what this person's last key decided and still holds, however long ago; `slot` says what it was.

        What one key decided together (`accept_alike`) is taken back together, one decision for each.

        Raises:
            Refused: there is none since the patient was last closed.
        """
        self.writer.require_writable()
        mine = self.writer.undoable
        if not mine:
            raise Refused("nothing to undo")
        return self.writer.step(Action.UNDO, mine)

    def redo(self) -> tuple[Decision, ...]:
        """Brings back what was taken back last, all of what one key had decided.

        Raises:
            Refused: nothing was taken back since the last decision.
        """
        self.writer.require_writable()
        mine = self.writer.redoable
        if not mine:
            raise Refused("nothing to redo")
        return self.writer.step(Action.REDO, mine)

    def close(self) -> Decision:
        """Closes the patient.

        Raises:
            Refused: a fatal problem stands, or something is open and the policy does not allow that.
        """
        self.writer.require_writable()
        fatal = self.problems.fatal
        if fatal:
            more = f", and {len(fatal) - 1} more" if len(fatal) > 1 else ""
            raise Refused(f"{fatal[0].check}: {fatal[0].message}{more}; nothing fatal may stand in a closed patient")
        waiting = len(self.blocking)
        if waiting and not self.config.close_open:
            raise Refused(f"{waiting} open; decide them, or `0` for what the record does not say")
        return self._about_all(Action.CLOSE, f"{waiting} open" if waiting else "")

    def reopen(self, reason: str) -> Decision:
        """Opens a closed patient again; the reason is kept."""
        if not reason.strip():
            raise Refused("reopening needs a reason")
        self.signing.require_unsigned()
        self.hold.require_writable()
        return self._about_all(Action.REOPEN, reason.strip())

    # What all of them share

    def _allowed(self, slot: str, verb: Verb) -> Row:
        self.writer.require_writable()
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

    def _decide(self, row: Row, action: Action, choice: Choice, reason: str = "") -> Decision:
        spans = choice.evidence
        if action in STATING:
            if choice.origin != "person":
                spans = (*row.added, *(one for one in spans if one not in row.added))
            spans = self.notes.standing(spans)
            if choice.evidence and not spans and action is not Action.IMPORT:
                raise Refused("evidence moved: the note has changed; find it again with `/` and add it with `+`")
        stored = self.writer.write(self.writer.decision(row, action, choice, spans, reason))
        if self._added.pop(row.slot, None):
            self._arrange()
            with suppress(RegistryError):  # the decision stands; kept for nothing, they only stand there again
                self.drafts.forget_attached(row.slot)
        return stored

    def _about_all(self, action: Action, reason: str) -> Decision:
        """A decision on the whole patient."""
        return self.writer.write(replace(self.writer.begin("", action), reason=reason))


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
