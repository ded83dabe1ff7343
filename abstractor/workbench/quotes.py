"""Sentences of notes with the words that matter marked, for reports on a terminal and on a page. It decides nothing."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

Span = tuple[int, int]
_LONGEST = 400
"""Characters of a sentence shown around the marked words."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a quote."""

    text: str
    marks: tuple[str, ...] = ()
    """Names of the marks on it, sorted; () for plain words."""


def sentence_of(sentences: Sequence[Span], spans: Iterable[Span], length: int) -> Span:
    """The stretch from the sentence of the first span to that of the last one.

    Args:
        sentences: of the note, in order.
        spans: at least one; those far behind the first are left out.
        length: of the note.
    """
    ordered = sorted(spans)
    first, last = ordered[0], ordered[0]
    for one in ordered:
        if one[1] - first[0] <= _LONGEST:
            last = max(last, one, key=lambda span: span[1])
    start = _sentence_at(sentences, first[0], length)[0]
    end = max(last[1], _sentence_at(sentences, max(last[0], last[1] - 1), length)[1])
    return max(start, first[0] - _LONGEST), min(end, last[1] + _LONGEST, length)


def _sentence_at(sentences: Sequence[Span], offset: int, length: int) -> Span:
    index = bisect_right(sentences, offset, key=lambda one: one[0]) - 1
    if index < 0:
        return 0, length
    start, end = sentences[index]
    return (start, end) if offset < end else (offset, offset)


def quote(text: str, stretch: Span, marks: Iterable[tuple[Span, str]]) -> tuple[Part, ...]:
    """Cuts a stretch of a text at the borders of its marks; joined, the parts give the stretch.

    Args:
        text: the note's.
        stretch: what is quoted.
        marks: spans and the name of each one's mark; they may overlap.
    """
    here = [(max(span[0], stretch[0]), min(span[1], stretch[1]), name) for span, name in marks]
    here = [one for one in here if one[0] < one[1]]
    cuts = sorted({stretch[0], stretch[1], *(one[0] for one in here), *(one[1] for one in here)})
    return tuple(
        Part(text[start:end], tuple(sorted({name for begin, stop, name in here if begin <= start and end <= stop})))
        for start, end in pairwise(cuts)
    )


def bracketed(parts: Iterable[Part]) -> str:
    """A quote on one line, the marked words in double brackets, as examples of rules are written."""
    told = "".join(f"[[{part.text}]]" if part.marks else part.text for part in parts).replace("]][[", "")
    return " ".join(told.split())
