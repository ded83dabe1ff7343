"""A small invented registry at work: four closed patients, two abstractors, and desks for whoever else is needed."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from abstractor.model.decision import Action, Decision
from abstractor.model.note import Note
from abstractor.model.suggestion import Evidence
from abstractor.quality.desk import Desk
from abstractor.quality.settings import QualityRules, read_quality_rules
from abstractor.registry.decisions import record, record_all
from abstractor.registry.engine import Registry
from abstractor.registry.notes import add_notes
from abstractor.rulebook.book import RuleBook

PATIENTS = {"P1": "ann", "P2": "ann", "P3": "max", "P4": "max"}
"""Patient and first reader."""


class Ticking:
    """A clock that is a second later each time."""

    def __init__(self) -> None:
        self.at = datetime.fromisoformat("2024-05-01T08:00:00.000+00:00")

    def __call__(self) -> str:
        self.at += timedelta(seconds=1)
        return self.at.isoformat(timespec="milliseconds")


@pytest.fixture
def ticking() -> Ticking:
    return Ticking()


@pytest.fixture
def rules(rulebook: RuleBook) -> QualityRules:
    return read_quality_rules(rulebook.root)


def words(patient_id: str) -> Note:
    return Note(f"N-{patient_id}", "Limited stage. PR on CT.", patient_id, "2024-03-01", "clinic")


@pytest.fixture
def decision(ticking: Ticking) -> Callable[..., Decision]:
    """A decision of the first reader, with an id of its own."""
    ids: Iterator[int] = iter(range(10**6))

    def made(patient_id: str, by: str, slot: str, value: str, action: str = "accept", **other: object) -> Decision:
        note = words(patient_id)
        quoted = Evidence(note.note_id, 0, 7, "Limited", note.sha256, note.note_date, note.note_type, None, "r1", 0.95)
        values: dict[str, object] = {
            "field": slot.split(":")[0].split("@")[0],
            "offered": value,
            "rule": "r1",
            "evidence": (quoted,) if value else (),
            **other,
        }
        return Decision(f"d{next(ids)}", patient_id, slot, Action(action), by, ticking(), value=value, **values)  # type: ignore[arg-type]

    return made


@pytest.fixture
def decide(registry: Registry, decision: Callable[..., Decision]) -> Callable[..., Decision]:
    """Commits a decision of the first reader."""

    def made(*stated: str, **other: object) -> Decision:
        return record(registry, decision(*stated, **other), seen=10**9)

    return made


@pytest.fixture
def abstracted(registry: Registry, decision: Callable[..., Decision]) -> Registry:
    """Each patient with a stage, a response, a death date and a rejected metastasis; closed."""
    add_notes(registry, [words(patient_id) for patient_id in PATIENTS], "test")
    made = []
    for patient_id, by in PATIENTS.items():
        made += [
            decision(patient_id, by, "stage.valg", "limited"),
            decision(patient_id, by, "response@2024-03-01", "PR", date="2024-03-01"),
            decision(patient_id, by, "response@2024-06-01", "PD", date="2024-06-01"),
            decision(patient_id, by, "death_date", "2024-12-01"),
            decision(patient_id, by, "metastasis:liver", "liver", "reject"),
            decision(patient_id, by, "", "", "close"),
        ]
    record_all(registry, made)
    return registry


@pytest.fixture
def desk(abstracted: Registry, rulebook: RuleBook, rules: QualityRules, ticking: Ticking) -> Callable[[str], Desk]:
    """Somebody's desk."""
    ids = iter(range(10**6))

    def of(user: str) -> Desk:
        return Desk(abstracted, rulebook, user, rules, ticking, lambda: f"{user}-{next(ids)}")

    return of
