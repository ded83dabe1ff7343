"""Rebuilds what is proposed for a patient from the findings in all of its notes. Decisions are read, never written."""

from collections.abc import Mapping

from abstractor.batch.carried import carried_forward
from abstractor.batch.derived import derived_suggestions
from abstractor.model.case import Case
from abstractor.model.suggestion import Suggestion
from abstractor.pipeline.suggest import suggest
from abstractor.registry.decisions import case_of
from abstractor.registry.engine import Registry
from abstractor.registry.findings import findings_of
from abstractor.registry.notes import notes_of, whole_note
from abstractor.registry.suggestions import replace_suggestions
from abstractor.rulebook.book import RuleBook


def propose(registry: Registry, patient_id: str, rulebook: RuleBook) -> int:
    """Replaces the suggestions of a patient; what reviewers made of their rules is put in behind (`reviewed`).

    Returns:
        How many there are now.
    """
    suggestions = proposed(registry, patient_id, rulebook, case_of(registry, patient_id))
    replace_suggestions(registry, patient_id, suggestions)
    return len(suggestions)


def proposed(registry: Registry, patient_id: str, rulebook: RuleBook, case: Case) -> tuple[Suggestion, ...]:
    """What is to be proposed for a patient of whom this much is decided; nothing is stored."""
    stored = notes_of(registry, patient_id)
    findings = findings_of(registry, patient_id)
    found = suggest(
        findings,
        rulebook.fields,
        sha256={note.note_id: note.sha256 for note in stored},
        carried=carried_forward(whole_note(registry, note) for note in stored),
        decided_slots=_decided(case),
    )
    return found + derived_suggestions(found, rulebook)


def _decided(case: Case) -> Mapping[str, object]:
    return case.current
