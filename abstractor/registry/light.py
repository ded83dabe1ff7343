"""Decisions without words and attributes, for what only counts them: a list of thousands of patients must open at once. For this package only."""

from typing import Any

from abstractor.model.decision import Action, Decision
from abstractor.model.finding import Assertion
from abstractor.registry.tables import DecisionRow

LIGHT = (
    DecisionRow.patient_id,
    DecisionRow.action_id,
    DecisionRow.slot,
    DecisionRow.action,
    DecisionRow.decided_by,
    DecisionRow.decided_at,
    DecisionRow.source,
    DecisionRow.undoes,
    DecisionRow.sequence,
)
"""The columns that folding needs, in the order in which `light_decision` takes them."""

_ACTIONS = {action.value: action for action in Action}


def light_decision(
    patient_id: str,
    action_id: str,
    slot: str,
    action: str,
    decided_by: str,
    decided_at: str,
    source: str,
    undoes: str | None,
    sequence: int,
    **judged: Any,
) -> Decision:
    """A row of `LIGHT` as a decision; `judged` is what else of it was read, by the names of `Decision`."""
    return Decision(
        action_id=action_id,
        patient_id=patient_id,
        slot=slot,
        action=_ACTIONS[action],
        decided_by=decided_by,
        decided_at=decided_at,
        assertion=Assertion.PRESENT,
        source=source,
        undoes=undoes,
        sequence=sequence,
        **judged,
    )
