"""Decisions: appended one at a time, never changed; a patient's case is folded from them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from sqlalchemy import Connection, RowMapping, Update, func, or_, select, update

from abstractor.model.case import Case, fold
from abstractor.model.decision import Action, Decision
from abstractor.model.errors import NotAllowed, RegistryError, StaleCase
from abstractor.model.finding import Assertion
from abstractor.registry.chain import append_numbered, append_row
from abstractor.registry.codec import evidence_rows, plain, read_evidence
from abstractor.registry.engine import Registry
from abstractor.registry.inserts import insert_once
from abstractor.registry.leases import taken_from
from abstractor.registry.people import require
from abstractor.registry.signed import refused_changes, require_unsigned
from abstractor.registry.tables import DecisionRow, PatientRow

Item = TypeVar("Item")

_AT_ONCE = 500


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


def record_all(registry: Registry, decisions: Sequence[Decision]) -> int:
    """Commits many decisions of a script in one transaction; those that stand already are left out.

    Returns:
        How many were written.

    Raises:
        NotAllowed: this person may not, or a patient is signed; nothing was written.
        RegistryError: a patient is unknown, or it could not be saved; nothing was written.
    """

    def work(connection: Connection) -> int:
        require(registry, connection, "import")
        new = _new(connection, decisions)
        for refusal in _refused_changes(connection, new).values():
            raise NotAllowed(refusal)
        return _append_all(connection, new)

    return registry.attempt(work)


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of decisions that were brought from elsewhere."""

    written: int = 0
    refused: Mapping[str, str] = field(default_factory=dict)
    """Why not, by action id: everything new about a patient is refused, or nothing."""


def import_all(registry: Registry, decisions: Sequence[Decision], seen: Mapping[str, int]) -> Imported:
    """Commits imported decisions in one transaction; patients about whom nothing may be changed are left out as a whole.

    Args:
        registry: an open registry.
        decisions: those that stand already are left out, and not refused.
        seen: `Case.version` of every patient, as it was when the decisions were held against what people decided.

    Raises:
        NotAllowed: this person may not import; nothing was written.
        RegistryError: it could not be saved; nothing was written.
    """

    def work(connection: Connection) -> Imported:
        require(registry, connection, "import")
        new = _new(connection, decisions)
        refused = {**_decided_since(connection, seen), **_refused_changes(connection, new)}
        written = _append_all(connection, [one for one in new if one.patient_id not in refused])
        return Imported(written, {one.action_id: refused[one.patient_id] for one in new if one.patient_id in refused})

    return registry.attempt(work)


def _new(connection: Connection, decisions: Sequence[Decision]) -> list[Decision]:
    """Those that do not stand yet, each once; their patients are locked, as by `lock_patient`, and there."""
    _add_patients(connection, decisions)
    for some in _portions(sorted({one.patient_id for one in decisions})):
        named = select(PatientRow.patient_id).where(PatientRow.patient_id.in_(some))
        # everybody takes several locks in the same order, or two imports would wait for each other for ever
        connection.execute(named.order_by(PatientRow.patient_id).with_for_update(key_share=True)).all()
    new = {one.action_id: one for one in reversed(decisions)}
    for some in _portions(list(new)):
        for action_id in connection.scalars(select(DecisionRow.action_id).where(DecisionRow.action_id.in_(some))):
            del new[action_id]
    return list(reversed(new.values()))


def _add_patients(connection: Connection, decisions: Sequence[Decision]) -> None:
    """Adds the patients that are not here; only an import may bring one."""
    first = {one.patient_id: one for one in reversed(decisions)}
    for some in _portions(sorted(first)):
        known = set(connection.scalars(select(PatientRow.patient_id).where(PatientRow.patient_id.in_(some))))
        for patient_id in some:
            if patient_id not in known:
                _add_patient(connection, first[patient_id])


def _add_patient(connection: Connection, decision: Decision) -> None:
    if decision.action is not Action.IMPORT:
        raise RegistryError(f"patient {decision.patient_id}: not in this registry")
    insert_once(connection, PatientRow, {"patient_id": decision.patient_id, "created_at": decision.decided_at})


def _refused_changes(connection: Connection, decisions: Sequence[Decision]) -> Mapping[str, str]:
    refused: dict[str, str] = {}
    for some in _portions(decisions):
        refused |= refused_changes(connection, some)
    return refused


def _decided_since(connection: Connection, seen: Mapping[str, int]) -> Mapping[str, str]:
    """Patients about whom something was decided after the importer had looked, each with the refusal."""
    last = select(DecisionRow.patient_id, func.max(DecisionRow.sequence)).group_by(DecisionRow.patient_id)
    return {
        patient_id: f"patient {patient_id}: somebody has decided on it meanwhile; not saved: import the file again"
        for some in _portions(list(seen))
        for patient_id, sequence in connection.execute(last.where(DecisionRow.patient_id.in_(some)))
        if sequence > seen[patient_id]
    }


def _append_all(connection: Connection, decisions: Sequence[Decision]) -> int:
    imported = sorted({one.patient_id for one in decisions if one.action is Action.IMPORT})
    for some in _portions(imported):
        connection.execute(_suggestions_due(some))
    return len(append_numbered(connection, DecisionRow, [_row(one) for one in decisions]))


def _portions(several: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """As many at a time as fit into one statement of either database."""
    for at in range(0, len(several), _AT_ONCE):
        yield several[at : at + _AT_ONCE]


def append(connection: Connection, decision: Decision) -> Decision:
    """Adds a decision inside the caller's transaction, unless the patient is signed; used by this package only."""
    require_unsigned(connection, decision)
    known = connection.execute(
        select(PatientRow.patient_id).where(PatientRow.patient_id == decision.patient_id)
    ).first()
    if known is None:
        _add_patient(connection, decision)
    elif decision.action is Action.IMPORT:
        connection.execute(_suggestions_due([decision.patient_id]))
    return replace(decision, sequence=append_row(connection, DecisionRow, _row(decision)))


def _suggestions_due(patient_ids: Sequence[str]) -> Update:
    """What is suggested near an imported event must move to its slot."""
    return update(PatientRow).where(PatientRow.patient_id.in_(patient_ids)).values(suggestions_due=True)


def _row(decision: Decision) -> dict[str, object]:
    return {
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


def decisions_of(registry: Registry, patient_id: str) -> tuple[Decision, ...]:
    """All decisions on a patient, oldest first."""
    with registry.read() as connection:
        require(registry, connection, "read_facts")
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
