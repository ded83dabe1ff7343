"""Who works on a patient: a lease that ends by time, never by how a program ended. Who takes it from another leaves a trace.

Leases go by the server's clock on PostgreSQL, so that a client whose clock is wrong neither loses its lease nor gets another's.
SQLite has no clock but that of the machine, which all its users share; a program whose clock is wrong all the same can take a
lease too early, but decides nothing unseen: decisions are checked by their version, never by the time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from abstractor.model.errors import RegistryError
from abstractor.registry.chain import append_row
from abstractor.registry.engine import Registry, utc_now
from abstractor.registry.people import holds, require
from abstractor.registry.tables import AssignmentRow, LeaseEventRow, LeaseRow, PatientRow

EXPIRED = "expired"
"""The lease had run out; the next who came took the patient."""
IDLE = "idle"
"""Taken on purpose from somebody whose program was open and who did nothing."""
SUPERVISOR = "supervisor"
REASSIGNED = "reassigned"
"""The work was somebody else's; nobody was at it."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds a patient, and until when (UTC, ISO 8601)."""

    patient_id: str
    holder: str
    since: str
    until: str
    mine: bool
    active_at: str = ""
    """When the holder last did something."""
    seen_at: str = ""
    """The time, on the same clock, at which this was read."""
    assigned: str = ""
    """Whose work the patient is, by the plan."""

    @property
    def idle_minutes(self) -> float:
        """Minutes for which the holder had done nothing when this was read."""
        since = self.active_at or self.since
        return (datetime.fromisoformat(self.seen_at) - datetime.fromisoformat(since)).total_seconds() / 60


@dataclass(frozen=True, slots=True)
class LeaseEvent:
    """A patient went from one person to another."""

    patient_id: str
    happened_at: str
    kind: str
    """`expired`, `idle`, `supervisor` or `reassigned`."""
    taken_by: str
    taken_from: str
    reason: str


def claim(
    registry: Registry,
    patient_id: str,
    user: str,
    *,
    minutes: float = 15,
    take_over: bool = False,
    idle_minutes: float = 15,
    supervisor: bool = False,
    active: bool = True,
    reason: str = "",
    clock: Callable[[], str] = utc_now,
) -> Lease:
    """Takes or renews the lease on a patient, in one step however many try at once. A patient of the pool becomes the user's work.

    Args:
        registry: an open registry.
        patient_id: the patient.
        user: who works on it.
        minutes: how long the lease lasts if it is not renewed.
        take_over: take it from another, where that is allowed; the patient becomes the user's work.
        idle_minutes: from another it may be taken after so long without a sign of life ...
        supervisor: ... or at any time by a supervisor, who must hold a role for it where people have roles.
        active: whether the user did something; an open program alone only keeps the lease from ending.
        reason: why it is taken over, in the taker's words.
        clock: the time, where the registry has no server.

    Returns:
        The lease that holds now; `mine` says whose it is.

    Raises:
        RegistryError: no such patient, or it could not be saved.
    """

    def work(connection: Connection) -> Lease:
        supervising = supervisor and take_over and holds(registry, connection, "supervise")
        if not supervising:
            require(registry, connection, "decide", user)
        _lock_patient(connection, patient_id)
        now = registry.now(connection, clock)
        held = _held(connection, patient_id, user, now)
        if held is not None and not held.mine and held.until > now:
            kind = _may_take(held, supervisor=supervising, idle_minutes=idle_minutes) if take_over else ""
            if not kind:
                return held
            _trace(connection, held, user, now, kind, reason)
        elif held is not None and not held.mine:
            _trace(connection, held, user, now, EXPIRED, reason)
        assigned = _assign(connection, patient_id, user, now, take_over=take_over, reason=reason)
        return _take(connection, patient_id, user, held, now, _later(now, minutes), active=active, assigned=assigned)

    return registry.attempt(work)


def release(registry: Registry, patient_id: str, user: str) -> None:
    """Ends a lease; somebody else's stays. The patient remains the user's work."""
    registry.attempt(
        lambda connection: connection.execute(
            delete(LeaseRow).where(LeaseRow.patient_id == patient_id, LeaseRow.holder == user)
        )
    )


def lease_events(registry: Registry, patient_id: str) -> tuple[LeaseEvent, ...]:
    """Who took the patient from whom, oldest first."""
    table = LeaseEventRow
    statement = (
        select(table.patient_id, table.happened_at, table.kind, table.taken_by, table.taken_from, table.reason)
        .where(table.patient_id == patient_id)
        .order_by(table.event_key)
    )
    with registry.read() as connection:
        require(registry, connection, "list_patients")
        return tuple(LeaseEvent(*row) for row in connection.execute(statement))


def taken_from(connection: Connection, patient_id: str, user: str, now: str) -> str | None:
    """Who has taken the patient from this user and still holds it; None where nobody did. Used by this package only."""
    last = (
        select(LeaseEventRow.taken_from, LeaseEventRow.taken_by)
        # whose work the patient was planned to be may be a third person's: that change stands behind the one of the lease
        .where(LeaseEventRow.patient_id == patient_id, LeaseEventRow.kind != REASSIGNED)
        .order_by(LeaseEventRow.event_key.desc())
        .limit(1)
    )
    event = connection.execute(last).one_or_none()
    if event is None or event.taken_from != user:
        return None
    held = select(LeaseRow.holder).where(
        LeaseRow.patient_id == patient_id, LeaseRow.holder == event.taken_by, LeaseRow.until > now
    )
    return connection.scalar(held)


def _lock_patient(connection: Connection, patient_id: str) -> None:
    """Others who claim or decide on the same patient wait for this transaction (SQLite: they wait anyway)."""
    known = select(PatientRow.patient_id).where(PatientRow.patient_id == patient_id).with_for_update(key_share=True)
    if connection.execute(known).first() is None:
        raise RegistryError(f"patient {patient_id}: not in this registry")


def _held(connection: Connection, patient_id: str, user: str, now: str) -> Lease | None:
    row = connection.execute(
        select(LeaseRow.holder, LeaseRow.since, LeaseRow.until, LeaseRow.active_at).where(
            LeaseRow.patient_id == patient_id
        )
    ).one_or_none()
    if row is None:
        return None
    assigned = _assigned(connection, patient_id) or ""
    return Lease(patient_id, row.holder, row.since, row.until, row.holder == user, row.active_at, now, assigned)


def _may_take(held: Lease, *, supervisor: bool, idle_minutes: float) -> str:
    if held.idle_minutes >= idle_minutes:
        return IDLE
    return SUPERVISOR if supervisor else ""


def _take(
    connection: Connection,
    patient_id: str,
    user: str,
    held: Lease | None,
    now: str,
    until: str,
    *,
    active: bool,
    assigned: str,
) -> Lease:
    renewed = held is not None and held.mine and held.until > now
    since = held.since if held is not None and renewed else now
    active_at = now if active or not renewed or held is None else held.active_at or held.since
    values = {"holder": user, "since": since, "until": until, "active_at": active_at}
    if held is None:
        connection.execute(insert(LeaseRow).values(patient_id=patient_id, **values))
    else:
        connection.execute(update(LeaseRow).where(LeaseRow.patient_id == patient_id).values(values))
    return Lease(patient_id, user, since, until, True, active_at, now, assigned)


def _assigned(connection: Connection, patient_id: str) -> str | None:
    return connection.scalar(select(AssignmentRow.user).where(AssignmentRow.patient_id == patient_id))


def _assign(connection: Connection, patient_id: str, user: str, now: str, *, take_over: bool, reason: str) -> str:
    """Whose work the patient is from now on: a plan is only changed on purpose."""
    planned = _assigned(connection, patient_id)
    if planned is None:
        connection.execute(insert(AssignmentRow).values(patient_id=patient_id, user=user, since=now))
    elif planned != user and take_over:
        connection.execute(
            update(AssignmentRow).where(AssignmentRow.patient_id == patient_id).values(user=user, since=now)
        )
        _trace(connection, Lease(patient_id, planned, "", "", mine=False), user, now, REASSIGNED, reason)
    else:
        return planned
    return user


def _trace(connection: Connection, held: Lease, user: str, now: str, kind: str, reason: str) -> None:
    event = {
        "patient_id": held.patient_id,
        "happened_at": now,
        "kind": kind,
        "taken_by": user,
        "taken_from": held.holder,
        "reason": reason,
    }
    append_row(connection, LeaseEventRow, event)


def _later(now: str, minutes: float) -> str:
    return (datetime.fromisoformat(now) + timedelta(minutes=minutes)).isoformat(timespec="milliseconds")
