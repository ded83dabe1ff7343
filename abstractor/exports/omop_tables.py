"""Tables of the OMOP common data model 5.4 as CSV: the columns in their order, what is required, and how long a text may be."""

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass

from abstractor.exports.codes import Entry
from abstractor.exports.folder import CsvLines, Folder

_COLUMN = re.compile(r'("?\w+"?) (! )?(integer|float|date|datetime|text|varchar)(\d+)?')


class Concept(Entry):
    """What a field is measured as."""

    concept: int
    source: str = ""
    number: bool = False


class Condition(Entry):
    concept: int
    source: str


class Episodes(Entry):
    disease: int
    regimen: int
    progression: int
    surgery: int
    radiotherapy: int


class EventFields(Entry):
    condition: int
    drug: int
    measurement: int


class OmopCodes(Entry):
    """`rules/exchange/omop.toml`."""

    type_concept: int
    note_type_concept: int
    encoding_concept: int
    language_concept: int
    present_concept: int
    absent_concept: int
    episode_type_concept: int
    snippet: int
    around: int
    gender: dict[str, int]
    condition: Condition
    episode: Episodes
    event_field: EventFields
    measurement: dict[str, Concept]
    tables: dict[str, str]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    name: str
    """As it stands in the header: `offset` is a reserved word and stands in quotes."""
    required: bool
    kind: str
    length: int | None

    @property
    def key(self) -> str:
        """The name without quotes."""
        return self.name.strip('"')

    def cell(self, value: object) -> str:
        """A value as it is written; a text longer than the column is cut.

        Raises:
            ValueError: it is required and missing, or of another kind.
        """
        if value is None or value == "":
            if self.required:
                raise ValueError(f"{self.key} is required")
            return ""
        if self.kind == "integer":
            return str(int(str(value)))
        if self.kind == "float":
            return f"{float(str(value)):.15g}"
        if self.kind == "date":
            return datetime.date.fromisoformat(str(value)).isoformat()
        return str(value)[: self.length] if self.length else str(value)


def columns_of(described: str) -> tuple[Column, ...]:
    """The columns of a table, from its description in the code map; raises ValueError where a line can't be read."""
    found = []
    for line in described.strip().splitlines():
        match = _COLUMN.fullmatch(line.strip())
        if match is None:
            raise ValueError(f"exchange/omop.toml: not a column: {line}")
        name, required, kind, length = match.groups()
        found.append(Column(name, required is not None, kind, int(length) if length else None))
    return tuple(found)


class OmopTable:
    """One table on its way to a file. Texts are verbatim: an apostrophe before a formula would move every offset."""

    def __init__(self, folder: Folder, name: str, described: str) -> None:
        self._folder, self._file = folder, f"{name}.csv"
        self._columns = columns_of(described)
        out = folder.open(self._file)
        out.write(",".join(column.name for column in self._columns) + "\n")
        self._csv = CsvLines(out)
        self._last = 0

    def write(self, row: Mapping[str, object]) -> None:
        """Adds a row; raises ValueError where it is not as the table wants it."""
        unknown = row.keys() - {column.key for column in self._columns}
        if unknown:
            raise ValueError(f"{self._file} has no column {', '.join(sorted(unknown))}")
        self._csv.write([column.cell(row.get(column.key)) for column in self._columns])
        self._folder.count(self._file)

    def add(self, row: Mapping[str, object]) -> int:
        """Adds a row with the next id in its first column, and gives the id."""
        self._last += 1
        self.write({self._columns[0].key: self._last, **row})
        return self._last
