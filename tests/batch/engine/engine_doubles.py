"""Jobs that stand for the pipeline: they do to their process what the first word of a note tells them to."""

import ctypes
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from abstractor.batch.engine.work import Read, Row
from abstractor.model.errors import RulebookError
from abstractor.model.note import Note


def endless(_note: Note) -> None:
    while True:
        pass


def greedy(_note: Note) -> None:
    hoard = []
    while True:
        hoard.append(bytearray(20_000_000))


def failing(note: Note) -> None:
    raise ValueError(note.text)


def recursing(note: Note) -> None:
    recursing(note)


def exiting(_note: Note) -> None:
    raise SystemExit(3)


def talking(note: Note) -> None:
    for descriptor in (1, 2):
        os.write(descriptor, note.text.encode())


DEEDS: dict[str, Callable[[Note], object]] = {
    "endless": endless,
    "sleeping": lambda _note: time.sleep(3600),
    "greedy": greedy,
    "crashing": lambda _note: ctypes.string_at(0),
    "leaving": lambda _note: os._exit(7),
    "exiting": exiting,
    "killed": lambda _note: os.kill(os.getpid(), signal.SIGKILL),
    "failing": failing,
    "recursing": recursing,
    "talking": talking,
    "nothing": lambda _note: None,
}


def row(note: Note, start: int, word: str) -> Row:
    """One of "Findings out"."""
    return {
        "note_id": note.note_id,
        "patient_id": note.patient_id,
        "note_date": note.note_date,
        "note_type": note.note_type,
        "field": "ecog",
        "value": str(start),
        "assertion": "present",
        "start": start,
        "end": start + len(word),
        "text": word,
        "section": None,
        "date": None,
        "date_precision": None,
        "date_source": None,
        "attributes": {"length": len(word)},
        "rule": "double",
        "rulebook": "r1",
        "confidence": 0.5,
    }


def behave(note: Note) -> list[Row]:
    """A row a word, once its deed is done; nothing for a note of `nothing`."""
    words = note.text.split()
    DEEDS.get(words[0], lambda _note: None)(note)
    if words[0] == "nothing":
        return []
    return [row(note, place, word) for place, word in enumerate(words)]


@dataclass(frozen=True)
class Obedient:
    """Does what notes say."""

    def open(self) -> Read:
        return behave


@dataclass(frozen=True)
class Mild:
    """Does nothing that notes say."""

    def open(self) -> Read:
        return lambda note: [row(note, place, word) for place, word in enumerate(note.text.split())]


@dataclass(frozen=True)
class Slow:
    """Takes some seconds for each note."""

    seconds: float

    def open(self) -> Read:
        def read(note: Note) -> list[Row]:
            time.sleep(self.seconds)
            return behave(note)

        return read


@dataclass(frozen=True)
class Unbuildable:
    """Has a rulebook at fault."""

    def open(self) -> Read:
        raise RulebookError(["targets/stage.toml: line 3: no such field"])


@dataclass(frozen=True)
class Stillborn:
    """Is ended before it is ready."""

    def open(self) -> Read:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


@dataclass(frozen=True)
class Hints:
    """Finds evidence of a lung cancer in notes that say so; otherwise obeys."""

    def open(self) -> Read:
        return hints


def hints(note: Note) -> list[Row]:
    """One piece of evidence, as `abstractor.pipeline.cohort_evidence` gives it."""
    if "lung cancer" not in note.text:
        return []
    evidence = row(note, note.text.index("lung cancer"), "lung cancer")
    for name in ("section", "date", "date_precision", "date_source", "attributes"):
        del evidence[name]
    return [
        {
            **evidence,
            "field": "lung_cancer",
            "value": "unspecified",
            "reason": "lung_cancer",
            "strength": 3,
            "source": 0,
        }
    ]
