"""Whether the registry is what was written: the audit chain, the notes, and the words that decisions and findings cite.

It reads in many short transactions, so that people go on deciding meanwhile; what is written after its start is not looked at. A fault
names entries, rows and notes by id, never a word of a note.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import Connection, Integer, Select, Table, select, tuple_

from abstractor.model.note import text_hash
from abstractor.registry.chain import audited_tables, entry_hash, head, key_columns, reference, row_hash
from abstractor.registry.engine import Registry
from abstractor.registry.inserts import core_table
from abstractor.registry.notes import patients
from abstractor.registry.people import require, within
from abstractor.registry.tables import (
    AuditRow,
    Base,
    DecisionRow,
    FindingRow,
    NoteRow,
    NoteTextRow,
    QualityReadingRow,
    ReadingDecisionRow,
    SuggestionRow,
)
from abstractor.registry.tally import wrong_counts

_AT_ONCE = 1000
_COUNTED_AT_ONCE = 500

Tick = Callable[[int, int | None], None]
Stored = dict[str, Any]
"""A row by column."""
Entered = dict[str, set[str]]
"""References that have an entry, by kind."""


@dataclass
class Checked:
    """What was looked at, and what is wrong."""

    entries: int = 0
    head: str = ""
    """Hash of the last entry looked at; "" where there is none."""
    notes: int = 0
    quotes: int = 0
    """Pieces of evidence held against the note version they cite."""
    uncited: int = 0
    """Evidence that names no version or no note of this registry (imported facts): it can't be held against anything."""
    faults: list[str] = field(default_factory=list)
    """The first is the first in the order of the chain."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A head of the chain as it was once, kept where who can write the registry can't."""

    sequence: int
    hash: str
    at: str = ""


def verify_chain(registry: Registry, anchors: Iterable[Anchor] = (), tick: Tick = lambda _done, _all: None) -> Checked:
    """Holds every entry against the one before it and against its row, every row against the entries, and heads against anchors.

    Args:
        registry: an open registry.
        anchors: heads kept outside.
        tick: is told how far it is.
    """
    found = Checked()
    with registry.read() as connection:
        require(registry, connection, "verify")
        last_sequence, _ = head(connection)
    known = {anchor.sequence: anchor for anchor in anchors}
    entered: Entered = defaultdict(set)
    while found.entries < last_sequence:
        with registry.read() as connection:
            entries = _entries_after(connection, found.entries, last_sequence)
            rows = _rows_of(connection, entries)
        if not entries:
            break
        for entry in entries:
            found.faults += _entry_faults(entry, found, rows, entered)
            found.faults += _anchor_faults(entry, known)
            found.entries, found.head = entry["sequence"], entry["hash"]
        tick(found.entries, last_sequence)
    found.faults += (
        f"entry {anchor.sequence}: is missing, though it stood on {anchor.at[:10] or 'an earlier day'}: the end of the chain was cut off"
        for anchor in known.values()
        if anchor.sequence > found.entries
    )
    found.faults += _left_out(registry, entered, found.entries)
    return found


def _entries_after(connection: Connection, sequence: int, last: int) -> list[Stored]:
    table = core_table(AuditRow)
    statement = select(table).where(table.c.sequence > sequence, table.c.sequence <= last).order_by(table.c.sequence)
    return list(_dictionaries(connection, statement.limit(_AT_ONCE)))


def _dictionaries(connection: Connection, statement: Select[*tuple[Any, ...]]) -> Iterator[Stored]:
    """Rows by column: as `mappings` gives them, without what that costs for each of a million."""
    result = connection.execute(statement)
    names = tuple(result.keys())
    return (dict(zip(names, row, strict=True)) for row in result.all())


def _rows_of(connection: Connection, entries: list[Stored]) -> dict[str, dict[str, str]]:
    """The hashes of the rows that entries name, as the rows stand now, by kind and reference."""
    wanted: dict[str, list[list[Any]]] = {}
    for entry in entries:
        key = _key(entry)
        if key is not None:
            wanted.setdefault(entry["kind"], []).append(key)
    found: dict[str, dict[str, str]] = {}
    for kind, keys in wanted.items():
        names = key_columns(kind)
        found[kind] = {
            reference([row[name] for name in names]): row_hash(row)
            for row in _dictionaries(connection, _named(Base.metadata.tables[kind], keys))
        }
    return found


def _named(table: Table, keys: list[list[Any]]) -> Select[*tuple[Any, ...]]:
    """The rows of these keys, and where that is quicker a few more."""
    columns = list(table.primary_key)
    if len(columns) > 1:
        return select(table).where(tuple_(*columns).in_([tuple(key) for key in keys]))
    numbers = [key for (key,) in keys]
    if isinstance(columns[0].type, Integer) and max(numbers) - min(numbers) < 2 * len(numbers):
        return select(table).where(columns[0].between(min(numbers), max(numbers)))
    return select(table).where(columns[0].in_(numbers))


def _key(entry: Stored) -> list[Any] | None:
    """The key of the row that an entry names; None where it names none: then the entry itself is at fault, and told so."""
    columns = _key_types(entry["kind"])
    try:
        key = json.loads(entry["ref"])
    except ValueError:
        return None
    fits = isinstance(key, list) and [type(one) for one in key] == columns
    return key if columns and fits else None


@cache
def _key_types(kind: str) -> list[type]:
    if kind not in audited_tables():
        return []
    keys = Base.metadata.tables[kind].primary_key.columns
    return [int if isinstance(column.type, Integer) else str for column in keys]


def _entry_faults(entry: Stored, before: Checked, rows: dict[str, dict[str, str]], entered: Entered) -> list[str]:
    kind, ref = entry["kind"], entry["ref"]
    missing = entry["sequence"] != before.entries + 1
    wrong = []
    if not missing and entry["previous"] != before.head:
        wrong.append("does not follow the entry before it: one of the two was changed or exchanged")
    if entry_hash(entry) != entry["hash"]:
        wrong.append("the entry was changed after it was written")
    if ref in entered[kind]:
        wrong.append("its row has an entry already: the row was written over")
    entered[kind].add(ref)
    standing = rows.get(kind, {}).get(ref)
    if standing is None:
        wrong.append("its row was deleted")
    elif standing != entry["row_sha256"]:
        wrong.append("its row was changed after it was written")
    told = [f"entry {before.entries + 1}: is missing from the chain"] if missing else []
    return told + [f"{_entry_name(entry)}: {one}" for one in wrong]


def _entry_name(entry: Stored) -> str:
    who, at = entry["who"] or "nobody", entry["entered_at"][:19]
    return f"entry {entry['sequence']} ({entry['kind']} {entry['ref']}, {who}, {at})"


def _anchor_faults(entry: Stored, anchors: dict[int, Anchor]) -> Iterator[str]:
    anchor = anchors.get(entry["sequence"])
    if anchor is not None and anchor.hash != entry["hash"]:
        yield (
            f"entry {anchor.sequence}: is not the one that the anchor of {anchor.at[:10] or 'an earlier day'} knows: the chain was written "
            "anew, or this is another registry"
        )


def _left_out(registry: Registry, entered: Entered, after: int) -> Iterator[str]:
    """Rows without an entry; those that came while the chain was read have entries behind its end."""
    for kind in audited_tables():
        keys = Base.metadata.tables[kind].primary_key.columns
        later = select(AuditRow.ref).where(AuditRow.sequence > after, AuditRow.kind == kind)
        with registry.read() as connection:
            standing = [reference(row) for row in connection.execute(select(*keys)).all()]
            known = entered[kind].union(connection.scalars(later))
        for ref in standing:
            if ref not in known:
                yield f"{kind} {ref}: has no entry in the chain: the row was not written by this program"


def verify_notes(registry: Registry, tick: Tick = lambda _done, _all: None) -> Checked:
    """Holds every stored text against its hash, and all evidence against the note version it cites; kept counts are counted again."""
    found = Checked()
    with within(registry, "verify"):
        everybody = patients(registry)
    for number, patient_id in enumerate(everybody, 1):
        with registry.read() as connection:
            _check_patient(connection, patient_id, found)
        tick(number, len(everybody))
    for at in range(0, len(everybody), _COUNTED_AT_ONCE):
        with registry.read() as connection:
            wrong = wrong_counts(connection, everybody[at : at + _COUNTED_AT_ONCE])
        found.faults += (
            f"patient {one}: the worklist's counts are not those of its notes and decisions" for one in wrong
        )
    return found


def _check_patient(connection: Connection, patient_id: str, found: Checked) -> None:
    versions: dict[tuple[str, str], str] = {}
    texts: dict[int, tuple[str, str]] = {}
    statement = (
        select(NoteRow.note_key, NoteRow.note_id, NoteRow.version, NoteRow.sha256, NoteRow.length, NoteTextRow.text)
        .outerjoin(NoteTextRow, NoteTextRow.note_key == NoteRow.note_key)
        .where(NoteRow.patient_id == patient_id)
    )
    for row in connection.execute(statement):
        found.notes += 1
        if row.text is None or text_hash(row.text) != row.sha256 or len(row.text) != row.length:
            found.faults.append(f"note {row.note_id}, version {row.version}: its text is not the one that was stored")
        versions[row.note_id, row.sha256] = row.text or ""
        texts[row.note_key] = (row.note_id, row.text or "")
    for name, evidence in _cited(connection, patient_id):
        _check_evidence(name, evidence, versions, found)
    _check_findings(connection, patient_id, texts, found)


def _cited(connection: Connection, patient_id: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """All evidence of a patient, with what cites it."""
    made = select(DecisionRow.action_id, DecisionRow.evidence).where(DecisionRow.patient_id == patient_id)
    for action_id, evidence in connection.execute(made):
        yield f"decision {action_id}", evidence
    offered = select(SuggestionRow.slot, SuggestionRow.evidence).where(SuggestionRow.patient_id == patient_id)
    for slot, evidence in connection.execute(offered):
        yield f"suggestion {slot}", evidence
    second = (
        select(ReadingDecisionRow.action_id, ReadingDecisionRow.content)
        .join(QualityReadingRow, QualityReadingRow.reading == ReadingDecisionRow.reading)
        .where(QualityReadingRow.patient_id == patient_id)
    )
    for action_id, content in connection.execute(second):
        yield f"second reader's decision {action_id}", content["evidence"]  # type: ignore[misc]


def _check_evidence(
    name: str, evidence: Iterable[dict[str, Any]], versions: dict[tuple[str, str], str], found: Checked
) -> None:
    for one in evidence:
        if not one["note_sha256"]:
            found.uncited += 1
            continue
        found.quotes += 1
        text = versions.get((one["note_id"], one["note_sha256"]))
        if text is None:
            found.faults.append(f"{name}: cites a version of note {one['note_id']} that is not in this registry")
        elif text[one["start"] : one["end"]] != one["text"]:
            found.faults.append(
                f"{name}: its words do not stand at {one['start']}-{one['end']} of the version of note {one['note_id']} that it cites"
            )


def _check_findings(connection: Connection, patient_id: str, texts: dict[int, tuple[str, str]], found: Checked) -> None:
    statement = (
        select(FindingRow.note_key, FindingRow.field, FindingRow.start, FindingRow.end, FindingRow.text)
        .join(NoteRow, NoteRow.note_key == FindingRow.note_key)
        .where(NoteRow.patient_id == patient_id)
    )
    for key, about, start, end, words in connection.execute(statement):
        found.quotes += 1
        note_id, text = texts[key]
        if text[start:end] != words:
            found.faults.append(f"finding {about} of note {note_id}: its words do not stand at {start}-{end}")
