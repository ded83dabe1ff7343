"""Partial dates become days here and nowhere else; the registry keeps what was stated.

Every imputed day carries a flag of what was missing (`D` the day, `M` the month and day) and can be run at its earliest
or latest value for a sensitivity analysis. A year is never imputed.
"""

import datetime
from dataclasses import dataclass
from typing import Literal

from abstractor.model.dates import PartialDate

Scheme = Literal["mid", "lo", "hi"]
"""Where in a partial date the day is put: the middle (primary analysis), the first or the last day it can mean."""


@dataclass(frozen=True, slots=True, order=True)
class Imputed:
    """A day, and what of it was imputed: "" nothing, "D" the day, "M" the month and the day."""

    date: datetime.date
    flag: str = ""


def impute(
    stated: PartialDate,
    scheme: Scheme = "mid",
    *,
    not_before: datetime.date | None = None,
    not_after: datetime.date | None = None,
) -> Imputed:
    """The day a partial date stands for in the analysis.

    Args:
        stated: as in the record. A full date is returned as it is: anchors never move a stated day.
        scheme: `mid` is the 15th of a month, 30 June of a year.
        not_before: an anchor inside the partial date pulls the day up to it; one outside does nothing.
        not_after: the same, down.
    """
    if stated.precision == "day":
        return Imputed(stated.first)
    first, last = stated.first, stated.last
    if not_before is not None and first <= not_before <= last:
        first = not_before
    if not_after is not None and first <= not_after <= last:
        last = not_after
    day = {"lo": first, "hi": last, "mid": min(max(_middle(stated), first), last)}[scheme]
    return Imputed(day, "D" if stated.precision == "month" else "M")


def _middle(stated: PartialDate) -> datetime.date:
    return datetime.date(stated.year, 6, 30) if stated.month is None else datetime.date(stated.year, stated.month, 15)


def impute_death(
    stated: PartialDate,
    *,
    last_known_alive: datetime.date | None,
    cutoff: datetime.date | None,
    scheme: Scheme = "mid",
) -> Imputed:
    """Death: the middle of the month or year, not before the patient was last known alive in it, at most the cutoff."""
    found = impute(stated, scheme, not_before=last_known_alive)
    if found.flag and cutoff is not None and stated.first <= cutoff < found.date:
        return Imputed(cutoff, found.flag)
    return found
