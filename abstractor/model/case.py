"""A patient's case is the fold of the decisions about it: pure, so that audit, undo and the current value can't disagree."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from abstractor.model.decision import STATING, Action, Decision
from abstractor.model.fact import Fact

OVERRIDE_PREFIX = "check:"
"""How the slot of an `OVERRIDE` begins: `check:E14:KEY`. No field is called so."""


@dataclass(frozen=True, slots=True)
class Case:
    """What holds now, slot by slot."""

    patient_id: str
    current: dict[str, Decision] = field(default_factory=dict)
    """Slot to the decision that holds; a slot without one is undecided."""
    comments: dict[str, tuple[Decision, ...]] = field(default_factory=dict)
    recheck: frozenset[str] = frozenset()
    """Slots whose decision stands but must be looked at again, because a note it rests on has changed."""
    overrides: dict[str, Decision] = field(default_factory=dict)
    """What was said to be right as reported, by the slot of the problem; void where the values have changed: the key is another then."""
    closed: bool = False
    undoable: tuple[Decision, ...] = ()
    """Oldest first; the last one is what `undo` takes back."""
    redoable: tuple[Decision, ...] = ()
    """Oldest first; the last one is what `redo` brings back."""
    version: int = 0
    """The sequence of the last decision seen: a writer states it, and is refused if there is a newer one."""

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The confirmed facts, in the order of their slots."""
        return tuple(_fact(decision) for _, decision in sorted(self.current.items()) if decision.action in STATING)


def fold(patient_id: str, decisions: Iterable[Decision]) -> Case:
    """Works out what holds from the decisions on one patient, oldest first.

    An undo takes back one earlier decision and lets the one before it hold again; a redo brings it back; any other new
    decision empties what can be redone. Closing and reopening can't be undone past: they are steps of their own.
    """
    live: list[Decision] = []
    redoable: list[Decision] = []
    version = 0
    for decision in decisions:
        version = max(version, decision.sequence)
        if decision.action is Action.UNDO:
            taken = next((one for one in reversed(live) if one.action_id == decision.undoes), None)
            if taken is not None:
                live.remove(taken)
                redoable.append(taken)
        elif decision.action is Action.REDO:
            back = next((one for one in redoable if one.action_id == decision.undoes), None)
            if back is not None:
                redoable.remove(back)
                live.append(back)
        else:
            live.append(decision)
            if decision.source == "review":
                redoable.clear()
    return _settle(patient_id, live, redoable, version)


def _settle(patient_id: str, live: list[Decision], redoable: list[Decision], version: int) -> Case:
    current: dict[str, Decision] = {}
    comments: dict[str, list[Decision]] = {}
    overrides: dict[str, Decision] = {}
    recheck: set[str] = set()
    closed = False
    undoable: list[Decision] = []
    for decision in live:
        if decision.action is Action.CLOSE:
            closed = True
            undoable.clear()
        elif decision.action is Action.REOPEN:
            closed = False
        elif decision.action is Action.RECHECK:
            if decision.slot in current:
                recheck.add(decision.slot)
        elif decision.action is Action.COMMENT:
            comments.setdefault(decision.slot, []).append(decision)
            undoable.append(decision)
        elif decision.action is Action.OVERRIDE:
            overrides[decision.slot] = decision
            undoable.append(decision)
        else:
            current[decision.slot] = decision
            recheck.discard(decision.slot)
            undoable.append(decision)
    return Case(
        patient_id=patient_id,
        current=current,
        comments={slot: tuple(said) for slot, said in comments.items()},
        recheck=frozenset(recheck),
        overrides=overrides,
        closed=closed,
        undoable=tuple(undoable),
        redoable=tuple(redoable),
        version=version,
    )


def _fact(decision: Decision) -> Fact:
    return Fact(
        patient_id=decision.patient_id,
        field=decision.field,
        value=decision.value,
        assertion=decision.assertion,
        date=decision.date,
        end_date=decision.end_date,
        attributes=decision.attributes,
        source=decision.source,
        decided_by=decision.decided_by,
        decided_at=decision.decided_at,
        evidence=decision.evidence,
        slot=decision.slot,
        action_id=decision.action_id,
    )
