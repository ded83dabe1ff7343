"""Who works on a patient: a lease that ends by time, never by how a program ended."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update

from abstractor.model.errors import RegistryError
from abstractor.registry.engine import Registry, utc_now
from abstractor.registry.tables import LeaseRow, PatientRow


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds a patient, and until when (UTC, ISO 8601)."""

    patient_id: str
    holder: str
    since: str
    until: str
    mine: bool


def claim(
    registry: Registry,
    patient_id: str,
    user: str,
    *,
    minutes: int = 15,
    take_over: bool = False,
    clock: Callable[[], str] = utc_now,
) -> Lease:
    """Takes or renews the lease on a patient; held by somebody else, it is left as it is unless `take_over`.

    Returns:
        The lease that holds now; `mine` says whose it is.

    Raises:
        RegistryError: no such patient.
    """
    now = clock()
    until = (datetime.fromisoformat(now) + timedelta(minutes=minutes)).isoformat(timespec="milliseconds")
    with registry.write() as connection:
        held = connection.execute(
            select(LeaseRow.holder, LeaseRow.since, LeaseRow.until).where(LeaseRow.patient_id == patient_id)
        ).one_or_none()
        if held is None:
            known = select(PatientRow.patient_id).where(PatientRow.patient_id == patient_id)
            if connection.execute(known).first() is None:
                raise RegistryError(f"patient {patient_id}: not in this registry")
            values = {"patient_id": patient_id, "holder": user, "since": now, "until": until}
            connection.execute(insert(LeaseRow).values(values))
            return Lease(patient_id, user, now, until, mine=True)
        if held.holder != user and held.until > now and not take_over:
            return Lease(patient_id, held.holder, held.since, held.until, mine=False)
        since = held.since if held.holder == user and held.until > now else now
        values = {"holder": user, "since": since, "until": until}
        connection.execute(update(LeaseRow).where(LeaseRow.patient_id == patient_id).values(values))
        return Lease(patient_id, user, since, until, mine=True)


def release(registry: Registry, patient_id: str, user: str) -> None:
    """Gives a patient back; somebody else's lease stays."""
    with registry.write() as connection:
        connection.execute(delete(LeaseRow).where(LeaseRow.patient_id == patient_id, LeaseRow.holder == user))
