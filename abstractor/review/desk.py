"""The desk of one person: audits, second readings, differences to settle, and what others had to say. What each is, is decided elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

KINDS: Mapping[str, str] = {
    "audit": "audit",
    "blind": "second reading",
    "adjudicate": "adjudicate",
    "inbox": "inbox",
    "query": "query",
}
"""Kind of a piece of work to its words on the screen."""


@dataclass(frozen=True, slots=True)
class DeskItem:
    """One piece of work."""

    id: str
    kind: str
    """One of `KINDS`."""
    patient_id: str
    items: int
    """Rows, differences or messages in it."""
    state: str
    """In a word or two: `open`, `12 of 40 done`, `unread`."""
    due: str = ""
    """ISO date; "" for none."""
    name: str = ""
    """What it is called where it is not about one patient: the sample of an audit."""
    waits: bool = True
    """False where it is shown to be looked at, and nothing is left to do: a locked audit."""


class QualityDesk(Protocol):
    """Where the screen gets its rows. It is asked beside the screen, so it may read a registry."""

    def items(self, user: str) -> Sequence[DeskItem]:
        """What waits for a person, the most urgent first.

        Raises:
            AbstractorError: it can't be told; the message says why.
        """
        ...
