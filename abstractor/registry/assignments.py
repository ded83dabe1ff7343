"""Whose work a patient is. A plan, not a lock: it stands until it is given back, while a lease (`leases`) ends by time."""

from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import Connection, delete, exists, select

from abstractor.registry.engine import Registry, utc_now
from abstractor.registry.inserts import insert_once
from abstractor.registry.people import require
from abstractor.registry.tables import AssignmentRow, LeaseRow, PatientRow
from abstractor.registry.worklist import worklist


def claim_next(registry: Registry, user: str, count: int, clock: Callable[[], str] = utc_now) -> tuple[str, ...]:
    """Makes the next patients of the pool this user's work: those with something to decide that wait longest.

    However many claim at once, no patient goes to two: each row of the pool is locked for one of them, and the others take the next.

    Returns:
        The patients claimed, fewer than `count` where the pool holds fewer.

    Raises:
        RegistryError: it could not be saved; nothing was claimed.
    """
    pool = [row.patient_id for row in worklist(registry, user, clock) if row.in_pool and row.has_work]
    claimed: list[str] = []
    while len(claimed) < count:
        taken, gone = registry.attempt(partial(_assign, registry, pool, user, count - len(claimed), clock))
        claimed += taken
        if not taken and not gone:
            break
        pool = [patient_id for patient_id in pool if patient_id not in {*taken, *gone}]
    return tuple(claimed)


def give_back(registry: Registry, patient_id: str, user: str) -> bool:
    """Puts a patient back into the pool; somebody else's work stays. Whether it was this user's."""

    def work(connection: Connection) -> bool:
        mine = delete(AssignmentRow).where(AssignmentRow.patient_id == patient_id, AssignmentRow.user == user)
        connection.execute(delete(LeaseRow).where(LeaseRow.patient_id == patient_id, LeaseRow.holder == user))
        return connection.execute(mine).rowcount > 0

    return registry.attempt(work)


def _assign(
    registry: Registry, pool: Sequence[str], user: str, count: int, clock: Callable[[], str], connection: Connection
) -> tuple[list[str], list[str]]:
    """The patients that are the user's now, and those that another was quicker with."""
    require(registry, connection, "decide", user)
    now = registry.now(connection, clock)
    taken: list[str] = []
    gone: list[str] = []
    for patient_id in _free(connection, pool, user, count, now):
        values = {"patient_id": patient_id, "user_name": user, "since": now}
        (taken if insert_once(connection, AssignmentRow, values) else gone).append(patient_id)
    return taken, gone


def _free(connection: Connection, pool: Sequence[str], user: str, count: int, now: str) -> list[str]:
    """Patients that are still nobody's, in the order of the pool; locked, so that nobody else can take them."""
    planned = exists().where(AssignmentRow.patient_id == PatientRow.patient_id)
    held = exists().where(LeaseRow.patient_id == PatientRow.patient_id, LeaseRow.holder != user, LeaseRow.until > now)
    place = {patient_id: at for at, patient_id in enumerate(pool)}
    free: list[str] = []
    for at in range(0, len(pool), count):
        statement = (
            select(PatientRow.patient_id)
            .where(PatientRow.patient_id.in_(pool[at : at + count]), ~planned, ~held)
            .with_for_update(skip_locked=True, key_share=True)
        )
        free += connection.scalars(statement)
        if len(free) >= count:
            break
    return sorted(free, key=place.__getitem__)[:count]
