"""A decision that was written, and whose outcome could not be read again: it counts as not saved, and is never written twice."""

from collections.abc import Callable

import pytest
from sqlalchemy import event

from abstractor.model.decision import Action
from abstractor.model.errors import RegistryError
from abstractor.registry.decisions import decisions_of
from abstractor.registry.engine import Registry
from abstractor.review.rows import State
from abstractor.review.session import Session


def test_a_decision_whose_outcome_can_not_be_read_is_asked_for_again_under_the_same_id(
    registry: Registry, desk: Callable[..., Session]
) -> None:
    session = desk()
    slot = session.rows[0].slot
    broken = True

    def fail(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if broken and "FROM decision" in statement and "ORDER BY" in statement:
            raise RegistryError("the connection to the server was lost")

    event.listen(registry.engine, "before_cursor_execute", fail)
    with pytest.raises(RegistryError, match="lost"):
        session.defer(slot)
    assert [one.slot for one in session.writer.unsaved] == [slot]
    broken = False
    session.writer.retry()
    assert session.writer.unsaved == ()
    assert session.row(slot).state is State.DEFERRED
    assert [one.slot for one in decisions_of(registry, "p1")] == [slot]


def test_what_waits_behind_a_decision_that_fails_again_still_waits(
    registry: Registry, desk: Callable[..., Session]
) -> None:
    session = desk()
    first, second = (session.writer.decision(row, Action.DEFER) for row in session.rows[:2])
    session.writer.unsaved = (first, second)

    def fail(*_: object) -> None:
        raise RegistryError("the disk is full")

    event.listen(registry.engine, "before_cursor_execute", fail)
    with pytest.raises(RegistryError, match="full"):
        session.writer.retry()
    assert session.writer.unsaved == (first, second)
