"""The invented patient of the tour and of the documentation's pictures, and the steps of the tour, from `tour.toml`."""

import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from abstractor.model.finding import Assertion
from abstractor.model.note import Note
from abstractor.model.suggestion import Evidence, Suggestion
from abstractor.registry.engine import Registry, create_registry
from abstractor.registry.notes import add_notes
from abstractor.registry.suggestions import replace_suggestions
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.slots import slot_key


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the tour: it waits for the key of one action."""

    action: str
    says: str
    slot: str = ""
    """The row the cursor is put on; "" leaves it where it is."""
    select: tuple[str, str] | None = None
    """A note's id, and words of it that are selected before."""
    key: str = ""
    """The only one of the action's keys that counts; "" for any."""


def steps() -> tuple[Step, ...]:
    """The tour, in order."""
    return tuple(
        Step(
            one["action"],
            one["says"],
            one.get("slot", ""),
            (one["select"][0], one["select"][1]) if "select" in one else None,
            one.get("key", ""),
        )
        for one in _content()["step"]
    )


def _content() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "tour.toml").read_text(encoding="utf-8"))


@contextmanager
def invented_registry(book: RuleBook) -> Iterator[tuple[Registry, str]]:
    """A registry with the invented patient alone, and that patient's id; it is gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="abstractor-tour-") as folder:
        registry = create_registry(str(Path(folder) / "tour.db"))
        try:
            yield registry, fill_tour(registry, book)
        finally:
            registry.close()


def fill_tour(registry: Registry, book: RuleBook) -> str:
    """Puts the invented patient into a registry.

    Returns:
        Its id.
    """
    content = _content()
    patient_id = str(content["patient_id"])
    notes = {
        one["id"]: Note(one["id"], one["text"].lstrip("\n"), patient_id, one["date"], one["type"])
        for one in content["note"]
    }
    add_notes(registry, notes.values(), "tour.toml")
    # rules of another registry may ask other questions
    known = [one for one in content["suggestion"] if one["field"] in book.fields]
    suggestions = [_suggestion(one, patient_id, notes, book) for one in known]
    replace_suggestions(registry, patient_id, suggestions)
    return patient_id


def _suggestion(one: dict[str, Any], patient_id: str, notes: dict[str, Note], book: RuleBook) -> Suggestion:
    spec = book.fields[one["field"]]
    assertion = Assertion(one.get("assertion", "present"))
    evidence = tuple(_evidence(notes[note_id], words, one["confidence"]) for note_id, words in one["evidence"])
    return Suggestion(
        patient_id=patient_id,
        slot=slot_key(spec, one["value"], assertion, one.get("date")),
        field=spec.name,
        value=one["value"],
        assertion=assertion,
        date=one.get("date"),
        confidence=one["confidence"],
        evidence=evidence,
        rulebook=book.version,
    )


def _evidence(note: Note, words: str, confidence: float) -> Evidence:
    start = note.text.index(words)
    return Evidence(
        note_id=note.note_id,
        start=start,
        end=start + len(words),
        text=words,
        note_sha256=note.sha256,
        note_date=note.note_date,
        note_type=note.note_type,
        rule=f"tour.{note.note_type}",
        confidence=confidence,
    )
