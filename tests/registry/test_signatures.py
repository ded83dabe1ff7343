"""What is signed stays as it is, until it is unlocked with a reason; then the signatures are void."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from abstractor.model.decision import Decision
from abstractor.model.errors import NotAllowed, RegistryError
from abstractor.model.note import Note
from abstractor.registry.decisions import case_of, record
from abstractor.registry.engine import Registry
from abstractor.registry.notes import add_notes
from abstractor.registry.signatures import sign, signatures, unlock

REGISTRIES = ("sqlite", "postgresql", "encrypted")


@pytest.fixture
def closed(with_decision: Registry, decide: Callable[..., Decision]) -> Registry:
    """P1 with one decision, closed; nobody was added, so that everybody may sign."""
    record(with_decision, decide(action="close", slot=""), seen=1)
    return with_decision


def change(registry: Registry, decide: Callable[..., Decision]) -> Decision:
    return record(registry, decide(action="edit", value="extensive"), seen=case_of(registry, "P1").version)


def test_a_signature_says_who_when_what_it_means_and_what_was_signed(closed: Registry) -> None:
    sign(closed, "P1", "abstracted", "mortiz", clock=lambda: "2024-05-02T08:00:00.000+00:00")
    (one,) = signatures(closed, "P1")
    assert (one.meaning, one.signed_by, one.signed_at) == ("abstracted", "mortiz", "2024-05-02T08:00:00.000+00:00")
    assert one.version == case_of(closed, "P1").version
    assert one.stands
    assert one.fits


@pytest.mark.parametrize("action", ["accept", "edit", "reject", "not_documented", "undo", "reopen", "import"])
def test_a_signed_patient_is_not_changed(closed: Registry, decide: Callable[..., Decision], action: str) -> None:
    sign(closed, "P1", "abstracted", "mortiz")
    before = case_of(closed, "P1")
    with pytest.raises(NotAllowed, match=r"signed as abstracted by mortiz; not saved.*abstractor unlock P1"):
        record(closed, decide(action=action, undoes="first" if action == "undo" else None), seen=before.version)
    assert case_of(closed, "P1") == before


def test_words_may_be_added_to_a_signed_patient(closed: Registry, decide: Callable[..., Decision]) -> None:
    sign(closed, "P1", "abstracted", "mortiz")
    record(closed, decide(action="comment", reason="see the addendum"), seen=case_of(closed, "P1").version)
    assert all(one.fits for one in signatures(closed, "P1"))


def test_unlocking_voids_the_signatures_and_says_why(closed: Registry, decide: Callable[..., Decision]) -> None:
    sign(closed, "P1", "abstracted", "mortiz")
    sign(closed, "P1", "reviewed", "rchen")
    unlock(closed, "P1", "dmanager", "pathology was amended")
    change(closed, decide)
    assert [(one.meaning, one.stands) for one in signatures(closed, "P1")] == [
        ("abstracted", False), ("reviewed", False), ("unlocked", False),
    ]  # fmt: skip
    assert signatures(closed, "P1")[-1].reason == "pathology was amended"


def test_after_unlocking_everybody_signs_anew(closed: Registry) -> None:
    sign(closed, "P1", "abstracted", "mortiz")
    unlock(closed, "P1", "mortiz", "forgot one")
    with pytest.raises(RegistryError, match="must be signed as abstracted first"):
        sign(closed, "P1", "reviewed", "rchen")
    assert sign(closed, "P1", "abstracted", "mortiz").stands


def test_unlocking_needs_a_reason_and_a_signature(closed: Registry) -> None:
    with pytest.raises(RegistryError, match="is not signed"):
        unlock(closed, "P1", "dmanager", "why not")
    sign(closed, "P1", "abstracted", "mortiz")
    with pytest.raises(RegistryError, match="needs a reason"):
        unlock(closed, "P1", "dmanager", "  ")
    assert all(one.stands for one in signatures(closed, "P1"))


def test_what_is_not_closed_is_not_signed(with_decision: Registry) -> None:
    with pytest.raises(RegistryError, match="is not closed"):
        sign(with_decision, "P1", "abstracted", "mortiz")


def test_nobody_reviews_what_they_abstracted(closed: Registry) -> None:
    sign(closed, "P1", "abstracted", "mortiz")
    with pytest.raises(NotAllowed, match="must be signed by somebody else"):
        sign(closed, "P1", "reviewed", "mortiz")


def test_the_same_signature_sent_twice_is_one(closed: Registry) -> None:
    first = sign(closed, "P1", "abstracted", "mortiz", signature_id="s1")
    assert sign(closed, "P1", "abstracted", "mortiz", signature_id="s1") == first
    with pytest.raises(RegistryError, match="is signed as abstracted by mortiz already"):
        sign(closed, "P1", "abstracted", "rchen")
    assert len(signatures(closed, "P1")) == 1


def test_a_new_version_of_a_note_is_remarked_and_the_signature_stands(closed: Registry) -> None:
    sign(closed, "P1", "abstracted", "mortiz")
    added = add_notes(closed, [Note("N1", "Extensive stage disease.", "P1", "2024-03-01", "clinic")], "test")
    assert added.versions == 1
    assert [one.stands for one in signatures(closed, "P1")] == [True]


def test_a_change_made_behind_the_programs_back_no_longer_fits_what_was_signed(closed: Registry) -> None:
    sign(closed, "P1", "abstracted", "mortiz")
    with closed.write() as connection:
        if closed.engine.dialect.name == "sqlite":
            connection.execute(text("DROP TRIGGER decision_no_update"))
        else:
            connection.execute(text("ALTER TABLE decision DISABLE TRIGGER USER"))
        connection.execute(text("UPDATE decision SET value = 'extensive' WHERE action_id = 'first'"))
    (one,) = signatures(closed, "P1")
    assert not one.fits


def test_an_unknown_meaning_is_refused(closed: Registry) -> None:
    with pytest.raises(RegistryError, match="no such signature; there are abstracted"):
        sign(closed, "P1", "blessed", "mortiz")
