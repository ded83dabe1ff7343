"""The tables of the registry. Only this package knows them; it gives and takes model objects."""

from typing import ClassVar

from sqlalchemy import JSON, Boolean, Float, ForeignKey, Index, Integer, UniqueConstraint, true
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from abstractor.registry.stored_text import LongText as Text
from abstractor.registry.stored_text import StoredText as String


class Base(DeclarativeBase):
    """All tables; every time is UTC in ISO 8601, every date a partial ISO date."""

    type_annotation_map: ClassVar = {str: String}
    audited_by: ClassVar[str | None] = None
    """Of an append-only table whose rows enter the audit chain (`chain.py`): the column that says who, "" where none does."""


class PatientRow(Base):
    __tablename__ = "patient"

    patient_id: Mapped[str] = mapped_column(String, primary_key=True)
    created_at: Mapped[str] = mapped_column(String)
    suggestions_due: Mapped[bool] = mapped_column(Boolean, server_default=true())
    """Findings or imported facts are newer than the suggestions; set and cleared in the transactions that make it so."""
    changes: Mapped[int] = mapped_column(Integer, server_default="0")
    """Triggers raise it with every note, suggestion and decision: what was counted before is known to be old."""


class NoteRow(Base):
    """One version of a note, without its text: lists must not read gigabytes."""

    __tablename__ = "note"
    __table_args__ = (
        UniqueConstraint("note_id", "version"),
        Index("note_patient", "patient_id", "latest", "note_date", "ingested_at"),
    )

    note_key: Mapped[int] = mapped_column(Integer, primary_key=True)
    note_id: Mapped[str] = mapped_column(String)
    version: Mapped[int] = mapped_column(Integer)
    latest: Mapped[bool] = mapped_column(Boolean)
    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.patient_id"))
    note_date: Mapped[str | None] = mapped_column(String)
    note_type: Mapped[str] = mapped_column(String)
    sha256: Mapped[str] = mapped_column(String)
    length: Mapped[int] = mapped_column(Integer)
    source: Mapped[str] = mapped_column(String)
    ingested_at: Mapped[str] = mapped_column(String)


class NoteTextRow(Base):
    __tablename__ = "note_text"

    note_key: Mapped[int] = mapped_column(ForeignKey("note.note_key"), primary_key=True)
    text: Mapped[str] = mapped_column(Text)


class AnnotationRow(Base):
    """The ledger: which rulebook's findings stand for a note version, and how its last reading went."""

    __tablename__ = "annotation"

    note_key: Mapped[int] = mapped_column(ForeignKey("note.note_key"), primary_key=True)
    rulebook: Mapped[str] = mapped_column(String, primary_key=True)
    engine: Mapped[str] = mapped_column(String)
    annotated_at: Mapped[str] = mapped_column(String)
    findings: Mapped[int] = mapped_column(Integer)
    fault: Mapped[str | None] = mapped_column(String)
    """Why the note could not be annotated (never its text); None where it was."""


class FindingRow(Base):
    __tablename__ = "finding"
    __table_args__ = (Index("finding_note", "note_key"),)

    finding_key: Mapped[int] = mapped_column(Integer, primary_key=True)
    note_key: Mapped[int] = mapped_column(ForeignKey("note.note_key"))
    rulebook: Mapped[str] = mapped_column(String)
    field: Mapped[str] = mapped_column(String)
    value: Mapped[str] = mapped_column(String)
    assertion: Mapped[str] = mapped_column(String)
    start: Mapped[int] = mapped_column("start_offset", Integer)
    end: Mapped[int] = mapped_column("end_offset", Integer)
    text: Mapped[str] = mapped_column(Text)
    section: Mapped[str | None] = mapped_column(String)
    date: Mapped[str | None] = mapped_column(String)
    date_precision: Mapped[str | None] = mapped_column(String)
    date_source: Mapped[str | None] = mapped_column(String)
    attributes: Mapped[dict[str, object]] = mapped_column(JSON)
    rule: Mapped[str] = mapped_column(String)
    confidence: Mapped[float] = mapped_column(Float)


class SuggestionRow(Base):
    __tablename__ = "suggestion"
    __table_args__ = (UniqueConstraint("patient_id", "slot", "value", "assertion"),)

    suggestion_key: Mapped[int] = mapped_column(Integer, primary_key=True)
    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.patient_id"))
    slot: Mapped[str] = mapped_column(String)
    field: Mapped[str] = mapped_column(String)
    value: Mapped[str] = mapped_column(String)
    assertion: Mapped[str] = mapped_column(String)
    date: Mapped[str | None] = mapped_column(String)
    end_date: Mapped[str | None] = mapped_column(String)
    attributes: Mapped[dict[str, object]] = mapped_column(JSON)
    confidence: Mapped[float] = mapped_column(Float)
    origin: Mapped[str] = mapped_column(String)
    rulebook: Mapped[str] = mapped_column(String)
    evidence: Mapped[list[dict[str, object]]] = mapped_column(JSON)
    """Best first; each as `codec.evidence_row` writes it."""


class DecisionRow(Base):
    """Append-only: triggers refuse UPDATE and DELETE, and an INSERT over a row that stands."""

    __tablename__ = "decision"
    audited_by = "decided_by"
    __table_args__ = (Index("decision_patient", "patient_id", "sequence"),)

    sequence: Mapped[int] = mapped_column(Integer, primary_key=True)
    action_id: Mapped[str] = mapped_column(String, unique=True)
    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.patient_id"))
    slot: Mapped[str] = mapped_column(String)
    action: Mapped[str] = mapped_column(String)
    decided_by: Mapped[str] = mapped_column(String)
    decided_at: Mapped[str] = mapped_column(String)
    field: Mapped[str] = mapped_column(String)
    value: Mapped[str] = mapped_column(String)
    assertion: Mapped[str] = mapped_column(String)
    date: Mapped[str | None] = mapped_column(String)
    end_date: Mapped[str | None] = mapped_column(String)
    attributes: Mapped[dict[str, object]] = mapped_column(JSON)
    evidence: Mapped[list[dict[str, object]]] = mapped_column(JSON)
    source: Mapped[str] = mapped_column(String)
    reason: Mapped[str] = mapped_column(Text)
    undoes: Mapped[str | None] = mapped_column(String)
    offered: Mapped[str] = mapped_column(Text)
    rule: Mapped[str] = mapped_column(String)
    rulebook: Mapped[str] = mapped_column(String)


class LeaseRow(Base):
    __tablename__ = "lease"

    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.patient_id"), primary_key=True)
    holder: Mapped[str] = mapped_column(String)
    since: Mapped[str] = mapped_column(String)
    until: Mapped[str] = mapped_column(String)
    active_at: Mapped[str] = mapped_column(String, server_default="")
    """When its holder last did something; an open program alone renews `until` and not this."""


class AssignmentRow(Base):
    """Whose work a patient is: a plan that stands until it is given back. A patient without one is in the pool."""

    __tablename__ = "assignment"

    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.patient_id"), primary_key=True)
    user: Mapped[str] = mapped_column("user_name", String)
    since: Mapped[str] = mapped_column(String)


class LeaseEventRow(Base):
    """Append-only, as `DecisionRow`: who took a patient from whom, and why."""

    __tablename__ = "lease_event"
    audited_by = "taken_by"
    __table_args__ = (Index("lease_event_patient", "patient_id", "event_key"),)

    event_key: Mapped[int] = mapped_column(Integer, primary_key=True)
    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.patient_id"))
    happened_at: Mapped[str] = mapped_column(String)
    kind: Mapped[str] = mapped_column(String)
    taken_by: Mapped[str] = mapped_column(String)
    taken_from: Mapped[str] = mapped_column(String)
    reason: Mapped[str] = mapped_column(Text)


class TallyRow(Base):
    """What the worklist counts of a patient, kept while `changes` equals the patient's: else it is counted anew."""

    __tablename__ = "tally"

    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.patient_id"), primary_key=True)
    changes: Mapped[int] = mapped_column(Integer)
    notes: Mapped[int] = mapped_column(Integer)
    suggested: Mapped[int] = mapped_column(Integer)
    undecided: Mapped[int] = mapped_column(Integer)
    conflicts: Mapped[int] = mapped_column(Integer)
    deferred: Mapped[int] = mapped_column(Integer)
    oldest_note_date: Mapped[str | None] = mapped_column(String)
    newest_note_date: Mapped[str | None] = mapped_column(String)
    waiting_since: Mapped[str | None] = mapped_column(String)
    closed: Mapped[bool] = mapped_column(Boolean)


class DraftRow(Base):
    __tablename__ = "draft"

    user: Mapped[str] = mapped_column("user_name", String, primary_key=True)
    patient_id: Mapped[str] = mapped_column(String, primary_key=True)
    slot: Mapped[str] = mapped_column(String, primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    saved_at: Mapped[str] = mapped_column(String)


# Quality assurance (`registry/quality.py`, `registry/readings.py`). All but `message` is append-only, by triggers as for `decision`.


class QualitySampleRow(Base):
    """What was drawn to be looked at again, and from what."""

    __tablename__ = "quality_sample"
    audited_by = "drawn_by"

    name: Mapped[str] = mapped_column(String, primary_key=True)
    kind: Mapped[str]
    seed: Mapped[int] = mapped_column(Integer)
    plan: Mapped[dict[str, object]] = mapped_column(JSON)
    frame_size: Mapped[int] = mapped_column(Integer)
    frame_hash: Mapped[str]
    strata: Mapped[list[dict[str, object]]] = mapped_column(JSON)
    drawn_by: Mapped[str]
    drawn_at: Mapped[str]


class QualityItemRow(Base):
    """One decision (or, of a sample of charts, one patient) of a sample."""

    __tablename__ = "quality_item"
    audited_by = ""

    sample: Mapped[str] = mapped_column(ForeignKey("quality_sample.name"), primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True)
    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.patient_id"))
    slot: Mapped[str]
    action_id: Mapped[str]
    field: Mapped[str]
    stratum: Mapped[str]


class QualityEventRow(Base):
    """Every step of quality work: judgements, locks, outcomes, queries, releases."""

    __tablename__ = "quality_event"
    audited_by = "done_by"
    __table_args__ = (Index("quality_event_scope", "kind", "scope", "sequence"),)

    sequence: Mapped[int] = mapped_column(Integer, primary_key=True)
    event_id: Mapped[str] = mapped_column(String, unique=True)
    kind: Mapped[str]
    scope: Mapped[str]
    subject: Mapped[str]
    action: Mapped[str]
    done_by: Mapped[str]
    done_at: Mapped[str]
    content: Mapped[dict[str, object]] = mapped_column(JSON)


class QualityReadingRow(Base):
    """A second reading of a whole patient."""

    __tablename__ = "quality_reading"
    audited_by = "assigned_by"

    reading: Mapped[str] = mapped_column(String, primary_key=True)
    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.patient_id"))
    reader: Mapped[str]
    suggesting: Mapped[bool] = mapped_column(Boolean)
    sample: Mapped[str]
    assigned_by: Mapped[str]
    assigned_at: Mapped[str]


class ReadingDecisionRow(Base):
    """What a second reader decided: kept apart from `decision`, which it must never reach."""

    __tablename__ = "reading_decision"
    audited_by = ""
    __table_args__ = (Index("reading_decision_reading", "reading", "sequence"),)

    sequence: Mapped[int] = mapped_column(Integer, primary_key=True)
    reading: Mapped[str] = mapped_column(ForeignKey("quality_reading.reading"))
    action_id: Mapped[str] = mapped_column(String, unique=True)
    content: Mapped[dict[str, object]] = mapped_column(JSON)
    """The decision, as `readings.py` writes it."""


class QualityDifferenceRow(Base):
    """Two readings of one question that differ, as they are put to the adjudicator."""

    __tablename__ = "quality_difference"
    audited_by = ""
    __table_args__ = (Index("quality_difference_origin", "origin"),)

    difference: Mapped[str] = mapped_column(String, primary_key=True)
    origin: Mapped[str]
    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.patient_id"))
    slot: Mapped[str]
    field: Mapped[str]
    kind: Mapped[str]
    swapped: Mapped[bool] = mapped_column(Boolean)
    first_by: Mapped[str]
    second_by: Mapped[str]
    first: Mapped[dict[str, object] | None] = mapped_column(JSON)
    second: Mapped[dict[str, object] | None] = mapped_column(JSON)
    queued_at: Mapped[str]


class MessageRow(Base):
    """The inbox: only whether it was read ever changes."""

    __tablename__ = "message"
    __table_args__ = (Index("message_recipient", "recipient", "sent_at"),)

    message: Mapped[str] = mapped_column(String, primary_key=True)
    recipient: Mapped[str]
    sender: Mapped[str]
    sent_at: Mapped[str]
    patient_id: Mapped[str]
    slot: Mapped[str]
    kind: Mapped[str]
    about: Mapped[str]
    text: Mapped[str] = mapped_column(Text)
    read_at: Mapped[str | None]


class ExportRow(Base):
    """Append-only, as `DecisionRow`: what was taken out of the registry, by whom, under which profile."""

    __tablename__ = "export_log"
    audited_by = "exported_by"

    sequence: Mapped[int] = mapped_column(Integer, primary_key=True)
    export_id: Mapped[str] = mapped_column(String, unique=True)
    exported_by: Mapped[str]
    exported_at: Mapped[str]
    profile: Mapped[str]
    format: Mapped[str]
    rows: Mapped[dict[str, int]] = mapped_column(JSON)
    sha256: Mapped[str]


class AuditRow(Base):
    """Append-only: one entry for each row of the tables that say `audited_by`, each holding the hash of the one before it."""

    __tablename__ = "audit"

    sequence: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    entered_at: Mapped[str]
    """On the server's clock, where there is one."""
    who: Mapped[str]
    kind: Mapped[str]
    """The table."""
    ref: Mapped[str]
    """The row's primary key, as a JSON list."""
    row_sha256: Mapped[str]
    previous: Mapped[str]
    hash: Mapped[str]


class PersonEventRow(Base):
    """Append-only, as `DecisionRow`: who was added, was given or lost a role. People are folded from it (`people.py`)."""

    __tablename__ = "person_event"
    audited_by = "done_by"

    sequence: Mapped[int] = mapped_column(Integer, primary_key=True)
    event_id: Mapped[str] = mapped_column(String, unique=True)
    person: Mapped[str]
    kind: Mapped[str]
    content: Mapped[dict[str, str]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(Text)
    done_by: Mapped[str]
    done_at: Mapped[str]


class SignatureRow(Base):
    """Append-only, as `DecisionRow`: signatures of patients, and their unlocking."""

    __tablename__ = "signature"
    audited_by = "signed_by"
    __table_args__ = (Index("signature_patient", "patient_id", "sequence"),)

    sequence: Mapped[int] = mapped_column(Integer, primary_key=True)
    signature_id: Mapped[str] = mapped_column(String, unique=True)
    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.patient_id"))
    meaning: Mapped[str]
    signed_by: Mapped[str]
    printed_name: Mapped[str]
    signed_at: Mapped[str]
    version: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str]
    reason: Mapped[str] = mapped_column(Text)
