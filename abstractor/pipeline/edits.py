"""A text with some stretches put differently, and the way back to where everything stood. It knows no words and decides nothing."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

Edit = tuple[int, int, str]
"""Start and end of a stretch (end exclusive), and what stands in its place; it may be nothing."""


@dataclass(frozen=True, slots=True)
class Edited:
    """A text after its edits. What stands in for a stretch stands for the whole of it."""

    text: str
    starts: tuple[int, ...] = ()
    """Where each edit begins in `text`, ascending."""
    ends: tuple[int, ...] = ()
    """Where each ends in `text`; the same as its start for a stretch that was left out."""
    sources: tuple[tuple[int, int], ...] = ()
    """The stretch of the original that each stands for."""

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the original text that these offsets into `text` stand for; `end` is exclusive."""
        first = self._first(start)
        return first, max(self._last(end), first) if end > start else first

    def _first(self, offset: int) -> int:
        """Behind everything that was left out in front of this character; in front of the whole of a stretch that was put differently."""
        index = bisect_right(self.starts, offset) - 1
        if index < 0:
            return offset
        source = self.sources[index]
        return source[0] if offset < self.ends[index] else source[1] + offset - self.ends[index]

    def _last(self, end: int) -> int:
        """Before what was left out behind the last character; behind the whole of a stretch that was put differently."""
        index = bisect_left(self.starts, end) - 1
        if index < 0:
            return end
        source = self.sources[index]
        return source[1] if end <= self.ends[index] else source[1] + end - self.ends[index]


def edited(text: str, edits: Iterable[Edit]) -> Edited:
    """Makes the edits, which come in order and do not overlap."""
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    sources: list[tuple[int, int]] = []
    taken = length = 0
    for start, end, instead in edits:
        pieces += [text[taken:start], instead]
        length += start - taken
        starts.append(length)
        length += len(instead)
        ends.append(length)
        sources.append((start, end))
        taken = end
    if not starts:
        return Edited(text)
    pieces.append(text[taken:])
    return Edited("".join(pieces), tuple(starts), tuple(ends), tuple(sources))


def original(passes: Iterable[Edited], start: int, end: int) -> tuple[int, int]:
    """The way back through several passes, given in the order in which they were made."""
    for one in reversed(list(passes)):
        start, end = one.original(start, end)
    return start, end
