"""The decisions of a registry as statements about notes."""

from abstractor.model.decision import Action, Decision
from abstractor.model.finding import Assertion
from abstractor.model.note import Note
from abstractor.model.suggestion import Evidence, Suggestion
from abstractor.registry.decisions import record_all
from abstractor.registry.engine import Registry
from abstractor.registry.notes import add_notes
from abstractor.registry.suggestions import replace_suggestions
from abstractor.workbench.confirmed import confirmed, registry_notes

NOTE = Note("n1", "Liver metastasis. Brain metastasis.", "p1")
OLDER = "0" * 64


def words(start: int, end: int, digest: str = NOTE.sha256) -> Evidence:
    return Evidence("n1", start, end, NOTE.text[start:end], digest)


def decision(number: int, value: str, action: Action, *evidence: Evidence) -> Decision:
    return Decision(
        f"a{number}", "p1", f"metastasis:{value}", action, "ann", "2024-01-01T00:00:00+00:00", "metastasis", value,
        evidence=evidence,
    )  # fmt: skip


def test_what_was_confirmed_holds_and_what_was_rejected_does_not(registry: Registry) -> None:
    add_notes(registry, [NOTE], "test")
    brain = Suggestion("p1", "metastasis:brain", "metastasis", "brain", Assertion.PRESENT, evidence=(words(18, 34),))
    replace_suggestions(registry, "p1", [brain])
    record_all(registry, [decision(1, "liver", Action.ACCEPT, words(0, 16)), decision(2, "brain", Action.REJECT)])
    assert {(one.value, one.holds, one.spans) for one in confirmed(registry)} == {
        ("liver", True, ((0, 16),)),
        ("brain", False, ((18, 34),)),
    }
    assert [note.note_id for note in registry_notes(registry)] == ["n1"]


def test_words_of_an_older_version_of_a_note_state_nothing_of_this_one(registry: Registry) -> None:
    add_notes(registry, [NOTE], "test")
    record_all(registry, [decision(1, "liver", Action.ACCEPT, words(0, 16, OLDER))])
    assert confirmed(registry) == []
