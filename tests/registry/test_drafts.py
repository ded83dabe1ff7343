"""What was half typed is there again after a crash."""

from abstractor.registry.drafts import draft_of, drop_draft, save_draft
from abstractor.registry.engine import Registry


def test_a_draft_is_kept_by_user_patient_and_slot(registry: Registry) -> None:
    save_draft(registry, "mortiz", "P1", "stage.valg", "limi")
    save_draft(registry, "mortiz", "P1", "stage.valg", "limited é\x00")
    save_draft(registry, "kbauer", "P1", "stage.valg", "ext")
    assert draft_of(registry, "mortiz", "P1", "stage.valg") == "limited é\x00"
    assert draft_of(registry, "kbauer", "P1", "stage.valg") == "ext"
    assert draft_of(registry, "mortiz", "P1", "histology") is None
    assert draft_of(registry, "mortiz", "P2", "stage.valg") is None


def test_a_dropped_draft_is_gone_and_others_stay(registry: Registry) -> None:
    save_draft(registry, "mortiz", "P1", "stage.valg", "a")
    save_draft(registry, "mortiz", "P1", "histology", "b")
    drop_draft(registry, "mortiz", "P1", "stage.valg")
    drop_draft(registry, "mortiz", "P1", "stage.valg")
    assert draft_of(registry, "mortiz", "P1", "stage.valg") is None
    assert draft_of(registry, "mortiz", "P1", "histology") == "b"


def test_an_empty_draft_is_a_draft(registry: Registry) -> None:
    save_draft(registry, "mortiz", "P1", "stage.valg", "")
    assert draft_of(registry, "mortiz", "P1", "stage.valg") == ""
