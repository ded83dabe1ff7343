"""Blind second readings of whole patients: assigned, read on a log of their own, and compared only when both readers have closed."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from abstractor.model.case import Case, fold
from abstractor.model.decision import Action, Decision
from abstractor.outcomes.record import NoteContact, PatientRecord
from abstractor.quality.audit import Refused
from abstractor.quality.audits import CHARTS
from abstractor.quality.comparing import Pair, compare_facts
from abstractor.quality.desk import Desk
from abstractor.quality.frame import PERSON
from abstractor.registry.decisions import decisions_of
from abstractor.registry.notes import notes_of
from abstractor.registry.quality import items_of, sample_of
from abstractor.registry.readings import Reading, ReadingLog, add_reading, readings, why_not_blind
from abstractor.review.config import ReviewConfig
from abstractor.review.session import Session


def assign(desk: Desk, patient_id: str, reader: str, *, suggesting: bool, sample: str = "") -> Reading:
    """Gives a patient to a second reader.

    Args:
        desk: who assigns.
        patient_id: the patient.
        reader: must not have decided on it.
        suggesting: False hides what the rules suggest (an arm of the study).
        sample: the sample of charts it belongs to; "" for none.

    Raises:
        RegistryError: the reader knows something of the first reading, or reads it already.
    """
    return add_reading(
        desk.registry, Reading(desk.new_id(), patient_id, reader, suggesting, sample, desk.user, desk.clock())
    )


def assign_sample(desk: Desk, sample: str, readers: Iterable[str], *, suggesting: bool) -> tuple[Reading, ...]:
    """Deals the patients of a sample of charts out to readers in turn; nobody gets a patient of their own.

    Raises:
        Refused: it is no sample of charts, or a patient is left that none of the readers may read.
    """
    if sample_of(desk.registry, sample).kind != CHARTS:
        raise Refused(f"sample {sample}: holds facts; they are audited, not read a second time")
    names = tuple(dict.fromkeys(readers))
    taken = {one.patient_id for one in readings(desk.registry, sample=sample)}
    made = []
    for item in items_of(desk.registry, sample):
        if item.patient_id in taken:
            continue
        known = {name: why_not_blind(desk.registry, item.patient_id, name) for name in names}
        free = [name for name, why in known.items() if not why]
        if not free:
            told = "; ".join(f"{name} {why}" for name, why in known.items())
            raise Refused(f"patient {item.patient_id}: none of these may read it blind ({told}); name another reader")
        made.append(assign(desk, item.patient_id, free[item.place % len(free)], suggesting=suggesting, sample=sample))
    return tuple(made)


def open_reading(desk: Desk, reading: Reading, config: ReviewConfig | None = None) -> Session:
    """A review session on the second reader's own log: it shows no decision of the first reader, and writes none to the registry.

    Raises:
        Refused: it is somebody else's reading.
    """
    if desk.user != reading.reader:
        raise Refused(f"this second reading is {reading.reader}'s")
    return Session(
        desk.registry,
        desk.book,
        reading.patient_id,
        desk.user,
        desk.clock,
        config,
        desk.new_id,
        log=ReadingLog(desk.registry, reading),
        suggesting=reading.suggesting,
    )


@dataclass(frozen=True)
class Comparison:
    """Two finished readings of one patient."""

    reading: Reading
    first_reader: str
    """Who closed the first reading."""
    pairs: tuple[Pair, ...]
    first: Case
    second: Case


def is_finished(desk: Desk, reading: Reading) -> bool:
    """Whether the second reader has closed the patient."""
    return ReadingLog(desk.registry, reading).case_of(reading.patient_id).closed


def compare(desk: Desk, reading: Reading) -> Comparison:
    """Compares the registry, as it was when both readers had closed for the first time, with the second reading.

    Raises:
        Refused: one of the two is not closed yet.
    """
    log = ReadingLog(desk.registry, reading)
    second = log.case_of(reading.patient_id)
    if not second.closed:
        raise Refused(f"patient {reading.patient_id}: {reading.reader} has not closed the second reading yet")
    made = decisions_of(desk.registry, reading.patient_id)
    kept = first_reading(reading.patient_id, made, _closing(log.decisions_of(reading.patient_id)))
    if not kept:
        again = len(fold(reading.patient_id, made).recheck)
        todo = (
            f"has not looked again at {again} decisions on a note that has a new version"
            if again
            else "has not closed it"
        )
        raise Refused(f"patient {reading.patient_id}: the first reader {todo} yet")
    first = fold(reading.patient_id, kept)
    pairs = compare_facts(first.facts, second.facts, desk.book.fields, desk.rules)
    return Comparison(reading, closed_by(kept), pairs, first, second)


def finished(desk: Desk, assigned: Iterable[Reading]) -> tuple[Comparison, ...]:
    """The comparisons of all second readings that both readers have closed."""
    found = []
    for one in assigned:
        try:
            found.append(compare(desk, one))
        except Refused:
            continue
    return tuple(found)


def _closing(decisions: Iterable[Decision]) -> str:
    """When a reading was last closed."""
    return max((one.decided_at for one in decisions if one.action is Action.CLOSE), default="")


def first_reading(patient_id: str, decisions: Iterable[Decision], until: str) -> tuple[Decision, ...]:
    """The decisions of the first reading, up to its closing: what is mended or adjudicated later changes no comparison.

    Args:
        patient_id: the patient.
        decisions: all in the registry, oldest first.
        until: when the second reading was closed. The first counts as it was closed then; if it was open then, as it is closed next. So it
            does if a note had a new version that the first reader had not looked at then: the second one has, and differences would
            be those of the note.

    Returns:
        Nothing where it is not closed yet.
    """
    made = tuple(decisions)
    closings = [at for at, one in enumerate(made) if one.action is Action.CLOSE]
    then = fold(patient_id, [one for one in made if one.decided_at <= until])
    earlier = [at for at in closings if made[at].decided_at <= until]
    later = (at for at in closings if at not in earlier and not fold(patient_id, made[: at + 1]).recheck)
    end = earlier[-1] if then.closed and not then.recheck else next(later, -1)
    return tuple(one for one in made[: end + 1] if one.source != "adjudication")


def closed_by(decisions: Iterable[Decision]) -> str:
    """Who answers for a patient: who closed it last; else who decided last."""
    made = [one for one in decisions if one.source in PERSON]
    closers = [one.decided_by for one in made if one.action is Action.CLOSE]
    return (closers or [one.decided_by for one in made] or [""])[-1]


def both_records(desk: Desk) -> tuple[tuple[PatientRecord, ...], tuple[PatientRecord, ...]]:
    """Patients of finished second readings as endpoints take them: from the first reading, and from the second; same order, same notes."""
    first: list[PatientRecord] = []
    second: list[PatientRecord] = []
    for compared in finished(desk, readings(desk.registry)):
        one = compared.reading
        if any(known.patient_id == one.patient_id for known in first):
            continue
        days = tuple(
            NoteContact(datetime.date.fromisoformat(note.note_date[:10]), note.note_type, note.note_id)
            for note in notes_of(desk.registry, one.patient_id)
            if note.note_date
        )
        first.append(PatientRecord(one.patient_id, compared.first.facts, days))
        second.append(PatientRecord(one.patient_id, compared.second.facts, days))
    return tuple(first), tuple(second)
