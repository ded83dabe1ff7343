"""Quality work as it is stored: samples, steps, differences, messages. Everything is added and nothing changed, but that a message was read.

What the steps mean, and which are allowed, is the business of `abstractor.quality`.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, or_, select, update

from abstractor.model.decision import Decision
from abstractor.model.errors import RegistryError, StaleCase
from abstractor.registry.chain import append_row, append_rows
from abstractor.registry.codec import plain
from abstractor.registry.decisions import append, stored_decision
from abstractor.registry.engine import Registry, alone
from abstractor.registry.inserts import insert_once
from abstractor.registry.people import require, require_one, require_person, require_self
from abstractor.registry.readings import second_reader
from abstractor.registry.roles import roles
from abstractor.registry.tables import (
    DecisionRow,
    MessageRow,
    PatientRow,
    QualityDifferenceRow,
    QualityEventRow,
    QualityItemRow,
    QualitySampleRow,
)

AUDIT, LOCK, REOPEN = "audit", "lock", "reopen"
"""The kind of an audit's steps, and the two that concern all of it."""
TRAINING = "training"
"""The kind of the steps of a training copy, which no other registry has."""
_ABOUT_NO_PATIENT = frozenset({"release", TRAINING})
_QUEUEING = ("plan_quality", "second_read", "audit", "adjudicate")
"""Whoever may do one of these may bring differences before the adjudicator."""


@dataclass(frozen=True, slots=True)
class SampleItem:
    """One decision of a sample of facts, or one patient of a sample of charts (then slot, action_id and field are blank)."""

    sample: str
    place: int
    """Counted from 1, in the order of the work."""
    patient_id: str
    slot: str
    action_id: str
    field: str
    stratum: str


@dataclass(frozen=True, slots=True)
class Sample:
    """What was drawn, from what, and how."""

    name: str
    kind: str
    """`facts` or `charts`."""
    seed: int
    plan: Mapping[str, Any]
    frame_size: int
    frame_hash: str
    strata: tuple[Mapping[str, Any], ...]
    """Of each: name, domain, size, drawn."""
    drawn_by: str
    drawn_at: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of quality work."""

    event_id: str
    """Made by the client: the same step twice, after a lost connection, is one."""
    kind: str
    """What it is about: `audit` (scope: sample, subject: place, or "" for the whole), `difference`, `query`, `release`."""
    scope: str
    subject: str
    action: str
    done_by: str
    done_at: str
    content: Mapping[str, Any] = dataclasses.field(default_factory=dict, hash=False)
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """Two readings of one question that differ. `first` and `second` are facts as mappings; None where a reader has nothing."""

    difference: str
    origin: str
    """The reading, or the sample, that it comes from."""
    patient_id: str
    slot: str
    field: str
    kind: str
    swapped: bool
    """Whether side A is the second reader's."""
    first_by: str
    second_by: str
    first: Mapping[str, Any] | None
    second: Mapping[str, Any] | None
    queued_at: str


@dataclass(frozen=True, slots=True)
class Message:
    """What is told to one person."""

    message: str
    recipient: str
    sender: str
    sent_at: str
    patient_id: str
    slot: str
    kind: str
    """`adjudication`, `query`, `answer`."""
    about: str
    """Id of the difference or query."""
    text: str
    read_at: str | None = None


def add_sample(registry: Registry, sample: Sample, items: Iterable[SampleItem]) -> Sample:
    """Stores a sample with its items.

    Raises:
        RegistryError: one of this name stands already, or the same draw stands under another name.
    """
    rows = [dataclasses.asdict(one) for one in items]

    def work(connection: Connection) -> Sample:
        require(registry, connection, "plan_quality", sample.drawn_by)
        alone(connection, "quality_sample")
        standing = connection.execute(select(QualitySampleRow.__table__)).mappings().all()
        for row in standing:
            if row["name"] == sample.name and row["drawn_at"] == sample.drawn_at and row["drawn_by"] == sample.drawn_by:
                return sample  # the answer to the first try was lost
            if row["name"] == sample.name:
                raise RegistryError(
                    f"sample {sample.name}: was drawn already ({row['drawn_at'][:10]}); choose another name"
                )
            if (row["kind"], row["seed"], row["frame_hash"]) == (sample.kind, sample.seed, sample.frame_hash) and row[
                "plan"
            ] == dict(sample.plan):
                raise RegistryError(
                    f"sample {sample.name}: is the same draw as {row['name']}; use that, or another seed"
                )
        values = dataclasses.asdict(sample) | {
            "strata": [dict(one) for one in sample.strata],
            "plan": dict(sample.plan),
        }
        append_row(connection, QualitySampleRow, values)
        append_rows(connection, QualityItemRow, rows)
        return sample

    return registry.attempt(work)


def samples(registry: Registry) -> tuple[Sample, ...]:
    """All samples, oldest first."""
    table = QualitySampleRow.__table__
    with registry.read() as connection:
        require_person(registry, connection)
        rows = connection.execute(select(table).order_by(table.c.drawn_at, table.c.name)).mappings().all()
    return tuple(Sample(**(dict(row) | {"strata": tuple(row["strata"])})) for row in rows)


def sample_of(registry: Registry, name: str) -> Sample:
    """A sample by its name.

    Raises:
        RegistryError: there is none.
    """
    found = samples(registry)
    for one in found:
        if one.name == name:
            return one
    known = ", ".join(one.name for one in found) or "none yet"
    raise RegistryError(f"sample {name}: not in this registry; there are {known}")


def items_of(registry: Registry, name: str) -> tuple[SampleItem, ...]:
    """The items of a sample, in their order."""
    table = QualityItemRow.__table__
    with registry.read() as connection:
        require(registry, connection, "list_patients")
        rows = connection.execute(select(table).where(table.c.sample == name).order_by(table.c.place)).mappings().all()
    return tuple(SampleItem(**row) for row in rows)


def drawn_decisions(registry: Registry, name: str) -> dict[str, Decision]:
    """The decisions behind the items of a sample of facts, as they were drawn, by their action id."""
    items, made = QualityItemRow.__table__, DecisionRow.__table__
    statement = select(made).join(items, items.c.action_id == made.c.action_id).where(items.c.sample == name)
    with registry.read() as connection:
        require(registry, connection, "read_facts")
        rows = connection.execute(statement).mappings()
        return {row["action_id"]: stored_decision(row) for row in rows}


def deciders_of(registry: Registry, name: str) -> dict[str, str]:
    """Who made the decisions behind the items of a sample of facts, by their action id."""
    items, made = QualityItemRow.__table__, DecisionRow.__table__
    statement = select(made.c.action_id, made.c.decided_by).join(items, items.c.action_id == made.c.action_id)
    with registry.read() as connection:
        require(registry, connection, "list_patients")
        return {row.action_id: row.decided_by for row in connection.execute(statement.where(items.c.sample == name))}


def decider_of(registry: Registry, action_id: str) -> str | None:
    """Who made a decision; None where it is not in this registry."""
    with registry.read() as connection:
        require(registry, connection, "read_facts")
        return connection.scalar(select(DecisionRow.decided_by).where(DecisionRow.action_id == action_id))


def decided_since(registry: Registry, decision: Decision) -> bool:
    """Whether anything was done on a decision's question, or with the decision itself, after it: only then may it stand no more."""
    table = DecisionRow
    newer = select(table.sequence).where(
        table.patient_id == decision.patient_id,
        table.sequence > decision.sequence,
        or_(table.slot == decision.slot, table.undoes == decision.action_id),
    )
    with registry.read() as connection:
        require(registry, connection, "read_facts")
        return connection.execute(newer.limit(1)).first() is not None


def steps(registry: Registry, kind: str, scope: str | None = None, *, after: int = 0) -> tuple[Step, ...]:
    """All steps of a kind (within a scope) after a sequence, oldest first; those about patients only for who may read facts of patients."""
    with registry.read() as connection:
        if kind not in _ABOUT_NO_PATIENT:
            require(registry, connection, "read_facts")
        return _steps(connection, kind, scope, after)


def _steps(connection: Connection, kind: str, scope: str | None, after: int = 0) -> tuple[Step, ...]:
    table = QualityEventRow.__table__
    statement = select(table).where(table.c.kind == kind, table.c.sequence > after).order_by(table.c.sequence)
    if scope is not None:
        statement = statement.where(table.c.scope == scope)
    return tuple(Step(**row) for row in connection.execute(statement).mappings())


def take_step(registry: Registry, step: Step, *, seen: int, messages: Iterable[Message] = ()) -> Step:
    """Commits one step and what it tells people; safe to repeat.

    Args:
        registry: an open registry.
        step: what was done.
        seen: sequence of the last step in this kind and scope that the person was looking at.
        messages: what is sent with it.

    Raises:
        StaleCase: somebody else took a step there since; nothing was written.
        RegistryError: the audit is locked; nothing was written.
    """
    told = tuple(messages)

    def work(connection: Connection) -> Step:
        require(registry, connection, roles().step[step.kind], step.done_by)
        return _take(connection, step, seen, told)

    return registry.attempt(work)


def _take(connection: Connection, step: Step, seen: int, messages: Iterable[Message]) -> Step:
    alone(connection, f"quality {step.kind} {step.scope}")
    table = QualityEventRow.__table__
    same = connection.execute(select(table).where(table.c.event_id == step.event_id)).mappings().first()
    if same is not None:
        return Step(**same)
    for one in _steps(connection, step.kind, step.scope, seen):
        if _concerns(one, step):
            raise StaleCase(f"{one.done_by} was there at {one.done_at}; not saved: look again and decide again")
    _require_unlocked(connection, step)
    _require_no_reader(connection, step)
    return _insert(connection, step, messages)


def _require_unlocked(connection: Connection, step: Step) -> None:
    """A lock holds here too, whoever calls: what stands in a locked audit is what was signed."""
    if step.kind != AUDIT:
        return
    table = QualityEventRow.__table__
    whole = (table.c.kind == step.kind, table.c.scope == step.scope, table.c.subject == "")
    locked = connection.scalar(select(table.c.action).where(*whole).order_by(table.c.sequence.desc()).limit(1)) == LOCK
    if step.action == REOPEN and not str(step.content.get("reason", "")).strip():
        raise RegistryError(f"sample {step.scope}: reopening needs a reason; nothing was written")
    if locked and step.action != REOPEN:
        raise RegistryError(f"sample {step.scope}: its audit is locked; reopening it needs a reason")


def _require_no_reader(connection: Connection, step: Step) -> None:
    """Who is to read a patient a second time, or has, does not judge the first reading: the two are compared."""
    if step.kind != AUDIT or not step.subject:
        return
    item = QualityItemRow.__table__
    here = select(item.c.patient_id).where(item.c.sample == step.scope, item.c.place == int(step.subject))
    patient_id = connection.scalar(here)
    if patient_id is not None and second_reader(connection, patient_id, step.done_by):
        raise RegistryError(
            f"sample {step.scope}, item {step.subject}: {step.done_by} is the second reader of this patient; somebody else must audit it"
        )


def _concerns(newer: Step, step: Step) -> bool:
    """Whether who takes a step must have seen a newer one: those on the whole scope (a lock) always, else another person's on the same."""
    if not newer.subject or not step.subject:
        return True
    return newer.subject == step.subject and newer.done_by != step.done_by


def _insert(connection: Connection, step: Step, messages: Iterable[Message]) -> Step:
    values = dataclasses.asdict(step) | {"content": dict(step.content)}
    del values["sequence"]
    sequence = append_row(connection, QualityEventRow, values)
    for message in messages:
        insert_once(connection, MessageRow, dataclasses.asdict(message))
    return replace(step, sequence=sequence)


def settle(registry: Registry, step: Step, decision: Decision, messages: Iterable[Message], *, seen: int) -> Step:
    """Commits an adjudicator's outcome as a decision of the registry, with its step and messages: all of it or nothing.

    Args:
        registry: an open registry.
        step: the outcome; the same event id twice is one.
        decision: what the registry holds from now on.
        messages: to those it concerns.
        seen: the version of the case that the outcome rests on.

    Raises:
        StaleCase: somebody else has settled it, or decided on its slot since; nothing was written.
    """
    told = tuple(messages)

    def work(connection: Connection) -> Step:
        require(registry, connection, "adjudicate", step.done_by)
        alone(connection, f"quality {step.kind} {step.scope}")
        before = [one for one in _steps(connection, step.kind, step.scope) if one.subject == step.subject]
        for one in before:
            if one.event_id == step.event_id:
                return one
        if before and before[-1].action == step.action:
            raise StaleCase(f"{before[-1].done_by} has settled this difference; not saved")
        table = DecisionRow.__table__
        newer = select(table.c.decided_by).where(
            table.c.patient_id == decision.patient_id, table.c.slot == decision.slot, table.c.sequence > seen
        )
        if connection.execute(newer).first() is not None:
            raise StaleCase(f"patient {decision.patient_id}: this was decided anew; not saved: look again")
        append(connection, decision)
        return _insert(connection, step, told)

    return registry.attempt(work)


def add_differences(registry: Registry, found: Iterable[Difference]) -> int:
    """Queues differences; those that stand already are left as they are.

    Returns:
        How many were new.
    """
    rows = [_difference_row(one) for one in found]

    def work(connection: Connection) -> int:
        require_one(registry, connection, _QUEUEING)
        alone(connection, "quality_difference")
        standing = set(connection.scalars(select(QualityDifferenceRow.difference)))
        new = [row for row in rows if row["difference"] not in standing]
        append_rows(connection, QualityDifferenceRow, new)
        return len(new)

    return registry.attempt(work)


def _difference_row(one: Difference) -> dict[str, object]:
    row = {column.name: getattr(one, column.name) for column in dataclasses.fields(one)}
    for side in ("first", "second"):
        row[side] = None if row[side] is None else plain(row[side])
    return row


def differences(registry: Registry, origin: str | None = None) -> tuple[Difference, ...]:
    """All that was queued, oldest first."""
    table = QualityDifferenceRow.__table__
    statement = select(table).order_by(table.c.queued_at, table.c.difference)
    if origin is not None:
        statement = statement.where(table.c.origin == origin)
    with registry.read() as connection:
        require(registry, connection, "read_facts")
        return tuple(Difference(**row) for row in connection.execute(statement).mappings())


def inbox(registry: Registry, user: str, *, unread_only: bool = False) -> tuple[Message, ...]:
    """What was sent to a person, newest first."""
    table = MessageRow.__table__
    statement = select(table).where(table.c.recipient == user).order_by(table.c.sent_at.desc(), table.c.message)
    if unread_only:
        statement = statement.where(table.c.read_at.is_(None))
    with registry.read() as connection:
        require_self(registry, connection, user)
        return tuple(Message(**row) for row in connection.execute(statement).mappings())


def mark_read(registry: Registry, message: str, user: str, at: str | None) -> None:
    """Notes when its recipient read a message; None makes it unread again."""

    def work(connection: Connection) -> None:
        require_self(registry, connection, user)
        mine = (MessageRow.message == message, MessageRow.recipient == user)
        connection.execute(update(MessageRow).where(*mine).values(read_at=at))

    registry.attempt(work)


def mark_training(registry: Registry, step: Step) -> Step:
    """Makes an empty registry a training copy, for good: steps are never deleted.

    Raises:
        RegistryError: it holds patients; a registry with work in it never becomes a training copy.
    """

    def work(connection: Connection) -> Step:
        alone(connection, "quality training")
        for one in _steps(connection, TRAINING, None):
            return one
        if connection.execute(select(PatientRow.patient_id).limit(1)).first() is not None:
            raise RegistryError(f"{registry.name}: holds patients; only an empty registry becomes a training copy")
        return _insert(connection, step, ())

    return registry.attempt(work)


def is_training(registry: Registry) -> bool:
    """Whether wrong suggestions are planted in this registry: nothing of it may be merged, exported or counted."""
    return bool(steps(registry, TRAINING))
