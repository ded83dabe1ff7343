"""The worklist: what is left to decide, patient by patient."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Row, Select, func, select

from abstractor.model.case import fold
from abstractor.model.decision import Action, Decision
from abstractor.model.finding import Assertion
from abstractor.registry.engine import Registry, utc_now
from abstractor.registry.tables import DecisionRow, LeaseRow, NoteRow, PatientRow, SuggestionRow


@dataclass(frozen=True, slots=True)
class WorklistRow:
    """One patient, in numbers."""

    patient_id: str
    notes: int
    suggested: int
    """Slots with a suggestion."""
    undecided: int
    """Of these, without a decision (a deferral is none) or to be looked at again."""
    conflicts: int
    """Of the undecided, with differing values."""
    deferred: int
    oldest_note_date: str | None
    newest_note_date: str | None
    closed: bool
    holder: str | None
    held_until: str | None


def worklist(registry: Registry, user: str, clock: Callable[[], str] = utc_now) -> tuple[WorklistRow, ...]:
    """All patients: those with work first, the ones this user holds before the others, closed ones last."""
    now = clock()
    with registry.read() as connection:
        notes = {
            row.patient_id: row
            for row in connection.execute(
                select(
                    NoteRow.patient_id,
                    func.count().label("notes"),
                    func.min(NoteRow.note_date).label("oldest"),
                    func.max(NoteRow.note_date).label("newest"),
                )
                .where(NoteRow.latest)
                .group_by(NoteRow.patient_id)
            )
        }
        slots: dict[str, dict[str, int]] = {}
        for patient_id, slot, values in connection.execute(
            select(SuggestionRow.patient_id, SuggestionRow.slot, func.count()).group_by(
                SuggestionRow.patient_id, SuggestionRow.slot
            )
        ):
            slots.setdefault(patient_id, {})[slot] = values
        decided: dict[str, list[Decision]] = {}
        for row in connection.execute(_light_decisions()):
            decided.setdefault(row.patient_id, []).append(_light(row))
        leases = {
            row.patient_id: row
            for row in connection.execute(
                select(LeaseRow.patient_id, LeaseRow.holder, LeaseRow.until).where(LeaseRow.until > now)
            )
        }
        ids = list(connection.scalars(select(PatientRow.patient_id).order_by(PatientRow.patient_id)))
    rows = [
        _row(patient_id, notes.get(patient_id), slots.get(patient_id, {}), decided.get(patient_id, []), leases)
        for patient_id in ids
    ]
    rows.sort(key=lambda row: (row.closed, row.holder != user, row.undecided == 0, row.patient_id))
    return tuple(rows)


def _row(
    patient_id: str,
    notes: Row[str, int, str | None, str | None] | None,
    slots: dict[str, int],
    decisions: list[Decision],
    leases: dict[str, Row[str, str, str]],
) -> WorklistRow:
    case = fold(patient_id, decisions)
    settled = {
        slot
        for slot, decision in case.current.items()
        if decision.action is not Action.DEFER and slot not in case.recheck
    }
    undecided = [slot for slot in slots if slot not in settled]
    lease = leases.get(patient_id)
    return WorklistRow(
        patient_id=patient_id,
        notes=notes.notes if notes is not None else 0,
        suggested=len(slots),
        undecided=len(undecided),
        conflicts=sum(slots[slot] > 1 for slot in undecided),
        deferred=sum(decision.action is Action.DEFER for decision in case.current.values()),
        oldest_note_date=notes.oldest if notes is not None else None,
        newest_note_date=notes.newest if notes is not None else None,
        closed=case.closed,
        holder=lease.holder if lease is not None else None,
        held_until=lease.until if lease is not None else None,
    )


def _light_decisions() -> Select[str, str, str, str, str, str, str, str | None, int]:
    """Decisions without evidence and attributes: the list of 5,000 patients must open at once."""
    return select(
        DecisionRow.patient_id,
        DecisionRow.action_id,
        DecisionRow.slot,
        DecisionRow.action,
        DecisionRow.decided_by,
        DecisionRow.decided_at,
        DecisionRow.source,
        DecisionRow.undoes,
        DecisionRow.sequence,
    ).order_by(DecisionRow.sequence)


def _light(row: Row[str, str, str, str, str, str, str, str | None, int]) -> Decision:
    return Decision(
        action_id=row.action_id,
        patient_id=row.patient_id,
        slot=row.slot,
        action=Action(row.action),
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        assertion=Assertion.PRESENT,
        source=row.source,
        undoes=row.undoes,
        sequence=row.sequence,
    )
