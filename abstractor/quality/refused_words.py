"""What the worst rules took for a fact and reviewers refused, with the words around it: for reports that may hold words of notes."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from abstractor.model.decision import Action
from abstractor.quality.desk import Desk
from abstractor.registry.decisions import case_of
from abstractor.registry.notes import note_text, notes_of, patients
from abstractor.registry.suggestions import suggestions_of

_AROUND = 90
"""Characters before and behind."""


@dataclass(frozen=True, slots=True)
class RefusedWords:
    """One place that a rule read wrongly."""

    rule: str
    field: str
    value: str
    text: str
    note_id: str


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
                text = note_text(desk.registry, words.note_id)
                around = text[max(words.start - _AROUND, 0) : words.end + _AROUND]
                found[words.rule].append(
                    RefusedWords(words.rule, one.field, one.value, " ".join(around.split()), words.note_id)
                )
    return tuple(one for rule in rules for one in found[rule])
