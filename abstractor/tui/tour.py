"""The invented patient of the documentation's pictures: notes and suggestions from `tour.toml`, put into a registry."""

import tomllib
from pathlib import Path
from typing import Any

from abstractor.model.finding import Assertion
from abstractor.model.note import Note
from abstractor.model.suggestion import Evidence, Suggestion
from abstractor.registry.engine import Registry
from abstractor.registry.notes import add_notes
from abstractor.registry.suggestions import replace_suggestions
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.slots import slot_key


def fill_tour(registry: Registry, book: RuleBook) -> str:
    """Puts the invented patient into a registry.

    Returns:
        Its id.
    """
    content = tomllib.loads((Path(__file__).parent / "tour.toml").read_text(encoding="utf-8"))
    patient_id = str(content["patient_id"])
    notes = {
        one["id"]: Note(one["id"], one["text"].lstrip("\n"), patient_id, one["date"], one["type"])
        for one in content["note"]
    }
    add_notes(registry, notes.values(), "tour.toml")
    suggestions = [_suggestion(one, patient_id, notes, book) for one in content["suggestion"]]
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
