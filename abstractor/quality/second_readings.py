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
from abstractor.registry.readings import Reading, ReadingLog, add_reading, readings
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
        RegistryError: the reader is the first one, or reads it already.
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
        own = {one.decided_by for one in decisions_of(desk.registry, item.patient_id)}
        free = [name for name in names if name not in own]
        if not free:
            raise Refused(f"patient {item.patient_id}: every one of these readers has decided on it; name another")
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
    pairs: tuple[Pair, ...]


def is_finished(desk: Desk, reading: Reading) -> bool:
    """Whether the second reader has closed the patient."""
    return ReadingLog(desk.registry, reading).case_of(reading.patient_id).closed


def compare(desk: Desk, reading: Reading) -> Comparison:
    """Compares the registry, as it was when the first reader closed, with the second reading.

    Raises:
        Refused: one of the two is not closed yet.
    """
    made = decisions_of(desk.registry, reading.patient_id)
    second = ReadingLog(desk.registry, reading).case_of(reading.patient_id)
    first = first_reading(reading.patient_id, made)
    if first is None:
        raise Refused(f"patient {reading.patient_id}: the first reader has not closed it yet")
    if not second.closed:
        raise Refused(f"patient {reading.patient_id}: {reading.reader} has not closed the second reading yet")
    pairs = compare_facts(first.facts, second.facts, desk.book.fields, desk.rules)
    return Comparison(reading, closed_by(made), pairs)


def first_reading(patient_id: str, decisions: Iterable[Decision]) -> Case | None:
    """What held when the patient was last closed: adjudication since then changes no comparison. None where it never was."""
    made = tuple(decisions)
    last = next((at for at in range(len(made) - 1, -1, -1) if made[at].action is Action.CLOSE), None)
    if last is None or not fold(patient_id, made).closed:
        return None
    kept = (one for one in made[: last + 1] if one.source != "adjudication")
    return fold(patient_id, kept)


def closed_by(decisions: Iterable[Decision]) -> str:
    """Who answers for a patient: who closed it last; else who decided last."""
    made = [one for one in decisions if one.source in PERSON]
    closers = [one.decided_by for one in made if one.action is Action.CLOSE]
    return (closers or [one.decided_by for one in made] or [""])[-1]


def both_records(desk: Desk) -> tuple[tuple[PatientRecord, ...], tuple[PatientRecord, ...]]:
    """Patients of finished second readings as endpoints take them: from the first reading, and from the second; same order, same notes."""
    first: list[PatientRecord] = []
    second: list[PatientRecord] = []
    for one in readings(desk.registry):
        case = first_reading(one.patient_id, decisions_of(desk.registry, one.patient_id))
        other = ReadingLog(desk.registry, one).case_of(one.patient_id)
        if case is None or not other.closed or any(known.patient_id == one.patient_id for known in first):
            continue
        days = tuple(
            NoteContact(datetime.date.fromisoformat(note.note_date[:10]), note.note_type, note.note_id)
            for note in notes_of(desk.registry, one.patient_id)
            if note.note_date
        )
        first.append(PatientRecord(one.patient_id, case.facts, days))
        second.append(PatientRecord(one.patient_id, other.facts, days))
    return tuple(first), tuple(second)
