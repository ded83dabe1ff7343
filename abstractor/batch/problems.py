"""The edit checks over the whole registry, patient by patient: nothing is kept of one when the next is read."""

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import IO

from abstractor.checks.problem import Problem, Severity
from abstractor.checks.run import word_for
from abstractor.files import safe_cell
from abstractor.model.suggestion import Evidence
from abstractor.registry.decisions import case_of
from abstractor.registry.engine import Registry
from abstractor.registry.notes import StoredNote, note_text, notes_of, patients
from abstractor.registry.suggestions import suggestions_of
from abstractor.review.checking import Checker
from abstractor.review.rows import build_rows
from abstractor.rulebook.book import RuleBook

COLUMNS = ("patient_id", "check", "severity", "message", "rows", "word", "closed", "key")
"""Of a problem as a row of CSV, and the keys of its JSON object."""


@dataclass(frozen=True, slots=True)
class Found:
    """A problem of a patient."""

    patient_id: str
    problem: Problem
    word: str
    """With which somebody let it pass; "" where nobody has."""
    closed: bool

    def row(self) -> dict[str, str]:
        """By column, as text."""
        one = self.problem
        cells = (self.patient_id, one.check, one.severity.value, one.message, " ".join(one.slots), self.word)
        return dict(zip(COLUMNS, (*cells, "1" if self.closed else "0", one.key), strict=True))


def check_registry(
    registry: Registry, book: RuleBook, *, today: date, cutoff: date | None = None, passed: bool = False
) -> Iterator[Found]:
    """The problems of every patient, by id.

    Args:
        registry: an open registry.
        book: the rules; the checks are those beside them.
        today: nothing can have happened after it.
        cutoff: the data cutoff; None leaves out what needs one.
        passed: whether what was let pass with a word is told too.

    Raises:
        RulebookError: `edits.toml` is wrong.
    """
    checker = Checker(book)
    for patient_id in patients(registry):
        yield from _check_patient(registry, book, checker, patient_id, today, cutoff, passed=passed)


def _check_patient(
    registry: Registry,
    book: RuleBook,
    checker: Checker,
    patient_id: str,
    today: date,
    cutoff: date | None,
    *,
    passed: bool,
) -> Iterator[Found]:
    case = case_of(registry, patient_id)
    notes = {note.note_id: note for note in notes_of(registry, patient_id)}
    rows = build_rows(suggestions_of(registry, patient_id), case, book.fields, {})
    texts: dict[str, str] = {}

    def stands(words: Evidence) -> bool:
        return _stands(registry, notes, texts, words)

    for problem in checker.problems(case, rows, notes.values(), today, stands=stands, cutoff=cutoff):
        word = word_for(problem, case)
        if passed or not word:
            yield Found(patient_id, problem, word, case.closed)


def _stands(registry: Registry, notes: dict[str, StoredNote], texts: dict[str, str], words: Evidence) -> bool:
    """By the hash of the note; only where that differs is the text read."""
    note = notes.get(words.note_id)
    if note is None:
        return False
    if words.note_sha256 and words.note_sha256 == note.sha256:
        return True
    text = texts.setdefault(words.note_id, "") or note_text(registry, words.note_id)
    texts[words.note_id] = text
    return text[words.start : words.end] == words.text


@dataclass
class Tally:
    """How many were told, by check."""

    patients: set[str]
    by_check: Counter[tuple[str, str]]

    @property
    def fatal(self) -> int:
        return sum(count for (_, severity), count in self.by_check.items() if severity == Severity.FATAL)

    def lines(self) -> list[str]:
        """The counts in words."""
        total = sum(self.by_check.values())
        if not total:
            return ["no open problems"]
        told = [f"{check} {severity} {count}" for (check, severity), count in sorted(self.by_check.items())]
        return [f"{total} open problems in {len(self.patients)} patients, {self.fatal} fatal", ", ".join(told)]


def write_problems(found: Iterable[Found], out: IO[str], form: str) -> Tally:
    """Writes problems as they come: `table`, `csv` (with a heading), or `json` (an object a line); counts what was written."""
    tally = Tally(set(), Counter())
    write = csv.DictWriter(out, COLUMNS, lineterminator="\n") if form == "csv" else None
    if write is not None:
        write.writeheader()
    for one in found:
        if not one.word:
            tally.by_check[one.problem.check, one.problem.severity.value] += 1
            tally.patients.add(one.patient_id)
        row = one.row()
        if write is not None:
            write.writerow({name: safe_cell(cell) for name, cell in row.items()})
        elif form == "json":
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
        else:
            word = f"   [{row['word']}]" if row["word"] else ""
            out.write(
                _plain(f"{row['patient_id']:<12} {row['check']} {row['severity']}  {row['message']}{word}") + "\n"
            )
    return tally


def _plain(text: str) -> str:
    """What a terminal only prints: values were typed or read in somewhere."""
    return "".join(char if char.isprintable() else "?" for char in text)
