"""Finds the date of diagnosis: "diagnosed March 2024", the biopsy that proved it, the day a pathology specimen was taken."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from abstractor.model.finding import Assertion
from abstractor.pipeline.dates import DateHit, dates_in
from abstractor.pipeline.mention import Extractor, Mention, StatedDate
from abstractor.pipeline.view import NoteView, Sentence
from abstractor.rulebook.book import RuleBook

FIELD = "diagnosis_date"
_TERSE = 60
"""Characters of a sentence that names a biopsy and its day only, so that the next one tells what was found."""
_HEADER = 600
"""Characters of a pathology report in which the day of the specimen stands."""


@dataclass(frozen=True)
class _Words:
    said: re.Pattern[str]
    behind: re.Pattern[str]
    ahead: re.Pattern[str]
    not_said: re.Pattern[str]
    biopsy: re.Pattern[str]
    proved: re.Pattern[str]
    again: re.Pattern[str]
    not_proved: re.Pattern[str]
    collected: re.Pattern[str]
    loose_said: re.Pattern[str]
    loose_behind: re.Pattern[str]
    found: re.Pattern[str]
    not_found: re.Pattern[str]
    titled: re.Pattern[str]
    between_titled: re.Pattern[str]
    titled_ends: re.Pattern[str]
    bare_biopsy: re.Pattern[str]


def build(rulebook: RuleBook) -> Extractor:
    """An extractor for diagnosis_date."""
    settings = rulebook.settings.get("diagnosis", {})

    def compiled(name: str, template: str = "{}") -> re.Pattern[str]:
        return re.compile(template.replace("{}", str(settings.get(name, "(?!)"))), re.IGNORECASE)

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
        bare_biopsy=compiled("bare_biopsy"),
    )

    def extract(view: NoteView) -> Iterable[Mention]:
        told = [*_told(view, words), *_found(view, words), *_titled(view, words)]
        dated = [*told, *_earliest([*_biopsies(view, words), *_specimen(view, words)], told)]
        return _most_exact(dated or list(_bare_biopsy(view, words)))

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
        if hit is not None and hit.source == "stated":
            yield _mention(hit, min(match.start(), hit.start), max(match.end(), hit.end), "diagnosis-date-said", 0.9)


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
        for hit in dates_in(view, match.end(), match.end() + 70)[:1]:
            gap = view.text[match.end() : hit.start]
            whole = hit.value.month and hit.source == "stated" and "\n" not in gap
            if whole and words.between_titled.fullmatch(gap) and words.titled_ends.match(view.text, hit.end):
                yield _mention(hit, hit.start, hit.end, "diagnosis-date-titled", 0.7)


def _bare_biopsy(view: NoteView, words: _Words) -> Iterator[Mention]:
    """Reads "Biopsy 22 April 2020." in a note that dates its diagnosis in no other way; the first alone counts."""
    for sentence in view.sentences:
        match = words.bare_biopsy.match(view.text, sentence.start, sentence.end)
        if match is None:
            continue
        for hit in dates_in(view, match.end(), sentence.end)[:1]:
            if hit.start == match.end() and hit.source == "stated" and len(view.text[hit.end : sentence.end]) <= 2:
                yield _mention(hit, sentence.start, hit.end, "diagnosis-date-bare-biopsy", 0.6)
                return


def _date_behind(view: NoteView, match: re.Match[str], words: _Words) -> DateHit | None:
    for hit in dates_in(view, match.end(), match.end() + 130):
        gap = view.text[match.end() : hit.start]
        is_loose = words.loose_said.fullmatch(match.group()) and words.loose_behind.fullmatch(gap)
        return hit if words.behind.fullmatch(gap) or is_loose else None
    return None


def _date_ahead(view: NoteView, match: re.Match[str], words: _Words) -> DateHit | None:
    sentence = view.sentence_at(match.start())
    for hit in reversed(dates_in(view, max(sentence.start, match.start() - 90), match.start())):
        gap = view.text[hit.end : match.start()]
        return hit if words.ahead.fullmatch(gap) else None
    return None


def _biopsies(view: NoteView, words: _Words) -> Iterator[Mention]:
    for sentence in view.sentences:
        text = view.text[sentence.start : sentence.end]
        biopsy = words.biopsy.search(text)
        proof = text if len(text) > _TERSE else view.text[sentence.start : sentence.end + _TERSE].partition("\n")[0]
        if not biopsy or not words.proved.search(proof) or words.again.search(text) or words.not_proved.search(text):
            continue
        hit = _of_biopsy(view, sentence, sentence.start + biopsy.start(), sentence.start + biopsy.end())
        if hit is not None:
            start, end = sentence.start + biopsy.start(), sentence.start + biopsy.end()
            yield _mention(hit, min(start, hit.start), max(end, hit.end), "diagnosis-date-biopsy", 0.75)


def _of_biopsy(view: NoteView, sentence: Sentence, start: int, end: int) -> DateHit | None:
    """The day that stands right beside the word for the biopsy."""
    near = [hit for hit in dates_in(view, sentence.start, sentence.end) if hit.source == "stated" and hit.value.month]
    for hit in near:
        gap = view.text[end : hit.start] if hit.start >= end else view.text[hit.end : start]
        if len(gap) <= 45 and not re.search(r"[.;]", gap):
            return hit
    return None


def _earliest(biopsies: list[Mention], told: list[Mention]) -> list[Mention]:
    """The first biopsy alone made the diagnosis, and none long after the day it is said to have been made on."""
    first = min((one.value for one in biopsies), default="")
    latest = max((one.value[:4] for one in told), default=first[:4])
    return [one for one in biopsies if one.value == first and one.value[:4] <= latest]


def _specimen(view: NoteView, words: _Words) -> Iterator[Mention]:
    """A pathology report that proves a carcinoma dates the diagnosis by its specimen."""
    if view.note.note_type != "pathology" or not words.proved.search(view.text):
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
