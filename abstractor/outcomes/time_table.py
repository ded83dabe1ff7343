"""Any CSV file of times and events, read for the statistics: the columns asked for, each cell checked, each fault with its row.

Nothing is guessed and nothing is dropped in silence: a row that can't be used stops the reading, with what to do about it. Cells
are never quoted in an error, for a wrong column may hold what is nobody's business.
"""

import csv
import difflib
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from abstractor.files import plain_cell
from abstractor.model.errors import InputError
from abstractor.outcomes.survival import Floats, Ints, Mask

MISSING = frozenset({"", "NA", "NaN", "nan", "."})
"""Cells that hold no value, as R, SAS and pandas write them."""
_FAULTS_NAMED = 5
_INTERNED = 10_000  # a column with more different cells is of numbers: nothing is gained by keeping each once


@dataclass(frozen=True, slots=True)
class Condition:
    """`COLUMN=VALUE` or `COLUMN!=VALUE`: which rows are read at all."""

    column: str
    value: str
    equal: bool

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """Raises InputError where there is no `=`."""
        column, sign, value = text.partition("=")
        if not sign or not column.strip("! "):
            raise InputError(f"condition {text!r}: write COLUMN=VALUE or COLUMN!=VALUE")
        return cls(column.rstrip().removesuffix("!").strip(), value.strip(), not column.rstrip().endswith("!"))


@dataclass(frozen=True, slots=True, eq=False)
class TimeTable:
    """The wanted columns of the rows that were kept."""

    path: Path
    row: Ints
    """Number of each row in the file, the first below the header being 1."""
    line: Ints
    """... and the line it ends on."""
    cells: dict[str, list[str]]

    @property
    def n(self) -> int:
        return int(self.row.size)

    def missing(self, column: str) -> Mask:
        """Where a column holds no value."""
        return np.fromiter((cell in MISSING for cell in self.cells[column]), dtype=bool, count=self.n)

    def labels(self, column: str) -> list[str]:
        """A column as names of groups."""
        return [plain_cell(cell) for cell in self.cells[column]]

    def is_numeric(self, column: str) -> bool:
        """Whether every value is a number."""
        return not self.odd(column).any()

    def all_text(self, column: str) -> bool:
        """Whether no value is a number."""
        return bool((self.odd(column) | self.missing(column)).all())

    def numbers(self, column: str, what: str) -> Floats:
        """A column as numbers; nan where there is no value.

        Raises:
            InputError: a cell is no number, with its row.
        """
        try:
            return np.fromiter(map(float, self.cells[column]), dtype=float, count=self.n)
        except ValueError:
            pass
        self.refuse(self.odd(column), f"the {what} (column {column}) is not a number", "write it with a decimal point")
        return np.fromiter(
            (float("nan") if cell in MISSING else float(cell) for cell in self.cells[column]), dtype=float, count=self.n
        )

    def odd(self, column: str) -> Mask:
        """Where a column holds something that is no number."""
        return np.fromiter((not _is_number(cell) for cell in self.cells[column]), dtype=bool, count=self.n)

    def refuse(self, wrong: Mask, what: str, remedy: str) -> None:
        """Stops at rows that are at fault, naming the first of them.

        Raises:
            InputError: if any is.
        """
        places = np.flatnonzero(wrong)
        if not places.size:
            return
        first = places[0]
        more = ""
        if places.size > 1:
            named = ", ".join(str(self.row[place]) for place in places[1:_FAULTS_NAMED])
            more = f" (also row{'s' if places.size > 2 else ''} {named}"
            more += f" and {places.size - _FAULTS_NAMED} more)" if places.size > _FAULTS_NAMED else ")"
        raise InputError(f"{self.path}, row {self.row[first]} (line {self.line[first]}): {what}; {remedy}{more}")


def _is_number(cell: str) -> bool:
    if cell in MISSING:
        return True
    try:
        float(cell)
    except ValueError:
        return False
    return True


def read_time_table(path: Path, wanted: Sequence[str], conditions: Sequence[Condition] = ()) -> TimeTable:
    """Reads some columns of a CSV file: UTF-8, a header first, separated by comma, semicolon or tab.

    Args:
        path: the file.
        wanted: names of columns; doubled names are read once.
        conditions: rows that don't meet all of them are left out.

    Raises:
        InputError: the file can't be read, a column is not there or there twice, a row has too few or too many cells, or nothing is left.
    """
    names = list(dict.fromkeys([*wanted, *(one.column for one in conditions)]))
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            if not head.strip():
                raise InputError(f"{path}: empty; the first line must name the columns")
            file.seek(0)
            rows = csv.reader(file, delimiter=_separator(head, names), strict=True)
            table = _collect(path, rows, names, conditions, line=lambda: rows.line_num)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: can't be read as UTF-8 text ({type(error).__name__}); check the path") from None
    except csv.Error as error:
        raise InputError(f"{path}: not a CSV file ({error})") from None
    if not table.n:
        raise InputError(f"{path}: no rows" + (" meet the conditions" if conditions else ""))
    return table


def _separator(head: str, names: Sequence[str]) -> str:
    def found(separator: str) -> int:
        header = next(csv.reader([head], delimiter=separator), [])
        return len(set(names) & {cell.strip() for cell in header})

    return max((",", ";", "\t"), key=found)


def _collect(
    path: Path,
    rows: Iterator[list[str]],
    names: Sequence[str],
    conditions: Sequence[Condition],
    *,
    line: Callable[[], int],
) -> TimeTable:
    header = [cell.strip() for cell in next(rows)]
    place = {name: _place(path, header, name) for name in names}
    wide = len(header)
    tests = [(place[one.column], one.value, one.equal) for one in conditions]
    numbers, lines = array("q"), array("q")
    columns: list[tuple[int, list[str], dict[str, str]]] = [(place[name], [], {}) for name in names]
    number = 0
    for cells in rows:
        if not cells:
            continue
        number += 1
        if len(cells) != wide:
            raise InputError(
                f"{path}, row {number} (line {line()}): {len(cells)} cells, the header has {wide}; "
                "a cell that holds the separator must stand in quotes"
            )
        if any((cells[at].strip() == value) is not equal for at, value, equal in tests):
            continue
        numbers.append(number)
        lines.append(line())
        for at, kept, known in columns:
            cell = cells[at].strip()
            kept.append(known.setdefault(cell, cell) if len(known) < _INTERNED else cell)
    return TimeTable(
        path,
        np.array(numbers, dtype=np.int64),
        np.array(lines, dtype=np.int64),
        {name: kept for name, (_, kept, _) in zip(names, columns, strict=True)},
    )


def _place(path: Path, header: Sequence[str], name: str) -> int:
    if name not in header:
        near = difflib.get_close_matches(name, header, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise InputError(f"{path}: no column {name}; {hint}the columns are {', '.join(header[:40])}")
    if header.count(name) > 1:
        raise InputError(f"{path}: {header.count(name)} columns are called {name}; rename all but one")
    return header.index(name)
