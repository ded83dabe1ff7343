"""An invented registry of any size, put in by bulk: through the program half a million notes would take hours."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from sqlalchemy import text

from abstractor.registry.engine import create_registry, open_registry
from abstractor.registry.worklist import count_all

LOADED_AT = "2026-01-15T08:00:00.000+00:00"
_PADDING = "Nothing in this note was ever said of anybody. " * 6
_ASKED = (
    ("histology", "histology", ("small_cell",)),
    ("stage.valg", "stage.valg", ("limited", "extensive")),
    ("smoking_status", "smoking_status", ("former",)),
    ("sex", "sex", ("female",)),
    ("vital_status", "vital_status", ("alive",)),
    ("metastasis", "metastasis:liver", ("liver",)),
    ("metastasis", "metastasis:brain", ("brain",)),
    ("ecog", "ecog@2024-01-05", ("1",)),
    ("ecog", "ecog@2024-03-05", ("2",)),
    ("ecog", "ecog@2024-06-05", ("1", "2")),
    ("response", "response@2024-03-20", ("PR",)),
    ("response", "response@2024-06-20", ("SD", "PD")),
)
"""Field, slot and the values suggested; two values are a conflict."""

Table = tuple[str, Sequence[str], Iterator[Sequence[Any]]]


def patient_id(number: int) -> str:
    return f"L-{number:05d}"


def build(name: str, patients: int, notes: int) -> None:
    """Creates the registry `name` (a path or a URL): every patient has the same share of the notes, and `_ASKED` suggested.

    What the worklist counts is kept in the end, as a load of notes through the program does.

    Raises:
        RegistryError: it exists already, or can't be written.
    """
    create_registry(name).close()
    if "://" in name:
        _fill_server(name, patients, notes)
    else:
        _fill_file(name, patients, notes)
    registry = open_registry(name)
    count_all(registry)
    registry.close()


def _tables(patients: int, notes: int) -> Iterator[Table]:
    yield (
        "patient",
        ("patient_id", "created_at", "suggestions_due"),
        ((patient_id(number), LOADED_AT, False) for number in range(patients)),
    )
    yield (
        "note",
        (
            "note_key", "note_id", "version", "latest", "patient_id", "note_date", "note_type", "sha256", "length",
            "source", "ingested_at",
        ),
        (_note(number, patients) for number in range(notes)),
    )  # fmt: skip
    yield "note_text", ("note_key", "text"), ((number, _text(number)) for number in range(notes))
    yield (
        "suggestion",
        (
            "patient_id", "slot", "field", "value", "assertion", "date", "attributes", "confidence", "origin",
            "rulebook", "evidence",
        ),
        (row for number in range(patients) for row in _suggestions(number, patients, notes)),
    )  # fmt: skip


def _text(number: int) -> str:
    values = " ".join(_ASKED[number % len(_ASKED)][2])
    return f"Note {number} says {values}. {_PADDING}"


def _note(number: int, patients: int) -> Sequence[Any]:
    words = _text(number)
    day = f"20{10 + number % 15}-0{1 + number % 9}-1{number % 10}"
    digest = hashlib.sha256(words.encode()).hexdigest()
    who = patient_id(number % patients)
    return number, f"N{number:07d}", 1, True, who, day, "clinic", digest, len(words), "load", LOADED_AT


def _suggestions(number: int, patients: int, notes: int) -> Iterator[Sequence[Any]]:
    for at, (field, slot, values) in enumerate(_ASKED):
        note = number + patients * (at % max(1, notes // patients))
        for value in values:
            date = slot.partition("@")[2] or None
            evidence = json.dumps([_evidence(note)])
            yield patient_id(number), slot, field, value, "present", date, "{}", 0.9, "nlp", "load", evidence


def _evidence(note: int) -> dict[str, object]:
    words = _text(note)
    start, end = words.index("says ") + 5, words.index(".")
    digest = hashlib.sha256(words.encode()).hexdigest()
    return {
        "note_id": f"N{note:07d}", "start": start, "end": end, "text": words[start:end], "note_sha256": digest
    }  # fmt: skip


def _fill_file(path: str, patients: int, notes: int) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for table, columns, rows in _tables(patients, notes):
            marks = ", ".join("?" * len(columns))
            connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)  # noqa: S608
        connection.execute("COMMIT")
        connection.execute("ANALYZE")


def _fill_server(url: str, patients: int, notes: int) -> None:
    registry = open_registry(url)
    with registry.engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))  # the triggers only count what is new
        driver: Any = connection.connection.driver_connection
        for table, columns, rows in _tables(patients, notes):
            with driver.cursor().copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
    with registry.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("VACUUM ANALYZE"))
    registry.close()
