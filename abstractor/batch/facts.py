"""Facts abstracted elsewhere into the registry (`facts.csv` of INTERFACE.md), as decisions of source `import`.

A file is taken some patients at a time, each of them in one transaction: others go on working meanwhile, and an import that is
interrupted leaves whole patients behind. The same file again takes the rest.
"""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from abstractor.files import plain_cell
from abstractor.model.case import Case
from abstractor.model.dates import PartialDate
from abstractor.model.decision import STATING, Action, Decision
from abstractor.model.errors import InputError
from abstractor.model.fact import COLUMNS
from abstractor.model.finding import Assertion
from abstractor.model.suggestion import Evidence
from abstractor.registry.decisions import case_of, import_all
from abstractor.registry.engine import Registry, utc_now
from abstractor.registry.notes import StoredNote, note_text, notes_of
from abstractor.registry.people import require_power
from abstractor.rulebook.load import value_fits
from abstractor.rulebook.schema import FieldSpec
from abstractor.rulebook.slots import numbered, slot_key
from abstractor.sources.decoding import decode

REQUIRED = COLUMNS[:3]

_AT_ONCE = 1000
"""So many rows are written in one transaction, and whatever more belongs to their last patient."""

Row = tuple[int, Mapping[str, str]]
"""Its number in the file, and its cells by column."""


@dataclass
class ImportReport:
    """What became of the rows."""

    rows: int = 0
    written: int = 0
    known: int = 0
    """Rows that an earlier import brought already."""
    faults: list[str] = field(default_factory=list)


class _RowFault(ValueError):
    """Why a row can't be taken; the caller adds its place."""


def import_facts(
    registry: Registry,
    path: Path,
    fields: Mapping[str, FieldSpec],
    user: str,
    clock: Callable[[], str] = utc_now,
) -> ImportReport:
    """Takes the sound rows of a facts file; the others are reported with row and remedy, and so is all that is new about a signed patient.

    Importing the same file again writes nothing.

    Raises:
        InputError: the file can't be read, or lacks a required column.
    """
    return import_rows(registry, path.name, _rows(path), fields, user, clock)


def import_rows(
    registry: Registry,
    name: str,
    rows: Iterable[tuple[int, Mapping[str, str] | None]],
    fields: Mapping[str, FieldSpec],
    user: str,
    clock: Callable[[], str] = utc_now,
) -> ImportReport:
    """`import_facts` of rows that another reader has read.

    Args:
        registry: an open registry.
        name: of the file, for the faults.
        rows: number and cells by the columns of `facts.csv`; None for a row of another length.
        fields: the questions of the registry.
        user: who imports.
        clock: gives the time, UTC in ISO 8601.
    """
    require_power(registry, "import")
    incoming = _Incoming(registry, fields, user, clock)
    for some in _portions(_by_patient(rows, incoming)):
        incoming.take(some)
    incoming.report.faults = [f"{name}: row {line}: {why}" for line, why in sorted(incoming.faults)]
    return incoming.report


def _by_patient(rows: Iterable[tuple[int, Mapping[str, str] | None]], incoming: "_Incoming") -> Mapping[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for line, row in rows:
        incoming.report.rows += 1
        if row is None:
            incoming.skip(line, "more or fewer cells than the header has")
        else:
            found.setdefault(row["patient_id"].strip(), []).append((line, row))
    return found


def _portions(by_patient: Mapping[str, list[Row]]) -> Iterator[dict[str, list[Row]]]:
    portion: dict[str, list[Row]] = {}
    held = 0
    for patient_id, rows in by_patient.items():
        portion[patient_id] = rows
        held += len(rows)
        if held >= _AT_ONCE:
            yield portion
            portion, held = {}, 0
    if portion:
        yield portion


class _Incoming:
    """A file on its way into the registry."""

    def __init__(
        self, registry: Registry, fields: Mapping[str, FieldSpec], user: str, clock: Callable[[], str]
    ) -> None:
        self.registry = registry
        self.fields = fields
        self.user = user
        self.clock = clock
        self.report = ImportReport()
        self.faults: list[tuple[int, str]] = []
        """Row, and why it was not taken."""

    def skip(self, line: int, why: str) -> None:
        self.faults.append((line, f"{why}; skipped"))

    def take(self, by_patient: Mapping[str, list[Row]]) -> None:
        """Writes what is new about these patients, in one transaction."""
        decisions: dict[str, Decision] = {}
        lines: dict[str, list[int]] = {}
        seen: dict[str, int] = {}
        for patient_id, rows in by_patient.items():
            reading = _Reading(self, patient_id)
            seen[patient_id] = reading.case.version
            for line, decision in reading.read(rows):
                decisions[decision.action_id] = decision
                lines.setdefault(decision.action_id, []).append(line)
        done = import_all(self.registry, list(decisions.values()), seen)
        self.report.written += done.written
        self.report.known += len(decisions) - done.written - len(done.refused)
        self.faults += [(line, why) for action_id, why in done.refused.items() for line in lines[action_id]]


class _Reading:
    """The rows about one patient, held against each other, the patient's notes and what people have decided."""

    def __init__(self, incoming: _Incoming, patient_id: str) -> None:
        self.incoming = incoming
        self.case: Case = case_of(incoming.registry, patient_id)
        self.taken: dict[str, list[str]] = {}
        """What earlier rows said, by slot."""
        self.notes = _Notes(incoming.registry, patient_id)

    def read(self, rows: Iterable[Row]) -> Iterator[tuple[int, Decision]]:
        """The decisions that sound rows make, with their rows; the others are reported."""
        for line, row in rows:
            try:
                decision = _decision(row, self.incoming, self.taken, self.notes)
                known = _reviewed(decision, self.case)
            except _RowFault as fault:
                self.incoming.skip(line, str(fault))
                continue
            if known:
                self.incoming.report.known += 1
            else:
                yield line, decision


class _Notes:
    """A patient's notes, each read once however many rows point at it."""

    def __init__(self, registry: Registry, patient_id: str) -> None:
        self.registry = registry
        self.patient_id = patient_id
        self._stored: dict[str, StoredNote] | None = None
        self._texts: dict[str, str] = {}

    def stored(self, note_id: str) -> StoredNote | None:
        if self._stored is None:
            self._stored = {note.note_id: note for note in notes_of(self.registry, self.patient_id)}
        return self._stored.get(note_id)

    def text(self, note_id: str) -> str:
        if note_id not in self._texts:
            self._texts[note_id] = note_text(self.registry, note_id)
        return self._texts[note_id]


def _reviewed(decision: Decision, case: Case) -> bool:
    """Whether a person has decided the same here already. An import never overrides what was decided in review.

    Raises:
        _RowFault: a person has decided otherwise.
    """
    standing = case.current.get(decision.slot)
    if standing is None or standing.source == "import" or standing.action is Action.DEFER:
        return False
    if standing.action in STATING and _states(standing) == _states(decision):
        return True
    raise _RowFault(
        f"{decision.field} of patient {decision.patient_id} was decided otherwise by {standing.decided_by} in review; "
        "change it there if the file is right"
    )


def _states(decision: Decision) -> tuple[str, str, str | None, str | None]:
    return (decision.value, str(decision.assertion), decision.date, decision.end_date)


def _rows(path: Path) -> list[tuple[int, dict[str, str] | None]]:
    """Number (as a spreadsheet counts) and cells of each row; None for a row that has not the header's number of cells."""
    try:
        text = decode(path.read_bytes(), None)
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror})") from None
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = 0
    try:
        names = next(reader, [])
        _require(path, names)
        number = 1
        rows = []
        for row in reader:
            number += 1
            if row:
                rows.append((number, _named(names, row)))
    except csv.Error as error:
        raise InputError(f"{path}: row {number + 1}: not readable as CSV ({error})") from None
    return rows


def _require(path: Path, names: list[str]) -> None:
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise InputError(f"{path}: no column {', '.join(missing)}; facts.csv needs {', '.join(REQUIRED)}")
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        raise InputError(f"{path}: unknown column {', '.join(unknown)}; there are {', '.join(COLUMNS)}")


def _named(names: list[str], row: list[str]) -> dict[str, str] | None:
    """A row by column, without the apostrophe that an export puts before what a spreadsheet would take as a formula."""
    if len(row) != len(names):
        return None
    return {name: plain_cell(cell) for name, cell in zip(names, row, strict=True)}


def _decision(row: Mapping[str, str], incoming: _Incoming, taken: dict[str, list[str]], notes: _Notes) -> Decision:
    patient_id, name, value = (row[column].strip() for column in REQUIRED)
    if not patient_id:
        raise _RowFault("no patient_id")
    spec = incoming.fields.get(name)
    if spec is None:
        raise _RowFault(f"unknown field {name!r}; there are {', '.join(incoming.fields)}")
    date, end_date = (_date(row.get(column, ""), column) for column in ("date", "end_date"))
    if spec.kind == "date" and not value and date:
        value = date
    if not value_fits(spec, value):
        choices = ", ".join(code.code for code in spec.codes) or spec.hint
        raise _RowFault(f"{name}: the value can't be stored; write {choices}")
    if spec.kind == "date":
        _date(value, "value")
        date = date or value
    assertion = _assertion(row.get("assertion", ""))
    attributes = _attributes(row.get("attributes", ""))
    slot = slot_key(spec, value, assertion, date)
    content = "\x1f".join((value, str(assertion), date or "", end_date or "", json.dumps(attributes, sort_keys=True)))
    said = taken.setdefault(slot, [])
    if content not in said:
        if said and spec.slot == "patient":
            raise _RowFault(f"{name} of patient {patient_id} stands in an earlier row with another value; keep one")
        said.append(content)
    # two statements on one day (the radiologist's and the oncologist's) are two facts, in the order of the file
    slot = numbered(slot, said.index(content) + 1)
    stated = (patient_id, slot, content)
    return Decision(
        action_id="import:" + hashlib.sha256("\x1f".join(stated).encode()).hexdigest()[:32],
        patient_id=patient_id,
        slot=slot,
        action=Action.IMPORT,
        decided_by=row.get("decided_by", "").strip() or incoming.user,
        decided_at=row.get("decided_at", "").strip() or incoming.clock(),
        field=name,
        value=value,
        assertion=assertion,
        date=date,
        end_date=end_date,
        attributes=attributes,
        evidence=_evidence(row, notes),
        source="import",
    )


def _date(text: str, column: str) -> str | None:
    if not text.strip():
        return None
    try:
        return str(PartialDate.parse(text))
    except ValueError:
        raise _RowFault(f"{column} is no date; write 2021, 2021-03 or 2021-03-04") from None


def _assertion(text: str) -> Assertion:
    try:
        return Assertion(text.strip() or "present")
    except ValueError:
        raise _RowFault(f"unknown assertion; there are {', '.join(Assertion)}") from None


def _attributes(text: str) -> dict[str, object]:
    """A JSON object, or `key=value; key=value`."""
    if not text.strip():
        return {}
    try:
        read = json.loads(text)
    except json.JSONDecodeError:
        parts = [part.partition("=") for part in text.split(";") if part.strip()]
        if not all(equals for _, equals, _ in parts):
            raise _RowFault('attributes is neither a JSON object nor "key=value; key=value"') from None
        return {key.strip(): value.strip() for key, _, value in parts}
    if not isinstance(read, dict):
        raise _RowFault("attributes is no JSON object")
    return read


def _evidence(row: Mapping[str, str], notes: _Notes) -> tuple[Evidence, ...]:
    """The words a row points at; a row may come without any (abstracted from a record that is not in the registry)."""
    note_id = row.get("note_id", "").strip()
    if not note_id or not row.get("start", "").strip():
        return ()
    stored = notes.stored(note_id)
    if stored is None:
        raise _RowFault(
            f"note {note_id} is not among the notes of patient {notes.patient_id}; leave note_id, start, end blank, or ingest it first"
        )
    try:
        start, end = int(row["start"]), int(row.get("end", ""))
    except ValueError:
        raise _RowFault("start and end are no whole numbers") from None
    text = notes.text(note_id)
    if not 0 <= start < end <= len(text):
        raise _RowFault(f"start {start}, end {end} lie outside note {note_id} ({len(text)} characters)")
    return (
        Evidence(
            note_id=note_id,
            start=start,
            end=end,
            text=text[start:end],
            note_sha256=stored.sha256,
            note_date=stored.note_date,
            note_type=stored.note_type,
        ),
    )
