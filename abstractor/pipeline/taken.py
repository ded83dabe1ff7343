"""Stretches of a text that somebody has taken already. Says whether a new one touches any of them; knows nothing of what they mean."""

from bisect import bisect_right


class Taken:
    """Stretches without overlap, kept in order, so that a question costs the logarithm of their number."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def touches(self, start: int, end: int) -> bool:
        """Whether a stretch shares a character with one that is taken."""
        index = bisect_right(self._starts, start)
        if index and self._ends[index - 1] > start:
            return True
        return index < len(self._starts) and self._starts[index] < end

    def add(self, start: int, end: int) -> bool:
        """Takes a stretch, unless it touches one that is taken already; says whether it did."""
        if self.touches(start, end):
            return False
        index = bisect_right(self._starts, start)
        self._starts.insert(index, start)
        self._ends.insert(index, end)
        return True
