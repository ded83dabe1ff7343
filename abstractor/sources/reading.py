"""What every reader gives: notes, and faults that name their place. A reader never stops at a bad row, and never changes a text."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from abstractor.model.note import Note

COLUMNS = ("note_id", "patient_id", "text", "note_date", "note_type")


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that could not be read as it should: where, what, and what became of it. Never holds note text."""

    place: str
    """`notes.csv: row 17`."""
    says: str

    def __str__(self) -> str:
        return f"{self.place}: {self.says}"


@dataclass(frozen=True)
class ReadOptions:
    """How to read: set by the user or by the rulebook."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """Our column name to the file's, where they differ."""
    encoding: str | None = None
    """None: UTF-8, or UTF-16/32 where a byte order mark says so."""
    note_type: Callable[[str], str] = str
    """A hospital's word for a note type to ours."""

    def column(self, name: str) -> str:
        return self.columns.get(name, name)


Reader = Callable[[Path, ReadOptions], Iterator[Note | Fault]]


def note_from(cells: Mapping[str, object], place: str, options: ReadOptions) -> Iterator[Note | Fault]:
    """One row to a note. A date that can't be read is left out and reported; without id or text there is no note."""
    note_id = _text(cells.get(options.column("note_id")))
    if not note_id:
        yield Fault(place, f"no {options.column('note_id')}; skipped")
        return
    patient_id = _text(cells.get(options.column("patient_id")))
    if _half_surrogate(note_id + patient_id) is not None:
        yield Fault(place, "an id holds half a surrogate pair; skipped: mend the export")
        return
    text = cells.get(options.column("text"))
    if not isinstance(text, str):
        kind = "no text" if text is None else f"the text is {type(text).__name__}, not a string"
        yield Fault(place, f"note {note_id}: {kind}; skipped")
        return
    fault = text_fault(text)
    if fault:
        yield Fault(place, f"note {note_id}: {fault}; skipped")
        return
    raw_date = cells.get(options.column("note_date"))
    note_date = iso_date(raw_date)
    if note_date is None and raw_date not in (None, ""):
        yield Fault(place, f"note {note_id}: the date can't be read (write 2021-03-04); kept without date")
    yield Note(
        note_id=note_id,
        text=text,
        patient_id=patient_id,
        note_date=note_date,
        note_type=options.note_type(_text(cells.get(options.column("note_type")))),
    )


def text_fault(text: str) -> str | None:
    """Why a text can't be a note; None where it can."""
    if not text.replace("\ufeff", "").strip():
        return "the text is empty"
    place = _half_surrogate(text)
    return None if place is None else f"the text holds half a surrogate pair at character {place}; mend the export"


def _half_surrogate(text: str) -> int | None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        return error.start
    return None


def iso_date(value: object) -> str | None:
    """An ISO date, or date and time, as text; None where it is none."""
    if value is None or value == "":
        return None
    text = value.isoformat() if hasattr(value, "isoformat") else str(value).strip()
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    if len(text) <= 10 or (when.hour, when.minute, when.second) == (0, 0, 0):
        return when.date().isoformat()
    return when.isoformat(timespec="seconds")


def _text(value: object) -> str:
    """Ids are strings: 007 stays 007 (readers never give numbers for text columns); None is blank."""
    return "" if value is None else str(value).strip()
