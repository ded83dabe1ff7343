"""How long work reports that it goes on: through a callback, so that nothing here knows of terminals."""

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[int, int | None], None]
"""Called with what is done so far and the total, if it is known."""


def silent(_done: int, _total: int | None) -> None:
    """The progress of those who do not want to know."""


@dataclass(frozen=True, slots=True)
class Status:
    """How far a dump is."""

    notes: int
    """Done by this run."""
    with_findings: int
    quarantined: int
    read: int
    """Bytes of the dump's files."""
    size: int
    """Bytes of all of them."""


Watch = Callable[[Status], None]


def unwatched(_status: Status) -> None:
    """The watch of those who do not want to know."""
