"""Decisions are only ever added. What holds now is worked out from all of them (`case.py`)."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from abstractor.model.finding import Assertion
from abstractor.model.suggestion import Evidence


class Action(StrEnum):
    """What was done with a slot, or with the patient (`CLOSE`, `REOPEN`, whose slot is blank)."""

    ACCEPT = "accept"
    PICK = "pick"
    """One of several differing suggestions was taken."""
    EDIT = "edit"
    REJECT = "reject"
    DEFER = "defer"
    NOT_DOCUMENTED = "not_documented"
    ADD = "add"
    """A person added what no rule had found."""
    IMPORT = "import"
    COMMENT = "comment"
    UNDO = "undo"
    REDO = "redo"
    CLOSE = "close"
    REOPEN = "reopen"
    OVERRIDE = "override"
    """A person says that values which an edit check warns of are right as reported; the slot names the check and the values."""
    RECHECK = "recheck"
    """The system asks again: a note this was decided on has a new version."""


STATING = frozenset({Action.ACCEPT, Action.PICK, Action.EDIT, Action.ADD, Action.IMPORT})
"""The actions that make a fact."""


READ_AS = "its words were read as "
"""Begins the reason of an edit whose words the rules read as another value."""


def together(action_id: str) -> str:
    """What the ids of decisions share that one key made (`UUID#1`, `UUID#2`); the id itself of one that stands alone."""
    shared, mark, number = action_id.rpartition("#")
    return shared if mark and number.isdecimal() else action_id


@dataclass(frozen=True, slots=True)
class Decision:
    """One thing somebody decided. It holds everything it states, so that no later run can change what was confirmed."""

    action_id: str
    """Made by the client (UUID): writing the same decision twice, after a lost connection, is one decision.

    Decisions that one key made have one UUID with a number each: `together`.
    """
    patient_id: str
    slot: str
    action: Action
    decided_by: str
    decided_at: str
    """UTC, ISO 8601 with seconds or better, ending in `+00:00`."""
    field: str = ""
    value: str = ""
    assertion: Assertion = Assertion.PRESENT
    date: str | None = None
    end_date: str | None = None
    attributes: Mapping[str, object] = dataclasses.field(default_factory=dict, hash=False)
    evidence: tuple[Evidence, ...] = ()
    source: str = "review"
    """`review`, `import`, `script` or `system`."""
    reason: str = ""
    """Why it was rejected, the text of a comment, or what the words of an edit were read as."""
    undoes: str | None = None
    """Of UNDO: the action_id it takes back; of REDO: the action_id it brings back."""
    offered: str = ""
    """The value that was suggested when this was decided, "" for none; values of a conflict joined by " | "."""
    rule: str = ""
    rulebook: str = ""
    sequence: int = 0
    """Order within the registry, given when it is stored; 0 before."""
