"""Landmark analysis: survival from a day chosen in advance, grouped by what had happened until that day.

The way to ask whether responders live longer: nobody counts as a responder for time before the response, and who left
before the landmark is out. Pure numbers, in days from time zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Followed:
    """One patient: when something happened (None: never), and the end of follow-up."""

    reached: int | None
    exit: int
    event: bool


@dataclass(frozen=True, slots=True)
class FromLandmark:
    """One patient who was still followed at the landmark."""

    place: int
    """In the order given, from 0."""
    reached: bool
    """It had happened by the landmark; later does not count."""
    days: int
    """From the landmark."""
    event: bool


def from_landmark(patients: Sequence[Followed], day: int) -> tuple[FromLandmark, ...]:
    """Those followed beyond the landmark, with their time from it; the others are excluded."""
    return tuple(
        FromLandmark(place, one.reached is not None and one.reached <= day, one.exit - day, one.event)
        for place, one in enumerate(patients)
        if one.exit > day
    )
