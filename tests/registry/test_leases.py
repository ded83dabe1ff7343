"""A lease ends by time, and can be taken over on purpose."""

from collections.abc import Callable

import pytest

from abstractor.model.decision import Decision
from abstractor.model.errors import RegistryError, StaleCase
from abstractor.registry.decisions import decisions_of, record
from abstractor.registry.engine import Registry
from abstractor.registry.leases import claim, lease_events, release
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


def test_from_somebody_active_only_a_supervisor_may_take_a_patient(with_note: Registry, clock: Clock) -> None:
    claim(with_note, "P1", "mortiz", clock=clock)
    clock.forward(minutes=1)
    refused = claim(with_note, "P1", "kbauer", take_over=True, clock=clock)
    assert (refused.holder, refused.idle_minutes) == ("mortiz", 1)
    assert lease_events(with_note, "P1") == ()
    taken = claim(with_note, "P1", "kbauer", take_over=True, supervisor=True, reason="on leave", clock=clock)
    assert (taken.mine, taken.assigned) == (True, "kbauer")
    assert claim(with_note, "P1", "mortiz", clock=clock).holder == "kbauer"


def test_an_open_program_keeps_the_lease_but_its_idle_owner_may_lose_it(with_note: Registry, clock: Clock) -> None:
    """The heartbeat of a program that nobody sits at renews the lease for ever; the patient must not be stuck with it."""
    claim(with_note, "P1", "mortiz", clock=clock)
    for _ in range(20):
        clock.forward(minutes=1)
        beat = claim(with_note, "P1", "mortiz", active=False, clock=clock)
    assert beat.idle_minutes == 20
    assert not claim(with_note, "P1", "kbauer", clock=clock).mine
    assert claim(with_note, "P1", "kbauer", take_over=True, clock=clock).mine


def test_a_decision_or_key_counts_as_a_sign_of_life(with_note: Registry, clock: Clock) -> None:
    claim(with_note, "P1", "mortiz", clock=clock)
    clock.forward(minutes=14)
    claim(with_note, "P1", "mortiz", active=True, clock=clock)
    clock.forward(minutes=14)
    assert not claim(with_note, "P1", "kbauer", take_over=True, clock=clock).mine


def test_every_takeover_leaves_a_trace(with_note: Registry, clock: Clock) -> None:
    claim(with_note, "P1", "mortiz", clock=clock)
    clock.forward(minutes=16)
    claim(with_note, "P1", "kbauer", clock=clock)  # mortiz's had run out
    clock.forward(minutes=1)
    claim(with_note, "P1", "boss", take_over=True, supervisor=True, reason="on leave", clock=clock)
    trace = [(one.kind, one.taken_by, one.taken_from, one.reason) for one in lease_events(with_note, "P1")]
    assert trace == [
        ("expired", "kbauer", "mortiz", ""),
        ("supervisor", "boss", "kbauer", "on leave"),
        ("reassigned", "boss", "mortiz", "on leave"),
    ]
    assert lease_events(with_note, "P1")[-1].happened_at == clock.now


def test_the_trace_can_not_be_changed_or_deleted(with_note: Registry, clock: Clock) -> None:
    claim(with_note, "P1", "mortiz", clock=clock)
    claim(with_note, "P1", "boss", take_over=True, supervisor=True, clock=clock)
    trace = lease_events(with_note, "P1")
    for statement in (
        "UPDATE lease_event SET taken_by = 'nobody'",
        "DELETE FROM lease_event",
    ):
        with pytest.raises(RegistryError, match="can't be changed or deleted"), with_note.write() as connection:
            connection.exec_driver_sql(statement)
    assert lease_events(with_note, "P1") == trace


def test_renewing_and_giving_back_leave_no_trace(with_note: Registry, clock: Clock) -> None:
    claim(with_note, "P1", "mortiz", clock=clock)
    claim(with_note, "P1", "mortiz", clock=clock)
    release(with_note, "P1", "mortiz")
    claim(with_note, "P1", "kbauer", clock=clock)
    assert lease_events(with_note, "P1") == ()


def test_after_a_takeover_the_former_holders_next_decision_is_refused(
    with_note: Registry, clock: Clock, decide: Callable[..., Decision]
) -> None:
    claim(with_note, "P1", "mortiz", clock=clock)
    claim(with_note, "P1", "boss", take_over=True, supervisor=True, clock=clock)
    with pytest.raises(StaleCase, match="boss has taken it over"):
        record(with_note, decide(decided_by="mortiz", decided_at=clock.now), seen=0)
    assert decisions_of(with_note, "P1") == ()
    assert record(with_note, decide(decided_by="boss", decided_at=clock.now), seen=0).sequence == 1


def test_a_takeover_counts_also_where_the_patient_was_planned_for_a_third_person(
    with_note: Registry, clock: Clock, decide: Callable[..., Decision]
) -> None:
    claim(with_note, "P1", "lchen", clock=clock)  # the first to come: it is her work
    release(with_note, "P1", "lchen")
    claim(with_note, "P1", "mortiz", clock=clock)
    clock.forward(minutes=1)
    assert claim(with_note, "P1", "boss", take_over=True, supervisor=True, clock=clock).mine
    assert [one.taken_from for one in lease_events(with_note, "P1")] == ["mortiz", "lchen"]
    with pytest.raises(StaleCase, match="boss has taken it over"):
        record(with_note, decide(decided_by="mortiz", decided_at=clock.now), seen=0)


def test_a_program_whose_clock_is_a_day_fast_takes_a_patient_and_overwrites_nothing(
    with_note: Registry, clock: Clock, decide: Callable[..., Decision]
) -> None:
    """A file goes by the clock of its machine: what keeps decisions apart is their version."""
    claim(with_note, "P1", "mortiz", clock=clock)
    fast = Clock()
    fast.forward(days=1)
    assert claim(with_note, "P1", "kbauer", clock=fast).mine
    assert [one.kind for one in lease_events(with_note, "P1")] == ["expired"]
    record(with_note, decide(decided_by="kbauer", decided_at=fast.now, value="extensive"), seen=0)
    with pytest.raises(StaleCase):
        record(with_note, decide(decided_by="mortiz", decided_at=clock.now, value="limited"), seen=0)
    assert [one.value for one in decisions_of(with_note, "P1")] == ["extensive"]


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
