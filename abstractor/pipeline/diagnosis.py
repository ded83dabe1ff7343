"""Finds the date of diagnosis: "diagnosed March 2024", the biopsy that proved it, the day a pathology specimen was taken."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from abstractor.model.dates import PartialDate
from abstractor.model.finding import Assertion
from abstractor.pipeline.dates import DateHit, dates_in, note_day
from abstractor.pipeline.mention import Extractor, Mention, StatedDate
from abstractor.pipeline.sieve import Expression, compiled_expression
from abstractor.pipeline.view import NoteView, Sentence
from abstractor.rulebook.book import RuleBook

FIELD = "diagnosis_date"
_STAGED = 4
"""Characters between the name of the cancer and a bare year: more than a bracket, so that "cancer 2019" in a title is none."""
_BESIDE = 45
"""Characters between the word for a biopsy and its day."""
_NEAR = 180
"""Characters around the word for a biopsy in which its result stands, where a sentence has no end."""
_WORK_UP = 3
"""Months within which the biopsy and the stated date are of one work-up."""
_TERSE = 60
"""Characters of a sentence that names a biopsy and its day only, so that the next one tells what was found."""
_MARKS = " \t\n-*.,:;()"
_OBJECT = 80
"""Characters in which stands what was diagnosed."""
_MONTHS = 12
_HEADER = 600
"""Characters of a pathology report in which the day of the specimen stands."""


@dataclass(frozen=True)
class _Words:
    said: Expression
    behind: Expression
    ahead: Expression
    not_said: Expression
    biopsy: Expression
    proved: Expression
    again: Expression
    not_proved: Expression
    collected: Expression
    loose_said: Expression
    loose_behind: Expression
    found: Expression
    not_found: Expression
    titled: Expression
    between_titled: Expression
    titled_ends: Expression
    not_titled: Expression
    bare_biopsy: Expression
    verb: Expression
    own: Expression
    not_own: Expression
    object: Expression
    late_object: Expression
    brings: Expression
    person: Expression
    filler: Expression
    segment: Expression
    changed: Expression
    changed_to: Expression
    not_first: Expression
    extent: Expression
    short_year: Expression
    background: frozenset[str]
    """Sections in which the earlier illnesses of a patient are listed."""


def build(rulebook: RuleBook) -> Extractor:
    """An extractor for diagnosis_date."""
    settings = rulebook.settings.get("diagnosis", {})
    cancers = rulebook.settings.get("cancers", {})
    listed = cancers.get("background_sections", ())

    def compiled(name: str, template: str = "{}") -> Expression:
        return compiled_expression(template.replace("{}", str(settings.get(name, "(?!)"))), re.IGNORECASE)

    words = _Words(
        said=compiled("said"),
        behind=compiled("between_behind", "{}$"),
        ahead=compiled("between_ahead", "{}$"),
        not_said=compiled("not_said"),
        biopsy=compiled("biopsy"),
        proved=compiled("proved"),
        again=compiled("again"),
        not_proved=compiled("not_proved"),
        collected=compiled("collected", "{}$"),
        loose_said=compiled("loose_said"),
        loose_behind=compiled("loose_behind"),
        found=compiled("found"),
        not_found=compiled("not_found"),
        titled=compiled("titled"),
        between_titled=compiled("between_titled"),
        titled_ends=compiled("titled_ends"),
        not_titled=compiled("not_titled", "(?:{})$"),
        bare_biopsy=compiled("bare_biopsy"),
        verb=compiled("verb"),
        own=compiled("own"),
        not_own=compiled_expression(f"{settings.get('not_own', '(?!)')}|{cancers.get('other', '(?!)')}", re.IGNORECASE),
        object=compiled("object"),
        late_object=compiled("late_object"),
        brings=compiled("brings", "{}$"),
        changed=compiled("changed"),
        changed_to=compiled("changed_to"),
        not_first=compiled("not_first"),
        extent=compiled("extent", "{}$"),
        short_year=compiled("short_year"),
        person=compiled("person", "(?:{})$"),
        filler=compiled("filler"),
        segment=compiled("segment"),
        background=frozenset(str(name) for name in listed) if isinstance(listed, list) else frozenset(),
    )

    def extract(view: NoteView) -> Iterable[Mention]:
        told = [*_told(view, words), *_found(view, words), *_titled(view, words)]
        dated = [*told, *_earliest(view, [*_biopsies(view, words), *_specimen(view, words)], told, words)]
        return _most_exact([*dated, *_of_months(list(_bare_biopsies(view, words)), dated)])

    return extract


def _mention(
    hit: DateHit, start: int, end: int, rule: str, confidence: float, assertion: Assertion | None = None
) -> Mention:
    iso = str(hit.value)
    return Mention(
        FIELD, iso, start, end, rule, assertion=assertion, date=StatedDate(iso, hit.source), confidence=confidence
    )


def _told(view: NoteView, words: _Words) -> Iterator[Mention]:
    for match in words.said.finditer(view.text):
        if words.not_said.search(view.text[max(0, match.start() - 40) : match.start()]):
            continue
        hit = _date_behind(view, match, words) or _date_ahead(view, match, words)
        if hit is not None and hit.source == "stated" and _of_this_cancer(view, match, hit, words):
            hit = _with_year(view, hit, words)
            yield _mention(hit, min(match.start(), hit.start), max(match.end(), hit.end), "diagnosis-date-said", 0.9)


def _with_year(view: NoteView, hit: DateHit, words: _Words) -> DateHit:
    """The month and year of "dx Mar 24" and "dx 3/24", where 24 is the year of the note or the one before, not a day."""
    short = words.short_year.fullmatch(view.text, hit.start, hit.end)
    today = note_day(view)
    if short is None or today is None or hit.value.month is None:
        return hit
    year = today.year // 100 * 100 + int(short["y"])
    month = int(short["m"]) if short["m"] else hit.value.month
    if not 1 <= month <= _MONTHS or today.year - year not in {0, 1} or (year, month) > (today.year, today.month):
        return hit
    return replace(hit, value=PartialDate(year, month))


def _of_this_cancer(view: NoteView, match: re.Match[str], hit: DateHit, words: _Words) -> bool:
    """Whether it is the lung cancer that was diagnosed, not diabetes, another cancer, its metastases or its relapse."""
    text, sentence = view.text, view.sentence_at(match.start())
    if hit.start >= match.end():
        what = text[match.end() : hit.start]
        if hit.end < sentence.end and (late := words.late_object.match(text, hit.end, sentence.end)):
            what += text[late.start() : late.end() + _OBJECT // 2]
    else:
        what = words.segment.split(text[match.end() : min(sentence.end, match.end() + _OBJECT)], 1)[0]
    what = (words.brings.search(match.group()) or [""])[0] + what
    own = _speaks_of_own(what, words)
    if own is not None:
        return own
    if words.object.search(what):
        return False
    return _subject_is_own(
        text[sentence.start : match.start()], words.verb.fullmatch(match.group()) is not None, words
    ) and (view.section_at(match.start()) not in words.background)


def _subject_is_own(ahead: str, is_verb: bool, words: _Words) -> bool:
    """Whether what stands in front of "diagnosed" is this cancer or the patient: right in front, or else ("SCLC, hilum, diagnosed 2022") first."""
    segments = words.segment.split(ahead)
    nearest = words.filler.sub(" ", segments[-1]).strip(_MARKS)
    if not nearest:
        own = _speaks_of_own(ahead, words)
        if own is not None:
            return own
    for segment in reversed(segments):
        own = _speaks_of_own(segment, words)
        if own is not None:
            return own
        bare = words.filler.sub(" ", segment).strip(_MARKS)
        if bare and is_verb:
            return words.person.search(bare) is not None
    return True


def _speaks_of_own(words_said: str, words: _Words) -> bool | None:
    """Whether the first illness a stretch names is this cancer; None where it names none that is known."""
    own, other = words.own.search(words_said), words.not_own.search(words_said)
    if own is None and other is None:
        return None
    return own is not None and (other is None or own.start() < other.start())


def _found(view: NoteView, words: _Words) -> Iterator[Mention]:
    """Reads "small cell carcinoma of the lung, found in Aug 2020"."""
    for sentence in view.sentences:
        for match in words.found.finditer(view.text, sentence.start, sentence.end):
            if words.not_found.search(match["between"].rpartition(",")[2]):
                continue
            hit = _date_behind(view, match, words)
            if hit is not None and hit.source == "stated" and hit.end <= sentence.end:
                start = match.end("between")
                yield _mention(hit, start, hit.end, "diagnosis-date-found", 0.8)


def _titled(view: NoteView, words: _Words) -> Iterator[Mention]:
    """Reads "SCLC left hilum, extensive, Nov 2023." where the date ends what is said of the diagnosis."""
    for match in words.titled.finditer(view.text):
        if words.not_titled.search(view.text, max(0, match.start() - 40), match.start()):
            continue
        for hit in dates_in(view, match.end(), match.end() + 70)[:1]:
            gap = view.text[match.end() : hit.start]
            whole = (
                hit.source == "stated"
                and "\n" not in gap
                and (hit.value.month or len(gap) > _STAGED or words.extent.search(view.text, 0, match.start()))
            )
            if whole and words.between_titled.fullmatch(gap) and words.titled_ends.match(view.text, hit.end):
                hit = _with_year(view, hit, words)
                yield _mention(hit, hit.start, hit.end, "diagnosis-date-titled", 0.7)


def _bare_biopsies(view: NoteView, words: _Words) -> Iterator[Mention]:
    """Lines that say no more than "Biopsy 22 April 2020." or "12 Jan 2024 CT-guided lung biopsy"."""
    for sentence in view.sentences:
        hits = dates_in(view, sentence.start, sentence.end)
        if len(hits) != 1 or hits[0].source != "stated":
            continue
        hit = hits[0]
        ahead = words.bare_biopsy.match(view.text, sentence.start, sentence.end)
        behind = words.bare_biopsy.match(view.text, hit.end, sentence.end)
        opens = not view.text[sentence.start : hit.start].strip(_MARKS)
        if (ahead and ahead.end() == hit.start and sentence.end - hit.end <= 2) or (
            behind and opens and sentence.end - behind.end() <= 2
        ):
            yield _mention(hit, sentence.start, sentence.end, "diagnosis-date-bare-biopsy", 0.6)


def _of_months(bare: list[Mention], dated: list[Mention]) -> list[Mention]:
    """The bare biopsies that say on which day of the stated month it was; where nothing else dates the diagnosis, the first."""
    if not dated:
        return bare[:1]
    return [one for one in bare if any(one.value.startswith(f"{other.value}-") for other in dated)]


def _date_behind(view: NoteView, match: re.Match[str], words: _Words) -> DateHit | None:
    for hit in dates_in(view, match.end(), match.end() + 130):
        gap = view.text[match.end() : hit.start]
        if "\n" in gap and _opens_entry(view, hit):
            return None
        is_loose = words.loose_said.fullmatch(match.group()) and words.loose_behind.fullmatch(gap)
        return hit if words.behind.fullmatch(gap) or is_loose else None
    return None


def _opens_entry(view: NoteView, hit: DateHit) -> bool:
    """Whether a date begins a line that goes on: the next entry of a list of events."""
    line = view.text.rfind("\n", 0, hit.start) + 1
    end = view.text.find("\n", hit.end)
    rest = view.text[hit.end : end if end >= 0 else None]
    return (
        not view.text[line : hit.start].strip(" \t-*") and bool(rest.strip(_MARKS)) and rest.lstrip()[0] not in ".,;)"
    )


def _date_ahead(view: NoteView, match: re.Match[str], words: _Words) -> DateHit | None:
    sentence = view.sentence_at(match.start())
    for hit in reversed(dates_in(view, max(sentence.start, match.start() - 90), match.start())):
        gap = view.text[hit.end : match.start()]
        return hit if words.ahead.fullmatch(gap) else None
    return None


def _biopsies(view: NoteView, words: _Words) -> Iterator[Mention]:
    for sentence in view.sentences:
        for biopsy in words.biopsy.finditer(view.text, sentence.start, sentence.end):
            hit = _of_biopsy(view, sentence, biopsy.start(), biopsy.end())
            if hit is not None and _proves(view, sentence, biopsy, words):
                start, end = min(biopsy.start(), hit.start), max(biopsy.end(), hit.end)
                yield _mention(hit, start, end, "diagnosis-date-biopsy", 0.75)
                break


def _proves(view: NoteView, sentence: Sentence, biopsy: re.Match[str], words: _Words) -> bool:
    """Whether a biopsy is said to have found the cancer, for the first time."""
    first, last = max(sentence.start, biopsy.start() - _NEAR), min(sentence.end, biopsy.end() + _NEAR)
    around = view.text[first:last]
    terse = sentence.end - sentence.start <= _TERSE
    proof = view.text[first : last + _TERSE].partition("\n")[0] if terse else around
    near = view.text[max(sentence.start, biopsy.start() - _BESIDE) : min(sentence.end, biopsy.end() + 2 * _BESIDE)]
    return bool(words.proved.search(proof)) and not words.again.search(near) and not words.not_proved.search(near)


def _of_biopsy(view: NoteView, sentence: Sentence, start: int, end: int) -> DateHit | None:
    """The day that stands right beside the word for the biopsy."""
    near = [hit for hit in dates_in(view, sentence.start, sentence.end) if hit.source == "stated" and hit.value.month]
    gaps = [(view.text[end : hit.start] if hit.start >= end else view.text[hit.end : start], hit) for hit in near]
    close = [
        (len(gap), hit.start < end, hit) for gap, hit in gaps if len(gap) <= _BESIDE and not re.search(r"[.;]", gap)
    ]
    return min(close, key=lambda one: one[:2])[2] if close else None


def _earliest(view: NoteView, biopsies: list[Mention], told: list[Mention], words: _Words) -> list[Mention]:
    """The first biopsy alone made the diagnosis, and none long after the day it is said to have been made on.

    One that found another histology than before made a diagnosis of its own.
    """
    is_changed = words.changed.search(view.text) is not None
    changed = [
        one
        for one in biopsies
        if is_changed and words.changed_to.search(view.text, max(0, one.start - _NEAR), one.end + _NEAR)
    ]
    first = min((one.value for one in biopsies), default="")
    latest = max((_months(one.value) for one in told), default=_months(first) if first else 0)
    return [
        one for one in biopsies if one in changed or (one.value == first and _months(one.value) - latest <= _WORK_UP)
    ]


def _months(iso: str) -> int:
    """Months since the year 0; of a bare year, those at its end."""
    year, _, rest = iso.partition("-")
    return int(year) * 12 + (int(rest[:2]) if rest else 12)


def _specimen(view: NoteView, words: _Words) -> Iterator[Mention]:
    """A pathology report that proves a carcinoma dates the diagnosis by its specimen."""
    if view.note.note_type != "pathology" or not words.proved.search(view.text):
        return
    if words.not_first.search(view.text) and not words.changed.search(view.text):
        return
    for hit in dates_in(view, 0, _HEADER):
        label = words.collected.search(view.text[max(0, hit.start - 30) : hit.start])
        if label and hit.value.day:
            start = hit.start - (len(view.text[max(0, hit.start - 30) : hit.start]) - label.start())
            yield _mention(hit, start, hit.end, "diagnosis-date-specimen", 0.8, Assertion.PRESENT)
            return


def _most_exact(mentions: list[Mention]) -> list[Mention]:
    """One mention per date; of overlapping ones the first."""
    kept: list[Mention] = []
    for one in sorted(mentions, key=lambda mention: (mention.start, -mention.end)):
        if all(one.start >= other.end or one.value != other.value for other in kept):
            kept.append(one)
    return kept
