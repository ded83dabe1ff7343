"""A session writes and reads its decisions through a log, so that a blind second reading never meets the first."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from abstractor.model.case import Case, fold
from abstractor.model.decision import Decision
from abstractor.model.errors import StaleCase
from abstractor.registry.decisions import RegistryLog, case_of, decisions_of
from abstractor.registry.engine import Registry
from abstractor.review.rows import State
from abstractor.review.session import Session
from abstractor.rulebook.book import RuleBook


class OwnLog:
    """A log in memory, as a second reading might have one."""

    def __init__(self) -> None:
        self.kept: list[Decision] = []

    def record(self, decision: Decision, *, seen: int) -> Decision:
        if len(self.kept) > seen:
            raise StaleCase("somebody else")
        self.kept.append(replace(decision, sequence=len(self.kept) + 1))
        return self.kept[-1]

    def decisions_of(self, patient_id: str) -> tuple[Decision, ...]:
        return tuple(one for one in self.kept if one.patient_id == patient_id)

    def case_of(self, patient_id: str) -> Case:
        return fold(patient_id, self.decisions_of(patient_id))


@pytest.fixture
def second(desk: Callable[..., Session], registry: Registry, book: RuleBook) -> Session:
    return Session(registry, book, "p1", "ben", desk.clock, log=OwnLog())


def test_without_a_log_decisions_are_those_of_the_registry(desk: Callable[..., Session], registry: Registry) -> None:
    session = desk()
    session.accept("histology")
    assert isinstance(session.log, RegistryLog)
    assert session.log.decisions_of("p1") == decisions_of(registry, "p1")
    assert session.log.case_of("p1") == case_of(registry, "p1") == session.case


def test_a_second_reading_keeps_its_decisions_to_itself(
    desk: Callable[..., Session], second: Session, registry: Registry
) -> None:
    second.accept("histology")
    second.pick("stage.valg", 2)
    assert decisions_of(registry, "p1") == ()
    assert desk().row("histology").state is State.SUGGESTED
    assert [one.value for one in second.history("stage.valg")] == ["extensive"]


def test_a_second_reading_does_not_see_the_first(desk: Callable[..., Session], second: Session) -> None:
    desk().accept("histology")
    second.reload()
    assert second.row("histology").state is State.SUGGESTED
    second.reject("histology")
    assert desk().row("histology").state is State.ACCEPTED


def test_undo_and_redo_stay_in_the_log(second: Session, registry: Registry) -> None:
    second.accept("histology")
    second.undo()
    assert second.row("histology").state is State.SUGGESTED
    second.redo()
    assert second.row("histology").state is State.ACCEPTED
    assert len(second.log.decisions_of("p1")) == 3
    assert decisions_of(registry, "p1") == ()


def test_without_suggestions_only_what_is_required_is_asked(
    desk: Callable[..., Session], registry: Registry, book: RuleBook
) -> None:
    bare = Session(registry, book, "p1", "ben", desk.clock, log=OwnLog(), suggesting=False)
    assert {row.state for row in bare.rows} == {State.MISSING}
    assert {row.spec.name for row in bare.rows} == {spec.name for spec in book.fields.values() if spec.required}
