"""Counts of each patient for the worklist, kept in a table so that a list of thousands opens at once.

A count is believed only while the patient's `changes`, which triggers raise with every note, suggestion and decision, is what it
was when it was counted. So it can be missing or old, and then is counted again; it can't be wrong. Closing, undoing and the like
are folded by `model.case` as everywhere: there is one meaning of what is decided.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from abstractor.model.case import Case, fold
from abstractor.model.decision import Action, Decision
from abstractor.registry.inserts import put
from abstractor.registry.light import LIGHT, light_decision
from abstractor.registry.tables import DecisionRow, NoteRow, PatientRow, SuggestionRow, TallyRow

_NAMED = 500
"""Up to so many patients are asked for by name; more, and everything is read."""


@dataclass(frozen=True, slots=True)
class Tally:
    """One patient, in numbers. Each name is a column of the table `tally`."""

    patient_id: str
    changes: int
    notes: int = 0
    suggested: int = 0
    undecided: int = 0
    conflicts: int = 0
    deferred: int = 0
    oldest_note_date: str | None = None
    newest_note_date: str | None = None
    waiting_since: str | None = None
    closed: bool = False


def tallies(connection: Connection) -> tuple[dict[str, Tally], tuple[Tally, ...]]:
    """The counts of all patients, by id; and those among them that had to be counted now."""
    table = TallyRow.__table__
    kept = {row.patient_id: Tally(*row) for row in connection.execute(select(*table.columns))}
    now = connection.execute(select(PatientRow.patient_id, PatientRow.changes).order_by(PatientRow.patient_id)).all()
    stale = {
        patient_id: changes
        for patient_id, changes in now
        if patient_id not in kept or kept[patient_id].changes != changes
    }
    counted = {one.patient_id: one for one in _count(connection, stale)} if stale else {}
    found = {patient_id: counted.get(patient_id) or kept[patient_id] for patient_id, _ in now}
    return found, tuple(counted.values())


def keep(connection: Connection, counted: Iterable[Tally]) -> None:
    """Keeps counts for the next time."""
    names = [column.name for column in TallyRow.__table__.columns]
    put(connection, TallyRow, *({name: getattr(one, name) for name in names} for one in counted))


def wrong_counts(connection: Connection, patient_ids: Sequence[str]) -> tuple[str, ...]:
    """Those of these patients (a few hundred at a time) whose counts are believed, and are not what counting gives."""
    table = TallyRow.__table__
    believed = (
        select(*table.columns)
        .join(PatientRow, PatientRow.patient_id == table.c.patient_id)
        .where(PatientRow.changes == table.c.changes, table.c.patient_id.in_(patient_ids))
    )
    kept = {row.patient_id: Tally(*row) for row in connection.execute(believed)}
    counted = _count(connection, {one: tally.changes for one, tally in kept.items()}) if kept else ()
    return tuple(one.patient_id for one in counted if one != kept[one.patient_id])


def _count(connection: Connection, stale: dict[str, int]) -> Iterable[Tally]:
    notes = {row.patient_id: row for row in connection.execute(_notes(stale))}
    slots: dict[str, dict[str, int]] = {}
    for patient_id, slot, values in connection.execute(_slots(stale)).all():
        slots.setdefault(patient_id, {})[slot] = values
    made: dict[str, list[Decision]] = {}
    for row in connection.execute(_light_decisions(stale)).all():
        made.setdefault(row[0], []).append(light_decision(*row))
    cases = {patient_id: fold(patient_id, made.get(patient_id, ())) for patient_id in stale}
    later = _arrived_since(connection, {one: at for one, at in _closings(made).items() if not cases[one].closed})
    for patient_id, changes in stale.items():
        noted = notes.get(patient_id)
        waiting = later.get(patient_id, noted.arrived if noted is not None else None)
        yield _tally(cases[patient_id], changes, noted, slots.get(patient_id, {}), waiting)


def _closings(made: dict[str, list[Decision]]) -> dict[str, str]:
    """When each patient that was ever closed was closed last."""
    return {
        patient_id: one.decided_at
        for patient_id, decisions in made.items()
        for one in decisions
        if one.action is Action.CLOSE
    }


def _tally(
    case: Case,
    changes: int,
    noted: Row[str, int, str | None, str | None, str] | None,
    slots: dict[str, int],
    waiting: str | None,
) -> Tally:
    settled = {
        slot
        for slot, decision in case.current.items()
        if decision.action is not Action.DEFER and slot not in case.recheck
    }
    undecided = [slot for slot in slots if slot not in settled]
    return Tally(
        patient_id=case.patient_id,
        changes=changes,
        notes=noted.notes if noted is not None else 0,
        suggested=len(slots),
        undecided=len(undecided),
        conflicts=sum(slots[slot] > 1 for slot in undecided),
        deferred=sum(decision.action is Action.DEFER for decision in case.current.values()),
        oldest_note_date=noted.oldest if noted is not None else None,
        newest_note_date=noted.newest if noted is not None else None,
        waiting_since=waiting,
        closed=case.closed,
    )


def _of(column: InstrumentedAttribute[str], stale: dict[str, int]) -> ColumnElement[bool]:
    return column.in_(stale) if len(stale) <= _NAMED else true()


def _notes(stale: dict[str, int]) -> Select[str, int, str | None, str | None, str]:
    return (
        select(
            NoteRow.patient_id,
            func.count().label("notes"),
            func.min(NoteRow.note_date).label("oldest"),
            func.max(NoteRow.note_date).label("newest"),
            func.min(NoteRow.ingested_at).label("arrived"),
        )
        .where(NoteRow.latest, _of(NoteRow.patient_id, stale))
        .group_by(NoteRow.patient_id)
    )


def _slots(stale: dict[str, int]) -> Select[str, str, int]:
    return (
        select(SuggestionRow.patient_id, SuggestionRow.slot, func.count())
        .where(_of(SuggestionRow.patient_id, stale))
        .group_by(SuggestionRow.patient_id, SuggestionRow.slot)
    )


def _arrived_since(connection: Connection, closings: dict[str, str]) -> dict[str, str]:
    """When the first note came in after each patient was last closed."""
    found: dict[str, str] = {}
    several = list(closings.items())
    for at in range(0, len(several), _NAMED):
        later = [
            (NoteRow.patient_id == one) & (NoteRow.ingested_at > closed) for one, closed in several[at : at + _NAMED]
        ]
        statement = (
            select(NoteRow.patient_id, func.min(NoteRow.ingested_at))
            .where(NoteRow.latest, or_(*later))
            .group_by(NoteRow.patient_id)
        )
        found.update((patient_id, arrived) for patient_id, arrived in connection.execute(statement))
    return found


def _light_decisions(stale: dict[str, int]) -> Select[*tuple[Any, ...]]:
    return select(*LIGHT).where(_of(DecisionRow.patient_id, stale)).order_by(DecisionRow.sequence)
