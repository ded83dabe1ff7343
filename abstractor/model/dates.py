"""Dates as notes state them: a year, a year and month, or a day. Imputing is the business of `outcomes`, never of this module."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

_ISO = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[T ]\d{2}.*)?)?)?", re.ASCII)

PLAUSIBLE_YEARS = range(1900, 2200)
"""De-identified dumps shift dates far ahead; what lies outside is a slip."""


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A date of which the day, or the month and the day, may be unknown (None)."""

    year: int
    month: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        month = 1 if self.month is None else self.month  # a month or day 0 ("unknown" elsewhere) is no month or day
        date(self.year, month, 1 if self.day is None else self.day)  # raises ValueError for a day that does not exist
        if self.day is not None and self.month is None:
            raise ValueError("a day without a month")

    @classmethod
    def parse(cls, text: str) -> "PartialDate":
        """Reads `2021`, `2021-03`, `2021-03-04` (a time behind it is dropped).

        Raises:
            ValueError: the text has another form or names a day that does not exist.
        """
        match = _ISO.fullmatch(text.strip())
        if not match:
            raise ValueError(f"not an ISO date: {text!r} (write 2021, 2021-03 or 2021-03-04)")
        year, month, day = (int(part) if part else None for part in match.groups())
        assert year is not None
        return cls(year, month, day)

    @property
    def precision(self) -> str:
        """`day`, `month` or `year`."""
        if self.day is not None:
            return "day"
        return "month" if self.month is not None else "year"

    @property
    def first(self) -> date:
        """The earliest day it can mean."""
        return date(self.year, self.month or 1, self.day or 1)

    @property
    def last(self) -> date:
        """The latest day it can mean."""
        month = self.month or 12
        return date(self.year, month, self.day or monthrange(self.year, month)[1])

    def is_before(self, other: "PartialDate") -> bool:
        """Surely before: on whatever days the two are."""
        return self.last < other.first

    def __str__(self) -> str:
        if self.month is None:
            return f"{self.year:04d}"
        if self.day is None:
            return f"{self.year:04d}-{self.month:02d}"
        return f"{self.year:04d}-{self.month:02d}-{self.day:02d}"


@lru_cache(maxsize=8192)
def stated_date(text: str | None) -> PartialDate | None:
    """A date of a fact; None where there is none, or it can't be read or can't be meant (check E28 tells that)."""
    if not text:
        return None
    try:
        stated = PartialDate.parse(text)
    except ValueError:
        return None
    return stated if stated.year in PLAUSIBLE_YEARS else None


def exact_day(text: str | None) -> date | None:
    """A date that is known to the day, else None."""
    stated = stated_date(text)
    return stated.first if stated is not None and stated.precision == "day" else None
