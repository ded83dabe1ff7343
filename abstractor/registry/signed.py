"""Whether a patient is signed: asked before every decision, within its transaction. Signing itself is in `signatures`."""

from collections.abc import Sequence

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


def require_unsigned(connection: Connection, decision: Decision) -> None:
    """Refuses a change to a patient who is signed.

    Raises:
        NotAllowed: the patient is signed; nothing was written.
    """
    if decision.action in _CHANGES_NOTHING:
        return
    standing = standing_rows(connection, decision.patient_id)
    if standing:
        last = standing[-1]
        raise NotAllowed(
            f"patient {decision.patient_id}: signed as {last.meaning} by {last.signed_by}; not saved. "
            f"`abstractor unlock {decision.patient_id} --reason WHY` voids the signatures"
        )
