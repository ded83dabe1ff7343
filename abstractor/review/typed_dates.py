"""Dates as people type and notes write them: with what is known of them, and never guessed where day and month could change places."""

import calendar
import re
from dataclasses import dataclass

from abstractor.model.dates import PartialDate

HOW = "write 2021, 2021-03, 2021-03-04 or 4 Mar 2021"

_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
_MONTHS |= {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name} | {"sept": 9}
_MONTH = "(?P<month>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\.?"
_DATE_FORMS = (
    re.compile(r"\b(?P<year>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<day>\d{1,2})\b"),
    re.compile(rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?[\s-]*{_MONTH}[\s,-]*(?P<year>\d{{4}})\b", re.IGNORECASE),
    re.compile(rf"\b{_MONTH}[\s-]+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?[\s-]+(?P<year>\d{{4}})\b", re.IGNORECASE),
    re.compile(r"\b(?P<one>\d{1,2})[/.-](?P<two>\d{1,2})[/.-](?P<year>\d{4})\b"),
    re.compile(rf"\b{_MONTH}[\s,-]*(?P<year>\d{{4}})\b", re.IGNORECASE),
    re.compile(r"\b(?P<year>\d{4})[-/.](?P<m>\d{1,2})\b"),
    re.compile(r"\b(?P<m>\d{1,2})[/.-](?P<year>\d{4})\b"),
    re.compile(r"\b(?P<year>(?:19|20)\d{2})\b"),
)


@dataclass(frozen=True, slots=True)
class DateReading:
    """What typed words say as a date."""

    date: str = ""
    """Partial ISO date; "" where none can be read."""
    problem: str = ""
    """What is wrong, in words that help; "" where nothing is."""


def read_date(text: str) -> str | None:
    """A date as notes write it, as a partial ISO date; None where there is none, or day and month could change places."""
    return _reading(text, whole=False).date or None


def typed_date(text: str) -> DateReading:
    """A date as a person types it: the whole of it must be the date."""
    if not text.strip():
        return DateReading("", HOW)
    return _reading(text.strip(), whole=True)


def date_problem(value: str) -> str:
    """What is wrong with a partial ISO date; "" where nothing is."""
    if not re.fullmatch(r"\d{4}(-\d{2}(-\d{2})?)?", value.strip()):
        return HOW
    try:
        PartialDate.parse(value)
    except ValueError:
        return "there is no such day"
    return ""


def order_problem(start: str | None, end: str | None) -> str:
    """What is wrong with two dates together; "" where nothing is."""
    if not start or not end or date_problem(start) or date_problem(end):
        return ""
    return "the end lies before the start" if PartialDate.parse(end).last < PartialDate.parse(start).first else ""


def _reading(text: str, *, whole: bool) -> DateReading:
    for form in _DATE_FORMS:
        match = form.fullmatch(text) if whole else form.search(text)
        if match:
            return _iso(match.groupdict())
    return DateReading("", HOW)


def _iso(parts: dict[str, str | None]) -> DateReading:
    year = int(parts["year"] or 0)
    if parts.get("one"):
        return _either_way(year, int(parts["one"] or 0), int(parts["two"] or 0))
    named, number, day = parts.get("month"), parts.get("m"), parts.get("day")
    month = _MONTHS[named.lower()] if named else int(number) if number else None
    return _checked(year, month, int(day) if day else None)


def _either_way(year: int, one: int, two: int) -> DateReading:
    """Two numbers before a year: day and month in either order, unless one of them can't be a month."""
    if one <= 12 and two <= 12 and one != two:
        return DateReading("", f"which one: {year:04d}-{two:02d}-{one:02d} or {year:04d}-{one:02d}-{two:02d}?")
    return _checked(year, *((one, two) if one <= 12 else (two, one)))


def _checked(year: int, month: int | None, day: int | None) -> DateReading:
    try:
        return DateReading(str(PartialDate(year, month, day)))
    except ValueError:
        return DateReading("", "there is no such month" if month is not None and month > 12 else "there is no such day")
