"""How the work goes: sessions of one person out of their own decisions, and what is made of each item. Pure, and never a ranking.

A session is a stretch of one person's decisions without a longer break. Seconds a fact are those since the step before, so that a session's
first decision counts as a fact and not as time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import median

from abstractor.model.decision import Action
from abstractor.registry.activity import Step

DECIDING = frozenset({Action.ACCEPT, Action.PICK, Action.EDIT, Action.REJECT, Action.NOT_DOCUMENTED, Action.ADD})
"""What answers a question; a deferral leaves it open."""
BREAK_MINUTES = 30.0
"""So long without a step ends a session."""


@dataclass(frozen=True, slots=True)
class Tally:
    """A session in numbers; None is what can't be told yet."""

    start: str
    end: str
    decided: int
    """Facts that were decided and not taken back within the session."""
    seconds: float
    """Between the steps, all together."""
    timed: int
    """Facts of which the seconds are known."""
    median_seconds: float | None
    undone: int
    steps: int
    """Every decision made, taken back or not."""
    keys: int | None = None
    """Pressed in the interface; counted in memory only, so known of the running session alone."""

    @property
    def facts_per_hour(self) -> float | None:
        return 3600 * self.timed / self.seconds if self.seconds > 0 and self.timed else None

    @property
    def keys_per_fact(self) -> float | None:
        return self.keys / self.decided if self.keys is not None and self.decided else None

    @property
    def undo_share(self) -> float | None:
        """Undone of all decisions made."""
        return self.undone / self.steps if self.steps else None


@dataclass(frozen=True, slots=True)
class ItemRates:
    """What is made of one item, in counts; `total` is what the shares are of."""

    field: str
    accepted: int
    edited: int
    """Given another value, or one of several was picked."""
    rejected: int
    added: int
    """Stated where nothing had been suggested."""

    @property
    def total(self) -> int:
        return self.accepted + self.edited + self.rejected + self.added

    def share(self, count: int) -> float:
        return count / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: this session, those before it, and the items."""

    now: Tally
    earlier: tuple[Tally, ...]
    mine: tuple[ItemRates, ...]
    all: tuple[ItemRates, ...]


def tally(steps: Sequence[Step], keys: int | None = None) -> Tally:
    """The numbers of one session.

    Args:
        steps: of one person, oldest first.
        keys: pressed in it, where they were counted.
    """
    gone = _taken_back(steps)
    gaps = [max(0.0, _seconds(before, one)) for before, one in pairwise(steps) if one.action in DECIDING]
    every = [max(0.0, _seconds(before, one)) for before, one in pairwise(steps)]
    made = [one for one in steps if one.action in DECIDING]
    return Tally(
        start=steps[0].decided_at if steps else "",
        end=steps[-1].decided_at if steps else "",
        decided=sum(one.action_id not in gone for one in made),
        seconds=sum(every),
        timed=len(gaps),
        median_seconds=median(gaps) if gaps else None,
        undone=sum(one.action is Action.UNDO for one in steps),
        steps=len(made),
        keys=keys,
    )


def _taken_back(steps: Iterable[Step]) -> set[str]:
    gone: set[str] = set()
    for one in steps:
        if one.action is Action.UNDO and one.undoes:
            gone.add(one.undoes)
        elif one.action is Action.REDO and one.undoes:
            gone.discard(one.undoes)
    return gone


def sessions(steps: Sequence[Step], break_minutes: float = BREAK_MINUTES) -> list[list[Step]]:
    """The steps of one person cut where a break is longer than that; the latest session last."""
    found: list[list[Step]] = []
    for one in steps:
        if found and _seconds(found[-1][-1], one) <= break_minutes * 60:
            found[-1].append(one)
        else:
            found.append([one])
    return found


def _seconds(before: Step, after: Step) -> float:
    """Between two steps; below 0 where a clock was set back."""
    return (datetime.fromisoformat(after.decided_at) - datetime.fromisoformat(before.decided_at)).total_seconds()


def own_rates(steps: Iterable[Step]) -> tuple[ItemRates, ...]:
    """Of one person's steps, by field."""
    counts: dict[str, dict[Action, int]] = {}
    for one in steps:
        of_field = counts.setdefault(one.field, {})
        of_field[one.action] = of_field.get(one.action, 0) + 1
    return rates(counts)


def rates(counts: Mapping[str, Mapping[Action, int]]) -> tuple[ItemRates, ...]:
    """From counts by field and action, the fields with the most decisions first; fields nobody decided on are left out."""
    found = [
        ItemRates(
            field=field,
            accepted=of_field.get(Action.ACCEPT, 0),
            edited=of_field.get(Action.EDIT, 0) + of_field.get(Action.PICK, 0),
            rejected=of_field.get(Action.REJECT, 0),
            added=of_field.get(Action.ADD, 0),
        )
        for field, of_field in counts.items()
    ]
    return tuple(sorted((one for one in found if one.total), key=lambda one: (-one.total, one.field)))


def minutes_left(facts: int, median_seconds: float | None) -> float | None:
    """How long so many facts take at this pace; None where the pace is not known."""
    return None if median_seconds is None else facts * median_seconds / 60
