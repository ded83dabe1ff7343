"""Whether a patient is signed: asked before every decision, within its transaction. Signing itself is in `signatures`."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, Row, func, select

from abstractor.model.decision import Action, Decision
from abstractor.model.errors import NotAllowed
from abstractor.registry.tables import SignatureRow

UNLOCKED = "unlocked"
"""In the place of a meaning: the signatures before it are void."""

_CHANGES_NOTHING = frozenset({Action.COMMENT, Action.RECHECK})
"""What may be added to a signed patient: words, and the system's remark that a note has changed."""


def standing_rows(connection: Connection, patient_id: str) -> Sequence[Row[str, str, str]]:
    """The signatures of a patient that no unlocking has voided, oldest first."""
    table = SignatureRow
    voided = (
        select(func.coalesce(func.max(table.sequence), 0))
        .where(table.patient_id == patient_id, table.meaning == UNLOCKED)
        .scalar_subquery()
    )
    return connection.execute(
        select(table.signature_id, table.meaning, table.signed_by)
        .where(table.patient_id == patient_id, table.sequence > voided)
        .order_by(table.sequence)
    ).all()


def signed_patients(connection: Connection) -> dict[str, dict[str, str]]:
    """Every patient that is signed, each with who gave which signature that stands, in their order."""
    table = SignatureRow
    found: dict[str, dict[str, str]] = {}
    given = select(table.patient_id, table.meaning, table.signed_by).order_by(table.sequence)
    for patient_id, meaning, signed_by in connection.execute(given):
        if meaning == UNLOCKED:
            found.pop(patient_id, None)
        else:
            found.setdefault(patient_id, {})[meaning] = signed_by
    return found


def require_unsigned(connection: Connection, decision: Decision) -> None:
    """Refuses a change to a patient who is signed.

    Raises:
        NotAllowed: the patient is signed; nothing was written.
    """
    if decision.action in _CHANGES_NOTHING:
        return
    standing = standing_rows(connection, decision.patient_id)
    if standing:
        raise NotAllowed(_refusal(decision.patient_id, standing[-1].meaning, standing[-1].signed_by))


def refused_changes(connection: Connection, decisions: Iterable[Decision]) -> Mapping[str, str]:
    """Those of these patients (a few hundred) about whom something is to be changed and who are signed, each with the refusal."""
    changed = {one.patient_id for one in decisions if one.action not in _CHANGES_NOTHING}
    table = SignatureRow
    given = select(table.patient_id, table.meaning, table.signed_by).where(table.patient_id.in_(changed))
    refused: dict[str, str] = {}
    for patient_id, meaning, signed_by in connection.execute(given.order_by(table.sequence)):
        if meaning == UNLOCKED:
            refused.pop(patient_id, None)
        else:
            refused[patient_id] = _refusal(patient_id, meaning, signed_by)
    return refused


def _refusal(patient_id: str, meaning: str, signed_by: str) -> str:
    return (
        f"patient {patient_id}: signed as {meaning} by {signed_by}; not saved. "
        f"`abstractor unlock {patient_id} --reason WHY` voids the signatures"
    )
