"""Reads the dates of a note and ties them to mentions: stated, relative to the note's day, or the note's own. It invents none."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from abstractor.model.dates import PartialDate
from abstractor.model.finding import Assertion
from abstractor.pipeline.mention import Mention, StatedDate
from abstractor.pipeline.view import NoteView, Sentence

_MONTHS = {
    name: index + 1
    for index, names in enumerate(
        (
            "january jan",
            "february feb",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sept sep",
            "october oct",
            "november nov",
            "december dec",
        )
    )
    for name in names.split()
}
_MONTH = "(?:" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\b\.?"
_YEAR = r"(?:19|20)\d\d"
_ORDINAL = r"(?:st|nd|rd|th)?"
_DATE = re.compile(
    rf"""
      (?<![\d./-])(?P<iso>{_YEAR}[-.](?P<isomonth>\d{{1,2}})(?:[-.](?P<isoday>\d{{1,2}}))?)(?!\d|[-.]\d)
    | (?<=\[\*\*)(?P<demonth>\d{{1,2}})-(?P<deday>\d{{1,2}})(?=\*\*\])
    | (?<![\d./-])(?P<a>\d{{1,2}})(?P<sep>[./-])(?P<b>\d{{1,2}})(?P=sep)(?P<y>{_YEAR}|\d{{2}})(?![\d/%]|\.\d)
    | (?<![\d.-])(?P<day>\d{{1,2}}){_ORDINAL}(?:\ +of)?[\ -]*(?P<mon>{_MONTH})(?:[\ ,-]*(?P<dmy>{_YEAR}|'?\d{{2}}(?![\d:%]|\ *(?:mg|x|cm|mm|Gy))))?
    | \b(?P<mon2>{_MONTH})[\ -]*(?P<day2>\d{{1,2}}){_ORDINAL}(?!\d|\.\d)(?:,?\ +(?P<mdy>{_YEAR}|'\d{{2}})|(?!\ *\d))
    | \b(?P<mon3>{_MONTH})(?:\ of)?,?[\ /'-]*(?P<my>{_YEAR}|(?<=['/-])\d{{2}}(?!\d))
    | (?P<my2>\b{_YEAR})[\ ,-]+(?P<mon4>{_MONTH})
    | (?<![\d./-])(?P<m5>\d{{1,2}})(?P<sep5>[/.])(?P<y5>{_YEAR})(?![\d/.])
    | (?<![\d./-])(?P<a6>\d{{1,2}})(?P<sep6>[/.])(?P<b6>\d{{1,2}})(?P<dot6>\.?)(?![\d/%]|\.\d|\ *(?:mg|cm|mm|Gy|g/|ml|ng|min\b|mo\b|pain|nodes?|score))
    | (?<![\d./,-])(?P<year>{_YEAR})(?![\d/.,-]\d|\d|\ *(?:mg|ml|cGy|units|steps|cells|m\b|am\b|pm\b|hrs?\b|hours?\b))
    """,
    re.VERBOSE | re.IGNORECASE,
)
_AGO = re.compile(
    r"\b(?P<n>\d{1,3}|a|an|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|a few|several)[ -]+(?P<unit>day|week|wk|month|mo|year|yr)s?\.?"
    r" (?:ago|earlier|previously|prior)\b"
    r"|\b(?P<word>today|yesterday|this morning|last night|last week|last month|last year|this week|this month|earlier this week)\b",
    re.IGNORECASE,
)
_COUNT = {
    word: n
    for n, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    )
}
_BACK = {
    "today": ("day", 0),
    "this morning": ("day", 0),
    "yesterday": ("day", 1),
    "last night": ("day", 1),
    "this week": ("week", 0),
    "earlier this week": ("week", 0),
    "last week": ("week", 1),
    "this month": ("month", 0),
    "last month": ("month", 1),
    "last year": ("year", 1),
}
_BRITISH = re.compile(
    r"\b(?:tumour|oncologist letter|haem|oesoph|oedema|metastasis(?:e)d|GP\b|NHS|centre|programme|paracetamol|anaemi|diarrhoea|bd\b|MDT\b)",
    re.IGNORECASE,
)
_ANNOUNCED = re.compile(
    r"(?:\b(?:on|since|until|till|by|from|of|dated?|done|given|last|started?|starting|through|c\d{1,2}(?:d\d{1,2})?|ct|mri|cmri|pet|scan|bx|biopsy|exam|coll|"
    r"collected|ended|completed|finished|and|to|begun|signed|seen|er|ed|visit)|[(,&+:-])\s*$",
    re.IGNORECASE,
)
_KEY = "dates"


@dataclass(frozen=True, slots=True)
class DateHit:
    """A date at a place of the text."""

    start: int
    end: int
    value: PartialDate
    source: str
    """`stated` or `relative`."""


@dataclass(frozen=True, slots=True)
class _Anchor:
    """What the note tells about how its dates are to be read."""

    day_first: bool
    note_day: date | None


def find_dates(view: NoteView) -> tuple[DateHit, ...]:
    """All dates of a note, in order; worked out once."""
    known = view.memo.get(_KEY)
    if isinstance(known, tuple):
        return known
    anchor = _anchor(view)
    hits = sorted([*_stated(view.text, anchor), *_relative(view.text, anchor)], key=lambda hit: hit.start)
    view.memo[_KEY] = tuple(hits)
    return tuple(hits)


def dates_in(view: NoteView, start: int, end: int) -> tuple[DateHit, ...]:
    """The dates that lie within a stretch."""
    hits = find_dates(view)
    first = bisect_left(hits, start, key=lambda hit: hit.start)
    inside = []
    for hit in hits[first:]:
        if hit.start >= end:
            break
        if hit.end <= end:
            inside.append(hit)
    return tuple(inside)


def note_day(view: NoteView) -> date | None:
    """The day of the note, where it is known."""
    try:
        return date.fromisoformat(view.note.day or "")
    except ValueError:
        return None


def _anchor(view: NoteView) -> _Anchor:
    day = note_day(view)
    pairs = [
        (int(m["a"]), int(m["b"]), m["y"], m["sep"]) for m in _DATE.finditer(view.text) if m["a"] and m["sep"] in "/-"
    ]
    if any(a > 12 >= b for a, b, _, _ in pairs):
        return _Anchor(True, day)
    if any(b > 12 >= a for a, b, _, _ in pairs):
        return _Anchor(False, day)
    if day:
        for a, b, year, _ in pairs:
            if _full_year(year, day) == day.year and {a, b} == {day.month, day.day} and a != b:
                return _Anchor(a == day.day, day)
    return _Anchor(bool(_BRITISH.search(view.text)), day)


def _full_year(text: str, day: date | None) -> int:
    digits = text.strip("'")
    if len(digits) == 4:
        return int(digits)
    pivot = (day.year if day else 2035) + 1
    year = 2000 + int(digits)
    return year if year <= pivot else year - 100


def _stated(text: str, anchor: _Anchor) -> Iterator[DateHit]:
    for match in _DATE.finditer(text):
        try:
            value = _value(text, match, anchor)
        except ValueError:
            continue
        if value is not None:
            yield DateHit(match.start(), match.end(), value, "stated")


def _value(text: str, match: re.Match[str], anchor: _Anchor) -> PartialDate | None:
    """Raises ValueError where there is no such day."""
    day = anchor.note_day
    if match["iso"]:
        day_of = match["isoday"]
        return PartialDate(int(match["iso"][:4]), int(match["isomonth"]), int(day_of) if day_of else None)
    if match["demonth"]:  # a date that was masked by a machine: month and day
        return _latest(int(match["demonth"]), int(match["deday"]), day)
    if match["a"]:
        first, second = int(match["a"]), int(match["b"])
        year = _full_year(match["y"], day)
        if match["sep"] == ".":
            return PartialDate(year, second, first)
        day_first = first > 12 or (anchor.day_first and second <= 12)
        return PartialDate(year, second, first) if day_first else PartialDate(year, first, second)
    if match["mon"]:
        month = _MONTHS[match["mon"].lower().strip(".")]
        return _with_year(match["dmy"], month, int(match["day"]), day)
    if match["mon2"]:
        return _with_year(match["mdy"], _MONTHS[match["mon2"].lower().strip(".")], int(match["day2"]), day)
    if match["mon3"]:
        return PartialDate(_full_year(match["my"], day), _MONTHS[match["mon3"].lower().strip(".")])
    if match["mon4"]:
        return PartialDate(int(match["my2"]), _MONTHS[match["mon4"].lower().strip(".")])
    if match["m5"]:
        return PartialDate(int(match["y5"]), int(match["m5"]))
    if match["a6"]:
        return _day_and_month(text, match, anchor)
    return PartialDate(int(match["year"]))


def _with_year(year: str | None, month: int, of_month: int, day: date | None) -> PartialDate | None:
    if year:
        return PartialDate(_full_year(year, day), month, of_month)
    return _latest(month, of_month, day)


def _latest(month: int, of_month: int, day: date | None) -> PartialDate | None:
    """The last such day before the note, or shortly after it (an appointment)."""
    if day is None:
        return None
    year = day.year if date(day.year, month, min(of_month, 28)) <= day + timedelta(days=60) else day.year - 1
    return PartialDate(year, month, of_month)


def _day_and_month(text: str, match: re.Match[str], anchor: _Anchor) -> PartialDate | None:
    """Reads "3/28", "22.01." without a year, or "03/21" for a month: taken only where something announces a date."""
    if anchor.note_day is None or not _ANNOUNCED.search(text[max(0, match.start() - 12) : match.start()]):
        return None
    first, second = int(match["a6"]), int(match["b6"])
    if match["sep6"] == ".":
        return _latest(second, first, anchor.note_day) if match["dot6"] and 1 <= second <= 12 else None
    if anchor.day_first:
        first, second = second, first
    if not 1 <= first <= 12:
        return None
    if second > 31 or (second > 12 and len(match["b6"]) == 2 and second > 28 and first == 0):
        return PartialDate(_full_year(match["b6"], anchor.note_day), first)
    return _latest(first, second, anchor.note_day)


def _relative(text: str, anchor: _Anchor) -> Iterator[DateHit]:
    if anchor.note_day is None:
        return
    for match in _AGO.finditer(text):
        if match["word"]:
            unit, count = _BACK[match["word"].lower()]
        else:
            unit = {"wk": "week", "mo": "month", "yr": "year"}.get(match["unit"].lower(), match["unit"].lower())
            words = match["n"].lower()
            if words in {"a few", "several"}:
                continue
            count = int(words) if words.isdigit() else _COUNT.get(words, 1)
        yield DateHit(match.start(), match.end(), _back(anchor.note_day, count, unit), "relative")


def _back(day: date, count: int, unit: str) -> PartialDate:
    """No more exact than the words: weeks and months give a month, years a year."""
    if unit == "day":
        then = day - timedelta(days=count)
        return PartialDate(then.year, then.month, then.day)
    if unit == "week":
        then = day - timedelta(weeks=count)
        return PartialDate(then.year, then.month, then.day if count <= 1 and count == 0 else None)
    months = day.year * 12 + day.month - 1 - (count if unit == "month" else 12 * count)
    if unit == "month":
        return PartialDate(months // 12, months % 12 + 1)
    return PartialDate(months // 12)


DATED_BY_THE_NOTE = frozenset({"response"})
"""Fields whose statement in a radiology report without another date is of the day of the report."""
_UNDATED = frozenset(
    {
        "pack_years",
        "smoking_status",
        "primary_site",
        "ihc",
        "ki67",
        "variant",
        "tmb",
        "msi",
        "pd_l1",
        "subtype",
        "histology",
    }
)
_SCAN_OF = re.compile(
    r"\b(?:ct|mri|cmri|pet(?:[-/ ]?ct)?|scan|imaging|bone scan|x-?ray|exam)\b[^.;\n]{0,40}$", re.IGNORECASE
)


def date_mentions(view: NoteView, mentions: Sequence[Mention]) -> list[Mention]:
    """The same mentions, each with the date the text ties to it, if any."""
    return [mention if mention.date else replace(mention, date=_date_of(view, mention)) for mention in mentions]


def _date_of(view: NoteView, mention: Mention) -> StatedDate | None:
    if mention.field in _UNDATED or mention.assertion in {Assertion.HYPOTHETICAL, Assertion.OTHER_EXPERIENCER}:
        return None
    sentence = view.sentence_at(mention.start)
    hit = _nearest(view, sentence, mention)
    if hit:
        return StatedDate(str(hit.value), hit.source)
    if mention.field in DATED_BY_THE_NOTE and view.note.note_type == "radiology" and view.note.day:
        day = _report_day(view, mention) or note_day(view)
        return StatedDate(str(day), "note") if day else None
    report = _report_day(view, mention) if mention.field in {"response", "metastasis"} else None
    return StatedDate(str(report), "stated") if report else None


def _nearest(view: NoteView, sentence: Sentence, mention: Mention) -> DateHit | None:
    """The date of the sentence that stands nearest: behind "on", in front of a colon, at the head of the line."""
    hits = dates_in(view, sentence.start, sentence.end)
    if not hits:
        return None
    before = [hit for hit in hits if hit.end <= mention.start]
    after = [hit for hit in hits if hit.start >= mention.end]
    if before and not re.search(r";", view.text[before[-1].end : mention.start]):
        return before[-1]
    if after and not re.search(r"[;,]", view.text[mention.end : after[0].start]):
        return after[0]
    return None


def _report_day(view: NoteView, mention: Mention) -> PartialDate | None:
    """The date in the head of a pasted report that the mention stands in ("CT CHEST 3/1/21 ... IMPRESSION: ...")."""
    window = max(0, mention.start - 1500)
    for hit in reversed(dates_in(view, window, mention.start)):
        line_start = view.text.rfind("\n", 0, hit.start) + 1
        head = view.text[line_start : hit.start]
        if hit.value.day and _SCAN_OF.search(head) and len(head) < 60:
            gap = view.text[hit.end : mention.start]
            if "\n\n" not in gap or view.section_at(mention.start) in {"findings", "impression"}:
                return hit.value
    return None
