"""The decisions of a registry as statements about notes, for comparing rules with them. It reads, and never writes."""

from collections.abc import Iterator

from abstractor.model.case import Case
from abstractor.model.decision import STATING, Action, Decision
from abstractor.model.note import Note
from abstractor.model.suggestion import Evidence, Suggestion
from abstractor.registry.decisions import case_of
from abstractor.registry.engine import Registry
from abstractor.registry.notes import all_notes, notes_of, patients, whole_note
from abstractor.registry.suggestions import suggestions_of
from abstractor.workbench.difference import Statement


def registry_notes(registry: Registry) -> Iterator[Note]:
    """The latest versions of all notes, by patient."""
    for stored in all_notes(registry):
        yield whole_note(registry, stored)


def confirmed(registry: Registry) -> list[Statement]:
    """What was confirmed, and what was rejected, with words in the latest version of a note."""
    found: list[Statement] = []
    for patient_id in patients(registry):
        hashes = {note.note_id: note.sha256 for note in notes_of(registry, patient_id)}
        case = case_of(registry, patient_id)
        offered = suggestions_of(registry, patient_id) if _rejects(case) else ()
        for slot, decision in case.current.items():
            found.extend(_statements(patient_id, slot, decision, offered, hashes))
    return found


def _rejects(case: Case) -> bool:
    return any(decision.action is Action.REJECT for decision in case.current.values())


def _statements(
    patient_id: str, slot: str, decision: Decision, offered: tuple[Suggestion, ...], hashes: dict[str, str]
) -> Iterator[Statement]:
    if decision.action in STATING:
        yield from _quoted(patient_id, slot, decision, decision.evidence, hashes, holds=True)
    elif decision.action is Action.REJECT:
        refused = [one for one in offered if one.slot == slot and decision.value in ("", one.value)]
        for one in refused:
            yield from _quoted(patient_id, slot, one, one.evidence, hashes, holds=False)


def _quoted(
    patient_id: str,
    slot: str,
    stated: Decision | Suggestion,
    evidence: tuple[Evidence, ...],
    hashes: dict[str, str],
    *,
    holds: bool,
) -> Iterator[Statement]:
    for one in evidence:
        if hashes.get(one.note_id) == one.note_sha256:
            yield Statement(
                one.note_id,
                stated.field,
                stated.value,
                str(stated.assertion),
                holds,
                ((one.start, one.end),),
                "decision",
                f"{patient_id} {slot} {stated.value}",
            )
