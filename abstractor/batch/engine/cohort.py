"""The patients of a whole hospital's dump that may belong in the registry, and why: what the notes say, put together by patient.

The table can be built in pieces, in any order, and the pieces merged in any order: it comes out the same. Its memory grows with the patients who have
evidence; of the others, who are nearly all, it keeps twelve bytes each.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np

from abstractor.files import safe_cell, whole_file
from abstractor.model.note import Note

if TYPE_CHECKING:
    from abstractor.api import Abstractor

Row = dict[str, object]

COLUMNS = (
    "patient_id",
    "reason",
    "field",
    "value",
    "assertion",
    "small_cell",
    "notes",
    "notes_with_evidence",
    "first_date",
    "last_date",
    "note_id",
    "note_date",
    "note_type",
    "start",
    "end",
    "text",
    "rule",
    "confidence",
    "rulebook",
)
"""Of the table, in order (docs/cohort.md)."""
_NUMBERS = {"notes": "int64", "notes_with_evidence": "int64", "start": "int64", "end": "int64", "confidence": "float64"}
_SMALL_CELL = ("absent", "historical", "uncertain", "present")
"""What is said of small cell, the weakest first."""
_SAID = {"hypothetical": "uncertain"}
_BELIEVED = 0.5
"""Evidence that is to be believed less goes behind all other of its strength, whatever kind of note it stands in."""
_RECENT = 200_000
"""So many patients, or a tenth of all, are counted one by one before they are laid into the arrays."""


def evidence_rows(abstractor: "Abstractor", note: Note) -> list[Row]:
    """What a worker makes of one note (`abstractor.pipeline.cohort_evidence.Row`); nothing for nearly all notes."""
    return abstractor.cohort_evidence(note)


class PatientCounts:
    """How many notes each patient has, in twelve bytes a patient.

    Patients are told apart by a hash of their id: with ten million of them, the odds that any two are taken for one are 1 in 180,000.
    """

    def __init__(self) -> None:
        self._keys = np.empty(0, np.uint64)
        self._notes = np.empty(0, np.uint32)
        self._recent: dict[int, int] = {}

    def add(self, patient_id: str, notes: int = 1) -> None:
        key = patient_key(patient_id)
        self._recent[key] = self._recent.get(key, 0) + notes
        if len(self._recent) >= max(_RECENT, len(self._keys) // 10):
            self._settle()

    def of(self, patient_id: str) -> int:
        """Notes of this patient."""
        self._settle()
        key = np.uint64(patient_key(patient_id))
        place = int(np.searchsorted(self._keys, key))
        return int(self._notes[place]) if place < len(self._keys) and self._keys[place] == key else 0

    def merge(self, other: "PatientCounts") -> None:
        other._settle()
        self._lay_in(other._keys, other._notes)

    def __len__(self) -> int:
        """How many patients."""
        self._settle()
        return len(self._keys)

    @property
    def notes(self) -> int:
        """Notes of all patients."""
        self._settle()
        return int(self._notes.sum(dtype=np.uint64))

    @classmethod
    def of_arrays(cls, keys: Any, notes: Any) -> "PatientCounts":
        """From `patient_key`s and the notes of each."""
        counts = cls()
        counts._lay_in(np.asarray(keys, np.uint64), np.asarray(notes, np.uint32))
        return counts

    def _settle(self) -> None:
        if self._recent:
            recent, self._recent = self._recent, {}
            size = len(recent)
            self._lay_in(np.fromiter(recent, np.uint64, size), np.fromiter(recent.values(), np.uint32, size))

    def _lay_in(self, keys: Any, notes: Any) -> None:
        together = np.concatenate([self._keys, keys])
        self._keys, places = np.unique(together, return_inverse=True)
        sums = np.zeros(len(self._keys), np.uint32)
        np.add.at(sums, places, np.concatenate([self._notes, notes]))
        self._notes = sums


def patient_key(patient_id: str) -> int:
    """A hash of 63 bits: databases know no larger whole numbers."""
    digest = blake2b(patient_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


@dataclass(slots=True)
class _Patient:
    """What is known of a patient with evidence."""

    best: Row | None = None
    notes: int = 0
    """With evidence that gives a reason."""
    first: str | None = None
    last: str | None = None
    small_cell: int = -1
    """Place in `_SMALL_CELL`; -1: nothing is said."""

    def take(self, rows: Sequence[Row]) -> None:
        """The evidence of one note."""
        for row in rows:
            if row["field"] == "histology":
                said = str(row["assertion"])
                self.small_cell = max(self.small_cell, _SMALL_CELL.index(_SAID.get(said, said)))
        reasons = [row for row in rows if row["reason"]]
        if not reasons:
            return
        self.notes += 1
        best = min(reasons, key=_rank)
        self._prefer(best)
        self._reach(cast("str | None", best["note_date"]))

    def merge(self, other: "_Patient") -> None:
        """The evidence of other notes."""
        self.small_cell = max(self.small_cell, other.small_cell)
        self.notes += other.notes
        if other.best is not None:
            self._prefer(other.best)
        self._reach(other.first)
        self._reach(other.last)

    def _prefer(self, row: Row) -> None:
        if self.best is None or _rank(row) < _rank(self.best):
            self.best = row

    def _reach(self, date: str | None) -> None:
        if date is not None:
            self.first = min(self.first or date, date)
            self.last = max(self.last or date, date)


def _rank(row: Row) -> tuple[Any, ...]:
    """The best evidence first; of two pieces one always goes ahead, whichever came first."""
    return (
        row["strength"],
        cast("float", row["confidence"]) < _BELIEVED,
        row["source"],
        -cast("float", row["confidence"]),
        row["note_date"] or "9999",
        row["note_id"],
        row["start"],
        row["end"],
        row["value"],
        row["rule"],
    )


class CohortTable:
    """Patients with evidence, and how many there are without."""

    def __init__(self) -> None:
        self._patients: dict[str, _Patient] = {}
        self._seen = PatientCounts()

    def add(self, patient_id: str, rows: Sequence[Row]) -> None:
        """One note, with its evidence or without; each note once."""
        self.see(patient_id)
        self.take(rows)

    def see(self, patient_id: str, notes: int = 1) -> None:
        """Counts notes alone."""
        self._seen.add(patient_id, notes)

    def take(self, rows: Sequence[Row]) -> None:
        """The evidence of one note that is counted elsewhere."""
        if rows:
            self._patients.setdefault(str(rows[0]["patient_id"]), _Patient()).take(rows)

    @classmethod
    def of_counts(cls, notes: Iterable[tuple[int, int]], evidence: Iterable[Sequence[Row]]) -> "CohortTable":
        """From the number of notes by `patient_key`, and the evidence note by note."""
        table = cls()
        counted = np.fromiter(notes, [("key", np.uint64), ("notes", np.uint32)])
        table._seen = PatientCounts.of_arrays(counted["key"], counted["notes"])
        for rows in evidence:
            table.take(rows)
        return table

    def merge(self, other: "CohortTable") -> None:
        """Takes in what another table made of other notes; that one stays as it is."""
        self._seen.merge(other._seen)
        for patient_id, patient in other._patients.items():
            self._patients.setdefault(patient_id, _Patient()).merge(patient)

    @property
    def found(self) -> int:
        """Patients with a reason."""
        return sum(patient.best is not None for patient in self._patients.values())

    @property
    def others(self) -> int:
        """Patients without."""
        return len(self._seen) - self.found

    @property
    def notes(self) -> int:
        """Notes seen."""
        return self._seen.notes

    @property
    def notes_with_evidence(self) -> int:
        return sum(patient.notes for patient in self._patients.values())

    def reasons(self) -> dict[str, int]:
        """Reason to the number of its patients."""
        best = (patient.best for patient in self._patients.values())
        return dict(sorted(Counter(str(row["reason"]) for row in best if row).items()))

    def rows(self) -> Iterator[Row]:
        """A row a patient with a reason, by the strength of it and then by id; the keys are `COLUMNS`."""
        listed = [(patient.best["strength"], name) for name, patient in self._patients.items() if patient.best]
        for _, patient_id in sorted(cast("list[tuple[int, str]]", listed)):
            patient = self._patients[patient_id]
            facts: Row = {
                **(patient.best or {}),
                "small_cell": _SMALL_CELL[patient.small_cell] if patient.small_cell >= 0 else None,
                "notes": self._seen.of(patient_id),
                "notes_with_evidence": patient.notes,
                "first_date": patient.first,
                "last_date": patient.last,
            }
            yield {name: facts[name] for name in COLUMNS}


def write_cohort(table: CohortTable, out: Path) -> int:
    """Writes a row a patient; the ending of `out` says how, a folder gets `cohort.jsonl`. The file is for its owner only: it quotes notes.

    Returns:
        How many patients.

    Raises:
        InputError: the place can't be written.
    """
    path = out if out.suffix in WRITERS else out / "cohort.jsonl"
    with whole_file(path, "wb") as file:
        WRITERS[path.suffix](table.rows(), cast("IO[bytes]", file))
    return table.found


def _write_jsonl(rows: Iterable[Row], file: IO[bytes]) -> None:
    for row in rows:
        file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")


def _write_csv(rows: Iterable[Row], file: IO[bytes]) -> None:
    for cells in chain([COLUMNS], ([safe_cell(row[name]) for name in COLUMNS] for row in rows)):
        line = io.StringIO(newline="")
        csv.writer(line).writerow(cells)
        file.write(line.getvalue().encode())


def _write_parquet(rows: Iterable[Row], file: IO[bytes]) -> None:
    import pyarrow as arrow
    from pyarrow import parquet

    schema = arrow.schema([(name, arrow.type_for_alias(_NUMBERS.get(name, "string"))) for name in COLUMNS])
    parquet.write_table(arrow.Table.from_pylist(list(rows), schema=schema), file)


WRITERS: dict[str, Callable[[Iterable[Row], IO[bytes]], None]] = {
    ".jsonl": _write_jsonl,
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}
"""Ending of the table's name to what writes it."""
