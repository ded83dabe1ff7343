"""Reads who the patient is: sex and birth date, for the registry's record. These are no facts of a note: they never leave with the findings."""

import re
from collections.abc import Iterable, Iterator, Mapping

from abstractor.pipeline.dates import dates_in
from abstractor.pipeline.mention import Extractor, Mention, StatedDate
from abstractor.pipeline.sieve import Expression, compiled_expression
from abstractor.pipeline.view import NoteView
from abstractor.rulebook.book import RuleBook

_REACH = 40


def build(rulebook: RuleBook) -> Extractor:
    """An extractor for sex and birth_date."""
    settings = rulebook.settings.get("identity", {})
    sexes = {
        value: [compiled_expression(one, re.IGNORECASE) for one in expressions]
        for value, expressions in _lists(settings.get("sex")).items()
    }
    veto = compiled_expression(_word(settings.get("sex"), "not_behind"), re.IGNORECASE)
    birth = settings.get("birth")
    cue = compiled_expression(_word(birth, "cue"), re.IGNORECASE)
    year = compiled_expression(_word(birth, "masked"), re.IGNORECASE)
    between = compiled_expression(_word(birth, "between"), re.IGNORECASE)

    def extract(view: NoteView) -> Iterable[Mention]:
        for value, expressions in sexes.items():
            for expression in expressions:
                for match in expression.finditer(view.text):
                    if veto.search(view.text, view.sentence_at(match.start()).start, match.start()):
                        continue
                    start, end = match.span(match.lastgroup or 0)
                    yield Mention("sex", value, start, end, f"sex-{value}")
        yield from _births(view, cue, between, year)

    return extract


def _births(view: NoteView, cue: Expression, between: Expression, year: Expression) -> Iterator[Mention]:
    """The date right behind "born" or "DOB"; the year alone where day and month are masked."""
    for match in cue.finditer(view.text):
        hits = dates_in(view, match.end(), match.end() + _REACH)
        masked = year.match(view.text, match.end())
        if hits and hits[0].source == "stated" and between.fullmatch(view.text[match.end() : hits[0].start]):
            yield _birth(str(hits[0].value), match.start(), hits[0].end)
        elif masked:
            yield _birth(masked["year"], match.start(), masked.end())


def _birth(iso: str, start: int, end: int) -> Mention:
    return Mention("birth_date", iso, start, end, "birth-date", date=StatedDate(iso, "stated"))


def _word(table: object, key: str) -> str:
    """A regular expression of the settings; one that never matches where it is missing."""
    return str(table.get(key, "(?!)")) if isinstance(table, Mapping) else "(?!)"


def _lists(table: object) -> dict[str, list[str]]:
    if not isinstance(table, Mapping):
        return {}
    return {str(key): [str(one) for one in value] for key, value in table.items() if isinstance(value, list)}
