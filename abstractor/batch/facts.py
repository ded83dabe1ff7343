"""Facts abstracted elsewhere into the registry (`facts.csv` of INTERFACE.md), as decisions of source `import`.

A file is taken some patients at a time, each of them in one transaction: others go on working meanwhile, and an import that is
interrupted leaves whole patients behind. The same file again takes the rest.
"""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from abstractor.files import plain_cell
from abstractor.model.case import Case
from abstractor.model.dates import PartialDate
from abstractor.model.decision import STATING, Action, Decision
from abstractor.model.errors import InputError
from abstractor.model.fact import COLUMNS, Fact
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

_Statement = tuple[str | None, ...]
"""All that a fact says, but who says it and where it is kept."""


@dataclass
class ImportReport:
    """What became of the rows."""

    rows: int = 0
    written: int = 0
    known: int = 0
    """Rows that say what stands in the registry already, or what an earlier import brought."""
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

    Importing the same file again writes nothing, and neither does what this registry has exported itself.

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
        self.standing: dict[_Statement, set[str]] = {}
        """What is stated of the patient, with the slots it stands in."""
        for fact in self.case.facts:
            self.standing.setdefault(_statement(fact, incoming.fields.get(fact.field)), set()).add(fact.slot)
        self.kept: set[str] = set()
        """Slots whose facts the file states as well: nothing else is put there."""
        self.taken: dict[str, str] = {}
        """What rows put into slots."""
        self.notes = _Notes(incoming.registry, patient_id)

    def read(self, rows: Iterable[Row]) -> Iterator[tuple[int, Decision]]:
        """The decisions that sound rows make, with their rows; the others are reported."""
        new = list(self._unknown(rows))  # whole, so that all slots that are kept are known before one is filled
        for line, row, spec, said in new:
            try:
                decision = _placed(said, spec, self.kept, self.taken)
                known = _reviewed(decision, spec, self.case)
                evidence = () if known else _evidence(row, self.notes)
            except _RowFault as fault:
                self.incoming.skip(line, str(fault))
                continue
            if known:
                self.incoming.report.known += 1
            else:
                yield line, replace(decision, evidence=evidence)

    def _unknown(self, rows: Iterable[Row]) -> Iterator[tuple[int, Mapping[str, str], FieldSpec, Decision]]:
        """The rows that say what doesn't stand already, wherever the registry keeps it."""
        for line, row in rows:
            try:
                spec = _question(row, self.incoming.fields)
                said = _said(row, spec, self.incoming)
            except _RowFault as fault:
                self.incoming.skip(line, str(fault))
                continue
            slots = self.standing.get(_statement(said, spec))
            if slots is None:
                yield line, row, spec, said
            else:
                self.kept |= slots
                self.incoming.report.known += 1


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


def _reviewed(decision: Decision, spec: FieldSpec, case: Case) -> bool:
    """Whether a person has decided the same here already. An import never overrides what was decided in review.

    Raises:
        _RowFault: a person has decided otherwise.
    """
    standing = case.current.get(decision.slot)
    if standing is None or standing.source == "import" or standing.action is Action.DEFER:
        return False
    if not decision.attributes:  # a row without any doesn't say that there are none
        standing = replace(standing, attributes={})
    if standing.action in STATING and _statement(standing, spec) == _statement(decision, spec):
        return True
    raise _RowFault(
        f"{decision.field} of patient {decision.patient_id} was decided otherwise by {standing.decided_by} in review; "
        "change it there if the file is right"
    )


def _statement(said: Fact | Decision, spec: FieldSpec | None) -> _Statement:
    """What is said, whoever said it and in whatever slot it stands. A question about a date says its date once, as the value."""
    days = (None, None) if spec is not None and spec.kind == "date" else (said.date, said.end_date)
    return (said.field, said.value, str(said.assertion), *days, _attributes_text(said.attributes))


def _attributes_text(attributes: Mapping[str, object]) -> str:
    return json.dumps(dict(attributes), sort_keys=True)


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


def _question(row: Mapping[str, str], fields: Mapping[str, FieldSpec]) -> FieldSpec:
    patient_id, name = (row[column].strip() for column in REQUIRED[:2])
    if not patient_id:
        raise _RowFault("no patient_id")
    spec = fields.get(name)
    if spec is None:
        raise _RowFault(f"unknown field {name!r}; there are {', '.join(fields)}")
    return spec


def _said(row: Mapping[str, str], spec: FieldSpec, incoming: _Incoming) -> Decision:
    """What a row says, without its place in the registry and the words it rests on."""
    patient_id, name, value = (row[column].strip() for column in REQUIRED)
    date, end_date = (_date(row.get(column, ""), column) for column in ("date", "end_date"))
    if spec.kind == "date" and not value and date:
        value = date
    if not value_fits(spec, value):
        choices = ", ".join(code.code for code in spec.codes) or spec.hint
        raise _RowFault(f"{name}: the value can't be stored; write {choices}")
    if spec.kind == "date":
        _date(value, "value")
        date = date or value
    return Decision(
        action_id="",
        patient_id=patient_id,
        slot="",
        action=Action.IMPORT,
        decided_by=row.get("decided_by", "").strip() or incoming.user,
        decided_at=row.get("decided_at", "").strip() or incoming.clock(),
        field=name,
        value=value,
        assertion=_assertion(row.get("assertion", "")),
        date=date,
        end_date=end_date,
        attributes=_attributes(row.get("attributes", "")),
        source="import",
    )


def _placed(said: Decision, spec: FieldSpec, kept: Collection[str], taken: dict[str, str]) -> Decision:
    """With its slot, and with an id that the same statement in the same slot gets in every import.

    Args:
        said: by a row.
        spec: the question that the row answers.
        kept: slots that stay as they are.
        taken: what other rows of the file said, by slot; this one is added.
    """
    usual = slot_key(spec, said.value, said.assertion, said.date)
    attributes = _attributes_text(said.attributes)
    content = "\x1f".join((said.value, str(said.assertion), said.date or "", said.end_date or "", attributes))
    # two statements on one day (the radiologist's and the oncologist's) are two facts, in the order of the file
    slot = next(
        slot
        for slot in (numbered(usual, number) for number in count(1))
        if slot not in kept and taken.get(slot, content) == content
    )
    if slot != usual and spec.slot == "patient":
        raise _RowFault(f"{said.field} of patient {said.patient_id} stands in another row with another value; keep one")
    taken[slot] = content
    stated = "\x1f".join((said.patient_id, slot, content))
    return replace(said, action_id="import:" + hashlib.sha256(stated.encode()).hexdigest()[:32], slot=slot)


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
