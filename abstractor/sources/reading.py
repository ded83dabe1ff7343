"""What every reader gives: notes, and faults that name their place. A reader never stops at a bad row, and never changes a text."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property, lru_cache
from pathlib import Path
from typing import ClassVar, NamedTuple

from abstractor.model.note import Note

_LIKE_AN_ID = re.compile(r"[\w.:/@#+=|~^-]+( [\w.:/@#+=|~^-]+)?")
COLUMNS = ("note_id", "patient_id", "text", "note_date", "note_type")
REQUIRED = ("note_id", "text")
LONGEST = 20_000_000
"""Characters of the longest text that is taken for a note: some 8,000 pages."""


class Place(NamedTuple):
    """A row of a file; rows count from 1, the header of a CSV being row 1. Without a row, the file as a whole."""

    file: str
    row: int | None = None

    def __str__(self) -> str:
        return self.file if self.row is None else f"{self.file}: row {self.row}"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that could not be read as it should: where, what, and what became of it. Never holds note text."""

    where: Place | str
    says: str
    note_id: str = ""
    """Of the note that was skipped or that lost something; blank where the id could not be read, or looks like none."""
    stage: ClassVar[str] = "reading"

    @property
    def place(self) -> str:
        """`notes.csv: row 17`."""
        return str(self.where)

    @property
    def file(self) -> str:
        return self.where.file if isinstance(self.where, Place) else self.where

    @property
    def row(self) -> int | None:
        return self.where.row if isinstance(self.where, Place) else None

    def __str__(self) -> str:
        return visible(f"{self.where}: {self.says}" if self.place else self.says)


@dataclass
class Meter:
    """How far the reading has come: bytes of the files as they lie on disk, compressed where they are, and the last note's place."""

    bytes_read: int = 0
    place: Place | str = ""
    """Where the note stands that was given last."""


@dataclass(frozen=True)
class ReadOptions:
    """How to read: set by the user or by the rulebook."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """Our column name to the file's, where they differ."""
    encoding: str | None = None
    """None: UTF-8, or UTF-16/32 where a byte order mark says so."""
    note_type: Callable[[str], str] = str
    """A hospital's word for a note type to ours."""
    codes: Mapping[str, str] = field(default_factory=dict)
    """A code that OMOP or FHIR has for a kind of note to our type (`abstractor.sources.codes`)."""
    longest: int = LONGEST
    """A text of more characters is no note; it is reported, not kept, and costs no memory."""
    meter: Meter = field(default_factory=Meter, compare=False)

    def column(self, name: str) -> str:
        return self.columns.get(name, name)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What `COLUMNS` are called in the file."""
        return tuple(self.column(name) for name in COLUMNS)


Reader = Callable[[Path, ReadOptions], Iterator[Note | Fault]]
Row = tuple[Place, Mapping[str, object]]
"""Where a row stands, and its cells by the file's names."""


class Unreadable:
    """Stands in a cell for a value that its file holds but that can't be had: bytes which are no text, a date beyond all calendars."""


UNREADABLE = Unreadable()


def notes_of(rows: Iterable[Row | Fault], options: ReadOptions) -> Iterator[Note | Fault]:
    """The rows of a table to notes; faults pass through."""
    for row in rows:
        if isinstance(row, Fault):
            yield row
        else:
            yield from note_from(row[1], row[0], options)


def note_from(cells: Mapping[str, object], place: Place | str, options: ReadOptions) -> Iterator[Note | Fault]:
    """One row to a note. A date that can't be read is left out and reported; without id or text there is no note."""
    id_column, patient_column, text_column, date_column, type_column = options.names
    column = id_column
    try:
        note_id = id_text(cells.get(id_column))
        column = patient_column
        patient_id = id_text(cells.get(patient_column))
    except _NoIdError as error:
        yield Fault(place, f"the {column} {error}; skipped: mend the export")
        return
    if not note_id:
        yield Fault(place, f"no {id_column}; skipped")
        return
    text = cells.get(text_column)
    wrong = text_fault(text, options.longest) if isinstance(text, str) else _no_text(text)
    if wrong or not isinstance(text, str):
        yield _note_fault(place, note_id, f"{wrong}; skipped")
        return
    raw_date = cells.get(date_column)
    note_date = iso_date(raw_date)
    if note_date is None and raw_date not in (None, ""):
        yield _note_fault(place, note_id, "the date can't be read (write 2021-03-04); kept without date")
    raw_type = cells.get(type_column)
    said = raw_type.strip() if isinstance(raw_type, str) else "" if raw_type is None else str(raw_type)
    options.meter.place = place
    yield Note(note_id, text, patient_id, note_date, options.note_type(said))


def _note_fault(place: Place | str, note_id: str, says: str) -> Fault:
    shown = _shown(note_id)
    return Fault(place, f"note {shown}: {says}" if shown else says, shown)


def _no_text(value: object) -> str:
    if value is None:
        return "no text"
    if isinstance(value, Unreadable):
        return "the text is not UTF-8; convert it, or say what it is with --encoding (often cp1252)"
    return f"the text is {type(value).__name__}, not a string"


def text_fault(text: str, longest: int = LONGEST) -> str | None:
    """Why a text can't be a note; None where it can."""
    if len(text) > longest:
        return f"{len(text):,} characters are more than a note may have ({longest:,}); split it"
    if not text.replace("\ufeff", "").strip():
        return "the text is empty"
    place = half_surrogate(text)
    return None if place is None else f"the text holds half a surrogate pair at character {place}; mend the export"


def half_surrogate(text: str) -> int | None:
    """The place of the first character that no UTF-8 can hold; None where there is none."""
    if text.isascii():
        return None
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        return error.start
    return None


def iso_date(value: object) -> str | None:
    """An ISO date, or date and time, as text; None where it is none."""
    if value is None or value == "":
        return None
    return _iso_date(value.isoformat() if hasattr(value, "isoformat") else str(value).strip())


@lru_cache(maxsize=16_384)  # the days of forty years
def _iso_date(text: str) -> str | None:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    if len(text) <= 10 or (when.hour, when.minute, when.second) == (0, 0, 0):
        return when.date().isoformat()
    return when.isoformat(timespec="seconds")


def visible(text: str) -> str:
    """One line that a terminal can show: what is not printable (line ends, escapes, marks of direction) as its code."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in text)


class _NoIdError(ValueError):
    """Why a value is no id."""


def id_text(value: object) -> str:
    """Ids are strings: 007 stays 007, blanks around are left away, whole numbers are written without a point; None is blank.

    Raises:
        ValueError: the value is no id (a list, 7.5, bytes that are no text), or no line of print can hold it.
    """
    if isinstance(value, str):
        plain = value.strip()
        if not plain.isprintable():
            _require_line(plain)
        return plain
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        return str(int(value))
    if isinstance(value, Unreadable):
        raise _NoIdError("is not UTF-8 (see --encoding)")
    raise _NoIdError(f"is {type(value).__name__}, not text")


def _require_line(plain: str) -> None:
    if half_surrogate(plain) is not None:
        raise _NoIdError("holds half a surrogate pair")
    if any(sign < " " or "\x7f" <= sign < "\xa0" for sign in plain):
        raise _NoIdError("holds control characters")


def _shown(note_id: str) -> str:
    """An id as it may stand in a message; blank where it is more likely a piece of text that slipped into the column of ids."""
    return note_id if len(note_id) <= 64 and _LIKE_AN_ID.fullmatch(note_id) else ""
