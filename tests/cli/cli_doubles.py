"""Stands for the pipeline in the worker processes, which find it by its name on the path: it knows one word, and fails at others."""

import time
from dataclasses import dataclass
from pathlib import Path

from abstractor.batch.engine.work import Mode, Read, Row
from abstractor.model.finding import Assertion, Finding
from abstractor.model.note import Note


class Odd(Exception):
    """An error that nobody expects."""


@dataclass(frozen=True)
class Job:
    """Takes what the real one takes."""

    rules: Path | None = None
    plain: bool = False
    mode: Mode = Mode.FINDINGS
    rulebook: str | None = None

    def open(self) -> Read:
        return read


def read(note: Note) -> list[Row]:
    if "poison" in note.text:
        raise ValueError(note.text)
    if "odd" in note.text:
        raise Odd(note.text)
    if "endless" in note.text:
        while True:
            pass
    if "slow" in note.text:
        time.sleep(0.02)
    start = note.text.find("limited")
    if start < 0:
        return []
    finding = Finding(
        note.note_id,
        note.patient_id,
        note.note_date,
        note.note_type,
        "stage.valg",
        "limited",
        Assertion.PRESENT,
        start,
        start + 7,
        "limited",
        rule="test",
        rulebook="rules-1",
        confidence=0.9,
    )
    return [finding.row()]
