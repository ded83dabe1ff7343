"""A lease ends by time, and can be taken over on purpose."""

import pytest

from abstractor.model.errors import RegistryError
from abstractor.registry.engine import Registry
from abstractor.registry.leases import claim, release
from abstractor.registry.worklist import worklist
from tests.conftest import Clock


def test_a_patient_is_held_by_the_first_who_claims_it(with_note: Registry, clock: Clock) -> None:
    assert claim(with_note, "P1", "mortiz", clock=clock).mine
    refused = claim(with_note, "P1", "kbauer", clock=clock)
    assert (refused.mine, refused.holder) == (False, "mortiz")
    assert claim(with_note, "P1", "mortiz", clock=clock).mine


def test_a_lease_ends_by_time_whatever_became_of_its_holder(with_note: Registry, clock: Clock) -> None:
    claim(with_note, "P1", "mortiz", minutes=15, clock=clock)
    clock.forward(minutes=14, seconds=59)
    assert not claim(with_note, "P1", "kbauer", clock=clock).mine
    clock.forward(seconds=1)
    taken = claim(with_note, "P1", "kbauer", clock=clock)
    assert (taken.mine, taken.holder, taken.since) == (True, "kbauer", clock.now)


def test_renewing_keeps_the_beginning_and_moves_the_end(with_note: Registry, clock: Clock) -> None:
    first = claim(with_note, "P1", "mortiz", minutes=15, clock=clock)
    clock.forward(minutes=10)
    again = claim(with_note, "P1", "mortiz", minutes=15, clock=clock)
    assert again.since == first.since
    assert again.until > first.until
    clock.forward(minutes=10)
    assert not claim(with_note, "P1", "kbauer", clock=clock).mine


def test_a_lease_can_be_taken_over_on_purpose(with_note: Registry, clock: Clock) -> None:
    claim(with_note, "P1", "mortiz", clock=clock)
    assert claim(with_note, "P1", "kbauer", take_over=True, clock=clock).mine
    assert claim(with_note, "P1", "mortiz", clock=clock).holder == "kbauer"


def test_only_ones_own_lease_can_be_given_back(with_note: Registry, clock: Clock) -> None:
    claim(with_note, "P1", "mortiz", clock=clock)
    release(with_note, "P1", "kbauer")
    assert not claim(with_note, "P1", "kbauer", clock=clock).mine
    release(with_note, "P1", "mortiz")
    assert claim(with_note, "P1", "kbauer", clock=clock).mine


def test_the_worklist_shows_who_holds_a_patient_until_the_lease_ends(with_note: Registry, clock: Clock) -> None:
    claim(with_note, "P1", "kbauer", minutes=15, clock=clock)
    (row,) = worklist(with_note, "mortiz", clock)
    assert row.holder == "kbauer"
    clock.forward(minutes=15)
    (row,) = worklist(with_note, "mortiz", clock)
    assert row.holder is None


def test_a_patient_nobody_knows_can_not_be_claimed(with_note: Registry) -> None:
    with pytest.raises(RegistryError, match="patient NOPE: not in this registry"):
        claim(with_note, "NOPE", "mortiz")
