"""Guards against deciding unseen: a decision key counts only for a row that has been on screen for a moment, and a long run of quick
acceptances is remarked upon.

The first stops key repeat and keys that a slow line delivers in one burst. Neither ever delays anything.
"""

from collections.abc import Callable


class Dwell:
    """When which row was last painted for the first time."""

    def __init__(self, clock: Callable[[], float], minimum_ms: int) -> None:
        """Takes a clock that counts seconds and never goes back."""
        self._clock = clock
        self._minimum = minimum_ms / 1000
        self._row: object = None
        self._since: float | None = None

    def now(self) -> float:
        """Seconds on the clock."""
        return self._clock()

    def expect(self, row: object) -> None:
        """Another row is about to be shown; until `painted`, no decision counts."""
        if row != self._row:
            self._row = row
            self._since = None

    def painted(self, row: object) -> None:
        """The row and its evidence are on the screen."""
        if row == self._row and self._since is None:
            self._since = self._clock()

    def restart(self) -> None:
        """What is shown of the row has changed: it must be seen anew."""
        self._since = self._clock() if self._since is not None else None

    def allows(self, row: object) -> bool:
        """Whether a decision on this row was made with open eyes."""
        if self._minimum == 0:
            return True
        return row == self._row and self._since is not None and self._clock() - self._since >= self._minimum


class FastRun:
    """Counts acceptances that follow each other in less than a second."""

    LENGTH = 30
    """So many in a row are remarked upon, once."""
    QUICK = 1.0
    """Seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Takes a clock that counts seconds and never goes back."""
        self._clock = clock
        self._last: float | None = None
        self._run = 0

    def counted(self, *, accepted: bool) -> bool:
        """Takes note of a decision; whether it has just made the run long."""
        now = self._clock()
        quick = self._last is not None and now - self._last < self.QUICK
        self._last = now
        self._run = (self._run + 1 if quick else 1) if accepted else 0
        return self._run == self.LENGTH
