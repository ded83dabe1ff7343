"""REDCap: how the questions of the registry are named there, and reading data of such a project back as rows of facts.

A question asked once a patient stands on the form `patient`; every other one is a repeating instrument of its own. Each fact is a handful of
variables: its value, named like the question, and what belongs to it, with these endings (REDCap wants names of no more than 26 characters).
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from abstractor.files import plain_cell
from abstractor.model.errors import InputError
from abstractor.rulebook.schema import FieldSpec
from abstractor.sources.decoding import decode

RECORD = "record_id"
INSTRUMENT = "redcap_repeat_instrument"
INSTANCE = "redcap_repeat_instance"
PATIENT_FORM = "patient"
OTHER = "other_fact"
"""The instrument of what no other one has place for: a second answer to a question asked once, a question that is no longer asked."""
OTHER_FIELD = "other_fact_field"
LONGEST_NAME = 26

ENDINGS = {
    "value": "",
    "assertion": "_asrt",
    "date": "_date",
    "end_date": "_end",
    "attributes": "_attr",
    "source": "_src",
    "decided_by": "_by",
    "decided_at": "_at",
    "note_id": "_note",
    "start": "_from",
    "end": "_to",
}
"""Column of `facts.csv` to the ending of its variable."""
DAY, END_DAY = "_day", "_eday"
"""Instead of dates, in de-identified data: whole days from the diagnosis."""

_THEIRS = frozenset({RECORD, INSTRUMENT, INSTANCE, OTHER_FIELD, "redcap_event_name", "redcap_data_access_group"})


def variable(field: str) -> str:
    """The name of a question in REDCap: `stage.valg` is `stage_valg`."""
    return field.lower().replace(".", "_")


def form_of(spec: FieldSpec) -> str:
    """The instrument on which a question stands."""
    return PATIENT_FORM if spec.slot == "patient" else variable(spec.name)


@dataclass(frozen=True, slots=True)
class RedcapRows:
    """What was read: rows as of `facts.csv`, with the number of the row they stood in."""

    rows: tuple[tuple[int, Mapping[str, str] | None], ...]
    unknown: tuple[str, ...]
    """Columns that are none of ours; what they hold was left out."""


def read_redcap(path: Path, fields: Mapping[str, FieldSpec]) -> RedcapRows:
    """Reads a data export of REDCap (raw codes, not labels).

    Raises:
        InputError: it can't be read, has no `record_id`, or is de-identified (days instead of dates).
    """
    table = _table(path)
    header = next(table, (0, []))[1]
    names = list(header)
    if RECORD not in names:
        raise InputError(f"{path}: no column {RECORD}; export the data from REDCap as CSV with raw codes")
    bases = {variable(name): name for name in fields} | {OTHER: ""}
    parts = {base + ending: (base, column) for base in bases for column, ending in ENDINGS.items()}
    if any(name == base + DAY for name in names for base in bases):
        raise InputError(f"{path}: holds days from diagnosis instead of dates; only data with dates can be imported")
    rows: list[tuple[int, Mapping[str, str] | None]] = []
    for number, cells in table:
        if len(cells) != len(names):
            rows.append((number, None))
            continue
        row = {name: plain_cell(cell) for name, cell in zip(names, cells, strict=True)}
        rows.extend((number, fact) for fact in _facts(row, bases, parts))
    return RedcapRows(tuple(rows), tuple(_unknown(names, parts)))


def _facts(
    row: Mapping[str, str], bases: Mapping[str, str], parts: Mapping[str, tuple[str, str]]
) -> Iterable[Mapping[str, str]]:
    """The facts of one row: several of the patient, or one of an instance."""
    found: dict[str, dict[str, str]] = {}
    for name, cell in row.items():
        if cell and name in parts:
            base, column = parts[name]
            found.setdefault(base, {})[column] = cell
    for base, fact in found.items():
        field = row.get(OTHER_FIELD, "") if base == OTHER else bases[base]
        yield {"patient_id": row[RECORD], "field": field, "value": "", **fact}


def _unknown(names: Iterable[str], parts: Mapping[str, object]) -> Iterable[str]:
    for name in names:
        if name not in parts and name not in _THEIRS and not name.endswith("_complete"):
            yield name


def _table(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Number (as a spreadsheet counts) and cells of every row that is not blank."""
    try:
        text = decode(path.read_bytes(), None)
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror})") from None
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    number = 0
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), strict=True), 1):
            if row:
                yield number, row
    except csv.Error as error:
        raise InputError(f"{path}: row {number + 1}: not readable as CSV ({error})") from None
