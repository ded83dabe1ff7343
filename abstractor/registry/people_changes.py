"""Changes to who may do what: people are added, given roles and barred, and break the glass. Each change is a row that stays.

A change asks who is at work in its own transaction, and never leaves a registry that nobody administers.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Connection, select

from abstractor.model.errors import NotAllowed, RegistryError
from abstractor.registry.chain import append_row
from abstractor.registry.engine import Registry, alone, utc_now
from abstractor.registry.inserts import insert_once
from abstractor.registry.people import (
    ADDED,
    DISABLED,
    ENABLED,
    GLASS,
    GRANTED,
    REVOKED,
    Person,
    PersonEvent,
    at_work,
    everybody,
    require,
    session_login,
)
from abstractor.registry.roles import roles
from abstractor.registry.tables import MessageRow, PersonEventRow

ADMIN = "admin"
"""The role without which nobody could change the roles: somebody always holds it."""
SYSTEM = "system"
"""Who decides what no person does; nobody may be called so."""
_LONGEST = 64


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


def changer(registry: Registry, connection: Connection, known: tuple[Person, ...]) -> str:
    """Who is at work, if they may change who may do what; used by this package only."""
    if not known:
        raise RegistryError(
            "nobody was added to this registry yet; begin with yourself: abstractor user add NAME --role admin"
        )
    require(registry, connection, "manage_people")
    return at_work(registry, connection, known).name


def _first(registry: Registry, connection: Connection, person: Person) -> str:
    login = session_login(registry, connection)
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
