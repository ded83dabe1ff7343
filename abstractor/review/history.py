"""What was ever done with one row: each decision with what held before and after it. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from abstractor.model.case import fold
from abstractor.model.decision import STATING, Action, Decision
from abstractor.review.rows import Choice

NOTHING = "--"
"""What held before the first decision."""


@dataclass(frozen=True, slots=True)
class Step:
    """One decision, with what held before and after it."""

    decision: Decision
    before: str
    after: str
    taken_back: Decision | None = None
    """The undo that still stands against it."""


def history(decisions: Iterable[Decision], slot: str, label_of: Callable[[str], str] = str) -> tuple[Step, ...]:
    """The steps of a slot, oldest first, with the closings and reopenings of the patient between them.

    Args:
        decisions: all on one patient, oldest first.
        slot: the row.
        label_of: how a value is shown; as it is stored, where nothing is given.
    """
    concerned = [one for one in decisions if one.slot == slot or one.action in {Action.CLOSE, Action.REOPEN}]
    standing = _standing_undos(concerned)
    steps = []
    before = NOTHING
    for number, one in enumerate(concerned, 1):
        held = fold(one.patient_id, concerned[:number]).current.get(slot)
        after = tell_value(held, label_of)
        steps.append(Step(one, before, after, standing.get(one.action_id)))
        before = after
    return tuple(steps)


def _standing_undos(decisions: Sequence[Decision]) -> dict[str, Decision]:
    """Of each decision that is taken back now, the undo that did it."""
    found: dict[str, Decision] = {}
    for one in decisions:
        if one.action is Action.UNDO and one.undoes:
            found[one.undoes] = one
        elif one.action is Action.REDO and one.undoes:
            found.pop(one.undoes, None)
    return found


def tell_value(held: Decision | None, label_of: Callable[[str], str] = str) -> str:
    """What a decision states, with its dates; what states nothing is named by what was done."""
    if held is None:
        return NOTHING
    if held.action not in STATING:
        return {Action.DEFER: "deferred", Action.REJECT: "rejected"}.get(held.action, "not documented")
    value = Choice(held.value, held.assertion, attributes=held.attributes).told(label_of)
    date = "" if held.date is None or held.date == held.value else f" {held.date}"
    return f"{value}{date}{f' to {held.end_date}' if held.end_date else ''}"
