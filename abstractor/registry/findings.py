"""The ledger of annotation and the findings of each note version."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, delete, insert, select, update

from abstractor.model.finding import Assertion, Finding
from abstractor.registry.codec import plain
from abstractor.registry.engine import Registry, utc_now
from abstractor.registry.notes import StoredNote, stored_columns
from abstractor.registry.people import require
from abstractor.registry.tables import AnnotationRow, FindingRow, NoteRow, PatientRow


def pending(registry: Registry, rulebook: str) -> tuple[StoredNote, ...]:
    """Latest note versions of which this rulebook's findings do not stand, by patient and date.

    A note that was set aside is among them: it is tried again, and told again, until it can be read.
    """
    read = and_(
        AnnotationRow.note_key == NoteRow.note_key,
        AnnotationRow.rulebook == rulebook,
        AnnotationRow.fault.is_(None),
    )
    statement = (
        stored_columns()
        .outerjoin(AnnotationRow, read)
        .where(NoteRow.latest, AnnotationRow.note_key.is_(None))
        .order_by(NoteRow.patient_id, NoteRow.note_date.nulls_first(), NoteRow.note_id)
    )
    with registry.read() as connection:
        require(registry, connection, "load")
        return tuple(StoredNote(*row) for row in connection.execute(statement))


def store_findings(
    registry: Registry,
    note: StoredNote,
    findings: Sequence[Finding],
    *,
    rulebook: str,
    engine: str,
    fault: str | None = None,
    clock: Callable[[], str] = utc_now,
) -> None:
    """Stores what a rulebook found in a note version, in one transaction; findings of an earlier rulebook give way."""
    rows = [
        {
            "note_key": note.key,
            "rulebook": rulebook,
            "field": one.field,
            "value": one.value,
            "assertion": str(one.assertion),
            "start_offset": one.start,
            "end_offset": one.end,
            "text": one.text,
            "section": one.section,
            "date": one.date,
            "date_precision": one.date_precision,
            "date_source": one.date_source,
            "attributes": plain(one.attributes),
            "rule": one.rule,
            "confidence": one.confidence,
        }
        for one in findings
    ]
    entry = {
        "note_key": note.key,
        "rulebook": rulebook,
        "engine": engine,
        "annotated_at": clock(),
        "findings": len(rows),
        "fault": fault,
    }
    with registry.write() as connection:
        require(registry, connection, "load")
        connection.execute(delete(FindingRow).where(FindingRow.note_key == note.key))
        connection.execute(delete(AnnotationRow).where(AnnotationRow.note_key == note.key))
        if rows:
            connection.execute(insert(FindingRow), rows)
        connection.execute(insert(AnnotationRow).values(entry))
        connection.execute(
            update(PatientRow).where(PatientRow.patient_id == note.patient_id).values(suggestions_due=True)
        )


def findings_of(registry: Registry, patient_id: str) -> tuple[Finding, ...]:
    """What was found in the latest versions of a patient's notes, by note date, note and place."""
    statement = (
        select(FindingRow, NoteRow.note_id, NoteRow.patient_id, NoteRow.note_date, NoteRow.note_type)
        .join(NoteRow, NoteRow.note_key == FindingRow.note_key)
        .where(NoteRow.patient_id == patient_id, NoteRow.latest)
        .order_by(NoteRow.note_date.nulls_first(), NoteRow.note_id, FindingRow.start, FindingRow.finding_key)
    )
    with registry.read() as connection:
        require(registry, connection, "read_notes")
        rows = connection.execute(statement).mappings().all()
    return tuple(
        Finding(
            note_id=row["note_id"],
            patient_id=row["patient_id"],
            note_date=row["note_date"],
            note_type=row["note_type"],
            field=row["field"],
            value=row["value"],
            assertion=Assertion(row["assertion"]),
            start=row["start_offset"],
            end=row["end_offset"],
            text=row["text"],
            section=row["section"],
            date=row["date"],
            date_precision=row["date_precision"],
            date_source=row["date_source"],
            attributes=row["attributes"],
            rule=row["rule"],
            rulebook=row["rulebook"],
            confidence=row["confidence"],
        )
        for row in rows
    )


@dataclass(frozen=True, slots=True)
class NoteReading:
    """Whether and when the latest version of a note was read by the rules."""

    note_id: str
    rulebook: str | None
    """Version of the rulebook that read it; None: none has."""
    read_at: str | None
    set_aside: bool
    """It could not be read."""


def readings_of(registry: Registry, patient_id: str) -> tuple[NoteReading, ...]:
    """What became of each of a patient's notes, by note id."""
    statement = (
        select(NoteRow.note_id, AnnotationRow.rulebook, AnnotationRow.annotated_at, AnnotationRow.fault)
        .outerjoin(AnnotationRow, AnnotationRow.note_key == NoteRow.note_key)
        .where(NoteRow.patient_id == patient_id, NoteRow.latest)
        .order_by(NoteRow.note_id)
    )
    with registry.read() as connection:
        require(registry, connection, "read_notes")
        return tuple(
            NoteReading(row.note_id, row.rulebook, row.annotated_at, row.fault is not None)
            for row in connection.execute(statement)
        )
