"""Settling what two readers see differently. The adjudicator sees two sides in random order and no name; the outcome is a decision of the
registry, credited to the adjudicator, beside both originals, which stay.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import NAMESPACE_URL, uuid5

from abstractor.model.decision import STATING, Action, Decision
from abstractor.model.fact import Fact
from abstractor.model.finding import Assertion
from abstractor.model.suggestion import Evidence
from abstractor.quality.audit import Judgement, Refused, Verdict
from abstractor.quality.audits import audit_of
from abstractor.quality.comparing import Kind, Pair
from abstractor.quality.desk import Desk
from abstractor.quality.frame import PERSON
from abstractor.quality.second_readings import compare
from abstractor.quality.third_values import read_third
from abstractor.registry.codec import evidence_rows, plain, read_evidence
from abstractor.registry.decisions import case_of, decisions_of
from abstractor.registry.quality import (
    Difference,
    Message,
    SampleItem,
    Step,
    add_differences,
    differences,
    drawn_decisions,
    settle,
    steps,
    take_step,
)
from abstractor.registry.readings import Reading, read_twice
from abstractor.review.attributes import NOT_TYPED
from abstractor.rulebook.slots import slot_key

SETTLED, REOPENED, MEETING = "settled", "reopened", "meeting"
SOURCE = "adjudication"
CONFLICT = "CONF"
"""Null flavour of what can't be resolved."""
Choice = Literal["A", "B", "third", "unresolvable"]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two readings; `value` None means that this reader has nothing here."""

    label: str
    """`A` or `B`."""
    value: str | None
    assertion: str = "present"
    date: str | None = None
    end_date: str | None = None
    attributes: Mapping[str, object] = field(default_factory=dict, hash=False)
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """A difference as the adjudicator sees it: without any name, comment or order of the readers, and without the slot, for the date in it
    may be the first reader's.
    """

    difference: str
    patient_id: str
    field: str
    kind: str
    sides: tuple[Side, Side]


def queue_reading(desk: Desk, reading: Reading, *, seed: int = 0, minor: bool = False) -> int:
    """Puts what differs between two finished readings before the adjudicator; what is queued already stays as it is.

    Args:
        desk: who queues.
        reading: the second one.
        seed: of the sides; stored with each difference.
        minor: whether differences within the tolerance are put too.

    Returns:
        How many were new.

    Raises:
        Refused: one of the readings is not closed.
    """
    found = compare(desk, reading)
    wanted = [one for one in found.pairs if one.kind is not Kind.SAME and (minor or not one.minor)]
    made = [
        _difference(desk, reading.reading, one, (_reader_of(one, found.first_reader), reading.reader), seed)
        for one in wanted
    ]
    return add_differences(desk.registry, made)


def _reader_of(pair: Pair, closed_by: str) -> str:
    """Several people may have worked on a first reading: each fact is its own decider's, what is missing the closer's."""
    return (pair.first.decided_by if pair.first is not None else "") or closed_by


def queue_audit(desk: Desk, sample: str, *, seed: int = 0, minor: bool = False) -> int:
    """Puts the major disagreements of a locked audit before the adjudicator, or all that name another value.

    What was rejected or not documented is a side that states nothing; so is the auditor's where a value is called wrong and no other
    is named.

    Raises:
        Refused: the audit is not locked.
    """
    audit = audit_of(desk, sample)
    if not audit.locked:
        raise Refused(f"sample {sample}: lock the audit first")
    decisions = drawn_decisions(desk.registry, sample)
    found = []
    for item in audit.items:
        judgement = audit.judged.get(item.place)
        if judgement is None or judgement.verdict is Verdict.AGREE:
            continue
        pair = _audited_pair(item, decisions[item.action_id], judgement)
        if pair is not None and (judgement.verdict is Verdict.MAJOR or (minor and judgement.third)):
            names = (decisions[item.action_id].decided_by, judgement.auditor)
            found.append(_difference(desk, sample, pair, names, seed))
    return add_differences(desk.registry, found)


def _audited_pair(item: SampleItem, decision: Decision, judgement: Judgement) -> Pair | None:
    """What was decided and what the auditor says; None where neither states anything."""
    first = _fact(decision) if decision.action in STATING else None
    second = None
    if judgement.third:
        second = _stated(item.patient_id, item.field, item.slot, judgement.third)
    if first is None and second is None:
        return None
    kind = Kind.FIRST_ONLY if second is None else Kind.SECOND_ONLY if first is None else Kind.VALUE
    return Pair(item.field, kind, first, second)


def _fact(decision: Decision) -> Fact:
    return Fact(
        decision.patient_id, decision.field, decision.value, decision.assertion, decision.date, decision.end_date,
        decision.attributes, evidence=decision.evidence, slot=decision.slot,
    )  # fmt: skip


def _stated(patient_id: str, name: str, slot: str, said: Mapping[str, Any]) -> Fact:
    return Fact(
        patient_id,
        name,
        str(said.get("value", "")),
        Assertion(str(said.get("assertion", "present"))),
        said.get("date"),
        said.get("end_date"),
        said.get("attributes") or {},
        slot=slot,
    )


def _difference(desk: Desk, origin: str, pair: Pair, names: tuple[str, str], seed: int) -> Difference:
    fact = pair.first or pair.second
    assert fact is not None
    identity = str(uuid5(NAMESPACE_URL, f"{origin}|{pair.field}|{_name(pair.first)}|{_name(pair.second)}"))
    swapped = random.Random(f"{seed}|{identity}").random() < 0.5  # noqa: S311  (a side that can be told again, no secret)
    return Difference(
        identity, origin, fact.patient_id, pair.slot, pair.field, str(pair.kind), swapped, *names,
        _row(pair.first), _row(pair.second), desk.clock(),
    )  # fmt: skip


def _name(fact: Fact | None) -> str:
    return "" if fact is None else f"{fact.slot}={fact.value}@{fact.date}"


def _row(fact: Fact | None) -> dict[str, object] | None:
    if fact is None:
        return None
    return {
        "value": fact.value,
        "assertion": str(fact.assertion),
        "date": fact.date,
        "end_date": fact.end_date,
        "attributes": plain(fact.attributes),
        "evidence": evidence_rows(fact.evidence),
        "slot": fact.slot,
    }


@dataclass(frozen=True)
class Queue:
    """All differences, and which of them are settled."""

    differences: tuple[Difference, ...]
    outcomes: Mapping[str, Step]
    """Of those that are settled, by difference."""

    @property
    def open(self) -> tuple[Difference, ...]:
        return tuple(one for one in self.differences if one.difference not in self.outcomes)


def queue_of(desk: Desk, origin: str | None = None) -> Queue:
    """Where adjudication stands; it holds the readers' names, so it is for reports and never for the adjudicator's eyes."""
    found = differences(desk.registry, origin)
    outcomes: dict[str, Step] = {}
    for step in steps(desk.registry, "difference"):
        if step.action == SETTLED:
            outcomes[step.subject] = step
        else:
            outcomes.pop(step.subject, None)
    return Queue(found, {one.difference: outcomes[one.difference] for one in found if one.difference in outcomes})


def questions(desk: Desk) -> tuple[Question, ...]:
    """What waits for this adjudicator: open differences between two other people, oldest first, names hidden."""
    return tuple(as_question(one) for one in queue_of(desk).open if not _concerned(desk, one))


def _concerned(desk: Desk, one: Difference) -> str:
    """Why this person may not settle a difference; "" where nothing speaks against it."""
    if desk.user in (one.first_by, one.second_by):
        return "you are one of the two readers; somebody else must adjudicate this"
    made = decisions_of(desk.registry, one.patient_id)
    if any((did.decided_by, did.field) == (desk.user, one.field) and did.source in PERSON for did in made):
        return "you have decided on this field of the patient yourself; somebody else must adjudicate it"
    if one.patient_id in read_twice(desk.registry, desk.user):
        return "you have read this patient a second time; somebody else must adjudicate it"
    return ""


def as_question(one: Difference) -> Question:
    """A difference without what would tell the readers."""
    left, right = (one.second, one.first) if one.swapped else (one.first, one.second)
    kind = "one side only" if None in (one.first, one.second) else one.kind
    return Question(one.difference, one.patient_id, one.field, kind, (_side("A", left), _side("B", right)))


def _side(label: str, row: Mapping[str, Any] | None) -> Side:
    """Without the traces of the rules: where one reader saw no suggestions, they would tell which reader this is."""
    if row is None:
        return Side(label, None)
    return Side(
        label,
        row["value"],
        row["assertion"],
        row["date"],
        row["end_date"],
        {key: value for key, value in row["attributes"].items() if key not in NOT_TYPED},
        tuple(replace(one, rule="", confidence=0.0) for one in read_evidence(row["evidence"])),
    )


def adjudicate(
    desk: Desk,
    difference: str,
    choice: Choice,
    *,
    error: str = "",
    third: Mapping[str, object] | None = None,
    comment: str = "",
) -> Decision:
    """Settles a difference: the outcome becomes the registry's value, and the readers are told.

    Args:
        desk: the adjudicator's.
        difference: its id.
        choice: side A or B, a third value, or unresolvable.
        error: class of what was wrong.
        third: of choice `third`: value, and if need be assertion, date, end_date, attributes.
        comment: told to the readers.

    Returns:
        The decision, as the registry holds it.

    Raises:
        Refused: it would be the adjudicator's own work, the error class is unknown, or the third value does not fit the field.
        StaleCase: somebody else has settled it, or decided on it since.
    """
    one = _difference_of(desk, difference)
    if against := _concerned(desk, one):
        raise Refused(against)
    if error not in desk.rules.error_codes:
        raise Refused(f"an outcome needs an error class, one of {', '.join(desk.rules.error_codes)}")
    chosen = _chosen(desk, one, choice, third)
    case = case_of(desk.registry, one.patient_id)
    slot = _slot(desk, one, chosen)
    decision = _decision(desk, one, slot, chosen, choice, error, comment, standing=slot in case.current)
    content = {"choice": choice, "error": error, "comment": comment, "decision": decision.action_id}
    step = desk.step("difference", one.origin, difference, SETTLED, **content)
    meaning = next(known.label for known in desk.rules.errors if known.code == error)
    told = f"{_label(desk, one.field)}: {_told(desk, decision)} ({error}: {meaning})"
    text = f"{told}; {comment}" if comment else told
    messages = [_message(desk, one, name, text) for name in dict.fromkeys((one.first_by, one.second_by)) if name]
    settle(desk.registry, step, decision, messages, seen=case.version)
    return decision


def _difference_of(desk: Desk, difference: str) -> Difference:
    for one in differences(desk.registry):
        if one.difference == difference:
            return one
    raise Refused("there is no such difference")


def _chosen(
    desk: Desk, one: Difference, choice: Choice, third: Mapping[str, object] | None
) -> Mapping[str, Any] | None:
    """The fact that holds; None where none does."""
    if choice == "unresolvable":
        return None
    if choice == "third":
        return _checked(desk, one, third or {})
    first_is_a = not one.swapped
    return one.first if (choice == "A") == first_is_a else one.second


def _checked(desk: Desk, one: Difference, third: Mapping[str, object]) -> dict[str, object]:
    evidence = [*(one.first or {}).get("evidence", []), *(one.second or {}).get("evidence", [])]
    return read_third(desk.book, one.field, third) | {"evidence": evidence}


def _slot(desk: Desk, one: Difference, chosen: Mapping[str, Any] | None) -> str:
    """The first reader's question where there is one: what is settled must take the place of what stands."""
    if one.first is not None:
        return str(one.first["slot"])
    spec = desk.book.fields.get(one.field)
    if chosen is None or spec is None:
        return one.slot
    return slot_key(spec, str(chosen["value"]), Assertion(chosen["assertion"]), chosen["date"])


def _decision(
    desk: Desk,
    one: Difference,
    slot: str,
    chosen: Mapping[str, Any] | None,
    choice: Choice,
    error: str,
    comment: str,
    *,
    standing: bool,
) -> Decision:
    offered = " | ".join(str(side["value"]) for side in (one.first, one.second) if side is not None)
    common: dict[str, Any] = {
        "action_id": desk.new_id(),
        "patient_id": one.patient_id,
        "slot": slot,
        "decided_by": desk.user,
        "decided_at": desk.clock(),
        "field": one.field,
        "source": SOURCE,
        "reason": f"{error}: {comment}" if comment else error,
        "offered": offered,
        "rulebook": desk.book.version,
    }
    if choice == "unresolvable":
        return Decision(action=Action.NOT_DOCUMENTED, value="", attributes={"null_flavor": CONFLICT}, **common)
    if chosen is None:
        refused = one.first or one.second or {"value": ""}
        return Decision(action=Action.REJECT, value=str(refused["value"]), **common)
    return Decision(
        action=Action.EDIT if standing else Action.ADD,
        value=str(chosen["value"]),
        assertion=Assertion(chosen["assertion"]),
        date=chosen["date"],
        end_date=chosen["end_date"],
        attributes=chosen["attributes"],
        evidence=read_evidence(chosen["evidence"]),
        **common,
    )


def _label(desk: Desk, name: str) -> str:
    spec = desk.book.fields.get(name)
    return spec.label if spec is not None else name


def _told(desk: Desk, decision: Decision) -> str:
    spec = desk.book.fields.get(decision.field)
    value = spec.label_of(decision.value) if spec is not None else decision.value
    match decision.action:
        case Action.NOT_DOCUMENTED:
            return "can't be resolved"
        case Action.REJECT:
            return f"{value} does not hold"
        case _:
            days = " to ".join(one for one in (decision.date, decision.end_date) if one)
            return f"{value} {days}" if days and days != decision.value else value


def _message(desk: Desk, one: Difference, recipient: str, text: str) -> Message:
    identity = str(uuid5(NAMESPACE_URL, f"{desk.new_id()}|{recipient}"))
    return Message(identity, recipient, desk.user, desk.clock(), one.patient_id, one.slot, SOURCE, one.difference, text)


def reopen_difference(desk: Desk, difference: str, reason: str) -> None:
    """Puts a settled difference back into the queue; its outcome stands in the registry until another is found.

    Raises:
        Refused: it is not settled, or no reason was given.
    """
    one = _difference_of(desk, difference)
    if difference not in queue_of(desk, one.origin).outcomes:
        raise Refused("this difference is not settled")
    if not reason.strip():
        raise Refused("reopening needs a reason")
    step = desk.step("difference", one.origin, difference, REOPENED, reason=reason.strip())
    seen = max((done.sequence for done in steps(desk.registry, "difference", one.origin)), default=0)
    take_step(desk.registry, step, seen=seen)


def send_to_meeting(desk: Desk, difference: str, note: str = "") -> None:
    """Keeps a difference open for those who meet about hard cases; whoever adjudicates settles it afterwards.

    Raises:
        Refused: it is settled, or it would be the adjudicator's own work.
        StaleCase: somebody else was there meanwhile.
    """
    one = _difference_of(desk, difference)
    if against := _concerned(desk, one):
        raise Refused(against)
    if difference in queue_of(desk, one.origin).outcomes:
        raise Refused("this difference is settled")
    seen = max((done.sequence for done in steps(desk.registry, "difference", one.origin)), default=0)
    take_step(desk.registry, desk.step("difference", one.origin, difference, MEETING, note=note.strip()), seen=seen)


def for_meeting(desk: Desk) -> dict[str, str]:
    """The open differences that were sent to the meeting, each with the note that went with it."""
    sent: dict[str, str] = {}
    for step in steps(desk.registry, "difference"):
        sent.pop(step.subject, None)
        if step.action == MEETING:
            sent[step.subject] = str(step.content.get("note", ""))
    return sent


def overturned(queue: Queue) -> dict[str, tuple[int, int]]:
    """By field: how often the first reading was not upheld, of how many settled."""
    found: dict[str, tuple[int, int]] = {}
    for one in queue.differences:
        step = queue.outcomes.get(one.difference)
        if step is None:
            continue
        upheld = step.content["choice"] == ("B" if one.swapped else "A")
        lost, settled = found.get(one.field, (0, 0))
        found[one.field] = (lost + (not upheld), settled + 1)
    return found


def waiting_days(queue: Sequence[Difference], now: str) -> tuple[int, ...]:
    """How long open differences have waited, in whole days."""
    from datetime import datetime

    moment = datetime.fromisoformat(now)
    return tuple((moment - datetime.fromisoformat(one.queued_at)).days for one in queue)
