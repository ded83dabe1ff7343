"""What is put to the abstractor: one suggestion per fact of a patient, however many notes mention it.

A *slot* is the question a row of the review screen asks ("stage.valg", "metastasis:liver:present", "response@2024-03-01").
Suggestions of one slot that differ in value (or assertion) are a conflict.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from abstractor.model.finding import Assertion


@dataclass(frozen=True, slots=True)
class Evidence:
    """Words of a stored note: `note.text[start:end] == text`, checked by the hash of the note's text."""

    note_id: str
    start: int
    end: int
    text: str
    note_sha256: str = ""
    note_date: str | None = None
    note_type: str = "other"
    section: str | None = None
    rule: str = ""
    confidence: float = 0.0
    carried_forward: bool = False
    """The sentence stood in an earlier note of this patient already."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A proposed fact of a patient with all its evidence, best first."""

    patient_id: str
    slot: str
    field: str
    value: str
    assertion: Assertion
    date: str | None = None
    end_date: str | None = None
    attributes: Mapping[str, object] = dataclasses.field(default_factory=dict, hash=False)
    confidence: float = 0.0
    evidence: tuple[Evidence, ...] = ()
    origin: str = "nlp"
    """`nlp` (found in notes) or `derived` (worked out from what was found; the rule id is in `attributes["rule"]`)."""
    rulebook: str = ""
