"""What is half typed, as it is kept for the case that the terminal dies. Pure: to text and back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

NEW = "new:"
"""Begins the slot under which a half-typed new fact is kept; its field follows."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The entries of a question as far as they were typed."""

    entries: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Name of the entry (`value`, `date`, an attribute) to what stands in it."""
    absent: bool = False
    place: tuple[str, str, int, int] | None = None
    """The selected words that it is about: note, hash of its text, start and end."""


def write_draft(draft: Draft) -> str:
    """A draft as one line of text."""
    kept: dict[str, object] = {"entries": dict(draft.entries)}
    if draft.absent:
        kept["absent"] = True
    if draft.place is not None:
        kept["place"] = list(draft.place)
    return json.dumps(kept, ensure_ascii=False)


def read_draft(text: str) -> Draft:
    """A draft from its text; words that are no kept draft are the value."""
    try:
        kept = json.loads(text)
    except ValueError:
        return Draft({"value": text})
    if not isinstance(kept, dict) or not isinstance(kept.get("entries"), dict):
        return Draft({"value": text})
    entries = {str(name): str(value) for name, value in kept["entries"].items()}
    return Draft(entries, bool(kept.get("absent")), _place(kept.get("place")))


def _place(kept: object) -> tuple[str, str, int, int] | None:
    match kept:
        case [str(note_id), str(digest), int(start), int(end)]:
            return note_id, digest, start, end
    return None
