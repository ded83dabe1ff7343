"""What facts state of deaths and lines of therapy, and when two such statements contradict each other.

The one copy of these rules: the checks tell a contradiction while there is still somebody who can mend it, and `outcomes` decides by the
same rules what it does not compute with.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from abstractor.model.dates import PartialDate, stated_date
from abstractor.model.fact import Fact
from abstractor.model.finding import Assertion

_SEPARATORS = re.compile(r"\s*(?:\+|,|;|/|\band\b)\s*")
_BY_PRECISION = {"day": 0, "month": 1, "year": 2}


@dataclass(frozen=True, slots=True)
class StatedLine:
    """A line of therapy as a person has stated it."""

    number: int
    fact: Fact
    drugs: tuple[str, ...]
    start: PartialDate
    stop: PartialDate | None
    cycles: int | None

    def is_doubled_by(self, after: "StatedLine") -> bool:
        """Whether both are the same line, with starts of their own."""
        return self.number == after.number and self.start != after.start

    def is_out_of_order_with(self, after: "StatedLine") -> bool:
        """Whether the next line starts no later than this one, on whatever days they do."""
        return after.start.last <= self.start.first

    def overlaps(self, after: "StatedLine") -> bool:
        """Whether this line ends when the next one has started, on whatever days they do."""
        return self.stop is not None and self.stop.first >= after.start.last


def stated_lines(facts: Iterable[Fact]) -> tuple[StatedLine, ...]:
    """The lines of therapy with a number and a start, by number and start."""
    found = [
        StatedLine(
            number=number,
            fact=one,
            drugs=split_drugs(one.attributes.get("drugs")),
            start=start,
            stop=stated_date(one.end_date),
            cycles=_whole_number(one.attributes.get("cycles")),
        )
        for one in facts
        if _holds(one, "therapy_line")
        and (number := _whole_number(one.value))
        and (start := stated_date(one.date)) is not None
    ]
    return tuple(sorted(found, key=lambda one: (one.number, one.start.first, one.fact.slot)))


def ends_before_it_starts(fact: Fact) -> bool:
    """Whether a span runs backwards, on whatever days its ends are."""
    start, end = stated_date(fact.date), stated_date(fact.end_date)
    return start is not None and end is not None and end.is_before(start)


@dataclass(frozen=True, slots=True)
class StatedDeath:
    """A death as stated; no date where only the fact of it is known."""

    date: PartialDate | None
    fact: Fact


def stated_deaths(facts: Iterable[Fact]) -> tuple[StatedDeath, ...]:
    """Every statement of a patient's death, the most precise date first."""
    known = tuple(facts)
    found = [
        StatedDeath(stated_date(one.value) or stated_date(one.date), one) for one in known if _holds(one, "death_date")
    ]
    found += [
        StatedDeath(stated_date(one.date), one) for one in known if _holds(one, "vital_status") and one.value == "dead"
    ]
    return tuple(sorted(found, key=_most_precise))


def other_deaths(deaths: Iterable[StatedDeath]) -> tuple[StatedDeath, ...]:
    """Those that can't be the first dated one: a patient dies once."""
    dated = [(one.date, one) for one in deaths if one.date is not None]
    return tuple(one for when, one in dated[1:] if when.is_before(dated[0][0]) or dated[0][0].is_before(when))


def split_drugs(stated: object) -> tuple[str, ...]:
    """Drug names from a list, or from text such as `carboplatin + etoposide`; lower case, each once."""
    parts: Iterable[object] = stated if isinstance(stated, list | tuple) else _SEPARATORS.split(str(stated or ""))
    return tuple(dict.fromkeys(text for part in parts if (text := str(part).strip().lower())))


def _holds(fact: Fact, field: str) -> bool:
    return fact.field == field and fact.assertion is Assertion.PRESENT


def _most_precise(death: StatedDeath) -> tuple[int, str]:
    return (3, "") if death.date is None else (_BY_PRECISION[death.date.precision], str(death.date))


def _whole_number(stated: object) -> int | None:
    text = str(stated if stated is not None else "").strip()
    return int(text) if text.isdecimal() else None
