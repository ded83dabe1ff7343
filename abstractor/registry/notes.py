"""Notes and their versions: stored to the letter, never changed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, Select, insert, select, update

from abstractor.model.decision import Action, Decision
from abstractor.model.errors import RegistryError
from abstractor.model.note import Note
from abstractor.registry.decisions import append, read_case
from abstractor.registry.engine import Registry, alone, utc_now
from abstractor.registry.inserts import insert_once
from abstractor.registry.people import require
from abstractor.registry.readings import ask_readers_again
from abstractor.registry.tables import NoteRow, NoteTextRow, PatientRow


@dataclass(frozen=True, slots=True)
class StoredNote:
    """The latest version of a note, without its text."""

    note_id: str
    patient_id: str
    note_date: str | None
    note_type: str
    sha256: str
    length: int
    version: int
    key: int = 0


@dataclass
class Ingested:
    """What became of the notes handed in."""

    added: int = 0
    known: int = 0
    """The same note with the same text stood here already."""
    versions: int = 0
    """The same id with another text, date or type: a new version."""
    rechecks: int = 0
    """Decisions that rest on an older version and must be looked at again."""
    faults: list[str] = field(default_factory=list)
    """One line each: what was refused and why."""


def add_notes(registry: Registry, notes: Iterable[Note], source: str, clock: Callable[[], str] = utc_now) -> Ingested:
    """Stores notes in one transaction.

    Args:
        registry: an open registry.
        notes: what to store.
        source: where they came from (a file name, never a text).
        clock: gives the time, UTC in ISO 8601.
    """
    result = Ingested()
    with registry.write() as connection:
        require(registry, connection, "load")
        alone(connection, "notes")  # two loads of the same note must not both find it missing
        for note in notes:
            _add(connection, note, source, clock(), result)
    return result


def _add(connection: Connection, note: Note, source: str, now: str, result: Ingested) -> None:
    latest = connection.execute(
        select(
            NoteRow.note_key, NoteRow.version, NoteRow.sha256, NoteRow.patient_id, NoteRow.note_date, NoteRow.note_type
        ).where(NoteRow.note_id == note.note_id, NoteRow.latest)
    ).one_or_none()
    if latest is not None and latest.patient_id != note.patient_id:
        result.faults.append(
            f"note {note.note_id}: belongs to patient {latest.patient_id} here, and to {note.patient_id} in {source}; "
            "not stored: give the note an id of its own"
        )
        return
    digest = note.sha256
    if latest is not None and latest.sha256 == digest:
        note = _completed(note, latest.note_date, latest.note_type)
        if (note.note_date, note.note_type) == (latest.note_date, latest.note_type):
            result.known += 1
            return
    insert_once(connection, PatientRow, {"patient_id": note.patient_id, "created_at": now})
    if latest is not None:
        connection.execute(update(NoteRow).where(NoteRow.note_key == latest.note_key).values(latest=False))
        result.versions += 1
    else:
        result.added += 1
    row = {
        "note_id": note.note_id,
        "version": latest.version + 1 if latest is not None else 1,
        "latest": True,
        "patient_id": note.patient_id,
        "note_date": note.note_date,
        "note_type": note.note_type,
        "sha256": digest,
        "length": len(note.text),
        "source": source,
        "ingested_at": now,
    }
    key = connection.execute(insert(NoteRow).values(row)).inserted_primary_key
    assert key is not None
    connection.execute(insert(NoteTextRow).values(note_key=key[0], text=note.text))
    if latest is not None and latest.sha256 != digest:
        result.rechecks += _ask_again(connection, note, latest.version + 1, now)


def _completed(note: Note, date: str | None, note_type: str) -> Note:
    """What a second load leaves out stays as the first one said it; what it says otherwise makes a version of its own."""
    return replace(
        note,
        note_date=note.note_date or date,
        note_type=note_type if note.note_type in ("", "other") else note.note_type,
    )


def _ask_again(connection: Connection, note: Note, version: int, now: str) -> int:
    """What was decided on an older version goes back to review; the decision itself stands."""
    case = read_case(connection, note.patient_id)
    digest = note.sha256
    slots = [
        slot
        for slot, decision in case.current.items()
        if any(one.note_id == note.note_id and one.note_sha256 != digest for one in decision.evidence)
    ]
    for slot in slots:
        decision = Decision(
            action_id=f"recheck:{note.note_id}:{version}:{slot}",
            patient_id=note.patient_id,
            slot=slot,
            action=Action.RECHECK,
            decided_by="system",
            decided_at=now,
            source="system",
            reason=f"note {note.note_id} has a new version",
        )
        append(connection, decision)
    second = ask_readers_again(
        connection, note.patient_id, note.note_id, digest, version, now, first_closed=case.closed
    )
    return len(slots) + second


def notes_of(registry: Registry, patient_id: str) -> tuple[StoredNote, ...]:
    """The latest versions of a patient's notes, by date (undated ones last), then by id."""
    statement = stored_columns().where(NoteRow.patient_id == patient_id, NoteRow.latest)
    with registry.read() as connection:
        require(registry, connection, "read_notes")
        found = [StoredNote(*row) for row in connection.execute(statement)]
    return tuple(sorted(found, key=lambda note: (note.note_date is None, note.note_date or "", note.note_id)))


def all_notes(registry: Registry) -> tuple[StoredNote, ...]:
    """The latest versions of all notes, by patient."""
    with registry.read() as connection:
        require(registry, connection, "read_notes")
        statement = (
            stored_columns()
            .where(NoteRow.latest)
            .order_by(NoteRow.patient_id, NoteRow.note_date.nulls_first(), NoteRow.note_id)
        )
        return tuple(StoredNote(*row) for row in connection.execute(statement))


def patients(registry: Registry) -> tuple[str, ...]:
    """All patient ids, sorted."""
    with registry.read() as connection:
        require(registry, connection, "list_patients")
        return tuple(connection.scalars(select(PatientRow.patient_id).order_by(PatientRow.patient_id)))


def note_text(registry: Registry, note_id: str) -> str:
    """The text of a note's latest version, to the letter.

    Raises:
        RegistryError: no such note.
    """
    statement = (
        select(NoteTextRow.text)
        .join(NoteRow, NoteRow.note_key == NoteTextRow.note_key)
        .where(NoteRow.note_id == note_id, NoteRow.latest)
    )
    with registry.read() as connection:
        require(registry, connection, "read_notes")
        text = connection.scalar(statement)
    if text is None:
        raise RegistryError(f"note {note_id}: not in this registry")
    return text


def whole_note(registry: Registry, stored: StoredNote) -> Note:
    """A stored note with its text."""
    with registry.read() as connection:
        require(registry, connection, "read_notes")
        text = connection.scalar(select(NoteTextRow.text).where(NoteTextRow.note_key == stored.key))
    assert text is not None
    return Note(stored.note_id, text, stored.patient_id, stored.note_date, stored.note_type)


def stored_columns() -> Select[str, str, str | None, str, str, int, int, int]:
    return select(
        NoteRow.note_id,
        NoteRow.patient_id,
        NoteRow.note_date,
        NoteRow.note_type,
        NoteRow.sha256,
        NoteRow.length,
        NoteRow.version,
        NoteRow.note_key,
    )
