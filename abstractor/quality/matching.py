"""Which event of one reader is which of the other: one to one, the fewest days apart in all; and what that says of finding them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy.optimize import linear_sum_assignment

from abstractor.outcomes.proportions import clopper_pearson
from abstractor.quality.agreement import Estimate

Event = TypeVar("Event")

_NEVER = 1e9
"""Cost of a pair that may not be: more than any number of real pairs."""


def match_events(
    first: Sequence[Event], second: Sequence[Event], apart: Callable[[Event, Event], int | None]
) -> list[tuple[int, int]]:
    """As many pairs as can be, and of those pairings the one with the fewest days in all.

    Args:
        first: events of one reader.
        second: events of the other.
        apart: days between two events; None for two that can't be the same.

    Returns:
        Places in `first` and `second`, ascending.
    """
    if not first or not second:
        return []
    costs = np.array([[_cost(apart(one, other)) for other in second] for one in first])
    rows, columns = linear_sum_assignment(costs)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if costs[row, column] < _NEVER]


def _cost(days: int | None) -> float:
    return _NEVER if days is None else float(days)


@dataclass(frozen=True, slots=True)
class Found:
    """How many facts both found, and each alone."""

    both: int
    first_only: int
    second_only: int

    @property
    def f1(self) -> float | None:
        """2 TP / (2 TP + FP + FN): the same whichever reader is taken for the truth."""
        whole = 2 * self.both + self.first_only + self.second_only
        return 2 * self.both / whole if whole else None


def recall(both: int, other_only: int, level: float = 0.95) -> Estimate:
    """Of the true facts that the other reader found, the share this one found too; exact interval."""
    n = both + other_only
    if not n:
        return Estimate(None)
    lower, upper = clopper_pearson(both, n, level)
    return Estimate(both / n, lower, upper, n, "exact (Clopper–Pearson)")


CAVEAT = (
    "What both missed can't be seen. The estimate takes the readers to miss facts independently of each other; two who saw the same "
    "suggestions miss the same facts, and then there are more missed facts than it says."
)


def estimated_total(found: Found, level: float = 0.95) -> Estimate:
    """How many facts there are in all, those both missed too (Chapman's capture–recapture estimate; see `CAVEAT`).

    The interval is log-normal on what was not seen (Chao 1987), so that it never falls below what was.
    """
    n1, n2, both = found.both + found.first_only, found.both + found.second_only, found.both
    seen = both + found.first_only + found.second_only
    if not both:
        return Estimate(None, n=seen)
    total = (n1 + 1) * (n2 + 1) / (both + 1) - 1
    variance = (n1 + 1) * (n2 + 1) * (n1 - both) * (n2 - both) / ((both + 1) ** 2 * (both + 2))
    unseen = total - seen
    if unseen <= 0 or variance <= 0:
        return Estimate(total, total, total, seen, "nothing points to facts that both missed")
    from scipy.stats import norm

    spread = float(np.exp(norm.ppf((1 + level) / 2) * np.sqrt(np.log(1 + variance / unseen**2))))
    return Estimate(total, seen + unseen / spread, seen + unseen * spread, seen, "log-normal (Chao)")
