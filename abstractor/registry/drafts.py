"""Half-typed edits, kept so that a killed terminal loses nothing."""

from collections.abc import Callable

from sqlalchemy import delete, select

from abstractor.registry.engine import Registry, utc_now
from abstractor.registry.inserts import put
from abstractor.registry.people import require_self
from abstractor.registry.tables import DraftRow


def save_draft(
    registry: Registry, user: str, patient_id: str, slot: str, text: str, clock: Callable[[], str] = utc_now
) -> None:
    """Keeps what a user has typed for a slot so far; an older draft of it is replaced."""
    values = {"user_name": user, "patient_id": patient_id, "slot": slot, "text": text, "saved_at": clock()}
    registry.attempt(lambda connection: put(connection, DraftRow, values))


def draft_of(registry: Registry, user: str, patient_id: str, slot: str) -> str | None:
    """What a user had typed for a slot; None where nothing is kept."""
    statement = select(DraftRow.text).where(
        DraftRow.user == user, DraftRow.patient_id == patient_id, DraftRow.slot == slot
    )
    with registry.read() as connection:
        require_self(registry, connection, user)
        return connection.scalar(statement)


def drop_draft(registry: Registry, user: str, patient_id: str, slot: str) -> None:
    """Forgets a draft, once its value is saved or given up."""
    statement = delete(DraftRow).where(DraftRow.user == user, DraftRow.patient_id == patient_id, DraftRow.slot == slot)
    registry.attempt(lambda connection: connection.execute(statement))


def drafts_of(registry: Registry, user: str, patient_id: str) -> dict[str, str]:
    """Everything a user has half typed on a patient, by slot."""
    statement = (
        select(DraftRow.slot, DraftRow.text)
        .where(DraftRow.user == user, DraftRow.patient_id == patient_id)
        .order_by(DraftRow.slot)
    )
    with registry.read() as connection:
        require_self(registry, connection, user)
        return {row.slot: row.text for row in connection.execute(statement)}
