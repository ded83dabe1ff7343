"""The ledger of annotation: which rulebook's findings stand for a note."""

from collections.abc import Callable

from abstractor.model.finding import Finding
from abstractor.model.note import Note
from abstractor.registry.engine import Registry
from abstractor.registry.findings import findings_of, pending, store_findings
from abstractor.registry.notes import add_notes, notes_of
from abstractor.registry.suggestions import patients_due, replace_suggestions

NOTE = Note("N1", "Limited stage disease, ECOG 1.", "P1", "2024-03-01", "clinic")


def store(registry: Registry, found: list[Finding], rulebook: str = "rules-1", fault: str | None = None) -> None:
    (stored,) = notes_of(registry, "P1")
    store_findings(registry, stored, found, rulebook=rulebook, engine="test", fault=fault)


def waiting(registry: Registry, rulebook: str = "rules-1") -> list[str]:
    return [note.note_id for note in pending(registry, rulebook)]


def test_a_finding_comes_back_as_it_was(registry: Registry, found_in: Callable[..., Finding]) -> None:
    add_notes(registry, [NOTE], "test")
    attributes = {"prefix": "c", "dose_gy": 45.5, "drugs": ["a", "b"]}
    found = [
        found_in(NOTE, "Limited", "stage.valg", "limited", section="impression", attributes=attributes),
        found_in(NOTE, "ECOG 1", "ecog", "1", date="2024-03", date_precision="month", date_source="stated"),
    ]
    store(registry, found[::-1])
    assert findings_of(registry, "P1") == tuple(found)


def test_a_note_waits_until_this_rulebook_has_read_it(registry: Registry) -> None:
    add_notes(registry, [NOTE], "test")
    assert waiting(registry) == ["N1"]
    store(registry, [])
    assert waiting(registry) == []
    assert waiting(registry, "rules-2") == ["N1"]


def test_a_new_version_waits_again_and_findings_of_the_old_text_are_gone(
    registry: Registry, found_in: Callable[..., Finding]
) -> None:
    add_notes(registry, [NOTE], "test")
    store(registry, [found_in(NOTE, "ECOG 1", "ecog", "1")])
    add_notes(registry, [Note("N1", "nothing", "P1", "2024-03-01")], "test")
    assert waiting(registry) == ["N1"]
    assert findings_of(registry, "P1") == ()


def test_going_back_to_the_former_rules_reads_the_notes_again(
    registry: Registry, found_in: Callable[..., Finding]
) -> None:
    """Else the registry would hold the findings of the rules that were given up, and say that nothing is to be done."""
    add_notes(registry, [NOTE], "test")
    store(registry, [found_in(NOTE, "ECOG 1", "ecog", "1")], "rules-1")
    store(registry, [], "rules-2")
    assert waiting(registry, "rules-2") == []
    assert waiting(registry, "rules-1") == ["N1"]


def test_a_note_that_was_set_aside_is_tried_again(registry: Registry) -> None:
    add_notes(registry, [NOTE], "test")
    store(registry, [], fault="ValueError")
    assert waiting(registry) == ["N1"]


def test_findings_make_the_suggestions_due_and_new_suggestions_settle_that(registry: Registry) -> None:
    add_notes(registry, [NOTE, Note("N2", "other", "P2")], "test")
    replace_suggestions(registry, "P1", [])
    replace_suggestions(registry, "P2", [])
    assert patients_due(registry) == ()
    store(registry, [])
    assert patients_due(registry) == ("P1",)
    replace_suggestions(registry, "P1", [])
    assert patients_due(registry) == ()
