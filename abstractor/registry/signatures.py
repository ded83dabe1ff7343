"""Signing a patient: what is signed is held by a hash, and nothing about the patient is decided until it is unlocked with a reason.

Signatures are rows that are only added; unlocking is one more, which voids all before it. What a signature may mean, who may give it
and after which other is in `rules/roles.toml`.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from uuid import uuid4

from sqlalchemy import Connection, select

from abstractor.model.case import Case
from abstractor.model.errors import NotAllowed, RegistryError, StaleCase
from abstractor.registry.chain import append_row
from abstractor.registry.codec import plain
from abstractor.registry.decisions import lock_patient, read_case
from abstractor.registry.engine import Registry, utc_now
from abstractor.registry.people import holds, printed_name, require
from abstractor.registry.roles import roles
from abstractor.registry.signed import UNLOCKED, signed_patients, standing_rows
from abstractor.registry.tables import SignatureRow


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of a patient, or its unlocking."""

    signature_id: str
    patient_id: str
    meaning: str
    """A key of `meaning` in `rules/roles.toml`, or `unlocked`."""
    signed_by: str
    printed_name: str
    signed_at: str
    version: int
    """`Case.version` that was signed."""
    sha256: str
    """Of what holds for the patient (`content_hash`)."""
    reason: str = ""
    """Of an unlocking: why."""
    stands: bool = True
    """False where a later unlocking voids it."""
    fits: bool = True
    """False where what holds for the patient is no longer what was signed: somebody changed it without this program."""


def sign(
    registry: Registry,
    patient_id: str,
    meaning: str,
    user: str,
    *,
    seen: int | None = None,
    signature_id: str = "",
    clock: Callable[[], str] = utc_now,
) -> Signature:
    """Signs what holds for a patient now.

    Args:
        registry: an open registry.
        patient_id: the patient, whose abstraction is closed.
        meaning: a key of `meaning` in `rules/roles.toml`.
        user: who signs.
        seen: `Case.version` that the signer was looking at; None: whatever holds is signed.
        signature_id: the same id twice is one signature; "" makes one.
        clock: the time, where the registry has no server.

    Raises:
        NotAllowed: this person may not give this signature.
        StaleCase: something was decided that the signer has not seen; nothing was written.
        RegistryError: the patient is not closed, another signature is missing, or this one stands already; nothing was written.
    """
    if meaning not in roles().meaning:
        raise RegistryError(f"{meaning}: no such signature; there are {', '.join(roles().meaning)}")
    new_id = signature_id or str(uuid4())

    def work(connection: Connection) -> Signature:
        lock_patient(connection, patient_id)
        case = read_case(connection, patient_id)
        before = _read(connection, patient_id, case)
        for one in before:
            if one.signature_id == new_id:
                return one
        require(registry, connection, roles().meaning[meaning].power, user)
        _require_order(patient_id, meaning, user, [one for one in before if one.stands])
        _require_complete(case)
        if seen is not None and case.version != seen:
            raise StaleCase(f"patient {patient_id}: was changed meanwhile; not signed: look at it and sign again")
        name = printed_name(registry, connection, user)
        now = registry.now(connection, clock)
        return _append(
            connection, Signature(new_id, patient_id, meaning, user, name, now, case.version, content_hash(case))
        )

    return registry.attempt(work)


def unlock(
    registry: Registry, patient_id: str, user: str, reason: str, clock: Callable[[], str] = utc_now
) -> Signature:
    """Voids a patient's signatures, so that something can be changed.

    Who may unlock may always; anybody may take back signatures that are all their own, while the patient is not locked.

    Raises:
        NotAllowed: this person may not.
        RegistryError: no reason is given, or the patient is not signed; nothing was written.
    """
    if not reason.strip():
        raise RegistryError(f"patient {patient_id}: unlocking needs a reason; it stands in the trail for good")
    new_id = str(uuid4())

    def work(connection: Connection) -> Signature:
        lock_patient(connection, patient_id)
        case = read_case(connection, patient_id)
        before = _read(connection, patient_id, case)
        if before and before[-1].signature_id == new_id:
            return before[-1]
        standing = [one for one in before if one.stands]
        if not standing:
            raise RegistryError(f"patient {patient_id}: is not signed; there is nothing to unlock")
        require(registry, connection, _unlocking(((one.meaning, one.signed_by) for one in standing), user), user)
        name = printed_name(registry, connection, user)
        now = registry.now(connection, clock)
        values = (new_id, patient_id, UNLOCKED, user, name, now, case.version, content_hash(case), reason.strip())
        return _append(connection, Signature(*values))

    return registry.attempt(work)


def signatures(registry: Registry, patient_id: str) -> tuple[Signature, ...]:
    """Every signature and unlocking of a patient, oldest first, each with whether it stands and still fits."""
    with registry.read() as connection:
        require(registry, connection, "list_patients")
        first = select(SignatureRow.sequence).where(SignatureRow.patient_id == patient_id).limit(1)
        if connection.execute(first).first() is None:
            return ()  # most patients, most of the time: what holds for them need not be hashed
        return _read(connection, patient_id, read_case(connection, patient_id))


def open_meanings(registry: Registry, patient_id: str, user: str) -> tuple[str, ...]:
    """What this person could sign the patient as now, in the order of the work, if the patient is complete."""
    with registry.read() as connection:
        given = {row.meaning: row.signed_by for row in standing_rows(connection, patient_id)}
        return _open(registry, connection, given, user)


def may_unlock(registry: Registry, patient_id: str, user: str) -> bool:
    """Whether the patient is signed, and this person could void the signatures."""
    with registry.read() as connection:
        given = [(row.meaning, row.signed_by) for row in standing_rows(connection, patient_id)]
        return bool(given) and holds(registry, connection, _unlocking(given, user))


def _unlocking(standing: Iterable[tuple[str, str]], user: str) -> str:
    """The power that voiding these signatures (meaning, by whom) takes: what is all one's own is taken back as it was given."""
    given = list(standing)
    powers = [roles().meaning[meaning].power for meaning, _ in given if meaning in roles().meaning]
    own = {signed_by for _, signed_by in given} == {user} and "lock" not in powers
    return powers[-1] if own and powers else "unlock"


def to_sign(registry: Registry, patient_ids: Iterable[str], user: str) -> dict[str, tuple[str, ...]]:
    """Of these patients those that this person could sign now, each with the meanings; whether they are complete is not looked at."""
    with registry.read() as connection:
        given = signed_patients(connection)
        found = {one: _open(registry, connection, given.get(one, {}), user) for one in patient_ids}
    return {one: meanings for one, meanings in found.items() if meanings}


def _open(registry: Registry, connection: Connection, given: Mapping[str, str], user: str) -> tuple[str, ...]:
    return tuple(
        meaning
        for meaning, rule in roles().meaning.items()
        if meaning not in given
        and (not rule.after or rule.after in given)
        and not (rule.apart and given[rule.after] == user)
        and holds(registry, connection, rule.power)
    )


def content_hash(case: Case) -> str:
    """SHA-256 of what holds for a patient: every slot with its value, dates, attributes, evidence and decider."""
    held = [
        [
            slot, str(one.action), one.field, one.value, str(one.assertion), one.date, one.end_date, plain(one.attributes),
            [asdict(evidence) for evidence in one.evidence], one.decided_by, one.decided_at, one.action_id,
        ]
        for slot, one in sorted(case.current.items())
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(held, sort_keys=True, separators=(",", ":")).encode("ascii")).hexdigest()


def _require_order(patient_id: str, meaning: str, user: str, standing: Iterable[Signature]) -> None:
    rule = roles().meaning[meaning]
    by = {one.meaning: one.signed_by for one in standing}
    if meaning in by:
        raise RegistryError(f"patient {patient_id}: is signed as {meaning} by {by[meaning]} already")
    if rule.after and rule.after not in by:
        raise RegistryError(f"patient {patient_id}: must be signed as {rule.after} first; nothing was written")
    if rule.apart and by[rule.after] == user:
        raise NotAllowed(
            f"patient {patient_id}: {user} signed it as {rule.after}; {meaning} must be signed by somebody else"
        )


def _require_complete(case: Case) -> None:
    if not case.closed:
        raise RegistryError(f"patient {case.patient_id}: is not closed; close it in `abstractor review`, then sign")
    if case.recheck:
        raise RegistryError(
            f"patient {case.patient_id}: {len(case.recheck)} decisions must be looked at again (a note has changed); then sign"
        )


def _append(connection: Connection, signature: Signature) -> Signature:
    values = asdict(signature)
    del values["stands"], values["fits"]
    append_row(connection, SignatureRow, values)
    return signature


def _read(connection: Connection, patient_id: str, case: Case) -> tuple[Signature, ...]:
    now = content_hash(case)
    stand = {row.signature_id for row in standing_rows(connection, patient_id)}
    table = SignatureRow
    statement = (
        select(
            table.signature_id, table.patient_id, table.meaning, table.signed_by, table.printed_name, table.signed_at,
            table.version, table.sha256, table.reason,
        )
        .where(table.patient_id == patient_id)
        .order_by(table.sequence)
    )  # fmt: skip
    return tuple(
        replace(one, stands=one.signature_id in stand, fits=one.sha256 == now)
        for one in (Signature(*row) for row in connection.execute(statement))
    )
