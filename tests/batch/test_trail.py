"""The auditor's document of a patient names who signed it, as what, when, and who voided that."""

from abstractor.batch.trail import patient_trail, trail_csv, trail_html
from abstractor.model.decision import Action, Decision
from abstractor.model.note import Note
from abstractor.registry.decisions import record
from abstractor.registry.engine import Registry
from abstractor.registry.notes import add_notes
from abstractor.registry.signatures import sign, unlock
from abstractor.rulebook.book import RuleBook
from tests.conftest import Clock

AT = "2024-05-01T08:00:00.000+00:00"


def test_the_trail_tells_every_signature_with_name_time_and_meaning(
    registry: Registry, rulebook: RuleBook, clock: Clock
) -> None:
    add_notes(registry, [Note("N1", "Limited stage disease.", "P1", "2024-03-01", "clinic")], "test")
    stated = Decision("a", "P1", "stage.valg", Action.ACCEPT, "mortiz", AT, field="stage.valg", value="limited")
    first = record(registry, stated, seen=0)
    record(registry, Decision("b", "P1", "", Action.CLOSE, "mortiz", AT), seen=first.sequence)
    sign(registry, "P1", "abstracted", "mortiz", clock=clock)
    clock.forward(days=1)
    unlock(registry, "P1", "dmanager", "pathology was amended", clock)
    trail = patient_trail(registry, "P1", rulebook)
    signed, unlocked = trail.lines[-2:]
    assert (signed.what, signed.who, signed.at[:10]) == ("signed as abstracted", "mortiz", "2024-05-01")
    assert signed.after.startswith("mortiz; of content ")
    assert (unlocked.what, unlocked.who, unlocked.why) == ("unlocked", "dmanager", "pathology was amended")
    assert unlocked.at[:10] == "2024-05-02"
    for document in (trail_html(trail), trail_csv(trail)):
        assert "signed as abstracted" in document
        assert "pathology was amended" in document
