"""What is half typed or attached and not decided yet, kept for the case that the terminal dies; and its form as text."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from abstractor.model.suggestion import Evidence
from abstractor.registry.drafts import draft_of, drafts_of, drop_draft, save_draft
from abstractor.review.work import Work

NEW = "new:"
"""Begins the slot under which a half-typed new fact is kept; its field follows."""

ADDED = "+:"
"""Begins the slot under which words are kept that somebody attached to a row and has not decided with yet; the row's slot follows."""

Place = tuple[str, str, int, int]
"""A note, the hash of its text, start and end."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The entries of a question as far as they were typed."""

    entries: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Name of the entry (`value`, `date`, an attribute) to what stands in it."""
    absent: bool = False
    place: Place | None = None
    """The selected words that it is about."""


class Drafts:
    """What one person has begun on one patient and not decided."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def keep(self, slot: str, text: str) -> None:
        """Keeps a half-typed value; `write_draft` makes its text."""
        save_draft(self._work.registry, self._work.user, self._work.patient_id, slot, text, clock=self._work.clock)

    def get(self, slot: str) -> str | None:
        """What is half typed for a row; None for nothing."""
        return draft_of(self._work.registry, self._work.user, self._work.patient_id, slot)

    def all(self) -> dict[str, str]:
        """Everything half typed on this patient, by slot."""
        return {slot: text for slot, text in self._kept().items() if not slot.startswith(ADDED)}

    def forget(self, slot: str) -> None:
        """What was half typed for a row is decided, or given up."""
        drop_draft(self._work.registry, self._work.user, self._work.patient_id, slot)

    def keep_attached(self, slot: str, spans: Iterable[Evidence]) -> None:
        """Keeps where the words stand that were attached to a row, all of them."""
        places = [(one.note_id, one.note_sha256, one.start, one.end) for one in spans]
        self.keep(f"{ADDED}{slot}", write_places(places))

    def attached(self) -> dict[str, tuple[Place, ...]]:
        """Where the words stand that were attached, by the slot of their row."""
        kept = self._kept().items()
        return {slot.removeprefix(ADDED): read_places(text) for slot, text in kept if slot.startswith(ADDED)}

    def forget_attached(self, slot: str) -> None:
        """The words that were attached to a row have been decided with."""
        self.forget(f"{ADDED}{slot}")

    def _kept(self) -> dict[str, str]:
        return drafts_of(self._work.registry, self._work.user, self._work.patient_id)


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


def write_places(places: Iterable[Place]) -> str:
    """Places of attached words as one line of text."""
    return json.dumps(list(places), ensure_ascii=False)


def read_places(text: str) -> tuple[Place, ...]:
    """Places from their text; what is none is left out."""
    try:
        kept = json.loads(text)
    except ValueError:
        return ()
    found = (_place(one) for one in kept) if isinstance(kept, list) else ()
    return tuple(one for one in found if one is not None)


def _place(kept: object) -> Place | None:
    match kept:
        case [str(note_id), str(digest), int(start), int(end)]:
            return note_id, digest, start, end
    return None
