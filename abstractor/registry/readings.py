"""Second readings: what another reader decides on a whole patient, kept in a table of its own, where no fact is ever read from."""

from dataclasses import asdict, dataclass, replace

from sqlalchemy import Connection, RowMapping, insert, select

from abstractor.model.case import Case, fold
from abstractor.model.decision import Action, Decision
from abstractor.model.errors import RegistryError
from abstractor.model.finding import Assertion
from abstractor.registry.codec import evidence_rows, plain, read_evidence
from abstractor.registry.engine import Registry, alone
from abstractor.registry.tables import DecisionRow, QualityReadingRow, ReadingDecisionRow


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
        RegistryError: the reader has decided on this patient, or reads it already in this sample.
    """

    def work(connection: Connection) -> Reading:
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
        if _decided(connection, reading):
            raise RegistryError(
                f"patient {reading.patient_id}: {reading.reader} has decided on it; the second reader must be somebody else"
            )
        connection.execute(insert(QualityReadingRow).values(asdict(reading)))
        return reading

    return registry.attempt(work)


def _decided(connection: Connection, reading: Reading) -> bool:
    mine = select(DecisionRow.sequence).where(
        DecisionRow.patient_id == reading.patient_id, DecisionRow.decided_by == reading.reader
    )
    return connection.execute(mine.limit(1)).first() is not None


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
            RegistryError: it is somebody else's, or of another patient; nothing was written.
        """
        mine = self.reading
        if decision.decided_by != mine.reader or decision.patient_id != mine.patient_id:
            raise RegistryError(
                f"patient {decision.patient_id}: this second reading is {mine.reader}'s; nothing was saved"
            )
        table = ReadingDecisionRow.__table__

        def work(connection: Connection) -> Decision:
            alone(connection, f"reading {mine.reading}")
            standing = (
                connection.execute(select(table).where(table.c.action_id == decision.action_id)).mappings().first()
            )
            if standing is not None:
                return _decision(standing)
            values = {"reading": mine.reading, "action_id": decision.action_id, "content": _decision_row(decision)}
            key = connection.execute(insert(ReadingDecisionRow).values(values)).inserted_primary_key
            assert key is not None
            return replace(decision, sequence=key[0])

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


def read_blind(registry: Registry, user: str) -> frozenset[str]:
    """The patients that a person is to read a second time and has not closed yet: nothing decided on them may be shown to this person."""
    assigned = readings(registry, reader=user)
    return frozenset(one.patient_id for one in assigned if not ReadingLog(registry, one).case_of(one.patient_id).closed)


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
