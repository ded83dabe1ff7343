"""Second readings: what another reader decides on a whole patient, kept in a table of its own, where no fact is ever read from."""

from dataclasses import asdict, dataclass, replace

from sqlalchemy import Connection, RowMapping, select

from abstractor.model.case import Case, fold
from abstractor.model.decision import Action, Decision
from abstractor.model.errors import RegistryError
from abstractor.model.finding import Assertion
from abstractor.registry.chain import append_row
from abstractor.registry.codec import evidence_rows, plain, read_evidence
from abstractor.registry.engine import Registry, alone
from abstractor.registry.people import require
from abstractor.registry.tables import (
    DecisionRow,
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
        RegistryError: the reader has decided on this patient or audited it, or reads it already in this sample.
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
        if _decided(connection, reading.patient_id, reading.reader):
            raise RegistryError(
                f"patient {reading.patient_id}: {reading.reader} has decided on it; the second reader must be somebody else"
            )
        if _audited(connection, reading.patient_id, reading.reader):
            raise RegistryError(
                f"patient {reading.patient_id}: {reading.reader} has audited it, and knows the first reading; name somebody else"
            )
        append_row(connection, QualityReadingRow, asdict(reading))
        return reading

    return registry.attempt(work)


def _decided(connection: Connection, patient_id: str, user: str) -> bool:
    mine = select(DecisionRow.sequence).where(DecisionRow.patient_id == patient_id, DecisionRow.decided_by == user)
    return connection.execute(mine.limit(1)).first() is not None


def has_seen(registry: Registry, patient_id: str, user: str) -> bool:
    """Whether a person has decided on a patient, or audited a decision on it: what they read then is not read blind."""
    with registry.read() as connection:
        return _decided(connection, patient_id, user) or _audited(connection, patient_id, user)


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
        queued = select(QualityDifferenceRow.difference).where(QualityDifferenceRow.origin == mine.reading)

        def work(connection: Connection) -> Decision:
            require(self.registry, connection, "second_read", decision.decided_by)
            alone(connection, f"reading {mine.reading}")
            standing = (
                connection.execute(select(table).where(table.c.action_id == decision.action_id)).mappings().first()
            )
            if standing is not None:
                return _decision(standing)
            if connection.execute(queued.limit(1)).first() is not None:
                raise RegistryError(
                    f"patient {mine.patient_id}: this reading is before the adjudicator, and closed for good; nothing was saved"
                )
            values = {"reading": mine.reading, "action_id": decision.action_id, "content": _decision_row(decision)}
            return replace(decision, sequence=append_row(connection, ReadingDecisionRow, values))

        return self.registry.attempt(work)

    def decisions_of(self, patient_id: str) -> tuple[Decision, ...]:
        """What the second reader decided, oldest first; nothing of another patient."""
        if patient_id != self.reading.patient_id:
            return ()
        table = ReadingDecisionRow.__table__
        statement = select(table).where(table.c.reading == self.reading.reading).order_by(table.c.sequence)
        with self.registry.read() as connection:
            return tuple(_decision(row) for row in connection.execute(statement).mappings())

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
