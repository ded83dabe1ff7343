"""A refusal for want of a role, or for a signature, is told once: no retry is offered that could never succeed."""

import pytest

from abstractor.model.errors import NotAllowed
from abstractor.registry.people_changes import add_person
from abstractor.registry.signatures import sign, unlock
from abstractor.review.refused import Refused
from tests.review.conftest import Desk


def test_a_signed_patient_is_refused_and_nothing_waits_for_a_retry(desk: Desk) -> None:
    session = desk(close_open=True)
    session.close()
    sign(session.registry, "p1", "abstracted", "ann")
    before = session.case
    with pytest.raises(NotAllowed, match="signed as abstracted by ann"):  # it did not know of the signature
        session.reopen("a slip")
    with pytest.raises(Refused, match="signed as abstracted by ann; `L` unlocks it"):  # now it does
        session.reopen("a slip")
    assert session.writer.unsaved == ()
    assert session.case == before
    unlock(session.registry, "p1", "ann", "a slip")
    session.reload()
    session.reopen("a slip")
    assert not session.case.closed


def test_who_may_read_but_not_decide_reads_and_is_refused_the_patient(desk: Desk) -> None:
    session = desk()
    session.registry.login = "ann"
    add_person(session.registry, "ann", ["admin", "data_manager"])
    with pytest.raises(NotAllowed, match="ann may not decide on a patient"):
        session.hold.claim()
    assert session.notes.text("n1").startswith("Mr Fen")
