"""Quality work as the screens take it: one person's desk, with everything that can be done from it.

The screens are handed a `QualityWork` and import nothing of this package, because its statistics take long to load. They are loaded here when
an audit or a difference is opened, and not before.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from abstractor.model.case import Case
from abstractor.model.decision import Action, Decision
from abstractor.model.suggestion import Evidence, Suggestion
from abstractor.quality.audit import OWN, SECOND_READER, Audit, Refused, Verdict, fold_audit
from abstractor.quality.desk import Desk, open_desk
from abstractor.quality.mail import Query, answer, ask, close_query, letters, open_to, queries, read_letter
from abstractor.quality.settings import ErrorClass
from abstractor.registry.activity import people
from abstractor.registry.engine import Registry, utc_now
from abstractor.registry.people import may
from abstractor.registry.quality import (
    Message,
    Sample,
    SampleItem,
    decided_since,
    deciders_of,
    differences,
    drawn_decisions,
    items_of,
    samples,
    steps,
)
from abstractor.registry.readings import Reading, ReadingLog, read_blind, read_twice, reading_of, readings
from abstractor.registry.suggestions import suggestions_of
from abstractor.review.config import ReviewConfig
from abstractor.review.desk import DeskItem
from abstractor.review.session import Session
from abstractor.rulebook.book import RuleBook

if TYPE_CHECKING:
    from abstractor.quality.adjudication import Question
    from abstractor.quality.summary import FieldAudit

FACTS = "facts"
MAIL = "mail"
"""Id of the two rows of the desk that open the inbox."""


@dataclass(frozen=True, slots=True)
class NothingDecided:
    """A `DecisionLog` of a patient nobody has decided on: it shows the notes alone, and takes no decision."""

    def record(self, decision: Decision, *, seen: int) -> Decision:
        raise Refused(f"patient {decision.patient_id}: nothing is decided here")

    def decisions_of(self, _patient_id: str) -> tuple[Decision, ...]:
        return ()

    def case_of(self, patient_id: str) -> Case:
        return Case(patient_id)


@dataclass(frozen=True)
class OpenAudit:
    """An audit as one person sees it."""

    sample: str
    audit: Audit
    decisions: Mapping[str, Decision]
    """What was decided when it was drawn, by action id."""
    barred: Mapping[int, str] = field(default_factory=dict)
    """Places that this person may not judge, and why: decisions of their own, and patients whose second reader they are."""
    hidden: frozenset[int] = frozenset()
    """Of these, the patients that are still to be read blind: `decisions` holds nothing of them."""

    @cached_property
    def waiting(self) -> tuple[SampleItem, ...]:
        """What this person can still judge, in order."""
        return tuple(one for one in self.audit.open if one.place not in self.barred)


class QualityWork:
    """The desk of one person."""

    def __init__(
        self,
        registry: Registry,
        book: RuleBook,
        user: str,
        config: ReviewConfig | None = None,
        clock: Callable[[], str] = utc_now,
    ) -> None:
        """Reads nothing yet: settings at fault are told when the desk is opened."""
        self.registry = registry
        self.book = book
        self.user = user
        self.config = config or ReviewConfig()
        self.clock = clock

    @cached_property
    def desk(self) -> Desk:
        """Raises: InputError: `quality.toml` is at fault."""
        return open_desk(self.registry, self.book, self.user, self.clock)

    # What waits

    def items(self, user: str) -> Sequence[DeskItem]:
        """What waits for a person, audits first; finished audits last, to be looked at.

        Raises:
            InputError: `quality.toml` is at fault.
            RegistryError: the registry can't be read.
        """
        if user != self.user:
            raise Refused(f"this is the desk of {self.user}")
        if not may(self.registry, "read_facts"):
            return self._mail_items()  # all other work is about patients
        blind = read_blind(self.registry, user)
        audits = [self._audit_item(one) for one in samples(self.registry) if one.kind == FACTS]
        found = [*audits, *self._reading_items(blind), *self._differing_items(), *self._mail_items()]
        return sorted(found, key=lambda one: not one.waits)

    def _audit_item(self, sample: Sample) -> DeskItem:
        name = sample.name
        audit = fold_audit(items_of(self.registry, name), steps(self.registry, "audit", name))
        opened = OpenAudit(name, audit, {}, self._barred(audit, deciders_of(self.registry, name)))
        done, of = len(audit.items) - len(audit.open), len(audit.items)
        state = f"{done} of {of} done"
        if audit.locked:
            state = f"locked, {of} judged"
        elif not audit.open:
            state = f"all {of} judged: finish"
        elif not opened.waiting:
            state += ", none for you"
        waits = not audit.locked and (bool(opened.waiting) or (not audit.open and self.user in audit.mine))
        return DeskItem(sample.name, "audit", "", len(opened.waiting), state, name=sample.name, waits=waits)

    def _reading_items(self, blind: Container[str]) -> list[DeskItem]:
        found = []
        for one in readings(self.registry, reader=self.user):
            if one.patient_id in blind:
                case = ReadingLog(self.registry, one).case_of(one.patient_id)
                told = [f"{len(case.current)} decided" if case.current else "new"]
                told += [f"{len(case.recheck)} to look at again"] * bool(case.recheck)
                told += [] if one.suggesting else ["no suggestions"]
                state = ", ".join(told)
                found.append(DeskItem(one.reading, "blind", one.patient_id, 1, state))
        return found

    def _differing_items(self) -> list[DeskItem]:
        if not differences(self.registry):
            return []  # nothing that would need the statistics to be loaded
        waiting = self.questions()
        if not waiting:
            return []
        met = len(set(self.met()) & {one.difference for one in waiting})
        patients = len({one.patient_id for one in waiting})
        state = f"{patients} patient{'s' if patients > 1 else ''}" + (f", {met} to be met about" if met else "")
        return [DeskItem("", "adjudicate", "", len(waiting), state, name="differences")]

    def _mail_items(self) -> list[DeskItem]:
        mine = self.letters()
        unread = sum(one.read_at is None for one in mine)
        found = []
        if mine:
            state = f"{unread} unread" if unread else f"{len(mine)} read"
            found.append(DeskItem(MAIL, "inbox", "", unread, state, name="messages", waits=bool(unread)))
        asked = [one for one in self.queries() if self.waits(one)]
        if asked:
            state = f"oldest {asked[0].asked_at[:10]}"
            found.append(DeskItem(MAIL, "query", "", len(asked), state, name="to answer or close"))
        return found

    # Audits

    def audit(self, sample: str) -> OpenAudit:
        """Where the audit of a sample stands.

        Raises:
            RegistryError: there is no such sample.
        """
        return self._open(sample, read_blind(self.registry, self.user))

    def _open(self, sample: str, blind: Container[str]) -> OpenAudit:
        audit = fold_audit(items_of(self.registry, sample), steps(self.registry, "audit", sample))
        decisions = drawn_decisions(self.registry, sample)
        barred = self._barred(audit, {action_id: one.decided_by for action_id, one in decisions.items()})
        hidden = frozenset(one.place for one in audit.items if one.patient_id in blind)
        unseen = {one.action_id for one in audit.items if one.place in hidden}
        shown = {action_id: one for action_id, one in decisions.items() if action_id not in unseen}
        return OpenAudit(sample, audit, shown, barred, hidden)

    def _barred(self, audit: Audit, deciders: Mapping[str, str]) -> dict[int, str]:
        mine = read_twice(self.registry, self.user)
        return {
            one.place: SECOND_READER if one.patient_id in mine else OWN
            for one in audit.items
            if one.patient_id in mine or deciders.get(one.action_id) == self.user
        }

    def refresh(self, opened: OpenAudit) -> OpenAudit:
        """The audit with what was judged meanwhile."""
        newer = steps(self.registry, "audit", opened.sample, after=opened.audit.version)
        return self._again(opened, opened.audit.after(newer)) if newer else opened

    def _again(self, opened: OpenAudit, audit: Audit) -> OpenAudit:
        return replace(opened, audit=audit)

    def words_of(self, decision: Decision) -> tuple[Evidence, ...]:
        """The words that a decision rests on; of what was refused, the words that the rules still offer there."""
        if decision.evidence or decision.action not in (Action.REJECT, Action.NOT_DOCUMENTED):
            return decision.evidence
        offered = suggestions_of(self.registry, decision.patient_id)
        return tuple(
            words
            for one in offered
            if one.slot == decision.slot and decision.value in ("", one.value)
            for words in one.evidence
        )

    def stands(self, item: SampleItem, decision: Decision) -> bool:
        """Whether the registry still holds what was drawn.

        Raises:
            Refused: the decision is not in this registry.
        """
        from abstractor.quality.audits import view_item

        if not decided_since(self.registry, decision):
            return True  # most are, and a key must not wait for all that was decided on the patient
        return view_item(self.desk, item).stands

    def judge(
        self,
        opened: OpenAudit,
        place: int,
        verdict: str,
        *,
        error: str = "",
        third: Mapping[str, object] | None = None,
        comment: str = "",
    ) -> OpenAudit:
        """Judges an item: `agree`, `minor` or `major`. For what else it raises, see `audits.judge`.

        Raises:
            Refused: this person may not judge it.
        """
        from abstractor.quality.audits import judge

        if place in opened.barred:
            raise Refused(f"item {place}: {opened.barred[place]}")
        said = judge(
            self.desk,
            opened.sample,
            place,
            Verdict(verdict),
            error=error,
            third=third,
            comment=comment,
            known=opened.audit,
        )
        return self._again(opened, said)

    def undo(self, opened: OpenAudit) -> tuple[OpenAudit, int]:
        """Takes back this person's last judgement, and tells its place; see `audits.undo`."""
        from abstractor.quality.audits import undo

        mine = opened.audit.mine.get(self.user, ())
        after = undo(self.desk, opened.sample, opened.audit)
        return self._again(opened, after), mine[-1]

    def lock(self, opened: OpenAudit) -> OpenAudit:
        """Finishes an audit; see `audits.lock`."""
        from abstractor.quality.audits import lock

        return self._again(opened, lock(self.desk, opened.sample))

    def reopen(self, opened: OpenAudit, reason: str) -> OpenAudit:
        """Opens a locked audit again; see `audits.reopen`."""
        from abstractor.quality.audits import reopen

        return self._again(opened, reopen(self.desk, opened.sample, reason))

    def figures(self, sample: str) -> "tuple[FieldAudit, ...]":
        """What the audit says so far of each field of the sample."""
        from abstractor.quality.audits import audit_of
        from abstractor.quality.summary import audit_fields
        from abstractor.registry.quality import sample_of

        return audit_fields(self.desk, sample_of(self.registry, sample), audit_of(self.desk, sample))

    @property
    def errors(self) -> tuple[ErrorClass, ...]:
        """The classes of error that can be named."""
        return self.desk.rules.errors

    def field_class(self, field: str) -> str:
        """How much is at stake with a field: `critical`, `major` or `minor`."""
        return self.desk.rules.class_of(field)

    def notes_of(self, patient_id: str) -> Session:
        """The notes of a patient and nothing else: no decision is shown, and none can be made."""
        log = NothingDecided()
        return Session(
            self.registry, self.book, patient_id, self.user, self.clock, self.config, log=log, suggesting=False
        )

    # Second readings

    def reading(self, reading: str) -> tuple[Reading, Session]:
        """A second reading of this person, open on its own log.

        Raises:
            RegistryError: there is no such reading.
            Refused: it is somebody else's.
        """
        from abstractor.quality.second_readings import open_reading

        one = reading_of(self.registry, reading)
        return one, open_reading(self.desk, one, self.config)

    # Adjudication

    def questions(self) -> "tuple[Question, ...]":
        """The differences this person can settle, patient by patient, names hidden; none of a patient whose second reader this is."""
        from abstractor.quality.adjudication import questions

        found = questions(self.desk)
        first: dict[str, int] = {}
        for at, one in enumerate(found):
            first.setdefault(one.patient_id, at)
        return tuple(sorted(found, key=lambda one: first[one.patient_id]))

    def met(self) -> Mapping[str, str]:
        """The open differences that were sent to the meeting, with their notes."""
        from abstractor.quality.adjudication import for_meeting

        return for_meeting(self.desk)

    def suggested(self, question: "Question") -> tuple[Suggestion, ...]:
        """What the rules suggest for the question: by its field, and where it may have several answers, by value or day of a side."""
        spec = self.book.fields.get(question.field)
        found = [one for one in suggestions_of(self.registry, question.patient_id) if one.field == question.field]
        if spec is not None and spec.slot == "patient":
            return tuple(found)
        sides = [one for one in question.sides if one.value is not None]
        return tuple(
            one
            for one in found
            if any(one.date == side.date if one.date and side.date else one.value == side.value for side in sides)
        )

    def settle(
        self,
        question: "Question",
        choice: Literal["A", "B", "third", "unresolvable"],
        *,
        error: str,
        third: Mapping[str, object] | None = None,
        comment: str = "",
    ) -> Decision:
        """Settles a difference: the outcome is a decision of the registry; see `adjudication.adjudicate`."""
        from abstractor.quality.adjudication import adjudicate

        return adjudicate(self.desk, question.difference, choice, error=error, third=third, comment=comment)

    def meet(self, question: "Question", note: str) -> None:
        """Sends a difference to the meeting; see `adjudication.send_to_meeting`."""
        from abstractor.quality.adjudication import send_to_meeting

        send_to_meeting(self.desk, question.difference, note)

    # Messages and queries

    def letters(self) -> tuple[Message, ...]:
        """This person's inbox, newest first."""
        return letters(self.desk)

    def mark(self, message: Message, *, unread: bool = False) -> None:
        """Marks a message as read, or as unread again."""
        read_letter(self.desk, message.message, unread=unread)

    def queries(self) -> tuple[Query, ...]:
        """Queries of this person, or to this person, that are not closed; oldest first."""
        if not may(self.registry, "read_facts"):
            return ()
        found = [one for one in queries(self.desk, unclosed=True) if self.user in (one.asked_by, one.asked_of)]
        return open_to(self.desk, found) if found else ()

    def waits(self, query: Query) -> bool:
        """Whether it is this person's turn: to answer, or to close what was answered."""
        return self.user == (query.asked_by if query.state == "answered" else query.asked_of)

    def people(self) -> tuple[str, ...]:
        """Who can be asked: everybody who has worked in this registry, but this person."""
        return tuple(one for one in people(self.registry) if one and one != self.user)

    def ask(self, patient_id: str, slot: str, to: str, text: str) -> Query:
        """Opens a query; see `mail.ask`."""
        return ask(self.desk, patient_id, slot, to, text)

    def answer(self, query: str, text: str) -> Query:
        """Answers a query; see `mail.answer`."""
        return answer(self.desk, query, text)

    def close_query(self, query: str) -> Query:
        """Closes a query; see `mail.close_query`."""
        return close_query(self.desk, query)
