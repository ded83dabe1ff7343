"""What the worst rules took for a fact and reviewers refused, with the words around it: for reports that may hold words of notes."""

import re
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from abstractor.model.decision import Action
from abstractor.quality.desk import Desk
from abstractor.registry.decisions import case_of
from abstractor.registry.notes import note_text, notes_of, patients
from abstractor.registry.suggestions import suggestions_of

_FARTHEST = 400
"""Characters before and behind: notes without full stops have no end of a sentence."""
_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9(])|\n[ \t]*\n")
"""Where a sentence ends; line ends alone do not, for many notes are wrapped."""


@dataclass(frozen=True, slots=True)
class RefusedWords:
    """One place that a rule read wrongly."""

    rule: str
    field: str
    value: str
    text: str
    note_id: str


def sentence(text: str, start: int, end: int) -> str:
    """The whole sentence, or the sentences, around some words."""
    first, last = max(start - _FARTHEST, 0), min(end + _FARTHEST, len(text))
    before = [one.end() for one in _END.finditer(text, first, start)]
    behind = _END.search(text, end, last)
    return text[before[-1] if before else first : behind.start() if behind else last]


def refused_words(desk: Desk, rules: Collection[str], *, each: int = 3) -> tuple[RefusedWords, ...]:
    """Up to `each` refused suggestions of every rule, in the latest versions of the notes they rest on."""
    found: dict[str, list[RefusedWords]] = defaultdict(list)
    for patient_id in patients(desk.registry):
        case = case_of(desk.registry, patient_id)
        refused = {slot for slot, one in case.current.items() if one.action is Action.REJECT and one.source == "review"}
        if not refused:
            continue
        versions = {note.note_id: note.sha256 for note in notes_of(desk.registry, patient_id)}
        for one in suggestions_of(desk.registry, patient_id):
            words = next((part for part in one.evidence if part.rule in rules), None)
            if one.slot not in refused or words is None or versions.get(words.note_id) != words.note_sha256:
                continue
            if len(found[words.rule]) < each:
                around = sentence(note_text(desk.registry, words.note_id), words.start, words.end)
                found[words.rule].append(
                    RefusedWords(words.rule, one.field, one.value, " ".join(around.split()), words.note_id)
                )
    return tuple(one for rule in rules for one in found[rule])
