"""The tables of the registry. Only this package knows them; it gives and takes model objects."""

from sqlalchemy import JSON, Boolean, Float, ForeignKey, Index, Integer, String, Text, UniqueConstraint, true
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """All tables; every time is UTC in ISO 8601, every date a partial ISO date."""


class PatientRow(Base):
    __tablename__ = "patient"

    patient_id: Mapped[str] = mapped_column(String, primary_key=True)
    created_at: Mapped[str] = mapped_column(String)
    suggestions_due: Mapped[bool] = mapped_column(Boolean, server_default=true())
    """Findings or imported facts are newer than the suggestions; set and cleared in the transactions that make it so."""


class NoteRow(Base):
    """One version of a note, without its text: lists must not read gigabytes."""

    __tablename__ = "note"
    __table_args__ = (UniqueConstraint("note_id", "version"), Index("note_patient", "patient_id", "latest"))

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


class DraftRow(Base):
    __tablename__ = "draft"

    user: Mapped[str] = mapped_column("user_name", String, primary_key=True)
    patient_id: Mapped[str] = mapped_column(String, primary_key=True)
    slot: Mapped[str] = mapped_column(String, primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    saved_at: Mapped[str] = mapped_column(String)
