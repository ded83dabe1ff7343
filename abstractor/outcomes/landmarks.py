"""Groups that form only after time zero: refused as they are, and the two ways to analyse them rightly.

Who responds has lived long enough to respond; counting that time for the responders is immortal time. A landmark analysis follows
from a day chosen in advance, by what had happened until then; a time-dependent covariate counts each patient as not yet reached
until the day it happened. Pure numbers, times from time zero.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from abstractor.model.errors import InputError
from abstractor.outcomes.survival import Floats, Sample, join_near_times

AFTER_TIME_ZERO = frozenset(
    {
        "best_response", "confirmed_best_response", "response", "n_lines", "line1_drugs", "line1_stop", "radiotherapy",
        "systemic_therapy", "therapy_cycles", "platinum_sensitivity", "platinum_free_interval_days", "vital_status",
        "response_evaluable", "best_response_date",
    }
)  # fmt: skip
"""Columns of the analysis that are known only after time zero."""

_LATER_WORDS = frozenset(
    {
        "response", "responder", "responders", "responded", "bor", "orr", "lines", "pci", "consolidation", "maintenance",
        "rechallenge", "sequenced", "progressed", "progression", "relapse", "relapsed", "event", "cycles", "toxicity",
    }
)  # fmt: skip
"""Parts of the name of a column that say the same in tables of others."""


@dataclass(frozen=True, slots=True)
class Followed:
    """One patient: when something happened (None: never), and the end of follow-up."""

    reached: float | None
    exit: float
    event: bool


@dataclass(frozen=True, slots=True)
class FromLandmark:
    """One patient who was still followed at the landmark."""

    place: int
    """In the order given, from 0."""
    reached: bool
    """It had happened by the landmark; later does not count."""
    days: float
    """From the landmark."""
    event: bool


def from_landmark(patients: Sequence[Followed], day: float) -> tuple[FromLandmark, ...]:
    """Those followed beyond the landmark, with their time from it; the others are excluded."""
    return tuple(
        FromLandmark(place, one.reached is not None and one.reached <= day, one.exit - day, one.event)
        for place, one in enumerate(patients)
        if one.exit > day
    )


def time_dependent(patients: Sequence[Followed], entry: Sequence[float] | None = None) -> tuple[Sample, Floats, Floats]:
    """Splits each patient where it happened, for a Cox model with a covariate that changes on that day.

    It counts from the moment after it happened: an event on the same day is one of who had not reached it.

    Args:
        patients: as followed from time zero.
        entry: delayed entry of each, if there is one.

    Returns:
        The episodes; 1 for the time after it happened, else 0; and the place of each episode's patient in the order given.
    """
    rows: list[tuple[float, float, bool, float, int]] = []
    for place, one in enumerate(patients):
        begin = entry[place] if entry is not None else -1.0  # before 0: an event on day 0 is at risk
        change = one.reached if one.reached is not None and one.reached < one.exit else None
        if change is None:
            rows.append((begin, one.exit, one.event, 0.0, place))
        elif change <= begin:
            rows.append((begin, one.exit, one.event, 1.0, place))
        else:
            rows += [(begin, change, False, 0.0, place), (change, one.exit, one.event, 1.0, place)]
    begins, ends, events, after, places = (np.array(column) for column in zip(*rows, strict=True))
    joined = join_near_times(np.concatenate((ends, begins)).astype(float))
    data = Sample(joined[: ends.size], events.astype(bool), joined[ends.size :], delayed=True)
    return data, after.astype(float), places.astype(float)


def known_late(column: str) -> bool:
    """Whether a column, by its name, is known only after time zero."""
    name = column.lower().replace(".", "_")
    return name in AFTER_TIME_ZERO or bool(_LATER_WORDS & set(re.split(r"[^a-z]+", name)))


def refuse_immortal_time(column: str, remedy: str) -> None:
    """Stops a plain comparison by such a column.

    Raises:
        InputError: says why, and what to do instead.
    """
    if known_late(column):
        raise InputError(
            f"grouping by {column}: known only after time zero, so its groups would bring immortal time; {remedy}"
        )
