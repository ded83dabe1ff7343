"""Finds spread in the specimens of a pathology report: "PLEURAL FLUID, CYTOLOGY: negative for malignant cells". Nothing but these reports."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from abstractor.model.finding import Assertion
from abstractor.pipeline.mention import Extractor, Mention
from abstractor.pipeline.sieve import Expression, compiled_expression
from abstractor.pipeline.view import NoteView
from abstractor.rulebook.book import RuleBook

RULE = "metastasis-specimen"
_LONGEST_DIAGNOSIS = 220
"""Characters behind the name of a specimen in which its diagnosis begins."""


def build(rulebook: RuleBook) -> Extractor:
    """An extractor for metastasis in specimens."""
    metastasis: Mapping[str, Any] = rulebook.settings.get("metastasis", {})
    settings: Mapping[str, Any] = metastasis.get("specimens", {})

    def compiled(name: str) -> Expression:
        return compiled_expression(str(settings.get(name, "(?!)")), re.IGNORECASE | re.MULTILINE)

    title, ends = compiled("title"), compiled("ends")
    malignant, benign, doubtful = compiled("malignant"), compiled("benign"), compiled("doubtful")
    sites = [
        (compiled_expression(str(expression), re.IGNORECASE), str(value))
        for value, expression in settings.get("sites", {}).items()
    ]

    def told(text: str, start: int, end: int) -> tuple[re.Match[str], Assertion] | None:
        """The first words of a diagnosis that settle it."""
        found = [(match, kind) for kind, match in _first(text, start, end) if match]
        return min(found, key=lambda one: one[0].start(), default=None)

    def _first(text: str, start: int, end: int) -> Iterator[tuple[Assertion, re.Match[str] | None]]:
        yield Assertion.ABSENT, benign.search(text, start, end)
        yield Assertion.UNCERTAIN, doubtful.search(text, start, end)
        yield Assertion.PRESENT, malignant.search(text, start, end)

    def extract(view: NoteView) -> Iterable[Mention]:
        if view.note.note_type != "pathology":
            return
        text = view.text
        for head in title.finditer(text):
            site = next((value for expression, value in sites if expression.search(head["specimen"])), None)
            stop = ends.search(text, head.end("specimen"), head.end() + _LONGEST_DIAGNOSIS)
            end = max(stop.start(), head.end()) if stop else min(len(text), head.end() + _LONGEST_DIAGNOSIS)
            diagnosis = told(text, head.end(), end) if site else None
            if site and diagnosis:
                match, assertion = diagnosis
                yield Mention("metastasis", site, *match.span(), RULE, assertion=assertion, confidence=0.8)

    return extract
