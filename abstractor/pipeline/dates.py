"""Reads the dates of a note and ties them to mentions: stated, relative to the note's day or a stated date, or the note's own.

It invents none: a day without a month, or a date that the text ties to something else, is no date. How dates are written and which
words tie them stands in `rules/settings/dates.toml`.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from abstractor.model.dates import PartialDate
from abstractor.model.finding import Assertion
from abstractor.pipeline.lexicon import Lexicon
from abstractor.pipeline.mention import Mention, StatedDate
from abstractor.pipeline.sieve import Expression, compiled_expression
from abstractor.pipeline.view import NoteView, Sentence
from abstractor.rulebook.book import RuleBook

CYCLES = "therapy_cycles"
READER = "dates reader"
"""Key of `NoteView.memo` under which the reader of a note's dates stands."""
_KEY = "dates"
_UNITS = {"wk": "week", "mo": "month", "yr": "year"}
_LATER = 250
"""So many characters before "two weeks later", at most, stands the date that it counts from."""
_ANNOUNCES = 40
_MONTHS, _DAYS = 12, 31
_FAR_AHEAD = 100
"""An appointment is seldom more than so many days ahead."""
_PIVOT = 2035
"""Without a note's day, years of two digits are before this one."""
_MID_YEAR_DAY = 28
_AHEAD = 90
"""A date this many characters ahead of a treatment, at most, is its date; of a number of cycles, a third of them."""
_TIE = 160
_RECORD = 90
_HEAD = 200
"""In so many characters at the top of a note stands its own day."""
_BULLET = compiled_expression(r"\n[^\w\n]*\Z")
_BRACKET = compiled_expression(r"\([^()\n]{0,60}\)")


@dataclass(frozen=True, slots=True)
class DateHit:
    """A date at a place of the text."""

    start: int
    end: int
    value: PartialDate
    source: str
    """`stated` or `relative`."""


@dataclass(frozen=True, slots=True)
class Span:
    """When a treatment began and ended, as far as the text says."""

    began: DateHit | None = None
    ended: DateHit | None = None


@dataclass(frozen=True, slots=True)
class _Anchor:
    """What the note tells about how its dates are to be read."""

    day_first: bool
    note_day: date | None


@dataclass(frozen=True)
class DateReader:
    """The words of `dates.toml`, compiled."""

    forms: tuple[tuple[str, Expression], ...]
    months: dict[str, int]
    counts: dict[str, int]
    weekdays: dict[str, int]
    back: dict[str, dict[str, int]]
    """`day`, `week`, `month`, `year`: words to how many of them lie between what they mean and the note."""
    back_words: Expression
    cues: dict[str, Expression]
    words: dict[str, frozenset[str]]
    months_ahead: int
    """A day without a year is at most so many days after the note's."""
    scan_label: int
    report_head: int

    @classmethod
    def of(cls, rulebook: RuleBook) -> "DateReader":
        """Compiles `dates.toml`."""
        lexicon = Lexicon.of(rulebook, "dates")
        back = {unit: lexicon.numbers(f"{unit}s_back") for unit in ("day", "week", "month", "year")}
        said = sorted((word for words in back.values() for word in words), key=len, reverse=True)
        cues = (
            "day_first",
            "ago",
            "later",
            "last_weekday",
            "announced",
            "announces_itself",
            "no_date_before",
            "scan_of",
            "compared",
            "ahead_stop",
            "behind_stop",
            "tie_behind",
            "range",
            "taken_by",
            "goes_on",
            "not_behind",
            "record",
        )
        words = (
            "undated",
            "dated_by_the_note",
            "reports",
            "earlier_sections",
            "pasted",
            "dated_by_the_end",
            "in_findings",
            "treatments",
            "records",
        )
        return cls(
            forms=tuple((str(row["id"]), lexicon.compiled(str(row["regex"]))) for row in lexicon.rows("form")),
            months=lexicon.numbers("month"),
            counts=lexicon.numbers("count"),
            weekdays=lexicon.numbers("weekday"),
            back=back,
            back_words=lexicon.compiled(r"\b(?:" + "|".join(said) + r")\b" if said else "(?!)"),
            cues={name: lexicon.pattern(name) for name in cues},
            words={name: lexicon.words(name) for name in words},
            months_ahead=int(lexicon.number("months_ahead", 60)),
            scan_label=int(lexicon.number("scan_label", 60)),
            report_head=int(lexicon.number("report_head", 1500)),
        )

    def find(self, view: NoteView) -> tuple[DateHit, ...]:
        """All dates of a note, in order."""
        anchor = self._anchor(view)
        stated = list(self._stated(view.text, anchor))
        relative = [*self._relative(view.text, anchor), *self._later(view.text, stated)]
        return tuple(sorted([*stated, *relative], key=lambda hit: hit.start))

    def _anchor(self, view: NoteView) -> _Anchor:
        day = note_day(view)
        pairs = [
            (int(match["a"]), int(match["b"]), match["y"])
            for form, regex in self.forms
            if form == "numbers"
            for match in regex.finditer(view.text)
        ]
        if any(a > 12 >= b for a, b, _ in pairs):
            return _Anchor(True, day)
        if any(b > 12 >= a for a, b, _ in pairs):
            return _Anchor(False, day)
        if day:
            for a, b, year in pairs:
                if _full_year(year, day) == day.year and {a, b} == {day.month, day.day} and a != b:
                    return _Anchor(a == day.day, day)
        told = self._order_of_short(view.text)
        if told is None and day:
            told = self._order_of_past(pairs, day)
        return _Anchor(self.cues["day_first"].search(view.text) is not None if told is None else told, day)

    def _order_of_past(self, pairs: list[tuple[int, int, str]], day: date) -> bool | None:
        """Whether the day comes first, where only one of the two ways to read the dates puts none of them far ahead of the note."""
        latest = day + timedelta(days=_FAR_AHEAD)
        read = [(a, b, _full_year(year, day)) for a, b, year in pairs if 1 <= a <= _MONTHS and 1 <= b <= _MONTHS]
        months_ahead = any(date(year, a, b) > latest for a, b, year in read)
        days_ahead = any(date(year, b, a) > latest for a, b, year in read)
        return months_ahead if months_ahead != days_ahead else None

    def _order_of_short(self, text: str) -> bool | None:
        """Whether the day comes first in the dates without a year, where one of them can be read in one way only and none in the other."""
        orders = {
            int(match["a"]) > _MONTHS
            for form, regex in self.forms
            if form == "short"
            for match in regex.finditer(text)
            if match["sep"] == "/"
            and (int(match["a"]) > _MONTHS) != (int(match["b"]) > _MONTHS)
            and max(int(match["a"]), int(match["b"])) <= _DAYS
            and self.cues["announced"].search(text[max(0, match.start() - _ANNOUNCES) : match.start()])
        }
        return orders.pop() if len(orders) == 1 else None

    def _stated(self, text: str, anchor: _Anchor) -> Iterator[DateHit]:
        """The dates that are written out; where two ways to read a place overlap, the earlier form has it."""
        taken: list[tuple[int, int]] = []
        for form, regex in self.forms:
            for match in regex.finditer(text):
                start = match.start("from") if "from" in regex.groupindex else match.start()
                end = match.end()
                place = bisect_left(taken, (start, start))
                if (place and taken[place - 1][1] > start) or (place < len(taken) and taken[place][0] < end):
                    continue
                try:
                    value = self._value(text, form, match, anchor)
                except ValueError:
                    continue
                if value is not None:
                    taken.insert(bisect_left(taken, (start, end)), (start, end))
                    yield DateHit(start, end, value, "stated")

    def _value(self, text: str, form: str, match: re.Match[str], anchor: _Anchor) -> PartialDate | None:
        """Raises ValueError where there is no such day."""
        got = match.groupdict()
        today = anchor.note_day
        year = _full_year(got["y"], today) if got.get("y") else None
        if form == "short":
            return self._day_and_month(text, match, anchor)
        if got.get("a"):
            first, second = int(got["a"]), int(got["b"])
            day_first = got["sep"] == "." or first > 12 or (anchor.day_first and second <= 12)
            of_month, month = (first, second) if day_first else (second, first)
        else:
            name = got.get("name")
            month = self.months[name.lower()] if name else int(got["m"]) if got.get("m") else 0
            of_month = int(got["d"]) if got.get("d") else 0
        if got.get("next") and year is not None:  # March to May 2024, but November to February 2024
            year -= self.months[got["next"].lower()] < month
        if form == "range_numbers" and year is not None:
            year -= self._before_new_year(got, month, anchor)
        if not month:
            return PartialDate(year) if year is not None else None
        if year is not None:
            return PartialDate(year, month, of_month or None)
        latest = self._latest(month, of_month or 1, today, 0 if got.get("past") else self.months_ahead)
        return latest if latest is None or of_month else PartialDate(latest.year, month)

    def _before_new_year(self, got: dict[str, str], month: int, anchor: _Anchor) -> bool:
        """Whether a range begins in the year before the one it ends in. Its last month is known only where the day comes first."""
        return (got["sep"] == "." or anchor.day_first) and int(got["later"]) < month

    def _latest(self, month: int, of_month: int, day: date | None, ahead_days: int) -> PartialDate | None:
        """The last such day before the note, or at most so many days after it (an appointment)."""
        if day is None:
            return None
        ahead = day + timedelta(days=ahead_days)
        near = [year for year in (day.year + 1, day.year) if date(year, month, min(of_month, _MID_YEAR_DAY)) <= ahead]
        return PartialDate(near[0] if near else day.year - 1, month, of_month)

    def _day_and_month(self, text: str, match: re.Match[str], anchor: _Anchor) -> PartialDate | None:
        """Reads "3/28", "22.01." without a year, or "03/21" for a month: taken only where something announces a date."""
        if anchor.note_day is None:
            return None
        head = text[max(0, match.start() - _ANNOUNCES) : match.start()]
        announced = self.cues["announced"].search(head) or self.cues["announces_itself"].match(text, match.end())
        new_line = not head.rpartition("\n")[2].strip(" -*\t")
        if not (announced or (new_line and "\n" in head)) or self.cues["no_date_before"].search(head):
            return None
        first, second = int(match["a"]), int(match["b"])
        if match["sep"] == ".":
            return (
                self._latest(second, first, anchor.note_day, self.months_ahead)
                if match["dot"] and 1 <= second <= 12
                else None
            )
        if (anchor.day_first and second <= 12) or first > 12 >= second:
            first, second = second, first
        if not 1 <= first <= 12 or not second:
            return None
        if second > 31:
            return PartialDate(_full_year(match["b"], anchor.note_day), first)
        return self._latest(first, second, anchor.note_day, self.months_ahead)

    def _relative(self, text: str, anchor: _Anchor) -> Iterator[DateHit]:
        today = anchor.note_day
        if today is None:
            return
        for match in self.cues["ago"].finditer(text):
            count = self._count(match["n"])
            yield DateHit(match.start(), match.end(), _back(today, count, _unit(match["unit"])), "relative")
        for match in self.back_words.finditer(text):
            said = " ".join(match[0].lower().split())
            for unit, words in self.back.items():
                if said in words:
                    yield DateHit(match.start(), match.end(), _back(today, words[said], unit), "relative")
        for match in self.cues["last_weekday"].finditer(text):
            days = (today.weekday() - self.weekdays[match["weekday"].lower()] - 1) % 7 + 1
            yield DateHit(match.start(), match.end(), _back(today, days, "day"), "relative")

    def _later(self, text: str, stated: list[DateHit]) -> Iterator[DateHit]:
        """Dates such as "two weeks later": counted from the date told before, in the same paragraph."""
        known = sorted(stated, key=lambda hit: hit.start)
        for match in self.cues["later"].finditer(text):
            place = bisect_left(known, match.start(), key=lambda hit: hit.start)
            if not place:
                continue
            told = known[place - 1]
            between = text[told.end : match.start()]
            if len(between) > _LATER or "\n\n" in between or told.value.month is None:
                continue
            unit, count = _unit(match["unit"]), self._count(match["n"])
            then = _back(told.value.first, -count, unit)
            if told.value.day is None and unit in {"day", "week"}:
                continue
            yield DateHit(match.start(), match.end(), then, "relative")

    def _count(self, words: str) -> int:
        return int(words) if words.isdigit() else self.counts.get(words.lower(), 1)

    def span_of(self, view: NoteView, start: int, end: int, *, cycles: bool = False) -> Span:
        """When the treatment named at `start:end` began and ended: dates right behind it, or ahead of it in its line."""
        within = dates_in(view, start, end)
        if within:
            return Span(began=within[0])
        behind = self._behind(view, end)
        if behind is not None:
            return behind
        sentence = view.sentence_at(start)
        reach = _AHEAD // 3 if cycles else _AHEAD
        for hit in reversed(dates_in(view, max(sentence.start, start - reach - 20), start)):
            gap = view.text[hit.end : start]
            if len(gap) > reach or self.cues["ahead_stop"].search(gap) or (cycles and "," in gap):
                break
            if hit.source == "stated" and self._is_taken(view, sentence, hit, gap):
                break
            return self._range_to(view, hit)
        later = self._later_in_clause(view, sentence, end, reach)
        return Span(began=later) if later else self._of_record(view, start, end)

    def _later_in_clause(self, view: NoteView, sentence: Sentence, end: int, reach: int) -> DateHit | None:
        """The first date behind a treatment, where neither a comma nor a line's end lies between, but for brackets."""
        for hit in dates_in(view, end, max(end, min(sentence.end, end + reach)))[:1]:
            gap = _BRACKET.sub("", view.text[end : hit.start]).rstrip(" ,:(")
            if not self.cues["behind_stop"].search(gap) and not self.cues["not_behind"].search(gap):
                return hit
        return None

    def _is_taken(self, view: NoteView, sentence: Sentence, hit: DateHit, gap: str) -> bool:
        """Whether a date belongs to what stands before it, or is the note's own in its head."""
        if _is_of_head(view, hit):
            return len(gap.strip()) > 0
        if self.cues["goes_on"].match(gap):
            return False
        head = view.text[max(sentence.start, hit.start - _ANNOUNCES) : hit.start]
        return self.cues["taken_by"].search(head) is not None

    def _behind(self, view: NoteView, end: int) -> Span | None:
        tie = self.cues["tie_behind"].match(view.text, end, min(len(view.text), end + _TIE))
        if tie is None or "\n\n" in tie[0]:
            return None
        hit = _hit_at(view, tie.end())
        if hit is None:
            return None
        if _BULLET.search(view.note.text[end : hit.start]):
            return None  # the next line begins with a date of its own
        if tie["ended"]:
            return Span(ended=hit)
        joint = self.cues["range"].match(view.text, hit.end)
        last = _hit_at(view, joint.end()) if joint else None
        return Span(hit, last if last and self._is_range(view, hit, last) else None)

    def _range_to(self, view: NoteView, hit: DateHit) -> Span:
        """The span that ends with a date, if the date before it is its beginning."""
        for first in reversed(dates_in(view, max(0, hit.start - _ANNOUNCES), hit.start)):
            joint = self.cues["range"].match(view.text, first.end)
            if joint and joint.end() == hit.start and self._is_range(view, first, hit):
                return Span(first, hit)
            break
        return Span(began=hit)

    def _is_range(self, view: NoteView, first: DateHit, last: DateHit) -> bool:
        """Two dates of one line, in the order of time."""
        return "\n" not in view.note.text[first.end : last.start] and first.value.first <= last.value.last

    def _of_record(self, view: NoteView, start: int, end: int) -> Span:
        """The note's day, for what a record of one day's treatment says was given on day 1."""
        day = note_day(view)
        if day is None or view.note.note_type not in self.words["records"]:
            return Span()
        line_start = view.text.rfind("\n", 0, start) + 1
        line_end = view.text.find("\n", end)
        line = view.text[line_start : line_end if line_end >= 0 else len(view.text)][:_RECORD]
        if not self.cues["record"].search(line):
            return Span()
        return Span(began=DateHit(start, start, PartialDate(day.year, day.month, day.day), "note"))

    def date_of(self, view: NoteView, mention: Mention) -> StatedDate | None:
        """The date that the text ties to a mention that is no treatment."""
        if mention.field in self.words["undated"] or mention.field in self.words["treatments"]:
            return None
        if mention.assertion in {Assertion.HYPOTHETICAL, Assertion.OTHER_EXPERIENCER}:
            return None
        day = note_day(view)
        own = mention.field in self.words["dated_by_the_note"] and view.note.note_type in self.words["reports"]
        if own and day and view.section_at(mention.start) not in self.words["earlier_sections"]:
            return StatedDate(str(day), "note")
        hit = self._nearest(view, view.sentence_at(mention.start), mention)
        if hit:
            return StatedDate(str(hit.value), hit.source)
        report = self._report_day(view, mention) if mention.field in self.words["pasted"] else None
        return StatedDate(str(report), "stated") if report else None

    def _nearest(self, view: NoteView, sentence: Sentence, mention: Mention) -> DateHit | None:
        """The date of the sentence that stands nearest: in it, behind "on", in front of a colon, at the head of the line."""
        within = dates_in(view, mention.start, mention.end)
        if within:
            return within[0]
        hits = [
            hit
            for hit in dates_in(view, sentence.start, sentence.end)
            if not _is_of_head(view, hit)
            and not self.cues["compared"].search(view.text, max(sentence.start, hit.start - _ANNOUNCES), hit.start)
        ]
        before = [hit for hit in hits if hit.end <= mention.start]
        after = [hit for hit in hits if hit.start >= mention.end]
        if before and not self.cues["ahead_stop"].search(view.text[before[-1].end : mention.start]):
            return before[-1]
        if after and not self.cues["behind_stop"].search(view.text[mention.end : after[0].start]):
            return after[0]
        return None

    def _report_day(self, view: NoteView, mention: Mention) -> PartialDate | None:
        """The date in the head of a pasted report that the mention stands in ("CT CHEST 3/1/21 ... IMPRESSION: ...")."""
        window = max(0, mention.start - self.report_head)
        for hit in reversed(dates_in(view, window, mention.start)):
            line_start = view.text.rfind("\n", 0, hit.start) + 1
            head = view.text[line_start : hit.start]
            if self.cues["compared"].search(head):
                continue
            if hit.value.day and self.cues["scan_of"].search(head) and len(head) < self.scan_label:
                gap = view.text[hit.end : mention.start]
                if "\n\n" not in gap or view.section_at(mention.start) in self.words["in_findings"]:
                    return hit.value
        return None


def find_dates(view: NoteView) -> tuple[DateHit, ...]:
    """All dates of a note, in order; worked out once. None where the view knows no reader of dates."""
    known = view.memo.get(_KEY)
    if isinstance(known, tuple):
        return known
    reader = view.memo.get(READER)
    found = reader.find(view) if isinstance(reader, DateReader) else ()
    view.memo[_KEY] = found
    return found


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


def date_mentions(view: NoteView, mentions: Sequence[Mention]) -> list[Mention]:
    """The same mentions, each with the date the text ties to it, if any."""
    reader = view.memo.get(READER)
    if not isinstance(reader, DateReader):
        return list(mentions)
    return [mention if mention.date else replace(mention, date=reader.date_of(view, mention)) for mention in mentions]


def date_treatment(
    view: NoteView, field: str, start: int, end: int, assertion: Assertion | None
) -> tuple[StatedDate | None, dict[str, object]]:
    """The date of a treatment named at `start:end`, and `started` and `stopped` (partial ISO dates) as far as they are told.

    Its date is the day it began, or ended where only that is told; for fields that are dated by their end, the other way round. A plan is for no day before the note's.
    """
    reader = view.memo.get(READER)
    if not isinstance(reader, DateReader):
        return None, {}
    cycles = field == CYCLES
    by_end = field in reader.words["dated_by_the_end"]
    span = reader.span_of(view, start, end, cycles=cycles)
    day = note_day(view)
    if assertion is Assertion.HYPOTHETICAL and day and span.began and span.began.value.last < day:
        return None, {}
    told = {"started": span.began, "stopped": span.ended}
    attributes: dict[str, object] = {name: str(hit.value) for name, hit in told.items() if hit and not cycles}
    hit = (span.ended or span.began) if by_end else (span.began or span.ended)
    return (StatedDate(str(hit.value), hit.source) if hit else None), attributes


def day_at(view: NoteView, start: int, end: int) -> PartialDate | None:
    """The date that begins within a stretch, if one does."""
    hits = find_dates(view)
    first = bisect_left(hits, start, key=lambda hit: hit.start)
    return hits[first].value if first < len(hits) and hits[first].start < end else None


def _hit_at(view: NoteView, start: int) -> DateHit | None:
    hits = find_dates(view)
    first = bisect_left(hits, start, key=lambda hit: hit.start)
    return hits[first] if first < len(hits) and hits[first].start == start else None


def _is_of_head(view: NoteView, hit: DateHit) -> bool:
    """Whether a date is the note's own, in its first lines."""
    return (
        hit.start < _HEAD and hit.source == "stated" and hit.value.day is not None and str(hit.value) == view.note.day
    )


def _unit(written: str) -> str:
    return _UNITS.get(written.lower(), written.lower())


def _full_year(text: str, day: date | None) -> int:
    digits = re.sub(r"\D", "", text)
    if len(digits) == 4:
        return int(digits)
    pivot = (day.year if day else _PIVOT) + 1
    year = 2000 + int(digits)
    return year if year <= pivot else year - 100


def _back(day: date, count: int, unit: str) -> PartialDate:
    """So long before a day (after it, for a count below 0); no more exact than the words: weeks and months give a month, years a year."""
    if unit == "day":
        then = day - timedelta(days=count)
        return PartialDate(then.year, then.month, then.day)
    if unit == "week":
        then = day - timedelta(weeks=count)
        return PartialDate(then.year, then.month)
    months = day.year * 12 + day.month - 1 - (count if unit == "month" else 12 * count)
    if unit == "month":
        return PartialDate(months // 12, months % 12 + 1)
    return PartialDate(months // 12)
