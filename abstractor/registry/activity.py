"""The decision log as work: who did what with which item when, without values, words or evidence. It reads, and changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Select, func, select

from abstractor.model.decision import Action
from abstractor.registry.engine import Registry
from abstractor.registry.people import require_person, require_self
from abstractor.registry.readings import read_blind
from abstractor.registry.tables import AssignmentRow, DecisionRow, MessageRow, QualityReadingRow


@dataclass(frozen=True, slots=True)
class Step:
    """One decision, as far as it is work."""

    sequence: int
    """Order within the registry."""
    action_id: str
    action: Action
    field: str
    decided_at: str
    """UTC, ISO 8601."""
    undoes: str | None
    offered: bool
    """Something had been suggested."""


def last_sequence(registry: Registry) -> int:
    """The place of the last decision of all; 0 where there is none."""
    with registry.read() as connection:
        return connection.execute(select(func.max(DecisionRow.sequence))).scalar() or 0


def own_steps(registry: Registry, user: str) -> tuple[Step, ...]:
    """What one person decided in review, oldest first; nobody else's steps are read."""
    statement = _steps().where(DecisionRow.decided_by == user)
    with registry.read() as connection:
        require_self(registry, connection, user)
        return tuple(
            Step(
                row.sequence,
                row.action_id,
                Action(row.action),
                row.field,
                row.decided_at,
                row.undoes,
                bool(row.offered),
            )
            for row in connection.execute(statement)
        )


def people(registry: Registry) -> tuple[str, ...]:
    """Everybody who has decided, reads a second time, has work assigned, or was ever written to, in the order of the alphabet."""
    columns = (
        DecisionRow.decided_by,
        QualityReadingRow.reader,
        AssignmentRow.user,
        MessageRow.sender,
        MessageRow.recipient,
    )
    with registry.read() as connection:
        require_person(registry, connection)
        return tuple(sorted({str(name) for one in columns for name in connection.scalars(select(one).distinct())}))


def _steps() -> Select[int, str, str, str, str, str | None, str]:
    table = DecisionRow
    return (
        select(
            table.sequence, table.action_id, table.action, table.field, table.decided_at, table.undoes, table.offered
        )
        .where(table.source == "review")
        .order_by(table.sequence)
    )


def item_counts(registry: Registry, user: str = "") -> Mapping[str, Mapping[Action, int]]:
    """How often each field was accepted, edited, rejected ... in review by everybody together; never by whom.

    What was undone counts as it was decided: undoing and deciding again is two decisions and one undo. Patients that `user` is to read
    blind are left out: nothing of what was decided on them may be seen.
    """
    statement = (
        select(DecisionRow.field, DecisionRow.action, func.count())
        .where(DecisionRow.source == "review")
        .group_by(DecisionRow.field, DecisionRow.action)
    )
    if blind := read_blind(registry, user) if user else {}:
        statement = statement.where(DecisionRow.patient_id.not_in(blind))
    found: dict[str, dict[Action, int]] = {}
    with registry.read() as connection:
        require_person(registry, connection)
        for field, action, count in connection.execute(statement):
            found.setdefault(field, {})[Action(action)] = count
    return found
