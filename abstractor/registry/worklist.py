"""The worklist: what is left to decide, patient by patient, whose work it is, and who is at it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from abstractor.registry.engine import Registry, utc_now
from abstractor.registry.people import require
from abstractor.registry.readings import read_blind
from abstractor.registry.signed import signed_patients
from abstractor.registry.tables import AssignmentRow, LeaseRow
from abstractor.registry.tally import Tally, keep, tallies

_WORTH_KEEPING = 100
"""So many fresh counts make the next opening noticeably faster."""


@dataclass(frozen=True, slots=True)
class WorklistRow:
    """One patient, in numbers."""

    patient_id: str
    notes: int
    suggested: int
    """Slots with a suggestion."""
    undecided: int
    """Of these, without a decision (a deferral is none) or to be looked at again."""
    conflicts: int
    """Of the undecided, with differing values."""
    deferred: int
    oldest_note_date: str | None
    newest_note_date: str | None
    closed: bool
    holder: str | None
    held_until: str | None
    held_since: str | None = None
    active_at: str | None = None
    """When the holder last did something."""
    assigned: str | None = None
    """Whose work it is; None: in the pool."""
    assigned_since: str | None = None
    waiting_since: str | None = None
    """When the first of the notes came in that are here since the patient was last closed (or at all)."""

    blind: str = ""
    """Id of the second reading, where this user is to read the patient blind: then nothing else is told of what was decided."""

    signed: str = ""
    """As what the patient was signed last; "" where no signature stands. Nothing is decided on a signed patient."""

    @property
    def has_work(self) -> bool:
        return bool(self.undecided) and not self.closed

    @property
    def in_pool(self) -> bool:
        """Nobody's work, and nobody is at it."""
        return self.assigned is None and self.holder is None and not self.closed and not self.blind

    def waiting_days(self, now: str) -> int | None:
        """Whole days for which something of the patient has been waiting; None where nothing is."""
        return _days(self.waiting_since, now) if self.has_work else None

    def due_days(self, now: str, allowed: int) -> int | None:
        """Whole days left until it should be closed, below zero when that is past; None where it is nobody's or closed."""
        if self.assigned_since is None or self.closed:
            return None
        return allowed - (datetime.fromisoformat(now) - datetime.fromisoformat(self.assigned_since)).days

    def is_open_to(self, user: str) -> bool:
        """Whether this user may well go to it next: nobody else is at it, and it is not somebody else's work."""
        return not self.closed and not self.blind and self.holder in {None, user} and self.assigned in {None, user}

    def is_mine(self, user: str) -> bool:
        """Whether it is this user's work, or the user is at it."""
        return user in {self.assigned, self.holder}


@dataclass(frozen=True, slots=True)
class Worklist:
    """The rows, and the time on the registry's clock at which they were read."""

    rows: tuple[WorklistRow, ...]
    read_at: str
    counted: tuple[Tally, ...] = ()
    """Counts that were not kept from before."""


def worklist(registry: Registry, user: str, clock: Callable[[], str] = utc_now) -> tuple[WorklistRow, ...]:
    """All patients: those this user is at, then the user's work, then the pool, then others' work; closed ones last.

    Within each, those with something to decide come first, and of them those that wait longest (by day).
    """
    return read_worklist(registry, user, clock).rows


def read_worklist(registry: Registry, user: str, clock: Callable[[], str] = utc_now) -> Worklist:
    """`worklist`, with what `keep_counts` needs."""
    with registry.read() as connection:
        require(registry, connection, "list_patients")
        now = registry.now(connection, clock)
        leases = {row.patient_id: row for row in connection.execute(select(LeaseRow.__table__)) if row.until > now}
        assigned = {
            patient_id: (whose, since)
            for patient_id, whose, since in connection.execute(
                select(AssignmentRow.patient_id, AssignmentRow.user, AssignmentRow.since)
            )
        }
        found, counted = tallies(connection)
        signed = signed_patients(connection)
    rows = []
    for one in found.values():
        lease = leases.get(one.patient_id)
        whose, since = assigned.get(one.patient_id, (None, None))
        rows.append(
            WorklistRow(
                one.patient_id, one.notes, one.suggested, one.undecided, one.conflicts, one.deferred,
                one.oldest_note_date, one.newest_note_date, one.closed,
                holder=lease.holder if lease is not None else None,
                held_until=lease.until if lease is not None else None,
                held_since=lease.since if lease is not None else None,
                active_at=(lease.active_at or lease.since) if lease is not None else None,
                assigned=whose,
                assigned_since=since,
                waiting_since=one.waiting_since,
                signed=next(reversed(signed.get(one.patient_id, {})), ""),
            )
        )  # fmt: skip
    blind = read_blind(registry, user)
    rows = [_blinded(row, blind[row.patient_id]) if row.patient_id in blind else row for row in rows]
    rows.sort(key=lambda row: _place(row, user))
    return Worklist(tuple(rows), now, counted)


def count_all(registry: Registry) -> None:
    """Counts what changed and keeps it, after a load or an annotation: so that the next person to open the list does not wait for it."""

    def work(connection: Connection) -> None:
        _, counted = tallies(connection)
        if len(counted) >= _WORTH_KEEPING:
            keep(connection, counted)

    registry.attempt(work)


def keep_counts(registry: Registry, read: Worklist) -> None:
    """Keeps what had to be counted, where that is much. The list is right without it; the next one opens faster.

    Raises:
        RegistryError: it could not be kept.
    """
    if len(read.counted) >= _WORTH_KEEPING:
        registry.attempt(lambda connection: keep(connection, read.counted))


def _blinded(row: WorklistRow, reading: str) -> WorklistRow:
    """A patient without anything that tells of the first reader: neither how far it has come, nor whose it is."""
    return WorklistRow(
        row.patient_id, row.notes, row.suggested, 0, 0, 0, row.oldest_note_date, row.newest_note_date,
        closed=False, holder=None, held_until=None, blind=reading,
    )  # fmt: skip


def _place(row: WorklistRow, user: str) -> tuple[bool, bool, int, bool, str, str]:
    whose = 0 if row.assigned == user else 1 if row.assigned is None else 2
    day = (row.waiting_since or "~")[:10]
    return row.closed, row.holder != user, whose, row.undecided == 0, day, row.patient_id


def _days(since: str | None, now: str) -> int | None:
    return None if since is None else max(0, (datetime.fromisoformat(now) - datetime.fromisoformat(since)).days)
