"""What the extractors of results read at a time: a sentence, with dots that lead the eye through a table and pointers to figures taken out.

Offsets stay those of the note. It never joins what stands in different lines.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from abstractor.pipeline.sieve import compiled_expression, like
from abstractor.pipeline.view import NoteView

_LEADERS = compiled_expression(r"(?:[.\u2026_\u00b7](?: ?[.\u2026_\u00b7]){2,})")
"""Ki-67 ........ 90 %"""
_PICTURES = compiled_expression(
    r"[(\[](?:Figs?|Figures?|Tables?|Images?|Panels?)\b[^()\[\]\n]{0,40}[)\]]", re.IGNORECASE
)
"""Published cases point to a picture behind each stain."""
_LINE_END = compiled_expression(r"(?P<line>[^\n]*)\n(?=[ \t\r]*(?P<next>.?))")
_FULL = 40
"""A line of so many characters may have been full."""
_ENDS_IN_LEADERS = compiled_expression(r"[.\u2026_\u00b7]{3,}\s*$")


@dataclass(frozen=True, slots=True)
class Statement:
    """A stretch of the note and its words."""

    start: int
    words: str
    """As long as the stretch; leaders are blanks."""


def statements(view: NoteView) -> tuple[Statement, ...]:
    """The statements of a note, in order; worked out once for all extractors."""
    known = view.memo.get("statements")
    if isinstance(known, tuple):
        return cast("tuple[Statement, ...]", known)
    found = tuple(_statements(view))
    view.memo["statements"] = found
    return found


def _with_line_ends(clean: str, original: str) -> str:
    """Puts back the ends of lines: a clean text may run lines together that only look like one sentence. A long line that goes on with a
    small letter was broken only because it was full.
    """
    if "\n" not in original or len(clean) != len(original):
        return clean
    letters = list(clean)
    for match in _LINE_END.finditer(original):
        if not (match["next"].islower() and len(match["line"]) >= _FULL):
            letters[match.end("line")] = "\n"
    return "".join(letters)


def _statements(view: NoteView) -> Iterator[Statement]:
    start: int | None = None
    for sentence in view.sentences:
        first = sentence.start if start is None else start
        clean = view.words(first, sentence.end)
        raw = _with_line_ends(clean, view.note.text[first : sentence.end])
        # A splitter takes the last of the leading dots for a full stop.
        goes_on = _ENDS_IN_LEADERS.search(raw) and "\n" not in view.text[sentence.end : sentence.end + 2]
        if goes_on and sentence is not view.sentences[-1]:
            start = first
            continue
        start = None
        words = _PICTURES.sub(_blank, _LEADERS.sub(_blank, raw))
        yield Statement(first, like(clean, words) if words == raw else words)


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())
