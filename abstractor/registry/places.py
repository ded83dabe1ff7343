"""Where a person stopped: the patient and the row the cursor was on, so that the next start is there again.

Kept in the registry, beside the drafts and as one of them with no slot of its own: outside it, nothing tells of a patient.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Delete, delete, insert, select

from abstractor.registry.engine import Registry, utc_now
from abstractor.registry.people import require_self
from abstractor.registry.tables import DraftRow

_PLACE = ""
"""No question has this slot."""


@dataclass(frozen=True, slots=True)
class Place:
    """A patient, and the row in it."""

    patient_id: str
    slot: str


def keep_place(registry: Registry, user: str, place: Place, clock: Callable[[], str] = utc_now) -> None:
    """Remembers where a user is; the place before it is forgotten."""
    values = {"user": user, "patient_id": place.patient_id, "slot": _PLACE, "text": place.slot, "saved_at": clock()}
    with registry.write() as connection:
        connection.execute(_places(user))
        connection.execute(insert(DraftRow).values(values))


def place_of(registry: Registry, user: str) -> Place | None:
    """Where a user was; None where they had left every patient."""
    statement = select(DraftRow.patient_id, DraftRow.text).where(DraftRow.user == user, DraftRow.slot == _PLACE)
    with registry.read() as connection:
        require_self(registry, connection, user)
        found = connection.execute(statement).first()
    return None if found is None else Place(found.patient_id, found.text)


def forget_place(registry: Registry, user: str) -> None:
    """The user has left the patient."""
    with registry.write() as connection:
        connection.execute(_places(user))


def _places(user: str) -> Delete:
    return delete(DraftRow).where(DraftRow.user == user, DraftRow.slot == _PLACE)
