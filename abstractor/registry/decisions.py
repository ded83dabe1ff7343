"""Decisions: appended one at a time, never changed; a patient's case is folded from them."""

from dataclasses import dataclass, replace
from typing import Protocol

from sqlalchemy import Connection, RowMapping, or_, select, update

from abstractor.model.case import Case, fold
from abstractor.model.decision import Action, Decision
from abstractor.model.errors import RegistryError, StaleCase
from abstractor.model.finding import Assertion
from abstractor.registry.chain import append_row
from abstractor.registry.codec import evidence_rows, plain, read_evidence
from abstractor.registry.engine import Registry
from abstractor.registry.inserts import insert_once
from abstractor.registry.leases import taken_from
from abstractor.registry.people import require
from abstractor.registry.signed import require_unsigned
from abstractor.registry.tables import DecisionRow, PatientRow


class DecisionLog(Protocol):
    """Where the decisions of a reading are kept: those of the registry, or those of a second reader who must not see them."""

    def record(self, decision: Decision, *, seen: int) -> Decision:
        """Commits one decision under the rules of `record` below: safe to repeat, refused where it is stale."""
        ...

    def decisions_of(self, patient_id: str) -> tuple[Decision, ...]:
        """All decisions on a patient, oldest first."""
        ...

    def case_of(self, patient_id: str) -> Case:
        """What holds now for a patient."""
        ...


@dataclass(frozen=True, slots=True)
class RegistryLog:
    """The decisions of the registry itself: a `DecisionLog`."""

    registry: Registry

    def record(self, decision: Decision, *, seen: int) -> Decision:
        return record(self.registry, decision, seen=seen)

    def decisions_of(self, patient_id: str) -> tuple[Decision, ...]:
        return decisions_of(self.registry, patient_id)

    def case_of(self, patient_id: str) -> Case:
        return case_of(self.registry, patient_id)


def record(registry: Registry, decision: Decision, *, seen: int) -> Decision:
    """Commits one decision; it is on the disk when this returns.

    Args:
        registry: an open registry.
        decision: its `action_id` makes a retry safe: a decision that stands already is returned as it is.
        seen: `Case.version` that the decider was looking at.

    Raises:
        StaleCase: somebody else has decided on this patient since; nothing was written.
        NotAllowed: this person may not, or the patient is signed; nothing was written.
        RegistryError: it could not be saved; nothing was written.
    """
    return registry.attempt(lambda connection: _record(connection, registry, decision, seen))


def _record(connection: Connection, registry: Registry, decision: Decision, seen: int) -> Decision:
    lock_patient(connection, decision.patient_id)
    standing = _standing(connection, decision.action_id)
    if standing is not None:
        return standing
    require(registry, connection, "decide", decision.decided_by)
    newer = connection.execute(
        select(DecisionRow.decided_by, DecisionRow.decided_at).where(
            DecisionRow.patient_id == decision.patient_id,
            DecisionRow.sequence > seen,
            or_(DecisionRow.decided_by != decision.decided_by, DecisionRow.slot == decision.slot),
        )
    ).first()
    if newer is not None:
        raise StaleCase(
            f"patient {decision.patient_id}: {newer.decided_by} decided at {newer.decided_at} what you have not seen; "
            "not saved: look at it and decide again"
        )
    now = registry.now(connection, lambda: decision.decided_at)
    taker = taken_from(connection, decision.patient_id, decision.decided_by, now)
    if taker is not None:
        raise StaleCase(f"patient {decision.patient_id}: {taker} has taken it over; not saved")
    return append(connection, decision)


def lock_patient(connection: Connection, patient_id: str) -> None:
    """Decisions on one patient come one after the other, so that none is made past one unseen, and sequences rise as they are saved.

    Used by this package only.
    """
    connection.execute(
        select(PatientRow.patient_id).where(PatientRow.patient_id == patient_id).with_for_update(key_share=True)
    )


def record_all(registry: Registry, decisions: list[Decision]) -> int:
    """Commits many decisions of an import or a script in one transaction; those that stand already are left out.

    Returns:
        How many were written.
    """

    def work(connection: Connection) -> int:
        require(registry, connection, "import")
        written = 0
        for patient_id in sorted({decision.patient_id for decision in decisions}):
            lock_patient(connection, patient_id)
        for decision in decisions:
            if _standing(connection, decision.action_id) is None:
                append(connection, decision)
                written += 1
        return written

    return registry.attempt(work)


def append(connection: Connection, decision: Decision) -> Decision:
    """Adds a decision inside the caller's transaction, unless the patient is signed; used by this package only."""
    require_unsigned(connection, decision)
    known = connection.execute(
        select(PatientRow.patient_id).where(PatientRow.patient_id == decision.patient_id)
    ).first()
    if known is None:
        if decision.action is not Action.IMPORT:
            raise RegistryError(f"patient {decision.patient_id}: not in this registry")
        insert_once(connection, PatientRow, {"patient_id": decision.patient_id, "created_at": decision.decided_at})
    elif decision.action is Action.IMPORT:
        # what is suggested near an imported event must move to its slot
        connection.execute(
            update(PatientRow).where(PatientRow.patient_id == decision.patient_id).values(suggestions_due=True)
        )
    values = {
        "action_id": decision.action_id,
        "patient_id": decision.patient_id,
        "slot": decision.slot,
        "action": str(decision.action),
        "decided_by": decision.decided_by,
        "decided_at": decision.decided_at,
        "field": decision.field,
        "value": decision.value,
        "assertion": str(decision.assertion),
        "date": decision.date,
        "end_date": decision.end_date,
        "attributes": plain(decision.attributes),
        "evidence": evidence_rows(decision.evidence),
        "source": decision.source,
        "reason": decision.reason,
        "undoes": decision.undoes,
        "offered": decision.offered,
        "rule": decision.rule,
        "rulebook": decision.rulebook,
    }
    return replace(decision, sequence=append_row(connection, DecisionRow, values))


def decisions_of(registry: Registry, patient_id: str) -> tuple[Decision, ...]:
    """All decisions on a patient, oldest first."""
    with registry.read() as connection:
        return read_decisions(connection, patient_id)


def case_of(registry: Registry, patient_id: str) -> Case:
    """What holds now for a patient."""
    return fold(patient_id, decisions_of(registry, patient_id))


def read_case(connection: Connection, patient_id: str) -> Case:
    """`case_of` inside a transaction; used by this package only."""
    return fold(patient_id, read_decisions(connection, patient_id))


def read_decisions(connection: Connection, patient_id: str) -> tuple[Decision, ...]:
    """`decisions_of` inside a transaction; used by this package only."""
    table = DecisionRow.__table__
    rows = connection.execute(select(table).where(DecisionRow.patient_id == patient_id).order_by(DecisionRow.sequence))
    return tuple(stored_decision(row) for row in rows.mappings())


def _standing(connection: Connection, action_id: str) -> Decision | None:
    row = connection.execute(select(DecisionRow.__table__).where(DecisionRow.action_id == action_id)).mappings().first()
    return None if row is None else stored_decision(row)


def stored_decision(row: RowMapping) -> Decision:
    """A row of the table as a decision; used by this package only."""
    values = dict(row)
    values["action"] = Action(values["action"])
    values["assertion"] = Assertion(values["assertion"])
    values["evidence"] = read_evidence(values["evidence"])
    return Decision(**values)
