"""How suggestions are taken: accepted as they are, by confidence and by speed. Rates of items, for the process; never of persons.

No function here gives a figure of one person, and none takes a person's name: what is measured is whether suggestions are believed
without looking, which is a fault of the screen and of the suggestions first.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from abstractor.model.decision import Action
from abstractor.outcomes.proportions import clopper_pearson
from abstractor.quality.agreement import Estimate
from abstractor.quality.frame import Held

RUN = 30
"""Acceptances in a row, each under `fast_seconds`, that are called a fast run (as the review screen does)."""
_OFFERED = frozenset({Action.ACCEPT, Action.PICK, Action.EDIT, Action.REJECT})


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Of some items, how their suggestions were taken."""

    group: str
    offered: int
    """Decisions on something that was suggested."""
    accepted: Estimate
    """Taken as it was, exact interval."""
    seconds: float | None
    """Median time of a decision."""
    fast: Estimate
    """Decided sooner than `fast_seconds`, of those with a known time."""


def behaviour(held: Iterable[Held], trait: str, fast_seconds: float) -> tuple[Behaviour, ...]:
    """Rates by a trait of the items: `confidence`, `rule`, `note_type`, or `field`.

    Raises:
        ValueError: the trait is the abstractor; persons are not ranked.
    """
    if trait == "abstractor":
        raise ValueError("rates are of items, never of persons")
    groups: dict[str, list[Held]] = defaultdict(list)
    for one in held:
        if one.decision.action in _OFFERED:
            groups[one.decision.field if trait == "field" else one.unit.traits[trait]].append(one)
    return tuple(_behaviour(name, items, fast_seconds) for name, items in sorted(groups.items()))


def _behaviour(name: str, items: Sequence[Held], fast_seconds: float) -> Behaviour:
    times = [one.seconds for one in items if one.seconds is not None]
    return Behaviour(
        name,
        len(items),
        _share(sum(one.decision.action is Action.ACCEPT for one in items), len(items)),
        median(times) if times else None,
        _share(sum(one < fast_seconds for one in times), len(times)),
    )


def _share(hits: int, n: int) -> Estimate:
    if not n:
        return Estimate(None)
    lower, upper = clopper_pearson(hits, n)
    return Estimate(hits / n, lower, upper, n, "exact (Clopper–Pearson)")


def fast_runs(held: Iterable[Held], fast_seconds: float, run: int = RUN) -> int:
    """How many stretches of at least `run` acceptances in a row, each under `fast_seconds`, there are in all charts."""
    charts: dict[str, list[Held]] = defaultdict(list)
    for one in held:
        charts[one.decision.patient_id].append(one)
    found = 0
    for items in charts.values():
        length = 0
        for one in sorted(items, key=lambda item: item.decision.sequence):
            quick = one.seconds is not None and one.seconds < fast_seconds and one.decision.action is Action.ACCEPT
            length = length + 1 if quick else 0
            found += length == run
    return found


def chart_minutes(held: Iterable[Held]) -> dict[str, float]:
    """Minutes of work by patient: the times of the decisions that hold, without pauses and without the reading before the first one.

    Patients of whom no time is known are left out.
    """
    found: dict[str, float] = defaultdict(float)
    for one in held:
        if one.seconds is not None:
            found[one.decision.patient_id] += one.seconds / 60
    return dict(found)
