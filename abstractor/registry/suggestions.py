"""What is proposed for a patient. A new annotation replaces proposals; it never touches a decision."""

from collections.abc import Callable, Sequence

from sqlalchemy import RowMapping, delete, insert, select, update

from abstractor.model.finding import Assertion
from abstractor.model.suggestion import Suggestion
from abstractor.registry.codec import evidence_rows, plain, read_evidence
from abstractor.registry.engine import Registry
from abstractor.registry.people import require, require_one
from abstractor.registry.tables import PatientRow, SuggestionRow


def replace_suggestions(registry: Registry, patient_id: str, suggestions: Sequence[Suggestion]) -> None:
    """Puts new proposals in the place of the patient's old ones, in one transaction."""
    rows = [
        {
            "patient_id": patient_id,
            "slot": one.slot,
            "field": one.field,
            "value": one.value,
            "assertion": str(one.assertion),
            "date": one.date,
            "end_date": one.end_date,
            "attributes": plain(one.attributes),
            "confidence": one.confidence,
            "origin": one.origin,
            "rulebook": one.rulebook,
            "evidence": evidence_rows(one.evidence),
        }
        for one in suggestions
    ]
    with registry.write() as connection:
        require_one(registry, connection, ("load", "import"))
        connection.execute(delete(SuggestionRow).where(SuggestionRow.patient_id == patient_id))
        if rows:
            connection.execute(insert(SuggestionRow), rows)
        connection.execute(update(PatientRow).where(PatientRow.patient_id == patient_id).values(suggestions_due=False))


def patients_due(registry: Registry) -> tuple[str, ...]:
    """Patients whose findings or imported facts are newer than their suggestions, by id."""
    statement = select(PatientRow.patient_id).where(PatientRow.suggestions_due).order_by(PatientRow.patient_id)
    with registry.read() as connection:
        require(registry, connection, "list_patients")
        return tuple(connection.scalars(statement))


def suggestions_of(registry: Registry, patient_id: str) -> tuple[Suggestion, ...]:
    """The proposals for a patient; within a slot the one to offer first comes first."""
    table = SuggestionRow.__table__
    statement = select(table).where(SuggestionRow.patient_id == patient_id).order_by(SuggestionRow.suggestion_key)
    with registry.read() as connection:
        require(registry, connection, "read_notes")
        rows = connection.execute(statement).mappings().all()
    return tuple(_suggestion(row) for row in rows)


def reweigh_suggestions(registry: Registry, weigh: Callable[[Suggestion], float], least: float) -> int:
    """Gives every suggestion the confidence that `weigh` works out, in one transaction; nothing else of it changes.

    Args:
        registry: an open registry.
        weigh: from a suggestion to its confidence.
        least: a smaller change is not written.

    Returns:
        How many changed.
    """
    table = SuggestionRow.__table__
    changed = 0
    with registry.write() as connection:
        require(registry, connection, "load")
        for row in connection.execute(select(table)).mappings().all():
            confidence = weigh(_suggestion(row))
            if abs(confidence - row["confidence"]) >= least:
                connection.execute(
                    update(SuggestionRow)
                    .where(SuggestionRow.suggestion_key == row["suggestion_key"])
                    .values(confidence=confidence)
                )
                changed += 1
    return changed


def _suggestion(row: RowMapping) -> Suggestion:
    return Suggestion(
        patient_id=row["patient_id"],
        slot=row["slot"],
        field=row["field"],
        value=row["value"],
        assertion=Assertion(row["assertion"]),
        date=row["date"],
        end_date=row["end_date"],
        attributes=row["attributes"],
        confidence=row["confidence"],
        evidence=read_evidence(row["evidence"]),
        origin=row["origin"],
        rulebook=row["rulebook"],
    )
