"""Confirmed facts and note dates out of the registry, as the outcomes stage takes them."""

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from abstractor.model.case import Case
from abstractor.outcomes.record import NoteContact, PatientRecord
from abstractor.registry.decisions import case_of
from abstractor.registry.engine import Registry
from abstractor.registry.notes import StoredNote, all_notes, patients
from abstractor.registry.people import require_power
from abstractor.registry.worklist import worklist


@dataclass(frozen=True, slots=True)
class Unreviewed:
    """What the endpoints do not know yet."""

    patients: int
    suggestions: int
    notes: int


def cases(registry: Registry) -> Iterator[Case]:
    """The case of every patient, by id.

    Raises:
        NotAllowed: who is at work may not read the facts of identified patients.
    """
    require_power(registry, "read_facts")
    for patient_id in patients(registry):
        yield case_of(registry, patient_id)


def records(registry: Registry, tick: Callable[[], None] = lambda: None) -> tuple[PatientRecord, ...]:
    """Every patient with its facts and the days of its notes; `tick` is called at each, and may raise to stop."""
    noted = {
        patient_id: tuple(_contacts(stored))
        for patient_id, stored in groupby(all_notes(registry), key=lambda note: note.patient_id)
    }
    found = []
    for case in cases(registry):
        tick()
        found.append(PatientRecord(case.patient_id, case.facts, noted.get(case.patient_id, ())))
    return tuple(found)


def unreviewed(registry: Registry, leaving_out: Container[str] = frozenset()) -> Unreviewed:
    """How much is suggested and not decided, but about the patients that are left out."""
    rows = [row for row in worklist(registry, "") if row.patient_id not in leaving_out]
    return Unreviewed(
        patients=sum(row.undecided > 0 for row in rows),
        suggestions=sum(row.undecided for row in rows),
        notes=sum(row.notes for row in rows),
    )


def _contacts(stored: Iterator[StoredNote]) -> Iterator[NoteContact]:
    for note in stored:
        if note.note_date:
            yield NoteContact(date.fromisoformat(note.note_date[:10]), note.note_type, note.note_id)
