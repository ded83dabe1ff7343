"""Half-typed edits, kept so that a killed terminal loses nothing."""

from collections.abc import Callable

from sqlalchemy import Delete, delete, insert, select

from abstractor.registry.engine import Registry, utc_now
from abstractor.registry.tables import DraftRow


def save_draft(
    registry: Registry, user: str, patient_id: str, slot: str, text: str, clock: Callable[[], str] = utc_now
) -> None:
    """Keeps what a user has typed for a slot so far; an older draft of it is replaced."""
    with registry.write() as connection:
        connection.execute(_draft_delete(user, patient_id, slot))
        values = {"user": user, "patient_id": patient_id, "slot": slot, "text": text, "saved_at": clock()}
        connection.execute(insert(DraftRow).values(values))


def draft_of(registry: Registry, user: str, patient_id: str, slot: str) -> str | None:
    """What a user had typed for a slot; None where nothing is kept."""
    statement = select(DraftRow.text).where(
        DraftRow.user == user, DraftRow.patient_id == patient_id, DraftRow.slot == slot
    )
    with registry.read() as connection:
        return connection.scalar(statement)


def drop_draft(registry: Registry, user: str, patient_id: str, slot: str) -> None:
    """Forgets a draft, once its value is saved or given up."""
    with registry.write() as connection:
        connection.execute(_draft_delete(user, patient_id, slot))


def _draft_delete(user: str, patient_id: str, slot: str) -> Delete:
    return delete(DraftRow).where(DraftRow.user == user, DraftRow.patient_id == patient_id, DraftRow.slot == slot)
