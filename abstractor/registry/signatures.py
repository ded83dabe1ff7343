"""Signing a patient: what is signed is held by a hash, and nothing about the patient is decided until it is unlocked with a reason.

Signatures are rows that are only added; unlocking is one more, which voids all before it. What a signature may mean, who may give it
and after which other is in `rules/roles.toml`.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from uuid import uuid4

from sqlalchemy import Connection, select

from abstractor.model.case import Case
from abstractor.model.errors import NotAllowed, RegistryError
from abstractor.registry.chain import append_row
from abstractor.registry.codec import plain
from abstractor.registry.decisions import lock_patient, read_case
from abstractor.registry.engine import Registry, utc_now
from abstractor.registry.people import printed_name, require
from abstractor.registry.roles import roles
from abstractor.registry.signed import UNLOCKED, standing_rows
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
    signature_id: str = "",
    clock: Callable[[], str] = utc_now,
) -> Signature:
    """Signs what holds for a patient now.

    Args:
        registry: an open registry.
        patient_id: the patient, whose abstraction is closed.
        meaning: a key of `meaning` in `rules/roles.toml`.
        user: who signs.
        signature_id: the same id twice is one signature; "" makes one.
        clock: the time, where the registry has no server.

    Raises:
        NotAllowed: this person may not give this signature.
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
        own = {one.signed_by for one in standing} == {user} and all(
            roles().meaning[one.meaning].power != "lock" for one in standing if one.meaning in roles().meaning
        )
        power = roles().meaning[standing[-1].meaning].power if own else "unlock"
        require(registry, connection, power, user)
        name = printed_name(registry, connection, user)
        now = registry.now(connection, clock)
        values = (new_id, patient_id, UNLOCKED, user, name, now, case.version, content_hash(case), reason.strip())
        return _append(connection, Signature(*values))

    return registry.attempt(work)


def signatures(registry: Registry, patient_id: str) -> tuple[Signature, ...]:
    """Every signature and unlocking of a patient, oldest first, each with whether it stands and still fits."""
    with registry.read() as connection:
        return _read(connection, patient_id, read_case(connection, patient_id))


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
