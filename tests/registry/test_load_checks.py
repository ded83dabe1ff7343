"""The checks of `benchmarks/load` find what they are there to find: each fault here is planted, and must be told by its name."""

import importlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tampering import past_the_program

from abstractor.model.decision import Decision
from abstractor.model.errors import StaleCase
from abstractor.model.note import Note
from abstractor.registry.decisions import case_of, record
from abstractor.registry.engine import Registry
from abstractor.registry.leases import Lease, claim, release
from abstractor.registry.notes import add_notes
from tests.conftest import Clock

LOAD = Path(__file__).resolve().parents[2] / "benchmarks" / "load"
LEASE_SECONDS = 20


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Modules of `benchmarks/load`, which is no package."""
    monkeypatch.syspath_prepend(str(LOAD))
    return importlib.import_module


class Story:
    """Ana and ben at work on P1, both telling their journals the truth; a test then changes the registry, or what was told."""

    def __init__(self, registry: Registry, load: Callable[[str], Any], decide: Callable[..., Decision]) -> None:
        self.registry = registry
        self.journal = load("journal")
        self.checks = load("checks")
        self.decide = decide
        self.told: list[Any] = []
        self.at = 0.0
        """The time that journals write down; long before every lease, where a test does not say otherwise."""

    def tell(self, user: str, kind: str, **said: object) -> None:
        self.told.append(self.journal.Entry(user, kind, {"at": self.at, **said}))

    def decides(self, user: str, action_id: str, slot: str, seen: int | None = None, **other: object) -> None:
        """Asks, is answered or refused, and says what it believes."""
        one = self.decide(slot=slot, action_id=action_id, decided_by=user, **other)
        looked_at = case_of(self.registry, "P1").version if seen is None else seen
        said = {"patient": "P1", "slot": slot, "action": one.action.value, "value": one.value}
        self.tell(user, "asked", id=action_id, seen=looked_at, **said)
        try:
            stored = record(self.registry, one, seen=looked_at)
        except StaleCase:
            self.tell(user, "refused", id=action_id)
            return
        self.tell(user, "saved", id=action_id, sequence=stored.sequence, seconds=0.1)
        case = case_of(self.registry, "P1")
        self.tell(user, "believes", patient="P1", version=case.version, digest=self.journal.digest(case))

    def holds(self, user: str, lease: Lease) -> None:
        self.tell(user, "holds", patient="P1", since=lease.since, until=lease.until, seen=lease.seen_at)

    def faults(self) -> list[str]:
        """The names of the checks that something is against."""
        users = frozenset({"ana", "ben"})
        found = self.checks.check(self.registry, self.told, users, frozenset(), LEASE_SECONDS / 2)
        return [name for name, says in found.figures.items() if isinstance(says, str) and says != "holds"]


@pytest.fixture
def story(registry: Registry, load: Callable[[str], Any], decide: Callable[..., Decision]) -> Story:
    add_notes(registry, [Note("N1", "Limited stage disease.", "P1")], "test")
    told = Story(registry, load, decide)
    told.decides("ana", "a1", "sex")
    told.decides("ben", "b1", "ecog", seen=0)  # past ana's, and refused
    told.decides("ben", "b2", "ecog")
    told.decides("ana", "a2", "histology")
    told.tell("ben", "pool", patients=["P1"])
    return told


def changed(story: Story, kind: str, action_id: str, **said: object) -> None:
    """What a client was told is made to differ from what it was."""
    for at, one in enumerate(story.told):
        if one.kind == kind and one.said.get("id") == action_id:
            story.told[at] = story.journal.Entry(one.user, kind, {**one.said, **said})


def without(story: Story, kind: str, action_id: str) -> None:
    story.told = [one for one in story.told if (one.kind, one.said.get("id")) != (kind, action_id)]


def test_a_true_story_holds(story: Story) -> None:
    assert story.faults() == []


def test_a_registry_that_nobody_could_work_on_is_no_success(story: Story) -> None:
    story.told = [one for one in story.told if one.user != "ben" or one.kind == "asked"]
    assert "everybody has decided something" in story.faults()


def test_a_lost_decision_is_found(story: Story) -> None:
    past_the_program(story.registry, "DELETE FROM decision WHERE action_id = 'a2'")
    assert "every acknowledged decision is there" in story.faults()
    assert "every case is what its decider believed" in story.faults()
    assert "the chain of the trail is whole" in story.faults()


def test_a_decision_lost_with_its_entry_is_found(story: Story) -> None:
    past_the_program(
        story.registry, "DELETE FROM decision WHERE action_id = 'a2'", "DELETE FROM audit WHERE ref = '[3]'"
    )
    assert "every acknowledged decision is there" in story.faults()
    assert "the chain of the trail is whole" not in story.faults()


def test_a_decision_that_a_second_try_wrote_again_is_found(story: Story) -> None:
    """The second try had another id, as if the client had forgotten the first: nobody asked under it."""
    record(story.registry, story.decide(slot="histology", action_id="a2-again", decided_by="ana"), seen=10**6)
    assert story.faults() == ["none is there that nobody asked for"]


def test_an_answer_from_another_place_is_found(story: Story) -> None:
    changed(story, "saved", "a2", sequence=99)
    assert story.faults() == ["each stands where it was said to stand"]


def test_a_decision_that_says_something_else_is_found(story: Story) -> None:
    changed(story, "asked", "a2", value="large_cell")
    assert story.faults() == ["each says what was asked"]


def test_a_decision_under_another_name_is_found(story: Story) -> None:
    past_the_program(story.registry, "UPDATE decision SET decided_by = 'zoe' WHERE action_id = 'a2'")
    assert "each says what was asked" in story.faults()


def test_a_refused_decision_that_was_written_is_found(story: Story) -> None:
    without(story, "saved", "a2")
    story.tell("ana", "refused", id="a2")
    assert "none was refused and written all the same" in story.faults()


def test_a_decision_past_one_unseen_is_found(story: Story) -> None:
    story.tell("ben", "asked", id="b3", patient="P1", slot="smoking_status", action="accept", value="limited", seen=2)
    late = story.decide(slot="smoking_status", action_id="b3", decided_by="ben")
    record(story.registry, late, seen=10**6)
    assert story.faults() == ["none was made past one unseen"]


def test_a_decision_past_ones_own_on_the_same_row_is_found(story: Story) -> None:
    changed(story, "asked", "a2", seen=2)
    assert story.faults() == []
    said = {"patient": "P1", "slot": "histology", "action": "accept", "value": "limited"}
    story.tell("ana", "asked", id="a3", seen=2, **said)
    record(story.registry, story.decide(slot="histology", action_id="a3", decided_by="ana"), seen=10**6)
    assert story.faults() == ["none was made past one unseen"]


def test_a_case_that_its_decider_saw_otherwise_is_found(story: Story) -> None:
    story.tell("ben", "believes", patient="P1", version=3, digest="something else")
    assert story.faults() == ["every case is what its decider believed"]


def test_a_row_without_an_entry_is_found(story: Story) -> None:
    past_the_program(story.registry, "DELETE FROM audit WHERE sequence = 3")
    assert story.faults() == ["the chain of the trail is whole"]


def test_a_fault_of_the_program_is_not_taken_for_an_injected_one(story: Story) -> None:
    story.tell("ana", "fault", why="R: the database refused (IntegrityError); nothing of this step was saved")
    assert story.faults() == ["nobody was told of a fault without its cause"]


def test_a_patient_of_the_pool_that_went_to_two_is_found(story: Story) -> None:
    story.tell("ana", "pool", patients=["P1"])
    assert story.faults() == ["no patient of the pool went to two"]


# Leases


def taken(story: Story, user: str, clock: Clock, *, over: bool = False) -> None:
    minutes = LEASE_SECONDS / 60
    story.holds(
        user,
        claim(story.registry, "P1", user, minutes=minutes, take_over=over, idle_minutes=minutes / 2, clock=clock),
    )


def test_one_after_the_other_is_no_fault_however_the_patient_changed_hands(story: Story, clock: Clock) -> None:
    taken(story, "ana", clock)
    clock.forward(minutes=1)  # run out
    taken(story, "ben", clock)
    clock.forward(seconds=15)  # idle
    taken(story, "ana", clock, over=True)
    story.tell("ana", "leaves", patient="P1")
    release(story.registry, "P1", "ana")
    clock.forward(seconds=1)
    taken(story, "ben", clock)
    assert story.faults() == []


def test_a_patient_held_by_two_is_found(story: Story, clock: Clock) -> None:
    taken(story, "ana", clock)
    clock.forward(seconds=5)
    story.tell("ben", "holds", patient="P1", since=clock(), until=clock(), seen=clock())
    assert story.faults() == ["no patient was held by two"]


def test_a_lease_that_the_registry_only_called_run_out_is_found(story: Story, clock: Clock) -> None:
    taken(story, "ana", clock)
    with story.registry.write() as connection:
        connection.exec_driver_sql("UPDATE lease SET until = '2000-01-01T00:00:00.000+00:00'")
    clock.forward(seconds=5)
    taken(story, "ben", clock)
    assert story.faults() == ["no patient was held by two"]


def test_a_take_over_from_who_was_at_work_is_found(story: Story, clock: Clock) -> None:
    taken(story, "ana", clock)
    with story.registry.write() as connection:
        connection.exec_driver_sql("UPDATE lease SET active_at = '2000-01-01T00:00:00.000+00:00'")
    clock.forward(seconds=5)
    taken(story, "ben", clock, over=True)
    assert story.faults() == ["nobody at work was taken over from"]


def test_a_decision_on_a_patient_that_another_had_taken_is_found(story: Story, clock: Clock) -> None:
    taken(story, "ana", clock)
    clock.forward(minutes=1)
    taken(story, "ben", clock)
    clock.forward(seconds=5)
    story.at = datetime.fromisoformat(clock()).timestamp()
    stored = record(story.registry, story.decide(slot="sex", action_id="a9", decided_by="zoe"), seen=10**6)
    past_the_program(story.registry, "UPDATE decision SET decided_by = 'ana' WHERE action_id = 'a9'")
    story.tell("ana", "asked", id="a9", patient="P1", slot="sex", action="accept", value="limited", seen=3)
    story.tell("ana", "saved", id="a9", sequence=stored.sequence, seconds=0.1)
    assert "nobody decided on what another had taken" in story.faults()
