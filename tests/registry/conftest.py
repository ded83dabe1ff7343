"""Decisions and notes as the registry's tests need them."""

from collections.abc import Callable, Iterator

import pytest

from abstractor.model.decision import Action, Decision
from abstractor.model.note import Note
from abstractor.registry.decisions import record
from abstractor.registry.engine import Registry, open_registry
from abstractor.registry.notes import add_notes


@pytest.fixture
def registry(registry_name: str) -> Iterator[Registry]:
    """An empty registry, once on SQLite and once on PostgreSQL; its leases go by the clock that the test moves."""
    opened = open_registry(registry_name)
    opened.server_time = False
    yield opened
    opened.close()


@pytest.fixture
def decide() -> Callable[..., Decision]:
    """A decision with an action id of its own."""
    count = 0

    def made(patient_id: str = "P1", slot: str = "stage.valg", action: str = "accept", **other: object) -> Decision:
        nonlocal count
        count += 1
        values: dict[str, object] = {
            "action_id": f"a{count}",
            "decided_by": "mortiz",
            "decided_at": "2024-05-01T08:00:00.000+00:00",
            "field": slot.split(":")[0].split("@")[0],
            "value": "limited",
            **other,
        }
        return Decision(patient_id=patient_id, slot=slot, action=Action(action), **values)

    return made


@pytest.fixture
def with_note(registry: Registry) -> Registry:
    """A registry that holds one note of patient P1."""
    add_notes(registry, [Note("N1", "Limited stage disease.", "P1", "2024-03-01", "clinic")], "test")
    return registry


@pytest.fixture
def with_decision(with_note: Registry, decide: Callable[..., Decision]) -> Registry:
    """... and one decision on that patient."""
    record(with_note, decide(action_id="first"), seen=0)
    return with_note
