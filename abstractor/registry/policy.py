"""What holds for a whole registry with people: how long a screen may stand open with nobody at it. And where its person stands now.

A change of it is one more row of `person_event`, so that it stands in the audit chain.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import Connection

from abstractor.model.errors import RegistryError
from abstractor.registry.engine import Registry, alone, utc_now
from abstractor.registry.people import POLICY, PersonEvent, at_work, events_in, everybody
from abstractor.registry.people_changes import append_event, changer
from abstractor.registry.roles import roles

_IDLE = "idle_minutes"
LONGEST_IDLE = 480


@dataclass(frozen=True, slots=True)
class Standing:
    """Who is at work, and what holds for them now."""

    name: str
    roles: str
    """In words."""
    powers: frozenset[str]
    glass_until: str
    """Until when they have broken the glass (UTC, ISO 8601); "" where they have not, or it is over."""
    idle_minutes: int
    """So many minutes without a key at most, then their screen is covered."""


def standing(registry: Registry, clock: Callable[[], str] = utc_now) -> Standing | None:
    """Where the person at work stands; None where the roles are off.

    Raises:
        NotAllowed: who is at work is no person here.
    """
    with registry.read() as connection:
        known = everybody(registry, connection)
        if not known:
            return None
        found = at_work(registry, connection, known)
        now = registry.now(connection, clock)
        glass = found.glass_until if found.glass_until > now else ""
        minutes = _idle_minutes(events_in(connection))
        return Standing(found.name, roles().labels(found.roles), found.powers(now), glass, minutes)


def set_idle_limit(registry: Registry, minutes: int, clock: Callable[[], str] = utc_now) -> int:
    """Sets after how many minutes without a key every screen on this registry is covered at the latest.

    Raises:
        NotAllowed: who is at work may not.
        RegistryError: not 1 to 480 minutes, or the registry has no people.
    """
    if not 1 <= minutes <= LONGEST_IDLE:
        raise RegistryError(f"{minutes}: write 1 to {LONGEST_IDLE} minutes")
    event_id = str(uuid4())

    def work(connection: Connection) -> int:
        alone(connection, "people")
        by = changer(registry, connection, everybody(registry, connection))
        if _idle_minutes(events_in(connection)) != minutes:
            event = PersonEvent("", POLICY, {_IDLE: str(minutes)}, "", by, "")
            append_event(registry, connection, event, event_id, clock)
        return minutes

    return registry.attempt(work)


def _idle_minutes(events: Iterable[PersonEvent]) -> int:
    said = [one.content[_IDLE] for one in events if one.kind == POLICY and _IDLE in one.content]
    return int(said[-1]) if said else roles().idle.minutes
