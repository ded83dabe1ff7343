"""CSV as a stream: rows to the letter, and after a row whose quotation marks are astray the sound rows that follow it."""

import csv
import io
import re
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from abstractor.model.errors import InputError
from abstractor.model.note import Note
from abstractor.sources.columns import require
from abstractor.sources.decoding import encoding_of, is_wide, undecodable
from abstractor.sources.reading import Fault, Place, ReadOptions, Row, half_surrogate, notes_of
from abstractor.sources.streams import broken_off, opened_bytes

_ROOM = 100_000
"""Characters that a row may have beside its text."""
_PATIENCE = 10
"""A search for the next sound row reads this many times the longest note again, and then gives the file up."""
_HEAD = 4096
_STEP = 1 << 16

Require = Callable[[Path, Sequence[str], ReadOptions], None]


def read_csv(path: Path, options: ReadOptions) -> Iterator[Note | Fault]:
    """A header line, then a row a note; separated by comma, semicolon, tab or bar, whichever the header holds most."""
    return notes_of(csv_rows(path, options), options)


def csv_rows(
    path: Path, options: ReadOptions, required: Require = require, key: str | None = None
) -> Iterator[Row | Fault]:
    """The rows of a CSV, by their header.

    Args:
        path: the file, plain or compressed.
        options: as everywhere.
        required: what the header must hold.
        key: the column by whose shape a sound row is known again after a broken one; None for the id of the note.

    Raises:
        InputError: the file is empty, in no known encoding, or not what `required` asks for.
    """
    csv.field_size_limit(sys.maxsize)  # the module's own limit is shorter than many a note; `_Lines` holds ours
    with opened_bytes(path, options.meter) as stream:
        try:
            encoding = encoding_of(stream.peek(_HEAD), options.encoding)
            # bytes that are no text become half surrogates, so that they spoil their own row only
            astray = "surrogatepass" if is_wide(encoding) else "surrogateescape"
            text = io.TextIOWrapper(stream, encoding, errors=astray, newline="")
            lines = _Lines(text.readline, options.longest + _ROOM)
            names, reader = _header(lines)
        except (InputError, UnicodeError, csv.Error, _TooLongError) as error:
            says = str(error) if isinstance(error, InputError) else "the header line can't be read as CSV"
            raise InputError(f"{path}: {says}") from None
        required(path, names, options)
        needed = [names.index(name) for name in options.names if name in names]
        table = _Table(path.name, names, encoding, needed, names.index(key or options.column("note_id")))
        yield from _rows(reader, lines, table, options.longest)


class _TooLongError(Exception):
    """A row goes on beyond what a note may have: most often a quotation mark that nobody closed."""


class _Lines:
    """The lines of a file for `csv.reader`, with those of the row under way kept, so that they can be read again as rows."""

    def __init__(self, readline: Callable[[int], str], longest: int) -> None:
        self._readline = readline
        self._longest = longest
        self._again: list[str] = []
        self._row: list[str] = []
        self._size = 0
        self._read = 0
        self.reread = 0
        """Characters handed back since the last sound row."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._again:
            line = self._again.pop()
        else:
            line = self._readline(self._longest)
            if not line:
                raise StopIteration
            self._read += 1
        self._row.append(line)
        self._size += len(line)
        if self._size >= self._longest:
            self._drop_unended(line)
            raise _TooLongError
        return line

    def _drop_unended(self, line: str) -> None:
        """Reads over what is left of a line that was too long to be read at once; nothing of it is kept."""
        if len(line) < self._longest:
            return
        self._row[-1] = ""
        while line and not line.endswith(("\n", "\r")):
            line = self._readline(_STEP)

    @property
    def first(self) -> int:
        """The number of the first line of the row under way, from 1."""
        return self._read - len(self._again) - len(self._row) + 1

    def begin_row(self) -> None:
        self._row.clear()
        self._size = 0

    def put_back(self, line: str) -> None:
        """This line comes next, as the first of a row."""
        self.begin_row()
        self._again.append(line)

    def give_back(self) -> None:
        """The lines of the row will be read again as rows, all but the first."""
        lines = self._row[1:]
        self.reread += sum(map(len, lines))
        self._again.extend(reversed(lines))
        self.begin_row()


def _header(lines: _Lines) -> tuple[list[str], Iterator[list[str]]]:
    """The names of the columns, and the reader of the rows.

    Raises:
        InputError: there is nothing but blanks.
    """
    first = next((line for line in lines if line.strip("\ufeff \r\n")), None)
    if first is None:
        raise InputError("the file is empty")
    first = first.removeprefix("\ufeff")
    lines.put_back(first)
    reader = csv.reader(lines, delimiter=max(",;\t|", key=first.count), strict=True)
    return next(reader), reader


@dataclass
class _Table:
    """What is known of a file while its rows are read."""

    file: str
    names: list[str]
    encoding: str
    needed: list[int]
    """Places of the cells that a note is made of."""
    key: int
    """The place of the id."""
    keys: deque[str] = field(default_factory=lambda: deque(maxlen=64))
    """The ids of the last sound rows."""

    def row(self, number: int, row: list[str]) -> Row | Fault:
        place = Place(self.file, number)
        if len(row) != len(self.names):
            return Fault(place, f"{len(row)} cells where the header has {len(self.names)}; skipped")
        if not all(map(str.isascii, row)):
            for cell in self.needed:
                if fault := self._undecoded(row[cell]):
                    return Fault(place, f"{self.names[cell]}: {fault}; skipped")
        self.keys.append(row[self.key])
        return place, dict(zip(self.names, row, strict=True))

    def _undecoded(self, cell: str) -> str | None:
        place = half_surrogate(cell)
        if place is None or is_wide(self.encoding):
            return None
        return undecodable(self.encoding, ord(cell[place]) & 0xFF, f"after {place} characters")

    def resembles(self, row: list[str]) -> bool:
        """Whether what follows a broken row is a row again, and not a line of the broken row's text that happens to have as many commas."""
        if len(row) != len(self.names):
            return False
        key = row[self.key]
        if not self.keys:
            return bool(re.fullmatch(r"\S*\d\S*", key))
        lengths = [len(known) for known in self.keys]
        return min(lengths) <= len(key) <= max(lengths) + 1 and _shape(key) in map(_shape, self.keys)


def _shape(key: str) -> tuple[str, bool]:
    """How an id is built: its words as one letter, and whether it holds a digit."""
    return re.sub(r"\w+", "w", key), bool(re.search(r"\d", key))


@dataclass(frozen=True)
class _Broken:
    """A row that can't be read, and the search for the next one that can."""

    place: Place
    line: int
    why: str

    def fault(self, last: int) -> Fault:
        lines = f"line {self.line} is" if last <= self.line else f"lines {self.line} to {last} are"
        remedy = "quotation marks inside a cell must be doubled, and those around it closed"
        return Fault(self.place, f"not readable as CSV ({self.why}); {lines} skipped; {remedy}")


def _rows(reader: Iterator[list[str]], lines: _Lines, table: _Table, longest: int) -> Iterator[Row | Fault]:
    number = 1  # as a spreadsheet counts: a note of forty lines is one row
    broken: _Broken | None = None
    try:
        while lines.reread <= _PATIENCE * longest:
            lines.begin_row()
            try:
                row = next(reader)
            except StopIteration:
                break
            except (csv.Error, _TooLongError) as error:
                if broken is None:
                    number += 1
                    why = str(error) or f"longer than {longest:,} characters"
                    broken = _Broken(Place(table.file, number), lines.first, why)
                lines.give_back()
                continue
            if broken and not table.resembles(row):
                lines.give_back()
                continue
            if broken:
                yield broken.fault(lines.first - 1)
                broken = None
            lines.reread = 0
            if row:
                number += 1
                yield table.row(number, row)
        else:
            yield Fault(Place(table.file, number), "no sound row is found after it; the rest of this file is skipped")
    except (InputError, UnicodeError, OSError) as error:
        yield Fault(Place(table.file, number + 1), f"{broken_off(error)}; the rest of this file is skipped")
    if broken:
        lines.begin_row()
        yield broken.fault(lines.first - 1)
