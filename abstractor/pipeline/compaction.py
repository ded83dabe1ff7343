"""Shortens stretches that state nothing (hundreds of blanks, rules of dashes, empty lines, encoded blobs) before a note is read, and
finds the way back. Patterns that step over white space would else take time that grows with the square of the stretch. It never
touches a character that could belong to a statement.
"""

import re
from collections.abc import Iterator

from abstractor.pipeline.edits import Edited, edited

_MOST_BLANKS = 16
"""Wide enough to tell a column from a word gap, short enough to be stepped over at once."""
_MOST_EMPTY_LINES = 3
_LONGEST_WORD = 160
"""Longer ones are keys and encoded pictures; the longest words of medicine and of HGVS stay far below."""

_STRETCH = re.compile(
    rf"(?P<lines>(?:[^\S\n]*\n){{{_MOST_EMPTY_LINES + 1},}})"
    rf"|(?P<blanks>[^\S\n]{{{_MOST_BLANKS + 1},}})"
    rf"|(?P<rule>(?P<sign>[-_=.*#~+|^:;,!?<>/\\])(?P=sign){{{_MOST_BLANKS},}})"
    rf"|(?P<blob>[A-Za-z0-9]{{{_LONGEST_WORD + 1},}})"
)


def compact(text: str) -> Edited:
    """Leaves out what goes beyond the first few characters of every idle stretch."""
    return edited(text, ((start, end, "") for start, end in _surplus(text)))


_SIGNS = tuple(sign * (_MOST_BLANKS + 1) for sign in "-_=.*#~+|^:;,!?<>/\\ ")
_LINES = re.compile(r"\n[^\S\n]*\n[^\S\n]*\n")
_ODD_BLANK = re.compile(r"[^\S \n]")


def _may_be_idle(text: str) -> bool:
    """Whether any stretch could be too long: told by quick searches, for most notes have none."""
    return (
        any(sign in text for sign in _SIGNS)
        or _ODD_BLANK.search(text) is not None
        or _LINES.search(text) is not None
        or max(map(len, text.split()), default=0) > _LONGEST_WORD
    )


def _surplus(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of what is left out."""
    if not _may_be_idle(text):
        return
    for found in _STRETCH.finditer(text):
        if found["lines"]:
            yield from _empty_lines(found)
        else:
            most = _LONGEST_WORD if found["blob"] else _MOST_BLANKS
            yield found.start() + most, found.end()


def _empty_lines(found: re.Match[str]) -> Iterator[tuple[int, int]]:
    """All but the last few of a stretch of empty lines; what the first of them ends stays where it is."""
    text, end = found[0], found.end()
    keep = end
    for _ in range(_MOST_EMPTY_LINES):
        keep = found.start() + text.rfind("\n", 0, keep - 1 - found.start()) + 1
    first = found.start() + text.index("\n") + 1
    if keep > first:
        yield first, keep
