"""Soft wrapping by display width: where each screen line of a text starts and ends, in code points of that text. Pure.

Lines end at a newline and nowhere else; no character is dropped, added or moved.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass

from rich.cells import get_character_cell_size

from abstractor.tui.safe import safe

TAB = 8

NOT_SINGLE = re.compile("[^ -~\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0482]")
"""Whatever may be drawn wider or narrower than one cell: most lines hold none of it and need no measuring."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """The screen lines of a text: line `i` is `text[starts[i]:ends[i]]`."""

    starts: list[int]
    ends: list[int]
    """Exclusive; a newline belongs to no line, a blank that the wrapping ate belongs to the line before it."""

    def __len__(self) -> int:
        return len(self.starts)

    def line_at(self, offset: int) -> int:
        """The screen line on which an offset lies."""
        return max(0, bisect_right(self.starts, offset) - 1)


def wrap(text: str, width: int) -> Wrapped:
    """Wraps a text at blanks, and within a word only where the word is wider than the screen.

    Args:
        text: a note as stored.
        width: cells of a line, at least 1; one character wider than that stands alone.
    """
    starts: list[int] = []
    ends: list[int] = []
    begin = 0
    for line in text.split("\n"):
        end = begin + len(line)
        seen = line.removesuffix("\r")
        if NOT_SINGLE.search(seen):
            if _fits(seen, width):
                starts.append(begin)
                ends.append(end)
            else:
                _wrap_measured(line, begin, width, starts, ends)
        elif len(seen) <= width:
            starts.append(begin)
            ends.append(end)
        else:
            _wrap_plain(seen, begin, width, starts, ends)
            ends[-1] = end
        begin = end + 1
    return Wrapped(starts, ends)


def _fits(line: str, width: int) -> bool:
    """Whether a line surely needs no wrapping: a quick look that spares most lines of a table the measuring of each character."""
    if "\t" not in line and 2 * len(line) <= width:
        return True
    return not NOT_SINGLE.search(line.replace("\t", " ")) and len(line.expandtabs(TAB)) <= width


def _wrap_plain(line: str, begin: int, width: int, starts: list[int], ends: list[int]) -> None:
    """A line of which every character is one cell wide."""
    at, length = 0, len(line)
    while length - at > width:
        blank = line.rfind(" ", at + 1, at + width + 1)
        cut = at + width if blank < 0 else blank + 1
        starts.append(begin + at)
        ends.append(begin + cut)
        at = cut
    starts.append(begin + at)
    ends.append(begin + length)


def _wrap_measured(line: str, begin: int, width: int, starts: list[int], ends: list[int]) -> None:
    start, column, break_at = 0, 0, -1
    at = 0
    while at < len(line):
        char = line[at]
        cells = TAB - column % TAB if char == "\t" else _WIDTHS[char]
        if char == " " and column + cells > width:
            cells = 0  # a blank at the edge stays, unseen, on its line
        if column + cells > width and at > start:
            cut = break_at if break_at > start else at
            starts.append(begin + start)
            ends.append(begin + cut)
            start = at = cut
            column, break_at = 0, -1
            continue
        column += cells
        at += 1
        if char in " \t":
            break_at = at
    starts.append(begin + start)
    ends.append(begin + len(line))


class _Widths(dict[str, int]):
    """Cells of each character met so far, as it is drawn."""

    def __missing__(self, char: str) -> int:
        width = self[char] = 0 if char == "\r" else get_character_cell_size(safe(char))
        return width


_WIDTHS = _Widths()


def column_of(text: str, start: int, offset: int) -> int:
    """The cell of a screen line, counted from 0, at which a character is drawn; `start` is where the line begins."""
    column = 0
    for char in text[start:offset]:
        column += cell_width(char, column)
    return column


def offset_at(text: str, start: int, end: int, column: int) -> int:
    """The character drawn at a cell of the line `text[start:end]`; its last one for a cell behind it.

    A combining character is drawn on the cell of the one before it, which is the one that is found.
    """
    at, last = 0, start
    for offset in range(start, end):
        cells = cell_width(text[offset], at)
        if cells:
            last = offset
        at += cells
        if at > column:
            break
    return last


def cell_width(char: str, column: int) -> int:
    """Cells that a character takes when it is drawn at a column: a tab runs to the next stop, a carriage return takes none."""
    if char == "\t":
        return TAB - column % TAB
    return _WIDTHS[char]


def drawn(text: str, column: int = 0) -> tuple[str, int]:
    """What is drawn for a part of a line that starts at a column, and the column behind it."""
    if not NOT_SINGLE.search(text):
        return text, column + len(text)
    parts: list[str] = []
    for char in text:
        cells = cell_width(char, column)
        column += cells
        if char == "\t":
            parts.append(" " * cells)
        elif char != "\r":
            parts.append(safe(char))
    return "".join(parts), column


def fit(text: str, width: int) -> str:
    """Data made safe and cut or padded to exactly `width` cells, for a column of a list."""
    shown: list[str] = []
    column = 0
    for char in safe(text.replace("\n", " ").replace("\t", " ")):
        cells = cell_width(char, column)
        if column + cells > width:
            break
        shown.append(char)
        column += cells
    return "".join(shown) + " " * (width - column)
