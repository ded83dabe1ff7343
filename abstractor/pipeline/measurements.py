"""Compares two measurements of one lesion in a sentence ("2.1 cm, previously 4.2 cm") by the thresholds of RECIST.

One lesion is no sum of diameters: what comes out is what the sentence says of that lesion, no more.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from abstractor.pipeline.lexicon import Lexicon
from abstractor.pipeline.sieve import Expression
from abstractor.rulebook.book import RuleBook

_MM = 10
_LARGEST = 300
"""No lesion is larger, in mm."""
_YEAR = 1900
_CENTURY = 100
_UNITLESS = 20
"""Without a unit, larger numbers are no centimetres."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sizes of one lesion."""

    now_mm: float
    was_mm: float
    start: int
    end: int
    rule: str

    @property
    def change(self) -> float:
        """Relative to before: -0.5 is half the size."""
        return (self.now_mm - self.was_mm) / self.was_mm


@dataclass(frozen=True)
class MeasurementReader:
    """The ways to write two measurements, and the thresholds to judge them by."""

    forms: tuple[tuple[str, Expression], ...]
    partial_fall: float
    progressive_rise: float
    progressive_mm: float
    stable_change: float
    months: dict[str, int]
    """First three letters of the names of months to their numbers."""

    @classmethod
    def of(cls, rulebook: RuleBook) -> "MeasurementReader":
        """Compiles `[[measurement]]` and `[numbers]` of `response.toml`."""
        lexicon = Lexicon.of(rulebook, "response")
        return cls(
            forms=tuple((str(row["id"]), lexicon.compiled(str(row["regex"]))) for row in lexicon.rows("measurement")),
            partial_fall=lexicon.number("partial_fall", 0.3),
            progressive_rise=lexicon.number("progressive_rise", 0.2),
            progressive_mm=lexicon.number("progressive_mm", 5),
            stable_change=lexicon.number("stable_change", 0.1),
            months=lexicon.numbers("month"),
        )

    def comparisons(self, text: str, start: int, end: int) -> Iterator[Comparison]:
        """Pairs of sizes between two offsets, in the order of the forms, without overlap."""
        taken: list[tuple[int, int]] = []
        for name, form in self.forms:
            for match in form.finditer(text, start, end):
                if any(match.start() < other_end and other_start < match.end() for other_start, other_end in taken):
                    continue
                sizes = _sizes(match) if "was_date" not in form.groupindex else self._dated_sizes(match)
                if sizes is None:
                    continue
                taken.append(match.span())
                yield Comparison(sizes[0], sizes[1], match.start(), match.end(), f"response.measured.{name}")

    def _dated_sizes(self, match: re.Match[str]) -> tuple[float, float] | None:
        """Both sizes in mm, the later one first; None where the dates don't say which is the later one."""
        sizes = _sizes(match)
        first, second = (self._readings(match[name]) for name in ("was_date", "now_date"))
        orders = {(one > other) - (one < other) for one, other in zip(first, second, strict=True)}
        if sizes is None or len(orders) > 1 or orders == {0}:
            return None
        return sizes if orders == {-1} else (sizes[1], sizes[0])

    def _readings(self, written: str) -> list[tuple[int, ...]]:
        """A date as year, month, day: day first, and month first. What is not written is 0."""
        numbers = [int(part) for part in re.findall(r"\d+", written)]
        named = next(
            (self.months[word[:3]] for word in re.findall(r"[a-z]+", written.lower()) if word[:3] in self.months), 0
        )
        year = next((number for number in numbers if number >= _YEAR), 0)
        if named:
            day = next((number for number in numbers if number < _YEAR), 0)
            return [(year, named, day)] * 2
        if numbers[0] >= _YEAR:
            return [tuple(numbers)] * 2
        one, other, last = numbers
        return [(last % _CENTURY, other, one), (last % _CENTURY, one, other)]

    def judged(self, one: Comparison) -> str | None:
        """PR, SD or PD; None where the change is between the thresholds."""
        if one.change <= -self.partial_fall:
            return "PR"
        if one.change >= self.progressive_rise and one.now_mm - one.was_mm >= self.progressive_mm:
            return "PD"
        return "SD" if abs(one.change) < self.stable_change else None


def _sizes(match: re.Match[str]) -> tuple[float, float] | None:
    """Both sizes in mm: the largest diameter of each; a unit that stands once holds for both."""
    units = [match["now_unit"], match["was_unit"]]
    now, was = float(match["now"]), float(match["was"])
    if not any(units) and (max(now, was) > _UNITLESS or not ("." in match["now"] or "." in match["was"])):
        return None
    unit_now, unit_was = units[0] or units[1] or "cm", units[1] or units[0] or "cm"
    now_mm = now * (_MM if unit_now.lower().startswith("c") else 1)
    was_mm = was * (_MM if unit_was.lower().startswith("c") else 1)
    if not (0 < was_mm <= _LARGEST and 0 < now_mm <= _LARGEST):
        return None
    return now_mm, was_mm
