"""Everything that was ever written about one patient in the append-only tables, with its entry in the audit chain."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, and_, cast, or_, select

from abstractor.model.errors import RegistryError
from abstractor.registry.chain import audited_tables, key_columns, reference
from abstractor.registry.engine import Registry
from abstractor.registry.people import require
from abstractor.registry.tables import (
    AuditRow,
    Base,
    PatientRow,
    QualityDifferenceRow,
    QualityEventRow,
    QualityItemRow,
    QualityReadingRow,
    ReadingDecisionRow,
)

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Entered:
    """A row and its entry."""

    sequence: int
    """Place in the chain; 0 where the row has no entry, which `verify` finds."""
    entered_at: str
    who: str
    kind: str
    """The table."""
    row: Mapping[str, Any]
    row_sha256: str
    hash: str


def entered_of(registry: Registry, patient_id: str) -> tuple[Entered, ...]:
    """What concerns a patient, in the order of the chain.

    Raises:
        NotAllowed: who is at work may not read the history.
        RegistryError: no such patient.
    """
    with registry.read() as connection:
        require(registry, connection, "read_history")
        known = connection.execute(select(PatientRow.patient_id).where(PatientRow.patient_id == patient_id)).first()
        if known is None:
            raise RegistryError(f"patient {patient_id}: not in this registry")
        found = [one for kind in audited_tables() for one in _of_table(connection, kind, patient_id)]
    return tuple(sorted(found, key=lambda one: (one.sequence, one.kind)))


def _of_table(connection: Connection, kind: str, patient_id: str) -> Iterator[Entered]:
    concerned = _concerned(kind, patient_id)
    if concerned is None:
        return
    table, keys = Base.metadata.tables[kind], key_columns(kind)
    statement = select(table).where(concerned).order_by(*table.primary_key.columns)
    rows = {reference(row[name] for name in keys): row for row in connection.execute(statement).mappings()}
    entries = {}
    refs = list(rows)
    for at in range(0, len(refs), _AT_ONCE):
        named = select(AuditRow.__table__).where(AuditRow.kind == kind, AuditRow.ref.in_(refs[at : at + _AT_ONCE]))
        entries.update({entry["ref"]: entry for entry in connection.execute(named).mappings()})
    for ref, row in rows.items():
        entry = entries.get(ref)
        if entry is None:
            yield Entered(0, "", "", kind, dict(row), "", "")
        else:
            yield Entered(
                entry["sequence"],
                entry["entered_at"],
                entry["who"],
                kind,
                dict(row),
                entry["row_sha256"],
                entry["hash"],
            )


def _concerned(kind: str, patient_id: str) -> ColumnElement[bool] | None:
    """Which rows of a table are about a patient; None for a table about none."""
    table = Base.metadata.tables[kind]
    if "patient_id" in table.columns:
        return table.c.patient_id == patient_id
    if kind == ReadingDecisionRow.__tablename__:
        readings = select(QualityReadingRow.reading).where(QualityReadingRow.patient_id == patient_id)
        return ReadingDecisionRow.reading.in_(readings)
    if kind == QualityEventRow.__tablename__:
        differences = select(QualityDifferenceRow.difference).where(QualityDifferenceRow.patient_id == patient_id)
        item = (
            select(QualityItemRow.place)
            .where(
                QualityItemRow.patient_id == patient_id,
                and_(
                    QualityItemRow.sample == QualityEventRow.scope,
                    cast(QualityItemRow.place, String) == QualityEventRow.subject,
                ),
            )
            .exists()
        )
        return or_(QualityEventRow.subject.in_(differences), and_(QualityEventRow.kind == "audit", item))
    return None
