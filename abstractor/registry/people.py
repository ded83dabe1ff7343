"""People and what they may do. A registry where nobody was added asks nobody; the first person added switches the roles on.

Who is at work is never what a program was told: it is the user of the PostgreSQL session, or the system's login where the registry is
a file. Functions of this package that write, or that read notes, ask `require` in their own transaction, so that no screen and no
command can forget it. Who can write an SQLite file can go round all of this: see `docs/threat-model.md`.
"""

import getpass
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid4
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, func, select, text

from abstractor.model.errors import NotAllowed, RegistryError
from abstractor.registry.chain import append_row
from abstractor.registry.engine import Registry, alone, utc_now
from abstractor.registry.inserts import insert_once
from abstractor.registry.roles import roles
from abstractor.registry.tables import MessageRow, PersonEventRow

ADMIN = "admin"
"""The role without which nobody could change the roles: somebody always holds it."""
SYSTEM = "system"
"""Who decides what no person does; nobody may be called so."""
_LONGEST = 64

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


def add_person(
    registry: Registry,
    name: str,
    held: Iterable[str],
    *,
    login: str = "",
    full_name: str = "",
    clock: Callable[[], str] = utc_now,
) -> Person:
    """Adds a person. The first one is who adds it, and administers the registry: else nobody could go on.

    Args:
        registry: an open registry.
        name: what will stand in the rows they write.
        held: their roles.
        login: of the system or the server; "" where it is the name.
        full_name: printed beside their signatures; "" where it is the name.
        clock: the time, where the registry has no server.

    Raises:
        NotAllowed: who is at work may not.
        RegistryError: the name or login is taken or can't be used, or the roles are unknown or don't go together.
    """
    person = Person(_name(name), _name(login or name), full_name.strip() or name, frozenset(held))
    _require_sound(person)
    event_id = str(uuid4())

    def work(connection: Connection) -> Person:
        alone(connection, "people")
        if _stands(connection, event_id):
            return person
        known = everybody(registry, connection)
        by = changer(registry, connection, known) if known else _first(registry, connection, person)
        for one in known:
            if one.name == person.name:
                raise RegistryError(f"{person.name}: is a person here already; `abstractor user list` shows who")
            if one.login == person.login:
                raise RegistryError(f"login {person.login}: is {one.name}'s already; one login is one person")
        content = {"login": person.login, "full_name": person.full_name, "roles": " ".join(sorted(person.roles))}
        append_event(registry, connection, PersonEvent(person.name, ADDED, content, "", by, ""), event_id, clock)
        return person

    return registry.attempt(work)


def grant(registry: Registry, name: str, role: str, clock: Callable[[], str] = utc_now) -> Person:
    """Gives a person a role.

    Raises:
        NotAllowed: who is at work may not; nobody gives a role to themselves.
        RegistryError: no such person or role, or it does not go with the roles they hold.
    """

    def change(person: Person) -> Person:
        return replace(person, roles=person.roles | {role})

    return _change(registry, name, GRANTED, {"role": role}, "", change, clock)


def revoke(registry: Registry, name: str, role: str, reason: str = "", clock: Callable[[], str] = utc_now) -> Person:
    """Takes a role away.

    Raises:
        NotAllowed: who is at work may not.
        RegistryError: no such person, they don't hold it, or nobody would administer the registry.
    """

    def change(person: Person) -> Person:
        if role not in person.roles:
            raise RegistryError(f"{name}: does not hold the role {role}")
        return replace(person, roles=person.roles - {role})

    return _change(registry, name, REVOKED, {"role": role}, reason, change, clock)


def disable(registry: Registry, name: str, reason: str = "", clock: Callable[[], str] = utc_now) -> Person:
    """Bars a person who left; what they did stands in their name.

    Raises:
        NotAllowed: who is at work may not.
        RegistryError: no such person, or nobody would administer the registry.
    """
    return _change(registry, name, DISABLED, {}, reason, lambda person: replace(person, enabled=False), clock)


def enable(registry: Registry, name: str, reason: str = "", clock: Callable[[], str] = utc_now) -> Person:
    """Lets a person who was barred work again, with the roles they had."""
    return _change(registry, name, ENABLED, {}, reason, lambda person: replace(person, enabled=True), clock)


def break_glass(registry: Registry, reason: str, clock: Callable[[], str] = utc_now) -> str:
    """Lets who is at work read for a while what they may not by their roles; it stands in the trail with the reason.

    Those whom `break_glass.told` of the rules names find a message in their inbox.

    Returns:
        Until when: UTC, ISO 8601.

    Raises:
        NotAllowed: their roles don't allow it.
        RegistryError: no reason is given, or the registry has no roles.
    """
    if not reason.strip():
        raise RegistryError("breaking the glass needs a reason; it stands in the trail for good")
    event_id = str(uuid4())

    def work(connection: Connection) -> str:
        known = everybody(registry, connection)
        if not known:
            raise RegistryError(
                "nobody was added to this registry: everybody may read it, and no glass is there to break"
            )
        require(registry, connection, "break_glass")
        person = at_work(registry, connection, known)
        by = person.name
        if _stands(connection, event_id):
            return person.glass_until
        now = registry.now(connection, clock)
        later = datetime.fromisoformat(now) + timedelta(minutes=roles().break_glass.minutes)
        until = later.isoformat(timespec="milliseconds")
        append_event(
            registry, connection, PersonEvent(by, GLASS, {"until": until}, reason.strip(), by, ""), event_id, clock
        )
        _tell(connection, known, by, event_id, now, f"broke the glass until {until}: {reason.strip()}")
        return until

    return registry.attempt(work)


def _tell(connection: Connection, known: Iterable[Person], by: str, about: str, at: str, text: str) -> None:
    told = roles().break_glass.told
    for one in known:
        if one.enabled and one.roles & told:
            message = {
                "message": f"{about}:{one.name}", "recipient": one.name, "sender": by, "sent_at": at, "patient_id": "",
                "slot": "", "kind": GLASS, "about": about, "text": text, "read_at": None,
            }  # fmt: skip
            insert_once(connection, MessageRow, message)


def _change(
    registry: Registry,
    name: str,
    kind: str,
    content: dict[str, str],
    reason: str,
    change: Callable[[Person], Person],
    clock: Callable[[], str],
) -> Person:
    event_id = str(uuid4())

    def work(connection: Connection) -> Person:
        alone(connection, "people")
        known = {one.name: one for one in everybody(registry, connection)}
        by = changer(registry, connection, tuple(known.values()))
        if name not in known:
            raise RegistryError(f"{name}: is no person here; `abstractor user list` shows who is")
        if name == by and kind in (GRANTED, ENABLED):
            raise NotAllowed(f"{name}: nobody gives a role to themselves; another administrator can")
        changed = change(known[name])
        if changed == known[name]:
            return changed  # it is so already
        _require_sound(changed)
        _require_admin({**known, name: changed}.values())
        append_event(registry, connection, PersonEvent(name, kind, content, reason.strip(), by, ""), event_id, clock)
        return changed

    return registry.attempt(work)


def _asked(registry: Registry, connection: Connection) -> tuple[Person, ...]:
    """Those whom who is at work must be among; nobody where nobody is asked."""
    return () if _UNASKED.get() else everybody(registry, connection)


def changer(registry: Registry, connection: Connection, known: tuple[Person, ...]) -> str:
    """Who is at work, if they may change who may do what; used by this package only."""
    if not known:
        raise RegistryError(
            "nobody was added to this registry yet; begin with yourself: abstractor user add NAME --role admin"
        )
    require(registry, connection, "manage_people")
    return at_work(registry, connection, known).name


def _first(registry: Registry, connection: Connection, person: Person) -> str:
    login = _session_login(registry, connection)
    if ADMIN not in person.roles or person.login != login:
        raise RegistryError(
            f"the first person must be you, who administers the registry: abstractor user add {login} --role {ADMIN} "
            "(from then on nobody works on it without a role)"
        )
    return person.name


def _require_sound(person: Person) -> None:
    known = roles().role
    for role in sorted(person.roles):
        if role not in known:
            raise RegistryError(f"{role}: no such role; there are {', '.join(known)}")
    if clash := roles().clash(person.roles):
        raise RegistryError(
            f"{person.name}: one person can't be {clash[0]} and {clash[1]}; give one of them to somebody else"
        )


def _require_admin(everybody: Iterable[Person]) -> None:
    if not any(one.enabled and ADMIN in one.roles for one in everybody):
        raise RegistryError("nobody would administer the registry; give another person the role admin first")


def _name(said: str) -> str:
    name = said.strip()
    if not name or len(name) > _LONGEST or not name.isprintable() or name == SYSTEM:
        raise RegistryError(f"a name or login is 1 to {_LONGEST} printable characters, and not `{SYSTEM}`")
    return name


def _session_login(registry: Registry, connection: Connection) -> str:
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
    login = _session_login(registry, connection)
    for one in known:
        if one.login == login:
            if not one.enabled:
                raise NotAllowed(f"{one.name}: was barred from this registry; ask whoever administers it")
            return one
    raise NotAllowed(
        f"login {login}: is no person of this registry; whoever administers it can run `abstractor user add`"
    )


def _stands(connection: Connection, event_id: str) -> bool:
    return (
        connection.execute(select(PersonEventRow.sequence).where(PersonEventRow.event_id == event_id)).first()
        is not None
    )


def append_event(
    registry: Registry, connection: Connection, event: PersonEvent, event_id: str, clock: Callable[[], str]
) -> None:
    """Adds a change, with its entry in the chain; used by this package only."""
    values = {
        "event_id": event_id,
        "person": event.person,
        "kind": event.kind,
        "content": event.content,
        "reason": event.reason,
        "done_by": event.done_by,
        "done_at": registry.now(connection, clock),
    }
    append_row(connection, PersonEventRow, values)


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
