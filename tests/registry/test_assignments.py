"""Work is claimed from the pool, and never by two."""

import subprocess
import sys
from collections import Counter

import pytest

from abstractor.model.errors import RegistryError
from abstractor.model.finding import Assertion
from abstractor.model.note import Note
from abstractor.model.suggestion import Suggestion
from abstractor.registry.assignments import claim_next, give_back
from abstractor.registry.engine import Registry
from abstractor.registry.leases import claim
from abstractor.registry.notes import add_notes
from abstractor.registry.suggestions import replace_suggestions
from abstractor.registry.worklist import worklist
from tests.conftest import Clock


def with_work(registry: Registry, *ids: str, day: str = "2024-04-01") -> None:
    add_notes(registry, [Note(f"N-{one}", "x", one) for one in ids], "test", lambda: f"{day}T08:00:00.000+00:00")
    for one in ids:
        replace_suggestions(registry, one, [Suggestion(one, "histology", "histology", "small_cell", Assertion.PRESENT)])


def work_of(registry: Registry, user: str) -> set[str]:
    return {row.patient_id for row in worklist(registry, user) if row.assigned == user}


def test_those_who_wait_longest_come_first(registry: Registry, clock: Clock) -> None:
    with_work(registry, "A", "B", day="2024-04-02")
    with_work(registry, "Y", "Z", day="2024-04-01")
    assert claim_next(registry, "ann", 3, clock) == ("Y", "Z", "A")
    assert work_of(registry, "ann") == {"A", "Y", "Z"}


def test_nothing_is_claimed_that_is_somebodys_held_or_without_work(registry: Registry, clock: Clock) -> None:
    with_work(registry, "A", "B", "C")
    add_notes(registry, [Note("N", "nothing found", "D")], "test")
    claim_next(registry, "ben", 1, clock)
    claim(registry, "B", "kim", clock=clock)
    assert claim_next(registry, "ann", 10, clock) == ("C",)
    assert claim_next(registry, "ann", 10, clock) == ()


def test_what_is_given_back_can_be_claimed_by_another(registry: Registry, clock: Clock) -> None:
    with_work(registry, "A")
    claim_next(registry, "ann", 1, clock)
    claim(registry, "A", "ann", clock=clock)
    assert not give_back(registry, "A", "ben")
    assert give_back(registry, "A", "ann")
    assert claim_next(registry, "ben", 1, clock) == ("A",)
    assert claim(registry, "A", "ben", clock=clock).mine


def test_work_stays_ones_own_after_the_lease_has_ended(registry: Registry, clock: Clock) -> None:
    with_work(registry, "A")
    assert claim(registry, "A", "ann", clock=clock).assigned == "ann"
    clock.forward(days=1)
    (row,) = worklist(registry, "ben", clock)
    assert (row.holder, row.assigned) == (None, "ann")
    assert not row.in_pool
    assert not row.is_open_to("ben")


def test_helping_out_with_anothers_work_does_not_take_it_away(registry: Registry, clock: Clock) -> None:
    with_work(registry, "A")
    claim_next(registry, "ann", 1, clock)
    helping = claim(registry, "A", "ben", clock=clock)
    assert (helping.mine, helping.assigned) == (True, "ann")
    assert claim(registry, "A", "ben", take_over=True, clock=clock).assigned == "ben"


CLAIMER = """
import sys
from abstractor.registry.assignments import claim_next
from abstractor.registry.engine import open_registry
from abstractor.registry.leases import claim

registry = open_registry(sys.argv[1])
sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.readline()
sys.stdout.write(str(claim(registry, "A", sys.argv[2]).mine) + "\\n")
for _ in range(6):
    for patient_id in claim_next(registry, sys.argv[2], 2):
        sys.stdout.write(patient_id + "\\n")
"""
"""All open the same patient; then each wants twelve of the pool."""


def test_eight_programs_at_once_get_no_patient_twice(registry: Registry, registry_name: str) -> None:
    """One of them gets the patient that all open. They claim 96, and there are 60: all are claimed, each by one."""
    ids = [f"P{number:02d}" for number in range(60)]
    with_work(registry, "A", *ids)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIMER, registry_name, f"user{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(8)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = {f"user{number}": process.communicate()[0].split() for number, process in enumerate(processes)}
    assert [process.returncode for process in processes] == [0] * 8
    assert sorted(several[0] for several in told.values()) == ["False"] * 7 + ["True"]
    assert Counter(one for several in told.values() for one in several[1:]) == Counter(ids)
    assigned = {row.patient_id: row.assigned for row in worklist(registry, "")}
    assert assigned == {
        one if one != "True" else "A": user for user, several in told.items() for one in several if one != "False"
    }


def test_a_patient_nobody_knows_is_told(registry: Registry) -> None:
    with pytest.raises(RegistryError, match="NOPE: not in this registry"):
        claim(registry, "NOPE", "ann")
