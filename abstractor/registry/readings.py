"""Second readings: what another reader decides on a whole patient, kept in a table of its own, where no fact is ever read from."""

from dataclasses import asdict, dataclass, replace

from sqlalchemy import Connection, RowMapping, or_, select

from abstractor.model.case import Case, fold
from abstractor.model.decision import Action, Decision
from abstractor.model.errors import RegistryError
from abstractor.model.finding import Assertion
from abstractor.registry.chain import append_row
from abstractor.registry.codec import evidence_rows, plain, read_evidence
from abstractor.registry.engine import Registry, alone
from abstractor.registry.people import is_self, require
from abstractor.registry.tables import (
    DecisionRow,
    MessageRow,
    QualityDifferenceRow,
    QualityEventRow,
    QualityItemRow,
    QualityReadingRow,
    ReadingDecisionRow,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One patient to be read a second time."""

    reading: str
    patient_id: str
    reader: str
    suggesting: bool
    """Whether the reader is shown what the rules suggest (an arm of the study)."""
    sample: str
    """The sample of charts it belongs to; "" for none."""
    assigned_by: str
    assigned_at: str


def add_reading(registry: Registry, reading: Reading) -> Reading:
    """Assigns a second reading.

    Raises:
        RegistryError: the reader knows something of the first reading (has decided, audited, settled, was written to), or reads it already
            in this sample.
    """

    def work(connection: Connection) -> Reading:
        require(registry, connection, "plan_quality", reading.assigned_by)
        alone(connection, "quality_reading")
        table = QualityReadingRow.__table__
        same = connection.execute(
            select(table).where(table.c.patient_id == reading.patient_id, table.c.reader == reading.reader)
        ).mappings()
        for row in same:
            if row["reading"] == reading.reading:
                return Reading(**row)
            if row["sample"] == reading.sample:
                raise RegistryError(f"patient {reading.patient_id}: {reading.reader} reads it already in this sample")
        if known := _why_not_blind(connection, reading.patient_id, reading.reader):
            raise RegistryError(
                f"patient {reading.patient_id}: {reading.reader} {known}; the second reader must be somebody else"
            )
        append_row(connection, QualityReadingRow, asdict(reading))
        return reading

    return registry.attempt(work)


def why_not_blind(registry: Registry, patient_id: str, user: str) -> str:
    """How a person came to know the first reading of a patient: what they read then is not read blind. "" where nothing tells of it."""
    with registry.read() as connection:
        require(registry, connection, "list_patients")
        return _why_not_blind(connection, patient_id, user)


def _why_not_blind(connection: Connection, patient_id: str, user: str) -> str:
    decided = select(DecisionRow.sequence).where(DecisionRow.patient_id == patient_id, DecisionRow.decided_by == user)
    written = select(MessageRow.message).where(
        MessageRow.patient_id == patient_id, or_(MessageRow.recipient == user, MessageRow.sender == user)
    )
    settled = select(QualityEventRow.sequence).where(
        QualityEventRow.kind == "difference",
        QualityEventRow.done_by == user,
        QualityEventRow.subject.in_(
            select(QualityDifferenceRow.difference).where(QualityDifferenceRow.patient_id == patient_id)
        ),
    )
    if connection.execute(decided.limit(1)).first() is not None:
        return "has decided on it"
    if _audited(connection, patient_id, user):
        return "has audited it, and knows the first reading"
    if connection.execute(settled.limit(1)).first() is not None:
        return "has seen both sides of a difference on it"
    if connection.execute(written.limit(1)).first() is not None:
        return "has written or was written to about it"
    return ""


def second_reader(connection: Connection, patient_id: str, user: str) -> bool:
    """Whether a patient was ever given to a person for a second reading, closed or not."""
    mine = select(QualityReadingRow.reading).where(
        QualityReadingRow.patient_id == patient_id, QualityReadingRow.reader == user
    )
    return connection.execute(mine.limit(1)).first() is not None


def read_twice(registry: Registry, user: str) -> frozenset[str]:
    """The patients that were ever given to a person for a second reading, closed or not."""
    return frozenset(one.patient_id for one in readings(registry, reader=user))


def _audited(connection: Connection, patient_id: str, user: str) -> bool:
    item, done = QualityItemRow.__table__, QualityEventRow.__table__
    here = select(item.c.sample, item.c.place).where(item.c.patient_id == patient_id)
    places = {(row.sample, str(row.place)) for row in connection.execute(here)}
    mine = select(done.c.scope, done.c.subject).where(done.c.kind == "audit", done.c.done_by == user)
    return bool(places) and any((row.scope, row.subject) in places for row in connection.execute(mine))


def readings(registry: Registry, *, reader: str | None = None, sample: str | None = None) -> tuple[Reading, ...]:
    """Second readings, oldest first."""
    table = QualityReadingRow.__table__
    statement = select(table).order_by(table.c.assigned_at, table.c.reading)
    if reader is not None:
        statement = statement.where(table.c.reader == reader)
    if sample is not None:
        statement = statement.where(table.c.sample == sample)
    with registry.read() as connection:
        if reader is None or not is_self(registry, connection, reader):
            require(registry, connection, "list_patients")
        return tuple(Reading(**row) for row in connection.execute(statement).mappings())


def reading_of(registry: Registry, reading: str) -> Reading:
    """A second reading by its id.

    Raises:
        RegistryError: there is none.
    """
    found = [one for one in readings(registry) if one.reading == reading]
    if not found:
        raise RegistryError(f"reading {reading}: not in this registry")
    return found[0]


@dataclass(frozen=True, slots=True)
class ReadingLog:
    """The decisions of one second reading: a `DecisionLog`, so that a review session works on it as on the registry's own."""

    registry: Registry
    reading: Reading

    def record(self, decision: Decision, *, seen: int) -> Decision:
        """Commits one decision of the second reader; a decision that stands already is returned as it is.

        Raises:
            RegistryError: it is somebody else's, of another patient, or before the adjudicator already; nothing was written.
        """
        mine = self.reading
        if decision.decided_by != mine.reader or decision.patient_id != mine.patient_id:
            raise RegistryError(
                f"patient {decision.patient_id}: this second reading is {mine.reader}'s; nothing was saved"
            )
        table = ReadingDecisionRow.__table__

        def work(connection: Connection) -> Decision:
            require(self.registry, connection, "second_read", decision.decided_by)
            alone(connection, f"reading {mine.reading}")
            standing = (
                connection.execute(select(table).where(table.c.action_id == decision.action_id)).mappings().first()
            )
            if standing is not None:
                return _decision(standing)
            if _is_queued(connection, mine.reading):
                raise RegistryError(
                    f"patient {mine.patient_id}: this reading is before the adjudicator, and closed for good; nothing was saved"
                )
            return _append(connection, mine.reading, decision)

        return self.registry.attempt(work)

    def decisions_of(self, patient_id: str) -> tuple[Decision, ...]:
        """What the second reader decided, oldest first; nothing of another patient."""
        if patient_id != self.reading.patient_id:
            return ()
        with self.registry.read() as connection:
            require(self.registry, connection, "read_facts")
            return _made(connection, self.reading.reading)

    def case_of(self, patient_id: str) -> Case:
        """What holds now in this reading."""
        return fold(patient_id, self.decisions_of(patient_id))


def read_blind(registry: Registry, user: str) -> dict[str, str]:
    """The patients that a person is to read a second time and has not closed yet, each with the id of the reading.

    Nothing that was decided on them may be shown to this person.
    """
    assigned = readings(registry, reader=user)
    return {
        one.patient_id: one.reading for one in assigned if not ReadingLog(registry, one).case_of(one.patient_id).closed
    }


def ask_readers_again(
    connection: Connection, patient_id: str, note_id: str, digest: str, version: int, now: str, *, first_closed: bool
) -> int:
    """What a second reader decided on an older version of a note is to be looked at again, as a first reader's decision is.

    A reading that was closed is opened again, but not where the first one is closed too: both then rest on the same words, and are
    compared as they are. What is before the adjudicator stays closed for good.

    Args:
        connection: of the transaction that stores the note.
        patient_id: whose note it is.
        note_id: the note.
        digest: of its new text.
        version: the new one.
        now: UTC, ISO 8601.
        first_closed: whether the first reader has closed the patient.

    Returns:
        How many decisions are to be looked at again.
    """
    table, asked = QualityReadingRow.__table__, 0
    for row in connection.execute(select(table).where(table.c.patient_id == patient_id)).mappings().all():
        reading = Reading(**row)
        alone(connection, f"reading {reading.reading}")
        case = fold(patient_id, _made(connection, reading.reading))
        if _is_queued(connection, reading.reading) or (case.closed and first_closed):
            continue
        slots = [
            slot
            for slot, decision in case.current.items()
            if any(one.note_id == note_id and one.note_sha256 != digest for one in decision.evidence)
        ]
        steps = [(slot, Action.RECHECK) for slot in slots]
        if slots and case.closed:
            steps.append(("", Action.REOPEN))
        for slot, action in steps:
            again = Decision(
                action_id=f"{action}:{reading.reading}:{note_id}:{version}:{slot}",
                patient_id=patient_id,
                slot=slot,
                action=action,
                decided_by="system",
                decided_at=now,
                source="system",
                reason=f"note {note_id} has a new version",
            )
            _append(connection, reading.reading, again)
        asked += len(slots)
    return asked


def _append(connection: Connection, reading: str, decision: Decision) -> Decision:
    values = {"reading": reading, "action_id": decision.action_id, "content": _decision_row(decision)}
    return replace(decision, sequence=append_row(connection, ReadingDecisionRow, values))


def _made(connection: Connection, reading: str) -> tuple[Decision, ...]:
    table = ReadingDecisionRow.__table__
    statement = select(table).where(table.c.reading == reading).order_by(table.c.sequence)
    return tuple(_decision(row) for row in connection.execute(statement).mappings())


def _is_queued(connection: Connection, reading: str) -> bool:
    found = select(QualityDifferenceRow.difference).where(QualityDifferenceRow.origin == reading)
    return connection.execute(found.limit(1)).first() is not None


def _decision_row(decision: Decision) -> dict[str, object]:
    row: dict[str, object] = {
        name: getattr(decision, name)
        for name in Decision.__dataclass_fields__
        if name not in ("action_id", "sequence", "attributes", "evidence")
    }
    row["action"], row["assertion"] = str(decision.action), str(decision.assertion)
    row["attributes"], row["evidence"] = plain(decision.attributes), evidence_rows(decision.evidence)
    return row


def _decision(row: RowMapping) -> Decision:
    values = dict(row["content"])
    values["action"], values["assertion"] = Action(values["action"]), Assertion(values["assertion"])
    values["evidence"] = read_evidence(values["evidence"])
    return Decision(**values, action_id=row["action_id"], sequence=row["sequence"])
