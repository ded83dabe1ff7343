"""Finds the date of death: "died on 3/4/22", "date of death: ...", "on 3 May he passed away". The day of a note is never one."""

import re
from collections.abc import Iterable

from abstractor.pipeline.dates import DateHit, dates_in
from abstractor.pipeline.mention import Extractor, Mention, StatedDate
from abstractor.pipeline.sieve import Expression, compiled_expression
from abstractor.pipeline.view import NoteView
from abstractor.rulebook.book import RuleBook

FIELD = "death_date"
_REACH = 110
_AHEAD = 24
"""Characters in front of a verb of dying in which stands that it did not happen."""


def build(rulebook: RuleBook) -> Extractor:
    """An extractor for death_date."""
    settings = rulebook.settings.get("death", {})

    def compiled(name: str) -> Expression:
        return compiled_expression(str(settings.get(name, "(?!)")), re.IGNORECASE)

    said, behind, ahead = compiled("said"), compiled("between_behind"), compiled("between_ahead")
    not_line, discharge = compiled("not_line"), compiled("discharge_code")
    not_ahead = compiled_expression(f"(?:{settings.get('not_ahead', '(?!)')})$", re.IGNORECASE)
    verb, loose_behind, loose_ahead = compiled("verb"), compiled("loose_behind"), compiled("loose_ahead")

    def date_of(view: NoteView, match: re.Match[str]) -> DateHit | None:
        is_verb = verb.fullmatch(match.group()) is not None
        for hit in dates_in(view, match.end(), match.end() + _REACH):
            gap = view.text[match.end() : hit.start]
            if is_verb and hit.value.month and loose_behind.fullmatch(gap):
                return hit
            if behind.fullmatch(view.text[match.end() : hit.start]):
                return hit
            break
        sentence = view.sentence_at(match.start())
        for hit in reversed(dates_in(view, max(sentence.start, match.start() - _REACH), match.start())):
            gap = view.text[hit.end : match.start()]
            near = ahead.fullmatch(gap) or (is_verb and hit.value.month and loose_ahead.fullmatch(gap))
            return hit if near else None
        return None

    def extract(view: NoteView) -> Iterable[Mention]:
        for match in said.finditer(view.text):
            line = view.text[view.text.rfind("\n", 0, match.start()) + 1 : match.start()]
            if discharge.fullmatch(match.group()) and not_line.search(line):
                continue
            if not_ahead.search(view.text, max(0, match.start() - _AHEAD), match.start()):
                continue
            hit = date_of(view, match)
            if hit is not None:
                iso = str(hit.value)
                start, end = min(match.start(), hit.start), max(match.end(), hit.end)
                yield Mention(FIELD, iso, start, end, "death-date", date=StatedDate(iso, hit.source), confidence=0.9)

    return extract
