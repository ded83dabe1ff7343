"""What all parts of a review session share: whose work on which patient it is, and the patient as it is shown."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from abstractor.model.case import Case
from abstractor.registry.decisions import DecisionLog, RegistryLog
from abstractor.registry.engine import Registry
from abstractor.review.config import ReviewConfig
from abstractor.review.rows import Row
from abstractor.rulebook.book import RuleBook


@dataclass(frozen=True, slots=True)
class Work:
    """One person's work on one patient, and the means for it; it stays the same for a whole session."""

    registry: Registry
    """Where notes, suggestions, drafts and leases are."""
    log: DecisionLog
    """Where decisions are read and written."""
    book: RuleBook
    patient_id: str
    user: str
    config: ReviewConfig
    clock: Callable[[], str]
    """Gives the time, UTC, ISO 8601."""
    new_id: Callable[[], str]

    @property
    def on_record(self) -> bool:
        """Whether decisions go to the registry's own record; False for a blind second reading."""
        return isinstance(self.log, RegistryLog)


class Shown(Protocol):
    """The patient as this person sees it. The session is one; its parts know it as this."""

    @property
    def case(self) -> Case:
        """What holds now."""
        ...

    @property
    def rows(self) -> tuple[Row, ...]:
        """The questions, in order."""
        ...

    def settle(self) -> None:
        """Reads what was decided, and arranges the rows by it."""
        ...

    def reload(self) -> None:
        """Reads everything about the patient anew."""
        ...
