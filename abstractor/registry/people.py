"""People and what they may do. A registry where nobody was added asks nobody; the first person added switches the roles on
(`people_changes.py`).

Who is at work is never what a program was told: it is the user of the PostgreSQL session, or the system's login where the registry is
a file. Functions of this package that write, or that read notes, ask `require` in their own transaction, so that no screen and no
command can forget it. Who can write an SQLite file can go round all of this: see `docs/threat-model.md`.
"""

import getpass
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, func, select, text

from abstractor.model.errors import NotAllowed, RegistryError
from abstractor.registry.engine import Registry, utc_now
from abstractor.registry.roles import roles
from abstractor.registry.tables import PersonEventRow

ADDED, GRANTED, REVOKED, DISABLED, ENABLED, GLASS = "added", "granted", "revoked", "disabled", "enabled", "break_glass"
POLICY = "policy"
"""An event about no person: a setting of the whole registry (`policy.py`)."""

_LENT: ContextVar[frozenset[str]] = ContextVar("lent", default=frozenset())
"""What the step that is being taken may read, besides what its person may (`within`)."""
_UNASKED: ContextVar[bool] = ContextVar("unasked", default=False)
"""Whether the program works on its own account (`unasked`)."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works on this registry."""

    name: str
    """What stands in every row they write; never given to another."""
    login: str
    """Of the system or of the PostgreSQL server."""
    full_name: str = ""
    """As it is printed beside a signature."""
    roles: frozenset[str] = frozenset()
    enabled: bool = True
    glass_until: str = ""
    """Until when the glass is broken (UTC, ISO 8601); "" for never."""

    def powers(self, now: str) -> frozenset[str]:
        """What this person may do at a time."""
        if not self.enabled:
            return frozenset()
        more = roles().break_glass.gives if self.glass_until > now else frozenset()
        return roles().powers_of(self.roles) | more


@dataclass(frozen=True, slots=True)
class PersonEvent:
    """A change to who may do what."""

    person: str
    kind: str
    """`added`, `granted`, `revoked`, `disabled`, `enabled`, `break_glass` or `policy`."""
    content: dict[str, str]
    reason: str
    done_by: str
    done_at: str


def people(registry: Registry) -> tuple[Person, ...]:
    """Everybody, also those who left, by name; nobody where the roles are off.

    Raises:
        NotAllowed: who is at work is none of them.
    """
    with registry.read() as connection:
        known = everybody(registry, connection)
        if known:
            at_work(registry, connection, known)
        return known


def person_events(registry: Registry) -> tuple[PersonEvent, ...]:
    """All changes to who may do what, oldest first."""
    with registry.read() as connection:
        return events_in(connection)


def acting_person(registry: Registry, named: str | None = None) -> str | None:
    """The person whose login this is; None where the roles are off, and anybody may say who they are.

    Args:
        registry: an open registry.
        named: who they say they are.

    Raises:
        NotAllowed: no person has this login, or it is another's than was named.
    """
    with registry.read() as connection:
        known = everybody(registry, connection)
        if not known:
            return None
        found = at_work(registry, connection, known)
    if named is not None and named != found.name:
        raise NotAllowed(
            f"you are {found.name} here; leave out --user {named}: a registry with roles goes by the login"
        )
    return found.name


def require(registry: Registry, connection: Connection, power: str, user: str | None = None) -> None:
    """Refuses where who is at work may not do this; asks nothing where the roles are off.

    Args:
        registry: an open registry.
        connection: in the transaction that does it.
        power: a key of `power` in `rules/roles.toml`.
        user: in whose name it is done; None: whoever is at work.

    Raises:
        NotAllowed: nothing was done.
    """
    require_one(registry, connection, (power,), user)


def require_one(registry: Registry, connection: Connection, powers: tuple[str, ...], user: str | None = None) -> None:
    """`require` for what more than one power allows; a refusal names the first."""
    known = _asked(registry, connection)
    if not known:
        return
    found = at_work(registry, connection, known)
    if user is not None and user != found.name:
        raise NotAllowed(f"you are {found.name} here and can't act as {user}; nothing was written")
    now = registry.now(connection, utc_now) if found.glass_until else ""
    if not (found.powers(now) | _LENT.get()).intersection(powers):
        raise NotAllowed(
            f"{found.name} may not {roles().power[powers[0]]} ({roles().labels(found.roles)}); "
            "whoever administers the registry can give the role for it"
        )


def require_person(registry: Registry, connection: Connection) -> None:
    """Refuses who is no person here; asks nothing where the roles are off. For figures that tell of no patient.

    Raises:
        NotAllowed: who is at work is no person here, or was barred.
    """
    known = _asked(registry, connection)
    if known:
        at_work(registry, connection, known)


def require_self(registry: Registry, connection: Connection, user: str) -> None:
    """Refuses what is somebody else's: their inbox, their own figures; asks nothing where the roles are off.

    Raises:
        NotAllowed: who is at work is no person here, or another one.
    """
    if not is_self(registry, connection, user):
        raise NotAllowed(f"this is {user}'s alone")


def is_self(registry: Registry, connection: Connection, user: str) -> bool:
    """Whether a name is that of who is at work; where the roles are off, everybody is who they say. Used by this package only."""
    known = _asked(registry, connection)
    return not known or at_work(registry, connection, known).name == user


def require_power(registry: Registry, power: str) -> None:
    """`require` for what is no single step of this package: a report over many patients, a backup."""
    with registry.read() as connection:
        require(registry, connection, power)


@contextmanager
def within(registry: Registry, power: str) -> Iterator[None]:
    """`require_power`, and within the block what `[lends]` of the rules lets the step read, whoever takes it.

    An export must read what it then leaves out, for somebody who may not see it.
    """
    require_power(registry, power)
    token = _LENT.set(_LENT.get() | roles().lends.get(power, frozenset()))
    try:
        yield
    finally:
        _LENT.reset(token)


@contextmanager
def unasked() -> Iterator[None]:
    """The program checks what it has just made (a restored backup), whoever runs it; nothing of a patient may be shown of it."""
    token = _UNASKED.set(True)
    try:
        yield
    finally:
        _UNASKED.reset(token)


def holds(registry: Registry, connection: Connection, power: str) -> bool:
    """Whether who is at work may do this; used by this package only."""
    try:
        require(registry, connection, power)
    except NotAllowed:
        return False
    return True


def may(registry: Registry, power: str) -> bool:
    """Whether who is at work may do this."""
    with registry.read() as connection:
        return holds(registry, connection, power)


def printed_name(registry: Registry, connection: Connection, user: str) -> str:
    """A person's name as it stands beside a signature; used by this package only."""
    return next((one.full_name for one in everybody(registry, connection) if one.name == user), user)


def _asked(registry: Registry, connection: Connection) -> tuple[Person, ...]:
    """Those whom who is at work must be among; nobody where nobody is asked."""
    return () if _UNASKED.get() else everybody(registry, connection)


def session_login(registry: Registry, connection: Connection) -> str:
    """The login of who runs this; used by this package only."""
    if registry.login is not None:
        return registry.login
    if connection.dialect.name == "postgresql":
        return str(connection.scalar(text("SELECT session_user")))
    return system_login()


def system_login() -> str:
    """The login by the user id that this process runs under; what the environment says counts only where there are no such ids.

    Raises:
        RegistryError: the system has no name for it.
    """
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except ImportError:  # Windows
        return getpass.getuser()
    except KeyError:
        raise RegistryError(
            "this system has no name for the user id that runs this; a registry with roles needs one"
        ) from None


def at_work(registry: Registry, connection: Connection, known: Iterable[Person]) -> Person:
    """The person whose login this is; used by this package only.

    Raises:
        NotAllowed: there is none, or they were barred.
    """
    login = session_login(registry, connection)
    for one in known:
        if one.login == login:
            if not one.enabled:
                raise NotAllowed(f"{one.name}: was barred from this registry; ask whoever administers it")
            return one
    raise NotAllowed(
        f"login {login}: is no person of this registry; whoever administers it can run `abstractor user add`"
    )


_KNOWN: WeakKeyDictionary[Registry, tuple[int, tuple[Person, ...]]] = WeakKeyDictionary()
"""Of each open registry, the last event that was read and the people after it: `require` is asked at every note."""


def everybody(registry: Registry, connection: Connection) -> tuple[Person, ...]:
    """`people` inside a transaction, whoever asks; used by this package only."""
    last = connection.scalar(select(func.max(PersonEventRow.sequence))) or 0
    if last == 0:
        return ()
    kept = _KNOWN.get(registry)
    if kept is None or kept[0] != last:
        kept = (last, _fold(events_in(connection)))
        _KNOWN[registry] = kept
    return kept[1]


def events_in(connection: Connection) -> tuple[PersonEvent, ...]:
    """`person_events` inside a transaction; used by this package only."""
    table = PersonEventRow
    statement = select(table.person, table.kind, table.content, table.reason, table.done_by, table.done_at).order_by(
        table.sequence
    )
    return tuple(PersonEvent(*row) for row in connection.execute(statement))


def _fold(events: Iterable[PersonEvent]) -> tuple[Person, ...]:
    known: dict[str, Person] = {}
    for event in events:
        said = event.content
        if event.kind == POLICY:
            continue
        if event.kind == ADDED:
            known[event.person] = Person(
                event.person, said["login"], said["full_name"], frozenset(said["roles"].split())
            )
            continue
        person = known[event.person]
        if event.kind == GRANTED:
            person = replace(person, roles=person.roles | {said["role"]})
        elif event.kind == REVOKED:
            person = replace(person, roles=person.roles - {said["role"]})
        elif event.kind == GLASS:
            person = replace(person, glass_until=said["until"])
        else:
            person = replace(person, enabled=event.kind == ENABLED)
        known[event.person] = person
    return tuple(sorted(known.values(), key=lambda one: one.name))
